//! Writers that open, append and close, again and again.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, size};
use testkit::{Receipt, Truth};

use crate::watched::{Rule, Watched};
use crate::{ground, soon};

/// How often each file is opened.
const TIMES: usize = 20;
/// The settle time.
const SETTLE: Duration = Duration::from_millis(500);
const RULES: [Rule; 2] = [
    Rule { source: r#"backend = "inotify""#, ..Rule::new("inotify", CLOSED_AND_QUIET) },
    Rule {
        source: "backend = \"poll\"\npoll_interval = \"100ms\"\npoll_full = \"1s\"",
        ..Rule::new("polled", CLOSED_AND_QUIET)
    },
];
const CLOSED_AND_QUIET: &str = r#"{ all = ["closed", "writer_gone", { quiet = "500ms" }] }"#;

/// What one writer did.
struct Log {
    path: Vec<u8>,
    /// The size after each close, and how long it stayed so: from before the first byte of the last write to after
    /// the next open, so that it is never less than what anybody may have seen.
    states: Vec<(u64, Duration)>,
}

/// What the consumers made of one file.
#[derive(Default)]
struct Tally {
    offences: Vec<String>,
    /// The events of files of which every gap was shorter than the settle time.
    steady: Vec<usize>,
    /// The events of those with a longer one.
    rested: Vec<usize>,
}

#[test]
fn a_file_that_is_opened_20_times_comes_once_for_each_rest() {
    let row = Row::new("A05");
    let chance = Chance::from_environment();
    let watched = Watched::start(ground("reopened"), &RULES, |_| ());
    let root = watched.root();
    let files = size(60, 400);
    let (mut truth, mut logs) = (Truth::default(), Vec::new());
    std::thread::scope(|scope| {
        let write = |number: usize| {
            let (root, chance) = (&root, chance.fork(number as u64));
            scope.spawn(move || append(root, number, chance))
        };
        let writers: Vec<_> = (0..files).map(write).collect();
        for writer in writers {
            let (log, last) = writer.join().expect("it wrote");
            truth.merge(last);
            logs.push(log);
        }
    });
    let seen = watched.finish_with(&truth, soon());

    let mut row = row.seed(chance.seed()).figure("files", files).figure("closes of each", TIMES);
    let mut offences = Vec::new();
    for rule in RULES {
        let mut tally = Tally::default();
        for log in &logs {
            tally.add(log, seen.by(rule.name));
        }
        row = row.figure(&format!("{}: versions/file without a rest", rule.name), mean(&tally.steady));
        row = row.figure(&format!("{}: versions/file with one", rule.name), mean(&tally.rested));
        offences.extend(tally.offences.iter().map(|offence| format!("{}: {offence}", rule.name)));
        // Who hears each close notices a rest of two settle times; a poller comes by when it comes by.
        if rule.name == "inotify" && mean(&tally.rested) < 1.2 {
            offences.push(format!("{}: rests were not noticed", rule.name));
        }
    }
    row.count("offences", offences.len()).print();
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

fn mean(counts: &[usize]) -> f64 {
    counts.iter().sum::<usize>() as f64 / counts.len().max(1) as f64
}

/// Every other writer rests once for two settle times.
fn append(root: &Path, number: usize, mut chance: Chance) -> (Log, Truth) {
    let name = format!("again{number:03}.log");
    let rest_after = number.is_multiple_of(2).then(|| chance.below(TIMES - 1));
    let (mut content, mut states) = (Vec::new(), Vec::<(u64, Duration)>::new());
    let mut since = Instant::now();
    for time in 0..TIMES {
        let begun = Instant::now();
        let length = 1 + chance.below(400);
        let piece = chance.bytes(length);
        let open = OpenOptions::new().create(true).append(true).open(root.join(&name));
        let mut file = open.expect("the tree takes files");
        file.write_all(&piece).expect("there is room");
        if let Some((_, stayed)) = states.last_mut() {
            *stayed = since.elapsed();
        }
        since = begun;
        drop(file);
        content.extend_from_slice(&piece);
        states.push((content.len() as u64, Duration::MAX));
        let share = if rest_after == Some(time) { 2.0 } else { 0.1 + 0.8 * chance.below(1_001) as f64 / 1e3 };
        if time + 1 < TIMES {
            sleep(SETTLE.mul_f64(share));
        }
    }
    let mut truth = Truth::default();
    truth.note(name.as_bytes(), &content);
    (Log { path: name.into_bytes(), states }, truth)
}

impl Tally {
    /// One event for each state that lasted for the settle time, of that state; the last one always.
    fn add(&mut self, log: &Log, receipts: &[Receipt]) {
        let ours: Vec<&Receipt> = receipts.iter().filter(|receipt| receipt.path == log.path).collect();
        let name = String::from_utf8_lossy(&log.path);
        let rests: HashSet<u64> =
            log.states.iter().filter(|(_, stayed)| *stayed >= SETTLE).map(|(size, _)| *size).collect();
        let sizes: Vec<u64> = ours.iter().map(|receipt| receipt.size).collect();
        if rests.len() == 1 { &mut self.steady } else { &mut self.rested }.push(sizes.len());
        let early = sizes.iter().filter(|size| !rests.contains(size));
        self.offences
            .extend(early.map(|size| format!("{name}: early at {size} bytes of {:?}", log.states.last())));
        if sizes.iter().collect::<HashSet<_>>().len() < sizes.len() {
            self.offences.push(format!("{name}: one version twice in {sizes:?}"));
        }
        if !sizes.is_sorted() {
            self.offences.push(format!("{name}: an older version after a newer one in {sizes:?}"));
        }
        if sizes.last() != log.states.last().map(|(size, _)| size) {
            self.offences.push(format!("{name}: the last of {sizes:?} is not the last version"));
        }
    }
}
