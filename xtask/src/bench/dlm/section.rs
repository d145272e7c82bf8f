//! The section of `BENCHMARKS.md` about data products.

use std::fmt::Write as _;

use super::backlog::Backlog;
use super::run::{ANSWER, Sample};
use crate::bench::figure::median;
use crate::bench::report::PRODUCTS;

/// What the recordings of the original say: its scenarios S01 (20 files at once) and S02 (a directory of 60 files),
/// and how long each took until its last request.
const RECORDED: [(&str, Backlog, f64); 2] = [
    ("original, recorded (S01)", Backlog { files: 20, directories: 0, members: 0 }, 26.0),
    ("original, recorded (S02)", Backlog { files: 0, directories: 1, members: 60 }, 16.2),
];

/// The time that the original would take: each file as in S01, each item of a directory as in S02.
fn original_seconds(backlog: Backlog) -> f64 {
    let [(_, files, of_files), (_, directory, of_directory)] = RECORDED;
    let each_file = of_files / files.files as f64;
    let each_item = of_directory / directory.items() as f64;
    backlog.files as f64 * each_file + (backlog.directories + backlog.children()) as f64 * each_item
}

/// The whole section.
pub(crate) fn section(samples: &[Sample], runs: usize, machine: &str) -> String {
    // Writing to a String cannot fail.
    let mut out = format!("{PRODUCTS}\n\n{machine}\n\n");
    let _ = writeln!(
        out,
        "`staithe compat dlm-watcher --include-existing` on a backlog, against the double of the four services, which \
         takes\n{} ms for each answer. Written by `cargo xtask bench dlm --runs {runs} --write`; `--scale 10` for a tenth.\n",
        ANSWER.as_millis()
    );
    out.push_str(
        "| program | files | directories | s | products/s | items/s | requests/s | CPU s | CPU µs/request | peak MB | \
         times the original |\n|--|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut peers: Vec<&str> = samples.iter().map(|sample| sample.peer.as_str()).collect();
    let mut seen = std::collections::HashSet::new();
    peers.retain(|peer| seen.insert(*peer));
    for peer in peers {
        let runs: Vec<&Sample> = samples.iter().filter(|sample| sample.peer == peer).collect();
        row(&mut out, &runs);
    }
    for (name, backlog, seconds) in RECORDED {
        let _ = writeln!(
            out,
            "| {name} | {} | {seconds:.1} | {:.1} | {:.1} | – | – | – | – | 1 |",
            work(backlog),
            backlog.products() as f64 / seconds,
            backlog.items() as f64 / seconds
        );
    }
    out.push_str(FOOT);
    out
}

fn row(out: &mut String, runs: &[&Sample]) {
    let Some(first) = runs.first() else { return };
    let figure = |pick: &dyn Fn(&Sample) -> f64| {
        median(runs.iter().map(|sample| pick(sample)).collect()).unwrap_or(f64::NAN)
    };
    let backlog = first.backlog;
    let _ = writeln!(
        out,
        "| {} | {} | {:.1} | {:.1} | {:.1} | {:.0} | {:.2} | {:.0} | {:.0} | {:.1} |",
        first.peer,
        work(backlog),
        figure(&|sample| sample.seconds),
        figure(&|sample| sample.rate(backlog.products())),
        figure(&|sample| sample.rate(backlog.items())),
        figure(&|sample| sample.rate(sample.requests)),
        figure(&|sample| sample.cpu_seconds),
        figure(&|sample| sample.cpu_seconds * 1e6 / sample.requests as f64),
        figure(&|sample| sample.peak_mb),
        figure(&|sample| original_seconds(backlog) / sample.seconds),
    );
}

fn work(backlog: Backlog) -> String {
    match (backlog.files, backlog.directories) {
        (files, 0) => format!("{files} | –"),
        (0, directories) => format!("– | {directories} of {}", backlog.members),
        (files, directories) => format!("{files} | {directories} of {}", backlog.members),
    }
}

const FOOT: &str = "
- The time runs from the program's start to the last answer that a product needs; it contains the start-up requests and
  the time without a change that a product must show. The questions what became of the copies go on afterwards.
- *times the original*: how long the original would take for the same work, at 1.3 s for each file (S01) and 0.27 s for
  each item of a directory (S02), divided by the time taken. It does one request at a time and sleeps a second after each
  product; the recordings were made on a two-core machine against the real services' answers.
- The original cannot be installed from the package registries. `--dlm-strict` is the same binary with the original's
  order, pauses and single connection for each request: a stand-in for its pace, not the original. In a directory
  it is faster than the recording: it imitates the pauses, not what else the original spends on a child.
- More requests at once than eight would be faster here; the real ingest service took 110 registrations/s from eight
  threads, so `parallel` is eight. Eight at 10 ms can make 800 requests/s at most.
- Processor time and memory are the program's, without the double's, which shares the two cores with it.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_needs_hours_for_the_whole_work() {
        let hours = original_seconds(Backlog::whole(1)) / 3600.0;
        assert!((4.3..4.5).contains(&hours), "{hours}");
    }

    #[test]
    fn a_table_has_a_row_for_each_program_and_the_recordings() {
        let sample = |peer: &str, seconds| Sample {
            peer: peer.to_owned(),
            backlog: Backlog::whole(10),
            seconds,
            requests: 5000,
            cpu_seconds: 1.0,
            peak_mb: 40.0,
        };
        let text = section(
            &[sample("a", 10.0), sample("b", 20.0), sample("a", 20.0), sample("a", 30.0)],
            3,
            "Two cores.",
        );
        assert!(text.starts_with("## Data products\n\nTwo cores.\n"));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert_eq!(rows.len(), 5, "{text}");
        assert!(
            rows[1].starts_with("| a | 1000 | 20 of 50 | 20.0 | 51.0 | 101.0 | 250 | 1.00 | 200 | 40 | ")
        );
        let columns: Vec<usize> = rows.iter().map(|row| row.matches('|').count()).collect();
        assert!(columns.iter().all(|count| *count == columns[0]), "{text}");
    }
}
