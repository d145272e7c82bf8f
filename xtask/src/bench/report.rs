//! Medians as tables, and the page that keeps them.

use std::fmt::Write as _;
use std::fs;

use super::arguments::Arguments;
use super::figure::{Figure, median};
use super::sample::Sample;
use super::workload::Workload;
use crate::workspace::Workspace;

/// One Markdown table for each workload.
pub(crate) fn tables(samples: &[Sample]) -> String {
    Workload::ALL.into_iter().map(|workload| table(samples, workload)).collect()
}

/// The table of one workload; empty if it was not measured.
pub(crate) fn table(samples: &[Sample], workload: Workload) -> String {
    let samples: Vec<&Sample> = samples.iter().filter(|sample| sample.workload == workload).collect();
    let mut programs: Vec<&str> = Vec::new();
    for sample in &samples {
        if !programs.contains(&sample.program.as_str()) {
            programs.push(&sample.program);
        }
    }
    if programs.is_empty() {
        return String::new();
    }
    let is_there = |figure: &Figure| samples.iter().any(|sample| sample.figure(*figure).is_some());
    let columns: Vec<Figure> = Figure::ALL.into_iter().filter(is_there).collect();
    let tells = columns.contains(&Figure::Missing);
    // Writing to a String cannot fail.
    let mut out = format!("### {}: {}\n\n| program | runs |", workload.name(), workload.title());
    for column in &columns {
        let _ = write!(out, " {} |", column.heading());
    }
    out.push_str(if tells { " says so |" } else { "" });
    let _ = write!(out, "\n|--|--:|{}{}\n", "--:|".repeat(columns.len()), if tells { "--|" } else { "" });
    for program in programs {
        let runs: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.program == program).collect();
        // A bar in a name would begin a new cell.
        let _ = write!(out, "| {} | {} |", program.replace('|', "\\|"), runs.len());
        for column in &columns {
            let _ = write!(out, " {} |", cell(&runs, *column));
        }
        if tells {
            let _ = write!(out, " {} |", told(&runs));
        }
        out.push('\n');
    }
    out.push('\n');
    out
}

/// The median; of what is missing, the range where runs differ.
fn cell(runs: &[&Sample], figure: Figure) -> String {
    let values: Vec<f64> = runs.iter().filter_map(|run| run.figure(figure)).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let differs = matches!(figure, Figure::Missing | Figure::MissingAtEnd) && most > least;
    match median(values) {
        None => String::new(),
        Some(_) if differs => format!("{}–{}", figure.shown(least), figure.shown(most)),
        Some(middle) => figure.shown(middle),
    }
}

fn told(runs: &[&Sample]) -> &'static str {
    let loses = |sample: &&Sample| sample.figure(Figure::Missing).is_some_and(|missing| missing > 0.0);
    let all = runs.iter().all(|sample| sample.told);
    match (runs.iter().any(loses), all) {
        (true, true) => "yes",
        (true, false) => "no",
        (false, true) => "(yes)",
        (false, false) => "",
    }
}

/// Writes the page; what is measured separately stays.
pub(crate) fn write(workspace: &Workspace, text: &str) -> anyhow::Result<()> {
    let page = workspace.root.join("BENCHMARKS.md");
    let before = fs::read_to_string(&page).unwrap_or_default();
    let (_, products) = split(&before);
    fs::write(&page, join(text, products))?;
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

/// How many threads wanted to run in the last minute.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// A sentence about the machine.
pub(crate) fn machine(arguments: &Arguments) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runs = match arguments.runs {
        1 => "One run of each".to_owned(),
        runs => format!("Medians of {runs} interleaved runs"),
    };
    format!(
        "{runs}, trees in `{}`; {cores} cores, Linux {}, load {:.2} at the end, \
         `max_queued_events` {}.",
        arguments.folder.display(),
        read("/proc/sys/kernel/osrelease"),
        load(),
        read("/proc/sys/fs/inotify/max_queued_events")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_columns_that_were_measured() {
        let sample = |program, missing, cpu| {
            Sample::new(Workload::W1, program).with(Figure::Missing, missing).with(Figure::CpuUs, cpu)
        };
        let mut told = sample("b|c", 7.0, 9.0);
        told.told = true;
        let samples = [sample("a", 0.0, 3.0), sample("a", 0.0, 5.0), sample("b|c", 5.0, 8.0), told];
        let lines: Vec<String> = tables(&samples).trim_end().lines().skip(2).map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "| program | runs | missing | CPU µs/file | says so |",
                "|--|--:|--:|--:|--|",
                "| a | 2 | 0 | 4.0 |  |",
                "| b\\|c | 2 | 5–7 | 8.5 | no |",
            ]
        );
        assert_eq!(table(&samples, Workload::W2), "");
    }

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
