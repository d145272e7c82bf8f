//! Roots that are refused, gone, or not what they were.

use std::fs;

use model::Happening;
use sinks::{Outcome, Trouble};

use crate::rig::{Rig, Says, snapshot};

#[test]
fn a_destination_of_somebody_else_is_refused_until_it_is_adopted() {
    let mut rig = Rig::new();
    rig.write("f", "text");
    fs::create_dir(&rig.destination).unwrap();
    fs::write(rig.here("stale"), "somebody's").unwrap();
    let before = snapshot(&rig.destination);
    let init = rig.happening(Happening::WatchInit, "");
    let trouble = rig.offer([init.clone()]).unwrap_err();
    let Trouble::Misconfigured(text) = &trouble else { panic!("{trouble:?}") };
    assert!(text.starts_with("E-MIRROR-OPEN") && text.contains("adopt = true"), "{text}");
    assert_eq!(snapshot(&rig.destination), before);
    rig.plan.adopt = true;
    rig.restart();
    rig.give([init]);
    rig.assert_equal();
    assert!(!rig.here("stale").exists());
}

#[test]
fn roots_that_overlap_are_refused() {
    let mut rig = Rig::with(|plan| plan.destination = plan.origin.as_ref().unwrap().path.join("inside"));
    let init = rig.happening(Happening::WatchInit, "");
    assert!(matches!(rig.offer([init]), Err(Trouble::Misconfigured(_))));
    assert!(!rig.there("inside").exists());
}

#[test]
fn a_source_that_is_away_empties_nothing() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    rig.mirrored();
    let before = snapshot(&rig.destination);
    let away = rig.source.with_file_name("away");
    fs::rename(&rig.source, &away).unwrap();
    let told = rig.happening(Happening::Delete, "d/f");
    assert!(
        matches!(rig.offer([told.clone()]), Err(Trouble::Down(text)) if text.contains("E-MIRROR-SOURCE"))
    );
    // An empty directory in its place is no evidence either: a disk that is not mounted looks like that.
    fs::create_dir(&rig.source).unwrap();
    let init = rig.happening(Happening::WatchInit, "");
    rig.give([told, init]);
    let names = |tree: &std::collections::BTreeMap<_, _>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&snapshot(&rig.destination)), names(&before));
    assert!(rig.remarked("staithe mirror prune"), "{:?}", rig.remarks);
    fs::remove_dir(&rig.source).unwrap();
    fs::rename(&away, &rig.source).unwrap();
    rig.mirrored();
}

#[test]
fn a_root_that_was_removed_was_empty() {
    for synthetic in [false, true] {
        let mut rig = Rig::new();
        rig.write("d/f", "text");
        rig.mirrored();
        fs::remove_dir_all(&rig.source).unwrap();
        let told = ["d/f", "d"].map(|name| rig.happening(Happening::Delete, name));
        let end = rig.told(Happening::DeleteSelf, "", Says { synthetic, ..Says::default() });
        fs::create_dir(&rig.source).unwrap();
        rig.write("a", "text");
        let begun = [rig.happening(Happening::WatchDead, ""), rig.happening(Happening::WatchInit, "")];
        rig.give(told.into_iter().chain([end]).chain(begun));
        // Found missing, and not told by the kernel: that says nothing.
        assert_eq!(rig.here("d/f").exists(), synthetic);
        if !synthetic {
            rig.assert_equal();
        }
    }
}

#[test]
fn the_end_of_a_watch_needs_no_root() {
    let mut rig = Rig::new();
    fs::remove_dir(&rig.source).unwrap();
    let dead = rig.happening(Happening::WatchDead, "");
    assert_eq!(rig.deliver(&[dead]), Ok(vec![Outcome::Delivered]));
}
