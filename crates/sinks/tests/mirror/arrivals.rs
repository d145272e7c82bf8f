//! Content: copied when a file is complete, and not before.

use std::fs;

use model::{Happening, Signal, SignalSet};
use sinks::Outcome;

use crate::rig::{Rig, touch};

const THEN: &str = "2011-01-01 00:00:00.123456789";

/// A mirror of a rule that asks for more than rest: nothing else brings a file.
fn only_by_arrivals() -> Rig {
    Rig::with(|plan| plan.origin.as_mut().unwrap().still = None)
}

#[test]
fn a_file_is_copied_when_it_is_complete_and_not_on_each_write() {
    let mut rig = only_by_arrivals();
    rig.mirrored();
    rig.write("d/f", "half");
    let told = [
        rig.happening(Happening::Create, "d"),
        rig.happening(Happening::Create, "d/f"),
        rig.happening(Happening::CloseWrite, "d/f"),
        rig.happening(Happening::Attrib, "d/f"),
    ];
    rig.give(told);
    assert!(rig.here("d").is_dir() && !rig.here("d/f").exists());
    let arrival = rig.arrival("d/f");
    rig.give([arrival.clone()]);
    rig.assert_equal();
    let was = rig.inode("d/f");
    rig.give([arrival]);
    assert_eq!(rig.inode("d/f"), was, "told twice, copied once");
}

#[test]
fn what_moved_on_since_is_left_to_its_next_arrival() {
    let mut rig = only_by_arrivals();
    rig.mirrored();
    rig.write("f", "first");
    rig.write("g", "first");
    let (early, gone) = (rig.arrival("f"), rig.arrival("g"));
    rig.write("f", "second, longer");
    fs::remove_file(rig.there("g")).unwrap();
    rig.give([early, gone]);
    assert!(!rig.here("f").exists() && !rig.here("g").exists());
    let late = rig.arrived("f", 2, SignalSet::EMPTY);
    rig.give([late]);
    rig.assert_equal();
}

#[test]
fn what_was_rewritten_with_its_old_size_and_time_is_copied() {
    let mut rig = Rig::new();
    rig.write("f", "one");
    rig.write("g", "one");
    touch(&rig.there("f"), THEN);
    touch(&rig.there("g"), THEN);
    rig.mirrored();
    for (name, text) in [("f", "two"), ("g", "two")] {
        rig.write(name, text);
        touch(&rig.there(name), THEN);
    }
    // By its generation, and by the close that was heard.
    let (rewritten, closed) =
        (rig.arrived("f", 2, SignalSet::EMPTY), rig.happening(Happening::CloseWrite, "g"));
    let arrival = rig.arrival("g");
    rig.give([rewritten, closed, arrival]);
    rig.assert_equal();
}

#[test]
fn a_close_that_is_heard_after_the_copy_copies_nothing_again() {
    let mut rig = Rig::new();
    rig.mirrored();
    rig.write("f", "text");
    let arrival = rig.arrival("f");
    rig.give([arrival]);
    let was = rig.inode("f");
    let closed = rig.happening(Happening::CloseWrite, "f");
    let arrival = rig.arrival("f");
    rig.give([closed, arrival]);
    assert_eq!(rig.inode("f"), was);
}

#[test]
fn a_renamed_file_that_is_told_of_before_its_rename_is_not_copied() {
    let mut rig = Rig::new();
    rig.write("n", "text");
    rig.mirrored();
    let was = rig.inode("n");
    fs::rename(rig.there("n"), rig.there("n2")).unwrap();
    let arrival = rig.arrived("n2", 1, SignalSet::EMPTY.with(Signal::RenamedIn));
    let [from, to] = rig.halves("n", "n2", 5);
    rig.give([arrival, from, to]);
    rig.assert_equal();
    assert_eq!(rig.inode("n2"), was);
}

#[test]
fn one_that_fails_does_not_hold_up_others() {
    let mut rig = Rig::new();
    rig.mirrored();
    rig.write("f", "text");
    rig.write("g", "text");
    let (mut bad, f, g) = (rig.happening(Happening::Create, "x"), rig.arrival("f"), rig.arrival("g"));
    bad.path = b"../x".to_vec();
    let again = bad.clone();
    let outcomes = rig.deliver(&[f, bad, g, again]).unwrap();
    assert!(matches!(&outcomes[1], Outcome::Retry(why) if why.starts_with("failed to use")), "{outcomes:?}");
    assert_eq!((&outcomes[0], &outcomes[2]), (&Outcome::Delivered, &Outcome::Delivered));
    assert_eq!(outcomes.len(), 3, "what stands behind it waits");
    rig.assert_equal();
}

#[test]
fn a_mode_that_is_set_during_the_copy_does_not_lose_it() {
    let mut rig = Rig::new();
    rig.mirrored();
    rig.write("f", &"text".repeat(50_000));
    let path = rig.there("f");
    let ends = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let arrival = rig.arrival("f");
    let ended = std::sync::Arc::clone(&ends);
    // So often that no copy is without one.
    let setter = std::thread::spawn(move || {
        for number in 0.. {
            if ended.load(std::sync::atomic::Ordering::Relaxed) {
                break;
            }
            crate::rig::chmod(&path, 0o600 + number % 2);
        }
    });
    let outcomes = rig.deliver(std::slice::from_ref(&arrival)).unwrap();
    ends.store(true, std::sync::atomic::Ordering::Relaxed);
    setter.join().unwrap();
    if rig.here("f").exists() {
        assert_eq!(outcomes, [Outcome::Delivered]);
    } else {
        assert!(matches!(outcomes[0], Outcome::PutOff(..)), "{outcomes:?}");
    }
    rig.give([arrival]);
    let attrib = rig.happening(Happening::Attrib, "f");
    rig.give([attrib]);
    rig.assert_equal();
}
