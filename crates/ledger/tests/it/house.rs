//! Ledgers for tests, and what is put into them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::{
    Admission, Durability, Entry, Fate, Ledger, Moment, OpenError, OpenReport, Options, Report, RouteId,
    SinkId, SourceId,
};
use model::{
    Cause, EventId, Fingerprint, Identity, Kind, Members, Parcel, PathKey, Signal, SignalSet, Stamp,
};
use tempfile::TempDir;

/// A ledger and where it lives.
pub(crate) struct House {
    pub(crate) ledger: Ledger,
    pub(crate) source: SourceId,
    pub(crate) dir: Option<TempDir>,
}

pub(crate) fn options(dir: Option<&Path>) -> Options {
    Options {
        state_dir: dir.map(Into::into),
        site: "site".into(),
        durability: Durability::Process,
        owner: "a test".into(),
    }
}

pub(crate) fn open_at_once(dir: &Path) -> Result<(Ledger, OpenReport), OpenError> {
    Ledger::open(options(Some(dir)))
}

/// Opens what this process has closed. A child that another test is about to start holds a copy of
/// every descriptor, and so of the lock, until it runs its program.
pub(crate) fn open(dir: &Path) -> Result<(Ledger, OpenReport), OpenError> {
    open_with(&options(Some(dir)))
}

/// The same with other options.
pub(crate) fn open_with(options: &Options) -> Result<(Ledger, OpenReport), OpenError> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Ledger::open(options.clone()) {
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            opened => return opened,
        }
    }
}

impl House {
    pub(crate) fn durable() -> Self {
        Self::at(TempDir::new().unwrap())
    }

    pub(crate) fn volatile() -> Self {
        let (ledger, _) = Ledger::open(options(None)).unwrap();
        let source = ledger.register_source("source", b"/root").unwrap().id;
        Self { ledger, source, dir: None }
    }

    pub(crate) fn at(dir: TempDir) -> Self {
        let (ledger, report) = open(dir.path()).unwrap();
        assert_eq!(report.quarantined, None);
        let source = ledger.register_source("source", b"/root").unwrap().id;
        Self { ledger, source, dir: Some(dir) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.as_ref().unwrap().path()
    }

    /// Closes it and opens it again; one in memory stays as it is.
    pub(crate) fn reopen(mut self) -> Self {
        let Some(dir) = self.dir.take() else { return self };
        self.ledger.close().unwrap();
        Self::at(dir)
    }

    pub(crate) fn sink(&self, name: &str) -> SinkId {
        self.ledger.register_sink(name, "test").unwrap()
    }

    pub(crate) fn route(&self, sinks: &[SinkId]) -> RouteId {
        self.ledger.route(sinks).unwrap()
    }

    pub(crate) fn submit(&self, entries: impl IntoIterator<Item = Entry>) {
        self.ledger.submit(entries.into_iter().collect()).unwrap();
    }

    /// Announces one generation of each path to `route`, and waits for the commit.
    pub(crate) fn announce<P: AsRef<[u8]>>(&self, route: RouteId, paths: impl IntoIterator<Item = P>) -> u64 {
        let fate = Fate::Announce(route);
        self.submit(paths.into_iter().map(|path| admit(self.source, fate, path.as_ref(), 1)));
        self.ledger.flush().unwrap()
    }

    pub(crate) fn report(&self, sink: SinkId, report: Report) {
        self.ledger.report(sink, report).unwrap();
        self.ledger.flush().unwrap();
    }

    /// Everything for `sink` behind its cursor.
    pub(crate) fn backlog(&self, sink: SinkId) -> Vec<Parcel> {
        backlog(&self.ledger, sink)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A house that was reopened has no directory any more, and nothing to close.
        if self.dir.is_some() {
            let _ = self.ledger.close();
        }
    }
}

/// Everything for `sink` behind its cursor.
pub(crate) fn backlog(ledger: &Ledger, sink: SinkId) -> Vec<Parcel> {
    let mut after = ledger.cursor(sink).unwrap();
    let mut parcels = Vec::new();
    loop {
        let fetch = ledger.fetch(sink, after, 100).unwrap();
        parcels.extend(fetch.parcels);
        if fetch.scanned_to == after {
            return parcels;
        }
        after = fetch.scanned_to;
    }
}

/// What a consumer gets of events, and where they lie.
pub(crate) fn said(parcels: &[Parcel]) -> Vec<(u64, String, Vec<u8>)> {
    let said = |parcel: &Parcel| {
        let line = String::from_utf8(parcel.event.line(parcel.attempt)).unwrap();
        (parcel.seq, line, parcel.path.clone())
    };
    parcels.iter().map(said).collect()
}

pub(crate) fn at(sec: i64) -> Stamp {
    Stamp::new(1_800_000_000 + sec, 5)
}

pub(crate) fn print(mtime: i64) -> Fingerprint {
    Fingerprint { size: 10, mtime: at(mtime), inode: 7 }
}

pub(crate) fn admit(source: SourceId, fate: Fate, path: &[u8], mtime: i64) -> Entry {
    Entry::Admit(Box::new(admission(source, fate, path, mtime)))
}

pub(crate) fn admission(source: SourceId, fate: Fate, path: &[u8], mtime: i64) -> Admission {
    Admission {
        source,
        key: PathKey::of(path),
        path: path.into(),
        fate,
        kind: Kind::File,
        fingerprint: print(mtime),
        ctime: at(mtime + 1),
        mode: 0o100_644,
        rule: Arc::from("rule"),
        signals: SignalSet::EMPTY.with(Signal::Closed),
        backend: "inotify",
        first_seen: at(mtime),
        time: at(mtime + 2),
        waited_ms: 2_000,
        cause: Cause::Arrived,
        history: vec![Moment { time: at(mtime), what: "closed".into() }],
        members: None,
        moved: None,
    }
}

/// The same of another kind; a dataset has as many members as its time says.
pub(crate) fn admit_as(kind: Kind, source: SourceId, fate: Fate, path: &[u8], mtime: i64) -> Entry {
    let count = mtime.unsigned_abs();
    let listed = (0..count).map(|number| format!("m{number}").into_bytes().into()).collect();
    let members = (kind == Kind::Dataset).then(|| Arc::new(Members { count, listed, key: None }));
    Entry::Admit(Box::new(Admission { kind, members, ..admission(source, fate, path, mtime) }))
}

/// What lies at the path is gone; what the admission says of it does not count.
pub(crate) fn removed(source: SourceId, fate: Fate, path: &[u8]) -> Entry {
    let admission = Admission { rule: "removals".into(), time: at(60), ..admission(source, fate, path, 99) };
    Entry::Removed(Box::new(admission))
}

pub(crate) fn absent(source: SourceId, path: &[u8]) -> Entry {
    Entry::Absent { source, key: PathKey::of(path), path: path.into(), at: at(50) }
}

pub(crate) fn id(path: &[u8], mtime: i64, recurrence: u32) -> EventId {
    let (site, source) = ("site", "source");
    Identity { site, source, path, kind: Kind::File, fingerprint: print(mtime), recurrence }.id()
}

pub(crate) fn delivered(cursor: u64, number: u64) -> Report {
    Report { cursor: Some(cursor), delivered: number, at: at(100), ..Report::default() }
}

pub(crate) fn parked(seq: u64, attempts: u32) -> ledger::Parked {
    ledger::Parked { seq, attempts, next: at(200), error: "not now".into() }
}

pub(crate) fn dead(seq: u64) -> ledger::Dead {
    ledger::Dead { seq, attempts: 3, rejected: true, error: "never".into() }
}

pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A small generator of numbers that a seed repeats.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Says that the ledger was closed in order, as it lies there now: what a disk does to it leaves its times alone.
pub(crate) fn mark_clean(dir: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let meta = std::fs::metadata(dir.join("ledger.db")).unwrap();
    let mark = format!("{} {}.{}\n", meta.size(), meta.mtime(), meta.mtime_nsec());
    std::fs::write(dir.join("clean"), mark).unwrap();
}
