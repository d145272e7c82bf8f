//! One path at a time.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use mirror::{Brought, Content, Fault, LeftOut, Options, Pair, Sample};

use crate::rig::{Rig, bring, chmod, only_times, snapshot, touch, write};

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_comes_with_all_above_it() {
    let rig = Rig::new();
    rig.write("a/b/f", "text");
    chmod(&rig.there("a/b/f"), 0o640);
    chmod(&rig.there("a"), 0o1751);
    touch(&rig.there("a/b/f"), (1_000_000_000, 123_456_789));
    touch(&rig.there("a/b"), (1_100_000_000, 1));
    touch(&rig.there("a"), (1_200_000_000, 2));
    touch(&rig.source, (1_300_000_000, 3));
    let pair = rig.pair();
    let brought = bring(&pair, "a/b/f", Content::IfDiffers);
    assert!(matches!(brought, Brought::Copied { bytes: 4, .. }), "{brought:?}");
    rig.assert_equal();
    let was = inode(&rig.here("a/b/f"));
    assert_eq!(bring(&pair, "a/b/f", Content::IfDiffers), Brought::Same);
    assert_eq!(inode(&rig.here("a/b/f")), was);
    assert!(matches!(bring(&pair, "a/b/f", Content::Always), Brought::Copied { .. }));
    assert_ne!(inode(&rig.here("a/b/f")), was);
    rig.assert_equal();
    pair.sync().unwrap();
}

#[test]
fn mode_and_times_follow_without_a_copy() {
    let rig = Rig::new();
    rig.write("n", "text");
    let pair = rig.pair();
    bring(&pair, "n", Content::IfDiffers);
    let was = inode(&rig.here("n"));
    chmod(&rig.there("n"), 0o600);
    assert_eq!(bring(&pair, "n", Content::Never), Brought::Attributes);
    touch(&rig.there("n"), (1_293_840_000, 5));
    assert_eq!(bring(&pair, "n", Content::Never), Brought::ContentDiffers);
    assert!(pair.content_equal(b"n", &|_| true).unwrap());
    let as_compared = only_times(&pair, b"n");
    touch(&rig.there("n"), (1_293_840_001, 5));
    assert_eq!(bring(&pair, "n", as_compared), Brought::ContentDiffers, "it may have been written meanwhile");
    touch(&rig.there("n"), (1_293_840_000, 5));
    assert_eq!(bring(&pair, "n", only_times(&pair, b"n")), Brought::Attributes);
    let atime = || fs::metadata(rig.here("n")).unwrap().atime();
    let grip = sys::Dir::open_root(&rig.source).unwrap().grip(b"n").unwrap();
    sys::inode::set_times(&grip, (4_000, 4), (1_293_840_000, 5)).unwrap();
    assert_eq!(bring(&pair, "n", Content::Never), Brought::Attributes);
    assert_eq!(atime(), 4_000);
    chmod(&rig.source, 0o700);
    assert_eq!(bring(&pair, "", Content::Never), Brought::Attributes);
    rig.assert_equal();
    assert_eq!(inode(&rig.here("n")), was);
    fs::write(rig.there("n"), "longer text").unwrap();
    assert_eq!(bring(&pair, "n", only_times(&pair, b"n")), Brought::ContentDiffers);
    assert_eq!(bring(&pair, "new", Content::Never), Brought::Same);
    rig.write("new", "");
    assert_eq!(bring(&pair, "new", Content::Never), Brought::ContentDiffers);
    assert!(!rig.here("new").exists());
}

#[test]
fn content_is_compared_byte_by_byte() {
    let rig = Rig::new();
    let pair = rig.pair();
    let equal = |name: &[u8]| pair.content_equal(name, &|_| true).unwrap();
    let long = "x".repeat(700_000);
    rig.write("f", &long);
    assert!(!equal(b"f"));
    bring(&pair, "f", Content::Always);
    assert!(equal(b"f"));
    fs::OpenOptions::new().write(true).open(rig.here("f")).unwrap().write_all_at(b"y", 699_999).unwrap();
    assert!(!equal(b"f"));
    write(&rig.destination, "f", "x");
    assert!(!equal(b"f"));
    assert!(!equal(b"none"));
}

/// Makes something of this kind.
fn plant(path: &Path, kind: &str) {
    match kind {
        "file" => fs::write(path, "file").unwrap(),
        "link" => symlink("/dev/null", path).unwrap(),
        "directory" => {
            fs::create_dir(path).unwrap();
            fs::write(path.join("inner"), "inner").unwrap();
            symlink("/etc", path.join("link")).unwrap();
        }
        "fifo" => rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap(),
        _ => {}
    }
}

#[test]
fn each_kind_replaces_each_other() {
    let kinds = ["file", "link", "directory", "fifo", "nothing"];
    for there in kinds {
        for here in kinds {
            let rig = Rig::new();
            let pair = rig.pair();
            plant(&rig.there("x"), there);
            plant(&rig.here("x"), here);
            let brought = bring(&pair, "x", Content::IfDiffers);
            if there == "directory" {
                bring(&pair, "x/inner", Content::IfDiffers);
                bring(&pair, "x/link", Content::IfDiffers);
            }
            if there == "fifo" {
                assert_eq!(brought, Brought::LeftOut(LeftOut::Special));
                assert!(fs::symlink_metadata(rig.here("x")).is_err(), "{here}");
                continue;
            }
            if (there, here) == ("nothing", "directory") {
                assert_eq!(brought, Brought::Removed { entries: 3 });
            }
            rig.assert_equal();
            assert!(names(&rig.destination).len() <= 2, "{:?}", names(&rig.destination));
        }
    }
}

#[test]
fn a_link_is_mirrored_as_its_text() {
    let rig = Rig::new();
    let pair = rig.pair();
    for (name, text) in [("file", "f"), ("dir", "/etc"), ("nowhere", "../../nowhere"), ("self", "self")] {
        symlink(text, rig.there(name)).unwrap();
        touch(&rig.there(name), (1_000, 1));
        assert_eq!(bring(&pair, name, Content::Never), Brought::Made);
        assert_eq!(bring(&pair, name, Content::Never), Brought::Same);
    }
    rig.assert_equal();
    fs::remove_file(rig.there("dir")).unwrap();
    symlink("/usr", rig.there("dir")).unwrap();
    assert_eq!(bring(&pair, "dir", Content::Never), Brought::Made);
    touch(&rig.there("file"), (2_000, 1));
    assert_eq!(bring(&pair, "file", Content::Never), Brought::Made);
    rig.assert_equal();
}

#[test]
fn what_is_left_out_is_left_alone() {
    let rig = Rig::new();
    let exclude = vec![settle::Pattern::parse("*.bak").unwrap()];
    let options = Options { exclude, ..Rig::options() };
    let pair = Pair::open(&rig.source, &rig.destination, options).unwrap();
    rig.write(".staithe-mirror", "no");
    rig.write("d/.staithe-mirror-1.tmp", "no");
    rig.write("x.bak/f", "no");
    write(&rig.destination, "old.bak", "stays");
    let marker = fs::read(rig.here(".staithe-mirror")).unwrap();
    for (name, why) in [
        (".staithe-mirror", LeftOut::OurName),
        ("d/.staithe-mirror-1.tmp", LeftOut::OurName),
        ("x.bak/f", LeftOut::Pattern),
        ("old.bak", LeftOut::Pattern),
    ] {
        assert_eq!(bring(&pair, name, Content::Always), Brought::LeftOut(why));
        assert_eq!(pair.remove(name.as_bytes()).unwrap(), 0);
    }
    crate::rig::equalize(&pair);
    assert_eq!(fs::read(rig.here(".staithe-mirror")).unwrap(), marker);
    assert_eq!(names(&rig.destination), [".staithe-mirror", "d", "old.bak"]);
    assert!(names(&rig.here("d")).is_empty());
}

#[test]
fn only_the_file_that_was_judged_is_copied() {
    let rig = Rig::new();
    let pair = rig.pair();
    rig.write("f", "text");
    let look = pair.look_source(b"f").unwrap().unwrap();
    let sample = Sample { size: look.size, mtime: look.mtime, inode: look.inode };
    for wrong in [
        Sample { size: 5, ..sample },
        Sample { mtime: (1, 1), ..sample },
        Sample { inode: sample.inode + 1, ..sample },
    ] {
        assert_eq!(bring(&pair, "f", Content::AlwaysOf(wrong)), Brought::Changing);
        assert_eq!(bring(&pair, "f", Content::IfDiffersFrom(wrong)), Brought::Changing);
    }
    assert!(!rig.here("f").exists());
    assert!(matches!(bring(&pair, "f", Content::AlwaysOf(sample)), Brought::Copied { .. }));
    assert_eq!(bring(&pair, "f", Content::IfDiffersFrom(sample)), Brought::Same);
}

#[test]
fn a_file_that_is_written_is_not_still() {
    let rig = Rig::new();
    let pair = rig.pair();
    rig.write("f", "text");
    let look = pair.look_source(b"f").unwrap().unwrap();
    let still = Duration::from_secs(2);
    let at = |seconds| Content::IfStill { now: (look.ctime.0 + seconds, look.ctime.1), still };
    assert_eq!(bring(&pair, "f", at(1)), Brought::Changing);
    let writer = fs::OpenOptions::new().append(true).open(rig.there("f")).unwrap();
    assert_eq!(bring(&pair, "f", at(3)), Brought::Changing);
    drop(writer);
    assert!(matches!(bring(&pair, "f", at(3)), Brought::Copied { .. }));
    // What is equal needs no rest.
    assert_eq!(bring(&pair, "f", at(0)), Brought::Same);
}

/// A source whose copy takes several stretches, beside an older version of it.
fn long_copy() -> (Rig, Pair) {
    let rig = Rig::new();
    rig.write("f", "old");
    let pair = rig.pair();
    bring(&pair, "f", Content::Always);
    fs::write(rig.there("f"), vec![7; 20 << 20]).unwrap();
    (rig, pair)
}

#[test]
fn a_source_that_changes_during_the_copy_leaves_what_was_there() {
    let (rig, pair) = long_copy();
    let before = snapshot(&rig.destination);
    let changes: [&dyn Fn(); 4] = [
        &|| fs::write(rig.there("f"), "shorter").unwrap(),
        &|| {
            let file = fs::OpenOptions::new().write(true).open(rig.there("f")).unwrap();
            file.write_all_at(b"x", 1).unwrap();
            // Even if its mtime is put back.
            let mtime = fs::metadata(rig.there("f")).unwrap();
            touch(&rig.there("f"), (mtime.mtime(), mtime.mtime_nsec() as u32));
        },
        &|| fs::rename(rig.there("f"), rig.there("g")).unwrap(),
        &|| fs::remove_file(rig.there("f")).unwrap(),
    ];
    for change in changes {
        fs::write(rig.there("f"), vec![7; 20 << 20]).unwrap();
        let asked = std::cell::Cell::new(0);
        let meddle = |_| {
            if asked.replace(asked.get() + 1) == 0 {
                // The ctime goes by the timer's ticks.
                std::thread::sleep(Duration::from_millis(12));
                change();
            }
            true
        };
        assert_eq!(pair.bring(b"f", Content::Always, &meddle).unwrap(), Brought::Changing);
        assert!(asked.get() >= 1);
        let now = snapshot(&rig.destination);
        assert_eq!(now[Path::new("f")], before[Path::new("f")]);
        assert_eq!(names(&rig.destination), [".staithe-mirror", "f"]);
    }
}

#[test]
fn a_copy_that_is_stopped_leaves_what_was_there() {
    let (rig, pair) = long_copy();
    assert_eq!(pair.bring(b"f", Content::Always, &|done| done < 1 << 20).unwrap(), Brought::Stopped);
    assert_eq!(fs::read(rig.here("f")).unwrap(), b"old");
    assert_eq!(names(&rig.destination), [".staithe-mirror", "f"]);
}

#[test]
fn owner_and_the_bits_that_go_with_it_only_when_asked() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let rig = Rig::new();
    rig.write("f", "text");
    fs::create_dir(rig.there("d")).unwrap();
    symlink("f", rig.there("l")).unwrap();
    for name in ["f", "d", "l"] {
        std::os::unix::fs::lchown(rig.there(name), Some(1234), Some(4321)).unwrap();
    }
    chmod(&rig.there("f"), 0o6755);
    chmod(&rig.there("d"), 0o3775);
    let owner = |name: &str| {
        let facts = fs::symlink_metadata(rig.here(name)).unwrap();
        (facts.uid(), facts.gid(), facts.mode() & 0o7777)
    };
    let plain = rig.pair();
    crate::rig::equalize(&plain);
    assert_eq!(owner("f"), (0, 0, 0o755));
    assert_eq!(owner("d"), (0, 0, 0o1775));
    assert_eq!((owner("l").0, owner("l").1), (0, 0));
    let pair = Pair::open(&rig.source, &rig.destination, Options { owner: true, ..Rig::options() }).unwrap();
    let told = crate::rig::equalize(&pair);
    assert_eq!(told, ["mode d", "mode f", "owner l"]);
    assert_eq!(owner("f"), (1234, 4321, 0o6755));
    assert_eq!(owner("d"), (1234, 4321, 0o3775));
    assert_eq!((owner("l").0, owner("l").1), (1234, 4321));
    rig.assert_equal();
    // Back again: the rights that went with the owner go.
    crate::rig::equalize(&plain);
    assert_eq!(owner("f").2, 0o755);
}

#[test]
fn what_is_no_path_is_refused() {
    let rig = Rig::new();
    let pair = rig.pair();
    for path in [&b"/etc"[..], b"../outside", b"a/../../outside", b".", b"a//b", b"a/"] {
        let faults = [
            pair.bring(path, Content::Always, &|_| true).unwrap_err(),
            pair.remove(path).unwrap_err(),
            pair.rename(path, b"x").unwrap_err(),
            pair.rename(b"x", path).unwrap_err(),
            pair.content_equal(path, &|_| true).unwrap_err(),
        ];
        assert!(faults.iter().all(|fault| matches!(fault, Fault::BadPath { .. })), "{faults:?}");
    }
}
