//! Trees that are away for a moment.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use model::{Happening, Kind};
use sinks::{Outcome, Trouble};

use crate::rig::{Rig, chmod};

/// The tree is away while `during` runs.
fn away(root: &Path, during: impl FnOnce()) {
    let aside = root.with_extension("aside");
    fs::rename(root, &aside).unwrap();
    during();
    // Whatever was made in its place.
    let _ = fs::remove_dir_all(root);
    fs::rename(&aside, root).unwrap();
}

#[test]
fn doubts_outlive_a_source_that_is_away_for_a_moment() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    rig.write("e/f", "text");
    rig.mirrored();
    // Nothing tells of these but the doubts.
    chmod(&rig.there("d/f"), 0o600);
    chmod(&rig.there("e/f"), 0o600);
    let doubts = ["d/f", "e/f"].map(|path| {
        let mut parcel = rig.happening(Happening::Delete, path);
        parcel.kind = Kind::Removal { dataset: false };
        parcel
    });
    let outcomes = rig.deliver(&doubts).unwrap();
    assert!(matches!(outcomes[1], Outcome::PutOff(..)), "{outcomes:?}");
    let source = rig.source.clone();
    away(&source, || {
        let deadline = Instant::now() + Duration::from_secs(10);
        // When it is quiet its time has come, and fails.
        while rig.deliver(&doubts[1..]).is_ok() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(260));
        }
    });
    rig.give(doubts.into_iter().skip(1));
    rig.assert_equal();
}

#[test]
fn no_other_mirror_is_begun_where_the_disk_of_this_one_is_away() {
    for is_mount_point_left in [true, false] {
        let mut rig = Rig::new();
        rig.write("f", "text");
        rig.mirrored();
        rig.write("g", "text");
        let (arrival, destination) = (rig.arrival("g"), rig.destination.clone());
        away(&destination, || {
            if is_mount_point_left {
                fs::create_dir(&destination).unwrap();
            }
            let trouble = rig.offer([arrival.clone()]).unwrap_err();
            assert!(
                matches!(&trouble, Trouble::Down(text) if text.starts_with("E-MIRROR-GONE") && text.contains("Fix:")),
                "{trouble:?}"
            );
            let holds = fs::read_dir(&destination).map(Iterator::count);
            assert_eq!(holds.ok(), is_mount_point_left.then_some(0), "nothing is made beneath");
        });
        rig.give([arrival]);
        rig.assert_equal();
    }
}

#[test]
fn a_mirror_of_this_name_on_another_disk_gets_what_it_lacks() {
    let mut rig = Rig::new();
    rig.write("f", "text");
    rig.mirrored();
    let (destination, other) = (rig.destination.clone(), rig.destination.with_extension("other"));
    fs::create_dir(&other).unwrap();
    fs::copy(rig.here(".staithe-mirror"), other.join(".staithe-mirror")).unwrap();
    fs::rename(&destination, destination.with_extension("aside")).unwrap();
    fs::rename(&other, &destination).unwrap();
    rig.write("h", "text");
    let arrival = rig.arrival("h");
    rig.give([arrival]);
    rig.assert_equal();
}
