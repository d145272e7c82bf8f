//! A sink with a plugin written for the test, and what is known of both.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use config::{PluginManifest, PluginSink};
use model::{Cause, Detail, Event, Fingerprint, Happening, Identity, Kind, Moved, Parcel, SignalSet, Stamp};
use serde_json::Value;
use sinks::{Hands, Outcome, Plugin, Sink, Trouble};
use tempfile::TempDir;
use testkit::{wait_for, wait_until};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What every plugin of these tests begins with. `log` is a file that the test reads.
const PRELUDE: &str = r#"
import json, os, signal, subprocess, sys, time
log = open(os.environ["LOG"], "a", buffering=1)
def say(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
def hear():
    line = sys.stdin.readline()
    if not line:
        log.write("end of input\n")
        sys.exit(0)
    return json.loads(line)
def hello(**more):
    assert hear()["type"] == "hello"
    say(type="hello", protocol=1, name="actor", version="0", **more)
def events():
    while True:
        message = hear()
        if message["type"] == "event":
            yield message
def keep(message):
    log.write(json.dumps(message) + "\n")
"#;

/// Everything around one sink.
pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) plan: PluginSink,
    pub(crate) timeout: Duration,
    pub(crate) remarks: Arc<Mutex<Vec<String>>>,
}

impl Rig {
    /// A plugin in Python with this body.
    pub(crate) fn python(body: &str) -> Self {
        let rig = Self::command("python3", &["-u", "actor.py"]);
        rig.rewrite(body);
        rig
    }

    /// Any program.
    pub(crate) fn command(command: impl Into<PathBuf>, args: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let manifest = PluginManifest {
            command: command.into(),
            args: args.iter().map(ToString::to_string).collect(),
            env: vec![("LOG".into(), dir.path().join("log").to_str().unwrap().into())],
            directory: dir.path().to_owned(),
            memory: None,
            hello_within: PATIENCE,
            ack_within: PATIENCE,
            window: 256,
            line_limit: 1 << 20,
            version: 1,
        };
        let plan = PluginSink {
            plugin: "actor".into(),
            manifest: Ok(manifest),
            options: "{}".into(),
            arrivals: true,
        };
        Self { dir, plan, timeout: Duration::from_secs(10), remarks: Arc::default() }
    }

    /// Another body for the next start.
    pub(crate) fn rewrite(&self, body: &str) {
        fs::write(self.dir.path().join("actor.py"), format!("{PRELUDE}{body}")).unwrap();
    }

    pub(crate) fn manifest(&mut self) -> &mut PluginManifest {
        self.plan.manifest.as_mut().unwrap()
    }

    pub(crate) fn env(&mut self, name: &str, value: impl AsRef<Path>) {
        let value = value.as_ref().to_str().unwrap().to_owned();
        self.manifest().env.push((name.into(), value));
    }

    pub(crate) fn hands(&self) -> Hands {
        let remarks = Arc::clone(&self.remarks);
        Hands {
            remark: Arc::new(move |text| remarks.lock().unwrap().push(text.to_owned())),
            ..Hands::in_memory()
        }
    }

    pub(crate) fn sink(&self) -> Plugin {
        Plugin::new(self.plan.clone(), self.timeout, self.hands())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The lines of the plugin's log.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The messages in the plugin's log.
    pub(crate) fn kept(&self) -> Vec<Value> {
        let lines = self.log();
        lines
            .iter()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The paths in the plugin's log, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.kept().iter().filter_map(|event| Some(event.get("path")?.as_str()?.to_owned())).collect()
    }

    pub(crate) fn wait_for_lines(&self, count: usize) {
        wait_until(PATIENCE, "lines in the plugin's log", || self.log().len() >= count);
    }

    /// The number that stands in a file, once it is there.
    pub(crate) fn pid_in(&self, name: &str) -> u32 {
        wait_for(PATIENCE, "a process number", || {
            fs::read_to_string(self.path(name)).ok()?.strip_suffix('\n')?.parse().ok()
        })
    }

    pub(crate) fn remarks(&self) -> Vec<String> {
        self.remarks.lock().unwrap().clone()
    }
}

/// Waits for what the sink's own tasks bring about; they must run meanwhile.
pub(crate) async fn come_true(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain for {what}");
}

/// Whether a process runs; one that has ended and was not collected does not.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

pub(crate) fn wait_for_end(pid: u32) {
    wait_until(PATIENCE, "the end of a process", || !runs(pid));
}

/// An event of a stream.
pub(crate) fn happening(seq: u64, what: Happening, path: &[u8]) -> Parcel {
    detailed(seq, what, path, Detail::default(), None)
}

pub(crate) fn detailed(
    seq: u64,
    what: Happening,
    path: &[u8],
    detail: Detail,
    moved: Option<&Moved>,
) -> Parcel {
    parcel(seq, path, Kind::Happening(what), detail.pack(), moved)
}

/// A file that arrived complete.
pub(crate) fn arrival(seq: u64, path: &[u8]) -> Parcel {
    parcel(seq, path, Kind::File, 1234, None)
}

/// As many events on paths of their own, from this number on.
pub(crate) fn creates(first: u64, count: u64) -> Vec<Parcel> {
    (first..first + count)
        .map(|seq| happening(seq, Happening::Create, format!("f{seq}").as_bytes()))
        .collect()
}

pub(crate) fn names(first: u64, count: u64) -> Vec<String> {
    (first..first + count).map(|seq| format!("f{seq}")).collect()
}

pub(crate) fn parcel(seq: u64, path: &[u8], kind: Kind, size: u64, moved: Option<&Moved>) -> Parcel {
    let time = Stamp::new(1_795_226_344, 123_456_789);
    let fingerprint = Fingerprint { size, mtime: time, inode: 1311 };
    let event = Event {
        identity: Identity { site: "obs1", source: "w1", path, kind, fingerprint, recurrence: seq as u32 },
        root: b"/data/w1",
        time,
        generation: 1,
        supersedes: None,
        mode: 0o100_644,
        rule: "all",
        signals: SignalSet::EMPTY,
        waited_ms: 3,
        backend: "inotify",
        cause: Cause::Arrived,
        members: None,
        moved,
    };
    Parcel {
        seq,
        attempt: 1,
        event: event.freeze(),
        source: "w1".into(),
        root: b"/data/w1".as_slice().into(),
        path: path.to_vec(),
        cause: Cause::Arrived,
        admitted: time,
        kind,
        size,
        mtime: time,
        generation: 1,
    }
}

/// Offers until all is taken, as a lane does; each call must take something.
pub(crate) async fn deliver_all(sink: &mut Plugin, batch: &[Parcel]) {
    let mut rest = batch;
    while !rest.is_empty() {
        let offered = &rest[..rest.len().min(sink.batch_limit())];
        let outcomes = sink.deliver(offered).await.unwrap();
        assert!(
            !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Delivered),
            "{outcomes:?}"
        );
        rest = &rest[outcomes.len()..];
    }
}

/// The sentence of trouble that time heals.
pub(crate) fn down<T: std::fmt::Debug>(result: Result<T, Trouble>) -> String {
    match result {
        Err(Trouble::Down(text)) => text,
        other => panic!("no trouble that time heals: {other:?}"),
    }
}

/// The sentence of trouble that a person heals.
pub(crate) fn misconfigured<T: std::fmt::Debug>(result: Result<T, Trouble>) -> String {
    match result {
        Err(Trouble::Misconfigured(text)) => text,
        other => panic!("no trouble that a person heals: {other:?}"),
    }
}

/// Where the repository is.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Copies a program of the repository to where a plugin lies.
pub(crate) fn install(from: &str, to: &Path) {
    let from = repository().join(from);
    fs::copy(&from, to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
}
