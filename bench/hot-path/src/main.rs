//! What every file goes through, without a kernel that tells of it and without a sink that takes it: the rule is asked, the
//! ledger admits, the event's bytes are read back for the sink and reported as delivered. Nothing depends on the time or on
//! the machine, so that callgrind counts the same twice.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ledger::{Admission, Durability, Entry, Fate, Ledger, Options, Report, RouteId, SourceId};
use model::{Cause, Fingerprint, Kind, PathKey, SignalSet, Stamp};
use settle::{Beside, Completion, Sample, Step, Unit, What, WriterFact};

/// So many files are admitted together, as in a burst.
const BATCH: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, files] = words.as_slice() else { return Err("usage: hot-path FOLDER FILES".into()) };
    let files: usize = files.parse()?;
    let (ledger, _) = Ledger::open(Options {
        state_dir: Some(folder.into()),
        site: "bench".to_owned(),
        durability: Durability::Process,
        owner: "hot-path".to_owned(),
    })?;
    let source = ledger.register_source("bench", b"/bench")?.id;
    let sink = ledger.register_sink("out", "jsonl")?;
    let route = ledger.route(&[sink])?;
    let rule = Completion::local();
    let (mut cursor, mut lines) = (0, Vec::new());
    for first in (0..files).step_by(BATCH) {
        let batch = first..files.min(first + BATCH);
        let count = batch.len();
        let entries: Option<Vec<Entry>> = batch.map(|file| arrive(file, &rule, source, route)).collect();
        ledger.submit(entries.ok_or("a file was not complete")?)?;
        ledger.flush()?;
        let fetch = ledger.fetch(sink, cursor, BATCH)?;
        if fetch.parcels.len() != count {
            return Err(format!("{} of {count} events came back", fetch.parcels.len()).into());
        }
        lines.clear();
        fetch.parcels.iter().for_each(|parcel| parcel.event.push_line(parcel.attempt, &mut lines));
        cursor = fetch.scanned_to;
        let report =
            Report { cursor: Some(cursor), delivered: count as u64, at: stamp(0), ..Report::default() };
        ledger.report(sink, report)?;
        ledger.flush()?;
    }
    ledger.close()?;
    Ok(())
}

/// A file that was created, written and closed, and what the ledger is told of it.
fn arrive(file: usize, rule: &Completion, source: SourceId, route: RouteId) -> Option<Entry> {
    let now = Duration::from_millis(file as u64);
    let mut unit = Unit::heard(now, stamp(file));
    unit.hear(What::Created);
    unit.hear(What::Closed);
    let sample =
        Sample { size: 100, mtime: stamp(file), ctime: stamp(file), inode: file as u64 + 1_000, links: 1 };
    unit.look(sample, now);
    // The rule asks for the writer first.
    let Step::Ask(questions) = unit.judge(rule, WriterFact::NotAsked, Beside::NOTHING, now, stamp(file))
    else {
        return None;
    };
    let signals = match unit.judge(rule, WriterFact::Gone, Beside::NOTHING, now, stamp(file)) {
        Step::Complete(signals) if questions.writer => signals,
        _ => return None,
    };
    let path = format!("d{:04}/f{file:08}.dat", file % 100).into_bytes();
    Some(Entry::Admit(Box::new(admission(&path, sample, signals, source, route))))
}

fn admission(path: &[u8], sample: Sample, signals: SignalSet, source: SourceId, route: RouteId) -> Admission {
    Admission {
        source,
        key: PathKey::of(path),
        path: path.into(),
        fate: Fate::Announce(route),
        kind: Kind::File,
        fingerprint: Fingerprint { size: sample.size, mtime: sample.mtime, inode: sample.inode },
        ctime: sample.ctime,
        mode: 0o100_644,
        rule: Arc::from("all"),
        signals,
        backend: "inotify",
        first_seen: sample.mtime,
        time: sample.mtime,
        waited_ms: 0,
        cause: Cause::Arrived,
        history: Vec::new(),
        members: None,
        moved: None,
    }
}

fn stamp(file: usize) -> Stamp {
    Stamp::new(1_800_000_000 + file as i64 / 1_000, (file % 1_000) as u32 * 1_000_000)
}
