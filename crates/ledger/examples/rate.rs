//! What the ledger costs: `cargo run --release -p ledger --example rate [EVENTS] [DIR] [opening]`.
//!
//! Prints, for each mode, admissions per second and CPU microseconds for each event: admitted
//! alone, admitted while a sink fetches and reports behind it, and announced once more (each path
//! has an earlier row then). Then steps of deliveries: noted by one caller, and by many at once. At last, how long a
//! ledger takes to open in which all of the events are owed: closed in order, and not (`opening`: that alone).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::{
    Admission, Closed, Durability, Entry, Fate, Ledger, LedgerError, Moment, Options, Pursuit, Report,
    SinkId, SourceId, StepNote,
};
use model::{Cause, Fingerprint, Kind, PathKey, Signal, SignalSet, Stamp};
use rustix::time::{ClockId, clock_gettime};

const BATCH: u64 = 256;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let events: u64 = args.next().map_or(Ok(300_000), |text| text.parse())?;
    let place = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    if args.next().as_deref() == Some("opening") {
        return opening(&place, events);
    }
    let preparing = preparing(events);
    println!("{events} events in batches of {BATCH}; preparing one costs {preparing:.2} µs, taken off below");
    for (name, durability) in
        [("memory", None), ("process", Some(Durability::Process)), ("power", Some(Durability::Power))]
    {
        let dir = tempfile::tempdir_in(&place)?;
        let options = Options {
            state_dir: durability.map(|_| dir.path().into()),
            site: "obs1".into(),
            durability: durability.unwrap_or(Durability::Process),
            owner: "rate".into(),
        };
        let bench = Bench::new(options)?;
        if durability.is_some() {
            bench.measure(&format!("{name}, admitted"), preparing, 0..events, false)?;
            bench.skip()?;
        }
        bench.measure(&format!("{name}, delivered too"), preparing, events..2 * events, true)?;
        bench.measure(&format!("{name}, once more"), preparing, events..2 * events, true)?;
        // In memory all of these events are delivered, and have no steps any more.
        for callers in [1, 8, 64].into_iter().filter(|_| durability.is_some()) {
            bench.step(name, callers, events / 10)?;
        }
        bench.ledger.close()?;
    }
    opening(&place, events)
}

fn opening(place: &std::path::Path, events: u64) -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir_in(place)?;
    let options = Options {
        state_dir: Some(dir.path().into()),
        site: "obs1".into(),
        durability: Durability::Process,
        owner: "rate".into(),
    };
    let bench = Bench::new(options.clone())?;
    for first in (0..events).step_by(BATCH as usize) {
        bench.ledger.submit(batch(bench.source, bench.fate, first..first + BATCH, &"rule".into()))?;
    }
    bench.ledger.close()?;
    for (name, unclean) in [("closed in order", false), ("closed in order", false), ("not closed", true)] {
        if unclean {
            std::fs::remove_file(dir.path().join("clean"))?;
        }
        let (begun, wall) = (cpu(), Instant::now());
        let (ledger, report) = Ledger::open(options.clone())?;
        let (took, cost) = (wall.elapsed().as_secs_f64(), (cpu() - begun) / 1e6);
        if report.quarantined.is_some() || report.unclean != unclean {
            return Err("it was damaged".into());
        }
        println!("{events} owed, {name}: opened in {took:.2} s, {cost:.2} s CPU");
        ledger.close()?;
    }
    Ok(())
}

/// CPU time of the whole process so far, in microseconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)).as_secs_f64() * 1e6
}

/// What making the entries themselves costs, for each.
fn preparing(events: u64) -> f64 {
    let fate = Fate::Adopt;
    let begun = cpu();
    for first in (0..events).step_by(BATCH as usize) {
        let batch = batch(SourceId(1), fate, first..first + BATCH, &"rule".into());
        drop(std::hint::black_box(batch));
    }
    (cpu() - begun) / events as f64
}

struct Bench {
    ledger: Ledger,
    source: SourceId,
    sink: SinkId,
    fate: Fate,
}

impl Bench {
    fn new(options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let (ledger, _) = Ledger::open(options)?;
        let source = ledger.register_source("stage1", b"/data/stage1")?.id;
        let sink = ledger.register_sink("met", "redis-list")?;
        let fate = Fate::Announce(ledger.route(&[sink])?);
        Ok(Self { ledger, source, sink, fate })
    }

    fn measure(
        &self,
        name: &str,
        preparing: f64,
        range: std::ops::Range<u64>,
        deliver: bool,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let events = range.end - range.start;
        let commits = self.ledger.commits();
        let (begun, wall) = (cpu(), Instant::now());
        std::thread::scope(|scope| {
            let consumer = deliver.then(|| scope.spawn(|| self.consume(events)));
            let rule: Arc<str> = "rule".into();
            for first in range.step_by(BATCH as usize) {
                self.ledger.submit(batch(self.source, self.fate, first..first + BATCH, &rule))?;
            }
            if let Some(consumer) = consumer {
                consumer.join().map_err(|_| "the consumer failed")??;
            }
            self.ledger.flush()?;
            Ok::<(), Box<dyn std::error::Error>>(())
        })?;
        let (each, seconds) = ((cpu() - begun) / events as f64 - preparing, wall.elapsed().as_secs_f64());
        let commits = self.ledger.commits() - commits;
        println!("{name:24} {:9.0}/s {each:6.2} µs CPU each, {commits} commits", events as f64 / seconds);
        Ok(())
    }

    /// Fetches and reports as a sink does that keeps up.
    fn consume(&self, events: u64) -> Result<(), LedgerError> {
        let (mut after, mut left) = (self.ledger.cursor(self.sink)?, events);
        while left > 0 {
            let fetch = self.ledger.fetch(self.sink, after, BATCH as usize)?;
            if fetch.parcels.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            after = fetch.scanned_to;
            let delivered = fetch.parcels.len() as u64;
            left = left.saturating_sub(delivered);
            let at = Stamp::new(1_800_000_000, 0);
            let report = Report { cursor: Some(after), delivered, at, ..Report::default() };
            self.ledger.report(self.sink, report)?;
        }
        Ok(())
    }

    /// Each caller goes through events of its own, four steps each, and waits for each step.
    fn step(&self, name: &str, callers: u64, steps: u64) -> Result<(), Box<dyn std::error::Error>> {
        let (end, each) = (self.ledger.end()?, steps / callers);
        let commits = self.ledger.commits();
        let (begun, wall) = (cpu(), Instant::now());
        std::thread::scope(|scope| {
            let callers = (0..callers).map(|caller| {
                scope.spawn(move || {
                    let number = |step| end - caller * each - step / 4;
                    (0..each).try_for_each(|step| self.ledger.note_steps(self.sink, vec![note(number(step))]))
                })
            });
            let callers: Vec<_> = callers.collect();
            callers.into_iter().try_for_each(|caller| caller.join().unwrap_or(Err(Closed.into())))
        })?;
        let (cost, seconds) = ((cpu() - begun) / steps as f64, wall.elapsed().as_secs_f64());
        let (rate, commits) = (steps as f64 / seconds, self.ledger.commits().wrapping_sub(commits));
        println!(
            "{name}, steps of {callers:2} at once {rate:9.0}/s {cost:6.2} µs CPU each, {commits} commits"
        );
        Ok(())
    }

    /// Settles everything unseen.
    fn skip(&self) -> Result<(), Closed> {
        let cursor = Some(self.ledger.flush()?);
        self.ledger.report(self.sink, Report { cursor, ..Report::default() })
    }
}

/// As long as what a sink would write down of an answer.
fn note(seq: u64) -> StepNote {
    StepNote { seq, at: Stamp::new(1_800_000_000, 0), steps: vec![vec![b'x'; 150]], pursuit: Pursuit::Keep }
}

fn batch(source: SourceId, fate: Fate, range: std::ops::Range<u64>, rule: &Arc<str>) -> Vec<Entry> {
    range.map(|number| Entry::Admit(Box::new(admission(source, fate, number, rule)))).collect()
}

fn admission(source: SourceId, fate: Fate, number: u64, rule: &Arc<str>) -> Admission {
    let path = format!("dir{:04}/some-file-name-{number:07}.dat", number % 100).into_bytes();
    let seen = Stamp::new(1_800_000_000 + number.cast_signed(), 123_456_789);
    let moment = |what: &str| Moment { time: seen, what: what.into() };
    Admission {
        source,
        key: PathKey::of(&path),
        path: path.into(),
        fate,
        kind: Kind::File,
        fingerprint: Fingerprint { size: 1000 + number, mtime: seen, inode: 1000 + number },
        ctime: seen,
        mode: 0o100_644,
        rule: Arc::clone(rule),
        signals: SignalSet::EMPTY.with(Signal::Closed).with(Signal::WriterGone),
        backend: "inotify",
        first_seen: seen,
        time: seen,
        waited_ms: 3,
        cause: Cause::Arrived,
        history: vec![moment("created"), moment("closed")],
        members: None,
        moved: None,
    }
}
