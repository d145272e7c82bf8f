//! Trees of which the kernel tells nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::rig::{ALL, Rig, events, names, polled};

#[test]
fn a_comparison_tells_what_events_would() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("d/e")).unwrap();
    fs::write(dir.path().join("d/e/f"), b"x").unwrap();
    let mut rig = Rig::in_dir(dir, polled(ALL));
    assert_eq!(rig.stream.standing().backend, "poll");
    assert_eq!(rig.stream.standing().polled_directories, 3);
    fs::write(rig.path("d/new"), b"x").unwrap();
    rig.until_told("+close_write d/new");
    assert_eq!(rig.take_told(), ["+create d/new", "+close_write d/new"]);
    fs::write(rig.path("d/e/f"), b"more").unwrap();
    rig.until_told("+close_write d/e/f");
    assert_eq!(rig.take_told(), ["+modify d/e/f", "+close_write d/e/f"]);
    fs::set_permissions(rig.path("d/e/f"), fs::Permissions::from_mode(0o600)).unwrap();
    rig.until_told("+attrib d/e/f");
    fs::set_permissions(rig.path("d"), fs::Permissions::from_mode(0o700)).unwrap();
    rig.until_told("+attrib d/");
    assert_eq!(rig.take_told(), ["+attrib d/e/f", "+attrib d/"]);
    fs::remove_file(rig.path("d/new")).unwrap();
    rig.until_told("+delete d/new");
    assert_eq!(rig.take_told(), ["+delete d/new"]);
}

#[test]
fn a_rename_is_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    fs::write(dir.path().join("a/b/f"), b"x").unwrap();
    fs::write(dir.path().join("g"), b"xy").unwrap();
    fs::write(dir.path().join("h"), b"xyz").unwrap();
    let mut rig = Rig::in_dir(dir, polled(ALL));
    fs::rename(rig.path("a"), rig.path("z")).unwrap();
    fs::write(rig.path("z/b/new"), b"x").unwrap();
    rig.until_told("+close_write z/b/new");
    let expected = ["+moved_from a/", "+moved_to z/", "+create z/b/new", "+close_write z/b/new"];
    assert_eq!(rig.take_told(), expected);
    // Over another file; and into a directory that is new itself.
    fs::rename(rig.path("g"), rig.path("h")).unwrap();
    rig.until_told("+moved_to h");
    fs::create_dir(rig.path("n")).unwrap();
    fs::rename(rig.path("z/b"), rig.path("n/b")).unwrap();
    rig.until_told("+moved_to n/b/");
    rig.until_equal();
    let told = rig.take_told();
    assert!(!told.iter().any(|told| told.starts_with("+delete")), "{told:?}");
}

#[test]
fn what_changes_places_ends_right() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/in-a")).unwrap();
    fs::create_dir_all(dir.path().join("b/in-b/deep")).unwrap();
    let mut rig = Rig::in_dir(dir, polled(names()));
    let exchange = |rig: &Rig, one: &str, other: &str| {
        fs::rename(rig.path(one), rig.path("tmp")).unwrap();
        fs::rename(rig.path(other), rig.path(one)).unwrap();
        fs::rename(rig.path("tmp"), rig.path(other)).unwrap();
    };
    exchange(&rig, "a", "b");
    rig.until_equal();
    // A directory takes the place of the one that it lay in.
    fs::rename(rig.path("a/in-b"), rig.path("tmp")).unwrap();
    fs::remove_dir(rig.path("a")).unwrap();
    fs::rename(rig.path("tmp"), rig.path("a")).unwrap();
    rig.until_equal();
    // A parent goes into what was its child.
    fs::rename(rig.path("a/deep"), rig.path("deep")).unwrap();
    fs::rename(rig.path("a"), rig.path("deep/a")).unwrap();
    rig.until_equal();
}

#[test]
fn a_polled_stream_becomes_one_of_events_and_back() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let mut rig = Rig::in_dir(dir, polled(names()));
    fs::write(rig.path("a/one"), b"x").unwrap();
    rig.stream.set(events(names()));
    rig.until("it listens", |rig| rig.stream.standing().backend == "inotify");
    fs::write(rig.path("a/b/two"), b"x").unwrap();
    rig.until_equal();
    assert_eq!(rig.take_told(), ["+create a/one", "create a/b/two"]);
    fs::write(rig.path("a/three"), b"x").unwrap();
    rig.stream.set(polled(names()));
    rig.until_told("create a/three");
    assert_eq!(rig.stream.standing().backend, "poll");
    fs::write(rig.path("a/b/four"), b"x").unwrap();
    rig.until_equal();
    assert_eq!(rig.take_told(), ["create a/three", "+create a/b/four"]);
}
