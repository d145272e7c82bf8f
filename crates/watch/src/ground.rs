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
    /// A directory has left its place, perhaps with mounts below it: their points are others now, of
    /// which the mount table tells when it is read, and not before.
    pub(crate) stirred: bool,
    /// Regions of which the kernel said that they were unmounted.
    pub(crate) unmounted: HashSet<RegionId>,
    /// Directories that came to their places by a rename, with all that is in them.
    pub(crate) moved_in: Vec<DirId>,
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
            stirred: false,
            unmounted: HashSet::new(),
            moved_in: Vec::new(),
            removed: Vec::new(),
        }
    }

    pub(crate) fn start_over(&mut self) {
        self.tree.start_over();
        self.departed.clear();
        self.moved_in.clear();
        self.unmounted.clear();
        self.removed.clear();
    }

    pub(crate) fn is_slow(&self, region: RegionId) -> bool {
        self.slow.contains(&region)
    }

    /// Forgets a directory that is gone, with all below it.
    pub(crate) fn drop_dir(&mut self, id: DirId) {
        self.stirred = true;
        self.removed.extend(self.tree.remove(id));
    }

    /// The same, where hints that were given before may still speak of names in it.
    pub(crate) fn depart(&mut self, id: DirId) {
        if let Some(path) = self.tree.path(id) {
            self.departed.insert(id, (path, self.tree.mask(id)));
        }
        // It was empty: no mount can be elsewhere for that.
        self.removed.extend(self.tree.remove(id));
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
            self.moved_in.push(dir);
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
        self.moved_in.push(moved);
        each(&self.tree, Hint::Directory(moved));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ground: &mut Ground, act: impl FnOnce(&mut Ground, &mut Each<'_>)) -> Vec<String> {
        let mut hints = Vec::new();
        act(ground, &mut |tree, hint| {
            hints.push(match hint {
                Hint::Directory(dir) => String::from_utf8(tree.path(dir).unwrap()).unwrap(),
                other => format!("{other:?}"),
            });
        });
        hints
    }

    #[test]
    fn what_leaves_is_told_once_with_its_watches() {
        let mut ground = Ground::new(true);
        let a = ground.tree.add(DirId::ROOT, b"a");
        let b = ground.tree.add(a, b"b");
        ground.tree.bind(b, 5);
        ground.drop_dir(a);
        assert_eq!(ground.take_removed(), [(a, None), (b, Some(5))]);
        assert_eq!(ground.take_removed(), []);
        assert_eq!(ground.departed.len(), 0, "nobody was told of names in it");
    }

    #[test]
    fn what_departs_leaves_its_path_and_mask_behind() {
        let mut ground = Ground::new(true);
        let a = ground.tree.add(DirId::ROOT, b"a");
        let b = ground.tree.add(a, b"b");
        ground.tree.set_mask(b, RuleMask::EMPTY.with(2));
        ground.depart(b);
        assert_eq!(ground.departed[&b], (b"a/b".to_vec(), RuleMask::EMPTY.with(2)));
        // One that hangs nowhere has no path.
        ground.tree.detach(a);
        ground.depart(a);
        assert_eq!(ground.departed.len(), 1);
        ground.start_over();
        assert!(ground.departed.is_empty() && ground.take_removed().is_empty());
    }

    #[test]
    fn a_directory_that_comes_is_walked_until_it_is_heard() {
        let mut ground = Ground::new(true);
        let come = |ground: &mut Ground| told(ground, |g, each| g.created(DirId::ROOT, b"d", each));
        assert_eq!(come(&mut ground), ["d"]);
        assert_eq!(come(&mut ground), ["d"], "it may be another one");
        let d = ground.tree.at(b"d").unwrap();
        ground.tree.bind(d, 1);
        assert_eq!(come(&mut ground), [""; 0]);
        let change = |ground: &mut Ground| told(ground, |g, each| g.changed(DirId::ROOT, b"d", each));
        assert_eq!(change(&mut ground), [""; 0]);
        ground.tree.disarm(d);
        assert_eq!(change(&mut ground), ["d"]);
        assert_eq!(told(&mut ground, |g, each| g.changed(DirId::ROOT, b"unknown", each)), [""; 0]);
    }

    #[test]
    fn what_a_renamed_directory_covers_is_gone() {
        let mut ground = Ground::new(true);
        let a = ground.tree.add(DirId::ROOT, b"a");
        let b = ground.tree.add(DirId::ROOT, b"b");
        ground.tree.detach(a);
        assert_eq!(told(&mut ground, |g, each| g.moved_to(Some(a), DirId::ROOT, b"b", each)), ["b"]);
        assert_eq!((ground.tree.at(b"b"), ground.take_removed()), (Some(a), vec![(b, None)]));
        // To where it is already.
        assert_eq!(told(&mut ground, |g, each| g.moved_to(Some(a), DirId::ROOT, b"b", each)), ["b"]);
        assert_eq!(ground.take_removed(), []);
        // Nobody knows where it comes from.
        assert_eq!(told(&mut ground, |g, each| g.moved_to(None, a, b"c", each)), ["b/c"]);
    }

    #[test]
    fn nothing_is_moved_into_itself() {
        let mut ground = Ground::new(true);
        let a = ground.tree.add(DirId::ROOT, b"a");
        let below = ground.tree.add(a, b"below");
        ground.tree.detach(a);
        assert_eq!(told(&mut ground, |g, each| g.moved_to(Some(a), below, b"a", each)), ["Overflow"]);
        assert_eq!(ground.tree.len(), 1);
    }
}
