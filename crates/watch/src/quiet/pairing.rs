//! Which of the new names belongs to what had one of the old names.

use std::collections::HashMap;

use sys::EntryKind;

use super::snapshot::Facts;

/// A name and what it leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    pub(super) path: &'a [u8],
    pub(super) facts: &'a Facts,
}

impl<'a> Name<'a> {
    /// The directory that it lies in and its last name.
    fn place(&self) -> (&'a [u8], &'a [u8]) {
        let path = self.path;
        path.iter().rposition(|byte| *byte == b'/').map_or((b"", path), |at| (&path[..at], &path[at + 1..]))
    }
}

/// What had a new name before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// Which of the names that are gone.
    pub(super) lost: usize,
    /// It was not renamed itself: a directory above it was.
    pub(super) implied: bool,
}

/// Names that are gone and names that are new, as they belong together. Both are in the order of their
/// paths.
pub(super) struct Pairing<'a> {
    lost: &'a [Name<'a>],
    gained: &'a [Name<'a>],
    /// For each new name its pair.
    pub(super) pairs: Vec<Option<Pair>>,
    taken: Vec<bool>,
    /// The names that are gone, by device and inode.
    by_inode: HashMap<(u64, u64), Vec<usize>>,
    /// Directories with another path than before: the new one and the old one.
    directories: HashMap<&'a [u8], &'a [u8]>,
}

impl<'a> Pairing<'a> {
    pub(super) fn new(lost: &'a [Name<'a>], gained: &'a [Name<'a>]) -> Self {
        let mut by_inode: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, name) in lost.iter().enumerate() {
            by_inode.entry((name.facts.device, name.facts.inode)).or_default().push(at);
        }
        let (pairs, taken) = (vec![None; gained.len()], vec![false; lost.len()]);
        Self { lost, gained, pairs, taken, by_inode, directories: HashMap::new() }
    }

    /// Directories go first, from the top: what lies in them has moved with them. A file with several
    /// names is looked for under the name that it must have had there before any other.
    pub(super) fn pair(&mut self) {
        let is_directory = |name: &Name<'_>| name.facts.kind == EntryKind::Directory;
        self.pair_those(is_directory, true);
        self.pair_those(|name| !is_directory(name), false);
        self.pair_those(|name| !is_directory(name), true);
    }

    fn pair_those(&mut self, wanted: impl Fn(&Name<'_>) -> bool, anywhere: bool) {
        for (at, name) in self.gained.iter().enumerate() {
            if self.pairs[at].is_some() || !wanted(name) {
                continue;
            }
            let Some(pair) = self.find(name, anywhere) else { continue };
            self.taken[pair.lost] = true;
            self.pairs[at] = Some(pair);
            if name.facts.kind == EntryKind::Directory {
                self.directories.insert(name.path, self.lost[pair.lost].path);
            }
        }
    }

    fn find(&self, name: &Name<'_>, anywhere: bool) -> Option<Pair> {
        let candidates = self.by_inode.get(&(name.facts.device, name.facts.inode))?;
        let (dir, last) = name.place();
        let dir_before = self.directories.get(dir);
        let mut first = None;
        for &lost in candidates {
            let old = &self.lost[lost];
            if self.taken[lost] || !old.facts.is_moved(name.facts) {
                continue;
            }
            if dir_before.is_some_and(|before| old.place() == (*before, last)) {
                return Some(Pair { lost, implied: true });
            }
            first = first.or(Some(Pair { lost, implied: false }));
        }
        first.filter(|_| anywhere)
    }

    /// The names that are gone for good.
    pub(super) fn left_lost(&self) -> Vec<Name<'a>> {
        let left = self.lost.iter().zip(&self.taken).filter(|(_, taken)| !**taken);
        left.map(|(name, _)| *name).collect()
    }

    /// The names of what had none before.
    pub(super) fn left_gained(&self) -> Vec<Name<'a>> {
        let left = self.gained.iter().zip(&self.pairs).filter(|(_, pair)| pair.is_none());
        left.map(|(name, _)| *name).collect()
    }
}
