//! Whether DICOM files are as long as they say: datasets, lists of files, single files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use inspect::{InspectError, Seen, Wholeness, whole, whole_files};

use crate::tree::Tree;

const IMAGE: &[u8] = include_bytes!("../dicom/explicit.dcm");

fn is_member(_: &[u8]) -> bool {
    false
}

fn look(tree: &Tree, path: &[u8], seen: &mut Seen) -> Wholeness {
    whole(&tree.place(path), &is_member, seen, &|| false).unwrap()
}

fn short(short: u64, first: &[u8], missing: u64, read: u64) -> Wholeness {
    Wholeness { short, first: Some((first.into(), Some(missing))), read }
}

fn all_whole(read: u64) -> Wholeness {
    Wholeness { short: 0, first: None, read }
}

#[test]
fn the_first_that_is_short_is_named_until_all_are_whole() {
    let (tree, mut seen) = (Tree::new(), Seen::default());
    for name in [&b"s/a/1.dcm"[..], b"s/a/2", b"s/b/1"] {
        tree.write(name, IMAGE);
    }
    tree.write(b"s/readme.txt", b"hello");
    assert_eq!(look(&tree, b"s", &mut seen), all_whole(4));
    tree.write(b"s/b/1", &IMAGE[..IMAGE.len() - 10]);
    tree.write(b"s/a/2", &IMAGE[..IMAGE.len() - 7]);
    assert_eq!(look(&tree, b"s", &mut seen), short(2, b"a/2", 7, 2));
    tree.write(b"s/a/2", IMAGE);
    assert_eq!(look(&tree, b"s", &mut seen), short(1, b"b/1", 10, 1));
    tree.write(b"s/b/1", IMAGE);
    assert_eq!(look(&tree, b"s", &mut seen), all_whole(1));
}

#[test]
fn what_looks_as_it_did_is_not_opened_again() {
    let (tree, mut seen) = (Tree::in_memory(), Seen::default());
    for number in 0..5_000 {
        let cut = usize::from(number == 77) * 4;
        tree.write(format!("s/{number:04}").as_bytes(), &IMAGE[..IMAGE.len() - cut]);
    }
    let found = short(1, b"0077", 4, 5_000);
    assert_eq!(look(&tree, b"s", &mut seen), found);
    assert_eq!(look(&tree, b"s", &mut seen), Wholeness { read: 0, ..found });
    // What was told to stop has forgotten nothing.
    let stopped = whole(&tree.place(b"s"), &is_member, &mut seen, &|| true);
    assert!(matches!(stopped, Err(InspectError::Stopped)), "{stopped:?}");
    tree.write(b"s/0077", IMAGE);
    assert_eq!(look(&tree, b"s", &mut seen), all_whole(1));
}

#[test]
fn single_files_and_lists_of_files_are_looked_at_alike() {
    let (tree, mut seen) = (Tree::new(), Seen::default());
    tree.write(b"d/1", IMAGE);
    tree.write(b"d/2", &IMAGE[..300]);
    let alone = look(&tree, b"d/2", &mut Seen::default());
    assert_eq!(alone.first.as_ref().map(|(name, _)| &**name), Some(&b"2"[..]));
    assert_eq!(look(&tree, b"d/1", &mut Seen::default()), all_whole(1));
    let list = |files: &[&'static [u8]], seen: &mut Seen| {
        whole_files(&tree.root, files.iter().copied(), seen, &|| false).unwrap()
    };
    assert_eq!(list(&[b"d/1", b"d/2", b"d/none", b"none/1"], &mut seen), Wholeness { read: 2, ..alone });
    assert_eq!(list(&[b"d/1"], &mut seen), all_whole(0));
    let place = tree.place(b"none");
    assert!(matches!(whole(&place, &is_member, &mut seen, &|| false), Err(InspectError::Absent { .. })));
}

#[test]
fn what_is_no_member_or_no_file_is_not_asked() {
    let (tree, mut seen) = (Tree::new(), Seen::default());
    tree.write(b"s/1", IMAGE);
    tree.write(b"s/cut", &IMAGE[..300]);
    tree.write(b"elsewhere", &IMAGE[..300]);
    std::os::unix::fs::symlink("../elsewhere", tree.path(b"s/link")).unwrap();
    let ignore = |name: &[u8]| name == b"cut";
    let found = whole(&tree.place(b"s"), &ignore, &mut seen, &|| false).unwrap();
    assert_eq!(found, all_whole(1));
    assert_eq!(look(&tree, b"s/link", &mut seen), all_whole(0));
}

#[test]
fn what_cannot_be_read_is_not_taken_for_whole() {
    let (tree, mut seen) = (Tree::new(), Seen::default());
    tree.write(b"s/1", IMAGE);
    let locked: &Path = &tree.path(b"s/1");
    fs::set_permissions(locked, Permissions::from_mode(0o000)).unwrap();
    if fs::read(locked).is_ok() {
        eprintln!("SKIPPED: root may read everything");
        return;
    }
    let found = look(&tree, b"s", &mut seen);
    assert_eq!((found.short, found.first), (1, Some((b"1"[..].into(), None))));
}
