//! A ledger, a runtime and scripted sinks.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use config::{Format, QueueSink, SinkKind, SinkPlan};
use ledger::{Admission, Durability, Entry, Fate, Ledger, Options, RouteId, SinkId, SourceId};
use model::{Cause, EventId, Fingerprint, Kind, Parcel, PathKey, Signal, SignalSet, Stamp};
use sinks::{BoxFuture, Outcome, Sink, Trouble};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::{Backoff, Dispatch, Observer, SinkState, SinkStatus, Tempo};

pub(super) const SOON: Duration = Duration::from_secs(20);

/// Everything fast.
pub(super) fn allegro() -> Tempo {
    let ms = Duration::from_millis;
    let backoff = Backoff { floor: ms(1), base: ms(4), cap: ms(20) };
    Tempo {
        event: backoff,
        down: backoff,
        misconfigured: (ms(20), ms(40)),
        ledger: ms(20),
        slow: ms(10),
        grace: Duration::from_secs(3),
    }
}

pub(super) type Answer = Result<Vec<Outcome>, Trouble>;
type Script = Box<dyn FnMut(&[Parcel]) -> Answer + Send>;

/// What a scripted sink saw, and what it is to answer.
pub(super) struct Stage {
    script: Script,
    /// Every event that was offered, with its attempt, in order.
    pub(super) offered: Vec<(u64, u32)>,
    /// Every event that was taken, in order.
    pub(super) taken: Vec<Taken>,
    pub(super) calls: usize,
    pub(super) pings: usize,
    pub(super) reopens: usize,
    pub(super) closes: usize,
    /// What it keeps running does not end.
    pub(super) clings: bool,
    pub(super) largest: usize,
    pub(super) backlog: Result<Option<u64>, Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) seq: u64,
    pub(super) path: String,
    pub(super) id: EventId,
}

/// The test's end of a scripted sink.
#[derive(Clone)]
pub(super) struct Actor {
    stage: Arc<Mutex<Stage>>,
    /// While it is false, a call does not return.
    open: watch::Sender<bool>,
    limit: usize,
    whole: bool,
}

struct Played(Actor);

#[expect(clippy::unnecessary_wraps, reason = "it is a script")]
pub(super) fn deliver(batch: &[Parcel]) -> Answer {
    Ok(vec![Outcome::Delivered; batch.len()])
}

pub(super) fn down(_: &[Parcel]) -> Answer {
    Err(Trouble::Down("down".into()))
}

impl Actor {
    pub(super) fn new(script: impl FnMut(&[Parcel]) -> Answer + Send + 'static) -> Self {
        let stage = Stage {
            script: Box::new(script),
            offered: Vec::new(),
            taken: Vec::new(),
            calls: 0,
            pings: 0,
            reopens: 0,
            closes: 0,
            clings: false,
            largest: 0,
            backlog: Ok(Some(0)),
        };
        Self { stage: Arc::new(Mutex::new(stage)), open: watch::channel(true).0, limit: 10, whole: false }
    }

    pub(super) fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    pub(super) fn play(&self, script: impl FnMut(&[Parcel]) -> Answer + Send + 'static) {
        self.stage().script = Box::new(script);
    }

    /// Calls hang (after the script ran) until [`Actor::release`].
    pub(super) fn hang(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn release(&self) {
        self.open.send_replace(true);
    }

    pub(super) fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap()
    }

    pub(super) fn sink(&self) -> Box<dyn Sink> {
        Box::new(Played(self.clone()))
    }

    pub(super) fn taken(&self) -> usize {
        self.stage().taken.len()
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.stage().taken.iter().map(|taken| taken.path.clone()).collect()
    }

    pub(super) fn seqs(&self) -> Vec<u64> {
        self.stage().taken.iter().map(|taken| taken.seq).collect()
    }
}

impl Sink for Played {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let answer = {
                let mut stage = self.0.stage();
                stage.calls += 1;
                stage.largest = stage.largest.max(batch.len());
                stage.offered.extend(batch.iter().map(|parcel| (parcel.seq, parcel.attempt)));
                let answer = (stage.script)(batch);
                if let Ok(outcomes) = &answer {
                    let pairs = batch.iter().zip(outcomes);
                    let taken = pairs.filter(|(_, outcome)| **outcome == Outcome::Delivered);
                    stage.taken.extend(taken.map(|(parcel, _)| Taken {
                        seq: parcel.seq,
                        path: String::from_utf8(parcel.path.clone()).unwrap(),
                        id: parcel.event.id,
                    }));
                }
                answer
            };
            self.0.open.subscribe().wait_for(|open| *open).await.unwrap();
            answer
        })
    }

    fn batch_limit(&self) -> usize {
        self.0.limit
    }

    fn takes_whole_batches(&self) -> bool {
        self.0.whole
    }

    fn reopen(&mut self) {
        self.0.stage().reopens += 1;
    }

    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        assert!(!within.is_zero(), "it has time");
        let mut stage = self.0.stage();
        stage.closes += 1;
        if stage.clings { Box::pin(std::future::pending()) } else { Box::pin(async {}) }
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        self.0.stage().pings += 1;
        Box::pin(async { Ok(()) })
    }

    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        let answer = self.0.stage().backlog.clone();
        Box::pin(async { answer })
    }
}

/// Everything that an observer is told.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) delivered: Vec<u64>,
    pub(super) troubles: Vec<(Trouble, Duration)>,
    pub(super) recovered: usize,
    pub(super) dead: Vec<(u64, String)>,
}

#[derive(Default)]
pub(super) struct Notebook(Mutex<Notes>);

impl Notebook {
    pub(super) fn read(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap()
    }
}

impl Observer for Notebook {
    fn delivered(&self, _: &str, parcels: &[Parcel]) {
        self.read().delivered.extend(parcels.iter().map(|parcel| parcel.seq));
    }

    fn trouble(&self, _: &str, trouble: &Trouble, retry_in: Duration) {
        self.read().troubles.push((trouble.clone(), retry_in));
    }

    fn recovered(&self, _: &str) {
        self.read().recovered += 1;
    }

    fn dead(&self, _: &str, parcel: &Parcel, error: &str) {
        self.read().dead.push((parcel.seq, error.to_owned()));
    }
}

/// A ledger with sinks on it.
pub(super) struct House {
    pub(super) dispatch: Dispatch,
    pub(super) ledger: Ledger,
    pub(super) notes: Arc<Notebook>,
    pub(super) sinks: Vec<SinkId>,
    pub(super) source: SourceId,
    route: RouteId,
    // Last: tasks end before their runtime does.
    _runtime: Runtime,
}

pub(super) fn plan(name: &str, max_attempts: u32) -> SinkPlan {
    SinkPlan {
        name: name.into(),
        // The kind does not matter: the sink is given.
        kind: SinkKind::Queue(QueueSink { retain: SOON }),
        format: Format::CloudEvents,
        max_attempts,
        timeout: SOON,
    }
}

impl House {
    /// In memory, for one sink.
    pub(super) fn of(actor: &Actor, max_attempts: u32) -> Self {
        Self::build(None, &[actor], max_attempts)
    }

    /// With all events going to all sinks.
    pub(super) fn build(state_dir: Option<PathBuf>, actors: &[&Actor], max_attempts: u32) -> Self {
        let options = Options {
            state_dir,
            site: "site".into(),
            durability: Durability::Process,
            owner: "a test".into(),
        };
        let (ledger, _) = Ledger::open(options).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let source = ledger.register_source("source", b"/root").unwrap().id;
        let names: Vec<String> = (0..actors.len()).map(|number| format!("sink{number}")).collect();
        let sinks: Vec<SinkId> =
            names.iter().map(|name| ledger.register_sink(name, "test").unwrap()).collect();
        let route = ledger.route(&sinks).unwrap();
        let notes = Arc::new(Notebook::default());
        let built = sinks
            .iter()
            .zip(actors)
            .zip(&names)
            .map(|((id, actor), name)| (*id, plan(name, max_attempts), actor.sink()))
            .collect();
        let observer = Arc::clone(&notes) as Arc<dyn Observer>;
        let dispatch = Dispatch::start_at(allegro(), runtime.handle(), ledger.clone(), built, observer);
        Self { dispatch, ledger, notes, sinks, source, route, _runtime: runtime }
    }

    /// Admits one generation of each path, in this order, in one batch.
    pub(super) fn admit<P: AsRef<str>>(&self, paths: impl IntoIterator<Item = P>) {
        let entry = |path: P| Entry::Admit(Box::new(self.admission(path.as_ref().as_bytes())));
        self.ledger.submit(paths.into_iter().map(entry).collect()).unwrap();
    }

    /// One path of any bytes.
    pub(super) fn admit_bytes(&self, path: &[u8]) {
        self.ledger.submit(vec![Entry::Admit(Box::new(self.admission(path)))]).unwrap();
    }

    fn admission(&self, path: &[u8]) -> Admission {
        let time = Stamp::new(1_800_000_000, 0);
        Admission {
            source: self.source,
            key: PathKey::of(path),
            path: path.into(),
            fate: Fate::Announce(self.route),
            kind: Kind::File,
            fingerprint: Fingerprint { size: 1, mtime: time, inode: 1 },
            ctime: time,
            mode: 0o100_644,
            rule: "rule".into(),
            signals: SignalSet::EMPTY.with(Signal::Closed),
            backend: "inotify",
            first_seen: time,
            time,
            waited_ms: 0,
            cause: Cause::Arrived,
            history: Vec::new(),
            members: None,
            moved: None,
        }
    }

    pub(super) fn status(&self) -> SinkStatus {
        self.dispatch.status(self.sinks[0])
    }

    #[track_caller]
    pub(super) fn wait_for_state(&self, state: SinkState) -> SinkStatus {
        wait("the sink's state", || self.status().state == state);
        self.status()
    }

    /// Waits until all that was admitted is settled.
    pub(super) fn drain(&self, patience: Duration) -> bool {
        self.ledger.flush().unwrap();
        self.dispatch.drain(patience)
    }

    /// Ends everything in order and gives the ledger up.
    pub(super) fn close(self) {
        self.dispatch.stop(Duration::from_secs(3));
        self.ledger.close().unwrap();
    }
}

/// Numbered paths.
pub(super) fn paths(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("f{number}")).collect()
}

#[track_caller]
pub(super) fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < SOON, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
