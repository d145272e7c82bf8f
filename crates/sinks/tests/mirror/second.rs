//! What nobody tells of, or what crosses with a look, is found by a second look when it is quiet.

use std::fs::{self, File, FileTimes};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use model::{Happening, Signal, SignalSet};
use sinks::Outcome;

use crate::rig::{Rig, Says, touch};

const LONG_AGO: &str = "2020-02-02 02:02:02";
const PATIENCE: Duration = Duration::from_secs(30);

/// Without any further event.
fn becomes(rig: &Rig, path: &str, text: &str) {
    let begun = Instant::now();
    while fs::read(rig.here(path)).ok().as_deref() != Some(text.as_bytes()) {
        assert!(begun.elapsed() < PATIENCE, "{path} is {:?}", fs::read(rig.here(path)));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_time_that_is_seen_before_the_close_does_not_hide_a_rewrite() {
    let mut rig = Rig::new();
    rig.mirrored();
    rig.write("a", "one");
    let arrival = rig.arrival("a");
    rig.give([arrival]);
    fs::rename(rig.there("a"), rig.there("b")).unwrap();
    let halves = rig.halves("a", "b", 1);
    rig.write("b", "two");
    rig.give(halves);
    // Renamed and rewritten in one go: its arrival is that of a rename.
    let arrival = rig.arrived("b", 1, SignalSet::EMPTY.with(Signal::RenamedIn));
    rig.give([arrival]);
    rig.assert_equal();
}

#[test]
fn a_time_that_is_set_during_the_copy_does_not_lose_it() {
    let mut rig = Rig::with(|plan| plan.origin.as_mut().unwrap().still = None);
    rig.mirrored();
    rig.write("f", &"text".repeat(10_000_000));
    let (path, ends) = (rig.there("f"), Arc::new(AtomicBool::new(false)));
    let (arrival, ended) = (rig.arrival("f"), Arc::clone(&ends));
    let setter = std::thread::spawn(move || {
        let file = File::open(path).unwrap();
        while !ended.load(Ordering::Relaxed) {
            file.set_times(FileTimes::new().set_modified(SystemTime::now())).unwrap();
        }
    });
    let outcomes = rig.deliver(std::slice::from_ref(&arrival)).unwrap();
    ends.store(true, Ordering::Relaxed);
    setter.join().unwrap();
    assert!(rig.here("f").exists() || matches!(outcomes[0], Outcome::PutOff(..)), "{outcomes:?}");
    let attrib = rig.happening(Happening::Attrib, "f");
    rig.give([arrival, attrib]);
    rig.assert_equal();
}

#[test]
fn what_no_arrival_follows_is_found() {
    let mut rig = Rig::new();
    rig.mirrored();
    rig.write("d/f", "text");
    // As where a poller of arrivals finds it back where it knew it.
    let told = [rig.happening(Happening::Create, "d"), rig.happening(Happening::Create, "d/f")];
    rig.give(told);
    becomes(&rig, "d/f", "text");
    rig.write("d/f", "TEXT");
    touch(&rig.there("d/f"), LONG_AGO);
    let told = [rig.happening(Happening::CloseWrite, "d/f"), rig.happening(Happening::Attrib, "d/f")];
    rig.give(told);
    becomes(&rig, "d/f", "TEXT");
    rig.write("d/f", "once");
    touch(&rig.there("d/f"), LONG_AGO);
    let closed = rig.happening(Happening::CloseWrite, "d/f");
    rig.give([closed]);
    becomes(&rig, "d/f", "once");
}

#[test]
fn what_is_polled_and_changed_within_a_tick_is_found() {
    let mut rig = Rig::new();
    rig.mirrored();
    rig.write("f", "one");
    let arrival = rig.arrival("f");
    let attrib = rig.told(Happening::Attrib, "f", Says { synthetic: true, ..Says::default() });
    rig.give([arrival, attrib]);
    rig.assert_equal();
    let time = fs::metadata(rig.there("f")).and_then(|look| look.modified()).unwrap();
    rig.write("f", "two");
    File::open(rig.there("f")).and_then(|file| file.set_modified(time)).unwrap();
    becomes(&rig, "f", "two");
}

#[test]
fn a_second_look_removes_nothing_where_another_root_has_taken_the_place() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    rig.mirrored();
    fs::rename(&rig.source, rig.source.with_file_name("away")).unwrap();
    fs::create_dir(&rig.source).unwrap();
    // Noted while the first root was there, looked at when the second one is.
    let told = [rig.happening(Happening::Attrib, "d/f"), rig.happening(Happening::WatchInit, "")];
    rig.give(told);
    // This one is looked at in the same round or later.
    rig.write("g", "text");
    let told = rig.happening(Happening::Create, "g");
    rig.give([told]);
    becomes(&rig, "g", "text");
    assert!(rig.here("d/f").exists());
}

#[test]
fn what_was_seen_and_went_before_anybody_told_of_it_goes() {
    for is_alone in [true, false] {
        let mut rig = Rig::new();
        rig.mirrored();
        rig.write("d/f", "text");
        fs::create_dir(rig.there("d/early")).unwrap();
        // A stream that lists the new directory late knows nothing of what lay there before.
        rig.mirrored();
        fs::remove_dir(rig.there("d/early")).unwrap();
        if !is_alone {
            let told = rig.happening(Happening::Create, "d/f");
            rig.give([told]);
        }
        let begun = Instant::now();
        while rig.here("d/early").exists() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn what_nobody_tells_of_is_found_with_what_is_told_beside_it() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    rig.mirrored();
    // What was looked at before has no second look any more.
    rig.restart();
    std::os::unix::fs::symlink("x", rig.there("d/link")).unwrap();
    rig.write("d/sub/f", "text");
    let told = rig.happening(Happening::Attrib, "d/f");
    rig.give([told]);
    becomes(&rig, "d/sub/f", "text");
    assert_eq!(fs::read_link(rig.here("d/link")).unwrap().as_os_str(), "x");
}
