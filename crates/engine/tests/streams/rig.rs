//! An engine whose sources tell what happens to sinks that write lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use config::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, JsonlSink, Plan, SinkKind, SinkPlan,
    SourcePlan, StreamPlan,
};
use engine::engine::Setup;
use engine::{Engine, Notice, Observer};
use model::{Happening, HappeningSet, Parcel};
use serde_json::Value;
use settle::{Pattern, Rules};
use sinks::{BoxFuture, Outcome, Sink, Trouble};

/// How long anything may take.
pub(crate) const STEP: Duration = Duration::from_secs(30);

/// One line: what happened, and where below the root.
pub(crate) type Line = (String, String);

/// The happenings that change a tree.
pub(crate) const CHANGES: [Happening; 5] =
    [Happening::Create, Happening::MovedFrom, Happening::MovedTo, Happening::Delete, Happening::DeleteSelf];

pub(crate) struct Rig {
    engine: Option<Arc<Engine>>,
    pub(crate) plan: Plan,
    notices: Arc<Listener>,
    slow: Arc<Mutex<Slow>>,
    dir: tempfile::TempDir,
}

/// Keeps what is said; panics once when what it dreads is said.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>, Mutex<Option<String>>);

impl Observer for Listener {
    fn notice(&self, notice: &Notice<'_>) {
        let text = notice.text();
        self.0.lock().unwrap().push(text.clone());
        let dreaded = self.1.lock().unwrap().take_if(|dreaded| text.contains(&**dreaded));
        assert!(dreaded.is_none(), "a fault that the test wants");
    }
}

impl dispatch::Observer for Listener {}

/// What the sink named `slow` got, and how it takes things.
#[derive(Default)]
pub(crate) struct Slow {
    pub(crate) taken: Vec<Value>,
    /// It takes nothing until this is false.
    pub(crate) stalls: bool,
    /// A moment for each call.
    pub(crate) pause: Duration,
    pub(crate) reopened: u32,
}

struct SlowSink(Arc<Mutex<Slow>>);

impl Sink for SlowSink {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async move {
            let pause = self.0.lock().unwrap().pause;
            tokio::time::sleep(pause).await;
            while self.0.lock().unwrap().stalls {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let mut slow = self.0.lock().unwrap();
            for parcel in batch {
                slow.taken.push(serde_json::from_slice(&parcel.event.line(parcel.attempt)).unwrap());
            }
            Ok(vec![Outcome::Delivered; batch.len()])
        })
    }

    fn batch_limit(&self) -> usize {
        64
    }

    fn takes_whole_batches(&self) -> bool {
        true
    }

    fn reopen(&mut self) {
        self.0.lock().unwrap().reopened += 1;
    }
}

pub(crate) fn set(what: &[Happening]) -> HappeningSet {
    what.iter().fold(HappeningSet::EMPTY, |set, what| set.with(*what))
}

pub(crate) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
}

/// A wish for everything in a tree that changes it.
pub(crate) fn wish(to: &[&str]) -> StreamPlan {
    StreamPlan {
        rule: "all".into(),
        what: set(&CHANGES),
        include: patterns(&["*"]),
        exclude: Vec::new(),
        to: to.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// A source that only tells.
pub(crate) fn source(name: &str, path: &Path, streams: Vec<StreamPlan>) -> SourcePlan {
    SourcePlan {
        name: name.into(),
        path: path.to_owned(),
        recursive: true,
        backend: Backend::Auto,
        poll_interval: Duration::from_millis(200),
        poll_full: None,
        canary: false,
        rescan: None,
        initial: Initial::Deliver,
        follow_symlinks: false,
        identity: IdentityRule::Auto,
        announce: Announce::Generations,
        reannounce: None,
        gap_events: false,
        streams,
        rules: Rules { rules: Vec::new(), temp_names: Vec::new() },
    }
}

pub(crate) fn within(time: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + time;
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

impl Rig {
    /// With the sinks `log`, `other` and `slow`, and what `sources` makes of a scratch directory.
    pub(crate) fn start(sources: impl FnOnce(&Path) -> Vec<SourcePlan>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let sinks = ["log", "other", "slow"].map(|name| line_sink(name, &root)).to_vec();
        let plan = Plan {
            site: "test".into(),
            durability: Durability::Process,
            watch_config: false,
            plugin_dir: None,
            sources: sources(&root),
            sinks,
        };
        let mut rig = Self { engine: None, plan, notices: Arc::default(), slow: Arc::default(), dir };
        rig.up();
        rig
    }

    /// One source named `w` that tells `log` of changes in the directory `w`.
    pub(crate) fn one() -> Self {
        Self::start(|dir| {
            std::fs::create_dir(dir.join("w")).unwrap();
            vec![source("w", &dir.join("w"), vec![wish(&["log"])])]
        })
    }

    /// Starts the engine, or starts it again on the same state.
    pub(crate) fn up(&mut self) {
        let (engine, _) = Engine::start(Setup {
            plan: self.plan.clone(),
            state_dir: Some(self.dir.path().join("state")),
            owner: "test".into(),
            observer: Arc::clone(&self.notices) as Arc<dyn Observer>,
            given: vec![("slow".into(), Box::new(SlowSink(Arc::clone(&self.slow))))],
        })
        .unwrap();
        self.engine = Some(engine);
        self.until("ready", || self.engine().is_ready());
    }

    /// Stops the engine as on SIGTERM.
    pub(crate) fn down(&mut self, grace: Duration) {
        self.engine().stop(grace).unwrap();
        self.engine = None;
    }

    #[track_caller]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().unwrap()
    }

    pub(crate) fn slow(&self) -> std::sync::MutexGuard<'_, Slow> {
        // A test that has failed with it in hand still ends in order.
        self.slow.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The scratch directory, as the kernel knows it.
    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Adds a sink of lines to the plan.
    pub(crate) fn add_sink(&mut self, name: &str) {
        let sink = line_sink(name, &self.dir());
        self.plan.sinks.push(sink);
    }

    /// Takes over what was changed in the plan.
    pub(crate) fn reload(&self) {
        self.engine().reload(&self.plan).unwrap();
    }

    /// The thread that says so next panics.
    pub(crate) fn dread(&self, text: &str) {
        *self.notices.1.lock().unwrap() = Some(text.to_owned());
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.notices.0.lock().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, done: impl FnMut() -> bool) {
        assert!(
            within(STEP, done),
            "not in time: {what}; log {:?}; said {:?}",
            self.lines("log"),
            self.said()
        );
    }

    /// Every event that a sink of lines got.
    pub(crate) fn events(&self, sink: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(lines_of(sink, &self.dir())).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The same of one source.
    pub(crate) fn events_of(&self, sink: &str, source: &str) -> Vec<Value> {
        let suffix = format!(":{source}");
        let of = |event: &Value| event["source"].as_str().unwrap().ends_with(&suffix);
        self.events(sink).into_iter().filter(of).collect()
    }

    /// In short.
    pub(crate) fn lines(&self, sink: &str) -> Vec<Line> {
        self.events(sink).iter().map(line).collect()
    }

    /// Waits until a source has told of what was done before: of a file made now it tells last.
    pub(crate) fn barrier(&self, sink: &str, dir: &Path) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        let name = format!("barrier{number}");
        std::fs::File::create(dir.join(&name)).unwrap();
        self.until("the barrier", || self.lines(sink).iter().any(|(_, path)| *path == name));
        std::fs::remove_file(dir.join(&name)).unwrap();
        let gone = ("delete".to_owned(), name);
        self.until("the barrier's end", || self.lines(sink).contains(&gone));
    }

    pub(crate) fn stream(&self, source: &str) -> Value {
        self.source(source)["stream"].clone()
    }

    /// What `status` says of a source.
    pub(crate) fn source(&self, name: &str) -> Value {
        let status = self.engine().status().unwrap();
        let sources = status["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|source| source["name"] == name).unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.slow().stalls = false;
        if let Some(engine) = self.engine.take() {
            let _ = engine.stop(Duration::from_secs(1));
        }
    }
}

fn lines_of(sink: &str, dir: &Path) -> PathBuf {
    dir.join(format!("{sink}.jsonl"))
}

fn line_sink(name: &str, dir: &Path) -> SinkPlan {
    SinkPlan {
        name: name.into(),
        kind: SinkKind::Jsonl(JsonlSink { path: lines_of(name, dir) }),
        format: Format::CloudEvents,
        max_attempts: 0,
        timeout: Duration::from_secs(10),
    }
}

/// What an event says, in short.
pub(crate) fn line(event: &Value) -> Line {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&event["data"]["event"]["what"]), text(&event["data"]["path"]))
}

pub(crate) fn line_of(what: &str, path: &str) -> Line {
    (what.to_owned(), path.to_owned())
}

/// Without what barriers leave.
pub(crate) fn without_barriers(lines: Vec<Line>) -> Vec<Line> {
    lines.into_iter().filter(|(_, path)| !path.starts_with("barrier")).collect()
}

/// Both paths of each rename that was put together.
pub(crate) fn pairs(events: &[Value]) -> Vec<(String, String)> {
    let moved = events.iter().map(|event| &event["data"]["event"]["moved"]).filter(|moved| moved.is_object());
    moved
        .map(|moved| (moved["from"].as_str().unwrap().into(), moved["to"].as_str().unwrap().into()))
        .collect()
}

/// How often each path was told with that word.
pub(crate) fn counts(lines: &[Line], what: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for (_, path) in lines.iter().filter(|(word, _)| word == what) {
        *counts.entry(path.clone()).or_insert(0) += 1;
    }
    counts
}
