//! The goals: all that they speak of, measured in one interleaved run, and what of them was reached.

mod check;
mod list;
mod page;

use super::arguments::Arguments;
use super::rounds::{self, Measured};
use super::sample::Sample;
use super::svg::{Bar, Tone};
use super::{plots, report};
use crate::workspace::Workspace;
use check::{Check, Measure};
use list::CHECKS;

/// Measures, prints what was reached, and writes the page with its plots if that was asked for.
pub(crate) fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let Measured { samples, machine } = rounds::measure(workspace, arguments)?;
    println!("\n{}\n\n{machine}", page::goals(&samples));
    if arguments.write {
        let instructions = workspace.read("bench/instructions.toml").unwrap_or_default();
        let bounds = workspace.read("bench/bounds.md").unwrap_or_default();
        plots::write(workspace, &samples)?;
        report::write(workspace, &page::page(&samples, &machine, &instructions, &bounds)?)?;
    }
    Ok(())
}

/// A bar for each demand that has a distance from its bound.
pub(crate) fn reached_bars(samples: &[Sample]) -> Vec<Bar> {
    let bar = |check: &Check| {
        let reached = check.reached(samples)?;
        let value = check.bound.distance(reached.value)?;
        let beside = match check.measure {
            Measure::Ratio(..) => format!(", beside {}", check.beside(samples)?),
            _ => String::new(),
        };
        let workload = check.looked_at()?.0.name();
        Some(Bar {
            label: format!("{} {workload}: {}{beside}", check.goal, check.says),
            value,
            text: format!("{value:.2}"),
            tone: if check.bound.holds(reached.value) { Tone::Ours } else { Tone::Missed },
        })
    };
    CHECKS.iter().filter_map(bar).collect()
}
