//! Renames of directories: within the tree, into it, out of it, over one another.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use crate::rig::{Rig, events, names};

fn chain(rig: &mut Rig) {
    fs::create_dir_all(rig.path("a/b/c")).unwrap();
    fs::write(rig.path("a/b/c/f"), b"x").unwrap();
    rig.until_equal();
    rig.take_told();
}

#[test]
fn all_below_a_renamed_directory_has_its_new_path() {
    let mut rig = Rig::new(events(names()));
    chain(&mut rig);
    fs::rename(rig.path("a"), rig.path("z")).unwrap();
    fs::write(rig.path("z/b/c/g"), b"x").unwrap();
    fs::remove_file(rig.path("z/b/c/f")).unwrap();
    let expected = ["moved_from a/", "moved_to z/", "create z/b/c/g", "delete z/b/c/f"];
    assert_eq!(rig.told_by_now(), expected);
}

#[test]
fn a_tree_moved_in_is_told_whole() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir_all(outside.path().join("t/u/v")).unwrap();
    for number in 0..50 {
        fs::write(outside.path().join(format!("t/u/v/f{number}")), b"x").unwrap();
    }
    let name = std::ffi::OsStr::from_bytes(b"t/u/no\xfftext\n");
    fs::write(outside.path().join(name), b"x").unwrap();
    let mut rig = Rig::new(events(names()));
    fs::rename(outside.path().join("t"), rig.path("t")).unwrap();
    rig.until_equal();
    let told = rig.take_told();
    assert_eq!(told[0], "moved_to t/");
    assert_eq!(told.len(), 1 + 2 + 50 + 1, "{told:?}");
    assert!(told[1..].iter().all(|told| told.starts_with("+create t/u")), "{told:?}");
    // And it is heard from now on.
    fs::write(rig.path("t/u/v/new"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["create t/u/v/new"]);
}

#[test]
fn of_what_was_moved_out_nothing_is_told_any_more() {
    let outside = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(events(names()));
    chain(&mut rig);
    assert_eq!(rig.stream.standing().watches, 4);
    let there = outside.path().join("a");
    fs::rename(rig.path("a"), &there).unwrap();
    fs::write(there.join("b/c/unheard"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["moved_from a/"]);
    assert_eq!(rig.stream.standing().watches, 1);
    fs::write(there.join("b/c/unheard2"), b"x").unwrap();
    fs::remove_dir_all(&there).unwrap();
    assert_eq!(rig.told_by_now(), [""; 0]);
    // A new one of that name is another one.
    fs::create_dir(rig.path("a")).unwrap();
    rig.until_equal();
    assert_eq!(rig.told_by_now(), ["create a/"]);
}

#[test]
fn a_directory_goes_over_an_empty_one() {
    let mut rig = Rig::new(events(names()));
    chain(&mut rig);
    fs::create_dir(rig.path("e")).unwrap();
    rig.until_equal();
    rig.take_told();
    fs::rename(rig.path("a"), rig.path("e")).unwrap();
    fs::write(rig.path("e/b/g"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["moved_from a/", "moved_to e/", "create e/b/g"]);
    rig.until_equal();
    assert_eq!(rig.stream.standing().watches, 4);
}

#[test]
fn two_that_are_exchanged_end_right() {
    let mut rig = Rig::new(events(names()));
    chain(&mut rig);
    fs::create_dir_all(rig.path("x/y")).unwrap();
    fs::write(rig.path("f"), b"1").unwrap();
    fs::write(rig.path("g"), b"2").unwrap();
    rig.until_equal();
    for (one, other) in [("a", "x"), ("f", "g"), ("a/b", "f")] {
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        let cwd = rustix::fs::CWD;
        rustix::fs::renameat_with(cwd, rig.path(one), cwd, rig.path(other), flags).ok();
        rig.told_by_now();
        rig.until_equal();
    }
    fs::write(rig.path("x/late"), b"x").unwrap();
    rig.until_equal();
}

#[test]
fn a_directory_that_moves_on_between_its_appearance_and_its_listing_keeps_its_watches() {
    let mut rig = Rig::new(events(names()));
    chain(&mut rig);
    // All of it before the stream has read a word: when it goes into `n`, `a` lies there already.
    fs::create_dir(rig.path("n")).unwrap();
    fs::rename(rig.path("a"), rig.path("n/a")).unwrap();
    let told = rig.told_by_now();
    assert_eq!(told[..2], ["create n/", "moved_from a/"], "{told:?}");
    rig.until_equal();
    fs::write(rig.path("n/a/b/c/g"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["create n/a/b/c/g"]);
    assert_eq!(rig.stream.standing().watches, 5);
}

#[test]
fn a_directory_whose_listing_waits_for_a_rename_is_listed_when_that_is_told() {
    let mut rig = Rig::new(events(names()));
    for parent in ["a", "x"] {
        fs::create_dir_all(rig.path(parent).join("q/n/p")).unwrap();
    }
    rig.until_equal();
    // Found where it was not known to be, a directory is listed once more when all is told.
    for parent in ["a", "x"] {
        fs::create_dir(rig.path(parent).join("n")).unwrap();
        fs::rename(rig.path(parent).join("q/n"), rig.path(parent).join("n")).unwrap();
    }
    // Between these two listings what lies above the second one is renamed.
    let (from, to) = (rig.path("x"), rig.path("y"));
    let rename = Box::new(move || fs::rename(from, to).unwrap());
    rig.believer.then = Some(("+create a/n/p/".to_owned(), rename));
    rig.until_told("moved_to y/");
    rig.until_equal();
    rig.take_told();
    fs::write(rig.path("y/n/p/f"), b"x").unwrap();
    assert_eq!(rig.told_by_now(), ["create y/n/p/f"]);
}
