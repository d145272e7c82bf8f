//! Which two directories make a pair.

use std::fs;
use std::os::unix::fs::symlink;

use mirror::{Accepted, Compare, Fault, OpenError, Options, Pair, Reach};

use crate::rig::{Rig, snapshot, write};

#[test]
fn a_missing_destination_is_made_with_its_marker() {
    let rig = Rig::new();
    let deep = rig.here("a/b");
    let pair = Pair::open(&rig.source, &deep, Rig::options()).unwrap();
    let marker = fs::read_to_string(deep.join(".staithe-mirror")).unwrap();
    let wanted = format!("staithe-mirror 1\nname test\nsource {}\ninode ", rig.source.display());
    assert!(marker.starts_with(&wanted), "{marker}");
    assert!(pair.may_delete_extra());
    drop(pair);
    write(&deep, "kept", "by the marker");
    assert!(Pair::open(&rig.source, &deep, Rig::options()).unwrap().may_delete_extra());
    assert_eq!(fs::read_to_string(deep.join(".staithe-mirror")).unwrap(), marker);
}

#[test]
fn what_others_made_is_only_taken_over_when_asked() {
    let rig = Rig::new();
    write(&rig.destination, "theirs", "text");
    let before = snapshot(&rig.destination);
    let refused = Pair::open(&rig.source, &rig.destination, Rig::options()).unwrap_err();
    assert!(matches!(&refused, OpenError::Foreign { holds, .. } if holds == "theirs"), "{refused}");
    assert!(refused.to_string().contains("adopt = true"), "{refused}");
    assert_eq!(snapshot(&rig.destination), before);
    assert!(!rig.here(".staithe-mirror").exists());
    let adopt = Options { adopt: true, ..Rig::options() };
    let pair = Pair::open(&rig.source, &rig.destination, adopt).unwrap();
    assert!(pair.may_delete_extra() && rig.here("theirs").exists());
    // Another mirror's marker protects as well, whatever is in the destination.
    fs::remove_file(rig.here("theirs")).unwrap();
    let other = Options { name: "other".to_owned(), ..Rig::options() };
    let refused = Pair::open(&rig.source, &rig.destination, other.clone()).unwrap_err();
    assert!(matches!(&refused, OpenError::OfAnother { name, .. } if name == "test"), "{refused}");
    Pair::open(&rig.source, &rig.destination, Options { adopt: true, ..other }).unwrap();
}

#[test]
fn a_marker_that_is_none_protects_nothing_and_is_somebody_elses_file() {
    for plant in ["not ours", ""] {
        let rig = Rig::new();
        write(&rig.destination, ".staithe-mirror", plant);
        let refused = Pair::open(&rig.source, &rig.destination, Rig::options()).unwrap_err();
        assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
    }
    let rig = Rig::new();
    let good = Rig::new();
    good.pair();
    fs::create_dir(&rig.destination).unwrap();
    symlink(good.here(".staithe-mirror"), rig.here(".staithe-mirror")).unwrap();
    assert!(Pair::open(&rig.source, &rig.destination, Rig::options()).is_err(), "a link is no marker");
}

#[test]
fn only_what_mkfs_makes_does_not_count_as_somebodys() {
    let rig = Rig::new();
    fs::create_dir_all(rig.here("lost+found")).unwrap();
    fs::write(rig.here(".staithe-mirror-1-0.tmp"), b"").unwrap();
    rig.pair();
}

#[test]
fn roots_that_overlap_are_refused_and_nothing_is_made() {
    let rig = Rig::new();
    rig.write("d/f", "text");
    let link = rig.outside.join("link");
    symlink(&rig.source, &link).unwrap();
    let before = snapshot(&rig.source);
    let refused = |source: &std::path::Path, destination: &std::path::Path| {
        let adopt = Options { adopt: true, ..Rig::options() };
        for opened in
            [Pair::open(source, destination, adopt.clone()), Pair::open_unchanged(source, destination, adopt)]
        {
            let error = opened.unwrap_err();
            assert!(matches!(error, OpenError::Overlap { .. }), "{error}");
        }
        assert_eq!(snapshot(&rig.source), before);
    };
    refused(&rig.source, &rig.source);
    refused(&rig.source, &rig.there("d"));
    refused(&rig.source, &rig.there("d/new/deeper"));
    refused(&rig.there("d"), &rig.source);
    refused(&rig.source, &link);
    refused(&rig.source, &link.join("d"));
    refused(&link.join("d"), &rig.source);
    // A name that only begins alike is another directory.
    Pair::open(&rig.there("d"), &rig.there("d2"), Rig::options()).unwrap();
}

#[test]
fn looking_makes_nothing() {
    let rig = Rig::new();
    let missing = Pair::open_unchanged(&rig.source, &rig.destination, Rig::options()).unwrap_err();
    assert!(matches!(missing, OpenError::Destination { errno: sys::Errno::NOENT, .. }), "{missing}");
    assert!(!rig.destination.exists());
    fs::create_dir(&rig.destination).unwrap();
    let pair = Pair::open_unchanged(&rig.source, &rig.destination, Rig::options()).unwrap();
    assert_eq!(pair.accepted(), Accepted::OtherSource);
    assert!(fs::read_dir(&rig.destination).unwrap().next().is_none());
}

#[test]
fn another_source_may_not_delete_until_it_is_accepted() {
    let rig = Rig::new();
    rig.write("f", "text");
    rig.pair();
    fs::rename(&rig.source, rig.outside.join("was")).unwrap();
    fs::create_dir(&rig.source).unwrap();
    let pair = rig.pair();
    assert!(!pair.may_delete_extra());
    pair.accept_source().unwrap();
    assert!(pair.may_delete_extra());
    assert!(rig.pair().may_delete_extra());
    // The first one, back again under its name, is another one now.
    fs::remove_dir(&rig.source).unwrap();
    fs::rename(rig.outside.join("was"), &rig.source).unwrap();
    assert!(!rig.pair().may_delete_extra());
}

#[test]
fn a_root_that_goes_or_is_swapped_is_a_fault_and_changes_nothing() {
    let rig = Rig::new();
    rig.write("f", "text");
    let pair = rig.pair();
    crate::rig::equalize(&pair);
    let before = snapshot(&rig.destination);
    fs::rename(&rig.source, rig.outside.join("was")).unwrap();
    let check = |reach| {
        let bring = pair.bring(b"f", mirror::Content::IfDiffers, &|_| true).unwrap_err();
        let walk = Compare::whole().step(&pair, 9, &mut |found| panic!("{found:?}")).unwrap_err();
        for fault in [bring, pair.remove(b"f").unwrap_err(), pair.rename(b"f", b"g").unwrap_err(), walk] {
            assert_eq!(fault.reach(), reach, "{fault}");
        }
    };
    check(Reach::Source);
    fs::create_dir(&rig.source).unwrap();
    check(Reach::Source);
    assert_eq!(snapshot(&rig.destination), before);
    fs::remove_dir(&rig.source).unwrap();
    fs::rename(rig.outside.join("was"), &rig.source).unwrap();
    pair.bring(b"f", mirror::Content::IfDiffers, &|_| true).unwrap();
    fs::rename(&rig.destination, rig.outside.join("mirror")).unwrap();
    check(Reach::Destination);
    assert!(matches!(pair.sync(), Err(Fault::DestinationAway { .. })));
}
