//! What a happening costs from the stream's thread to a line in a file:
//! `cargo run --release -p engine --example happenings [EVENTS]`.
//!
//! Prints, for a ledger in memory and one on disk, wall-clock and processor microseconds for each event, from the first
//! submit to the last acknowledgement by a `jsonl` sink, and how large the ledger is afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use config::{Durability, Format, JsonlSink, Plan, SinkKind, SinkPlan};
use engine::engine::Setup;
use engine::{Engine, Notice, Observer};
use ledger::{Admission, Entry, Fate, RouteId, SourceId};
use model::{Cause, Detail, Fingerprint, Happening, Kind, PathKey, SignalSet};
use rustix::time::{ClockId, clock_gettime};

const BATCH: u64 = 512;
const WORDS: [Happening; 4] = [Happening::Create, Happening::Open, Happening::Modify, Happening::CloseWrite];

struct Deaf;

impl Observer for Deaf {
    fn notice(&self, _: &Notice<'_>) {}
}

impl dispatch::Observer for Deaf {}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    for (name, durable) in [("memory", false), ("disk", true)] {
        let dir = tempfile::tempdir()?;
        let state = dir.path().join("state");
        let engine = start(dir.path(), durable.then(|| state.clone()))?;
        let (begun, cpu_before) = (Instant::now(), cpu());
        tell(&engine, events)?;
        assert!(engine.drain(Duration::from_mins(10)), "the sink took everything");
        let wall = begun.elapsed().as_secs_f64() * 1e6 / events as f64;
        let each = (cpu() - cpu_before) / events as f64;
        engine.stop(Duration::from_secs(10))?;
        let lines = std::fs::read_to_string(dir.path().join("lines"))?.lines().count();
        let size = std::fs::metadata(state.join("ledger.db")).map_or(0, |meta| meta.len());
        println!(
            "{name}: {wall:.1} µs each, {each:.1} µs of processor, {lines} lines, ledger {} KiB",
            size >> 10
        );
    }
    Ok(())
}

/// Processor time of the whole process so far, in microseconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)).as_secs_f64() * 1e6
}

fn start(dir: &Path, state_dir: Option<PathBuf>) -> Result<Arc<Engine>, Box<dyn std::error::Error>> {
    let sink = SinkPlan {
        name: "lines".into(),
        kind: SinkKind::Jsonl(JsonlSink { path: dir.join("lines") }),
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout: Duration::from_secs(10),
    };
    let plan = Plan {
        site: "bench".into(),
        durability: Durability::Process,
        watch_config: false,
        plugin_dir: None,
        sources: Vec::new(),
        sinks: vec![sink],
    };
    let (owner, observer) = ("bench".into(), Arc::new(Deaf));
    let (engine, _) = Engine::start(Setup { plan, state_dir, owner, observer, given: Vec::new() })?;
    Ok(engine)
}

fn tell(engine: &Engine, events: u64) -> Result<(), Box<dyn std::error::Error>> {
    let ledger = engine.ledger();
    let source = ledger.register_source("tree", b"/data/tree")?.id;
    let sink = engine.sink_id("lines").ok_or("no sink")?;
    let route = ledger.stream_route(&[sink])?;
    let rule: Arc<str> = "all".into();
    for first in (0..events).step_by(BATCH as usize) {
        let numbers = first..events.min(first + BATCH);
        ledger.submit(numbers.map(|number| happening(engine, (source, route), number, &rule)).collect())?;
    }
    Ok(())
}

fn happening(engine: &Engine, (source, route): (SourceId, RouteId), number: u64, rule: &Arc<str>) -> Entry {
    let time = engine.clock().wall();
    let path = format!("dir{}/file{:06}.dat", number / 4000, number / 4);
    let size = Detail::default().pack();
    Entry::Admit(Box::new(Admission {
        source,
        key: PathKey(0),
        path: path.into_bytes().into(),
        fate: Fate::Announce(route),
        kind: Kind::Happening(WORDS[(number % 4) as usize]),
        fingerprint: Fingerprint { size, mtime: time, inode: number },
        ctime: time,
        mode: 0,
        rule: Arc::clone(rule),
        signals: SignalSet::EMPTY,
        backend: "inotify",
        first_seen: time,
        time,
        waited_ms: 0,
        cause: Cause::Arrived,
        history: Vec::new(),
        members: None,
        moved: None,
    }))
}
