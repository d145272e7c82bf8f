//! Everything at once: at the start, after an overflow, after a crash.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use model::Happening;
use sinks::Outcome;

use crate::rig::{Rig, chmod, snapshot, touch};

fn compare(rig: &mut Rig) {
    let overflow = rig.happening(Happening::Overflow, "");
    rig.give([overflow]);
}

#[test]
fn a_comparison_makes_everything_equal() {
    let mut rig = Rig::new();
    for n in 0..1500 {
        rig.write(&format!("d{}/f{n}", n % 7), "text");
    }
    rig.mirrored();
    assert!(rig.remarked("1500 files copied"), "{:?}", rig.remarks);
    for n in (0..1500).step_by(3) {
        let path = rig.there(&format!("d{}/f{n}", n % 7));
        match n % 5 {
            0 => fs::remove_file(path).unwrap(),
            1 => fs::write(path, "other text").unwrap(),
            2 => chmod(&path, 0o604),
            3 => touch(&path, "2020-02-02 02:02:02.2"),
            _ => {
                fs::remove_file(&path).unwrap();
                symlink("elsewhere", &path).unwrap();
            }
        }
    }
    fs::remove_dir_all(rig.there("d6")).unwrap();
    fs::write(rig.here(".staithe-mirror-1-1.tmp"), "left by a crash").unwrap();
    compare(&mut rig);
    rig.assert_equal();
}

#[test]
fn what_is_being_written_is_left_to_its_arrival() {
    let mut rig = Rig::with(|plan| plan.origin.as_mut().unwrap().still = Some(Duration::from_hours(1)));
    rig.write("d/f", "perhaps half of it");
    compare(&mut rig);
    assert!(rig.here("d").is_dir() && !rig.here("d/f").exists());
    let arrival = rig.arrival("d/f");
    rig.give([arrival]);
    rig.assert_equal();
    // It is known to be complete now, whatever becomes of its copy.
    fs::remove_file(rig.here("d/f")).unwrap();
    compare(&mut rig);
    rig.assert_equal();
}

#[test]
fn a_rule_that_asks_for_more_than_rest_leaves_content_to_arrivals() {
    let mut rig = Rig::with(|plan| plan.origin.as_mut().unwrap().still = None);
    rig.write("f", "text");
    compare(&mut rig);
    assert!(!rig.here("f").exists());
}

#[test]
fn another_process_goes_on_and_copies_nothing_again() {
    let mut rig = Rig::new();
    for n in 0..2000 {
        rig.write(&format!("d/f{n}"), "text");
    }
    let init = rig.happening(Happening::WatchInit, "");
    // The first ends in the middle, and a copy of it was under way.
    let attempts = rig.deliver(std::slice::from_ref(&init)).unwrap();
    assert_eq!(attempts.len(), 1);
    fs::write(rig.here("d/.staithe-mirror-9-9.tmp"), "te").unwrap();
    let before = snapshot_inodes(&rig);
    rig.restart();
    rig.give([init]);
    rig.assert_equal();
    let after = snapshot_inodes(&rig);
    assert!(before.len() > 100, "{}", before.len());
    for (name, inode) in before {
        assert!(name.contains(".tmp") || after.contains(&(name.clone(), inode)), "{name}");
    }
}

fn snapshot_inodes(rig: &Rig) -> Vec<(String, u64)> {
    let paths = snapshot(&rig.destination).into_keys().map(|path| path.to_str().unwrap().to_owned());
    paths.filter(|path| path.starts_with("d/")).map(|path| (path.clone(), rig.inode(&path))).collect()
}

#[test]
fn only_one_comparison_runs_and_others_go_between_its_slices() {
    let mut rig = Rig::new();
    rig.write("f", "text");
    let (one, other) = (rig.happening(Happening::WatchInit, ""), rig.happening(Happening::Overflow, ""));
    assert_eq!(rig.deliver(&[one, other]), Ok(vec![Outcome::Delivered; 2]));
    rig.assert_equal();
}
