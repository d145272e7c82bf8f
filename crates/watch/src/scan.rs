//! Walking the tree: arm first, then list, then go down; a step at a time.

use std::collections::HashMap;

use settle::{Mono, RuleMask};
use sys::Listing;
use sys::{Dir, EntryKind, Errno};

use crate::poll::OVERDUE;
use crate::tree::DirId;
use crate::watcher::Watcher;

/// An entry that a scan came by.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The directory it lies in.
    pub dir: DirId,
    /// The directory's path below the root.
    pub dir_path: &'a [u8],
    /// The open directory, to look at the entry.
    pub open: &'a Dir,
    /// Its name.
    pub name: &'a [u8],
    /// What it is, as far as the directory says.
    pub kind: EntryKind,
}

/// Tells for a directory's path and its parent's mask the directory's own mask, or nothing if it need
/// not be walked.
pub type Mask<'a> = dyn FnMut(&[u8], RuleMask) -> Option<RuleMask> + 'a;

/// A walk over a source's tree or a part of it that can be paused anywhere.
///
/// Because each directory is armed before it is listed, whatever appears meanwhile is either
/// listed or heard, or both. Directories in slow regions are left to scanners; their answers come as
/// hints, and the walk is told by [`Scan::answered`].
#[derive(Debug)]
pub struct Scan {
    number: u32,
    todo: Vec<DirId>,
    /// The directory that is being listed.
    open: Option<Open>,
    /// What scanners were sent to, and when.
    asked: HashMap<DirId, Mono>,
    /// When a step first knew of the latest answer to one of them.
    heard: Mono,
    /// Whether an answer to one of them has come since the last step.
    hears: bool,
    whole: bool,
    directories: u64,
    entries: u64,
    /// Directories that could not be read: path below the root and why. Bounded; the count is not.
    unreadable: Vec<(Vec<u8>, Errno)>,
    unreadable_count: u64,
}

#[derive(Debug)]
struct Open {
    dir: DirId,
    path: Vec<u8>,
    listing: Listing,
    below: Vec<Box<[u8]>>,
}

/// How many unreadable directories are named.
const NAMED: usize = 16;
/// So many entries of one directory are listed in a step.
const SLICE: usize = 4096;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    More,
    /// Only scanners' answers are missing.
    Waiting,
    /// Everything was walked.
    Done,
}

impl Scan {
    /// A walk over everything. Each walk has its own number, greater than that of those before.
    #[must_use]
    pub fn whole(number: u32) -> Self {
        Self { whole: true, ..Self::below(number, DirId::ROOT) }
    }

    /// A walk over one directory and all below it.
    #[must_use]
    pub fn below(number: u32, dir: DirId) -> Self {
        Self {
            number,
            todo: vec![dir],
            open: None,
            asked: HashMap::new(),
            heard: Mono::ZERO,
            hears: false,
            whole: false,
            directories: 0,
            entries: 0,
            unreadable: Vec::new(),
            unreadable_count: 0,
        }
    }

    /// Adds another directory to walk.
    pub fn add(&mut self, dir: DirId) {
        self.todo.push(dir);
    }

    /// Whether it walks the whole tree.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// The walk's number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Directories walked so far and directories known but not walked yet.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.directories, (self.todo.len() + self.asked.len() + usize::from(self.open.is_some())) as u64)
    }

    /// Entries seen so far.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Directories that could not be read (the first few by name), and how many there were.
    #[must_use]
    pub fn unreadable(&self) -> (&[(Vec<u8>, Errno)], u64) {
        (&self.unreadable, self.unreadable_count)
    }

    /// Walks one directory or a slice of it. `each` gets every entry that is no directory (and what
    /// may be one, where the file system does not say).
    pub fn step(
        &mut self,
        watcher: &mut Watcher,
        root: &Dir,
        now: Mono,
        mask: &mut Mask<'_>,
        each: &mut impl FnMut(Found<'_>),
    ) -> Step {
        watcher.set_now(now);
        if self.open.is_none()
            && let Some(dir) = self.todo.pop()
            && let Some(path) = watcher.tree().path(dir)
        {
            if watcher.is_automount(&path) {
                // To open it would mount it. Only what is mounted there already is walked.
                watcher.tree_mut().set_scanned(dir, self.number);
                let below = watcher.mounted_below(&path);
                self.go_down(watcher, dir, &path, &below, mask);
            } else if watcher.settle_region(dir, &path) {
                self.asked.insert(dir, now);
                watcher.visit(dir);
            } else {
                self.open(watcher, root, dir, path);
            }
        }
        self.list(watcher, mask, each);
        if std::mem::take(&mut self.hears) {
            self.heard = now;
        }
        let only_waits = self.open.is_none() && self.todo.is_empty();
        if only_waits {
            self.expire(watcher, now);
        }
        match (only_waits, self.asked.is_empty()) {
            (false, _) => Step::More,
            (true, false) => Step::Waiting,
            (true, true) => Step::Done,
        }
    }

    fn open(&mut self, watcher: &mut Watcher, root: &Dir, dir: DirId, path: Vec<u8>) {
        let open = match root.open_below(&path) {
            Ok(open) => open,
            // It went away between being named and being opened: its events say the rest.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) if !path.is_empty() => {
                return watcher.drop_dir(dir);
            }
            Err(error) => return self.refused(&path, error),
        };
        if !switch::is_off("arming-before-listing") {
            watcher.arm(dir, &open);
        }
        watcher.tree_mut().set_scanned(dir, self.number);
        self.directories += 1;
        self.open = Some(Open { dir, path, listing: open.into_listing(), below: Vec::new() });
    }

    fn list(&mut self, watcher: &mut Watcher, mask: &mut Mask<'_>, each: &mut impl FnMut(Found<'_>)) {
        let Some(Open { dir, path, mut listing, mut below }) = self.open.take() else { return };
        let listed = listing.next_slice(SLICE, &mut |open, name, kind| {
            self.entries += 1;
            let kind = match kind {
                // Some file systems do not say in a listing.
                EntryKind::Unknown => open.look_at(name).map_or(kind, |look| look.kind()),
                kind => kind,
            };
            if kind == EntryKind::Directory {
                below.push(name.into());
            } else {
                each(Found { dir, dir_path: &path, open, name, kind });
            }
        });
        match listed {
            Ok(true) => self.open = Some(Open { dir, path, listing, below }),
            Ok(false) if switch::is_off("arming-before-listing") => {
                watcher.arm(dir, listing.dir());
                self.go_down(watcher, dir, &path, &below, mask);
            }
            Ok(false) => self.go_down(watcher, dir, &path, &below, mask),
            Err(error) => {
                self.refused(&path, error);
                self.go_down(watcher, dir, &path, &below, mask);
            }
        }
    }

    /// A scanner has listed a directory that the walk has sent it to.
    pub fn answered(&mut self, watcher: &mut Watcher, dir: DirId, below: &[Box<[u8]>], mask: &mut Mask<'_>) {
        if self.asked.remove(&dir).is_none() {
            return;
        }
        self.hears = true;
        watcher.tree_mut().set_scanned(dir, self.number);
        self.directories += 1;
        if let Some(path) = watcher.tree().path(dir) {
            self.go_down(watcher, dir, &path, below, mask);
        }
    }

    /// A scanner could not list it.
    pub fn was_refused(&mut self, watcher: &Watcher, dir: DirId, error: Errno) {
        self.hears |= self.asked.contains_key(&dir);
        self.give_up(watcher, dir, error);
    }

    /// A scanner has come by entries.
    pub const fn count(&mut self, entries: u64) {
        self.entries += entries;
    }

    /// What has no answer for long is given up for this walk. As long as answers come, the rest is only
    /// in a long queue.
    fn expire(&mut self, watcher: &Watcher, now: Mono) {
        // Nobody answers for what has left the tree.
        self.asked.retain(|dir, _| watcher.tree().is_known(*dir));
        if self.heard + OVERDUE > now {
            return;
        }
        let late = |(dir, asked): (&DirId, &Mono)| (*asked + OVERDUE <= now).then_some(*dir);
        let late: Vec<DirId> = self.asked.iter().filter_map(late).collect();
        for dir in late {
            self.give_up(watcher, dir, Errno::TIMEDOUT);
        }
    }

    fn give_up(&mut self, watcher: &Watcher, dir: DirId, error: Errno) {
        if self.asked.remove(&dir).is_some()
            && let Some(path) = watcher.tree().path(dir)
        {
            self.refused(&path, error);
        }
    }

    fn go_down(
        &mut self,
        watcher: &mut Watcher,
        dir: DirId,
        path: &[u8],
        below: &[Box<[u8]>],
        mask: &mut Mask<'_>,
    ) {
        // What has left the tree meanwhile has nothing below it: nobody would ever forget that.
        if !watcher.is_recursive() || !watcher.tree().is_known(dir) {
            return;
        }
        let parent_mask = watcher.tree().mask(dir);
        let mut child_path = Vec::with_capacity(path.len() + 64);
        for name in below {
            child_path.clear();
            child_path.extend_from_slice(path);
            if !path.is_empty() {
                child_path.push(b'/');
            }
            child_path.extend_from_slice(name);
            if let Some(own) = mask(&child_path, parent_mask) {
                let child = watcher.tree_mut().add(dir, name);
                watcher.tree_mut().set_mask(child, own);
                // A directory that this walk has come by already (it was added by an event) is
                // walked again: it may have been renamed since.
                self.todo.push(child);
            }
        }
    }

    fn refused(&mut self, path: &[u8], error: Errno) {
        self.unreadable_count += 1;
        if self.unreadable.len() < NAMED {
            self.unreadable.push((path.to_vec(), error));
        }
    }

    /// To be called when a whole walk is done: forgets directories that it did not come by. Their
    /// removal may have been among events that the kernel dropped.
    ///
    /// Directories that became known meanwhile must have been [added](Scan::add) to the walk before.
    pub fn forget_missing(&self, watcher: &mut Watcher) {
        if !self.whole || self.unreadable_count > 0 {
            return;
        }
        for dir in watcher.tree().not_scanned_since(self.number) {
            watcher.drop_dir(dir);
        }
        watcher.purge();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::Pace;
    use crate::region::Wanted;
    use crate::watcher::Settings;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    struct Rig {
        dir: tempfile::TempDir,
        watcher: Watcher,
        scan: Scan,
    }

    impl Rig {
        /// A walk that has sent scanners to so many directories.
        fn waiting(directories: usize) -> (Self, Vec<DirId>) {
            let dir = tempfile::tempdir_in("/dev/shm").unwrap();
            let pace = Pace { interval: SECOND, full: None };
            let root = dir.path().to_owned();
            let settings = Settings { root, recursive: true, follow: false, wanted: Wanted::Inotify, pace };
            let mut watcher = Watcher::new(settings, &crate::Backlog::new());
            let name = |number: usize| number.to_string().into_bytes();
            let ids = (0..directories).map(|at| watcher.tree_mut().add(DirId::ROOT, &name(at))).collect();
            let mut rig = Self { dir, watcher, scan: Scan { todo: Vec::new(), ..Scan::whole(1) } };
            rig.scan.asked = Vec::clone(&ids).into_iter().map(|dir| (dir, Mono::ZERO)).collect();
            (rig, ids)
        }

        fn step(&mut self, now: Mono) -> Step {
            let root = Dir::open_root(self.dir.path()).unwrap();
            self.scan.step(&mut self.watcher, &root, now, &mut |_, mask| Some(mask), &mut |_| {})
        }
    }

    #[test]
    fn a_walk_is_patient_as_long_as_answers_come() {
        let (mut rig, ids) = Rig::waiting(100);
        for (number, dir) in ids[1..].iter().enumerate() {
            assert_eq!(rig.step((number as u32) * SECOND), Step::Waiting);
            rig.scan.answered(&mut rig.watcher, *dir, &[], &mut |_, mask| Some(mask));
        }
        // What passes find is nothing to the walk.
        let answered = ids[1];
        assert_eq!(rig.step(99 * SECOND), Step::Waiting);
        assert_eq!(rig.scan.unreadable(), (&[][..], 0), "a long queue is no reason");
        rig.scan.answered(&mut rig.watcher, answered, &[], &mut |_, mask| Some(mask));
        rig.scan.count(10);
        rig.scan.was_refused(&rig.watcher, answered, Errno::IO);
        assert_eq!(rig.step(98 * SECOND + OVERDUE), Step::Waiting);
        assert_eq!(rig.step(99 * SECOND + OVERDUE), Step::Done);
        assert_eq!(rig.scan.unreadable(), (&[(b"0".to_vec(), Errno::TIMEDOUT)][..], 1));
    }

    #[test]
    fn a_walk_waits_for_nothing_that_has_left_the_tree() {
        let (mut rig, ids) = Rig::waiting(2);
        rig.watcher.drop_dir(ids[0]);
        assert_eq!(rig.step(SECOND), Step::Waiting);
        rig.watcher.drop_dir(ids[1]);
        assert_eq!(rig.step(SECOND), Step::Done);
        assert_eq!(rig.scan.unreadable().1, 0, "it is not unreadable, it is gone");
    }

    #[test]
    fn nothing_is_kept_below_a_directory_that_left_the_tree_while_it_was_listed() {
        let (mut rig, _) = Rig::waiting(0);
        let dir = rig.watcher.tree_mut().add(DirId::ROOT, b"d");
        let path = rig.dir.path().join("d");
        for entry in 0..SLICE + 2000 {
            std::fs::create_dir_all(path.join(entry.to_string())).unwrap();
        }
        rig.scan.add(dir);
        assert_eq!(rig.step(SECOND), Step::More, "half of it is listed");
        rig.watcher.drop_dir(dir);
        while rig.step(SECOND) != Step::Done {}
        assert_eq!(rig.watcher.tree().len(), 1);
    }
}
