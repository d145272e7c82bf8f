//! Trees that are away for a moment.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use model::{Happening, Kind};
use sinks::Outcome;

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
fn what_arrived_while_another_directory_had_the_destinations_place_is_there_when_it_is_back() {
    let mut rig = Rig::new();
    rig.write("f", "text");
    rig.mirrored();
    rig.write("g", "text");
    let (arrival, destination) = (rig.arrival("g"), rig.destination.clone());
    away(&destination, || {
        // As where its disk is not mounted.
        fs::create_dir(&destination).unwrap();
        let _ = rig.offer([arrival]);
    });
    rig.write("h", "text");
    let arrival = rig.arrival("h");
    rig.give([arrival]);
    rig.assert_equal();
}
