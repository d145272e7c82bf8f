//! Walks through both trees.

use std::fs;
use std::os::unix::fs::symlink;

use mirror::{Compare, Content, What};

use crate::rig::{Rig, chmod, equalize, path, touch, walk, write};

/// Trees that differ in every way.
fn every_way() -> (Rig, Vec<&'static str>) {
    let rig = Rig::new();
    for name in ["same", "content", "times", "type", "mode", "d/sub/deep", "missing/a/b", "e/x"] {
        rig.write(name, "text");
    }
    symlink("one", rig.there("target")).unwrap();
    let pair = rig.pair();
    equalize(&pair);
    fs::remove_dir_all(rig.here("missing")).unwrap();
    fs::write(rig.here("content"), "longer").unwrap();
    touch(&rig.here("times"), (5, 5));
    fs::remove_file(rig.here("type")).unwrap();
    fs::create_dir(rig.here("type")).unwrap();
    chmod(&rig.here("mode"), 0o611);
    chmod(&rig.here("d/sub"), 0o711);
    fs::remove_file(rig.here("target")).unwrap();
    symlink("two", rig.here("target")).unwrap();
    write(&rig.destination, "e/extra/in/it", "extra");
    write(&rig.destination, "e/.staithe-mirror-1-2.tmp", "left behind");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        rig.there("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let told = vec![
        "content content",
        "mode d/sub",
        "leftover e/.staithe-mirror-1-2.tmp",
        "extra e/extra",
        "times e",
        "missing missing",
        "missing missing/a",
        "missing missing/a/b",
        "mode mode",
        "target target",
        "content times",
        "type type",
        "times ",
    ];
    (rig, told)
}

#[test]
fn each_difference_is_told_once_whatever_the_budget() {
    let (rig, told) = every_way();
    let pair = rig.pair();
    for budget in [1, 2, 3, 7, 1000] {
        assert_eq!(walk(&pair, budget, false), told, "{budget}");
    }
}

#[test]
fn bringing_what_is_told_makes_the_trees_equal() {
    let (rig, _) = every_way();
    equalize(&rig.pair());
    fs::remove_file(rig.there("fifo")).unwrap();
    // That changed the root's time.
    assert_eq!(walk(&rig.pair(), 9, true), ["times "]);
    rig.assert_equal();
}

#[test]
fn a_walk_can_begin_below() {
    let (rig, _) = every_way();
    let pair = rig.pair();
    let below = |path: &str| {
        let mut told = Vec::new();
        let mut compare = Compare::below(path.as_bytes());
        while !compare.is_done() {
            compare.step(&pair, 1, &mut |found| told.push(String::from_utf8(found.path).unwrap())).unwrap();
        }
        told
    };
    assert_eq!(below("missing/a"), ["missing/a", "missing/a/b"]);
    assert_eq!(below("d"), ["d/sub"]);
    assert_eq!(below("mode"), ["mode"]);
    assert_eq!(below("same"), [""; 0]);
    assert_eq!(below("none/at/all"), [""; 0]);
    assert!(Compare::below(b"../x").step(&pair, 1, &mut |_| {}).is_err());
}

#[test]
fn what_changes_during_a_walk_does_not_end_it() {
    let rig = Rig::new();
    for number in 0..50 {
        rig.write(&format!("d{number:02}/f"), "text");
    }
    let pair = rig.pair();
    let mut compare = Compare::whole();
    let mut next = 0;
    while !compare.is_done() {
        compare.step(&pair, 1, &mut |_| {}).unwrap();
        if next < 50 {
            fs::remove_dir_all(rig.there(&format!("d{:02}", 49 - next))).unwrap();
            next += 1;
        }
    }
    assert!(compare.progress().directories > 1 && compare.progress().entries > 50);
    equalize(&pair);
    rig.assert_equal();
}

#[test]
fn paths_longer_than_the_kernel_takes_are_mirrored_renamed_and_removed() {
    let rig = Rig::new();
    let name = "n".repeat(250);
    let depth = 40;
    let mut dir = sys::Dir::open_root(&rig.source).unwrap();
    for level in 0..depth {
        dir.make_dir(name.as_bytes(), 0o755).unwrap();
        dir = dir.open_child(name.as_bytes()).unwrap();
        if level == depth - 1 {
            use std::io::Write as _;
            dir.make_file(b"deep").unwrap().write_all(b"text").unwrap();
        }
    }
    let pair = rig.pair();
    equalize(&pair);
    let deep = [vec![name.as_bytes(); depth], vec![b"deep"]].concat().join(&b'/');
    assert!(deep.len() > 10_000);
    assert!(pair.content_equal(&deep, &|_| true).unwrap());
    let moved = [vec![name.as_bytes(); depth], vec![b"moved"]].concat().join(&b'/');
    dir.rename(b"deep", &dir, b"moved").unwrap();
    assert_eq!(pair.rename(&deep, &moved).unwrap(), mirror::Renamed::Done);
    assert!(walk(&pair, 100, false).is_empty());
    pair.sync().unwrap();
    // Deeper than there are descriptors.
    assert_eq!(pair.remove(name.as_bytes()).unwrap(), depth as u64 + 1);
    pair.bring(&moved, Content::IfDiffers, &|_| true).unwrap();
    assert!(walk(&pair, 100, false).is_empty(), "all parents are as they were");
}

#[test]
fn a_tree_deeper_than_there_are_descriptors_is_mirrored_and_removed() {
    const FEW: &str = "STAITHE_TEST_FEW_DESCRIPTORS";
    if std::env::var(FEW).is_err() {
        let test = "comparing::a_tree_deeper_than_there_are_descriptors_is_mirrored_and_removed";
        let script = r#"ulimit -n 64 && exec "$1" --exact "$2""#;
        let done = std::process::Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env(FEW, "yes")
            .status();
        assert!(done.unwrap().success());
        return;
    }
    let rig = Rig::new();
    rig.write(&("d/".repeat(200) + "f"), "text");
    let pair = rig.pair();
    walk(&pair, 1_000, true);
    rig.assert_equal();
    pair.sync().unwrap();
    assert_eq!(pair.remove(b"d").unwrap(), 201);
}

#[test]
fn names_are_bytes() {
    let rig = Rig::new();
    let long = [b'x'; 255];
    for name in [
        &b"\xff\xfe"[..],
        b"new\nline",
        b" ",
        b"...",
        b"..a",
        b"-rf",
        b"$(id)",
        b"\x1b[31m",
        b"%41",
        b"\\",
        b"*",
        &long,
    ] {
        fs::write(rig.source.join(path(name)), name).unwrap();
        fs::create_dir(rig.source.join(path(&name[..name.len().min(250)])).with_added_extension("d"))
            .unwrap();
    }
    equalize(&rig.pair());
    rig.assert_equal();
}

#[test]
fn a_directory_with_many_entries() {
    let rig = Rig::new();
    for number in 0..3_000 {
        rig.write(&format!("many/{number}"), "");
    }
    let pair = rig.pair();
    assert_eq!(equalize(&pair).len(), 3_001);
    rig.assert_equal();
    let mut compare = Compare::whole();
    compare.step(&pair, usize::MAX, &mut |found| panic!("{found:?}")).unwrap();
    assert!(compare.is_done());
    assert_eq!(compare.progress().entries, 3_001);
}

#[test]
fn a_link_to_a_directory_is_not_walked_through() {
    let rig = Rig::new();
    write(&rig.outside, "secret", "CANARY");
    symlink(&rig.outside, rig.there("l")).unwrap();
    fs::create_dir(&rig.destination).unwrap();
    let pair = rig.pair();
    let mut compare = Compare::whole();
    compare
        .step(&pair, 100, &mut |found| match found.what {
            What::MissingThere { directory } => assert!(!directory && found.path == b"l"),
            other => assert!(matches!(other, What::Times(..)), "{other:?}"),
        })
        .unwrap();
    equalize(&pair);
    rig.assert_equal();
}
