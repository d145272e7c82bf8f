//! Renames in the destination: the same inode under another name.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use mirror::{Content, Options, Pair, Renamed};

use crate::rig::{Rig, bring, equalize, snapshot, write};

fn rename(pair: &Pair, from: &str, to: &str) -> Renamed {
    pair.rename(from.as_bytes(), to.as_bytes()).unwrap()
}

/// A pair that is equal, and then renamed in the source.
fn renamed(files: &[&str], from: &str, to: &str) -> (Rig, Pair) {
    let rig = Rig::new();
    for file in files {
        if let Some(dir) = file.strip_suffix('/') {
            fs::create_dir_all(rig.there(dir)).unwrap();
        } else {
            rig.write(file, file);
        }
    }
    let pair = rig.pair();
    equalize(&pair);
    fs::rename(rig.there(from), rig.there(to)).unwrap();
    (rig, pair)
}

fn is_blocked(renamed: &Renamed) -> bool {
    matches!(renamed, Renamed::Blocked(_))
}

#[test]
fn a_file_keeps_its_inode_and_both_directories_get_their_times() {
    let (rig, pair) = renamed(&["n", "nd/"], "n", "nd/n2");
    let was = fs::metadata(rig.here("n")).unwrap().ino();
    assert_eq!(rename(&pair, "n", "nd/n2"), Renamed::Done);
    assert_eq!(fs::metadata(rig.here("nd/n2")).unwrap().ino(), was);
    rig.assert_equal();
    assert_eq!(rename(&pair, "n", "nd/n2"), Renamed::NotThere);
    pair.sync().unwrap();
}

#[test]
fn a_directory_takes_all_with_it_also_over_an_empty_one() {
    let (rig, pair) = renamed(&["d/f", "d/e/g", "e/"], "d", "e");
    assert_eq!(rename(&pair, "d", "e"), Renamed::Done);
    assert!(!rig.here("e/d").exists());
    rig.assert_equal();
    // Touched directories are found under their new paths, or all is synchronized.
    pair.sync().unwrap();
}

#[test]
fn a_new_parent_is_made_like_the_sources() {
    let (rig, pair) = renamed(&["f"], "f", "g");
    fs::create_dir_all(rig.there("a/b")).unwrap();
    crate::rig::chmod(&rig.there("a"), 0o711);
    fs::rename(rig.there("g"), rig.there("a/b/g")).unwrap();
    assert_eq!(rename(&pair, "f", "a/b/g"), Renamed::Done);
    rig.assert_equal();
}

#[test]
fn a_directory_that_is_not_empty_blocks() {
    let (rig, pair) = renamed(&["d/f", "e/"], "d", "e");
    write(&rig.destination, "e/new", "came by its own event");
    assert!(is_blocked(&rename(&pair, "d", "e")));
    assert!(rig.here("e/new").exists() && rig.here("d/f").exists());
    equalize(&pair);
    rig.assert_equal();
}

#[test]
fn what_has_the_new_name_gives_way_whatever_it_is() {
    for (planted, files) in
        [("file", &["f"][..]), ("directory", &["f"]), ("file", &["f/x"]), ("link", &["f/x"])]
    {
        let (rig, pair) = renamed(files, "f", "g");
        match planted {
            "file" => write(&rig.destination, "g", "stale"),
            "link" => symlink("/etc", rig.here("g")).unwrap(),
            _ => write(&rig.destination, "g/deep/f", "stale"),
        }
        assert_eq!(rename(&pair, "f", "g"), Renamed::Done);
        bring(&pair, "f", Content::Never);
        rig.assert_equal();
    }
}

#[test]
fn what_the_source_does_not_have_is_not_renamed() {
    let (rig, pair) = renamed(&["f", "d/g"], "f", "h");
    let before = snapshot(&rig.destination);
    // Something of another kind there, one in the other, roots.
    for (from, to) in [("f", "d"), ("d", "h"), ("d", "d/g"), ("d/g", "d"), ("", "x"), ("d", ""), ("d", "d")] {
        assert!(is_blocked(&rename(&pair, from, to)), "{from} to {to}");
    }
    assert_eq!(rename(&pair, "none", "h"), Renamed::NotThere);
    assert_eq!(rename(&pair, "none/f", "h"), Renamed::NotThere);
    let mut after = snapshot(&rig.destination);
    after.remove(std::path::Path::new(""));
    let mut before = before;
    before.remove(std::path::Path::new(""));
    assert_eq!(after, before);
}

#[test]
fn what_was_renamed_on_is_renamed_on_here_too() {
    let (rig, pair) = renamed(&["f", "d/g"], "f", "d/h");
    let was = fs::metadata(rig.here("f")).unwrap().ino();
    assert_eq!(rename(&pair, "f", "between"), Renamed::Done);
    assert!(is_blocked(&rename(&pair, "between", "none/f")), "nothing leads there");
    assert_eq!(rename(&pair, "between", "d/h"), Renamed::Done);
    assert_eq!(fs::metadata(rig.here("d/h")).unwrap().ino(), was);
    rig.assert_equal();
}

#[test]
fn names_that_are_not_mirrored_block() {
    let rig = Rig::new();
    rig.write("f", "text");
    let exclude = vec![settle::Pattern::parse("*.bak").unwrap()];
    let pair = Pair::open(&rig.source, &rig.destination, Options { exclude, ..Rig::options() }).unwrap();
    equalize(&pair);
    fs::rename(rig.there("f"), rig.there("f.bak")).unwrap();
    assert!(is_blocked(&rename(&pair, "f", "f.bak")));
    assert!(is_blocked(&rename(&pair, ".staithe-mirror", "f.bak")));
    rig.write(".staithe-mirror", "");
    assert!(is_blocked(&rename(&pair, "f", ".staithe-mirror")));
    equalize(&pair);
    assert!(!rig.here("f").exists() && !rig.here("f.bak").exists());
}
