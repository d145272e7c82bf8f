//! `cargo xtask proof`: the core of the reliability battery, and rows beside it. Runs their tests, collects the line of JSON
//! that each leaves, takes away the guarantee that each is there for and demands that it fails, and writes `docs/proof.md` from that.

mod arguments;
mod controls;
mod programs;
mod results;
mod rows;
mod table;
mod trial;

use arguments::{Arguments, Scope};
use rows::Row;

use crate::workspace::Workspace;
use crate::{Outcome, provision};

/// The page that is written.
const PAGE: &str = "docs/proof.md";

/// Runs what the arguments ask for.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<Outcome> {
    let arguments = Arguments::read(arguments)?;
    if arguments.list {
        return Ok(list());
    }
    anyhow::ensure!(provision::ensure()?, "what the tests need is not installed");
    let rows = arguments.chosen();
    let programs = programs::build(workspace, &rows)?;
    let mut good = true;
    let mut results = results::Results::default();
    if arguments.scope != Scope::Controls {
        good &= trial::all(&rows, &programs, &arguments, &mut results)?;
    }
    let mut controls = Vec::new();
    if arguments.scope != Scope::Rows {
        controls = controls::all(&rows, &programs)?;
        good &= controls.iter().all(controls::Verdict::is_good);
    }
    table::summary(&rows, &results, &controls);
    if arguments.write {
        anyhow::ensure!(arguments.is_whole(), "`--write` needs every row and every control");
        table::write(&workspace.root.join(PAGE), &results, &controls)?;
        println!("written: {PAGE}");
    }
    Ok(if good { Outcome::Passed } else { Outcome::Failed })
}

/// The part of `cargo xtask test`: every core test has left its line in `file`, and every control is noticed.
pub(crate) fn check(workspace: &Workspace, file: &std::path::Path) -> anyhow::Result<bool> {
    let rows: Vec<&Row> = rows::all().collect();
    let mut results = results::Results::default();
    results.read(file)?;
    let programs = programs::build(workspace, &rows)?;
    let controls = controls::all(&rows, &programs)?;
    table::summary(&rows, &results, &controls);
    // The page as this run would write it; the one in `docs/` is written on demand.
    table::write(&workspace.target()?.join("proof.md"), &results, &controls)?;
    let complete = rows.iter().all(|row| results.holds(row));
    Ok(complete && controls.iter().all(controls::Verdict::is_good))
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
