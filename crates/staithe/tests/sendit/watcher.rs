//! A watcher that is started, asked and stopped by its commands, as its users do: the settings module, the watched
//! directory, the logs, and the broker's list that stands for the workers.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::redis::Redis;
use testkit::{Finished, Process, Scratch, wait_until};

/// Longer than anything takes that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// So long a folder that was made at its place must be left alone, in these tests.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

/// The whole installation. What still runs at the end is killed.
pub(crate) struct Watcher {
    pub(crate) redis: Redis,
    pub(crate) scratch: Scratch,
    /// What each start says after `start -c FILE`.
    flags: Vec<String>,
    marks: AtomicU32,
}

impl Watcher {
    /// One watch for all events on [`Watcher::data`], processed by `DicomCelery`.
    pub(crate) fn new(flags: &[&str]) -> Self {
        let watcher = Self::bare(flags);
        watcher.configure(&watcher.watch("data", "pyinotify.ALL_EVENTS", "DicomCelery"));
        watcher
    }

    /// The same, running.
    #[track_caller]
    pub(crate) fn started(flags: &[&str]) -> Self {
        let watcher = Self::new(flags);
        watcher.start();
        watcher
    }

    /// Without settings yet.
    pub(crate) fn bare(flags: &[&str]) -> Self {
        let scratch = Scratch::on_disk("sendit");
        for folder in ["data", "elsewhere", "base/logs", "tmp", "state", "said"] {
            let _made = scratch.folder(folder);
        }
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        Self { redis: Redis::start(), scratch, flags, marks: AtomicU32::new(0) }
    }

    /// One entry of the list of watches.
    pub(crate) fn watch(&self, folder: &str, mask: &str, class: &str) -> String {
        let path = self.scratch.path().join(folder);
        format!("    ({:?}, {mask}, \"sendit.apps.watcher.event_processors.{class}\"),\n", shown(&path))
    }

    /// Writes the settings module; `watches` are entries of its list.
    pub(crate) fn configure(&self, watches: &str) {
        let text = format!(
            "import os\n\
             import pyinotify\n\
             \n\
             BASE_DIR = {base:?}\n\
             INOTIFIER_WATCH_PATHS = (\n{watches})\n\
             INOTIFIER_DAEMON_STDOUT = os.path.join(BASE_DIR, \"logs\", \"watcher.out\")\n\
             INOTIFIER_DAEMON_STDERR = os.path.join(BASE_DIR, \"logs\", \"watcher.err\")\n\
             BROKER_URL = {broker:?}\n",
            base = shown(&self.base()),
            broker = self.redis.url(),
        );
        fs::write(self.settings(), text).expect("the scratch folder takes settings");
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.scratch.path().join("settings.py")
    }

    /// The watched directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    pub(crate) fn base(&self) -> PathBuf {
        self.scratch.path().join("base")
    }

    /// The directory for temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.scratch.path().join("tmp")
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.base().join("watcher.pid")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.base().join("logs/watcher.out")
    }

    /// The number in the pid file.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        let text = fs::read_to_string(self.pid_file()).expect("there is a pid file");
        text.strip_suffix('\n').and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{text:?}"))
    }

    /// `staithe compat sendit WORD -c FILE` with the flags of a start, where it is one.
    pub(crate) fn command(&self, word: &str) -> Command {
        let mut command = self.command_with(word, &self.settings());
        if matches!(word, "start" | "restart") {
            command.args(&self.flags);
        }
        command
    }

    /// The same with another configuration, without flags.
    pub(crate) fn command_with(&self, word: &str, config: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_staithe"));
        command.env_clear().current_dir(self.scratch.path()).env("HOME", self.scratch.path());
        command.env("TMPDIR", self.temporary()).env("LANG", "C.UTF-8").envs(testkit::proof::without());
        command.env("STAITHE_STATE_DIR", self.scratch.path().join("state"));
        command.args(["compat", "sendit", word, "-c"]).arg(config);
        command
    }

    #[track_caller]
    pub(crate) fn finish(&self, command: &mut Command) -> Finished {
        Process::finish("command", &self.scratch.path().join("said"), command, PATIENCE)
    }

    #[track_caller]
    pub(crate) fn call(&self, word: &str) -> Finished {
        self.finish(&mut self.command(word))
    }

    #[track_caller]
    pub(crate) fn start(&self) {
        testkit::wait_until_old(&self.data());
        self.call("start").assert_code(0);
    }

    #[track_caller]
    pub(crate) fn stop(&self) {
        self.call("stop").assert_code(0);
    }

    /// The lines about folders so far, with `D` for the watched directory.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log_file()).unwrap_or_default();
        let data = shown(&self.data());
        text.lines().filter(|line| line.starts_with("LOG ")).map(|line| line.replace(&data, "D")).collect()
    }

    /// Waits until these are the last lines since there were `before`, and gives them all.
    #[track_caller]
    pub(crate) fn assert_lines(&self, before: usize, wanted: &[&str]) {
        wait_until(PATIENCE, &format!("{wanted:?}, not {:?}", self.lines()), || {
            self.lines().len() >= before + wanted.len()
        });
        assert_eq!(self.lines()[before..], *wanted);
    }

    /// The folders of the tasks that were queued, in order, with `D` for the watched directory. They stay in the queue.
    pub(crate) fn tasks(&self) -> Vec<String> {
        let data = shown(&self.data());
        self.messages().iter().map(|message| folder(message).replace(&data, "D")).collect()
    }

    /// The messages in the queue, in order.
    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        let mut values = self.redis.command(&[b"LRANGE", b"default", b"0", b"-1"]).values();
        values.reverse();
        values
    }

    /// Waits until everything so far is settled, then fails unless exactly these tasks were queued, in this order.
    #[track_caller]
    pub(crate) fn assert_tasks(&self, wanted: &[&str]) {
        assert_eq!(self.settled(), wanted);
    }

    /// The tasks when everything so far is settled: a folder that is made at its place now is a task, and nothing waits
    /// any more.
    #[track_caller]
    pub(crate) fn settled(&self) -> Vec<String> {
        let mark = format!("zz-mark-{}", self.marks.fetch_add(1, Ordering::Relaxed));
        let place = self.data().join(&mark);
        fs::create_dir(&place).expect("it takes folders");
        let task = format!("D/{mark}");
        let begun = Instant::now();
        while !self.tasks().contains(&task) {
            let explained = || self.ask(&["explain", &shown(&place)]);
            assert!(
                begun.elapsed() < PATIENCE,
                "no task of the mark: {} {}",
                explained(),
                self.ask(&["status"])
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let waits = || {
            let status: Value = serde_json::from_str(&self.ask(&["status", "--json"])).unwrap_or_default();
            let counts = ["waiting", "queued", "delivering", "retrying"];
            counts.iter().map(|name| status["counts"][name].as_u64().unwrap_or(1)).sum::<u64>()
        };
        wait_until(PATIENCE, "nothing to wait any more", || waits() == 0);
        self.tasks().into_iter().filter(|task| !task.starts_with("D/zz-mark-")).collect()
    }

    /// Asks one of staithe's own commands about the running watcher.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let places = fs::read_dir(self.scratch.path().join("state/compat")).into_iter().flatten().flatten();
        let Some(place) = places.map(|entry| entry.path()).next() else { return String::new() };
        let mut command = Command::new(env!("CARGO_BIN_EXE_staithe"));
        command.env_clear().args(words).arg("--state-dir").arg(place);
        let output = command.output().expect("the binary runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// How many lines there are, when nothing more comes: after those of a mark.
    #[track_caller]
    pub(crate) fn count_lines(&self) -> usize {
        let mark = format!("zz-line-{}.tmp", self.marks.fetch_add(1, Ordering::Relaxed));
        let place = self.data().join(&mark);
        fs::create_dir(&place).expect("it takes folders");
        let last = format!("LOG 2|NOTFINISHED: D/{mark}");
        wait_until(PATIENCE, "the lines of the mark", || self.lines().contains(&last));
        self.lines().len()
    }

    /// Where a name lies in the watched directory.
    pub(crate) fn at(&self, name: impl AsRef<[u8]>) -> PathBuf {
        self.data().join(OsStr::from_bytes(name.as_ref()))
    }

    pub(crate) fn mkdir(&self, name: &str) {
        fs::create_dir(self.at(name)).expect("it takes folders");
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).expect("one folder");
    }

    /// Fills a temporary folder and renames it, as the fetch script does.
    pub(crate) fn deliver(&self, name: &str) {
        let temporary = format!("{name}.tmp1");
        self.mkdir(&temporary);
        fs::write(self.at(&temporary).join("a.dcm"), b"1234").expect("it takes files");
        self.rename(&temporary, name);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["watcher.out", "watcher.err"] {
                let text = fs::read(self.base().join("logs").join(log)).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                let lines: Vec<&str> = text.lines().collect();
                let last = &lines[lines.len().saturating_sub(30)..];
                eprintln!("── last words of {log} ──\n{}", last.join("\n"));
            }
        }
        // Whatever runs with our folder in its command line is ours, whether its pid file is there or not.
        for pid in running(self.scratch.path()) {
            kill(pid);
        }
    }
}

/// The processes that were started with a path below this folder.
pub(crate) fn running(folder: &Path) -> Vec<u32> {
    let ours = [folder.as_os_str().as_bytes(), b"/"].concat();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_ours = |pid: &u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.starts_with(env!("CARGO_BIN_EXE_staithe").as_bytes())
            && words.windows(ours.len()).any(|part| part == ours.as_slice())
    };
    pids.filter(is_ours).collect()
}

/// Whether there is such a process that has not ended.
pub(crate) fn is_alive(pid: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    text.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.is_ok(), "`kill` is installed");
}

/// The folder of a task.
#[track_caller]
fn folder(message: &[u8]) -> String {
    let message: Value = serde_json::from_slice(message).expect("a message is JSON");
    let text = message["headers"]["kwargsrepr"].as_str().expect("a text").to_owned();
    let path = text.strip_prefix("{'dicom_dir': '").and_then(|text| text.strip_suffix("'}"));
    path.unwrap_or_else(|| panic!("{text}")).to_owned()
}

pub(crate) fn shown(path: &Path) -> String {
    path.to_str().expect("scratch folders have plain names").to_owned()
}
