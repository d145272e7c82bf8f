//! Instructions for each file, counted by callgrind. On a noisy machine a time says little about a change of some per
//! cent; the number of instructions does.
//!
//! Each program is run with a small and with a large number of files. What the start and the end cost is in both, so that
//! the difference is what the files cost.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use toml::Table;

use super::arguments::Arguments;
use super::peers;
use super::running::Running;
use super::scratch::Scratch;
use super::writing::name;
use crate::shell;
use crate::workspace::Workspace;

/// Where the figures are kept.
const KEPT: &str = "bench/instructions.toml";
/// Fewer files, and more.
const FILES: (usize, usize) = (500, 2_500);
/// A deviation up to this part is not told.
const NOISE: f64 = 0.05;
/// callgrind makes everything fifty times slower.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is counted.
const COUNTED: [(&str, &str); 2] = [
    ("run", "`staithe run` from the arrival to the line in a `jsonl` file, ledger on"),
    ("hot-path", "the rule, the ledger and the event's bytes in one process (`bench/hot-path`)"),
];

/// Counts, compares with what is kept, and keeps it if that was asked for.
pub(crate) fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        shell::find("valgrind").is_some(),
        "valgrind is not installed (cargo xtask bench --install-peers)"
    );
    let ours = arguments.program(workspace)?;
    let hot = peers::built(workspace, "hot-path")?.context("bench/hot-path does not build")?;
    let kept: Table = workspace.read(KEPT).unwrap_or_default().parse().context(KEPT)?;
    let mut found = Vec::new();
    for (key, _) in COUNTED {
        let count = |files| match key {
            "run" => of_service(&ours, files, arguments),
            _ => of_program(&hot, files, arguments),
        };
        let each = count(FILES.1).and_then(|more| Ok((more - count(FILES.0)?) / (FILES.1 - FILES.0) as f64));
        match each {
            Ok(each) => {
                println!("{}", compared(key, each, kept.get(key).and_then(toml::Value::as_integer)));
                found.push((key, each));
            }
            Err(error) => eprintln!("{key}: {error:#}"),
        }
    }
    if arguments.write {
        fs::write(workspace.root.join(KEPT), text(&kept, &found))?;
        println!("wrote {KEPT}");
    }
    Ok(())
}

/// A figure beside the one that is kept.
fn compared(key: &str, each: f64, kept: Option<i64>) -> String {
    let Some(kept) = kept else {
        return format!("{key}: {each:.0} instructions for each file; none is kept");
    };
    let deviation = each / kept as f64 - 1.0;
    let verdict = match deviation {
        more if more > NOISE => "MORE THAN BEFORE",
        less if less < -NOISE => "less than before: keep it by --write",
        _ => "as before",
    };
    format!(
        "{key}: {each:.0} instructions for each file, kept {kept}, {:+.1} %: {verdict}",
        deviation * 100.0
    )
}

/// The file with the figures: those that were counted now, and the others as they were.
fn text(kept: &Table, found: &[(&str, f64)]) -> String {
    let mut out = String::from(
        "# Instructions for each file: `cargo xtask bench instructions`, which tells deviations.\n",
    );
    for (key, what) in COUNTED {
        let now = found.iter().find(|(name, _)| *name == key).map(|(_, each)| each.round() as i64);
        if let Some(each) = now.or_else(|| kept.get(key).and_then(toml::Value::as_integer)) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\n# {}\n{key} = {each}\n", what.replace('`', ""));
        }
    }
    out
}

/// The section of the page.
pub(crate) fn section(kept: &str) -> anyhow::Result<String> {
    let kept: Table = kept.parse().context(KEPT)?;
    let mut out = String::from(
        "## Instructions\n\nCounted by callgrind (`cargo xtask bench instructions`), which does not depend on what else the \
         machine does;\nkept in `bench/instructions.toml`, and a deviation of more than 5 % is told.\n\n\
         | what | instructions for each file |\n|--|--:|\n",
    );
    for (key, what) in COUNTED {
        let count = kept.get(key).and_then(toml::Value::as_integer);
        let shown = count.map_or("–".to_owned(), |count| count.to_string());
        let _ = writeln!(out, "| {what} | {shown} |");
    }
    Ok(out)
}

/// A program whose only argument beside a folder is the number of files.
fn of_program(program: &Path, files: usize, arguments: &Arguments) -> anyhow::Result<f64> {
    let scratch = Scratch::new(arguments)?;
    let (mut command, counts) = callgrind(program, &scratch);
    command.arg(&scratch.own).arg(files.to_string());
    let output = command.stdin(Stdio::null()).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    total(&counts)
}

/// The service, from its start to its end, with so many files in between.
fn of_service(program: &Path, files: usize, arguments: &Arguments) -> anyhow::Result<f64> {
    let scratch = Scratch::new(arguments)?;
    let (config, lines) = (scratch.own.join("staithe.toml"), scratch.own.join("events.jsonl"));
    let plan = format!(
        "[source.bench]\npath = \"{}\"\nrescan = \"0\"\n\n[sink.out]\ntype = \"jsonl\"\npath = \"{}\"\n",
        scratch.root.display(),
        lines.display()
    );
    fs::write(&config, plan)?;
    let (mut command, counts) = callgrind(program, &scratch);
    command.args(["run", "-c"]).arg(config).arg("--state-dir").arg(scratch.own.join("state"));
    let mut running = Running::start(command.stdout(Stdio::null()), &scratch.own)?;
    running.wait_ready(true)?;
    for file in 0..files {
        fs::write(scratch.root.join(name(file)), [b'x'; 100])?;
    }
    let deadline = Instant::now() + PATIENCE;
    let count = || fs::read_to_string(&lines).unwrap_or_default().lines().count();
    while count() < files {
        anyhow::ensure!(Instant::now() < deadline, "{} of {files} files came", count());
        std::thread::sleep(Duration::from_millis(200));
    }
    running.wait_still(Duration::from_millis(500), || 0);
    running.stop();
    total(&counts)
}

fn callgrind(program: &Path, scratch: &Scratch) -> (Command, PathBuf) {
    let counts = scratch.own.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", counts.display())).arg(program);
    (command, counts)
}

/// The sum that callgrind writes at the end of its file.
fn total(counts: &Path) -> anyhow::Result<f64> {
    let text = fs::read_to_string(counts).context("callgrind wrote nothing")?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    line.and_then(|count| count.trim().parse().ok()).context("callgrind wrote no total")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_beyond_the_noise_are_told() {
        assert!(compared("run", 104.0, Some(100)).ends_with("as before"));
        assert!(compared("run", 106.0, Some(100)).ends_with("MORE THAN BEFORE"));
        assert!(compared("run", 94.0, Some(100)).contains("less"));
        assert!(compared("run", 94.0, None).contains("none is kept"));
    }

    #[test]
    fn what_was_not_counted_now_stays() {
        let kept: Table = "run = 5\nhot-path = 7".parse().unwrap();
        let again: Table = text(&kept, &[("hot-path", 8.4)]).parse().unwrap();
        assert_eq!((again["run"].as_integer(), again["hot-path"].as_integer()), (Some(5), Some(8)));
        assert!(section("run = 5").unwrap().contains("| 5 |"));
    }
}
