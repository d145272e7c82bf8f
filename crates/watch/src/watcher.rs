//! One source's ear: arms directories, and turns what the kernel says into hints.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use settle::{RuleMask, What};
use sys::inotify::{self, RawEvent};
use sys::{Dir, Errno, Inotify};

use crate::backlog::Backlog;
use crate::drain::Drain;
use crate::tree::{DirId, Tree};

/// Something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint<'a> {
    /// Something happened to an entry that is no directory.
    Entry {
        /// The directory it lies in.
        dir: DirId,
        /// Its name.
        name: &'a [u8],
        /// What happened.
        what: What,
    },
    /// A directory appeared or was renamed: everything below has a new path and must be listed.
    Directory(DirId),
    /// A directory was renamed away; what was known below its old path is gone from there.
    DirectoryGone,
    /// Something happened to the root itself.
    Root(RootChange),
    /// The kernel dropped events: everything must be compared.
    Overflow,
}

/// What happened to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootChange {
    /// It was removed.
    Deleted,
    /// It was renamed.
    Moved,
    /// Its file system was unmounted, or the watch on it ended for another reason.
    Unmounted,
}

/// Whether events are heard, and why not.
#[derive(Debug)]
pub enum Start {
    /// inotify is running.
    Listening,
    /// Only scans can tell; the text says why.
    Deaf(String),
}

/// Directories renamed away whose other half was not read yet.
#[derive(Debug)]
struct Move {
    cookie: u32,
    dir: DirId,
    /// How many batches of events have come since.
    age: u8,
}

/// Directories that were removed, with their last path below the root and their mask.
pub type Departed = HashMap<DirId, (Vec<u8>, RuleMask)>;

/// The watch on one source's tree.
#[derive(Debug)]
pub struct Watcher {
    root: PathBuf,
    recursive: bool,
    tree: Tree,
    departed: Departed,
    moves: Vec<Move>,
    ear: Option<Ear>,
    unwatched: Unwatched,
}

#[derive(Debug)]
struct Ear {
    // The drain thread is stopped before the instance is closed: fields drop in this order.
    drain: Drain,
    inotify: Arc<Inotify>,
}

/// Directories that the kernel refused to watch.
#[derive(Debug, Default)]
struct Unwatched {
    count: u64,
    /// The error of the first.
    error: Option<Errno>,
}

impl Watcher {
    /// A watcher that hears nothing yet.
    #[must_use]
    pub fn new(root: &Path, recursive: bool) -> Self {
        Self {
            root: root.to_owned(),
            recursive,
            tree: Tree::new(),
            departed: Departed::new(),
            moves: Vec::new(),
            ear: None,
            unwatched: Unwatched::default(),
        }
    }

    /// Starts to listen; what is heard goes into `backlog`.
    pub fn listen(&mut self, backlog: &Arc<Backlog>) -> Start {
        let started = Inotify::open().map_err(std::io::Error::from).and_then(|inotify| {
            let inotify = Arc::new(inotify);
            Ok(Ear { drain: Drain::start(Arc::clone(&inotify), Arc::clone(backlog))?, inotify })
        });
        match started {
            Ok(ear) => {
                self.ear = Some(ear);
                Start::Listening
            }
            Err(error) => Start::Deaf(error.to_string()),
        }
    }

    /// Forgets every directory, as when the root was replaced; the next scan arms anew.
    pub fn forget(&mut self, backlog: &Arc<Backlog>) {
        let deaf = self.ear.is_none();
        self.ear = None;
        self.tree.start_over();
        self.departed.clear();
        self.moves.clear();
        self.unwatched = Unwatched::default();
        // What the old instance said speaks of descriptors that mean nothing to the new one.
        drop(backlog.take());
        if !deaf {
            self.listen(backlog);
        }
    }

    /// The root as configured.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether directories below the root belong to the source.
    #[must_use]
    pub const fn is_recursive(&self) -> bool {
        self.recursive
    }

    /// The directories.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) const fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    /// Whether events are heard at all.
    #[must_use]
    pub const fn is_listening(&self) -> bool {
        self.ear.is_some()
    }

    /// How many directories the kernel refused to watch, and its first reason.
    #[must_use]
    pub fn unwatched(&self) -> (u64, Option<Errno>) {
        (self.unwatched.count, self.unwatched.error)
    }

    pub(crate) fn forget_unwatched(&mut self) {
        self.unwatched = Unwatched::default();
    }

    /// Reads what the kernel has queued by now into the backlog, whoever else reads: after this,
    /// everything that happened before the call is there.
    pub fn read_now(&self) {
        if let Some(ear) = &self.ear {
            ear.drain.read_now();
        }
    }

    /// Watches the open directory; what happens in it from now on is heard.
    pub(crate) fn arm(&mut self, id: DirId, dir: &Dir) {
        let Some(ear) = &self.ear else { return };
        match ear.inotify.arm(dir) {
            Ok(wd) => self.tree.bind(id, wd),
            Err(error) => {
                self.unwatched.count += 1;
                self.unwatched.error.get_or_insert(error);
            }
        }
    }

    /// Watches the root before anything else is looked at.
    pub fn arm_root(&mut self, root: &Dir) {
        self.arm(DirId::ROOT, root);
    }

    /// Notes which rules exclude a directory.
    pub fn set_mask(&mut self, dir: DirId, mask: RuleMask) {
        self.tree.set_mask(dir, mask);
    }

    /// Asks anew which rules exclude each directory, because the rules are others now. `mask` gets a
    /// directory's path and its parent's mask.
    pub fn set_masks(&mut self, mut mask: impl FnMut(&[u8], RuleMask) -> RuleMask) {
        self.tree.set_masks(&mut mask);
    }

    /// Forgets a directory that is gone, with all below it.
    pub(crate) fn drop_dir(&mut self, id: DirId) {
        let descriptors = self.tree.remove(id);
        if let Some(ear) = &self.ear {
            for wd in descriptors {
                ear.inotify.disarm(wd);
            }
        }
    }

    /// Stops watching a directory and all below it, as when no rule wants to hear of it.
    pub fn forget_directory(&mut self, dir: DirId) {
        if dir != DirId::ROOT {
            self.drop_dir(dir);
        }
    }

    /// The directories whose removal was heard of since this was asked last: hints that were given
    /// before speak of names in them.
    pub fn take_departed(&mut self) -> Departed {
        std::mem::take(&mut self.departed)
    }

    /// Turns one read of the kernel's queue into hints, in order.
    pub fn fold(&mut self, chunk: &[u8], each: &mut impl FnMut(&Self, Hint<'_>)) {
        for event in inotify::events(chunk) {
            self.fold_event(&event, each);
        }
    }

    /// To be called when all chunks at hand are folded: a directory whose rename has had its other
    /// half nowhere in two batches has left the tree.
    pub fn finish_batch(&mut self, each: &mut impl FnMut(&Self, Hint<'_>)) {
        let mut left = Vec::new();
        self.moves.retain_mut(|moved| {
            moved.age += 1;
            let waits = moved.age < 2;
            if !waits {
                left.push(moved.dir);
            }
            waits
        });
        for dir in left {
            self.drop_dir(dir);
            each(self, Hint::DirectoryGone);
        }
    }

    /// Whether a directory's rename waits for its other half.
    #[must_use]
    pub fn has_moves(&self) -> bool {
        !self.moves.is_empty()
    }

    fn fold_event(&mut self, event: &RawEvent<'_>, each: &mut impl FnMut(&Self, Hint<'_>)) {
        if event.mask & inotify::Q_OVERFLOW != 0 {
            each(self, Hint::Overflow);
            return;
        }
        let Some(dir) = self.tree.by_wd(event.wd) else { return };
        if event.mask & inotify::IGNORED != 0 {
            self.tree.unbind(event.wd);
        }
        if event.mask & ON_ITSELF != 0 {
            self.fold_self(dir, event.mask, each);
        } else if event.mask & inotify::ISDIR != 0 {
            self.fold_directory(dir, event, each);
        } else if let Some(what) = what(event.mask)
            && !event.name.is_empty()
        {
            each(self, Hint::Entry { dir, name: event.name, what });
        }
    }

    fn fold_self(&mut self, dir: DirId, mask: u32, each: &mut impl FnMut(&Self, Hint<'_>)) {
        if dir == DirId::ROOT {
            let change = if mask & inotify::DELETE_SELF != 0 {
                RootChange::Deleted
            } else if mask & inotify::MOVE_SELF != 0 {
                RootChange::Moved
            } else {
                RootChange::Unmounted
            };
            each(self, Hint::Root(change));
        } else if mask & inotify::UNMOUNT != 0 {
            each(self, Hint::Directory(dir));
        }
        // The rest the parent tells, with the name.
    }

    fn fold_directory(
        &mut self,
        parent: DirId,
        event: &RawEvent<'_>,
        each: &mut impl FnMut(&Self, Hint<'_>),
    ) {
        if !self.recursive || event.name.is_empty() {
            return;
        }
        let known = self.tree.child(parent, event.name);
        match (event.mask & !inotify::ISDIR, known) {
            // Found by a listing before this event was read, and armed then.
            (inotify::CREATE, Some(dir)) if self.tree.is_watched(dir) => {}
            (inotify::CREATE, _) => {
                let dir = self.tree.add(parent, event.name);
                each(self, Hint::Directory(dir));
            }
            (inotify::MOVED_FROM, Some(dir)) => {
                self.tree.detach(dir);
                self.moves.push(Move { cookie: event.cookie, dir, age: 0 });
                each(self, Hint::DirectoryGone);
            }
            (inotify::MOVED_TO, known) => self.fold_moved_to(parent, event, known, each),
            // It was empty, and each of its entries was told of.
            (inotify::DELETE, Some(dir)) => {
                if let Some(path) = self.tree.path(dir) {
                    self.departed.insert(dir, (path, self.tree.mask(dir)));
                }
                self.drop_dir(dir);
            }
            // Perhaps it can be opened now.
            (inotify::ATTRIB, Some(dir)) if !self.tree.is_watched(dir) => each(self, Hint::Directory(dir)),
            _ => {}
        }
    }

    fn fold_moved_to(
        &mut self,
        parent: DirId,
        event: &RawEvent<'_>,
        known: Option<DirId>,
        each: &mut impl FnMut(&Self, Hint<'_>),
    ) {
        let half = self.moves.iter().position(|moved| moved.cookie == event.cookie);
        if let Some(at) = half
            && self.tree.is_within(parent, self.moves[at].dir)
        {
            // The kernel lets no directory be moved into itself: an earlier rename was not heard of.
            let moved = self.moves.swap_remove(at).dir;
            self.drop_dir(moved);
            each(self, Hint::Overflow);
            return;
        }
        let dir = match half.map(|at| self.moves.swap_remove(at).dir) {
            Some(moved) => {
                if let Some(covered) = known.filter(|covered| *covered != moved) {
                    self.drop_dir(covered);
                }
                self.tree.attach(moved, parent, event.name);
                moved
            }
            None => self.tree.add(parent, event.name),
        };
        each(self, Hint::Directory(dir));
    }
}

/// What happens to a watched directory itself, not to an entry of it.
const ON_ITSELF: u32 = inotify::DELETE_SELF | inotify::MOVE_SELF | inotify::UNMOUNT | inotify::IGNORED;

const fn what(mask: u32) -> Option<What> {
    Some(match mask {
        inotify::CREATE => What::Created,
        inotify::CLOSE_WRITE => What::Closed,
        inotify::MOVED_TO => What::MovedIn,
        inotify::MOVED_FROM => What::MovedOut,
        inotify::DELETE => What::Deleted,
        inotify::ATTRIB => What::Attrib,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(wd: i32, mask: u32, cookie: u32, name: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [wd as u32, mask, cookie, 16] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(name);
        bytes.resize(32, 0);
        bytes
    }

    fn fold(watcher: &mut Watcher, events: &[Vec<u8>]) -> Vec<String> {
        let mut hints = Vec::new();
        watcher.fold(&events.concat(), &mut |_, hint| hints.push(format!("{hint:?}")));
        hints
    }

    /// `a/b` became `b` unheard (the queue was full, or `a` could not be watched), then `a` became
    /// `b/a`: the tree must not bite its own tail.
    #[test]
    fn a_rename_that_was_missed_makes_no_circle() {
        let mut watcher = Watcher::new(Path::new("/nowhere"), true);
        watcher.tree.bind(DirId::ROOT, 1);
        let a = watcher.tree.add(DirId::ROOT, b"a");
        let b = watcher.tree.add(a, b"b");
        watcher.tree.bind(a, 2);
        watcher.tree.bind(b, 3);
        let moved = [
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 7, b"a"),
            event(3, inotify::MOVED_TO | inotify::ISDIR, 7, b"a"),
        ];
        let hints = fold(&mut watcher, &moved);
        assert_eq!(hints.last().map(String::as_str), Some("Overflow"), "everything is compared");
        assert_eq!((watcher.tree.path(a), watcher.tree.path(b)), (None, None));
    }

    #[test]
    fn a_directory_that_could_not_be_opened_is_tried_again_when_its_permissions_change() {
        let mut watcher = Watcher::new(Path::new("/nowhere"), true);
        watcher.tree.bind(DirId::ROOT, 1);
        let closed = watcher.tree.add(DirId::ROOT, b"d");
        let changed = [event(1, inotify::ATTRIB | inotify::ISDIR, 0, b"d")];
        assert_eq!(fold(&mut watcher, &changed), [format!("{:?}", Hint::Directory(closed))]);
        watcher.tree.bind(closed, 2);
        assert!(fold(&mut watcher, &changed).is_empty(), "it is watched");
    }

    #[test]
    fn no_number_is_used_twice_even_after_the_root_was_replaced() {
        let mut watcher = Watcher::new(Path::new("/nowhere"), true);
        let a = watcher.tree.add(DirId::ROOT, b"a");
        watcher.forget(&Backlog::new());
        let b = watcher.tree.add(DirId::ROOT, b"b");
        assert_ne!(a, b);
        assert_eq!(watcher.tree.path(a), None);
    }
}
