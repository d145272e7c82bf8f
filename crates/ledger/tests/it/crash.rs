//! `kill -9` at any instant: what was flushed is there, nothing is half there.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger::{Fate, Ledger, Pursuit, Report, StepNote};
use tempfile::TempDir;

use crate::house::{Dice, House, admit, at, backlog, open, options};

const CHILD: &str = "LEDGER_CRASH_CHILD";

/// The process that is killed: admits numbered paths and says how far it is flushed.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let (ledger, _) = Ledger::open(options(Some(Path::new(&dir)))).unwrap();
    let source = ledger.register_source("source", b"/root").unwrap().id;
    let sink = ledger.register_sink("s", "test").unwrap();
    let fate = Fate::Announce(ledger.route(&[sink]).unwrap());
    let mut dice = Dice(u64::from(std::process::id()));
    let mut end = ledger.flush().unwrap();
    loop {
        let batch = 1 + dice.below(40);
        let paths = (1..=batch).map(|number| format!("f{}", end + number));
        ledger.submit(paths.map(|path| admit(source, fate, path.as_bytes(), 1)).collect()).unwrap();
        let cursor = ledger.cursor(sink).unwrap();
        if dice.below(3) == 0 {
            let fetch = ledger.fetch(sink, cursor, 20).unwrap();
            let delivered = fetch.parcels.len() as u64;
            let report = Report { cursor: Some(fetch.scanned_to), delivered, at: at(1), ..Report::default() };
            ledger.report(sink, report).unwrap();
        }
        end = ledger.flush().unwrap();
        println!("flushed {end} {}", ledger.cursor(sink).unwrap());
    }
}

/// The process that is killed while it delivers in many steps: four threads, an event each at a time.
#[test]
fn stepping_child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let (ledger, _) = Ledger::open(options(Some(Path::new(&dir)))).unwrap();
    let source = ledger.register_source("source", b"/root").unwrap().id;
    let sink = ledger.register_sink("s", "test").unwrap();
    let fate = Fate::Announce(ledger.route(&[sink]).unwrap());
    let event = || {
        let path = format!("f{:?}{}", std::thread::current().id(), ledger.end().unwrap());
        ledger.submit(vec![admit(source, fate, path.as_bytes(), 1)]).unwrap();
        ledger.flush().unwrap()
    };
    let first = AtomicU64::new(event());
    let work = || loop {
        let seq = first.fetch_add(1, Ordering::SeqCst);
        while ledger.end().unwrap() < seq {
            event();
        }
        for number in 1..=20 {
            let what = format!("step {number} of {seq}").into_bytes();
            let pursuit = Pursuit::Set(number.to_string().into());
            ledger.note_steps(sink, vec![StepNote { seq, at: at(1), steps: vec![what], pursuit }]).unwrap();
            println!("noted {seq} {number}");
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
}

#[test]
fn a_step_that_was_noted_survives_kill_9() {
    let dir = TempDir::new().unwrap();
    let mut dice = Dice(11);
    let mut noted = HashMap::new();
    for round in 0..10 {
        let time = Duration::from_millis(60 + dice.below(200));
        for (seq, number) in run_and_kill(dir.path(), "crash::stepping_child", "noted ", time) {
            noted.insert(seq, number);
        }
        let (ledger, report) = open(dir.path()).unwrap();
        assert_eq!(report.quarantined, None, "round {round}");
        let sink = ledger.register_sink("s", "test").unwrap();
        let followed: HashMap<_, _> = ledger.pursuits(sink, 0, usize::MAX).unwrap().into_iter().collect();
        for (seq, said) in &noted {
            let steps = ledger.steps(sink, *seq).unwrap();
            let there = steps.len() as u64;
            assert!((*said..=said + 1).contains(&there), "round {round}, {seq}: {there} of {said}");
            for (step, number) in steps.iter().zip(1..) {
                assert_eq!((step.number, &step.what), (number, &format!("step {number} of {seq}").into()));
            }
            assert_eq!(followed[seq], there.to_string().into_bytes(), "with the step of its commit");
        }
        ledger.close().unwrap();
        assert_eq!(ledger::check(dir.path()).unwrap().damage, Vec::<String>::new(), "round {round}");
    }
    let all: u64 = noted.values().sum();
    assert!(all > 500, "the children hardly ran: {all}");
}

/// Lets a child run for that long and kills it; gives the pairs of numbers that it said after that word.
fn run_and_kill(dir: &Path, child: &str, word: &'static str, time: Duration) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let pair = |line: String| {
            let (one, two) = line.strip_prefix(word)?.split_once(' ')?;
            Some((one.parse().ok()?, two.parse().ok()?))
        };
        lines.map_while(Result::ok).filter_map(pair).collect()
    });
    std::thread::sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_flushed_survives_kill_9() {
    let dir = TempDir::new().unwrap();
    let mut dice = Dice(7);
    let mut reached = 0;
    for round in 0..12 {
        let time = Duration::from_millis(60 + dice.below(250));
        let said = run_and_kill(dir.path(), "crash::child", "flushed ", time);
        let (flushed, cursor) = said.last().copied().unwrap_or_default();
        reached = reached.max(flushed);
        let (ledger, report) = open(dir.path()).unwrap();
        assert_eq!(report.quarantined, None, "round {round}");
        let sink = ledger.register_sink("s", "test").unwrap();
        let source = ledger.register_source("source", b"/root").unwrap().id;
        let now = ledger.cursor(sink).unwrap();
        assert!(now >= cursor, "round {round}: a recorded delivery is remembered");
        let end = ledger.flush().unwrap();
        assert!(end >= flushed, "round {round}: {end} of {flushed}");
        let seqs: Vec<u64> = backlog(&ledger, sink).iter().map(|parcel| parcel.seq).collect();
        assert_eq!(seqs, (now + 1..=end).collect::<Vec<u64>>(), "round {round}");
        for seq in [1, end / 2, end].into_iter().filter(|seq| (1..=end).contains(seq)) {
            let records = ledger.records(source, format!("f{seq}").as_bytes()).unwrap();
            let found: Vec<u64> = records.iter().map(|record| record.seq).collect();
            assert_eq!(found, [seq], "round {round}, {seq} of {end}, {flushed} flushed");
        }
        assert_eq!(ledger.counts().unwrap().get(model::State::Seen), end);
        ledger.close().unwrap();
        assert_eq!(ledger::check(dir.path()).unwrap().damage, Vec::<String>::new(), "round {round}");
    }
    assert!(reached > 500, "the children hardly ran: {reached}");
}

#[test]
fn a_ledger_that_is_dropped_has_stored_what_it_took() {
    let dir = TempDir::new().unwrap();
    let (ledger, _) = open(dir.path()).unwrap();
    let source = ledger.register_source("source", b"/root").unwrap().id;
    let sink = ledger.register_sink("s", "test").unwrap();
    let fate = Fate::Announce(ledger.route(&[sink]).unwrap());
    ledger.submit((0..500).map(|n| admit(source, fate, format!("{n}").as_bytes(), 1)).collect()).unwrap();
    drop(ledger);
    let house = House::at(dir);
    assert_eq!(house.backlog(sink).len(), 500);
}
