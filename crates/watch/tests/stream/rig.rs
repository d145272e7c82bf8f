//! A stream, somebody who believes each word of it, and the tree as it is.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::{Happening, HappeningSet};
use watch::{Bell, Existing, Root, Stream, StreamBackend, StreamSettings, Told};

/// Paths below a root, and whether each is a directory.
pub(crate) type Paths = BTreeMap<Vec<u8>, bool>;

pub(crate) struct Rig {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) stream: Stream,
    pub(crate) believer: Believer,
    started: Instant,
    pub(crate) root: Root,
}

/// Applies what is told to what lay there, and stops at nonsense.
#[derive(Default)]
pub(crate) struct Believer {
    pub(crate) paths: Paths,
    /// Taken away by the first half of a rename.
    away: HashMap<u32, Paths>,
    /// All that was told, as text: `create d/ x` for a directory, `+` for what is synthetic.
    pub(crate) told: Vec<String>,
    pub(crate) overflows: usize,
    /// What is done when this text is told, in the middle of a turn.
    pub(crate) then: Option<(String, Box<dyn FnOnce()>)>,
}

impl Believer {
    pub(crate) fn hear(&mut self, told: Told<'_>) {
        let mark = if told.synthetic { "+" } else { "" };
        let slash = if told.is_dir { "/" } else { "" };
        let text = format!("{mark}{} {}{slash}", told.what.name(), told.path.escape_ascii());
        self.told.push(text.clone());
        if let Some((_, act)) = self.then.take_if(|(at, _)| *at == text) {
            act();
        }
        assert_eq!(told.cookie != 0, matches!(told.what, Happening::MovedFrom | Happening::MovedTo));
        match told.what {
            Happening::Create => {
                let before = self.paths.insert(told.path.to_vec(), told.is_dir);
                assert_eq!(before, None, "{text}: it was there\n{}", self.last());
                self.assert_parent(told.path);
            }
            Happening::Delete => {
                let gone = self.take(told.path);
                assert_eq!(gone.len(), 1, "{text}: {gone:?}\n{}", self.last());
            }
            Happening::MovedFrom => {
                let gone = self.take(told.path);
                assert!(!gone.is_empty(), "{text}\n{}", self.last());
                self.away.insert(told.cookie, gone);
            }
            Happening::MovedTo => {
                let covered = self.take(told.path);
                assert!(covered.len() < 2, "{text}: {covered:?}\n{}", self.last());
                let alone = Paths::from([(Vec::new(), told.is_dir)]);
                for (below, is_dir) in self.away.remove(&told.cookie).unwrap_or(alone) {
                    self.paths.insert([told.path, &below].concat(), is_dir);
                }
                self.assert_parent(told.path);
            }
            Happening::Overflow => self.overflows += 1,
            _ => {}
        }
    }

    fn assert_parent(&self, path: &[u8]) {
        if let Some(at) = path.iter().rposition(|&byte| byte == b'/') {
            assert_eq!(self.paths.get(&path[..at]), Some(&true), "{}\n{}", path.escape_ascii(), self.last());
        }
    }

    /// Takes a path with all below it; gives them by what stands behind the path.
    fn take(&mut self, path: &[u8]) -> Paths {
        let below = [path, b"/"].concat();
        let gone: Vec<_> =
            self.paths.keys().filter(|at| **at == path || at.starts_with(&below)).cloned().collect();
        gone.into_iter().map(|at| (at[path.len()..].to_vec(), self.paths.remove(&at).unwrap())).collect()
    }

    pub(crate) fn last(&self) -> String {
        self.told[self.told.len().saturating_sub(60)..].join("\n")
    }
}

pub(crate) const ALL: HappeningSet = HappeningSet::ALL;

/// What changes names, and no more.
pub(crate) fn names() -> HappeningSet {
    use Happening::{Create, Delete, DeleteSelf, MoveSelf, MovedFrom, MovedTo};
    [Create, Delete, DeleteSelf, MoveSelf, MovedFrom, MovedTo]
        .into_iter()
        .fold(HappeningSet::EMPTY, HappeningSet::with)
}

pub(crate) fn events(wanted: HappeningSet) -> StreamSettings {
    StreamSettings { recursive: true, wanted, backend: StreamBackend::Events }
}

pub(crate) fn polled(wanted: HappeningSet) -> StreamSettings {
    let every = Duration::from_millis(20);
    StreamSettings { backend: StreamBackend::Polled { every }, ..events(wanted) }
}

impl Rig {
    pub(crate) fn new(settings: StreamSettings) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), settings)
    }

    /// With what lies in `dir` already, which is not told.
    pub(crate) fn in_dir(dir: tempfile::TempDir, settings: StreamSettings) -> Self {
        let stream = Stream::new(settings, Bell::new().unwrap()).unwrap();
        let mut rig =
            Self { dir, stream, believer: Believer::default(), started: Instant::now(), root: Root::Alive };
        rig.believer.paths = tree(rig.dir.path());
        rig.begin(Existing::Silent);
        rig
    }

    pub(crate) fn begin(&mut self, existing: Existing) {
        let (root, now) = (self.dir.path().to_owned(), self.started.elapsed());
        self.stream.begin(&root, existing, now, &mut |told| self.believer.hear(told)).unwrap();
        self.root = Root::Alive;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn turn(&mut self) {
        let root = self.stream.turn(self.started.elapsed(), &mut |told| self.believer.hear(told));
        if root != Root::Alive {
            self.root = root;
        }
    }

    /// Turns until `done`, or fails after a while.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            self.turn();
            if done(self) {
                return;
            }
            assert!(Instant::now() < deadline, "not in time: {what}; told last:\n{}", self.believer.last());
            self.stream.wait(Duration::from_millis(20));
        }
    }

    pub(crate) fn until_told(&mut self, text: &str) {
        self.until(text, |rig| rig.believer.told.iter().any(|told| told == text));
    }

    /// Turns until the believer has the tree as it is.
    pub(crate) fn until_equal(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            self.turn();
            let tree = tree(self.dir.path());
            if tree == self.believer.paths {
                return;
            }
            assert!(Instant::now() < deadline, "{}\n{}", self.believer.last(), self.difference(&tree));
            self.stream.wait(Duration::from_millis(20));
        }
    }

    fn difference(&self, tree: &Paths) -> String {
        let without = |one: &Paths, other: &Paths| {
            let only = one.iter().filter(|(path, is_dir)| other.get(*path) != Some(is_dir));
            only.map(|(path, _)| path.escape_ascii().to_string()).collect::<Vec<_>>()
        };
        let (known, there) = (&self.believer.paths, tree);
        format!("believed {:?}\nthere {:?}", without(known, there), without(there, known))
    }

    /// Turns until the believer knows of so many paths.
    pub(crate) fn until_equal_to(&mut self, paths: usize) {
        self.until("so many paths", |rig| rig.believer.paths.len() >= paths);
    }

    /// Makes the kernel's queue overflow; nothing is left of what did it.
    pub(crate) fn overflow(&self) {
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
        for _ in 0..limit.trim().parse::<usize>().unwrap() / 2 + 100 {
            // Two events that the kernel does not take for one.
            fs::File::create(self.path("flood")).unwrap();
            fs::remove_file(self.path("flood")).unwrap();
        }
    }

    /// What was told since it was asked last.
    pub(crate) fn take_told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.believer.told)
    }

    /// All that is told of what has happened: something is made for it that comes last.
    pub(crate) fn told_by_now(&mut self) -> Vec<String> {
        let path = self.path("the-end");
        fs::write(&path, b"").unwrap();
        fs::remove_file(&path).unwrap();
        self.until("the end", |rig| rig.believer.told.iter().any(|told| told == "delete the-end"));
        let mut told = self.take_told();
        told.retain(|told| !told.ends_with(" the-end"));
        told
    }
}

/// The tree as it is.
pub(crate) fn tree(root: &Path) -> Paths {
    let mut paths = Paths::new();
    let mut todo = vec![(root.to_owned(), Vec::new())];
    while let Some((at, path)) = todo.pop() {
        // It may be gone meanwhile, which the next look shows.
        let Ok(entries) = fs::read_dir(&at) else { continue };
        for entry in entries.flatten() {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
            let below = [&path, slash, entry.file_name().as_bytes()].concat();
            if is_dir {
                todo.push((entry.path(), below.clone()));
            }
            paths.insert(below, is_dir);
        }
    }
    paths
}
