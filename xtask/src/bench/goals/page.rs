//! The page: the goals with what was reached, the figures behind them, and how to read them.

use std::fmt::Write as _;

use super::check::{Bound, Check, Measure, Reached};
use super::list::{CHECKS, GOALS};
use crate::bench::sample::Sample;
use crate::bench::workload::Workload;
use crate::bench::{instructions, plots, report};

/// The table of the goals.
pub(crate) fn goals(samples: &[Sample]) -> String {
    let mut out = String::new();
    let mut kept = 0;
    for (goal, about) in GOALS {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n**{goal}**: {about}\n\n{COLUMNS}");
        for check in CHECKS.iter().filter(|check| check.goal == *goal) {
            let reached = check.reached(samples);
            kept += usize::from(reached.is_some_and(|reached| check.bound.holds(reached.value)));
            let _ = writeln!(out, "{}", row(check, reached, samples));
        }
    }
    format!("{kept} of {} demands are met.\n{out}", CHECKS.len())
}

const COLUMNS: &str = "\
| demand | workload | wanted | reached | in the rounds | ours | beside it | |
|--|--|--:|--:|--:|--:|--|--|";

fn row(check: &Check, reached: Option<Reached>, samples: &[Sample]) -> String {
    let workload = check.looked_at().map_or("", |(workload, _)| workload.name());
    let beside = check.beside(samples).unwrap_or_default().replace('|', "\\|");
    let says = match check.measure {
        Measure::Ratio(..) => format!("{}, beside {beside}", check.says),
        _ => check.says.to_owned(),
    };
    let wanted = match check.bound {
        Bound::AtMost(most) => format!("≤ {most}"),
        Bound::AtLeast(least) => format!("≥ {least}"),
    };
    let Some(reached) = reached else {
        return format!("| {says} | {workload} | {wanted} | – | | | | not measured |");
    };
    let (least, most) = reached.range;
    let range = if least < most { format!("{} – {}", short(least), short(most)) } else { String::new() };
    let verdict = if check.bound.holds(reached.value) { "met" } else { "**not met**" };
    let other = reached.beside.map_or(String::new(), |value| format!("{} {beside}", check.shown(value)));
    format!(
        "| {says} | {workload} | {wanted} | {} | {range} | {} | {other} | {verdict} |",
        short(reached.value),
        check.shown(reached.ours)
    )
}

/// With three digits, as far as they mean something.
fn short(value: f64) -> String {
    match value.abs() {
        zero if zero < 1e-9 => "0".to_owned(),
        small if small < 0.1 => format!("{value:.4}"),
        medium if medium < 10.0 => format!("{value:.2}"),
        large if large < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Everything up to the section about data products.
///
/// `counted` and `bounds` are what is kept beside the benchmarks: instructions, and what is said about the goals by hand.
pub(crate) fn page(samples: &[Sample], machine: &str, counted: &str, bounds: &str) -> anyhow::Result<String> {
    let mut out = format!("{HEAD}\n## Goals\n\n{machine}\n{}\n\n{}", GOALS_SAY.trim(), plots::image("goals"));
    let _ = write!(out, "\n{}\n## Figures\n", goals(samples));
    for workload in Workload::ALL {
        let table = report::table(samples, workload);
        let images: String = plots::of(workload).iter().map(|name| plots::image(name)).collect();
        let _ = write!(out, "\n{}{}", table.trim_end(), if images.is_empty() { "\n" } else { "\n\n" });
        out.push_str(&images);
    }
    let _ = write!(out, "\n{}\n{}\n{FOOT}", instructions::section(counted)?, bounds);
    Ok(out)
}

const HEAD: &str = "# Benchmarks

Our program beside its peers, and beside what the kernel itself can give, under the same workloads.
This page and its plots are written by the command that measures:

```sh
cargo xtask bench --install-peers        # once: what ours is compared with
cargo xtask bench goals --runs 3 --write
```

`cargo xtask bench w1 w6 --runs 5` looks at two workloads only and with more programs, `--only 'ino-t,staithe watch'` at
two programs, `--fs /some/folder` at another file system, `--scale 20` at a twentieth of the files. `bench instructions`
counts instructions, and the last section is measured by itself: `cargo xtask bench dlm --runs 3 --write`.
`directory_observer` itself takes part when `STAITHE_BENCH_DIROBS` is the path of its script, or when that lies in
`target/bench-original`; no package registry has it.
";

const GOALS_SAY: &str = "
The goals were set before the program was written, from what the peers and the kernel reach on such a machine. *reached* is
the median of the ratios within each round, or of ours by itself; where something must never happen, the worst round.
*ours* and *beside it* are medians of the figures themselves.";

const FOOT: &str = "## How to read them

- Only ratios within one run mean anything: all programs ran in turn, on the same machine, beside the same other
  work, workload by workload and round by round. `w1-big`, `w1-stall5`, `w3`, `w5`, `w7`, `w7-poll` and `push`
  were run in the first round only.
- *missing*: files that were written and never reported. *says so*: whether the program said on standard
  error that it had lost something (in brackets: it said so, and brought them all); a silent loss is the worst kind.
- *CPU µs/file*: processor time of all threads of the program (of both programs, in `ino|rpush`), divided by
  the number of files that it reported. The Redis server's is not in it.
- *tail*: from the return of the last `close` to the last new file at the consumer.
- *grown B/file*: the most memory less that before the first file, for each file; what a program remembers of each file
  is in it, not only its backlog.
- Under a burst, writers and readers share the cores: a program that uses more CPU slows the writers, so look
  at CPU for each file first and at files/s second.
- `ino-t` and `fan-t` are readers of inotify and of a fanotify mark with a thread that only drains the kernel's queue; they
  print paths: no completeness, no ledger, no identity. `ino|rpush` is the first with a second process that pushes the
  lines into Redis, as many at once as have come. `stat-1` looks at each entry of a tree, `dirs-1` at each directory. They
  are in `xtask/src/bench` and `bench/fan-peer`, and are the limits.
- `observer stand-in` does for each event what directory_observer is described to do (one `LPUSH`, two `signal`, two `alarm`,
  a line of log), in Python with `pyinotify` and `redis-py`; it is not the original. Both announce a file when it is
  *created*, so that their latency from its close can be below zero, which counts as zero.
- `staithe watch` prints the whole event as JSON; `staithe run` has the ledger on; *power* flushes each commit to a disk.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::figure::Figure;

    #[test]
    fn a_demand_stands_with_what_was_reached_and_what_beside() {
        let sample = |program, cpu| {
            let mut sample = Sample::new(Workload::W1, program).with(Figure::CpuUs, cpu);
            sample.round = 1;
            sample
        };
        let text = goals(&[sample("staithe watch", 8.0), sample("ino-t", 4.0)]);
        let line = "| CPU, inotify, beside ino-t | w1 | ≤ 1.5 | 2.00 |  | 8.0 | 4.0 ino-t | **not met** |";
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(text.contains("not measured"), "{text}");
    }

    #[test]
    fn figures_are_short() {
        let shown = [0.0, 0.02544, 0.5, 12.34, 25_432.1].map(short);
        assert_eq!(shown, ["0", "0.0254", "0.50", "12.3", "25432"]);
    }
}
