//! One test program: cargo calls this in its place, with the program and its arguments.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::pace;
use crate::Outcome;
use crate::workspace::Workspace;

/// Which programs of a run are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Those that run one after the other.
    Main,
    /// Those that run beside them.
    Beside,
}

impl Lane {
    const fn word(self) -> &'static str {
        match self {
            Lane::Main => "main",
            Lane::Beside => "beside",
        }
    }
}

/// What cargo is told so that it calls us for each test program.
pub(super) fn runner(ourselves: &Path, lane: Lane, times: &Path) -> anyhow::Result<String> {
    let words = [ourselves.to_str(), Some("test-program"), Some(lane.word()), times.to_str()];
    let words: Option<Vec<String>> = words.into_iter().map(|word| Some(format!("{:?}", word?))).collect();
    let words = words.context("the checkout's path is not UTF-8")?;
    Ok(format!("target.'cfg(unix)'.runner = [{}]", words.join(", ")))
}

/// Runs one test program with as many threads as suit it, and notes how long it took.
pub(crate) fn run(_: &Workspace, arguments: &[String]) -> anyhow::Result<Outcome> {
    let [lane, times, program, rest @ ..] = arguments else {
        anyhow::bail!("it is called by cargo: LANE FILE PROGRAM ARGUMENTS…");
    };
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let name = name(Path::new(program));
    if pace::is_beside(&package, &name) != (lane == Lane::Beside.word()) {
        println!("{package}/{name} runs beside the others");
        return Ok(Outcome::Passed);
    }
    let mut command = Command::new(program);
    command.args(rest);
    let threads = pace::threads(&package, &name);
    if let Some(threads) = threads {
        command.env("RUST_TEST_THREADS", threads.to_string());
    }
    let begun = Instant::now();
    let status = command.status().with_context(|| format!("failed to start {program}"))?;
    note(Path::new(times), begun.elapsed(), &package, &name)?;
    if let (false, Some(threads)) = (status.success(), threads) {
        println!("{package}/{name} ran with {threads} threads ({status})");
    }
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}

/// A program's name without the hash that cargo appends.
fn name(program: &Path) -> String {
    let stem = program.file_stem().unwrap_or_default().to_string_lossy();
    stem.rsplit_once('-').map_or(&*stem, |(name, _)| name).to_owned()
}

fn note(times: &Path, took: Duration, package: &str, name: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(times)?;
    // One write: two lanes append to the same file.
    Ok(file.write_all(format!("{:.1} {package}/{name}\n", took.as_secs_f64()).as_bytes())?)
}

/// The programs that took longest, the slowest first.
pub(super) fn slowest(times: &Path, most: usize) -> Vec<(f64, String)> {
    let text = std::fs::read_to_string(times).unwrap_or_default();
    let line = |line: &str| {
        let (took, name) = line.split_once(' ')?;
        Some((took.parse().ok()?, name.to_owned()))
    };
    let mut all: Vec<(f64, String)> = text.lines().filter_map(line).collect();
    all.sort_by(|one, two| two.0.total_cmp(&one.0));
    all.truncate(most);
    all
}

/// Where the times of a run are noted: a new, empty file.
pub(super) fn times(target: &Path) -> anyhow::Result<PathBuf> {
    let path = target.join("test-times");
    std::fs::write(&path, b"").with_context(|| format!("failed to write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_without_its_hash() {
        assert_eq!(name(Path::new("/t/debug/deps/dlm_watcher-1e3d9b38c84345a6")), "dlm_watcher");
        assert_eq!(name(Path::new("/t/doctest/rust_out")), "rust_out");
    }

    #[test]
    fn cargo_is_told_in_its_own_language() {
        let told = runner(Path::new("/a \"b\"/xtask"), Lane::Beside, Path::new("/t/times")).unwrap();
        let told: toml::Table = toml::from_str(&told).unwrap();
        let words = told["target"]["cfg(unix)"]["runner"].as_array().unwrap();
        let words: Vec<&str> = words.iter().filter_map(toml::Value::as_str).collect();
        assert_eq!(words, ["/a \"b\"/xtask", "test-program", "beside", "/t/times"]);
    }

    #[test]
    fn what_two_lanes_noted_is_sorted() {
        let scratch = tempfile::tempdir().unwrap();
        let times = times(scratch.path()).unwrap();
        for (seconds, name) in [(3, "a"), (61, "b"), (7, "c")] {
            note(&times, Duration::from_secs(seconds), "p", name).unwrap();
        }
        assert_eq!(slowest(&times, 2), [(61.0, "p/b".to_owned()), (7.0, "p/c".to_owned())]);
    }
}
