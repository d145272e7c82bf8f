//! An engine on a scratch directory, with a sink that keeps what it gets.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use config::{
    Announce, Backend, Durability, Format, IdentityRule, Initial, Plan, SinkKind, SinkPlan, SourcePlan,
};
use engine::engine::Setup;
use engine::{Engine, Notice, Observer};
use model::Parcel;
use serde_json::Value;
use settle::{Completion, Pattern, Rule, Rules, temp_names};
use sinks::{BoxFuture, Outcome, Sink, Trouble};

/// How long anything may take.
pub(crate) const STEP: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    /// Nothing while it is down.
    engine: Option<Arc<Engine>>,
    received: Arc<Mutex<Vec<Value>>>,
    peer: Arc<Mutex<Peer>>,
    notices: Arc<Listener>,
    root: PathBuf,
    plan: Plan,
    /// Where it remembers; nothing: in memory.
    state: Option<PathBuf>,
    _dir: tempfile::TempDir,
}

/// Keeps what the engine had to say.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Observer for Listener {
    fn notice(&self, notice: &Notice<'_>) {
        self.0.lock().unwrap().push(notice.text());
    }
}

impl dispatch::Observer for Listener {}

/// Whether it came to be in time.
pub(crate) fn within(mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + STEP;
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// What the sink's peer does.
#[derive(Default)]
pub(crate) struct Peer {
    /// It takes nothing.
    pub(crate) down: bool,
    /// It refuses events of this path for good.
    pub(crate) refused: Option<&'static str>,
    /// It refuses events of this path for now, each time.
    pub(crate) put_off: Option<&'static str>,
    /// The length of its queue, if it has one.
    pub(crate) length: Option<u64>,
    /// How often it was asked for that.
    pub(crate) asked: u32,
    /// It does not say until this is false.
    pub(crate) thinks: bool,
}

struct Keep(Arc<Mutex<Vec<Value>>>, Arc<Mutex<Peer>>);

impl Sink for Keep {
    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        self.1.lock().unwrap().asked += 1;
        within(|| !self.1.lock().unwrap().thinks);
        Box::pin(std::future::ready(Ok(self.1.lock().unwrap().length)))
    }

    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        let peer = self.1.lock().unwrap();
        if peer.down {
            return Box::pin(std::future::ready(Err(Trouble::Down("down".into()))));
        }
        if let Some(refused) = peer.refused
            && batch[0].path[..] == *refused.as_bytes()
        {
            return Box::pin(std::future::ready(Ok(vec![Outcome::Rejected("no".into())])));
        }
        if let Some(put_off) = peer.put_off
            && batch[0].path[..] == *put_off.as_bytes()
        {
            return Box::pin(std::future::ready(Ok(vec![Outcome::Retry(
                "rejected, but only for now".into(),
            )])));
        }
        let batch = if peer.refused.is_some() || peer.put_off.is_some() { &batch[..1] } else { batch };
        let mut kept = self.0.lock().unwrap();
        for parcel in batch {
            kept.push(serde_json::from_slice(&parcel.event.line(parcel.attempt)).unwrap());
        }
        Box::pin(std::future::ready(Ok(vec![Outcome::Delivered; batch.len()])))
    }
}

impl Rig {
    /// On an empty directory.
    pub(crate) fn start(change: impl FnOnce(&mut Plan)) -> Self {
        Self::prepared(|_| {}, change)
    }

    /// On an empty directory, and everything known is forgotten at the end.
    pub(crate) fn in_memory(change: impl FnOnce(&mut Plan)) -> Self {
        Self::new(|_| {}, change, false)
    }

    /// On a directory that `prepare` has filled.
    pub(crate) fn prepared(prepare: impl FnOnce(&Path), change: impl FnOnce(&mut Plan)) -> Self {
        Self::new(prepare, change, true)
    }

    fn new(prepare: impl FnOnce(&Path), change: impl FnOnce(&mut Plan), remembers: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("in");
        std::fs::create_dir(&root).unwrap();
        prepare(&root);
        let mut plan = plan(&root);
        change(&mut plan);
        let (received, peer, notices) = (Arc::default(), Arc::default(), Arc::default());
        let state = remembers.then(|| dir.path().join("state"));
        let mut rig = Self { engine: None, received, peer, notices, root, plan, state, _dir: dir };
        rig.up();
        rig
    }

    /// Starts the engine, or starts it again on the same state.
    pub(crate) fn up(&mut self) {
        let (engine, _) = Engine::start(Setup {
            plan: self.plan.clone(),
            state_dir: self.state.clone(),
            owner: "test".into(),
            observer: Arc::clone(&self.notices) as Arc<dyn Observer>,
            given: vec![("out".into(), Box::new(Keep(Arc::clone(&self.received), Arc::clone(&self.peer))))],
        })
        .unwrap();
        self.engine = Some(engine);
        self.until("ready", || self.engine().is_ready());
    }

    /// Stops the engine as on SIGTERM.
    pub(crate) fn down(&mut self) {
        self.engine().stop(STEP).unwrap();
        self.engine = None;
    }

    pub(crate) fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    #[track_caller]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().unwrap()
    }

    /// The sink's peer.
    pub(crate) fn peer(&self) -> MutexGuard<'_, Peer> {
        self.peer.lock().unwrap()
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Everything that the engine had to say so far.
    pub(crate) fn said(&self) -> Vec<String> {
        self.notices.0.lock().unwrap().clone()
    }

    /// Every unit that is listed, as `ls` would.
    pub(crate) fn units(&self) -> Vec<Value> {
        let mut units = Vec::new();
        let mut keep = |unit: &Value| {
            units.push(unit.clone());
            true
        };
        self.engine().units(None, &mut keep).unwrap();
        units
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn until(&self, what: &str, done: impl FnMut() -> bool) {
        assert!(within(done), "not in time: {what}; received {:?}", self.received.lock().unwrap());
    }

    /// How many events were received.
    pub(crate) fn received(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// All events received.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.received.lock().unwrap().clone()
    }

    /// The events received for a path.
    pub(crate) fn events(&self, path: &str) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|event| event["data"]["path"] == path).cloned().collect()
    }

    /// Waits until the path has been announced so often.
    pub(crate) fn wait(&self, path: &str, times: usize) -> Vec<Value> {
        self.until(&format!("{times} × {path}"), || self.events(path).len() >= times);
        self.events(path)
    }

    /// Waits for the first announcement of a path.
    pub(crate) fn one(&self, path: &str) -> Value {
        self.wait(path, 1).remove(0)
    }

    /// Waits until everything that happened before has been looked at: a file made now is announced
    /// after it.
    pub(crate) fn barrier(&self) {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        for _ in 0..2 {
            let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
            let name = format!("barrier{number}");
            std::fs::write(self.path(&name), b"x").unwrap();
            self.one(&name);
        }
    }

    pub(crate) fn rescan(&self) {
        self.rescan_only();
        self.barrier();
    }

    /// Compares everything; for sources that hear nothing, where a barrier cannot be made.
    pub(crate) fn rescan_only(&self) {
        assert!(self.engine().rescan(None, STEP));
    }

    /// Runs the plan of the start with a change.
    pub(crate) fn reload(&self, change: impl FnOnce(&mut Plan)) {
        let mut plan = self.plan.clone();
        change(&mut plan);
        self.engine().reload(&plan).unwrap();
    }

    pub(crate) fn status(&self) -> Value {
        self.engine().status().unwrap()
    }

    pub(crate) fn explain(&self, path: impl AsRef<Path>) -> Value {
        match self.engine().explain(&self.root.join(path)).unwrap() {
            engine::explain::Explained::Found(value) | engine::explain::Explained::NeverSeen(value) => value,
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            let _ = engine.stop(Duration::from_secs(1));
        }
    }
}

fn plan(root: &Path) -> Plan {
    let rule = Rule {
        name: "all".into(),
        include: vec![Pattern::parse("*").unwrap()],
        exclude: Vec::new(),
        completion: Completion::local(),
        to: vec!["out".into()],
        shape: settle::Shape::default(),
    };
    Plan {
        site: "test".into(),
        durability: Durability::Process,
        watch_config: false,
        plugin_dir: None,
        sources: vec![SourcePlan {
            name: "in".into(),
            path: root.to_owned(),
            recursive: true,
            backend: Backend::Auto,
            poll_interval: Duration::from_secs(1),
            poll_full: None,
            canary: false,
            rescan: None,
            initial: Initial::Deliver,
            follow_symlinks: false,
            identity: IdentityRule::Auto,
            announce: Announce::Generations,
            reannounce: None,
            gap_events: false,
            streams: Vec::new(),
            rules: Rules { rules: vec![rule], temp_names: temp_names::default_patterns() },
        }],
        sinks: vec![SinkPlan {
            name: "out".into(),
            kind: SinkKind::Stdout,
            format: Format::CloudEvents,
            max_attempts: 0,
            timeout: Duration::from_secs(10),
        }],
    }
}
