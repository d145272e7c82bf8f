//! A mount namespace of a test's own: what is mounted in it is seen by the program under test and by
//! nobody else, and is gone when the test ends.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::{Collector, Finished, Landing, Process, Scratch, wait_until};

/// Longer than a mount takes on a busy machine.
const COMMAND: Duration = Duration::from_secs(30);

/// An installation in a namespace.
pub(crate) struct World {
    // Dropped in this order: the daemon ends, then the namespace, then the folders go.
    pub(crate) landing: Landing,
    holder: Process,
    home: Scratch,
    enter: Vec<String>,
}

/// What kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Mounts only; needs root.
    Mounts,
    /// Users as well: limits of its own, and root in it for everybody.
    Users,
}

impl World {
    /// With mounts of its own.
    pub(crate) fn new(label: &str) -> Option<Self> {
        let kind = if rustix::process::geteuid().is_root() { Kind::Mounts } else { Kind::Users };
        Self::open(label, kind)
    }

    /// With limits and mounts of its own.
    pub(crate) fn limited(label: &str) -> Option<Self> {
        Self::open(label, Kind::Users)
    }

    fn open(label: &str, kind: Kind) -> Option<Self> {
        let home = Scratch::on_disk(&format!("world-{label}"));
        let mut command = Command::new("unshare");
        command.args(if kind == Kind::Users { &["-U", "-r", "-m"][..] } else { &["-m"] });
        // If this process is killed, nobody else ends it.
        command.args(["sleep", "600"]);
        let mut holder = Process::spawn("holder", home.path(), &mut command);
        let name = PathBuf::from(format!("/proc/{}/comm", holder.id()));
        let is_up = || fs::read_to_string(&name).is_ok_and(|name| name.trim() == "sleep");
        wait_until(COMMAND, "a namespace or a refusal", || !holder.is_running() || is_up());
        if !holder.is_running() {
            eprintln!("SKIPPED {label}: no {kind:?} namespace here: {}", holder.stderr());
            return None;
        }
        let users: &[&str] = if kind == Kind::Users { &["-U", "--preserve-credentials"] } else { &[] };
        let id = holder.id().to_string();
        let enter = [&["nsenter", "-t", &id, "-m"], users, &["--"]].concat();
        let enter = enter.into_iter().map(str::to_owned).collect();
        let landing = Landing::new(home.path().join("staithe"), Scratch::on_disk(label));
        let world = Self { landing, holder, home, enter };
        world.run_after("");
        Some(world)
    }

    /// Starts the program from now on after this shell script.
    pub(crate) fn run_after(&self, script: &str) {
        self.write_program(script, "");
    }

    /// Starts the program from now on by another one, given with its arguments.
    pub(crate) fn run_by(&self, words: &str) {
        self.write_program("", words);
    }

    fn write_program(&self, before: &str, words: &str) {
        let (program, enter) = (env!("CARGO_BIN_EXE_staithe"), self.enter.join(" "));
        let script = format!("#!/bin/sh\n{before}\nexec {enter} {words} {program} \"$@\"\n");
        let path = self.home.path().join("staithe");
        fs::write(&path, script).expect("the scratch folder takes a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        // A child that another test has just forked may hold it open for writing until it is another program.
        let busy = || Command::new(&path).arg("--version").output().err().map(|error| error.kind());
        wait_until(COMMAND, "the script", || busy() != Some(ErrorKind::ExecutableFileBusy));
    }

    /// Runs a shell script in the namespace; says how it ended.
    pub(crate) fn try_sh(&self, script: &str) -> Finished {
        Process::finish("sh", self.home.path(), &mut self.command(script), COMMAND)
    }

    /// Runs a shell script in the namespace; fails the test if it fails.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) {
        self.try_sh(script).assert_code(0);
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new(&self.enter[0]);
        command.args(&self.enter[1..]).args(["sh", "-c", script]);
        command
    }

    /// Runs a shell script in the namespace with this as its standard input.
    #[track_caller]
    pub(crate) fn sh_with(&self, script: &str, input: fs::File) {
        let output = self.command(script).stdin(Stdio::from(input)).output().expect("a shell");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Unmounts what is mounted there. Whoever has a directory open there just now holds it up.
    #[track_caller]
    pub(crate) fn unmount(&self, point: &Path) {
        let script = format!("umount {}", point.display());
        wait_until(COMMAND, "the unmount", || self.try_sh(&script).code == Some(0));
    }

    /// A path as it is seen in the namespace.
    pub(crate) fn inside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").expect("an absolute path"))
    }

    /// The watched tree as it is seen in the namespace.
    pub(crate) fn root(&self) -> PathBuf {
        self.inside(&self.landing.root())
    }

    /// Follows the line file.
    pub(crate) fn tail(&self) -> Collector {
        Collector::tail(&self.landing.out("events.jsonl"), &self.root())
    }

    /// What the daemon has said so far.
    pub(crate) fn said(&mut self) -> String {
        self.landing.daemon().stderr()
    }
}
