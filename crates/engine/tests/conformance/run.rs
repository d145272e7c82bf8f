//! Playing a script with one way of noticing, and judging what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, UNIX_EPOCH};

use config::Backend;
use serde_json::Value;
use settle::{RuleMask, Selection};

use crate::backends;
use crate::ground::Ground;
use crate::rig::{Rig, within};
use crate::script::{Line, Name, Step, parse};
use crate::truth::{Demand, Truth};

/// Plays a script and judges the end.
pub(crate) fn run(script: &str, backend: Backend) {
    let _ = run_and_list(script, backend);
}

/// The same; gives what the script left (nothing where the backend is not to be had), with sizes.
pub(crate) fn run_and_list(script: &str, backend: Backend) -> Option<BTreeMap<Name, u64>> {
    let mut play = Play::begin(start(backend)?);
    for Line { text, step } in parse(script) {
        play.line = text;
        play.step(&step);
    }
    let left = play.ground.files(b"in").into_iter();
    let left = left.map(|(path, stat)| (path[3..].to_vec(), stat.st_size as u64));
    let left = left.filter(|(path, _)| !path.starts_with(BARRIER)).collect();
    play.finish();
    Some(left)
}

/// Plays a script for its events only: whether everything came before the tree was compared as a whole.
pub(crate) fn is_heard_at_once(script: &str, backend: Backend) -> Option<bool> {
    // Polling must do without full passes.
    let mut play = Play::begin(start_with(backend, Duration::from_hours(1))?);
    let last_scan = |play: &Play| play.rig.status()["sources"][0]["last_scan"].clone();
    let before = last_scan(&play);
    for Line { text, step } in parse(script) {
        play.line = text;
        play.step(&step);
    }
    play.settle();
    Some(last_scan(&play) == before)
}

/// An engine that notices that way, or nothing where that is not to be had.
pub(crate) fn start(backend: Backend) -> Option<Rig> {
    start_with(backend, Duration::from_millis(500))
}

fn start_with(backend: Backend, poll_full: Duration) -> Option<Rig> {
    let rig = Rig::start(|plan| {
        let source = &mut plan.sources[0];
        source.backend = backend;
        source.poll_interval = Duration::from_millis(100);
        source.poll_full = Some(poll_full);
    });
    backends::runs(&rig, backend).then_some(rig)
}

/// Longer than the time for which polling distrusts the time of a directory that has just changed.
const OLD: Duration = Duration::from_secs(4);

/// How files are called that are made to see that everything before them is through.
const BARRIER: &[u8] = b"barrier-";

struct Play {
    rig: Rig,
    ground: Ground,
    truth: Truth,
    /// The step that is being done.
    line: String,
    barriers: usize,
}

impl Play {
    fn begin(rig: Rig) -> Self {
        let ground = Ground::new(rig.root().parent().unwrap());
        Self { rig, ground, truth: Truth::default(), line: String::new(), barriers: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Settle => self.settle(),
            Step::Known => {
                self.settle();
                self.check_known();
            }
            Step::Rescan => {
                self.rig.rescan_only();
                self.settle();
            }
            Step::Old(name) => self.until_old(name),
            Step::State(state) => self.until_state(state),
            Step::Down => self.rig.down(),
            Step::Up => self.rig.up(),
            step => self.act(step),
        }
    }

    /// Does something on the disk and looks at what became of the names concerned.
    fn act(&mut self, step: &Step) {
        let closing = match step {
            Step::Close(label) | Step::More(label, _) => Some(self.ground.inode_of_writer(label)),
            _ => None,
        };
        self.ground.act(step).unwrap_or_else(|error| panic!("`{}`: {error}", self.line));
        if let Some(inode) = closing {
            return self.look_at_inode(inode);
        }
        match step {
            Step::Write(name, _) | Step::Append(name, _) | Step::Open(name, _) => self.look_at_written(name),
            Step::Touch(name) => self.look(name, Demand::May),
            Step::Rename(one, two) | Step::Exchange(one, two) | Step::Link(one, two) => {
                self.look_at_renamed_writer(step, two);
                self.look(one, Demand::Must);
                self.look(two, Demand::Must);
            }
            // With the root; whether anybody learnt of each file before is open.
            Step::RmAll(name) if name == b"in" => self.truth.only(b"", &BTreeSet::new(), false),
            Step::Tmpfile(name, _) | Step::Rm(name) | Step::RmAll(name) => self.look(name, Demand::Must),
            // Directories, links and permissions are no files.
            _ => {}
        }
    }

    /// All names of the file have new content; events tell of one of them.
    fn look_at_written(&mut self, name: &Name) {
        let Some(stat) = self.ground.stat(name) else { return };
        self.truth.wrote(stat.st_ino);
        self.look(name, Demand::Must);
        if stat.st_nlink > 1 {
            for other in self.truth.names_of(stat.st_ino) {
                self.look(&[b"in/", &*other].concat(), Demand::OnceCompared);
            }
        }
    }

    fn look_at_inode(&mut self, inode: u64) {
        self.truth.wrote(inode);
        for name in self.truth.names_of(inode) {
            self.look(&[b"in/", &*name].concat(), Demand::Must);
        }
    }

    /// The preset `local` believes a rename to a name, whoever has the file open: it may be announced
    /// as it is just now, and is announced when it is closed.
    fn look_at_renamed_writer(&mut self, step: &Step, name: &[u8]) {
        if let (Step::Rename(..), Some(below), Some(stat)) = (step, below(name), self.ground.stat(name))
            && self.ground.is_being_written(stat.st_ino)
        {
            self.truth.saw(below, &stat, false, Demand::May);
        }
    }

    /// Notes what lies at and below a name.
    fn look(&mut self, name: &[u8], demand: Demand) {
        // Where the root itself was renamed away, nothing went away below it.
        let (Some(below), Some(_)) = (below(name), self.ground.stat(b"in")) else { return };
        let mut there = BTreeSet::new();
        for (path, stat) in self.ground.files(name) {
            let path = path[3..].to_vec();
            let being_written = self.ground.is_being_written(stat.st_ino);
            self.truth.saw(&path, &stat, being_written, demand);
            there.insert(path);
        }
        if name != b"in" {
            self.truth.only(below, &there, self.rig.is_up());
        }
    }

    fn is_taken(&self, path: &[u8]) -> bool {
        let rules = &self.rig.plan().sources[0].rules;
        matches!(rules.select(path, RuleMask::EMPTY), Selection::Taken(_))
    }

    /// Time must pass, for the time of its last change to say something for itself.
    fn until_old(&self, name: &[u8]) {
        let changed = self.ground.stat(name).unwrap();
        let changed = UNIX_EPOCH + Duration::new(changed.st_ctime as u64, changed.st_ctime_nsec as u32);
        self.rig.until("it is old", || changed.elapsed().is_ok_and(|age| age > OLD));
    }

    fn until_state(&self, state: &str) {
        let is_so = || self.rig.status()["sources"][0]["state"] == state;
        assert!(within(is_so), "`{}` never came: {}", self.line, self.said());
    }

    /// Waits until everything so far is through; a file made now comes after it.
    fn settle(&mut self) {
        self.wait_for_all(Demand::Must);
        self.barriers += 1;
        let number = self.barriers.to_string();
        self.act(&Step::Write([b"in/", BARRIER, number.as_bytes()].concat(), b"x".to_vec()));
        self.wait_for_all(Demand::Must);
        self.nothing_wrong();
    }

    fn wait_for_all(&self, least: Demand) {
        let (mut missing, mut looked_at) = (Vec::new(), None);
        let done = within(|| {
            let received = self.rig.received();
            if looked_at.replace(received) != Some(received) {
                missing = self.truth.missing(&self.rig.all(), least, |path| self.is_taken(path));
            }
            missing.is_empty()
        });
        assert!(done, "after `{}`: not announced:\n{}\n{}", self.line, missing.join("\n"), self.said());
    }

    fn nothing_wrong(&self) {
        let wrong = self.truth.wrong(&self.rig.all());
        assert!(wrong.is_empty(), "after `{}`:\n{}\n{}", self.line, wrong.join("\n"), self.said());
    }

    fn said(&self) -> String {
        format!("{}\n{}", self.rig.said().join("\n"), self.rig.status())
    }

    /// Everything is through without a comparison that anybody ordered; after one, nothing is different
    /// but what only a comparison can find.
    fn finish(mut self) {
        "the end".clone_into(&mut self.line);
        self.settle();
        self.rig.rescan_only();
        self.wait_for_all(Demand::OnceCompared);
        self.settle();
        self.check_known();
        self.check_explained();
        let source = &self.rig.status()["sources"][0];
        assert_eq!(source["gaps_open"], 0, "{source}");
        assert!(source["state"] == "ok" || source["unreadable"].as_u64() > Some(0), "{source}");
    }

    fn check_known(&self) {
        let (must, may) = self.truth.known(|path| self.is_taken(path));
        let mut known = BTreeSet::new();
        let done = within(|| {
            known = known_paths(&self.rig);
            known.is_superset(&must) && known.difference(&must).all(|path| may.contains(path))
        });
        let shown = |paths: Vec<&Name>| paths.iter().map(|path| model::text::safe(path)).collect::<Vec<_>>();
        let (stale, lost) =
            (shown(known.difference(&must).collect()), shown(must.difference(&known).collect()));
        assert!(done, "known though gone: {stale:?}; there though not known: {lost:?}\n{}", self.said());
    }
}

/// So many paths of a kind are asked about.
const ASKED: usize = 10;

impl Play {
    /// `explain` says of what lies there that it was delivered, and of what went away that it is gone.
    fn check_explained(&self) {
        let (there, _) = self.truth.known(|path| self.is_taken(path));
        for path in there.iter().take(ASKED) {
            self.until_explained(path, |said| said["state"] == "delivered" && !is_said_gone(said));
        }
        let gone = self.truth.gone(&self.rig.all()).into_iter();
        let gone = gone.filter(|path| self.ground.stat(&[b"in/", &**path].concat()).is_none());
        gone.take(ASKED).for_each(|path| self.until_explained(&path, is_said_gone));
    }

    /// What a sink acknowledges is recorded a moment later.
    fn until_explained(&self, path: &[u8], done: impl Fn(&Value) -> bool) {
        let mut said = Value::Null;
        let explained = within(|| {
            said = self.rig.explain(OsStr::from_bytes(path));
            done(&said)
        });
        assert!(explained, "not so: {said}");
    }
}

/// Gone after it was announced, or a later file of the name before it was complete.
fn is_said_gone(said: &Value) -> bool {
    said["state"] == "gone" || !said["removed_at"].is_null()
}

/// The paths whose last generation the ledger believes to lie there.
fn known_paths(rig: &Rig) -> BTreeSet<Name> {
    let mut last: BTreeMap<Name, (u64, bool)> = BTreeMap::new();
    for unit in rig.units() {
        let (Some(generation), Some(absent)) = (unit["generation"].as_u64(), unit["absent"].as_bool()) else {
            // Waiting or ignored: not in the ledger.
            continue;
        };
        let gone = absent || unit["state"] == "gone";
        let path = model::text::json_path(&unit, "path").unwrap();
        let row = last.entry(path).or_insert((generation, gone));
        if generation >= row.0 {
            *row = (generation, gone);
        }
    }
    last.into_iter().filter(|(_, (_, gone))| !gone).map(|(path, _)| path).collect()
}

/// The part of a name below the root.
fn below(name: &[u8]) -> Option<&[u8]> {
    name.strip_prefix(b"in/").or_else(|| (name == b"in").then_some(b""))
}
