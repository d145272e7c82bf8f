//! The directories of one source: parents by pointer, so that renaming one moves all below it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use settle::RuleMask;

use crate::region::RegionId;

/// A directory of the source, as long as the source knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirId(u32);

impl DirId {
    /// The source's root.
    pub const ROOT: DirId = DirId(0);
}

/// A watch descriptor.
pub(crate) type Wd = i32;

/// By which event backend a directory is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// By none: it is polled, or not listed yet.
    Not,
    /// By an inotify watch.
    Watch(Wd),
    /// By a mark on its file system; the number is a hash of its handle.
    Mark(u64),
}

#[derive(Debug)]
struct Node {
    place: Place,
    children: HashMap<Box<[u8]>, DirId>,
    armed: Armed,
    /// The mount it lies on.
    region: RegionId,
    /// Which rules exclude the directory.
    mask: RuleMask,
    /// The number of the last scan that came by.
    scanned: u32,
    /// The number of the scan since which its events are heard; 0 if they are not.
    heard_since: u32,
}

/// Where a node hangs.
#[derive(Debug)]
enum Place {
    Root,
    Below {
        parent: DirId,
        name: Box<[u8]>,
    },
    /// Renamed away; the other half of the rename has not been read yet.
    Loose,
}

/// Hashes small integers that the kernel or we ourselves count up; nobody can choose them.
#[derive(Debug, Default)]
struct CountHasher(u64);

impl Hasher for CountHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_i32(&mut self, number: i32) {
        self.write_u32(number as u32);
    }
}

type CountMap<K, V> = HashMap<K, V, BuildHasherDefault<CountHasher>>;

/// The tree of directories and the map from watch descriptors to them.
///
/// Numbers of directories are never used twice, so that a hint which speaks of a directory that
/// is gone cannot mean another one.
#[derive(Debug)]
pub struct Tree {
    nodes: CountMap<DirId, Node>,
    next: u32,
    by_wd: CountMap<Wd, DirId>,
    marked: usize,
    moves: u64,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// A tree that has only its root.
    #[must_use]
    pub fn new() -> Self {
        let root = Node {
            place: Place::Root,
            children: HashMap::new(),
            armed: Armed::Not,
            region: RegionId::ROOT,
            mask: RuleMask::EMPTY,
            scanned: 0,
            heard_since: 0,
        };
        let nodes = [(DirId::ROOT, root)].into_iter().collect();
        Self { nodes, next: 1, by_wd: CountMap::default(), marked: 0, moves: 0 }
    }

    /// Forgets every directory but the root; their numbers are not used again.
    pub(crate) fn start_over(&mut self) {
        let (next, moves) = (self.next, self.moves + 1);
        *self = Self { next, moves, ..Self::new() };
    }

    /// Grows whenever a directory leaves its place.
    #[must_use]
    pub fn moves(&self) -> u64 {
        self.moves
    }

    /// How many directories there are, the root among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: there is always a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// How many are heard by events.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.by_wd.len() + self.marked
    }

    /// The path below the root (empty for the root itself), or nothing while the directory
    /// hangs nowhere.
    #[must_use]
    pub fn path(&self, id: DirId) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut at = id;
        loop {
            match &self.nodes.get(&at)?.place {
                Place::Root => break,
                Place::Below { parent, name } => {
                    names.push(name);
                    at = *parent;
                }
                Place::Loose => return None,
            }
        }
        let length = names.iter().map(|name| name.len() + 1).sum::<usize>();
        let mut path = Vec::with_capacity(length + 64);
        for name in names.into_iter().rev() {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        Some(path)
    }

    /// The directory that a watch descriptor belongs to.
    pub(crate) fn by_wd(&self, wd: Wd) -> Option<DirId> {
        self.by_wd.get(&wd).copied()
    }

    /// The directory `name` in `parent`.
    #[must_use]
    pub fn child(&self, parent: DirId, name: &[u8]) -> Option<DirId> {
        self.nodes.get(&parent)?.children.get(name).copied()
    }

    /// The directory `name` in `parent`, made known if it was not.
    pub(crate) fn add(&mut self, parent: DirId, name: &[u8]) -> DirId {
        if let Some(known) = self.child(parent, name) {
            return known;
        }
        let place = Place::Below { parent, name: name.into() };
        let region = self.region(parent);
        let (children, armed) = (HashMap::new(), Armed::Not);
        let mask = RuleMask::EMPTY;
        let node = Node { place, children, armed, region, mask, scanned: 0, heard_since: 0 };
        let id = DirId(self.next);
        self.next += 1;
        self.nodes.insert(id, node);
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.children.insert(name.into(), id);
        }
        id
    }

    /// The rules that exclude the directory.
    #[must_use]
    pub fn mask(&self, id: DirId) -> RuleMask {
        self.nodes.get(&id).map_or(RuleMask::EMPTY, |node| node.mask)
    }

    /// The rules that exclude the directory's parent.
    #[must_use]
    pub fn parent_mask(&self, id: DirId) -> RuleMask {
        self.place(id).map_or(RuleMask::EMPTY, |(parent, _)| self.mask(parent))
    }

    pub(crate) fn set_mask(&mut self, id: DirId, mask: RuleMask) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.mask = mask;
        }
    }

    /// Asks anew for the mask of every directory below the root: `mask` gets its path and its
    /// parent's mask.
    pub(crate) fn set_masks(&mut self, mask: &mut impl FnMut(&[u8], RuleMask) -> RuleMask) {
        let mut todo = vec![(DirId::ROOT, Vec::new(), RuleMask::EMPTY)];
        while let Some((id, path, parent)) = todo.pop() {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            node.mask = mask(&path, parent);
            for (name, child) in &node.children {
                let mut below = path.clone();
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend_from_slice(name);
                todo.push((*child, below, node.mask));
            }
        }
    }

    pub(crate) fn set_scanned(&mut self, id: DirId, scan: u32) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.scanned = scan;
            node.heard_since = match (node.armed, node.heard_since) {
                (Armed::Not, _) => 0,
                (_, 0) => scan,
                (_, since) => since,
            };
        }
    }

    /// Whether events of the directory were heard before the scan of that number came by.
    #[must_use]
    pub fn was_armed_before(&self, id: DirId, scan: u32) -> bool {
        let heard = |node: &Node| node.armed != Armed::Not && node.heard_since > 0 && node.heard_since < scan;
        self.nodes.get(&id).is_some_and(heard)
    }

    /// Whether events of the directory are heard.
    #[must_use]
    pub fn is_watched(&self, id: DirId) -> bool {
        self.armed(id) != Armed::Not
    }

    pub(crate) fn armed(&self, id: DirId) -> Armed {
        self.nodes.get(&id).map_or(Armed::Not, |node| node.armed)
    }

    /// The region that the directory lies in.
    #[must_use]
    pub fn region(&self, id: DirId) -> RegionId {
        self.nodes.get(&id).map_or(RegionId::ROOT, |node| node.region)
    }

    pub(crate) fn set_region(&mut self, id: DirId, region: RegionId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.region = region;
        }
    }

    /// Every directory with its region, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (DirId, RegionId)> {
        self.nodes.iter().map(|(id, node)| (*id, node.region))
    }

    /// The directories in one, with their names.
    pub(crate) fn children(&self, id: DirId) -> impl Iterator<Item = (&[u8], DirId)> {
        self.nodes.get(&id).into_iter().flat_map(|node| &node.children).map(|(name, id)| (&**name, *id))
    }

    /// The directory's parent and its name there.
    pub(crate) fn place(&self, id: DirId) -> Option<(DirId, &[u8])> {
        match &self.nodes.get(&id)?.place {
            Place::Below { parent, name } => Some((*parent, name)),
            Place::Root | Place::Loose => None,
        }
    }

    /// The directory at a path below the root.
    #[must_use]
    pub fn at(&self, path: &[u8]) -> Option<DirId> {
        if path.is_empty() {
            return Some(DirId::ROOT);
        }
        path.split(|&byte| byte == b'/').try_fold(DirId::ROOT, |at, name| self.child(at, name))
    }

    /// The directory answers to this watch descriptor from now on. The kernel numbers directories,
    /// not names: if another node had the descriptor, the directory has moved here.
    pub(crate) fn bind(&mut self, id: DirId, wd: Wd) {
        let Some(stale) = self.rearm(id, Armed::Watch(wd)) else { return };
        if let Armed::Watch(stale) = stale
            && stale != wd
        {
            self.by_wd.remove(&stale);
        }
        if let Some(old) = self.by_wd.insert(wd, id)
            && old != id
        {
            self.rearm(old, Armed::Not);
        }
    }

    /// The directory is heard by a mark from now on; gives the watch that it had.
    pub(crate) fn mark(&mut self, id: DirId, handle: u64) -> Option<Wd> {
        match self.rearm(id, Armed::Mark(handle))? {
            Armed::Watch(wd) => {
                self.by_wd.remove(&wd);
                Some(wd)
            }
            Armed::Not | Armed::Mark(_) => None,
        }
    }

    /// The directory is heard by nothing any more; gives the watch that it had.
    pub(crate) fn disarm(&mut self, id: DirId) -> Option<Wd> {
        match self.rearm(id, Armed::Not)? {
            Armed::Watch(wd) => {
                self.by_wd.remove(&wd);
                Some(wd)
            }
            Armed::Not | Armed::Mark(_) => None,
        }
    }

    /// Sets how a directory is heard; gives how it was.
    fn rearm(&mut self, id: DirId, armed: Armed) -> Option<Armed> {
        let node = self.nodes.get_mut(&id)?;
        let before = std::mem::replace(&mut node.armed, armed);
        self.marked += usize::from(matches!(armed, Armed::Mark(_)));
        self.marked -= usize::from(matches!(before, Armed::Mark(_)));
        Some(before)
    }

    /// The kernel has dropped this watch.
    pub(crate) fn unbind(&mut self, wd: Wd) -> Option<DirId> {
        let id = self.by_wd.remove(&wd)?;
        self.rearm(id, Armed::Not);
        Some(id)
    }

    /// Takes the directory from its parent, with all below it; it hangs nowhere until
    /// [`Tree::attach`] or [`Tree::remove`].
    pub(crate) fn detach(&mut self, id: DirId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        self.moves += 1;
        if let Place::Below { parent, name } = std::mem::replace(&mut node.place, Place::Loose)
            && let Some(parent) = self.nodes.get_mut(&parent)
            && parent.children.get(&name) == Some(&id)
        {
            parent.children.remove(&name);
        }
    }

    /// Whether `id` is `above` or lies below it.
    pub(crate) fn is_within(&self, id: DirId, above: DirId) -> bool {
        let mut at = id;
        while at != above {
            match self.nodes.get(&at).map(|node| &node.place) {
                Some(Place::Below { parent, .. }) => at = *parent,
                _ => return false,
            }
        }
        true
    }

    /// Hangs a detached directory below `parent` as `name`. Nothing may be known there.
    pub(crate) fn attach(&mut self, id: DirId, parent: DirId, name: &[u8]) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.place = Place::Below { parent, name: name.into() };
        }
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.children.insert(name.into(), id);
        }
    }

    /// Forgets the directory and all below it; gives each with the watch descriptor that it had.
    pub(crate) fn remove(&mut self, id: DirId) -> Vec<(DirId, Option<Wd>)> {
        self.detach(id);
        let mut removed = Vec::new();
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let wd = self.disarm(id);
            let Some(node) = self.nodes.remove(&id) else { continue };
            todo.extend(node.children.into_values());
            removed.push((id, wd));
        }
        removed
    }

    /// Those directories below the root that no scan since the one numbered `scan` came by.
    pub(crate) fn not_scanned_since(&self, scan: u32) -> Vec<DirId> {
        let below = |node: &Node| node.scanned < scan && matches!(node.place, Place::Below { .. });
        self.nodes.iter().filter(|(_, node)| below(node)).map(|(id, _)| *id).collect()
    }

    /// Whether the directory still hangs in the tree.
    #[must_use]
    pub fn is_known(&self, id: DirId) -> bool {
        self.path(id).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_an_ancestor_moves_everything_below() {
        let mut tree = Tree::new();
        let a = tree.add(DirId::ROOT, b"a");
        let b = tree.add(a, b"b");
        let c = tree.add(b, b"c");
        tree.bind(c, 3);
        assert_eq!(tree.path(c).unwrap(), b"a/b/c");
        tree.detach(a);
        assert_eq!(tree.path(c), None);
        tree.attach(a, DirId::ROOT, b"z");
        assert_eq!(tree.path(c).unwrap(), b"z/b/c");
        assert_eq!(tree.by_wd(3), Some(c));
        assert_eq!(tree.child(DirId::ROOT, b"a"), None);
    }

    #[test]
    fn removing_gives_back_every_descriptor_and_no_number_is_used_twice() {
        let mut tree = Tree::new();
        let a = tree.add(DirId::ROOT, b"a");
        let b = tree.add(a, b"b");
        tree.bind(a, 1);
        tree.bind(b, 2);
        let mut gone = tree.remove(a);
        gone.sort_unstable();
        assert_eq!(gone, [(a, Some(1)), (b, Some(2))]);
        assert_eq!((tree.len(), tree.watched()), (1, 0));
        let again = tree.add(DirId::ROOT, b"a");
        assert_ne!(again, a);
        assert_eq!(tree.path(b), None);
    }

    #[test]
    fn new_rules_reach_every_directory_with_its_path() {
        let mut tree = Tree::new();
        let a = tree.add(DirId::ROOT, b"a");
        let b = tree.add(a, b"b");
        tree.set_mask(b, RuleMask::EMPTY.with(1));
        let mut asked = Vec::new();
        tree.set_masks(&mut |path, parent| {
            asked.push(path.to_vec());
            if path == b"a" { parent.with(0) } else { parent }
        });
        assert_eq!(asked, [&b""[..], b"a", b"a/b"]);
        assert!(tree.mask(b).contains(0) && !tree.mask(b).contains(1));
        assert!(tree.mask(DirId::ROOT).is_empty());
    }

    #[test]
    fn a_descriptor_follows_the_directory() {
        let mut tree = Tree::new();
        let old = tree.add(DirId::ROOT, b"old");
        tree.bind(old, 1);
        let new = tree.add(DirId::ROOT, b"new");
        tree.bind(new, 1);
        assert_eq!(tree.by_wd(1), Some(new));
        assert!(!tree.is_watched(old));
        assert_eq!(tree.watched(), 1);
    }
}
