//! Overflows of the kernel's queue.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use model::Happening;

use crate::rig::{ALL, Rig, events, names};

#[test]
fn of_9000_creations_while_nobody_reads_each_is_told_once_and_the_overflow_once() {
    let mut rig = Rig::new(events(ALL));
    for number in 0..9_000 {
        fs::write(rig.path(&format!("f{number}")), b"x").unwrap();
    }
    rig.until("all are told", |rig| rig.believer.paths.len() == 9_000);
    for _ in 0..5 {
        rig.turn();
    }
    assert_eq!((rig.believer.overflows, rig.stream.standing().overflows), (1, 1));
    assert!(rig.believer.told.iter().any(|told| told.starts_with("+create ")));
}

#[test]
fn after_an_overflow_only_the_differences_are_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("d/e/f")).unwrap();
    for name in ["same", "gone", "grown", "mode", "d/e/other", "d/was-dir"] {
        fs::write(dir.path().join(name), b"x").unwrap();
    }
    let wanted = names().with(Happening::Modify).with(Happening::Attrib);
    let mut rig = Rig::in_dir(dir, events(wanted));
    // What was told before is not told again.
    fs::write(rig.path("told"), b"x").unwrap();
    fs::set_permissions(rig.path("d"), fs::Permissions::from_mode(0o700)).unwrap();
    rig.until_told("modify told");
    rig.told_by_now();
    // A tick of the clock that stamps files.
    std::thread::sleep(std::time::Duration::from_millis(20));
    rig.turn();
    rig.overflow();
    fs::remove_file(rig.path("gone")).unwrap();
    fs::write(rig.path("grown"), b"more").unwrap();
    fs::set_permissions(rig.path("d/e"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(rig.path("d/e/new"), b"x").unwrap();
    fs::write(rig.path("d/e/.other"), b"x").unwrap();
    fs::rename(rig.path("d/e/.other"), rig.path("d/e/other")).unwrap();
    fs::remove_file(rig.path("d/was-dir")).unwrap();
    fs::create_dir_all(rig.path("d/was-dir/now")).unwrap();
    rig.until_equal();
    let mut told = rig.take_told();
    told.retain(|told| !told.contains(" flood"));
    told.sort();
    let mut expected = [
        "+overflow /",
        "+attrib /",
        "+attrib d/",
        "+attrib d/e/",
        "+create d/e/new",
        "+create d/e/other",
        "+create d/was-dir/",
        "+create d/was-dir/now/",
        "+delete d/e/other",
        "+delete d/was-dir",
        "+delete gone",
        "+modify grown",
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
    fs::write(rig.path("d/was-dir/now/heard"), b"x").unwrap();
    let told = rig.told_by_now();
    assert_eq!(told, ["create d/was-dir/now/heard", "modify d/was-dir/now/heard"]);
}

#[test]
fn a_directory_renamed_unheard_is_heard_under_its_new_path() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let mut rig = Rig::in_dir(dir, events(names()));
    rig.overflow();
    fs::rename(rig.path("a"), rig.path("z")).unwrap();
    rig.until_equal();
    fs::write(rig.path("z/b/f"), b"x").unwrap();
    rig.until_told("create z/b/f");
    assert_eq!(rig.stream.standing().watches, 3);
}
