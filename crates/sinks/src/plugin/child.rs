//! The process of a plugin: in a group of its own, so that whatever it starts ends with it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use config::PluginManifest;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, prlimit, waitid,
};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{sleep, timeout};

/// What concerns staithe itself is not handed on.
const NOT_INHERITED: [&str; 4] = ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC"];
/// A process that was killed is waited for so long; one that hangs in the kernel is left to the system.
const BURIAL: Duration = Duration::from_secs(1);
/// How often an end is looked for. Mostly the end of its output tells sooner.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A child process and its group. It is waited for last of all: as long as it is not, its number and that of its
/// group belong to nobody else, and a signal hits nobody else.
#[derive(Debug)]
pub(crate) struct Child {
    process: tokio::process::Child,
    group: Pid,
    buried: bool,
}

/// The ends of its standard streams.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

/// The program that a manifest means: with a slash it lies beside the manifest, else in `PATH`.
pub(crate) fn program(manifest: &PluginManifest) -> PathBuf {
    let command = &manifest.command;
    let has_slash = command.components().count() > 1 || command.starts_with("./");
    if has_slash { manifest.directory.join(command) } else { command.clone() }
}

impl Child {
    /// Starts the program of a manifest.
    pub(crate) fn start(name: &str, manifest: &PluginManifest) -> io::Result<(Self, Streams)> {
        let mut command = std::process::Command::new(program(manifest));
        command.args(&manifest.args).current_dir(absolute(&manifest.directory)?).process_group(0);
        for variable in NOT_INHERITED {
            command.env_remove(variable);
        }
        command.env("STAITHE_PLUGIN", name).envs(manifest.env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let number = process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let group = number.ok_or_else(|| io::Error::other("it has no process number"))?;
        let streams = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
            return Err(io::Error::other("it has no standard streams"));
        };
        let child = Self { process, group, buried: false };
        if let Some(bytes) = manifest.memory {
            child.limit_memory(bytes)?;
        }
        Ok((child, Streams { stdin, stdout, stderr }))
    }

    /// What it starts afterwards has the same limit, each process for itself.
    fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        match prlimit(Some(self.group), Resource::As, limit) {
            // It has ended: that is found out elsewhere.
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the process has ended, and does not collect it.
    pub(crate) async fn ended(&self) {
        while !self.has_ended() {
            sleep(LOOK).await;
        }
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error says that it was collected.
        self.buried || waitid(WaitId::Pid(self.group), look).map_or(true, |status| status.is_some())
    }

    /// Sends a signal to the process and whatever it started.
    pub(crate) fn signal(&self, signal: Signal) {
        if !self.buried {
            // An error says that nobody is there.
            let _ = kill_process_group(self.group, signal);
        }
    }

    /// Ends the process and its group for good, and collects it.
    pub(crate) async fn bury(&mut self) -> Option<ExitStatus> {
        self.signal(Signal::KILL);
        let status = timeout(BURIAL, self.process.wait()).await.ok()?.ok();
        self.buried = true;
        status
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn absolute(directory: &Path) -> io::Result<PathBuf> {
    if directory.as_os_str().is_empty() { std::env::current_dir() } else { std::path::absolute(directory) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(command: &str) -> PluginManifest {
        PluginManifest {
            command: command.into(),
            args: Vec::new(),
            env: Vec::new(),
            directory: "/plugins".into(),
            memory: None,
            hello_within: BURIAL,
            ack_within: BURIAL,
            window: 1,
            line_limit: 1,
            version: 0,
        }
    }

    #[test]
    fn a_program_with_a_slash_lies_beside_its_manifest() {
        assert_eq!(program(&manifest("python3")), Path::new("python3"));
        assert_eq!(program(&manifest("./run")), Path::new("/plugins/./run"));
        assert_eq!(program(&manifest("bin/run")), Path::new("/plugins/bin/run"));
        assert_eq!(program(&manifest("/usr/bin/env")), Path::new("/usr/bin/env"));
    }
}
