//! Running the targets, two at a time, and telling what they did.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::shell::{self, Pulse};
use crate::workspace::Workspace;

/// What every run begins with: a folder for each target.
const CORPUS: &str = "fuzz/corpus";
/// Tells the program which target it is.
const TARGET: &str = "STAITHE_FUZZ_TARGET";
/// So many run at the same time.
const LANES: usize = 2;
/// No input may take longer than so many seconds…
const SLOWEST: u32 = 10;
/// …or make the program larger than so many megabytes.
const LARGEST: u32 = 1_024;
/// Whatever reads more bytes than this reads them in pieces.
const LONGEST: u32 = 8_192;
/// How often it is looked whether they have ended.
const LOOK: Duration = Duration::from_millis(50);
/// So many of the last lines of a failed run are shown.
const SHOWN: usize = 40;

/// What one target did.
struct Ended {
    target: String,
    good: bool,
    executions: u64,
    a_second: u64,
    said: String,
}

/// The targets: each has a folder in the corpus.
pub(super) fn targets(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let corpus = workspace.root.join(CORPUS);
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(&corpus).with_context(|| format!("failed to read {}", corpus.display()))? {
        targets.push(entry?.file_name().to_string_lossy().into_owned());
    }
    targets.sort();
    Ok(targets)
}

/// Runs them for so long, all together. False when one has found something.
pub(super) fn run(
    workspace: &Workspace,
    program: &Path,
    targets: &[String],
    seconds: Duration,
) -> anyhow::Result<bool> {
    let lanes = LANES.min(targets.len()).max(1);
    let each = (seconds * lanes as u32 / targets.len().max(1) as u32).as_secs().max(1);
    let word = if targets.len() == 1 { "target" } else { "targets" };
    println!("\n{} {word} for {each} s each, {lanes} at a time", targets.len());
    let finished = AtomicUsize::new(0);
    let queue = Mutex::new(targets.iter().cloned().collect::<VecDeque<String>>());
    let lane = || -> anyhow::Result<Vec<Ended>> {
        let mut ended = Vec::new();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(target) = next else { return Ok(ended) };
            ended.push(feed(workspace, program, target, each)?);
            finished.fetch_add(1, Ordering::Relaxed);
        }
    };
    let mut all = Vec::new();
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        let begun = Instant::now();
        let mut pulse = Pulse::default();
        while !lanes.iter().all(ScopedJoinHandle::is_finished) {
            std::thread::sleep(LOOK);
            let ended = || format!("{} of {} have ended", finished.load(Ordering::Relaxed), targets.len());
            pulse.beat(begun.elapsed(), ended);
        }
        for lane in lanes {
            all.extend(lane.join().map_err(|_| anyhow::anyhow!("a lane has panicked"))??);
        }
        Ok(())
    })?;
    all.sort_by(|one, other| one.target.cmp(&other.target));
    tell(&all);
    Ok(all.iter().all(|ended| ended.good))
}

/// Feeds one target.
fn feed(workspace: &Workspace, program: &Path, target: String, seconds: u64) -> anyhow::Result<Ended> {
    let folder = workspace.target()?.join("fuzz");
    let (grown, found) = (folder.join("grown").join(&target), folder.join("found").join(&target));
    for folder in [&grown, &found] {
        std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    }
    let mut command = Command::new(program);
    command.env(TARGET, &target).env("RUST_BACKTRACE", "1").current_dir(&folder);
    command.arg(&grown).arg(workspace.root.join(CORPUS).join(&target));
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={SLOWEST}"));
    command.arg(format!("-rss_limit_mb={LARGEST}")).arg(format!("-max_len={LONGEST}"));
    command.arg(format!("-artifact_prefix={}/", found.display())).arg("-print_final_stats=1");
    if let Ok(seed) = std::env::var("STAITHE_SEED") {
        command.arg(format!("-seed={seed}"));
    }
    let output = command.output().with_context(|| format!("failed to start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let number = |name: &str| statistic(&said, name);
    let (executions, a_second) = (number("number_of_executed_units"), number("average_exec_per_sec"));
    Ok(Ended { target, good: output.status.success(), executions, a_second, said })
}

/// `stat::average_exec_per_sec:     123`.
fn statistic(said: &str, name: &str) -> u64 {
    let line =
        said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

fn tell(all: &[Ended]) {
    println!("\n{:<12} {:>12} {:>10}", "target", "executions", "a second");
    for Ended { target, good, executions, a_second, .. } in all {
        let word = if *good { "" } else { "  FAILED" };
        println!("{target:<12} {executions:>12} {a_second:>10}{word}");
    }
    let total: u64 = all.iter().map(|ended| ended.executions).sum();
    println!("{:<12} {total:>12}", "all");
    for ended in all.iter().filter(|ended| !ended.good) {
        let lines: Vec<&str> = ended.said.lines().collect();
        println!("\n── {} ──\n{}", ended.target, lines[lines.len().saturating_sub(SHOWN)..].join("\n"));
        match written(&ended.said) {
            Some(file) => println!("replay: cargo xtask fuzz --replay {} {}", ended.target, file.display()),
            None => println!("it left no input behind"),
        }
    }
}

/// The file with the input that was found.
fn written(said: &str) -> Option<PathBuf> {
    said.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, file)| file.trim().into())
}

/// Feeds one file.
pub(super) fn replay(program: &Path, target: &str, file: &Path) -> anyhow::Result<bool> {
    let good = shell::passes(Command::new(program).env(TARGET, target).env("RUST_BACKTRACE", "1").arg(file))?;
    if good {
        println!("{target}: nothing wrong with {}", file.display());
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_and_inputs_are_found_in_what_it_says() {
        let said = "artifact_prefix='x/'; Test unit written to x/crash-1\nstat::number_of_executed_units: 66\n\
            stat::average_exec_per_sec:     22\n";
        assert_eq!(statistic(said, "number_of_executed_units"), 66);
        assert_eq!(statistic(said, "average_exec_per_sec"), 22);
        assert_eq!(statistic(said, "peak_rss_mb"), 0);
        assert_eq!(written(said), Some("x/crash-1".into()));
    }
}
