//! A folder with an `iobserverrc`, and the drop-in in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::{Process, Scratch, Signal, wait_until};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_staithe");
/// Longer than anything takes that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) scratch: Scratch,
}

impl Stage {
    /// With the watched trees `w` and `v`, and room for plugins and what is written.
    pub(crate) fn new() -> Self {
        let stage = Self { scratch: Scratch::on_disk("iobserver") };
        for folder in ["w", "v", "plugins", "out"] {
            let _made = stage.scratch.folder(folder);
        }
        stage
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).expect("the folder takes a file");
    }

    /// Replaces a file as careful programs do.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        let fresh = format!("{name}.fresh");
        self.write(&fresh, text);
        fs::rename(self.at(&fresh), self.at(name)).expect("within one folder");
    }

    /// What a file holds; nothing where it is missing.
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.at(name)).unwrap_or_default()).into_owned()
    }

    pub(crate) fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.scratch.path()).env_clear().envs(testkit::proof::without());
        command.env("STAITHE_STATE_DIR", self.at("state")).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    /// The drop-in on `iobserverrc`, everything watched.
    pub(crate) fn start(&self) -> Process {
        let mut process = self.spawn();
        process.wait_for_line("ready", PATIENCE);
        process
    }

    pub(crate) fn spawn(&self) -> Process {
        let mut command = self.command(Path::new(BINARY), &["compat", "iobserver"]);
        Process::spawn("iobserver", &self.at("out"), &mut command)
    }

    /// One of the clients, asking the drop-in.
    pub(crate) fn ask(&self, words: &[&str]) -> testkit::Finished {
        let places = fs::read_dir(self.at("state/compat")).expect("the drop-in has made it");
        let place = places.flatten().map(|place| place.path()).next().expect("there is one");
        let mut words = words.to_vec();
        words.extend(["--state-dir", place.to_str().expect("a plain name")]);
        let mut command = self.command(Path::new(BINARY), &words);
        Process::finish("client", &self.at("out"), &mut command, PATIENCE)
    }

    pub(crate) fn status(&self) -> Value {
        self.ask(&["status", "--json"]).json()
    }

    /// Waits until a log holds a line that ends so.
    pub(crate) fn wait_logged(&self, log: &str, end: &str) {
        wait_until(PATIENCE, &format!("`{end}` in {log}"), || self.logged(log, end) > 0);
    }

    /// How many lines of a log end so.
    pub(crate) fn logged(&self, log: &str, end: &str) -> usize {
        self.text(log).lines().filter(|line| line.ends_with(end)).count()
    }
}

/// How many lines of standard error begin so.
pub(crate) fn said(process: &Process, begin: &str) -> usize {
    process.stderr().lines().filter(|line| line.starts_with(begin)).count()
}

/// A watch with a scribe.
pub(crate) fn scribe(watch: &str, log: &str) -> String {
    format!("[[{watch}]]\nplugins = scribe\nscribe_log = {log}\n")
}

pub(crate) const FOLLOWING: &str = "[global]\nwatch_config = yes\nwatch_plugins = yes\n[watches]\n";

pub(crate) fn stop(process: &mut Process) {
    process.signal(Signal::INT);
    assert_eq!(process.wait_exit(PATIENCE).code(), Some(0));
}
