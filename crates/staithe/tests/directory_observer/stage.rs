//! Where a scenario plays: a folder, a Redis server, the drop-in; and the operations on them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};
use serde_json::Value;
use testkit::redis::Redis;
use testkit::resp::Reply;
use testkit::{Process, Scratch, Signal, wait_until};

use crate::log;
use crate::messages::{Queues, normal};
use crate::scenario::Scenario;

const BINARY: &str = env!("CARGO_BIN_EXE_staithe");
/// Longer than anything takes that has to happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause of the recorded `settle`; it ends early when something new is in a list.
const SETTLE: Duration = Duration::from_millis(400);
/// The recorded `idle`.
const IDLE: Duration = Duration::from_millis(2300);

/// How the drop-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Not in time.
    Not,
}

pub(crate) struct Stage<'a> {
    scenario: &'a Scenario,
    observer: Option<Process>,
    redis: Redis,
    /// Whether the server answers at present.
    redis_answers: bool,
    pub(crate) end: Option<End>,
    scratch: Scratch,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(scenario: &'a Scenario) -> Self {
        let scratch = Scratch::on_disk("golden");
        let stage =
            Self { scenario, observer: None, redis: Redis::start(), redis_answers: true, end: None, scratch };
        for folder in ["out", "logs", "state"] {
            let _made = stage.scratch.folder(folder);
        }
        if scenario.with_directory {
            let _made = stage.scratch.folder("in/d1");
        }
        stage
    }

    pub(crate) fn root(&self) -> &str {
        self.scratch.path().to_str().expect("scratch folders have plain names")
    }

    fn fill(&self, text: &str) -> String {
        let socket = self.redis.socket();
        let socket = socket.to_str().expect("scratch folders have plain names");
        text.replace("@ROOT@", self.root())
            .replace("@PORT@", &self.redis.port().to_string())
            .replace("@SOCK@", socket)
    }

    /// A path of the recording; what follows `hex:` is a name as bytes.
    fn path(&self, text: &Value) -> PathBuf {
        let text = text.as_str().expect("a path is a text");
        let Some((folder, hex)) = text.split_once("hex:") else { return self.scratch.path().join(text) };
        let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
        let name: Vec<u8> = (0..hex.len()).step_by(2).map(pair).collect();
        self.scratch.path().join(folder).join(OsString::from_vec(name))
    }

    /// Writes the configuration and starts the drop-in.
    pub(crate) fn start(&mut self) {
        let config = self.scratch.path().join(&self.scenario.config_path);
        fs::write(config, self.fill(&self.scenario.config)).expect("the folder takes a configuration");
        self.start_again();
    }

    /// Starts it with what is there.
    pub(crate) fn start_again(&mut self) {
        let mut command = self.command();
        let kept = ["PATH", "LANG", "RUST_BACKTRACE"];
        let kept = kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.env_clear().envs(kept).envs(testkit::proof::without()).env("HOME", self.scratch.path());
        command.env("STAITHE_STATE_DIR", self.scratch.path().join("state"));
        command.envs(self.scenario.environment.iter().map(|(name, value)| (name, self.fill(value))));
        command.current_dir(self.scratch.path());
        self.observer = Some(Process::spawn("observer", &self.scratch.path().join("logs"), &mut command));
        self.end = None;
        self.wait_ready();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(BINARY);
        if self.scenario.special {
            // Mounts are made and undone in a namespace that ends with the process.
            let mounts: Vec<&str> = self.scenario.before.iter().filter_map(|op| op[1].as_str()).collect();
            command = Command::new("unshare");
            command.args(["--mount", "--propagation", "private", "sh", "-ec"]);
            command.arg(format!("{}\nexec \"$@\"", mounts.join("\n"))).args(["sh", BINARY]);
        }
        command
            .args(["compat", "directory-observer"])
            .args(self.scenario.args.iter().map(|arg| self.fill(arg)));
        command.arg("--socket").arg(self.control());
        command
    }

    fn control(&self) -> PathBuf {
        self.scratch.path().join("state/control.sock")
    }

    /// Waits for the text that the recording waited for, then until the first listing is through.
    fn wait_ready(&mut self) {
        let Some(text) = &self.scenario.ready else { return };
        let begun = Instant::now();
        while begun.elapsed() < self.scenario.ready_timeout && self.is_running() && !self.has_said(text) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if text == "ping" {
            return;
        }
        wait_until(PATIENCE, "the drop-in to be ready or to end", || !self.is_running() || self.is_ready());
    }

    fn is_ready(&self) -> bool {
        let mut command = Command::new(BINARY);
        command.args(["status", "--json", "--socket"]).arg(self.control());
        let output = command.output().expect("the binary runs");
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        status["ready"].as_bool() == Some(true)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.observer.as_mut().is_some_and(Process::is_running)
    }

    fn has_said(&self, text: &str) -> bool {
        let [out, err] = self.log();
        out.iter().chain(&err).any(|line| line.contains(text))
    }

    /// Standard output and standard error.
    pub(crate) fn log(&self) -> [Vec<String>; 2] {
        let Some(observer) = &self.observer else { return [Vec::new(), Vec::new()] };
        let out = String::from_utf8_lossy(&observer.stdout()).into_owned();
        [log::lines(&out, self.root()), log::lines(&observer.stderr(), self.root())]
    }

    /// What the file of `--log` holds.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path().join(name)).unwrap_or_default()
    }

    /// What lies in all lists. A server that is stopped or frozen holds nothing.
    pub(crate) fn queues(&self) -> Queues {
        let redis = &self.redis;
        let keys = redis.run("KEYS *").values();
        let list = |key: &Vec<u8>| {
            let list = redis.command(&[b"LRANGE", key, b"0", b"-1"]);
            let Reply::Array(values) = list else { return plain(redis.command(&[b"GET", key])) };
            let values = values.into_iter().rev().flat_map(Reply::values);
            values.map(|message| normal(&message, self.root())).collect()
        };
        keys.iter().map(|key| (String::from_utf8_lossy(key).into_owned(), list(key))).collect()
    }

    /// Sends SIGTERM where it still runs, and waits for its end.
    pub(crate) fn finish(&mut self) -> End {
        if let Some(end @ (End::Code(_) | End::Signal(_))) = self.end {
            return end;
        }
        if self.is_running() {
            self.signal(Signal::TERM);
        }
        self.wait_end(PATIENCE)
    }

    fn wait_end(&mut self, patience: Duration) -> End {
        use std::os::unix::process::ExitStatusExt as _;
        let begun = Instant::now();
        while self.is_running() {
            if begun.elapsed() > patience {
                return End::Not;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.observer.as_mut().expect("it was started").wait_exit(PATIENCE);
        status.code().map_or_else(|| End::Signal(status.signal().unwrap_or(0)), End::Code)
    }

    fn signal(&self, signal: Signal) {
        self.observer.as_ref().expect("it was started").signal(signal);
    }

    pub(crate) fn perform(&mut self, op: &[Value]) {
        let name = op[0].as_str().expect("an operation has a name");
        if self.on_files(name, &op[1..]) || self.on_processes(name, &op[1..]) {
            return;
        }
        match name {
            "sleep" => std::thread::sleep(Duration::from_secs_f64(op[1].as_f64().expect("seconds"))),
            "settle" => self.settle(),
            "idle" => std::thread::sleep(IDLE),
            "snap" => {}
            "sh" => self.inside(op[1].as_str().expect("a command")),
            _ => panic!("unknown operation {op:?}"),
        }
    }

    fn settle(&self) {
        if !self.redis_answers {
            return std::thread::sleep(SETTLE);
        }
        let length = |stage: &Self| stage.queues().values().map(Vec::len).sum::<usize>();
        let (before, begun) = (length(self), Instant::now());
        while begun.elapsed() < SETTLE && length(self) == before {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn on_files(&self, name: &str, args: &[Value]) -> bool {
        let Some(path) = args.first().filter(|path| path.is_string()).map(|path| self.path(path)) else {
            return false;
        };
        let second = || self.path(&args[1]);
        let text = || args.get(1).and_then(Value::as_str).unwrap_or_default();
        let done = match name {
            "write" if self.scenario.special => {
                self.inside(&format!("printf {} > '{}'", text(), path.display()));
                Ok(())
            }
            "write" => fs::write(path, text()),
            "touch" => OpenOptions::new().create(true).append(true).open(path).map(drop),
            "append" => OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file| file.write_all(text().as_bytes())),
            "rename" => fs::rename(path, second()),
            "link" => fs::hard_link(path, second()),
            "symlink" => symlink(args[0].as_str().expect("a target"), second()),
            "mkdir" => fs::create_dir_all(path),
            "rmdir" => fs::remove_dir(path),
            "unlink" => fs::remove_file(path),
            "rmtree" => fs::remove_dir_all(path),
            "mkfifo" => mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).map_err(Into::into),
            "chmod" => {
                let mode = u32::from_str_radix(text(), 8).expect("an octal mode");
                fs::set_permissions(path, fs::Permissions::from_mode(mode))
            }
            "mtime" => set_mtime(&path, args[1].as_i64().expect("seconds")),
            "many" => {
                let prefix = path.to_str().expect("a plain name").to_owned();
                (0..args[1].as_u64().expect("a number"))
                    .try_for_each(|at| File::create(format!("{prefix}{at:06}")).map(drop))
            }
            _ => return false,
        };
        done.unwrap_or_else(|error| panic!("{name} {args:?}: {error}"));
        true
    }

    fn on_processes(&mut self, name: &str, args: &[Value]) -> bool {
        match name {
            "sigstop" => self.observer.as_ref().expect("it was started").freeze(),
            "sigcont" => self.signal(Signal::CONT),
            "signal" => self.signal(match args[0].as_str() {
                Some("TERM") => Signal::TERM,
                Some("HUP") => Signal::HUP,
                other => panic!("unknown signal {other:?}"),
            }),
            "wait_exit" => {
                let patience = Duration::from_secs_f64(args[0].as_f64().expect("seconds"));
                self.end = Some(self.wait_end(patience));
            }
            "wait_q" => {
                let least = args[0].as_u64().expect("a number") as usize;
                wait_until(PATIENCE, "the list to grow", || {
                    self.queues().get("step.p.main").is_some_and(|list| list.len() >= least)
                });
            }
            "redis" => {
                let words: Vec<&[u8]> = args.iter().filter_map(Value::as_str).map(str::as_bytes).collect();
                self.redis.command(&words);
            }
            "redis_kill" => self.redis.stop(),
            "redis_start" => self.redis.start_again(),
            "redis_pause" => self.redis.freeze(),
            "redis_resume" => self.redis.resume(),
            _ => return false,
        }
        self.redis_answers = match name {
            "redis_kill" | "redis_pause" => false,
            "redis_start" | "redis_resume" => true,
            _ => self.redis_answers,
        };
        true
    }

    /// Runs a shell command where the drop-in lives: in its mount namespace.
    fn inside(&self, script: &str) {
        let Some(observer) = &self.observer else { return };
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &observer.id().to_string(), "sh", "-ec"]);
        let output =
            command.arg(format!("cd {}\n{script}", self.root())).output().expect("nsenter is installed");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The value of a key that is no list.
fn plain(reply: Reply) -> Vec<String> {
    reply.values().iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

fn set_mtime(path: &Path, seconds: i64) -> std::io::Result<()> {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}

/// Whether this machine lets us make a mount namespace.
pub(crate) fn can_mount() -> bool {
    let mut command = Command::new("unshare");
    let output = command
        .args(["--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"])
        .output();
    output.is_ok_and(|output| output.status.success())
}
