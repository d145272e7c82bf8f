//! The wall clock jumps while files are settling, and files say that they are from other centuries.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testkit::proof::{Row, skip};
use testkit::{Collector, Landing, Process, Scratch, Truth, judge};

use crate::{STEP, landing};

/// Debian's place of the library that shows a process another wall clock.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// The rule's quiet time. Between two pieces of a file lies a seventh of it, so that a busy machine makes none too late.
const QUIET: Duration = Duration::from_secs(2);
const DAY: i64 = 86_400;
const TEN_YEARS: i64 = 3_650;
const FILES: usize = 4;
/// Pieces of each file; between two of them the clock is set.
const PIECES: usize = 4;

const PLAN: &str = r#"
[source.inbox]
path = "{in}"
[[source.inbox.rule]]
name = "quiet"
include = ["*"]
exclude = ["bell"]
complete = { all = ["writer_gone", { quiet = "2s" }] }
to = ["lines"]
[sink.lines]
type = "jsonl"
path = "{out}/events.jsonl"
"#;

/// The daemon with a wall clock of its own.
struct Shifted {
    landing: Landing,
    clock: PathBuf,
    _daemon: Process,
}

impl Shifted {
    fn start() -> Self {
        let landing = landing(Scratch::on_disk("clock"));
        landing.configure(PLAN);
        let clock = landing.out("clock");
        fs::write(&clock, "+0").expect("a file for the clock");
        let mut command = landing.command();
        command.env("LD_PRELOAD", LIBRARY).env("FAKETIME_TIMESTAMP_FILE", &clock);
        // Only the wall clock jumps, and at once; what files say stays as it is.
        command.envs([("FAKETIME_NO_CACHE", "1"), ("DONT_FAKE_MONOTONIC", "1"), ("NO_FAKE_STAT", "1")]);
        command.args(["run", "-c"]).arg(landing.config());
        let mut daemon = Process::spawn("run", &landing.out(""), &mut command);
        daemon.wait_for_line("ready", STEP);
        Self { landing, clock, _daemon: daemon }
    }

    /// Sets the daemon's wall clock so many days off ours, and wakes the daemon by a file that no rule takes: whoever
    /// went by that clock would find now that time has passed.
    fn step(&self, days: i64) {
        let new = self.clock.with_extension("new");
        fs::write(&new, format!("{:+}", days * DAY)).expect("a file for the clock");
        fs::rename(new, &self.clock).expect("a file for the clock");
        fs::write(self.landing.root().join("bell"), b"").expect("the tree takes files");
    }

    /// Writes a file in pieces and sets the clock in each pause between two of them.
    fn write(&self, name: &str, steps: &[i64], truth: &mut Truth) {
        let mut content = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let file = File::options().create(true).append(true).open(self.landing.root().join(name));
            let piece = format!("piece {number}\n");
            file.expect("the tree takes files").write_all(piece.as_bytes()).expect("it takes a piece");
            content.extend_from_slice(piece.as_bytes());
            // The pause between two pieces is what is tested here; nothing is waited for.
            std::thread::sleep(QUIET / 14);
            self.step(*step);
            std::thread::sleep(QUIET / 14);
        }
        truth.note(name.as_bytes(), &content);
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.landing.out("events.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// The days that the events say they are of: the steps were felt at all.
    fn days(&self) -> BTreeSet<String> {
        let day = |event: &Value| event["time"].as_str().expect("an event has a time")[..10].to_owned();
        self.events().iter().map(day).collect()
    }
}

/// A clock that is set by these steps, one after the other, while files are written; `id` is the row.
fn stepped(id: &'static str, steps: impl Fn(usize) -> i64) {
    let row = Row::new(id);
    if !Path::new(LIBRARY).is_file() {
        return skip(id, &format!("{LIBRARY} is not there (Debian package faketime)"));
    }
    let shifted = Shifted::start();
    let lines = Collector::tail(&shifted.landing.out("events.jsonl"), &shifted.landing.root());
    let mut truth = Truth::default();
    for number in 0..FILES {
        let steps: Vec<i64> = (0..PIECES).map(|piece| steps(number * PIECES + piece)).collect();
        shifted.write(&format!("file {number}"), &steps, &mut truth);
    }
    let begun = Instant::now();
    lines.wait_for(FILES, STEP);
    let late = begun.elapsed();
    shifted.landing.wait_idle(FILES as u64, STEP);
    let judgement = judge(&truth, &lines.finish());
    judgement.assert_exact();
    let days = shifted.days();
    assert!(days.len() > 1, "no step was felt: {days:?}");
    let row = row.judged(&judgement).figure("steps", FILES * PIECES);
    row.milliseconds("last event after the last step", late).print();
}

#[test]
fn a_wall_clock_that_is_set_forward_makes_nothing_early() {
    stepped("F01", |step| step as i64 + if step < FILES * PIECES / 2 { 1 } else { TEN_YEARS });
}

#[test]
fn a_wall_clock_that_is_set_back_makes_nothing_late() {
    stepped("F01b", |step| -(step as i64) - if step < FILES * PIECES / 2 { 1 } else { TEN_YEARS });
}

/// Seconds from 1970, and how the event's time begins; the last cannot be written with four digits of a year.
const CENTURIES: [(&str, i64, &str); 5] = [
    ("1901", -2_147_483_648, "1901-12-13T20:45:52Z"),
    ("1969", -1, "1969-12-31T23:59:59Z"),
    ("2106", 4_294_967_295, "2106-02-07T06:28:15Z"),
    ("2446", 15_032_385_535, "2446-05-10T22:38:55Z"),
    ("far", 1 << 55, "9999-12-30T"),
];

fn instant(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

/// Makes the file, gives it that time, and moves it into the tree. Whether the file system has kept the time.
fn bring(landing: &Landing, name: &str, time: SystemTime, truth: &mut Truth) -> bool {
    let outside = landing.out(name);
    fs::write(&outside, name).expect("the scratch folder takes files");
    let file = File::options().append(true).open(&outside).expect("it is there");
    let set = file.set_modified(time);
    let kept = fs::metadata(&outside).and_then(|data| data.modified());
    fs::rename(&outside, landing.root().join(name)).expect("the tree takes it");
    truth.note(name.as_bytes(), name.as_bytes());
    let kept = set.is_ok() && kept.is_ok_and(|kept| kept == time);
    if !kept {
        println!("this file system keeps no such time: {name}");
    }
    kept
}

#[test]
fn files_from_other_centuries_arrive_and_their_times_are_right() {
    let row = Row::new("F03");
    // A file system in memory keeps times of 64 bits.
    let mut landing = landing(Scratch::in_memory("centuries"));
    landing.configure(PLAN);
    landing.start();
    let lines = Collector::tail(&landing.out("events.jsonl"), &landing.root());
    let mut truth = Truth::default();
    let kept: Vec<bool> =
        CENTURIES.map(|(name, seconds, _)| bring(&landing, name, instant(seconds), &mut truth)).into();
    lines.wait_for(CENTURIES.len(), STEP);
    landing.wait_idle(CENTURIES.len() as u64, STEP);
    let judgement = judge(&truth, &lines.finish());
    judgement.assert_exact();
    let text = fs::read_to_string(landing.out("events.jsonl")).expect("there are lines");
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("a line is JSON");
        let data = &event["data"];
        let at = CENTURIES.iter().position(|(name, ..)| data["path"] == *name).expect("it is one of ours");
        let mtime = data["mtime"].as_str().unwrap_or_default();
        let right = !kept[at] || mtime.starts_with(CENTURIES[at].2);
        assert!(right && mtime.ends_with('Z'), "{} says that it is of {mtime}", CENTURIES[at].0);
    }
    assert_eq!(landing.status()["counts"]["delivered"], CENTURIES.len());
    row.judged(&judgement).figure("times", kept.iter().filter(|kept| **kept).count()).print();
}
