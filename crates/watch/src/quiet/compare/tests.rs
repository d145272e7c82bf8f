use sys::Errno;

use super::super::snapshot::Facts;
use super::*;

/// A regular file of one byte; its times are its inode's number.
fn file(inode: u64) -> Facts {
    let time = (inode as i64, 0);
    let kind = EntryKind::File;
    let birth = Some(time);
    Facts { size: 1, kind, mode: 0o644, mtime: time, ctime: time, birth, inode, device: 1 }
}

fn dir(inode: u64) -> Facts {
    Facts { size: 0, kind: EntryKind::Directory, ..file(inode) }
}

/// As after a rename: the inode's own time is another.
fn renamed(facts: Facts) -> Facts {
    Facts { ctime: (1_000, 0), ..facts }
}

fn without_birth(facts: Facts) -> Facts {
    Facts { birth: None, ..facts }
}

fn snapshot(entries: &[(&str, Facts)]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    // Not in the order of the paths: no walk gives that.
    for (path, facts) in entries.iter().rev() {
        snapshot.add(path.as_bytes(), *facts);
    }
    snapshot.sorted()
}

fn shown(change: &Change) -> String {
    let text = |path: &[u8]| String::from_utf8(path.to_vec()).unwrap();
    let slash = |kind: EntryKind| if kind == EntryKind::Directory { "/" } else { "" };
    match change {
        Change::Created { path, kind, size } => format!("+{}{} {size}", text(path), slash(*kind)),
        Change::Deleted { path, kind, size } => format!("-{}{} {size}", text(path), slash(*kind)),
        Change::Modified { path, kind, before, size, replaced } => {
            let sign = if *replaced { "!" } else { "~" };
            format!("{sign}{}{} {before} {size}", text(path), slash(*kind))
        }
        Change::Moved { from, path, kind, .. } => format!("{}>{}{}", text(from), text(path), slash(*kind)),
    }
}

#[track_caller]
fn check(before: &[(&str, Facts)], after: &[(&str, Facts)], expected: &[&str]) {
    let found: Vec<String> = compare(&snapshot(before), &snapshot(after)).iter().map(shown).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_same_is_no_difference() {
    let tree = [("", dir(1)), ("a", file(2)), ("d", dir(3)), ("d/b", file(4))];
    check(&tree, &tree, &[]);
    check(&[], &[], &[]);
}

#[test]
fn each_kind_of_difference_in_its_order() {
    let larger = Facts { size: 7, mtime: (900, 0), ctime: (900, 0), ..file(3) };
    check(
        &[("gone", file(2)), ("grows", file(3)), ("old", file(4)), ("gone-dir", dir(8))],
        &[("grows", larger), ("made", file(5)), ("new", renamed(file(4))), ("made-dir", dir(9))],
        &["-gone 1", "-gone-dir/ 0", "old>new", "+made 1", "+made-dir/ 0", "~grows 1 7"],
    );
}

#[test]
fn the_time_of_the_inode_tells_of_a_write_that_hides() {
    let hidden = Facts { ctime: (900, 0), ..file(2) };
    check(&[("a", file(2))], &[("a", hidden)], &["~a 1 1"]);
    let nanosecond = Facts { mtime: (2, 1), ..file(2) };
    check(&[("a", file(2))], &[("a", nanosecond)], &["~a 1 1"]);
}

#[test]
fn a_second_name_is_created_as_long_as_the_first_is_there() {
    check(&[("a", file(2))], &[("a", file(2)), ("b", file(2))], &["+b 1"]);
    check(&[("a", file(2)), ("b", file(2))], &[("b", file(2))], &["-a 1"]);
    // One name gone, two new: one of them is the old one.
    check(&[("a", file(2))], &[("b", file(2)), ("c", file(2))], &["a>b", "+c 1"]);
    check(&[("a", file(2)), ("b", file(2))], &[("c", file(2))], &["-b 1", "a>c"]);
    check(&[("a", file(2)), ("b", file(2))], &[("a", file(2)), ("c", file(2))], &["b>c"]);
}

#[test]
fn a_number_that_is_used_again_is_no_move() {
    let again = Facts { birth: Some((900, 0)), ..file(2) };
    check(&[("a", file(2))], &[("b", again)], &["-a 1", "+b 1"]);
    // Where the file system tells of no birth, what was touched as well is not believed.
    let (old, written) = (without_birth(file(2)), Facts { mtime: (900, 0), ..without_birth(file(2)) });
    check(&[("a", old)], &[("b", written)], &["-a 1", "+b 1"]);
    check(&[("a", old)], &[("b", Facts { size: 2, ..old })], &["-a 1", "+b 2"]);
    check(&[("a", old)], &[("b", renamed(old))], &["a>b"]);
    // Another device or kind never is.
    check(&[("a", file(2))], &[("b", Facts { device: 2, ..file(2) })], &["-a 1", "+b 1"]);
    check(&[("a", file(2))], &[("b", dir(2))], &["-a 1", "+b/ 0"]);
}

#[test]
fn what_was_renamed_and_written_is_both() {
    let written = Facts { size: 5, mtime: (900, 0), ..renamed(file(2)) };
    check(&[("a", file(2))], &[("b", written)], &["a>b", "~b 1 5"]);
    let opened_up = Facts { mode: 0o666, ..renamed(file(2)) };
    check(&[("a", file(2))], &[("b", opened_up)], &["a>b", "~b 1 1"]);
}

#[test]
fn another_file_of_the_same_name_is_told_as_such() {
    // What replaces it was not there before.
    check(&[("a", file(2))], &[("a", Facts { size: 9, ..file(3) })], &["!a 1 9"]);
    // The same number, made again.
    let again = Facts { birth: Some((900, 0)), size: 9, ..file(2) };
    check(&[("a", file(2))], &[("a", again)], &["!a 1 9"]);
    // It was there under another name.
    check(&[("a", file(2)), ("t", file(3))], &[("a", renamed(file(3)))], &["-a 1", "t>a"]);
    // What was there went elsewhere, and something new took the name.
    check(&[("a", file(2))], &[("a", file(3)), ("b", renamed(file(2)))], &["a>b", "+a 1"]);
    // Exchanged.
    check(
        &[("a", file(2)), ("b", file(3))],
        &[("a", renamed(file(3))), ("b", renamed(file(2)))],
        &["b>a", "a>b"],
    );
    // Not even the same kind.
    check(&[("a", file(2))], &[("a", dir(3))], &["-a 1", "+a/ 0"]);
    check(&[("d", dir(2))], &[("d", dir(3))], &["-d/ 0", "+d/ 0"]);
}

#[test]
fn a_renamed_directory_is_told_without_its_content() {
    let before = [("d", dir(2)), ("d/a", file(3)), ("d/e", dir(4)), ("d/e/b", file(5))];
    let after = [("z", renamed(dir(2))), ("z/a", file(3)), ("z/e", dir(4)), ("z/e/b", file(5))];
    check(&before, &after, &["d>z/"]);
    // But for what has changed in it as well.
    let grown = Facts { size: 6, mtime: (900, 0), ctime: (900, 0), ..file(5) };
    let after = [("z", renamed(dir(2))), ("z/c", renamed(file(3))), ("z/e", dir(4)), ("z/e/b", grown)];
    check(&before, &after, &["d>z/", "d/a>z/c", "~z/e/b 1 6"]);
    // And a directory in it that went its own way.
    let after = [("y", renamed(dir(4))), ("y/b", file(5)), ("z", renamed(dir(2))), ("z/a", file(3))];
    check(&before, &after, &["d/e>y/", "d>z/"]);
}

#[test]
fn names_of_one_file_in_a_renamed_directory_move_with_it() {
    let before = [("d", dir(2)), ("d/a", file(3)), ("d/b", file(3)), ("x", file(3))];
    let after = [("a", file(3)), ("z", renamed(dir(2))), ("z/a", file(3)), ("z/b", file(3))];
    check(&before, &after, &["x>a", "d>z/"]);
}

#[test]
fn of_what_could_not_be_read_nothing_is_said() {
    let mut known = Snapshot::new();
    for (path, facts) in
        [("d", dir(2)), ("d/a", file(3)), ("d/e", dir(6)), ("d/e/b", file(7)), ("da", file(4))]
    {
        known.add(path.as_bytes(), facts);
    }
    let known = known.sorted();
    let mut hidden = Snapshot::new();
    hidden.add(b"d", Facts { mode: 0, ctime: (900, 0), ..dir(2) });
    hidden.add_unread(b"d", Errno::ACCESS);
    let hidden = hidden.sorted();
    let found = |before: &Snapshot, after: &Snapshot| -> Vec<String> {
        compare(before, after).iter().map(shown).collect()
    };
    assert_eq!(found(&known, &hidden), ["-da 1", "~d/ 0 0"]);
    assert_eq!(found(&hidden, &known), ["+da 1", "~d/ 0 0"]);
}

#[test]
fn a_name_that_was_listed_twice_counts_once() {
    let mut snapshot = Snapshot::new();
    snapshot.add(b"a", file(2));
    snapshot.add(b"a", file(3));
    let snapshot = snapshot.sorted();
    assert_eq!(snapshot.len(), 1);
    let mut later = Snapshot::new();
    later.add(b"a", file(3));
    assert_eq!(compare(&snapshot, &later.sorted()), []);
}

#[test]
fn totals_leave_the_root_out() {
    let link = Facts { kind: EntryKind::Symlink, ..file(5) };
    let snapshot = snapshot(&[("", dir(1)), ("a", file(2)), ("d", dir(3)), ("d/b", file(4)), ("l", link)]);
    let totals = snapshot.totals();
    assert_eq!((totals.files, totals.directories, totals.others, totals.bytes), (2, 1, 1, 2));
}
