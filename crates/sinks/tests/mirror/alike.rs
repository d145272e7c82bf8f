//! Files of one size and one time of change that hold different bytes, as tar and rsync make them.

use std::fs;

use model::{Signal, SignalSet};

use crate::rig::{Rig, touch};

const LONG_AGO: &str = "2020-02-02 02:02:02";

fn alike(rig: &Rig, files: &[(&str, &str)]) {
    for (path, text) in files {
        rig.write(path, text);
        touch(&rig.there(path), LONG_AGO);
    }
}

fn renamed_in() -> SignalSet {
    SignalSet::EMPTY.with(Signal::RenamedIn)
}

#[test]
fn a_rename_over_a_file_that_looks_the_same_is_one() {
    for restarted in [false, true] {
        let mut rig = Rig::new();
        alike(&rig, &[("a", "AAAA"), ("b", "BBBB")]);
        rig.mirrored();
        if restarted {
            rig.restart();
        }
        fs::rename(rig.there("a"), rig.there("b")).unwrap();
        let [from, to] = rig.halves("a", "b", 1);
        let arrival = rig.arrived("b", 1, renamed_in());
        rig.give([from, to, arrival]);
        rig.assert_equal();
    }
}

#[test]
fn an_arrival_takes_its_own_half_and_not_one_that_looks_the_same() {
    for restarted in [false, true] {
        let mut rig = Rig::new();
        let texts: Vec<_> = (0..9).map(|number| (format!("d/{number}"), format!("text {number}"))).collect();
        alike(&rig, &texts.iter().map(|(path, text)| (&path[..], &text[..])).collect::<Vec<_>>());
        fs::create_dir(rig.there("e")).unwrap();
        rig.mirrored();
        if restarted {
            rig.restart();
        }
        let (mut events, mut halves) = (Vec::new(), Vec::new());
        for number in 0..9_u32 {
            let (from, to) = (format!("d/{number}"), format!("e/{number}"));
            fs::rename(rig.there(&from), rig.there(&to)).unwrap();
            halves.extend(rig.halves(&from, &to, number + 1));
            events.push(rig.arrived(&to, 1, renamed_in()));
        }
        events.extend(halves);
        rig.give(events);
        rig.assert_equal();
    }
}

#[test]
fn two_files_that_look_the_same_are_exchanged() {
    let mut rig = Rig::new();
    alike(&rig, &[("a", "AAAA"), ("b", "BBBB")]);
    rig.mirrored();
    for (from, to) in [("a", "c"), ("b", "a"), ("c", "b")] {
        fs::rename(rig.there(from), rig.there(to)).unwrap();
    }
    // As RENAME_EXCHANGE tells it.
    let (one, other) = (rig.halves("a", "b", 1), rig.halves("b", "a", 2));
    let arrivals = [rig.arrived("a", 1, renamed_in()), rig.arrived("b", 1, renamed_in())];
    rig.give(one.into_iter().chain(other).chain(arrivals));
    rig.assert_equal();
}
