//! What is heard of a name piece by piece, each piece looked at before the next is read.
//!
//! The kernel tells of an exchange of two names as of two renames, one after the other, when both names have changed
//! already. Whoever reads between the two looks at what the second half has not told yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Announce, Backend, IdentityRule, Initial, SourcePlan};
use ledger::{Durability, Ledger, Options, SourceId};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use settle::{Completion, Pattern, Rule, Rules, Shape, What};
use watch::DirId;

use super::{Berth, Routes, Source};
use crate::clock::Clock;
use crate::notice::{Notice, Observer};
use crate::orders::Orders;
use crate::standing::Standing;

/// Nobody listens.
struct Nobody;

impl dispatch::Observer for Nobody {}

impl Observer for Nobody {
    fn notice(&self, _: &Notice<'_>) {}
}

/// A source that hears what it is told, and nothing else.
struct Told {
    source: Source,
    ledger: Ledger,
    id: SourceId,
    root: PathBuf,
    _dir: tempfile::TempDir,
}

impl Told {
    fn begin(announce: Announce) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("in");
        std::fs::create_dir(&root).unwrap();
        let (ledger, _) = Ledger::open(Options {
            state_dir: Some(dir.path().join("state")),
            site: "test".into(),
            durability: Durability::Process,
            owner: "test".into(),
        })
        .unwrap();
        let record = ledger.register_source("in", root.as_os_str().as_encoded_bytes()).unwrap();
        let sink = ledger.register_sink("out", "stdout").unwrap();
        let route = ledger.route(&[sink]).unwrap();
        let mut source = Source::new(Berth {
            plan: plan(&root, announce),
            id: record.id,
            routes: Routes { rules: vec![route], removals: vec![None], gaps: None },
            first_scan_done: true,
            armed_at: None,
            inode_in_identity: Some(true),
            incarnation: None,
            ledger: ledger.clone(),
            clock: Clock::start(),
            observer: Arc::new(Nobody),
            orders: Arc::new(Orders::default()),
            standing: Arc::new(Standing::default()),
            ask_room: Arc::new(|_, _, _| {}),
        })
        .unwrap();
        source.check_root();
        Self { source, ledger, id: record.id, root, _dir: dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&mut self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
        self.hear(&[(name, What::Created), (name, What::Closed)]);
    }

    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// The file goes away and comes back, and its change time tells.
    fn leave_and_return(&self, name: &str) {
        use std::os::unix::fs::MetadataExt as _;
        let changed = || std::fs::metadata(self.path(name)).map(|it| (it.ctime(), it.ctime_nsec())).unwrap();
        let before = changed();
        // Older kernels' clocks have ticks.
        while changed() == before {
            self.rename(name, "elsewhere");
            self.rename("elsewhere", name);
        }
    }

    fn exchange(&self, one: &str, two: &str) {
        renameat_with(CWD, self.path(one), CWD, self.path(two), RenameFlags::EXCHANGE).unwrap();
    }

    /// These events are read at once, and looked at before anything else is read.
    fn hear(&mut self, events: &[(&str, What)]) {
        for (name, what) in events {
            self.source.dirty.hear(DirId::ROOT, name.as_bytes(), *what);
        }
        let root = self.source.open_root().unwrap();
        self.source.look(&root);
        self.source.submit();
        self.ledger.flush().unwrap();
    }

    /// How often the name was announced, and whether it is believed to lie there.
    fn told(&self, name: &str) -> (usize, bool) {
        let records = self.ledger.records(self.id, name.as_bytes()).unwrap();
        let last = records.iter().max_by_key(|record| record.seq);
        (records.len(), last.is_some_and(|record| !record.absent))
    }
}

fn plan(root: &Path, announce: Announce) -> SourcePlan {
    let rule = Rule {
        name: "all".into(),
        include: vec![Pattern::parse("*").unwrap()],
        exclude: Vec::new(),
        completion: Completion::local(),
        to: vec!["out".into()],
        shape: Shape::default(),
    };
    SourcePlan {
        name: "in".into(),
        path: root.to_owned(),
        recursive: true,
        // So that the kernel does not tell it as well.
        backend: Backend::Poll,
        poll_interval: std::time::Duration::from_hours(1),
        poll_full: None,
        canary: false,
        rescan: None,
        initial: Initial::Deliver,
        follow_symlinks: false,
        identity: IdentityRule::Inode,
        announce,
        reannounce: None,
        gap_events: false,
        streams: Vec::new(),
        rules: Rules { rules: vec![rule], temp_names: Vec::new() },
    }
}

#[test]
fn an_exchange_that_is_heard_in_two_halves_is_announced_once_for_each_name() {
    use What::{MovedIn, MovedOut};
    for announce in [Announce::Generations, Announce::Arrivals] {
        let mut told = Told::begin(announce);
        told.write("a", "one");
        told.write("b", "longer");
        assert_eq!([told.told("a"), told.told("b")], [(1, true), (1, true)]);
        told.exchange("a", "b");
        told.hear(&[("a", MovedOut), ("b", MovedIn)]);
        told.hear(&[("b", MovedOut), ("a", MovedIn)]);
        assert_eq!([told.told("a"), told.told("b")], [(2, true), (2, true)], "{announce:?}");
    }
}

#[test]
fn an_exchange_that_is_heard_after_the_look_is_no_news() {
    use What::{Attrib, MovedIn, MovedOut};
    let mut told = Told::begin(Announce::Generations);
    told.write("a", "one");
    told.write("b", "longer");
    told.exchange("a", "b");
    told.hear(&[("b", Attrib)]);
    told.hear(&[("a", MovedOut), ("b", MovedIn), ("b", MovedOut), ("a", MovedIn)]);
    assert_eq!([told.told("a"), told.told("b")], [(2, true), (2, true)]);
}

#[test]
fn what_goes_away_and_comes_back_is_news() {
    use What::{MovedIn, MovedOut};
    let mut told = Told::begin(Announce::Generations);
    told.write("a", "one");
    told.leave_and_return("a");
    told.hear(&[("a", MovedOut)]);
    told.hear(&[("a", MovedIn)]);
    assert_eq!(told.told("a"), (2, true));
    told.rename("a", "x");
    told.hear(&[("a", MovedOut)]);
    assert_eq!(told.told("a"), (2, false));
    told.rename("x", "a");
    told.hear(&[("a", MovedIn)]);
    assert_eq!(told.told("a"), (3, true));
}

/// The change time of a file that was made within a tick of the clock says nothing.
#[test]
fn what_was_removed_or_written_is_judged_though_it_looks_the_same() {
    use What::{Closed, Created, Deleted, MovedOut};
    for events in [&[Deleted][..], &[Deleted, Created], &[MovedOut, Created], &[Closed, MovedOut]] {
        let mut told = Told::begin(Announce::Generations);
        told.write("a", "one");
        let events: Vec<_> = events.iter().map(|what| ("a", *what)).collect();
        told.hear(&events);
        assert_eq!(told.told("a"), (2, true), "{events:?}");
    }
}
