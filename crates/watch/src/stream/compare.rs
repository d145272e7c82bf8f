//! What is different in a directory from what its names say.

use std::collections::HashSet;

use model::Happening;
use sys::EntryKind;

use super::book::{Armed, Book, Entry, NodeId};
use super::name::Name;

/// An entry as a listing has it, perhaps with a look.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) name: Name,
    pub(super) entry: Entry,
    /// It changed after the last moment of which everything is known to have been told.
    pub(super) late: bool,
}

/// The differences in one directory.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) node: NodeId,
    /// Names that were not there.
    pub(super) fresh: Vec<(Name, Entry)>,
    /// Names that are something else's now.
    pub(super) replaced: Vec<(Name, Entry)>,
    /// Names whose file or directory is the same and has changed.
    pub(super) changed: Vec<(Name, Happening)>,
    /// Names that are no more.
    pub(super) missing: Vec<Name>,
}

impl Difference {
    pub(super) fn none(node: NodeId) -> Self {
        let (fresh, replaced, changed, missing) = Default::default();
        Self { node, fresh, replaced, changed, missing }
    }
}

/// Compares a directory's names with what lies there now. What is only known better than before is noted at once;
/// the differences are left to be told.
pub(super) fn compare(book: &mut Book, node: NodeId, seen: Vec<Seen>) -> Difference {
    let mut difference = Difference { missing: missing(book, node, &seen), ..Difference::none(node) };
    let keeps_prints = book.armed(node) == Armed::Polled;
    for Seen { name, entry, late } in seen {
        let Some(known) = book.entry_mut(node, name.bytes()) else {
            difference.fresh.push((name, entry));
            continue;
        };
        if is_another(known, &entry) {
            difference.replaced.push((name, entry));
            continue;
        }
        let change = renew(known, &entry, late, keeps_prints);
        difference.changed.extend(change.map(|what| (name, what)));
    }
    difference
}

/// Writes down what is known better; gives what has happened.
pub(super) fn renew(known: &mut Entry, seen: &Entry, late: bool, keeps_prints: bool) -> Option<Happening> {
    let change = change(known, seen, late);
    known.restless = match change {
        Some(Happening::Modify) => keeps_prints,
        Some(Happening::CloseWrite) => false,
        _ => known.restless && seen.kind() == EntryKind::File,
    };
    known.refresh(&if keeps_prints { *seen } else { seen.without_prints() });
    change
}

fn missing(book: &Book, node: NodeId, seen: &[Seen]) -> Vec<Name> {
    let still = seen.iter().filter(|seen| book.entry(node, seen.name.bytes()).is_some()).count();
    if still == book.name_count(node) {
        return Vec::new();
    }
    let there: HashSet<&[u8]> = seen.iter().map(|seen| seen.name.bytes()).collect();
    book.names(node).filter(|(name, _)| !there.contains(name)).map(|(name, _)| name.into()).collect()
}

/// Whether it is not what lay there before.
pub(super) fn is_another(known: &Entry, seen: &Entry) -> bool {
    // A mount point has one inode in the listing and another one for a look.
    let comparable = known.was_looked_at() == seen.was_looked_at() || !seen.is_dir;
    let differ = known.inode != 0 && seen.inode != 0 && known.inode != seen.inode;
    known.is_dir != seen.is_dir || (differ && comparable)
}

/// What has happened to it. Where nobody looked before or now, nothing can be said but by its age.
fn change(known: &Entry, seen: &Entry, late: bool) -> Option<Happening> {
    let differ = |one: u32, other: u32| one != 0 && other != 0 && one != other;
    let content = differ(known.content, seen.content);
    let inode = differ(known.change, seen.change);
    let mode = known.mode != 0 && seen.mode != 0 && known.mode != seen.mode;
    match seen.kind() {
        EntryKind::File if late || content => Some(Happening::Modify),
        EntryKind::File if known.restless && known.content != 0 && seen.content != 0 && !inode => {
            Some(Happening::CloseWrite)
        }
        // What comes and goes in a directory changes its times; that is told by the names.
        EntryKind::Directory if !late && !mode => (inode && !content).then_some(Happening::Attrib),
        _ => (late || inode || mode || content).then_some(Happening::Attrib),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sys::Look;

    fn file(inode: u64, size: u64, ctime: i64) -> Entry {
        Entry::seen(&look(0o100_644, inode, size, ctime))
    }

    fn look(mode: u32, inode: u64, size: u64, ctime: i64) -> Look {
        Look { mode, size, mtime: (0, 0), ctime: (ctime, 0), inode, device: 1, links: 1 }
    }

    fn seen(name: &str, entry: Entry) -> Seen {
        Seen { name: name.as_bytes().into(), entry, late: false }
    }

    fn differences(book: &mut Book, seen: Vec<Seen>) -> String {
        let difference = compare(book, NodeId::ROOT, seen);
        let names = |names: &[(Name, Entry)]| names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        format!(
            "+{:?} !{:?} ~{:?} -{:?}",
            names(&difference.fresh),
            names(&difference.replaced),
            difference.changed,
            difference.missing
        )
    }

    #[test]
    fn what_is_new_another_changed_or_gone_is_told_apart() {
        let mut book = Book::new();
        for (name, inode) in [("same", 1), ("other", 2), ("grown", 3), ("touched", 4), ("gone", 5)] {
            book.insert(NodeId::ROOT, name.as_bytes(), file(inode, 10, 0));
        }
        let now = vec![
            seen("same", file(1, 10, 0)),
            seen("other", file(12, 10, 0)),
            seen("grown", file(3, 11, 1)),
            seen("touched", file(4, 10, 1)),
            seen("new", file(6, 0, 0)),
        ];
        let expected = r#"+["new"] !["other"] ~[("grown", Modify), ("touched", Attrib)] -["gone"]"#;
        assert_eq!(differences(&mut book, now), expected);
    }

    #[test]
    fn what_was_only_listed_has_not_changed_unless_it_is_late() {
        let mut book = Book::new();
        book.insert(NodeId::ROOT, b"a", Entry::named(0, false));
        assert_eq!(differences(&mut book, vec![seen("a", file(1, 10, 5))]), "+[] ![] ~[] -[]");
        let late = vec![Seen { late: true, ..seen("a", file(1, 10, 5)) }];
        assert_eq!(differences(&mut book, late), r#"+[] ![] ~[("a", Modify)] -[]"#);
        assert_eq!(differences(&mut book, vec![seen("a", Entry::named(1, false))]), "+[] ![] ~[] -[]");
        assert_eq!(differences(&mut book, vec![seen("a", Entry::named(1, true))]), r#"+[] !["a"] ~[] -[]"#);
    }

    #[test]
    fn a_file_that_was_written_is_closed_when_it_has_stood_still() {
        let mut book = Book::new();
        book.insert(NodeId::ROOT, b"a", file(1, 10, 0));
        let round = |book: &mut Book, size, ctime| differences(book, vec![seen("a", file(1, size, ctime))]);
        assert_eq!(round(&mut book, 10, 0), "+[] ![] ~[] -[]");
        assert_eq!(round(&mut book, 20, 1), r#"+[] ![] ~[("a", Modify)] -[]"#);
        assert_eq!(round(&mut book, 30, 2), r#"+[] ![] ~[("a", Modify)] -[]"#);
        assert_eq!(round(&mut book, 30, 2), r#"+[] ![] ~[("a", CloseWrite)] -[]"#);
        assert_eq!(round(&mut book, 30, 2), "+[] ![] ~[] -[]");
    }

    #[test]
    fn a_directory_s_own_times_are_its_names_business_and_its_mode_is_not() {
        let directory = |mode: u32, mtime, ctime| {
            Entry::seen(&Look { mtime: (mtime, 0), ctime: (ctime, 0), ..look(0o040_000 | mode, 1, 0, 0) })
        };
        let was = directory(0o755, 1, 1);
        assert_eq!(change(&was, &directory(0o755, 2, 2), false), None);
        assert_eq!(change(&was, &directory(0o755, 1, 2), false), Some(Happening::Attrib));
        assert_eq!(change(&was, &directory(0o700, 2, 2), false), Some(Happening::Attrib));
        assert_eq!(change(&was, &directory(0o755, 1, 1), true), Some(Happening::Attrib));
    }
}
