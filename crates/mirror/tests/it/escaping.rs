//! All ways out of the two trees, in random order and one upon the other: nothing outside may change.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use mirror::{Content, Fault, Pair};
use testkit::chance::Chance;
use testkit::proof::{Row, size};

use crate::rig::{Rig, chmod, equalize, fingerprint, path, touch, write};

/// What lies in the source, or may. The last are twins where cases or normal forms are taken for one.
const PATHS: &[&str] = &[
    "f",
    "d/f",
    "d/e/g",
    "deep/d/f",
    "deep/d/e",
    "d/e",
    "deep",
    "F",
    "D/f",
    "\u{e9}",
    "e\u{301}",
    "d/\u{fb01}",
    "d/fi",
];

/// What is no path below a root.
const CLIMBING: &[&[u8]] = &[
    b"..",
    b"../outside/f",
    b"d/../../outside/f",
    b"deep/../../outside",
    b"d/..",
    b"./../outside",
    b"/",
    b"/dev/shm",
    b"//outside",
    b"d//f",
    b"d/",
    b"outside/..",
    b"../outside/f\0",
];

/// Where links lead that are planted, from the rig's folder.
const TARGETS: &[&str] = &["outside", "outside/f", "outside/d", "outside/d/f", "outside/none"];

fn with_canary() -> (Rig, Vec<String>) {
    let rig = Rig::new();
    for name in ["f", "d/f", "d/e/g", "F"] {
        write(&rig.outside, name, "CANARY");
        chmod(&rig.outside.join(name), 0o604);
        touch(&rig.outside.join(name), (77, 7));
    }
    for name in ["d/e", "d", ""] {
        touch(&rig.outside.join(name), (78, 8));
    }
    let print = fingerprint(&rig.outside);
    (rig, print)
}

/// What is put at a path by somebody else.
enum Thing {
    File(String),
    Link(PathBuf),
    SecondName(PathBuf),
}

/// Puts something at `at` in a tree, or at the first of the way to it that is no directory; never through a link itself.
fn put(root: &Path, at: &str, thing: &Thing) {
    let mut place = root.to_owned();
    for name in Path::new(at) {
        if fs::symlink_metadata(&place).is_err() {
            fs::create_dir(&place).unwrap();
        } else if !fs::symlink_metadata(&place).unwrap().is_dir() {
            break;
        }
        place.push(name);
    }
    clear(&place);
    match thing {
        Thing::File(text) => fs::write(&place, text),
        Thing::Link(target) => symlink(target, &place),
        Thing::SecondName(of) => fs::hard_link(of, &place),
    }
    .unwrap();
}

fn clear(place: &Path) {
    match fs::symlink_metadata(place) {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(place).unwrap(),
        Ok(_) => fs::remove_file(place).unwrap(),
        Err(_) => {}
    }
}

fn link(rig: &Rig, chance: &mut Chance) -> Thing {
    let target = chance.pick(TARGETS);
    // One way up is as good as two where the link lies at the top; the others lead nowhere, which is as it should be.
    let relative = Path::new(chance.pick(&["..", "../..", "../../.."])).join(target);
    let absolute = rig.outside.parent().unwrap().join(target);
    Thing::Link(if chance.flip() { relative } else { absolute })
}

/// What an attacker who may write in both trees can do before the mirror looks.
fn plant(rig: &Rig, chance: &mut Chance, files: &mut usize) {
    let at = chance.pick(PATHS);
    match chance.below(6) {
        0 => put(&rig.source, at, &link(rig, chance)),
        1 | 2 => put(&rig.destination, at, &link(rig, chance)),
        3 => put(&rig.destination, at, &Thing::SecondName(rig.outside.join("f"))),
        // The names under which the mirror writes can be guessed.
        4 => {
            let name = format!(".staithe-mirror-{:x}-{:x}.tmp", std::process::id(), chance.below(400));
            put(&rig.destination, &name, &link(rig, chance));
        }
        _ => put(&rig.source, at, &mine(files)),
    }
}

/// A file of a size that no other has: those that are written within one tick of the file system's clock have one time, and
/// a mirror takes size and time for the content.
fn mine(files: &mut usize) -> Thing {
    *files += 1;
    Thing::File("mine".repeat(*files))
}

/// One of the things that a mirror does. It may fail: what counts is what lies outside.
fn act(pair: &Pair, chance: &mut Chance) {
    let (one, other) = (chance.pick(PATHS).as_bytes(), chance.pick(PATHS).as_bytes());
    let content = chance.pick(&[Content::Always, Content::IfDiffers, Content::Never]);
    match chance.below(5) {
        0 | 1 => drop(pair.bring(one, content, &|_| true)),
        2 => drop(pair.remove(one)),
        3 => drop(pair.rename(one, other)),
        _ => drop(pair.content_equal_at(one, other, &|_| true)),
    }
}

/// Every operation refuses what is no path below a root.
#[track_caller]
fn assert_refused(pair: &Pair, climbing: &[u8]) {
    let refusals = [
        pair.bring(climbing, Content::Always, &|_| true).err(),
        pair.remove(climbing).err(),
        pair.rename(climbing, b"f").err(),
        pair.rename(b"f", climbing).err(),
        pair.content_equal(climbing, &|_| true).err(),
        pair.content_equal_at(b"f", climbing, &|_| true).err(),
        pair.look_source(climbing).err(),
        pair.look_destination(climbing).err(),
    ];
    for refusal in refusals {
        let shown = path(climbing).display();
        assert!(matches!(refusal, Some(Fault::BadPath { .. })), "{shown} was taken for a path: {refusal:?}");
    }
}

#[test]
fn nothing_that_is_planted_or_asked_for_leads_the_mirror_out_of_its_trees() {
    let mut chance = Chance::from_environment();
    let row = Row::new("H01").seed(chance.seed());
    let (rig, canary) = with_canary();
    let mut files = 0;
    for at in PATHS {
        put(&rig.source, at, &mine(&mut files));
    }
    let pair = rig.pair();
    let (mut planted, mut operations, mut refused) = (0, 0, 0);
    for round in 0..size(1_500, 50_000) {
        for _ in 0..=chance.below(3) {
            plant(&rig, &mut chance, &mut files);
            planted += 1;
        }
        for _ in 0..=chance.below(5) {
            act(&pair, &mut chance);
            operations += 1;
        }
        assert_refused(&pair, chance.pick(CLIMBING));
        refused += 8;
        if chance.below(10) == 0 {
            equalize(&pair);
            operations += 1;
            // Twins in the source are twins in the mirror, and a second name of the canary's is none any more.
            rig.assert_equal();
        }
        assert_eq!(fingerprint(&rig.outside), canary, "the canary changed in round {round}");
    }
    let row = row.figure("planted", planted).figure("operations", operations);
    row.figure("paths refused", refused).count("changed outside", 0).print();
}
