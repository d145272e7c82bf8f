//! A crash at every single input or output of the store: the real one is recorded system call by system call
//! (`strace`), and what a disk would hold after each of them is built, opened and compared.
//!
//! Three crashes are told apart: the death of the process (everything written is there), a power cut (only what was
//! synced is there, names as well as bytes), and a power cut while the system was writing back (of what was not
//! synced, any sectors may be there). `STAITHE_EVERY_IO=1` looks at every point in each way; otherwise some are left out.

mod disk;
mod play;
mod record;
mod trace;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use ledger::Durability;
use tempfile::TempDir;

use self::disk::{Disk, Names, Unsynced};
use self::play::{STEPS, dump};
use self::record::{Recording, record};
use self::trace::Op;
use crate::house::Dice;

/// What a store may hold after a crash: the states after these steps, first and last.
type Allowed = std::ops::RangeInclusive<usize>;

/// How a disk is left by a crash.
#[derive(Clone, Copy, Debug)]
enum Crash {
    /// The process died.
    Process,
    /// The power went, nothing that was not synced is there.
    Power,
    /// The same, with the names that were not synced.
    PowerWithNames,
    /// The power went while the system was writing back.
    Torn { seed: u64 },
}

impl Crash {
    fn leave(self, disk: &Disk, dir: &Path) {
        match self {
            Crash::Process => disk.put(dir, Names::Written, Unsynced::All),
            Crash::Power => disk.put(dir, Names::Synced, Unsynced::None),
            Crash::PowerWithNames => disk.put(dir, Names::Written, Unsynced::None),
            Crash::Torn { seed } => disk.put(dir, Names::Written, Unsynced::Some(&mut Dice(seed))),
        }
    }
}

/// How many points are looked at: each `stride`-th.
fn stride(usual: usize) -> usize {
    if std::env::var_os("STAITHE_EVERY_IO").is_some() { 1 } else { usual }
}

/// Where what a crash left is put. In memory where that can be: whether it is synced there is not the question.
fn image() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Opens what the crash left, and says what is wrong with it.
fn look(recording: &Recording, crash: Crash, disk: &Disk, allowed: &Allowed) -> Result<(), String> {
    let dir = image();
    crash.leave(disk, dir.path());
    let found = dump(dir.path(), recording.durability)?;
    let known = |state: &String| recording.states[allowed.clone()].contains(state);
    if known(&found) {
        return Ok(());
    }
    if let Some(step) = recording.states.iter().position(|state| *state == found) {
        return Err(format!("the store is as after step {step}, and not as after {allowed:?}"));
    }
    let near = [*allowed.start(), *allowed.end()].map(|step| differences(&recording.states[step], &found));
    Err(format!("the store is as after no step at all, near {allowed:?}:\n{}", near.join("\nor\n")))
}

/// The lines that one text has and the other has not.
fn differences(expected: &str, found: &str) -> String {
    let only = |one: &str, other: &str, mark: char| {
        let other: HashSet<&str> = other.lines().collect();
        let only: Vec<&str> = one.lines().filter(|line| !other.contains(line)).take(4).collect();
        only.iter()
            .map(|line| [mark.to_string(), (*line).to_owned()].join(" "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    [only(expected, found, '-'), only(found, expected, '+')].join("\n")
}

/// Goes through the recording and crashes at each `stride`-th operation; gives what went wrong, and how often it looked.
fn crash_everywhere(
    recording: &Recording,
    crashes: impl Fn(usize) -> Vec<Crash>,
    allowed: impl Fn(Crash, usize) -> Allowed,
) -> (Vec<String>, usize) {
    let (mut disk, mut said, mut wrong, mut looks) = (Disk::default(), None, Vec::new(), 0);
    for (at, op) in recording.ops.iter().enumerate() {
        if let Op::Say(step) = op {
            said = Some(*step);
        }
        disk.apply(op);
        // Before the first word nobody was promised anything but that it opens.
        let reached = said.unwrap_or(0);
        for crash in crashes(at) {
            looks += 1;
            let result = match said {
                Some(_) => look(recording, crash, &disk, &allowed(crash, reached)),
                None => opens(crash, &disk, recording.durability),
            };
            wrong.extend(result.err().map(|text| format!("operation {at} ({op}), {crash:?}: {text}")));
        }
    }
    (wrong, looks)
}

fn opens(crash: Crash, disk: &Disk, durability: Durability) -> Result<(), String> {
    let dir = image();
    crash.leave(disk, dir.path());
    dump(dir.path(), durability).map(drop)
}

/// What is there when `reached` was said: that, or the step that was under way.
fn promised(reached: usize) -> Allowed {
    reached..=(reached + 1).min(STEPS)
}

fn all_ways(at: usize, every: usize) -> Vec<Crash> {
    let seed = 77 + at as u64;
    let ways = [Crash::Process, Crash::Power, Crash::PowerWithNames, Crash::Torn { seed }];
    if stride(every) == 1 {
        return ways.into();
    }
    // Each operation in one way, each way at every fourth of them.
    if at.is_multiple_of(stride(every)) { vec![ways[(at / stride(every)) % ways.len()]] } else { Vec::new() }
}

fn expect_none(wrong: &[String], looks: usize, what: &str) {
    println!("{{\"test\":\"{what}\",\"looks\":{looks},\"lost\":{}}}", wrong.len());
    assert!(looks > 100, "{looks} looks prove nothing");
    assert!(
        wrong.is_empty(),
        "{} of {looks} looks:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
}

/// The process that is recorded.
#[test]
fn recorded_child() {
    play::child();
}

#[test]
fn what_was_committed_is_there_after_a_crash_at_any_operation() {
    let recording = record(Durability::Power);
    let (wrong, looks) = crash_everywhere(&recording, |at| all_ways(at, 2), |_, reached| promised(reached));
    expect_none(&wrong, looks, "every_io.power");
}

#[test]
fn without_syncs_a_power_cut_takes_the_last_commits_and_nothing_else() {
    let recording = record(Durability::Process);
    let allowed = |crash, reached| match crash {
        Crash::Process => promised(reached),
        _ => 0..=(reached + 1).min(STEPS),
    };
    let (wrong, looks) = crash_everywhere(&recording, |at| all_ways(at, 2), allowed);
    expect_none(&wrong, looks, "every_io.process");
}

/// The control: where the disk only pretends to sync, the same looks find what is lost.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let mut recording = record(Durability::Power);
    // The beginning stays, so that there is a store to lose something from.
    let first = recording.ops.iter().position(|op| matches!(op, Op::Say(_))).unwrap();
    let mut at = 0;
    recording.ops.retain(|op| {
        at += 1;
        at <= first || !matches!(op, Op::Sync(_) | Op::SyncDir)
    });
    let (wrong, _) = crash_everywhere(
        &recording,
        |at| if at.is_multiple_of(16) { vec![Crash::Power] } else { Vec::new() },
        |_, reached| promised(reached),
    );
    assert!(wrong.len() > 10, "nothing was missed: {wrong:?}");
}

#[test]
fn a_crash_in_the_recovery_from_a_crash_loses_nothing_either() {
    let recording = record(Durability::Power);
    let images = TempDir::new().unwrap();
    let (mut disk, mut said, mut starts) = (Disk::default(), None, BTreeMap::new());
    let every = (recording.ops.len() / if stride(2) == 1 { 60 } else { 12 }).max(1);
    for (at, op) in recording.ops.iter().enumerate() {
        if let Op::Say(step) = op {
            said = Some(*step);
        }
        disk.apply(op);
        if let (true, Some(reached)) = (at.is_multiple_of(every), said) {
            let crash =
                if starts.len().is_multiple_of(2) { Crash::Power } else { Crash::Torn { seed: at as u64 } };
            let dir = images.path().join(at.to_string());
            std::fs::create_dir(&dir).unwrap();
            crash.leave(&disk, &dir);
            starts.insert(at, (Disk::of(&dir), reached));
        }
    }
    let (mut wrong, mut looks) = (Vec::new(), 0);
    for (at, (mut disk, reached)) in starts {
        let recovery = record::recovery(&images.path().join(at.to_string()));
        for (step, op) in recovery.iter().enumerate() {
            disk.apply(op);
            for crash in all_ways(step, 2) {
                looks += 1;
                let result = look(&recording, crash, &disk, &promised(reached));
                wrong.extend(
                    result
                        .err()
                        .map(|text| format!("image {at}, operation {step} ({op}), {crash:?}: {text}")),
                );
            }
        }
    }
    expect_none(&wrong, looks, "every_io.recovery");
}
