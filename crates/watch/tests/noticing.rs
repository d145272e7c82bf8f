//! What the watcher hears and what a walk finds, on a real directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use settle::{RuleMask, What};
use sys::Dir;
use watch::scan::Step;
use watch::{Backlog, Ear, Hint, Pace, RootChange, Scan, Settings, Wanted, Watcher};

/// A watcher and everything that it has told.
struct Rig {
    dir: tempfile::TempDir,
    backlog: Arc<Backlog>,
    watcher: Watcher,
    walks: u32,
    /// Paths that were heard of or found.
    seen: BTreeSet<Vec<u8>>,
    heard: Vec<(Vec<u8>, What)>,
    gone: u32,
    root: Option<RootChange>,
    overflows: u32,
}

impl Rig {
    fn new(wanted: Wanted, recursive: bool) -> Self {
        // Fanotify hears of a whole file system; this one has no other users worth mentioning.
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let backlog = Backlog::new();
        let mut watcher = Watcher::new(settings(dir.path(), wanted, recursive), &backlog);
        watcher.begin(&Dir::open_root(dir.path()).unwrap(), Duration::ZERO);
        assert_eq!(watcher.regions()[0].ear, Some(ear(wanted)), "{:?}", watcher.regions());
        let mut rig = Self {
            dir,
            backlog,
            watcher,
            walks: 0,
            seen: BTreeSet::new(),
            heard: Vec::new(),
            gone: 0,
            root: None,
            overflows: 0,
        };
        rig.walk_all();
        rig
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn walk_all(&mut self) {
        self.walks += 1;
        self.run(Scan::whole(self.walks));
    }

    fn run(&mut self, mut scan: Scan) {
        let root = Dir::open_root(self.dir.path()).unwrap();
        let seen = &mut self.seen;
        let mut all = |_: &[u8], mask: RuleMask| Some(mask);
        while scan.step(&mut self.watcher, &root, Duration::ZERO, &mut all, &mut |found| {
            seen.insert([found.dir_path, b"/", found.name].concat());
        }) == Step::More
        {}
        scan.forget_missing(&mut self.watcher);
    }

    /// Folds what has been read so far.
    fn fold(&mut self) {
        self.watcher.read_now();
        let mut directories = Vec::new();
        let (seen, heard) = (&mut self.seen, &mut self.heard);
        let (gone, root, overflows) = (&mut self.gone, &mut self.root, &mut self.overflows);
        let mut each = |tree: &watch::tree::Tree, hint: Hint<'_>| match hint {
            Hint::Entry { dir, name, what } => {
                let path = [tree.path(dir).unwrap_or_default().as_slice(), b"/", name].concat();
                seen.insert(path.clone());
                heard.push((path, what));
            }
            Hint::Directory(dir) => directories.push(dir),
            Hint::DirectoryGone => *gone += 1,
            Hint::Root(change) => *root = root.or(Some(change)),
            Hint::Overflow => *overflows += 1,
            Hint::Seen { .. } | Hint::Listed { .. } | Hint::Refused { .. } => panic!("nothing is polled"),
        };
        for chunk in self.backlog.take() {
            self.watcher.fold(&chunk, &mut each);
        }
        self.watcher.finish_batch(&mut each);
        for dir in directories {
            self.walks += 1;
            self.run(Scan::below(self.walks, dir));
        }
    }

    /// Folds until `done`, or fails after a while.
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done(self) {
            assert!(Instant::now() < deadline, "not in time: {what}; seen {} paths", self.seen.len());
            self.backlog.wait(Duration::from_millis(20));
            self.fold();
        }
    }
}

fn settings(root: &Path, wanted: Wanted, recursive: bool) -> Settings {
    let pace = Pace { interval: Duration::from_secs(1), full: None };
    Settings { root: root.to_owned(), recursive, follow: false, wanted, pace }
}

/// Marking a file system is for the privileged. Others get what is next best, and it says why.
fn ear(wanted: Wanted) -> Ear {
    let privileged = sys::Fanotify::open()
        .is_ok_and(|fanotify| fanotify.mark(&Dir::open_root(Path::new("/dev/shm")).unwrap()).is_ok());
    if wanted == Wanted::Fanotify && privileged { Ear::Fanotify } else { Ear::Inotify }
}

/// Each of these is run once for each backend that hears.
macro_rules! with_each_ear {
    ($($test:ident)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn inotify() {
                super::$test(Wanted::Inotify);
            }

            #[test]
            fn fanotify() {
                super::$test(Wanted::Fanotify);
            }
        }
    )*};
}

with_each_ear! {
    a_chain_of_directories_made_at_once_loses_no_file
    a_populated_directory_moved_in_is_listed_and_heard_from_then_on
    after_renaming_an_ancestor_events_carry_the_new_path
    a_directory_moved_out_is_forgotten_with_its_watches
    two_directories_can_change_places
    a_directory_that_is_not_to_be_watched_below_is_flat
    names_are_bytes
    what_appears_during_a_listing_is_listed_or_heard
}

fn bytes(path: &str) -> Vec<u8> {
    path.as_bytes().to_vec()
}

fn a_chain_of_directories_made_at_once_loses_no_file(wanted: Wanted) {
    let mut rig = Rig::new(wanted, true);
    for number in 0..200 {
        let dir = rig.path(&format!("{number}/a/b/c/d"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("f"), b"x").unwrap();
    }
    rig.until("200 files", |rig| rig.seen.iter().filter(|path| path.ends_with(b"/f")).count() == 200);
    assert_eq!(rig.watcher.tree().watched(), 200 * 5 + 1);
}

fn a_populated_directory_moved_in_is_listed_and_heard_from_then_on(wanted: Wanted) {
    let outside = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir_all(outside.path().join("d/e")).unwrap();
    fs::write(outside.path().join("d/e/old"), b"x").unwrap();
    let mut rig = Rig::new(wanted, true);
    fs::rename(outside.path().join("d"), rig.path("d")).unwrap();
    rig.until("the old file", |rig| rig.seen.contains(&bytes("d/e/old")));
    fs::write(rig.path("d/e/new"), b"x").unwrap();
    rig.until("the new file", |rig| rig.heard.contains(&(bytes("d/e/new"), What::Closed)));
}

fn after_renaming_an_ancestor_events_carry_the_new_path(wanted: Wanted) {
    let mut rig = Rig::new(wanted, true);
    fs::create_dir_all(rig.path("a/b/c")).unwrap();
    rig.until("the directories", |rig| rig.watcher.tree().watched() == 4);
    fs::rename(rig.path("a"), rig.path("z")).unwrap();
    fs::write(rig.path("z/b/c/f"), b"x").unwrap();
    rig.until("the file under its new path", |rig| rig.heard.contains(&(bytes("z/b/c/f"), What::Closed)));
    assert_eq!(rig.gone, 1);
    assert_eq!(rig.watcher.tree().watched(), 4);
}

fn a_directory_moved_out_is_forgotten_with_its_watches(wanted: Wanted) {
    let outside = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut rig = Rig::new(wanted, true);
    fs::create_dir_all(rig.path("a/b")).unwrap();
    rig.until("the directories", |rig| rig.watcher.tree().watched() == 3);
    fs::rename(rig.path("a"), outside.path().join("a")).unwrap();
    rig.until("it is forgotten", |rig| rig.watcher.tree().watched() == 1);
    fs::write(outside.path().join("a/b/f"), b"x").unwrap();
    fs::write(rig.path("g"), b"x").unwrap();
    rig.until("the next file", |rig| rig.seen.contains(&bytes("/g")));
    assert!(!rig.seen.iter().any(|path| path.ends_with(b"/f")), "{:?}", rig.seen);
}

fn two_directories_can_change_places(wanted: Wanted) {
    let mut rig = Rig::new(wanted, true);
    fs::create_dir_all(rig.path("a/in-a")).unwrap();
    fs::create_dir_all(rig.path("b/in-b")).unwrap();
    rig.until("the directories", |rig| rig.watcher.tree().watched() == 5);
    fs::rename(rig.path("a"), rig.path("t")).unwrap();
    fs::rename(rig.path("b"), rig.path("a")).unwrap();
    fs::rename(rig.path("t"), rig.path("b")).unwrap();
    fs::write(rig.path("a/in-b/f"), b"x").unwrap();
    fs::write(rig.path("b/in-a/g"), b"x").unwrap();
    rig.until("both files", |rig| {
        rig.heard.contains(&(bytes("a/in-b/f"), What::Closed))
            && rig.heard.contains(&(bytes("b/in-a/g"), What::Closed))
    });
}

fn a_directory_that_is_not_to_be_watched_below_is_flat(wanted: Wanted) {
    let mut rig = Rig::new(wanted, false);
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/below"), b"x").unwrap();
    fs::write(rig.path("f"), b"x").unwrap();
    rig.until("the file", |rig| rig.seen.contains(&bytes("/f")));
    assert_eq!(rig.seen.len(), 1, "{:?}", rig.seen);
    assert_eq!(rig.watcher.tree().watched(), 1);
}

#[test]
fn the_root_tells_of_its_own_end() {
    for (end, change) in [
        ((|path: &Path| fs::remove_dir(path).unwrap()) as fn(&Path), RootChange::Deleted),
        (|path: &Path| fs::rename(path, path.with_extension("away")).unwrap(), RootChange::Moved),
    ] {
        let mut rig = Rig::new(Wanted::Inotify, true);
        let path = rig.dir.path().to_owned();
        end(&path);
        rig.until("the root's end", |rig| rig.root.is_some());
        assert_eq!(rig.root, Some(change));
        let _ = fs::remove_dir(path.with_extension("away"));
    }
}

fn names_are_bytes(wanted: Wanted) {
    use std::os::unix::ffi::OsStrExt as _;
    let mut rig = Rig::new(wanted, true);
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe\n'\"");
    fs::write(rig.dir.path().join(name), b"x").unwrap();
    rig.until("the name", |rig| rig.heard.contains(&(b"/\xff\xfe\n'\"".to_vec(), What::Closed)));
}

#[test]
fn a_queue_that_overflows_says_so_once_and_a_walk_finds_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let inotify = sys::Inotify::open().unwrap();
    inotify.arm(&Dir::open_root(dir.path()).unwrap()).unwrap();
    let queue = sys::limits::max_queued_events().unwrap();
    for number in 0..queue {
        fs::write(dir.path().join(number.to_string()), b"").unwrap();
    }
    let mut buffer = vec![0; 1 << 20];
    let mut overflows = 0;
    loop {
        let filled = inotify.read(&mut buffer).unwrap();
        if filled == 0 {
            break;
        }
        let events = sys::inotify::events(&buffer[..filled]);
        overflows += events.filter(|event| event.mask & sys::inotify::Q_OVERFLOW != 0).count();
    }
    assert_eq!(overflows, 1);
    let mut watcher = Watcher::new(settings(dir.path(), Wanted::Inotify, true), &Backlog::new());
    let root = Dir::open_root(dir.path()).unwrap();
    watcher.begin(&root, Duration::ZERO);
    let mut scan = Scan::whole(1);
    let mut found = 0;
    while scan.step(&mut watcher, &root, Duration::ZERO, &mut |_, mask| Some(mask), &mut |_| found += 1)
        == Step::More
    {}
    assert_eq!(found, queue);
}

/// The listing may be past the place where a new name goes, so only an armed directory loses nothing.
fn what_appears_during_a_listing_is_listed_or_heard(wanted: Wanted) {
    let mut rig = Rig::new(wanted, true);
    let late: Vec<String> = (0..50).map(|number| format!("d/late{number}")).collect();
    fs::create_dir(rig.path("d")).unwrap();
    fs::write(rig.path("d/first"), b"x").unwrap();
    let root = Dir::open_root(rig.dir.path()).unwrap();
    let mut all = |_: &[u8], mask: RuleMask| Some(mask);
    let mut scan = Scan::whole(rig.walks + 1);
    let mut listed = BTreeSet::new();
    while scan.step(&mut rig.watcher, &root, Duration::ZERO, &mut all, &mut |found| {
        if found.name == b"first" {
            for name in &late {
                fs::write(rig.dir.path().join(name), b"x").unwrap();
            }
        }
        listed.insert([found.dir_path, b"/", found.name].concat());
    }) == Step::More
    {}
    rig.seen.append(&mut listed);
    rig.until("every late file", |rig| late.iter().all(|name| rig.seen.contains(name.as_bytes())));
}
