//! A whole installation of the program under test: a watched tree, a state directory, a
//! configuration, and the daemon.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::process::{Finished, Process};
use crate::scratch::Scratch;
use crate::wait::wait_until;

/// Longer than any client command takes on a busy machine.
const COMMAND: Duration = Duration::from_mins(1);
/// Longer than any start takes on a busy machine.
const START: Duration = Duration::from_mins(1);

/// Well above the coarsest tick (10 ms) with which kernels stamp files.
const OLD: Duration = Duration::from_millis(200);

/// An installation of its own in a scratch folder.
#[derive(Debug)]
pub struct Landing {
    program: PathBuf,
    // Dropped in this order: first the daemon ends, then its folder goes.
    daemon: Option<Process>,
    state: PathBuf,
    scratch: Scratch,
}

impl Landing {
    /// Makes the folders `in`, `state` and `out`; `program` is the binary under test.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, scratch: Scratch) -> Self {
        for name in ["in", "state", "out"] {
            let _made = scratch.folder(name);
        }
        let state = scratch.path().join("state");
        Self { program: program.into(), daemon: None, state, scratch }
    }

    /// The watched tree.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.scratch.path().join("in")
    }

    /// A path in the folder for everything that is not watched.
    #[must_use]
    pub fn out(&self, name: &str) -> PathBuf {
        self.scratch.path().join("out").join(name)
    }

    /// The state directory.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.state.clone()
    }

    /// Puts the state directory elsewhere, perhaps on a file system of its own.
    pub fn keep_state_in(&mut self, folder: impl Into<PathBuf>) {
        self.state = folder.into();
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.out("staithe.toml")
    }

    /// Writes the configuration. `{in}` and `{out}` in the text become those folders.
    pub fn configure(&self, text: &str) {
        let shown = |path: &Path| path.to_str().expect("scratch folders have plain names").to_owned();
        let text = text.replace("{in}", &shown(&self.root())).replace("{out}", &shown(&self.out("")));
        std::fs::write(self.config(), text).expect("the scratch folder takes a configuration");
    }

    /// Writes a file into the watched tree and waits until it is older than the grain of any file
    /// system's clock: of a younger one nobody can tell whether it was complete before a start.
    #[track_caller]
    pub fn write_old(&self, name: &str, content: &[u8]) {
        let path = self.root().join(name);
        std::fs::write(&path, content).expect("the tree takes files");
        let age = || {
            std::fs::metadata(&path)
                .and_then(|data| data.modified())?
                .elapsed()
                .map_err(std::io::Error::other)
        };
        wait_until(COMMAND, "the file to be old", || age().is_ok_and(|age| age > OLD));
    }

    /// Starts the daemon without waiting for anything.
    pub fn launch(&mut self) {
        let mut command = self.command();
        command.args(["run", "-c"]).arg(self.config());
        self.daemon = Some(Process::spawn("run", &self.out(""), &mut command));
    }

    /// Starts the daemon and waits until it says that it is ready.
    #[track_caller]
    pub fn start(&mut self) {
        self.launch();
        self.daemon().wait_for_line("ready", START);
    }

    /// The same by way of other words, which must become the program that follows them: `nsenter -t 7 -n`.
    #[track_caller]
    pub fn start_by(&mut self, words: &[&str]) {
        let (first, others) = words.split_first().expect("there is a word");
        let mut command = self.dressed(OsStr::new(first));
        command.args(others).arg(&self.program).args(["run", "-c"]).arg(self.config());
        self.daemon = Some(Process::spawn("run", &self.out(""), &mut command));
        self.daemon().wait_for_line("ready", START);
    }

    /// The running daemon.
    #[track_caller]
    pub fn daemon(&mut self) -> &mut Process {
        self.daemon.as_mut().expect("the daemon was started")
    }

    /// Kills the daemon without warning.
    #[track_caller]
    pub fn kill(&mut self) {
        self.daemon().kill();
        self.daemon = None;
    }

    /// Ends the daemon as a service manager does; fails unless it ends well.
    #[track_caller]
    pub fn stop(&mut self) {
        let status = self.daemon().terminate(Duration::from_secs(30));
        assert_eq!(status.code(), Some(0), "the end on SIGTERM");
        self.daemon = None;
    }

    /// The program, with an environment in which it finds our state directory and nothing of the user's.
    #[must_use]
    pub fn command(&self) -> Command {
        self.dressed(self.program.as_os_str())
    }

    fn dressed(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        let kept = ["PATH", "LANG", "TMPDIR", "RUST_BACKTRACE"];
        let kept = kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.env_clear().envs(kept).envs(crate::proof::without()).env("HOME", self.scratch.path());
        command.env("STAITHE_STATE_DIR", self.state_dir()).current_dir(self.scratch.path());
        command
    }

    /// Runs a client command to its end.
    #[track_caller]
    #[must_use]
    pub fn call(&self, words: &[&str]) -> Finished {
        Process::finish(words.first().unwrap_or(&"none"), &self.out(""), self.command().args(words), COMMAND)
    }

    /// `status --json`.
    #[track_caller]
    #[must_use]
    pub fn status(&self) -> Value {
        self.call(&["status", "--json"]).json()
    }

    /// `explain PATH --json`, for a path below the watched tree.
    #[track_caller]
    #[must_use]
    pub fn explain(&self, path: &[u8]) -> Value {
        use std::os::unix::ffi::OsStrExt as _;
        let mut command = self.command();
        command.arg("explain").arg(self.root().join(std::ffi::OsStr::from_bytes(path))).arg("--json");
        Process::finish("explain", &self.out(""), &mut command, COMMAND).json()
    }

    /// Waits until nothing is on its way any more: no unit waits or is queued, in hand or to be retried,
    /// and no gap is open. `least` units must have been seen, so that an early look does not pass.
    #[track_caller]
    pub fn wait_idle(&self, least: u64, deadline: Duration) {
        let what = format!("{least} units to be seen and all of them settled");
        wait_until(deadline, &what, || {
            let status = self.status();
            let count = |name: &str| status["counts"][name].as_u64().unwrap_or(u64::MAX);
            let moving = ["waiting", "queued", "delivering", "retrying"].map(count);
            count("seen") >= least && moving == [0; 4] && gaps_open(&status) == 0
        });
    }
}

fn gaps_open(status: &Value) -> u64 {
    let sources = status["sources"].as_array().into_iter().flatten();
    sources.filter_map(|source| source["gaps_open"].as_u64()).sum()
}
