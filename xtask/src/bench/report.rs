//! Medians as tables, and the page that keeps them.

use std::fmt::Write as _;
use std::fs;

use super::arguments::Arguments;
use super::sample::Sample;
use super::workload::Workload;
use crate::workspace::Workspace;

/// One Markdown table for each workload.
pub(crate) fn tables(samples: &[Sample]) -> String {
    let mut out = String::new();
    for workload in Workload::ALL {
        let ours: Vec<&Sample> = samples.iter().filter(|sample| sample.workload == workload).collect();
        if !ours.is_empty() {
            table(&mut out, workload, &ours);
        }
    }
    out
}

fn table(out: &mut String, workload: Workload, samples: &[&Sample]) {
    let mut peers: Vec<&str> = Vec::new();
    for sample in samples {
        if !peers.contains(&sample.peer.as_str()) {
            peers.push(&sample.peer);
        }
    }
    // Writing to a String cannot fail.
    let _ = writeln!(out, "### {}: {}\n", workload.name(), workload.title());
    let latency = workload == Workload::W2;
    let (last, dashes) =
        if latency { ("p50 µs | p99 µs", "--:|--:") } else { ("files/s | tail ms", "--:|--:") };
    let _ = writeln!(out, "| program | runs | missing | says so | CPU µs/file | {last} | peak MB |");
    let _ = writeln!(out, "|--|--:|--:|--|--:|{dashes}|--:|");
    for peer in peers {
        let runs: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.peer == peer).collect();
        let figure = |pick: fn(&Sample) -> f64| median(runs.iter().map(|sample| pick(sample)).collect());
        let (one, two) = if latency {
            (format!("{:.0}", figure(|s| s.p50_us)), format!("{:.0}", figure(|s| s.p99_us)))
        } else {
            (format!("{:.0}", figure(|s| s.rate)), format!("{:.1}", figure(|s| s.tail_ms)))
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.1} | {one} | {two} | {:.1} |",
            // A bar in a name would begin a new cell.
            peer.replace('|', "\\|"),
            runs.len(),
            missing(&runs),
            told(&runs),
            figure(|s| s.cpu_us),
            figure(|s| s.peak_mb)
        );
    }
    let _ = writeln!(out);
}

/// The range, where runs differ.
fn missing(runs: &[&Sample]) -> String {
    let least = runs.iter().map(|sample| sample.missing).min().unwrap_or(0);
    let most = runs.iter().map(|sample| sample.missing).max().unwrap_or(0);
    if least == most { most.to_string() } else { format!("{least}–{most}") }
}

fn told(runs: &[&Sample]) -> &'static str {
    let lost = runs.iter().any(|sample| sample.missing > 0);
    match (lost, runs.iter().all(|sample| sample.missing == 0 || sample.told)) {
        (false, _) => "",
        (true, true) => "yes",
        (true, false) => "no",
    }
}

/// The middle one; of an even number, the middle of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// Writes `BENCHMARKS.md`.
pub(crate) fn write(workspace: &Workspace, arguments: &Arguments, tables: &str) -> anyhow::Result<()> {
    let page = workspace.root.join("BENCHMARKS.md");
    // What is measured separately stays.
    let before = fs::read_to_string(&page).unwrap_or_default();
    let (_, products) = split(&before);
    let text = format!("{HEAD}\n## Figures\n\n{}\n\n{}\n{FOOT}", machine(arguments), tables.trim_end());
    fs::write(&page, join(&text, products))?;
    println!("wrote BENCHMARKS.md");
    Ok(())
}

/// Writes the section about data products into `BENCHMARKS.md` and leaves the rest of the page.
pub(crate) fn write_products(workspace: &Workspace, section: &str) -> anyhow::Result<()> {
    let page = workspace.root.join("BENCHMARKS.md");
    let before = fs::read_to_string(&page).unwrap_or_default();
    fs::write(&page, join(split(&before).0, section))?;
    println!("wrote the last section of BENCHMARKS.md");
    Ok(())
}

/// The heading of the section about data products, the last of the page.
pub(crate) const PRODUCTS: &str = "## Data products";

fn split(page: &str) -> (&str, &str) {
    page.find(&format!("\n{PRODUCTS}\n")).map_or((page, ""), |at| page.split_at(at + 1))
}

fn join(page: &str, section: &str) -> String {
    let page = page.trim_end();
    if section.is_empty() { format!("{page}\n") } else { format!("{page}\n\n{}\n", section.trim_end()) }
}

/// A sentence about the machine.
pub(crate) fn machine(arguments: &Arguments) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    format!(
        "Medians of {} interleaved runs, trees in `{}`; {cores} cores, Linux {}, load {load} at the end, \
         `max_queued_events` {}.",
        arguments.runs,
        arguments.folder.display(),
        read("/proc/sys/kernel/osrelease"),
        read("/proc/sys/fs/inotify/max_queued_events")
    )
}

const HEAD: &str = "# Benchmarks

Our program beside its peers, and beside what the kernel itself can give, under the same workloads.
This page is written by the command that measures:

```sh
cargo xtask bench --runs 5 --write
```

`cargo xtask bench w1 w6 --runs 3` looks at two workloads only, `--only 'ino-t,staithe watch'` at two
programs, `--fs /some/folder` at another file system, `--scale 10` at a tenth of the files.
`directory_observer` takes part when `STAITHE_BENCH_DIROBS` is the path of its script and
`STAITHE_BENCH_PYTHON` an interpreter that has its modules; `inotifywait` when it is installed.
The last section is measured by itself: `cargo xtask bench dlm --runs 3 --write`.
";

const FOOT: &str = "
## How to read them

- Only ratios within one table mean anything: all its programs ran in turn, on the same machine, beside the
  same other work. The runs are interleaved (A B C, A B C, …).
- *missing*: files that were written and never reported. *says so*: whether the program said on standard
  error that it had lost something; a silent loss is the worst kind.
- *CPU µs/file*: processor time of all threads of the program (of both programs, in `ino|rpush`), divided by
  the number of files. The Redis server's is not in it.
- *tail*: from the return of the last `close` to the last new file at the consumer.
- Under a burst, writers and readers share the cores: a program that uses more CPU slows the writers, so look
  at CPU for each file first and at files/s second.
- `ino-t` is a recursive inotify reader with a thread that only drains the kernel's queue, and prints paths:
  no completeness, no ledger, no identity. `ino|rpush` is the same with a second process that pushes the
  lines into Redis, as many at once as have come. They are in `xtask/src/bench`, and are the limits.
- `staithe watch` prints the whole event as JSON; `staithe run` has the ledger on.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_page_is_replaced_without_the_other() {
        let first = join("# Page\n\nold figures\n", "## Data products\n\nold table\n");
        assert_eq!(first, "# Page\n\nold figures\n\n## Data products\n\nold table\n");
        let (page, section) = split(&first);
        assert_eq!(join(page, "## Data products\n\nnew"), first.replace("old table", "new"));
        assert_eq!(join("# Page\n\nnew figures\n", section), first.replace("old figures", "new figures"));
        assert_eq!(split("# Page\n"), ("# Page\n", ""));
    }
}
