//! What all backends share: the tree, and what became of directories.

use std::collections::{HashMap, HashSet};

use settle::RuleMask;
use sys::{Dir, Errno};

use crate::backlog::Piece;
use crate::hint::Hint;
use crate::region::RegionId;
use crate::tree::{DirId, Tree, Wd};

/// Directories that were removed, with their last path below the root and their mask.
pub type Departed = HashMap<DirId, (Vec<u8>, RuleMask)>;

/// What a backend hands its hints to.
pub(crate) type Each<'a> = dyn FnMut(&Tree, Hint<'_>) + 'a;

/// One way of noticing. What is brought by the threads behind it comes back through `fold`, in order.
pub(crate) trait Backend {
    /// From now on whatever happens in the open directory is told.
    fn arm(&mut self, ground: &mut Ground, dir: DirId, open: &Dir) -> Result<(), Errno>;
    /// The directory is nothing of ours any more; `wd` is the inotify watch that it had.
    fn disarm(&mut self, dir: DirId, wd: Option<Wd>);
    /// Reads what the kernel has queued by now, whoever else reads.
    fn read_now(&self);
    /// Turns one piece into hints, in order.
    fn fold(&mut self, ground: &mut Ground, piece: &Piece, each: &mut Each<'_>);
}

/// The tree and what backends do to it.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) tree: Tree,
    pub(crate) recursive: bool,
    pub(crate) departed: Departed,
    /// Regions in which a system call may take long.
    pub(crate) slow: HashSet<RegionId>,
    /// Directories that left the tree, with their watches, until [`Ground::take_removed`].
    removed: Vec<(DirId, Option<Wd>)>,
}

impl Ground {
    pub(crate) fn new(recursive: bool) -> Self {
        Self {
            tree: Tree::new(),
            recursive,
            departed: Departed::new(),
            slow: HashSet::new(),
            removed: Vec::new(),
        }
    }

    pub(crate) fn start_over(&mut self) {
        self.tree.start_over();
        self.departed.clear();
        self.removed.clear();
    }

    pub(crate) fn is_slow(&self, region: RegionId) -> bool {
        self.slow.contains(&region)
    }

    /// Forgets a directory that is gone, with all below it.
    pub(crate) fn drop_dir(&mut self, id: DirId) {
        self.removed.extend(self.tree.remove(id));
    }

    /// The same, where hints that were given before may still speak of names in it.
    pub(crate) fn depart(&mut self, id: DirId) {
        if let Some(path) = self.tree.path(id) {
            self.departed.insert(id, (path, self.tree.mask(id)));
        }
        self.drop_dir(id);
    }

    /// What left the tree since this was asked last; each backend is to be told.
    pub(crate) fn take_removed(&mut self) -> Vec<(DirId, Option<Wd>)> {
        std::mem::take(&mut self.removed)
    }

    /// A directory was created.
    pub(crate) fn created(&mut self, parent: DirId, name: &[u8], each: &mut Each<'_>) {
        match self.tree.child(parent, name) {
            // Found by a listing before this was read, and armed then.
            Some(dir) if self.tree.is_watched(dir) => {}
            _ => {
                let dir = self.tree.add(parent, name);
                each(&self.tree, Hint::Directory(dir));
            }
        }
    }

    /// A directory's attributes changed: perhaps it can be opened now.
    pub(crate) fn changed(&mut self, parent: DirId, name: &[u8], each: &mut Each<'_>) {
        if let Some(dir) = self.tree.child(parent, name)
            && !self.tree.is_watched(dir)
        {
            each(&self.tree, Hint::Directory(dir));
        }
    }

    /// A directory was renamed to this place; `moved` is the one that left its old place, if known.
    pub(crate) fn moved_to(&mut self, moved: Option<DirId>, parent: DirId, name: &[u8], each: &mut Each<'_>) {
        let Some(moved) = moved else {
            let dir = self.tree.add(parent, name);
            return each(&self.tree, Hint::Directory(dir));
        };
        if self.tree.is_within(parent, moved) {
            // The kernel lets no directory be moved into itself: an earlier rename was not heard of.
            self.drop_dir(moved);
            return each(&self.tree, Hint::Overflow);
        }
        if let Some(covered) = self.tree.child(parent, name).filter(|covered| *covered != moved) {
            self.drop_dir(covered);
        }
        self.tree.attach(moved, parent, name);
        each(&self.tree, Hint::Directory(moved));
    }
}
