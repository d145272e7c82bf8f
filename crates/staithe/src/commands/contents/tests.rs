use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use testkit::Scratch;

use super::reading::{Found, Reading};
use super::weighing::Scale;
use super::*;

fn reading(files: &[(&str, Option<&str>)]) -> Reading {
    let found = |text: Option<&str>| match text {
        Some(text) => Found::Kept(Arc::from(text.as_bytes())),
        None => Found::Missing("gone".into()),
    };
    files.iter().map(|(name, text)| (PathBuf::from(name), found(*text))).collect()
}

fn altered() -> Change {
    Change { altered: true, ..Change::default() }
}

#[test]
fn what_is_being_written_is_not_taken() {
    let mut scale = Scale::new(reading(&[("c", Some("old"))]));
    for half in ["", "n", "ne"] {
        assert_eq!(scale.weigh(reading(&[("c", Some(half))])), None, "{half:?}");
    }
    assert_eq!(scale.weigh(reading(&[("c", Some("new"))])), None);
    assert_eq!(scale.weigh(reading(&[("c", Some("new"))])), Some(altered()));
    assert_eq!(scale.weigh(reading(&[("c", Some("new"))])), None, "each change is told once");
}

#[test]
fn a_change_that_is_taken_back_at_once_is_none() {
    let mut scale = Scale::new(reading(&[("c", Some("old"))]));
    assert_eq!(scale.weigh(reading(&[("c", Some("new"))])), None);
    assert_eq!(scale.weigh(reading(&[("c", Some("old"))])), None);
    assert_eq!(scale.weigh(reading(&[("c", Some("old"))])), None);
}

#[test]
fn a_file_that_goes_and_comes_back_is_no_change_of_its_content() {
    let mut scale = Scale::new(reading(&[("c", Some("old"))]));
    let gone = || reading(&[("c", None)]);
    assert_eq!(scale.weigh(gone()), None);
    let told = scale.weigh(gone()).expect("two readings found nothing");
    assert_eq!((told.altered, told.missing), (false, vec![(PathBuf::from("c"), "gone".to_owned())]));
    assert_eq!(scale.weigh(gone()), None, "told once");
    assert_eq!(scale.taken().get(Path::new("c")), reading(&[("c", Some("old"))]).get(Path::new("c")));
    assert_eq!(scale.weigh(reading(&[("c", Some("old"))])), None);
    let back = scale.weigh(reading(&[("c", Some("old"))])).expect("it is back");
    assert_eq!((back.altered, back.back), (false, vec![PathBuf::from("c")]));
    scale.weigh(gone());
    scale.weigh(gone());
    scale.weigh(reading(&[("c", Some("new"))]));
    let other = scale.weigh(reading(&[("c", Some("new"))])).expect("it is back with something else");
    assert!(other.altered && other.missing.is_empty());
}

#[test]
fn files_that_come_to_the_list_and_leave_it_are_changes() {
    let mut scale = Scale::new(reading(&[("a", Some("1"))]));
    let both = || reading(&[("a", Some("1")), ("b", Some("2"))]);
    assert_eq!((scale.weigh(both()), scale.weigh(both())), (None, Some(altered())));
    let one = || reading(&[("b", Some("2"))]);
    assert_eq!((scale.weigh(one()), scale.weigh(one())), (None, Some(altered())));
    // One that was in the list and never there changes nothing when it leaves.
    let with_missing = || reading(&[("b", Some("2")), ("x", None)]);
    scale.weigh(with_missing());
    assert!(!scale.weigh(with_missing()).expect("it is missing").altered);
    assert_eq!((scale.weigh(one()), scale.weigh(one())), (None, None));
}

/// Polls until something is told.
fn polled(contents: &mut Contents<impl Fn() -> Vec<PathBuf>>, now: &mut Duration) -> Change {
    for _ in 0..4 {
        *now += PERIOD;
        if let Some(change) = contents.poll(*now) {
            return change;
        }
    }
    Change::default()
}

#[test]
fn each_way_of_replacing_a_file_is_seen_once() {
    let dir = Scratch::in_memory("contents");
    let at = |name: &str| dir.path().join(name);
    let file = at("c");
    fs::write(&file, "1").unwrap();
    let mut contents = Contents::of(|| vec![file.clone()]);
    let mut now = Duration::ZERO;
    let old = fs::metadata(&file).unwrap().modified().unwrap() - Duration::from_hours(1);
    let ways: [&dyn Fn(); 4] = [
        &|| fs::write(&file, "in place").unwrap(),
        &|| {
            fs::write(at("new"), "renamed").unwrap();
            fs::rename(at("new"), &file).unwrap();
        },
        &|| {
            fs::remove_file(&file).unwrap();
            fs::write(&file, "made again").unwrap();
        },
        &|| {
            fs::write(&file, "with an old time").unwrap();
            fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        },
    ];
    for (number, way) in ways.iter().enumerate() {
        way();
        assert_eq!(
            polled(&mut contents, &mut now),
            Change { altered: true, ..Change::default() },
            "{number}"
        );
        assert_eq!(contents.bytes(&file), fs::read(&file).ok().as_deref());
        assert_eq!(polled(&mut contents, &mut now), Change::default(), "{number} is told once");
    }
    fs::write(&file, "with an old time").unwrap();
    assert_eq!(polled(&mut contents, &mut now), Change::default(), "the same bytes are no change");
}

#[test]
fn a_link_that_leads_elsewhere_is_another_content() {
    let dir = Scratch::in_memory("contents");
    let at = |name: &str| dir.path().join(name);
    for version in ["1", "2"] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("c"), version).unwrap();
    }
    std::os::unix::fs::symlink("1", at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/c", at("c")).unwrap();
    let mut contents = Contents::of(|| vec![at("c")]);
    let mut now = Duration::ZERO;
    std::os::unix::fs::symlink("2", at("..new")).unwrap();
    fs::rename(at("..new"), at("..data")).unwrap();
    assert!(polled(&mut contents, &mut now).altered);
    assert_eq!(contents.bytes(&at("c")), Some(&b"2"[..]));
}

#[test]
fn large_and_odd_files_hold_nobody_up() {
    let dir = Scratch::in_memory("contents");
    let at = |name: &str| dir.path().join(name);
    fs::write(at("large"), vec![b'x'; 1_000_000]).unwrap();
    let made = std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap();
    assert!(made.success());
    let mut contents = Contents::of(|| vec![at("large"), at("fifo"), dir.path().to_owned()]);
    let mut now = Duration::ZERO;
    assert_eq!(polled(&mut contents, &mut now), Change::default());
    fs::write(at("large"), vec![b'y'; 1_000_000]).unwrap();
    assert_eq!(polled(&mut contents, &mut now), Change { altered: true, ..Change::default() });
    assert_eq!(contents.bytes(&at("large")), None);
}
