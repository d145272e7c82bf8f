//! All but content: what is there is made equal at once.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use model::Happening;

use crate::rig::{Rig, Says, chmod, touch};

#[test]
fn modes_and_times_follow_without_a_copy() {
    let mut rig = Rig::new();
    rig.write("n", "text");
    rig.mirrored();
    let was = rig.inode("n");
    let owner = fs::metadata(rig.here("n")).unwrap().uid();
    chmod(&rig.there("n"), 0o600);
    touch(&rig.there("n"), "2011-01-01");
    let attrib = rig.happening(Happening::Attrib, "n");
    rig.give([attrib]);
    rig.assert_equal();
    assert_eq!((rig.inode("n"), fs::metadata(rig.here("n")).unwrap().uid()), (was, owner));
}

#[test]
fn times_of_a_file_that_is_being_written_are_not_taken() {
    let mut rig = Rig::new();
    rig.write("n", "one");
    rig.mirrored();
    rig.write("n", "two");
    let closed = rig.happening(Happening::CloseWrite, "n");
    let attrib = rig.happening(Happening::Attrib, "n");
    rig.give([closed, attrib]);
    assert_eq!(fs::read(rig.here("n")).unwrap(), b"one");
    let (ours, theirs) = (fs::metadata(rig.there("n")).unwrap(), fs::metadata(rig.here("n")).unwrap());
    assert_ne!(ours.modified().unwrap(), theirs.modified().unwrap(), "it would look equal for ever");
}

#[test]
fn a_file_with_two_names_changes_under_both() {
    let mut rig = Rig::new();
    rig.write("a", "text");
    rig.mirrored();
    fs::hard_link(rig.there("a"), rig.there("b")).unwrap();
    let told =
        [rig.happening(Happening::Attrib, "a"), rig.happening(Happening::Create, "b"), rig.arrival("b")];
    rig.give(told);
    chmod(&rig.there("b"), 0o600);
    fs::write(rig.there("b"), "other text").unwrap();
    let told = [rig.happening(Happening::Attrib, "b"), rig.arrived("b", 2, model::SignalSet::EMPTY)];
    rig.give(told);
    rig.assert_equal();
}

#[test]
fn the_roots_mode_follows_and_the_next_file_comes() {
    let mut rig = Rig::new();
    rig.mirrored();
    chmod(&rig.source, 0o700);
    let attrib = rig.told(Happening::Attrib, "", Says { is_dir: true, ..Says::default() });
    rig.give([attrib]);
    assert_eq!(fs::metadata(&rig.destination).unwrap().mode() & 0o7777, 0o700);
    rig.write("next", "file");
    let told = [rig.happening(Happening::Create, "next"), rig.arrival("next")];
    rig.give(told);
    rig.assert_equal();
}

#[test]
fn links_are_mirrored_as_links_before_and_after_the_start() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    let link = |rig: &Rig, tag: &str| {
        for (name, text) in [("file", "d/f"), ("dir", "d"), ("nowhere", "../no/where"), ("out", "/etc")] {
            symlink(text, rig.there(&format!("{name}{tag}"))).unwrap();
        }
    };
    link(&rig, "-before");
    rig.mirrored();
    link(&rig, "-after");
    let told = ["file-after", "dir-after", "nowhere-after", "out-after"]
        .map(|name| rig.happening(Happening::Create, name));
    rig.give(told);
    rig.assert_equal();
    assert_eq!(fs::read_link(rig.here("nowhere-after")).unwrap().to_str(), Some("../no/where"));
    fs::remove_file(rig.there("dir-after")).unwrap();
    let told = rig.happening(Happening::Delete, "dir-after");
    rig.give([told]);
    rig.assert_equal();
    assert!(rig.there("d/f").exists(), "a link is removed, not what it leads to");
}

#[test]
fn what_is_deleted_goes_and_what_is_there_again_stays() {
    let mut rig = Rig::new();
    for name in ["d/e/f", "again", "gone"] {
        rig.write(name, "text");
    }
    rig.mirrored();
    let was = rig.inode("again");
    fs::remove_dir_all(rig.there("d")).unwrap();
    fs::remove_file(rig.there("gone")).unwrap();
    let told = ["d/e/f", "d/e", "d", "gone", "again"].map(|name| rig.happening(Happening::Delete, name));
    rig.give(told);
    rig.assert_equal();
    assert_eq!(rig.inode("again"), was);
}

#[test]
fn a_populated_directory_that_is_moved_in_is_mirrored() {
    let mut rig = Rig::new();
    rig.mirrored();
    let outside = rig.source.with_file_name("outside");
    fs::create_dir_all(outside.join("a/b/c")).unwrap();
    let names: Vec<_> = (0..200).map(|n| format!("in/{}f{n}", ["", "a/", "a/b/", "a/b/c/"][n % 4])).collect();
    for name in &names {
        fs::write(outside.join(name.strip_prefix("in/").unwrap()), name).unwrap();
    }
    fs::rename(outside, rig.there("in")).unwrap();
    let mut told =
        vec![rig.told(Happening::MovedTo, "in", Says { cookie: 3, is_dir: true, synthetic: false })];
    for name in ["in/a", "in/a/b", "in/a/b/c"].into_iter().chain(names.iter().map(String::as_str)) {
        told.push(rig.told(Happening::Create, name, Says { synthetic: true, ..Says::default() }));
    }
    for name in &names {
        told.push(rig.arrival(name));
    }
    rig.give(told);
    rig.assert_equal();
}
