//! A peer at work, with everything it has started, in a process group of its own.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};

use super::usage::{self, Usage};

const LOOK: Duration = Duration::from_millis(50);
/// A program that used less than this share of a core is idle.
const IDLE: f64 = 0.04;

/// A running peer. The whole group is killed on drop.
pub(crate) struct Running {
    child: Child,
    stderr: PathBuf,
}

impl Running {
    /// Starts the command.
    pub(crate) fn start(command: &mut Command, scratch: &Path) -> anyhow::Result<Self> {
        let stderr = scratch.join("stderr");
        command.stdin(Stdio::null()).stderr(File::create(&stderr)?).process_group(0);
        let child = command.spawn().with_context(|| format!("failed to start {command:?}"))?;
        Ok(Self { child, stderr })
    }

    /// The pipe of its standard output, once, if it has one.
    pub(crate) fn pipe(&mut self) -> anyhow::Result<ChildStdout> {
        self.child.stdout.take().context("the peer has no pipe")
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Usage {
        usage::of_group(self.child.id())
    }

    /// What it has said on standard error.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }

    /// Whether it has said that events were lost.
    pub(crate) fn told(&self) -> bool {
        let said = self.said().to_lowercase();
        ["overflow", "rescan", "lost", "dropped", "missed"].iter().any(|word| said.contains(word))
    }

    /// Waits until it is ready: until it says so, for those who do, and until it is idle.
    pub(crate) fn wait_ready(&mut self, says_so: bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_mins(2);
        while says_so && !self.said().lines().any(|line| line.starts_with("ready")) {
            anyhow::ensure!(self.child.try_wait()?.is_none(), "it ended: {}", self.said());
            anyhow::ensure!(Instant::now() < deadline, "it was never ready: {}", self.said());
            std::thread::sleep(LOOK);
        }
        self.wait_still(Duration::from_millis(300), || 0);
        anyhow::ensure!(self.child.try_wait()?.is_none(), "it ended: {}", self.said());
        Ok(())
    }

    /// Waits until for this long the peer was idle and `progress` the same; at most two minutes.
    pub(crate) fn wait_still(&self, quiet: Duration, progress: impl FnMut() -> u64) {
        self.wait(quiet, IDLE, progress);
    }

    /// The same of a program that works now and then by itself: only `progress` counts.
    pub(crate) fn wait_silent(&self, quiet: Duration, progress: impl FnMut() -> u64) {
        self.wait(quiet, f64::INFINITY, progress);
    }

    fn wait(&self, quiet: Duration, idle: f64, mut progress: impl FnMut() -> u64) {
        let deadline = Instant::now() + Duration::from_mins(2);
        let mut before = (progress(), self.usage().cpu);
        let mut since = Instant::now();
        while since.elapsed() < quiet && Instant::now() < deadline {
            std::thread::sleep(LOOK);
            let now = (progress(), self.usage().cpu);
            let busy = now.1.saturating_sub(before.1).as_secs_f64() > idle * LOOK.as_secs_f64();
            if now.0 != before.0 || busy {
                since = Instant::now();
            }
            before = now;
        }
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Sends a signal to the whole group.
    pub(crate) fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, signal));
    }

    /// Asks the group to end, then makes it.
    pub(crate) fn stop(&mut self) {
        for signal in [Signal::TERM, Signal::KILL] {
            self.signal(signal);
            let deadline = Instant::now() + Duration::from_secs(3);
            while Instant::now() < deadline {
                let ended = self.child.try_wait().is_ok_and(|status| status.is_some());
                if ended && usage::of_group(self.child.id()).peak_kb == 0 {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
