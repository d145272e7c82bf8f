//! Renames in the source are renames in the mirror.

use std::fs;
use std::time::Instant;

use model::{Happening, Signal, SignalSet};
use sinks::Outcome;

use crate::rig::{PAIR_WITHIN, Rig};

fn rename(rig: &Rig, from: &str, to: &str) {
    fs::rename(rig.there(from), rig.there(to)).unwrap();
}

#[test]
fn a_renamed_file_keeps_its_inode_whether_its_halves_come_together_or_not() {
    for apart in [false, true] {
        let mut rig = Rig::new();
        rig.write("n", "text");
        rig.write("nd/x", "text");
        rig.mirrored();
        let was = rig.inode("n");
        rename(&rig, "n", "nd/n2");
        let [from, to] = rig.halves("n", "nd/n2", 7);
        if apart {
            let waits = rig.deliver(std::slice::from_ref(&from)).unwrap();
            assert!(matches!(waits[0], Outcome::PutOff(PAIR_WITHIN, _)), "{waits:?}");
            rig.give([to, from]);
        } else {
            rig.give([from, to]);
        }
        rig.assert_equal();
        assert_eq!(rig.inode("nd/n2"), was);
    }
}

#[test]
fn a_renamed_directory_takes_all_with_it_also_over_an_empty_one() {
    let mut rig = Rig::new();
    rig.write("d/deep/f", "text");
    fs::create_dir(rig.there("e")).unwrap();
    rig.mirrored();
    let was = rig.inode("d/deep/f");
    rename(&rig, "d", "e");
    let halves = rig.halves("d", "e", 7);
    rig.give(halves);
    rig.assert_equal();
    assert!(!rig.here("e/d").exists());
    assert_eq!(rig.inode("e/deep/f"), was);
}

#[test]
fn what_was_renamed_on_meanwhile_is_followed_without_a_copy() {
    let mut rig = Rig::new();
    rig.write("a/f", "text");
    rig.write("a/g", "text");
    rig.mirrored();
    let was = rig.inode("a/f");
    // Three steps, and something done in between, before the first of them is heard of.
    let late = rig.happening(Happening::Attrib, "a/f");
    rename(&rig, "a", "b");
    fs::remove_file(rig.there("b/g")).unwrap();
    rename(&rig, "b", "c");
    rename(&rig, "c/f", "c/h");
    let mut told = vec![late];
    told.extend(rig.halves("a", "b", 1));
    told.push(rig.happening(Happening::Delete, "b/g"));
    told.extend(rig.halves("b", "c", 2));
    told.extend(rig.halves("c/f", "c/h", 3));
    rig.most = 2;
    rig.give(told);
    rig.assert_equal();
    assert_eq!(rig.inode("c/h"), was);
}

#[test]
fn what_was_looked_for_under_an_old_name_is_found_when_it_is_quiet() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    rig.mirrored();
    // Each event is true, and none of its paths leads there any more when it is worked on.
    crate::rig::chmod(&rig.there("d/f"), 0o600);
    std::os::unix::fs::symlink("old", rig.there("d/l")).unwrap();
    let early = ["d/f", "d/l"].map(|name| rig.happening(Happening::Attrib, name));
    rename(&rig, "d", "e");
    fs::create_dir(rig.there("d")).unwrap();
    std::os::unix::fs::symlink("new", rig.there("d/l")).unwrap();
    let [from, to] = rig.halves("d", "e", 1);
    let late = ["d", "d/l"].map(|name| rig.happening(Happening::Create, name));
    rig.give(early.into_iter().chain([from, to]).chain(late));
    rig.assert_equal();
}

#[test]
fn a_rename_is_one_also_when_its_first_half_waits_behind_another_event() {
    let mut rig = Rig::new();
    rig.write("n", "text");
    rig.mirrored();
    let was = rig.inode("n");
    rename(&rig, "n", "m");
    // What it speaks of is no more where it was: it comes again when it is quiet, and its path waits for that.
    let early = rig.happening(Happening::Attrib, "n");
    let [from, to] = rig.matched("n", "m", 1);
    let arrival = rig.arrival("m");
    rig.most = 1;
    rig.give([early, from, to, arrival]);
    rig.assert_equal();
    assert_eq!(rig.inode("m"), was);
}

#[test]
fn what_was_moved_out_goes_within_the_time_for_pairs() {
    let mut rig = Rig::new();
    rig.write("d/f", "text");
    rig.write("n", "text");
    rig.mirrored();
    let outside = rig.source.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["d", "n"] {
        fs::rename(rig.there(name), outside.join(name)).unwrap();
    }
    let [d, _] = rig.halves("d", "", 1);
    let [n, _] = rig.halves("n", "", 2);
    let begun = Instant::now();
    rig.give([d, n]);
    rig.assert_equal();
    assert!(begun.elapsed() >= PAIR_WITHIN, "{:?}", begun.elapsed());
}

#[test]
fn a_directory_made_anew_where_one_was_moved_out_has_nothing_of_the_old_one() {
    let mut rig = Rig::new();
    rig.write("d/old/f", "text");
    rig.mirrored();
    fs::rename(rig.there("d"), rig.source.with_file_name("outside")).unwrap();
    rig.write("d/new", "text");
    let [from, _] = rig.halves("d", "", 1);
    let told = [
        from,
        rig.happening(Happening::Create, "d"),
        rig.happening(Happening::Create, "d/new"),
        rig.arrival("d/new"),
    ];
    rig.give(told);
    rig.assert_equal();
}

#[test]
fn what_is_moved_in_over_something_replaces_it() {
    let mut rig = Rig::new();
    rig.write("f", "old");
    rig.mirrored();
    let outside = rig.source.with_file_name("outside");
    fs::write(&outside, "new, and longer").unwrap();
    fs::rename(&outside, rig.there("f")).unwrap();
    let [_, to] = rig.halves("", "f", 9);
    let arrival = rig.arrived("f", 2, SignalSet::EMPTY.with(Signal::RenamedIn));
    rig.give([to, arrival]);
    rig.assert_equal();
}

#[test]
fn an_exchange_ends_right() {
    let mut rig = Rig::new();
    rig.write("a", "of a");
    rig.write("b", "of b, longer");
    rig.write("d/f", "of d");
    rig.write("e/f", "of e, longer");
    rig.mirrored();
    for (one, other, cookie) in [("a", "b", 1), ("d", "e", 3)] {
        let between = rig.source.with_file_name("between");
        fs::rename(rig.there(one), &between).unwrap();
        rename(&rig, other, one);
        fs::rename(&between, rig.there(other)).unwrap();
        let mut told = rig.halves(one, other, cookie).to_vec();
        told.extend(rig.halves(other, one, cookie + 1));
        rig.give(told);
    }
    let told = ["a", "b", "d/f", "e/f"].map(|name| rig.arrival(name));
    rig.give(told);
    rig.assert_equal();
}

#[test]
fn arrivals_that_overtake_a_rename_are_not_undone_by_it() {
    let mut rig = Rig::new();
    rig.write("a", "the first");
    rig.write("d/f", "the first");
    rig.mirrored();
    // Both names have something new before the rename is heard of: of files, and of directories.
    rename(&rig, "a", "b");
    rig.write("a", "made anew");
    rig.write("b", "written after the rename");
    rename(&rig, "d", "e");
    rig.write("d/f", "another one of that name");
    rig.write("d/g", "one more");
    let mut told = ["a", "b", "d/f", "d/g"].map(|name| rig.arrived(name, 2, SignalSet::EMPTY)).to_vec();
    told.extend(rig.halves("a", "b", 1));
    told.extend(rig.halves("d", "e", 2));
    for name in ["a", "d", "d/f", "d/g"] {
        told.push(rig.happening(Happening::Create, name));
    }
    told.push(rig.happening(Happening::CloseWrite, "b"));
    rig.give(told);
    assert_eq!(fs::read(rig.here("b")).unwrap(), b"written after the rename");
    let arrival = rig.arrival("e/f");
    rig.give([arrival]);
    rig.assert_equal();
}

#[test]
fn a_mark_goes_with_its_file() {
    let mut rig = Rig::new();
    rig.write("f", "one");
    crate::rig::touch(&rig.there("f"), "2011-01-01");
    rig.mirrored();
    rig.write("f", "two");
    crate::rig::touch(&rig.there("f"), "2011-01-01");
    let closed = rig.happening(Happening::CloseWrite, "f");
    rename(&rig, "f", "g");
    let halves = rig.halves("f", "g", 4);
    rig.give([closed]);
    rig.give(halves);
    let arrival = rig.arrived("g", 1, SignalSet::EMPTY.with(Signal::RenamedIn));
    rig.give([arrival]);
    rig.assert_equal();
}
