//! `cargo xtask test`: the one command that shows whether everything holds, on a machine that
//! had only the Rust toolchain before.

mod pace;
pub(crate) mod program;
mod running;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::workspace::Workspace;
use crate::{Outcome, deny, docs, proof, provision, shell, tidy};
use running::Meanwhile;

/// How one part ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Result {
    Passed,
    Failed,
    /// Not run, because this machine lacks a component; an error where `CI` is set.
    Skipped,
}

/// One line of the summary.
struct Line {
    name: &'static str,
    result: Result,
    took: Duration,
}

/// One part of the run.
struct Part {
    name: &'static str,
    run: fn(&Workspace) -> anyhow::Result<Result>,
}

/// Cheap parts first, so that a slip shows within a minute; the tests come last.
const PARTS: &[Part] = &[
    Part { name: "needs", run: |_| Ok(Result::from(provision::ensure()?)) },
    Part { name: "python", run: |_| environments() },
    Part { name: "format", run: format },
    Part { name: "tidy", run: |workspace| Ok(Result::from(tidy::run(workspace, &[])? == Outcome::Passed)) },
    Part { name: "deny", run: |workspace| Ok(Result::from(deny::run(workspace, &[])? == Outcome::Passed)) },
    Part { name: "clippy", run: clippy },
    Part { name: "build", run: |workspace| cargo(workspace, &["test", "--workspace", "--no-run"]) },
    Part { name: "docs", run: |workspace| docs::check(workspace).map(Result::from) },
];

impl From<bool> for Result {
    fn from(good: bool) -> Self {
        if good { Result::Passed } else { Result::Failed }
    }
}

/// Runs every part, also after one has failed, and prints what each took.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<Outcome> {
    anyhow::ensure!(arguments.is_empty(), "`test` takes no arguments");
    let strict = std::env::var_os("CI").is_some();
    // Before anything is built: a build may replace us, and the path of what was replaced is none.
    let ourselves = std::env::current_exe()?;
    let begun = Instant::now();
    let mut lines: Vec<Line> =
        PARTS.iter().map(|part| measure(part.name, || (part.run)(workspace))).collect();
    let rows = running::rows(workspace)?;
    lines.push(measure("tests", || running::run(workspace, &ourselves, &rows).map(Result::from)));
    // The controls wait, the fuzzer computes: together they take as long as one of them.
    let fuzzing = Meanwhile::start(workspace, &ourselves, "fuzz");
    lines.push(measure("proof", || proof::check(workspace, &rows).map(Result::from)));
    lines.push(finish("fuzz", fuzzing));
    summarise(&lines, begun.elapsed());
    let good =
        lines.iter().all(|line| line.result == Result::Passed || (line.result == Result::Skipped && !strict));
    Ok(if good { Outcome::Passed } else { Outcome::Failed })
}

/// Runs one part and says what it took.
fn measure(name: &'static str, part: impl FnOnce() -> anyhow::Result<Result>) -> Line {
    println!("\n── {name} ──");
    let begun = Instant::now();
    let result = part().unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        Result::Failed
    });
    Line { name, result, took: begun.elapsed() }
}

/// Waits for a part that ran beside another; what it took is counted from its own start.
fn finish(name: &'static str, part: Meanwhile) -> Line {
    println!("\n── {name} ──");
    let (good, took) = part.finish().unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        (false, Duration::ZERO)
    });
    Line { name, result: Result::from(good), took }
}

fn format(workspace: &Workspace) -> anyhow::Result<Result> {
    if !component(workspace, "fmt", "rustfmt") {
        return Ok(Result::Skipped);
    }
    cargo(workspace, &["fmt", "--all", "--check"])
}

fn clippy(workspace: &Workspace) -> anyhow::Result<Result> {
    if !component(workspace, "clippy", "clippy") {
        return Ok(Result::Skipped);
    }
    cargo(workspace, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// The Python environments that tests use, made before them so that none waits for one.
fn environments() -> anyhow::Result<Result> {
    testkit::python::prepare(|line| println!("{line}")).map_err(anyhow::Error::msg)?;
    Ok(Result::Passed)
}

/// Whether a component of the toolchain is there, after trying to add it: a minimal installation lacks it.
fn component(workspace: &Workspace, subcommand: &str, name: &str) -> bool {
    let present = || shell::works(workspace.cargo().args([subcommand, "--version"]));
    if present() {
        return true;
    }
    let added = shell::passes(Command::new("rustup").args(["component", "add", name]));
    let there = added.unwrap_or(false) && present();
    if !there {
        println!("`cargo {subcommand}` is not installed; `rustup component add {name}` installs it");
    }
    there
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> anyhow::Result<Result> {
    shell::passes(workspace.cargo().args(arguments)).map(Result::from)
}

/// Two parts may overlap: the whole is less than their sum.
fn summarise(lines: &[Line], total: Duration) {
    println!("\n── summary ──");
    for line in lines {
        let word = match line.result {
            Result::Passed => "ok",
            Result::Failed => "FAILED",
            Result::Skipped => "skipped",
        };
        println!("{:<8} {word:<8} {:>7.1} s", line.name, line.took.as_secs_f64());
    }
    let failed = lines.iter().filter(|line| line.result == Result::Failed).count();
    println!(
        "{:<8} {:<8} {:>7.1} s",
        "total",
        if failed == 0 { "ok" } else { "FAILED" },
        total.as_secs_f64()
    );
}
