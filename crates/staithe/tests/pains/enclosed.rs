//! The daemon in namespaces of its own: with mounts or limits that nobody else sees.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use testkit::{Landing, Process, Scratch, wait_until};

use crate::STEP;

/// An installation whose daemon runs in namespaces of its own.
pub(crate) struct Enclosed {
    // Dropped in this order: the mounts go with the daemon, then their directories.
    daemon: Process,
    pub(crate) landing: Landing,
    namespaces: Vec<&'static str>,
}

/// A scratch installation with one source, `more` in its table, that delivers to a line file.
pub(crate) fn landing(label: &str, more: &str) -> Landing {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk(label));
    landing.configure(&format!(
        r#"
        [source.inbox]
        path = "{{in}}"
        {more}

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        complete = "local"
        to = ["lines"]

        [sink.lines]
        type = "jsonl"
        path = "{{out}}/events.jsonl"
        "#
    ));
    landing
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Enclosed {
    /// With mounts of its own, which `prepare` makes; nothing where that is not allowed.
    pub(crate) fn with_mounts(landing: Landing, prepare: &str) -> Option<Self> {
        // A user without privilege may mount in a user namespace.
        let unshare = if is_root() { vec!["-m"] } else { vec!["-U", "-r", "-m"] };
        Self::start(landing, unshare, prepare)
    }

    /// With limits of its own, which `prepare` sets; nothing where that is not allowed.
    pub(crate) fn with_limits(landing: Landing, prepare: &str) -> Option<Self> {
        Self::start(landing, vec!["-U", "-r"], prepare)
    }

    fn start(landing: Landing, unshare: Vec<&'static str>, prepare: &str) -> Option<Self> {
        let inner = landing.command();
        let program = inner.get_program().to_str().expect("a plain name");
        let config = landing.config();
        let script = format!("set -e; {prepare}\nexec {program} run -c {}", config.display());
        let mut command = Command::new("unshare");
        command.args(&unshare).args(["sh", "-c", &script]).current_dir(landing.out(""));
        command.env("STAITHE_STATE_DIR", landing.state_dir());
        let mut daemon = Process::spawn("enclosed", &landing.out(""), &mut command);
        let ready = |daemon: &Process| daemon.stderr().lines().any(|line| line.starts_with("ready"));
        wait_until(STEP, "a start or a refusal", || !daemon.is_running() || ready(&daemon));
        if !daemon.is_running() {
            println!("SKIPPED: no such namespaces, mounts or limits here: {}", daemon.stderr());
            return None;
        }
        Some(Self { daemon, landing, namespaces: unshare })
    }

    /// Runs a script where the daemon is.
    pub(crate) fn inside(&self, script: &str) {
        let mut command = Command::new("nsenter");
        command.arg("-t").arg(self.daemon.id().to_string());
        command.args(self.namespaces.iter().filter(|word| **word != "-r"));
        if self.namespaces.contains(&"-U") {
            command.arg("--preserve-credentials");
        }
        command.args(["sh", "-c", &format!("set -e; {script}")]);
        let done = Process::finish("inside", &self.landing.out(""), &mut command, STEP);
        assert_eq!(done.code, Some(0), "{script}: {}", done.stderr);
    }

    /// What was delivered so far: for each path the sizes, in order.
    pub(crate) fn delivered(&self) -> BTreeMap<String, Vec<u64>> {
        delivered(&self.landing)
    }

    /// Everything said so far.
    pub(crate) fn said(&self) -> String {
        self.daemon.stderr()
    }

    /// The part of `status` about the source.
    pub(crate) fn source(&self) -> Value {
        self.landing.status()["sources"][0].clone()
    }

    /// Waits until exactly these have been delivered, each so often.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, expected: &BTreeMap<String, Vec<u64>>) {
        let begun = std::time::Instant::now();
        while self.delivered() != *expected {
            let delivered = self.delivered();
            assert!(
                begun.elapsed() < STEP,
                "{what}: {} paths expected, {} delivered, wrong: {:?}\n{}\n{}",
                expected.len(),
                delivered.len(),
                expected
                    .iter()
                    .filter(|(path, sizes)| delivered.get(*path) != Some(*sizes))
                    .take(5)
                    .collect::<Vec<_>>(),
                self.source(),
                self.said()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until the source is in that state.
    #[track_caller]
    pub(crate) fn wait_for_state(&self, state: &str) {
        let begun = std::time::Instant::now();
        while self.source()["state"] != state {
            assert!(begun.elapsed() < STEP, "never {state}: {}\n{}", self.source(), self.said());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// What an installation has delivered so far.
pub(crate) fn delivered(landing: &Landing) -> BTreeMap<String, Vec<u64>> {
    let text = std::fs::read_to_string(landing.out("events.jsonl")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut delivered: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in whole.lines() {
        let event: Value = serde_json::from_str(line).expect("an event a line");
        let path = event["data"]["path"].as_str().expect("a path").to_owned();
        delivered.entry(path).or_default().push(event["data"]["size"].as_u64().expect("a size"));
    }
    delivered
}
