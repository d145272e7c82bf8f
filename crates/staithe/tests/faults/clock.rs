//! The wall clock jumps while files are settling, and files say that they are from other centuries.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testkit::{Collector, Landing, Process, Scratch, Truth, judge, wait_until};

use crate::{STEP, landing};

/// Debian's place of the library that shows a process another wall clock.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const QUIET: Duration = Duration::from_secs(1);
const DAY: i64 = 86_400;

const PLAN: &str = r#"
[source.inbox]
path = "{in}"
[[source.inbox.rule]]
name = "quiet"
include = ["*"]
complete = { all = ["writer_gone", { quiet = "1s" }] }
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
    fn start() -> Option<Self> {
        if !Path::new(LIBRARY).is_file() {
            println!("SKIPPED clock steps: {LIBRARY} is not there (Debian package faketime)");
            return None;
        }
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
        Some(Self { landing, clock, _daemon: daemon })
    }

    /// Sets the daemon's wall clock so many seconds off ours.
    fn step(&self, seconds: i64) {
        let new = self.clock.with_extension("new");
        fs::write(&new, format!("{seconds:+}")).expect("a file for the clock");
        fs::rename(new, &self.clock).expect("a file for the clock");
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.landing.out("events.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }
}

/// Writes a file in pieces that are less than the quiet time apart, with the clock set anew before each.
fn write_through_steps(shifted: &Shifted, name: &str, steps: &[i64], truth: &mut Truth) {
    let mut content = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        shifted.step(*step);
        let mut file = File::options().create(true).append(true).open(shifted.landing.root().join(name));
        let piece = format!("piece {number}\n");
        file.as_mut().expect("the tree takes files").write_all(piece.as_bytes()).expect("it takes a piece");
        content.extend_from_slice(piece.as_bytes());
        // The pause between two pieces is what is tested here; nothing is waited for.
        std::thread::sleep(QUIET / 3);
    }
    truth.note(name.as_bytes(), &content);
}

#[test]
fn steps_of_the_wall_clock_make_nothing_early_and_nothing_late() {
    let Some(shifted) = Shifted::start() else { return };
    let lines = Collector::tail(&shifted.landing.out("events.jsonl"), &shifted.landing.root());
    let mut truth = Truth::default();
    let steps = [0, DAY, -DAY, 3_650 * DAY, 0, -3_650 * DAY, 3_600, 0];
    for (number, shift) in steps.iter().enumerate() {
        let around = [steps[number], -shift, *shift, steps[(number + 3) % steps.len()]];
        write_through_steps(&shifted, &format!("file {number}"), &around, &mut truth);
    }
    let begun = Instant::now();
    shifted.step(-DAY);
    lines.wait_for(steps.len(), STEP);
    let late = begun.elapsed();
    shifted.landing.wait_idle(steps.len() as u64, STEP);
    let judgement = judge(&truth, &lines.finish());
    judgement.assert_exact();
    println!("the last one came {late:?} after the last step");
    // The steps were felt at all: the events' own times are years apart.
    let years: std::collections::BTreeSet<String> = shifted
        .events()
        .iter()
        .map(|event| event["time"].as_str().expect("an event has a time")[..4].to_owned())
        .collect();
    assert!(years.len() > 1, "no step was felt: {years:?}");
}

#[test]
fn files_from_other_centuries_arrive_and_their_times_are_readable() {
    let mut landing = landing(Scratch::on_disk("centuries"));
    landing.configure(PLAN);
    landing.start();
    let lines = Collector::tail(&landing.out("events.jsonl"), &landing.root());
    let mut truth = Truth::default();
    let before = |seconds: u64| UNIX_EPOCH - Duration::from_secs(seconds);
    let after = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
    let times: [(&str, SystemTime); 5] = [
        ("1901", before(2_147_483_648)),
        ("1969", before(1)),
        ("2106", after(4_294_967_295)),
        ("2446", after(15_032_385_535)),
        ("far", after(1 << 55)),
    ];
    for (name, time) in times {
        truth.write(&landing.root(), name.as_bytes(), name.as_bytes());
        let file = File::options().append(true).open(landing.root().join(name)).expect("it is there");
        if let Err(error) = file.set_modified(time) {
            println!("this file system takes no such time for {name}: {error}");
        }
    }
    lines.wait_for(times.len(), STEP);
    landing.wait_idle(times.len() as u64, STEP);
    judge(&truth, &lines.finish()).assert_exact();
    let text = fs::read_to_string(landing.out("events.jsonl")).expect("there are lines");
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("a line is JSON");
        let mtime = event["data"]["mtime"].as_str().unwrap_or_default();
        assert!(mtime.ends_with('Z') && mtime.contains('T'), "{line}");
    }
    wait_until(STEP, "status to answer", || landing.status()["counts"]["delivered"] == times.len());
}
