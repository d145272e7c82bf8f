//! A program under test: its output in files, its end certain.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{wait_for, wait_until};

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// How a program ended, and what it had to say.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to standard error, as text.
    pub stderr: String,
}

impl Process {
    /// Starts `command` with its output streams in new files below `folder` and no input.
    #[must_use]
    pub fn spawn(name: &str, folder: &Path, command: &mut Command) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let file = |stream: &str| folder.join(format!("{name}-{number}.{stream}"));
        let (stdout, stderr) = (file("out"), file("err"));
        let sink = |path: &Path| Stdio::from(File::create(path).expect("a scratch folder takes new files"));
        command.stdin(Stdio::null()).stdout(sink(&stdout)).stderr(sink(&stderr));
        let child = command.spawn().unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        Self { child, name: name.to_owned(), stdout, stderr }
    }

    /// Runs `command` to its end; fails the test when it takes longer than `deadline`.
    #[must_use]
    pub fn finish(name: &str, folder: &Path, command: &mut Command, deadline: Duration) -> Finished {
        let mut process = Self::spawn(name, folder, command);
        let status = process.wait_exit(deadline);
        Finished { code: status.code(), stdout: process.stdout(), stderr: process.stderr() }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything on standard output so far.
    #[must_use]
    pub fn stdout(&self) -> Vec<u8> {
        fs::read(&self.stdout).unwrap_or_default()
    }

    /// Everything on standard error so far, as text.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }

    /// Where standard output goes.
    #[must_use]
    pub fn stdout_file(&self) -> &Path {
        &self.stdout
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Waits until a line of standard error begins with `begin`; fails when the program ends before.
    #[track_caller]
    pub fn wait_for_line(&mut self, begin: &str, deadline: Duration) -> String {
        let what = format!("the line `{begin}…` of {}", self.name);
        wait_for(deadline, &what, || {
            let text = self.stderr();
            let line = text.lines().find(|line| line.starts_with(begin)).map(str::to_owned);
            assert!(
                line.is_some() || self.is_running(),
                "{} ended without saying `{begin}…`:\n{text}",
                self.name
            );
            line
        })
    }

    /// Sends a signal; one that ended already does not mind.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // The child is not reaped while this value lives, so the id cannot belong to anyone else.
        let _ = kill_process(id.expect("a child has a process id"), signal);
    }

    /// Kills it without warning and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it where it stands, until [`Process::resume`].
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let file = format!("/proc/{}/stat", self.id());
        wait_until(Duration::from_secs(10), "the process to stand still", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
        });
    }

    /// Lets it go on after [`Process::freeze`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait_exit(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait_for(deadline, &what, || self.child.try_wait().ok().flatten())
    }

    /// Asks it to end, as a service manager does, and waits for that.
    #[track_caller]
    pub fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_exit(deadline)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = self.child.try_wait().ok().flatten();
        self.kill();
        if std::thread::panicking() {
            if let Some(status) = ended {
                eprintln!("── {} had ended before: {status} ──", self.name);
            }
            let text = self.stderr();
            let lines: Vec<&str> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(40)..];
            eprintln!("── last words of {} on standard error ──\n{}", self.name, last.join("\n"));
        }
    }
}

impl Finished {
    /// Standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as one JSON value.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}) on standard output of {self:?}"))
    }

    /// Fails unless the exit code is `code`.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        let text = String::from_utf8_lossy(&self.stdout);
        assert_eq!(self.code, Some(code), "\nstdout: {text}\nstderr: {}", self.stderr);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_code_are_kept() {
        let scratch = Scratch::in_memory("process");
        let done = Process::finish("sh", scratch.path(), &mut shell("echo out; echo err >&2; exit 3"), SOON);
        assert_eq!((done.code, done.text().as_str(), done.stderr.as_str()), (Some(3), "out\n", "err\n"));
    }

    #[test]
    fn a_dropped_process_is_dead_even_when_frozen() {
        let scratch = Scratch::in_memory("process");
        let mut process = Process::spawn("sh", scratch.path(), &mut shell("echo ready >&2; sleep 100"));
        process.wait_for_line("ready", SOON);
        let id = process.id();
        process.freeze();
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }
}
