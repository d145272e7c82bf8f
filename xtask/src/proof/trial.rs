//! One test, by itself, as cargo would start it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::arguments::Arguments;
use super::programs::Programs;
use super::results::Results;
use super::rows::{Row, Test};
use crate::seed;
use crate::shell::Pulse;

/// How often a running test is looked at.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// How a test ended.
pub(super) struct Ended {
    /// Whether it passed; nothing when it was ended because it took too long.
    pub(super) passed: Option<bool>,
    /// Everything it printed.
    pub(super) said: String,
    pub(super) took: Duration,
}

impl Ended {
    /// Whether it said that this machine does not let the row's test show what it is there for (`testkit::proof::skip`).
    pub(super) fn has_skipped(&self, id: &str) -> bool {
        let begin = format!("SKIPPED {id}:");
        self.said.lines().any(|line| line.starts_with(&begin))
    }
}

/// Runs the tests of these rows, one after the other, and collects what they leave. Gives the rows that fail.
pub(super) fn all(
    rows: &[&'static Row],
    programs: &Programs,
    arguments: &Arguments,
    results: &mut Results,
) -> anyhow::Result<BTreeSet<&'static str>> {
    let file = tempfile::NamedTempFile::new()?;
    let mut failed = BTreeSet::new();
    for (number, row) in rows.iter().enumerate() {
        println!("{:>2} of {}: {} {}", number + 1, rows.len(), row.id, row.shows);
        let environment = [
            ("STAITHE_ROWS", file.path().to_string_lossy().into_owned()),
            ("STAITHE_LONG", u8::from(arguments.long).to_string()),
            // A test says what is wrong; where in the standard library it said so is of no use.
            ("RUST_BACKTRACE", "0".to_owned()),
        ];
        let limit = Duration::from_secs(if arguments.long { 6 * 3_600 } else { 600 });
        for test in row.tests() {
            let mut pulse = Pulse::default();
            let ended =
                run(programs, test, &environment, limit, |now| pulse.beat(now, || row.id.to_owned()))?;
            if ended.passed != Some(true) {
                failed.insert(row.id);
                println!("{}", ended.said);
            }
            let seed = seed::told(&ended.said).map_or(String::new(), |seed| format!(", seed {seed}"));
            println!("   {} after {:.1} s{seed}", word(ended.passed), ended.took.as_secs_f64());
        }
    }
    results.read(file.path())?;
    Ok(failed)
}

fn word(passed: Option<bool>) -> &'static str {
    match passed {
        Some(true) => "passed",
        Some(false) => "FAILED",
        None => "FAILED: did not end",
    }
}

/// Runs one test and waits for its end, at most so long. Meanwhile `look` is told how long it runs.
pub(super) fn run(
    programs: &Programs,
    test: Test,
    environment: &[(&str, String)],
    limit: Duration,
    mut look: impl FnMut(Duration),
) -> anyhow::Result<Ended> {
    let (program, folder) = programs.of(test)?;
    let output = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(&program);
    command.args(["--exact", test.name, "--nocapture"]).current_dir(&folder);
    command.env("CARGO_MANIFEST_DIR", &folder).envs(environment.iter().map(|(name, value)| (name, value)));
    // One open file for both streams: two would write over each other.
    let both = output.reopen()?;
    command.stdin(Stdio::null()).stdout(both.try_clone()?).stderr(both);
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if begun.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            break None;
        }
        look(begun.elapsed());
        std::thread::sleep(LOOK);
    };
    let said = read(output.path())?;
    anyhow::ensure!(!said.contains("running 0 tests"), "{} has no test {}", program.display(), test.name);
    Ok(Ended { passed: status.map(|status| status.success()), said, took: begun.elapsed() })
}

fn read(path: &Path) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}
