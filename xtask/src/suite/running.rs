//! The tests themselves: every test program of the workspace, in two lanes.
//!
//! `cargo test --workspace` names and builds them, so that a new one is run without a word here. It calls us for each
//! of them ([`program`](super::program)), which gives it the threads that suit it ([`pace`](super::pace)).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::pace;
use super::program::{self, Lane};
use crate::shell;
use crate::workspace::Workspace;

/// So many of the slowest programs are named.
const NAMED: usize = 12;

/// Where core tests leave their lines (`testkit::proof::Row`): a new, empty file.
pub(super) fn rows(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let path = workspace.target()?.join("test-rows");
    std::fs::write(&path, b"").with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}

/// Runs all tests; `ourselves` is the path of this program from before anything was built.
pub(super) fn run(workspace: &Workspace, ourselves: &Path, rows: &Path) -> anyhow::Result<bool> {
    let times = program::times(&workspace.target()?)?;
    let beside = start_beside(workspace, &program::runner(ourselves, Lane::Beside, &times)?, rows);
    let mut main = workspace.cargo();
    main.args(["--config", &program::runner(ourselves, Lane::Main, &times)?]);
    main.args(["test", "--workspace", "--no-fail-fast"]).env("STAITHE_ROWS", rows);
    let passed = shell::passes(&mut main);
    let beside_passed = finish_beside(beside);
    println!("\nslowest programs:");
    for (seconds, name) in program::slowest(&times, NAMED) {
        println!("{seconds:>8.1} s  {name}");
    }
    Ok(passed? && beside_passed?)
}

/// Starts the programs that run beside the others. They yield to them: those measure time.
fn start_beside(workspace: &Workspace, runner: &str, rows: &Path) -> JoinHandle<std::io::Result<Output>> {
    let mut command = yielding(&workspace.cargo());
    // Also the whole workspace, because of its features: a part would be built anew.
    command.args(["--config", runner, "test", "--workspace", "--no-fail-fast"]).env("STAITHE_ROWS", rows);
    for name in pace::beside() {
        command.args(["--test", name]);
    }
    std::thread::spawn(move || command.output())
}

/// One of our own tasks while another runs, which leaves the cores idle for most of its time.
pub(super) struct Meanwhile(JoinHandle<std::io::Result<(Output, Duration)>>);

impl Meanwhile {
    /// Starts the task. Its output is kept until the end, so that it does not run into that of others.
    pub(super) fn start(workspace: &Workspace, ourselves: &Path, task: &'static str) -> Self {
        let mut command = Command::new(ourselves);
        command.current_dir(&workspace.root).arg(task);
        let mut command = yielding(&command);
        Self(std::thread::spawn(move || {
            let begun = Instant::now();
            command.output().map(|output| (output, begun.elapsed()))
        }))
    }

    /// Waits for its end and shows what it said; gives whether it passed, and how long it took.
    pub(super) fn finish(self) -> anyhow::Result<(bool, Duration)> {
        let ended = self.0.join().map_err(|_| anyhow::anyhow!("the thread of another task has panicked"))?;
        let (output, took) = ended.context("failed to start another task")?;
        show(&output);
        Ok((output.status.success(), took))
    }
}

/// The same command, which leaves the cores to others. Also in the same environment: another one would have build scripts run anew.
fn yielding(command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "5"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        nice.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    nice
}

/// Waits for them and shows what they said, in one piece.
fn finish_beside(beside: JoinHandle<std::io::Result<Output>>) -> anyhow::Result<bool> {
    let output = beside.join().map_err(|_| anyhow::anyhow!("the second lane has panicked"))?;
    let output = output.context("failed to start the second lane")?;
    println!("\n── beside the others ──");
    show(&output);
    Ok(output.status.success())
}

fn show(output: &Output) {
    for text in [&output.stderr, &output.stdout] {
        println!("{}", String::from_utf8_lossy(text).trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_yields_is_started_as_the_others_are() {
        let mut command = Command::new("cargo");
        command.current_dir("/").args(["test"]).env("ASKED", "1").env_remove("UNWANTED");
        let nice = yielding(&command);
        assert_eq!((nice.get_program(), nice.get_current_dir()), ("nice".as_ref(), Some(Path::new("/"))));
        assert_eq!(nice.get_args().collect::<Vec<_>>(), ["-n", "5", "cargo", "test"]);
        let environment: Vec<_> = nice.get_envs().collect();
        assert_eq!(environment, [("ASKED".as_ref(), Some("1".as_ref())), ("UNWANTED".as_ref(), None)]);
    }
}
