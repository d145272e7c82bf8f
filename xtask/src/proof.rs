//! `cargo xtask proof`: the core of the reliability battery, and rows beside it. Runs their tests, collects the line of JSON
//! that each leaves, takes away the guarantee that each is there for and demands that it fails, and writes `docs/proof.md` from that.

mod arguments;
mod controls;
mod programs;
mod results;
mod rows;
mod table;
mod trial;

use std::collections::BTreeSet;

use arguments::{Arguments, Question, Scope};
use results::Results;
use rows::Row;

use crate::workspace::Workspace;
use crate::{Outcome, provision, seed};

/// The page that is written.
const PAGE: &str = "docs/proof.md";

/// Runs what the arguments ask for.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<Outcome> {
    let arguments = Arguments::read(arguments)?;
    match arguments.question {
        Some(Question::Help) => {
            println!("{}", arguments::USE);
            return Ok(Outcome::Passed);
        }
        Some(Question::List) => return Ok(list()),
        None => {}
    }
    seed::asked()?;
    anyhow::ensure!(provision::ensure()?, "what the tests need is not installed");
    let rows = arguments.chosen();
    let programs = programs::build(workspace, &rows)?;
    let mut results = Results::default();
    let mut failed = BTreeSet::new();
    if arguments.scope != Scope::Controls {
        failed = trial::all(&rows, &programs, &arguments, &mut results)?;
        failed.extend(without_proof(&rows, &results));
    }
    let mut controls = Vec::new();
    if arguments.scope != Scope::Rows {
        controls = controls::all(&rows, &failed, &programs)?;
    }
    table::summary(&rows, &failed, &results, &controls);
    if arguments.write {
        anyhow::ensure!(arguments.is_whole(), "`--write` needs every row and every control");
        table::write(&workspace.root.join(PAGE), &results, &controls)?;
        println!("written: {PAGE}");
    }
    Ok(if told(&failed, &controls) { Outcome::Passed } else { Outcome::Failed })
}

/// The rows of which no test has left a line, or one with a loss.
fn without_proof(rows: &[&'static Row], results: &Results) -> BTreeSet<&'static str> {
    rows.iter().filter(|row| !results.holds(row)).map(|row| row.id).collect()
}

/// Whether all went well; if not, the last line says what did not.
fn told(failed: &BTreeSet<&'static str>, controls: &[controls::Verdict]) -> bool {
    let line = table::failures(failed, controls);
    if let Some(line) = &line {
        println!("{line}");
    }
    line.is_none()
}

/// The part of `cargo xtask test`: every core test has left its line in `file`, and every control is noticed.
pub(crate) fn check(workspace: &Workspace, file: &std::path::Path) -> anyhow::Result<bool> {
    let rows: Vec<&'static Row> = rows::all().collect();
    let mut results = Results::default();
    results.read(file)?;
    let programs = programs::build(workspace, &rows)?;
    let failed = without_proof(&rows, &results);
    let controls = controls::all(&rows, &failed, &programs)?;
    table::summary(&rows, &failed, &results, &controls);
    // The page as this run would write it; the one in `docs/` is written on demand.
    table::write(&workspace.target()?.join("proof.md"), &results, &controls)?;
    Ok(told(&failed, &controls))
}

fn list() -> Outcome {
    for row in rows::all() {
        println!("{:<4} {} ({}/{} {})", row.id, row.shows, row.test.package, row.test.program, row.test.name);
        for control in row.controls {
            println!("     without {}: “{}”", control.without, control.says);
        }
    }
    Outcome::Passed
}
