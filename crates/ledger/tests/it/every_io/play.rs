//! The work that is recorded, and what a store holds, as text.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use ledger::{Durability, Fate, Ledger, Options, Pursuit, Report, SinkId, SourceId, StepNote};
use model::{Kind, Parcel};

use crate::house::{Dice, absent, admit, admit_as, at, dead, open_with, parked, removed};

/// Where the recorded process keeps its store.
pub(super) const CHILD: &str = "LEDGER_EVERY_IO";
pub(super) const DURABILITY: &str = "LEDGER_DURABILITY";
/// It only opens the store and closes it.
pub(super) const ONLY_OPEN: &str = "LEDGER_ONLY_OPEN";
/// How many steps it makes; each is one commit, but those that close and open.
pub(super) const STEPS: usize = 120;
/// So often it closes the store and opens it again.
const REOPENED: usize = 37;
const SINKS: [&str; 2] = ["lane", "queue"];

fn options(dir: &Path, durability: Durability) -> Options {
    Options { state_dir: Some(dir.into()), site: "site".into(), durability, owner: "every io".into() }
}

/// The process that is recorded.
pub(super) fn child() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let dir = Path::new(&dir);
    let power = std::env::var(DURABILITY).is_ok_and(|word| word == "power");
    let durability = if power { Durability::Power } else { Durability::Process };
    let mut work = Work::open(dir, durability);
    if std::env::var_os(ONLY_OPEN).is_some() {
        // Closing folds back what the recovery found.
        work.ledger.close().unwrap();
        std::process::exit(0);
    }
    let states = std::env::var_os("LEDGER_STATES").unwrap();
    for step in 0..=STEPS {
        if step > 0 {
            work.step(step);
        }
        std::fs::write(Path::new(&states).join(step.to_string()), work.state()).unwrap();
        // One write of its own, so that it stands in the trace where it was said.
        std::io::stdout().write_all(format!("\ndone {step}\n").as_bytes()).unwrap();
        std::io::stdout().flush().unwrap();
    }
    work.ledger.close().unwrap();
    std::process::exit(0);
}

/// What the store in `dir` holds once it is opened; an error where it does not open as it should.
pub(super) fn dump(dir: &Path, durability: Durability) -> Result<String, String> {
    let (ledger, report) = open_with(&options(dir, durability))
        .map_err(|error| format!("it does not open: failed to {error}"))?;
    if let Some(damaged) = report.quarantined {
        return Err(format!("it was taken for damaged: {}", damaged.damage));
    }
    let work = Work::with(ledger);
    let state = work.state();
    work.ledger.close().map_err(|error| format!("it does not close: {error}"))?;
    Ok(state)
}

struct Work {
    ledger: Ledger,
    source: SourceId,
    sinks: [SinkId; 2],
    dir: Option<(std::path::PathBuf, Durability)>,
    dice: Dice,
}

impl Work {
    fn open(dir: &Path, durability: Durability) -> Self {
        let (ledger, _) = open_with(&options(dir, durability)).unwrap();
        Self { dir: Some((dir.to_owned(), durability)), ..Self::with(ledger) }
    }

    fn with(ledger: Ledger) -> Self {
        let source = ledger.register_source("source", b"/root").unwrap().id;
        let sinks = SINKS.map(|name| ledger.register_sink(name, "test").unwrap());
        for route in [&sinks[..], &sinks[..1]] {
            ledger.route(route).unwrap();
        }
        Self { ledger, source, sinks, dir: None, dice: Dice(2026) }
    }

    fn step(&mut self, step: usize) {
        if step.is_multiple_of(REOPENED) {
            let (dir, durability) = self.dir.clone().unwrap();
            self.ledger.close().unwrap();
            let dice = Dice(self.dice.0);
            *self = Self { dice, ..Self::open(&dir, durability) };
            return;
        }
        match self.dice.below(10) {
            0..=3 => self.announce(),
            4 => self.forget(),
            5 | 6 => self.deliver(),
            7 => self.queue(),
            // Clearing away is no step of its own here: it may take several commits.
            _ => self.note(),
        }
        self.ledger.flush().unwrap();
    }

    fn announce(&mut self) {
        let both = self.dice.below(2) == 0;
        let route = self.ledger.route(if both { &self.sinks } else { &self.sinks[..1] }).unwrap();
        let count = 1 + self.dice.below(12);
        let entries = (0..count).map(|_| {
            let (path, time) = (format!("f{}", self.dice.below(60)), self.dice.below(100) as i64);
            let fate = if self.dice.below(8) == 0 { Fate::Adopt } else { Fate::Announce(route) };
            match self.dice.below(5) {
                0 => admit_as(Kind::Dataset, self.source, fate, path.as_bytes(), time % 7),
                _ => admit(self.source, fate, path.as_bytes(), time),
            }
        });
        self.ledger.submit(entries.collect()).unwrap();
    }

    fn forget(&mut self) {
        let route = self.ledger.route(&self.sinks[..1]).unwrap();
        let path = format!("f{}", self.dice.below(60));
        let entry = match self.dice.below(2) {
            0 => absent(self.source, path.as_bytes()),
            _ => removed(self.source, Fate::Announce(route), path.as_bytes()),
        };
        self.ledger.submit(vec![entry]).unwrap();
    }

    fn deliver(&mut self) {
        let sink = self.sinks[0];
        let cursor = self.ledger.cursor(sink).unwrap();
        let fetch = self.ledger.fetch(sink, cursor, 1 + self.dice.below(9) as usize).unwrap();
        let mut report = Report { cursor: Some(fetch.scanned_to), at: at(100), ..Report::default() };
        for parcel in fetch.parcels {
            match self.dice.below(8) {
                0 => report.parked.push(parked(parcel.seq, 1)),
                1 => report.dead.push(dead(parcel.seq)),
                _ => report.delivered += 1,
            }
        }
        let waiting = self.ledger.retries(sink).unwrap();
        report.unparked_delivered.extend(waiting.iter().take(2).map(|row| row.parcel.seq));
        self.ledger.report(sink, report).unwrap();
    }

    fn queue(&mut self) {
        let queue = self.sinks[1];
        let cursor = self.ledger.cursor(queue).unwrap();
        let fetch = self.ledger.fetch(queue, cursor, 6).unwrap();
        if self.dice.below(2) == 0 && !fetch.parcels.is_empty() {
            self.ledger.queue_put(queue, fetch.parcels.iter().map(|parcel| parcel.seq).collect()).unwrap();
            return;
        }
        let taken = self.ledger.queue_take(queue, 2, None, at(300)).unwrap();
        let ids: Vec<_> = taken.iter().map(|parcel| parcel.event.id).collect();
        self.ledger.queue_ack(Some(queue), &ids, at(301)).unwrap();
    }

    fn note(&mut self) {
        let end = self.ledger.end().unwrap();
        let seq = 1 + self.dice.below(end.max(1));
        let pursuit =
            if self.dice.below(3) == 0 { Pursuit::Clear } else { Pursuit::Set(b"follow".as_slice().into()) };
        let steps = vec![format!("step for {seq}").into_bytes()];
        self.ledger.note_steps(self.sinks[0], vec![StepNote { seq, at: at(5), steps, pursuit }]).unwrap();
    }

    /// Everything that a crash must leave as it was.
    fn state(&self) -> String {
        let mut out = String::new();
        let ledger = &self.ledger;
        let mut records = Vec::new();
        ledger
            .each_record(None, &mut |record| {
                records.push(record);
                true
            })
            .unwrap();
        for record in records {
            let _ = writeln!(out, "{record:?}");
            for sink in self.sinks {
                let steps = ledger.steps(sink, record.seq).unwrap();
                let attempts = ledger.attempts(sink, record.seq).unwrap();
                let _ = writeln!(out, "  {sink:?} {steps:?} {attempts:?}");
            }
        }
        let _ = writeln!(out, "{:?}", ledger.counts().unwrap());
        for sink in self.sinks {
            let _ = writeln!(
                out,
                "{sink:?} {} {:?}",
                ledger.cursor(sink).unwrap(),
                ledger.sink_counts(sink).unwrap()
            );
            for row in ledger.retries(sink).unwrap() {
                let (attempts, next, letter) = (row.attempts, row.next, row.letter);
                let _ = writeln!(out, "retry {} {attempts} {next} {letter} {}", line(&row.parcel), row.error);
            }
            let _ = writeln!(out, "{:?}", ledger.queue_depth(sink).unwrap());
            let _ = writeln!(out, "{:?}", ledger.pursuits(sink, 0, usize::MAX).unwrap());
            let after = ledger.fetch(sink, ledger.cursor(sink).unwrap(), usize::MAX).unwrap();
            for parcel in &after.parcels {
                let _ = writeln!(out, "waits {}", line(parcel));
            }
        }
        for row in ledger.dead(None).unwrap() {
            let (attempts, at, retrying) = (row.attempts, row.at, row.retrying);
            let _ = writeln!(
                out,
                "dead {} {} {attempts} {at} {retrying} {}",
                row.sink,
                line(&row.parcel),
                row.error
            );
        }
        let _ = writeln!(out, "end {}", ledger.end().unwrap());
        out
    }
}

/// A parcel, whole, in one line.
fn line(parcel: &Parcel) -> String {
    format!("{} {}", parcel.seq, String::from_utf8_lossy(&parcel.event.line(parcel.attempt)))
}
