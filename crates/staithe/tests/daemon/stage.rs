//! An installation whose daemons are in the background: none of them outlives the test.

use std::cell::RefCell;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use testkit::{Finished, Landing, Process, Scratch, wait_until};

/// Longer than one step takes on a busy machine.
pub(crate) const STEP: Duration = Duration::from_mins(1);

/// One tree into a line file.
pub(crate) const CONFIG: &str = r#"
    [source.inbox]
    path = "{in}"

    [[source.inbox.rule]]
    name = "all"
    include = ["*"]
    complete = "local"
    to = ["lines"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"
"#;

pub(crate) struct Stage {
    pub(crate) landing: Landing,
    /// Every daemon that was seen.
    seen: RefCell<Vec<OwnedFd>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("daemon"));
        landing.configure(CONFIG);
        fs::create_dir(landing.out("tmp")).expect("the scratch folder takes folders");
        Self { landing, seen: RefCell::default() }
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.landing.out("staithe.pid")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.landing.out("staithe.err")
    }

    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The program, with a temporary directory of its own.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.landing.command();
        command.args(words).env("TMPDIR", self.landing.out("tmp"));
        command
    }

    /// The command that starts the daemon.
    pub(crate) fn start_command(&self) -> Command {
        let mut command = self.command(&["run", "--daemon", "-c"]);
        command.arg(self.landing.config()).arg("--pid-file").arg(self.pid_file());
        command.arg("--log-out").arg(self.landing.out("staithe.out")).arg("--log-err").arg(self.log());
        command
    }

    #[track_caller]
    pub(crate) fn finish(&self, mut command: Command) -> Finished {
        let done = Process::finish("staithe", &self.landing.out(""), &mut command, STEP);
        self.remember();
        done
    }

    /// Starts the daemon; gives its number.
    #[track_caller]
    pub(crate) fn start(&self) -> u32 {
        self.finish(self.start_command()).assert_code(0);
        self.pid().expect("a daemon that is ready has its number in the pid file")
    }

    /// `stop` or `restart` of the daemon with our pid file.
    #[track_caller]
    pub(crate) fn by_pid_file(&self, words: &[&str]) -> Finished {
        let mut command = self.command(words);
        command.arg("--pid-file").arg(self.pid_file());
        self.finish(command)
    }

    /// The number in the pid file.
    pub(crate) fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.pid_file()).ok()?.strip_suffix('\n')?.parse().ok()
    }

    /// Whoever is in the pid file does not outlive the test, if it is one of ours.
    pub(crate) fn remember(&self) {
        let Some(pid) = self.pid().filter(|pid| is_ours(*pid)) else { return };
        let known =
            Pid::from_raw(pid.cast_signed()).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        self.seen.borrow_mut().extend(known);
    }

    pub(crate) fn signal(pid: u32, signal: Signal) {
        let pid = Pid::from_raw(pid.cast_signed()).expect("a number of a process");
        rustix::process::kill_process(pid, signal).expect("it runs, and it is ours");
    }

    /// A file that comes now is announced.
    #[track_caller]
    pub(crate) fn deliver(&self, name: &str) {
        fs::write(self.landing.root().join(name), name).expect("the tree takes files");
        wait_until(STEP, &format!("{name} to be announced"), || self.events().contains(name));
    }

    pub(crate) fn events(&self) -> String {
        fs::read_to_string(self.landing.out("events.jsonl")).unwrap_or_default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.remember();
        for daemon in self.seen.borrow().iter() {
            let _ = pidfd_send_signal(daemon, Signal::KILL);
        }
        if std::thread::panicking() {
            eprintln!("── the daemon's log ──\n{}", self.said());
        }
    }
}

/// Whether that process runs the program under test.
fn is_ours(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == Path::new(env!("CARGO_BIN_EXE_staithe")))
}

/// Whether a process runs; one that has only not been waited for does not.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

/// A process that has nothing to do with us.
pub(crate) fn stranger(stage: &Stage) -> Process {
    Process::spawn("stranger", &stage.landing.out(""), Command::new("sleep").arg("600"))
}
