//! A watched directory, the double of the services, the drop-in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::dlm::Dlm;
use testkit::{Process, Scratch, wait_until, wait_until_old};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_staithe");
/// Longer than anything takes that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) dlm: Dlm,
    pub(crate) scratch: Scratch,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self { dlm: Dlm::with_usual_state(), scratch: Scratch::on_disk("dlm-start") };
        for folder in ["home", "state", "logs"] {
            let _made = stage.scratch.folder(folder);
        }
        stage
    }

    pub(crate) fn watched(&self) -> PathBuf {
        self.scratch.path().join("w")
    }

    pub(crate) fn ready_file(&self) -> PathBuf {
        self.scratch.path().join("ready")
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready_file().exists()
    }

    /// The drop-in with what every start needs, and nothing of this machine.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = bare(self.scratch.path());
        command.arg("-d").arg(self.watched()).args(["-s", "dir-watcher", "--watcher-hostname", "here"]);
        command.arg("--readiness-probe-file").arg(self.ready_file());
        let urls = [
            ("--ingest-url", self.dlm.ingest().url()),
            ("--request-url", self.dlm.request().url()),
            ("--storage-url", self.dlm.storage().url()),
            ("--migration-url", self.dlm.migration().url()),
        ];
        for (flag, url) in urls {
            command.arg(flag).arg(url);
        }
        command.args(words);
        command
    }

    pub(crate) fn start(&self, words: &[&str]) -> Process {
        wait_until_old(&self.watched());
        Process::spawn("watcher", &self.scratch.path().join("logs"), &mut self.command(words))
    }

    pub(crate) fn wait_ready(&self) {
        wait_until(PATIENCE, "the readiness file", || self.is_ready());
    }
}

/// The drop-in without any flag.
pub(crate) fn bare(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["compat", "dlm-watcher"]).env_clear().current_dir(folder);
    command
        .env("HOME", folder.join("home"))
        .env("STAITHE_STATE_DIR", folder.join("state"))
        .env("USER", "root");
    command
}

/// One record of the log.
pub(crate) struct Record {
    pub(crate) level: String,
    pub(crate) message: String,
}

/// The log, every line of which must have its form.
pub(crate) fn records(process: &Process) -> Vec<Record> {
    let text = String::from_utf8(process.stdout()).expect("the log is text");
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| record(line.trim_end_matches('\n'))).collect()
}

fn record(line: &str) -> Record {
    let fields: Vec<&str> = line.splitn(8, '|').collect();
    let [version, time, level, thread, function, place, tags, message] = fields.as_slice() else {
        panic!("not eight fields: {line}");
    };
    let stamp = time.len() == 24 && time.ends_with('Z') && time.as_bytes()[19] == b'.';
    assert!(*version == "1" && stamp && tags.is_empty(), "{line}");
    assert!(!thread.is_empty() && !function.is_empty() && place.contains('#'), "{line}");
    Record { level: (*level).to_owned(), message: (*message).to_owned() }
}

pub(crate) fn status(folder: &Path, words: &[&str]) -> Value {
    let mut command = Command::new(BINARY);
    let output =
        command.args(["status", "--json"]).args(words).current_dir(folder).output().expect("it runs");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}
