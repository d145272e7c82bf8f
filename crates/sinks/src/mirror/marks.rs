//! Which files may have other content than their copies although size and time are the same. Pure.
//!
//! A file that was rewritten in place and got its old time back looks like its copy. Only the close that was
//! heard tells. A mark goes with its file when that is renamed.

use std::collections::{BTreeMap, BTreeSet};

use model::Stamp;

/// So many marks, and so many memories of copies, are kept. With more marks than that every file counts as
/// marked, which costs copies and loses nothing; memories are forgotten, the first in order of paths first.
const LIMIT: usize = 64 * 1024;

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The source's change time when the copy was complete.
    pub(crate) ctime: (i64, u32),
    /// The source's inode.
    pub(crate) inode: u64,
    /// When that was seen.
    pub(crate) at: Stamp,
}

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    marked: BTreeSet<Box<[u8]>>,
    all: bool,
    copied: BTreeMap<Box<[u8]>, Copied>,
}

impl Marks {
    /// A writer closed the file at `path`, heard at `at`; `ctime` is the source's now, if it is still there.
    /// A copy that was made afterwards has what was written.
    pub(crate) fn closed(&mut self, path: &[u8], at: Stamp, ctime: Option<(i64, u32)>) {
        let has_it = |copied: &Copied| copied.at >= at || ctime == Some(copied.ctime);
        if !self.copied.get(path).is_some_and(has_it) {
            self.mark(path);
        }
    }

    /// Whatever is at `path` now, the copy may differ.
    pub(crate) fn mark(&mut self, path: &[u8]) {
        if self.marked.len() >= LIMIT {
            self.all = true;
            self.marked.clear();
        }
        if !self.all {
            self.marked.insert(path.into());
        }
    }

    /// Whether the copy may differ.
    pub(crate) fn is_marked(&self, path: &[u8]) -> bool {
        self.all || self.marked.contains(path)
    }

    /// Whether it is remembered that a copy of this inode was made.
    pub(crate) fn is_copied(&self, path: &[u8], inode: u64) -> bool {
        self.copied.get(path).is_some_and(|copy| copy.inode == inode)
    }

    /// The copy that is remembered.
    pub(crate) fn copy(&self, path: &[u8]) -> Option<Copied> {
        self.copied.get(path).copied()
    }

    /// Whether it is remembered that a copy was made when the source's change time was this.
    pub(crate) fn has_copy(&self, path: &[u8], ctime: (i64, u32)) -> bool {
        self.copied.get(path).is_some_and(|copy| copy.ctime == ctime)
    }

    /// The remembered copies at or below `path`.
    pub(crate) fn copies_within(&self, path: &[u8]) -> Vec<Box<[u8]>> {
        within(&self.copied, path).map(|(path, _)| path.clone()).collect()
    }

    /// A copy was made.
    pub(crate) fn copied(&mut self, path: &[u8], copy: Copied) {
        self.marked.remove(path);
        if self.copied.len() >= LIMIT {
            self.copied.pop_first();
        }
        self.copied.insert(path.into(), copy);
    }

    /// What was at or below `from` is at or below `to` now.
    pub(crate) fn renamed(&mut self, from: &[u8], to: &[u8]) {
        self.gone(to);
        let marked: Vec<_> = self.marked.iter().filter(|path| is_within(path, from)).cloned().collect();
        for path in marked {
            self.marked.remove(&path);
            self.marked.insert(moved(&path, from, to));
        }
        let copied: Vec<_> = within(&self.copied, from).map(|(path, copy)| (path.clone(), *copy)).collect();
        for (path, copy) in copied {
            self.copied.remove(&path);
            self.copied.insert(moved(&path, from, to), copy);
        }
    }

    /// Nothing is at or below `path` any more.
    pub(crate) fn gone(&mut self, path: &[u8]) {
        self.marked.retain(|marked| !is_within(marked, path));
        let copied: Vec<_> = within(&self.copied, path).map(|(path, _)| path.clone()).collect();
        for path in copied {
            self.copied.remove(&path);
        }
    }
}

/// Entries at or below `path`. Those below do not stand right behind it: `a.b` lies between `a` and `a/c`.
fn within<'m>(
    map: &'m BTreeMap<Box<[u8]>, Copied>,
    path: &'m [u8],
) -> impl Iterator<Item = (&'m Box<[u8]>, &'m Copied)> {
    let begin: Box<[u8]> = path.into();
    map.range(begin..)
        .take_while(|(other, _)| other.starts_with(path))
        .filter(|(other, _)| is_within(other, path))
}

pub(super) fn is_within(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| above.is_empty() || rest.is_empty() || rest[0] == b'/')
}

pub(super) fn moved(path: &[u8], from: &[u8], to: &[u8]) -> Box<[u8]> {
    [to, &path[from.len()..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::new(seconds, 0)
    }

    #[test]
    fn a_close_marks_unless_a_later_copy_has_what_was_written() {
        let mut marks = Marks::default();
        marks.closed(b"a", at(5), Some((5, 0)));
        assert!(marks.is_marked(b"a") && !marks.is_marked(b"b"));
        marks.copied(b"a", Copied { ctime: (5, 0), inode: 1, at: at(6) });
        assert!(!marks.is_marked(b"a"));
        marks.closed(b"a", at(6), None);
        marks.closed(b"a", at(9), Some((5, 0)));
        assert!(!marks.is_marked(b"a"), "the copy was made after the close");
        marks.closed(b"a", at(9), Some((8, 0)));
        assert!(marks.is_marked(b"a"));
        marks.closed(b"c", at(1), None);
        assert!(marks.is_marked(b"c"), "nothing is known of a copy");
    }

    #[test]
    fn marks_go_with_their_files() {
        let mut marks = Marks::default();
        for path in [&b"d/f"[..], b"d.f", b"d/e/g", b"x"] {
            marks.mark(path);
        }
        marks.copied(b"d/h", Copied { ctime: (1, 0), inode: 1, at: at(1) });
        marks.renamed(b"d", b"n");
        assert!(marks.is_marked(b"n/f") && marks.is_marked(b"n/e/g") && !marks.is_marked(b"d/f"));
        assert!(marks.is_marked(b"d.f") && marks.is_marked(b"x"));
        marks.closed(b"n/h", at(9), Some((1, 0)));
        assert!(!marks.is_marked(b"n/h"), "the memory of its copy went with it");
        marks.renamed(b"d.f", b"n");
        assert!(marks.is_marked(b"n") && !marks.is_marked(b"n/f"), "what was there is gone");
        marks.gone(b"n");
        assert!(!marks.is_marked(b"n"));
    }

    #[test]
    fn too_many_marks_mark_everything() {
        let mut marks = Marks::default();
        for number in 0..=LIMIT {
            marks.mark(number.to_string().as_bytes());
        }
        assert!(marks.is_marked(b"anything"));
    }
}
