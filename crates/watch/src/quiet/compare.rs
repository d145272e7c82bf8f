//! What has changed from one snapshot to the next.

use std::cmp::Ordering;

use sys::EntryKind;

use super::pairing::{Name, Pairing};
use super::snapshot::Snapshot;

/// A difference. Paths are relative to the root; the root's own is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something is there that was not, also another name of a file that keeps its first.
    Created {
        /// Where.
        path: Vec<u8>,
        /// What.
        kind: EntryKind,
        /// How large.
        size: u64,
    },
    /// It was written, or its permissions or owner are others.
    Modified {
        /// Where.
        path: Vec<u8>,
        /// What.
        kind: EntryKind,
        /// How large it was.
        before: u64,
        /// How large it is.
        size: u64,
        /// Another file has taken the name.
        replaced: bool,
    },
    /// What was there is not.
    Deleted {
        /// Where.
        path: Vec<u8>,
        /// What.
        kind: EntryKind,
        /// How large it was.
        size: u64,
    },
    /// It was renamed. Of a renamed directory's content nothing is said, unless it changed as well.
    Moved {
        /// Where it was.
        from: Vec<u8>,
        /// Where it is.
        path: Vec<u8>,
        /// What.
        kind: EntryKind,
        /// How large it is.
        size: u64,
    },
}

impl Change {
    /// Where; of what was renamed, where it is now.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match self {
            Change::Created { path, .. }
            | Change::Modified { path, .. }
            | Change::Deleted { path, .. }
            | Change::Moved { path, .. } => path,
        }
    }

    /// In a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Change::Created { .. } => "created",
            Change::Modified { .. } => "modified",
            Change::Deleted { .. } => "deleted",
            Change::Moved { .. } => "moved",
        }
    }
}

/// All differences: what was deleted first, then what was renamed, created and modified, each in the
/// order of the paths.
///
/// Of what lies below a directory that could not be read before or cannot be read now nothing is said.
#[must_use]
pub fn compare(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let Split { mut lost, mut gained, mut modified } = split(before, after);
    lost.retain(|name| !after.is_hidden(name.path));
    gained.retain(|name| !before.is_hidden(name.path));
    let mut pairing = Pairing::new(&lost, &gained);
    pairing.pair();
    let mut moved = Vec::new();
    for (&to, pair) in gained.iter().zip(&pairing.pairs) {
        let Some(pair) = pair else { continue };
        let from = lost[pair.lost];
        if !pair.implied {
            moved.push(moving(from, to));
        }
        // A rename changes the time of the inode that is renamed, and of nothing in it.
        let same = if pair.implied { from.facts == to.facts } else { from.facts.has_content_of(to.facts) };
        if !same {
            modified.push(modifying(from, to, false));
        }
    }
    let mut deleted: Vec<Change> = Vec::new();
    let mut created: Vec<Change> = Vec::new();
    for (old, new) in in_step(pairing.left_lost().into_iter(), pairing.left_gained().into_iter()) {
        match (old, new) {
            (Some(old), Some(new)) if old.facts.kind == new.facts.kind && !is_directory(new) => {
                modified.push(modifying(old, new, true));
            }
            (old, new) => {
                deleted.extend(old.map(deleting));
                created.extend(new.map(creating));
            }
        }
    }
    modified.sort_by(|one, two| one.path().cmp(two.path()));
    [deleted, moved, created, modified].concat()
}

fn is_directory(name: Name<'_>) -> bool {
    name.facts.kind == EntryKind::Directory
}

/// What a walk over two sorted lists side by side finds.
struct Split<'a> {
    lost: Vec<Name<'a>>,
    gained: Vec<Name<'a>>,
    modified: Vec<Change>,
}

fn split<'a>(before: &'a Snapshot, after: &'a Snapshot) -> Split<'a> {
    let names = |snapshot: &'a Snapshot| snapshot.entries().map(|(path, facts)| Name { path, facts });
    let mut found = Split { lost: Vec::new(), gained: Vec::new(), modified: Vec::new() };
    for (old, new) in in_step(names(before), names(after)) {
        match (old, new) {
            (Some(old), Some(new)) if old.facts == new.facts => {}
            (Some(old), Some(new)) if old.facts.is(new.facts) => {
                found.modified.push(modifying(old, new, false));
            }
            (old, new) => {
                found.lost.extend(old);
                found.gained.extend(new);
            }
        }
    }
    found
}

/// Two lists in the order of their paths, gone through side by side: each path once, with what is there
/// under it in either.
struct Steps<L: Iterator, R: Iterator> {
    left: std::iter::Peekable<L>,
    right: std::iter::Peekable<R>,
}

impl<'a, L: Iterator<Item = Name<'a>>, R: Iterator<Item = Name<'a>>> Iterator for Steps<L, R> {
    type Item = (Option<Name<'a>>, Option<Name<'a>>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.left.peek(), self.right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.path.cmp(right.path),
        };
        let left = if order.is_le() { self.left.next() } else { None };
        let right = if order.is_ge() { self.right.next() } else { None };
        Some((left, right))
    }
}

fn in_step<'a, L, R>(left: L, right: R) -> Steps<L, R>
where
    L: Iterator<Item = Name<'a>>,
    R: Iterator<Item = Name<'a>>,
{
    Steps { left: left.peekable(), right: right.peekable() }
}

fn creating(name: Name<'_>) -> Change {
    Change::Created { path: name.path.to_vec(), kind: name.facts.kind, size: name.facts.size }
}

fn deleting(name: Name<'_>) -> Change {
    Change::Deleted { path: name.path.to_vec(), kind: name.facts.kind, size: name.facts.size }
}

fn modifying(old: Name<'_>, new: Name<'_>, replaced: bool) -> Change {
    let (path, kind) = (new.path.to_vec(), new.facts.kind);
    Change::Modified { path, kind, before: old.facts.size, size: new.facts.size, replaced }
}

fn moving(old: Name<'_>, new: Name<'_>) -> Change {
    let (from, path) = (old.path.to_vec(), new.path.to_vec());
    Change::Moved { from, path, kind: new.facts.kind, size: new.facts.size }
}

#[cfg(test)]
#[path = "compare/tests.rs"]
mod tests;
