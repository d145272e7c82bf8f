//! Leaves out what a failure does not need.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::judge::Tally;
use crate::run::Run;
use crate::script::{Case, Step};

/// Runs the case with these steps; a panic of the program is a failure, too.
fn outcome(case: &Case, steps: &[Step]) -> Result<(), String> {
    outcome_with(case, steps, &Cell::default())
}

/// The same, with what was seen.
pub(crate) fn outcome_with(case: &Case, steps: &[Step], tally: &Cell<Tally>) -> Result<(), String> {
    let run = || {
        let mut run = Run::new(case, false)?;
        let end = run.whole(steps);
        tally.set(run.tally());
        end
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("of another kind")))
    })
}

/// What happens in these steps.
pub(crate) fn log_of(case: &Case, steps: &[Step]) -> Vec<String> {
    let Ok(mut run) = Run::new(case, true) else { return Vec::new() };
    let _ = catch_unwind(AssertUnwindSafe(|| run.whole(steps)));
    run.log()
}

/// The word before the colon: a shorter history must fail in the same way.
fn sort(error: &str) -> &str {
    error.split(':').next().unwrap_or(error)
}

/// Fewer steps that fail alike, and how they fail.
pub(crate) fn shrink(case: &Case, error: String) -> (Vec<Step>, String) {
    let mut smallest = (case.steps.clone(), error);
    loop {
        let before = smallest.0.clone();
        leave_out(case, &mut smallest);
        move_to_borders(case, &mut smallest);
        if smallest.0 == before {
            return smallest;
        }
    }
}

fn fails_alike(case: &Case, steps: Vec<Step>, smallest: &mut (Vec<Step>, String)) -> bool {
    match outcome(case, &steps) {
        Err(error) if sort(&error) == sort(&smallest.1) => {
            *smallest = (steps, error);
            true
        }
        _ => false,
    }
}

fn leave_out(case: &Case, smallest: &mut (Vec<Step>, String)) {
    let mut chunk = smallest.0.len().max(1);
    while chunk > 0 {
        let mut at = 0;
        while at < smallest.0.len() {
            let mut fewer = smallest.0.clone();
            fewer.drain(at..(at + chunk).min(fewer.len()));
            if !fails_alike(case, fewer, smallest) {
                at += chunk;
            }
        }
        chunk /= 2;
    }
}

/// What need not happen during a turn happens between turns.
fn move_to_borders(case: &Case, smallest: &mut (Vec<Step>, String)) {
    for at in 0..smallest.0.len() {
        if smallest.0[at].during.is_some() {
            let mut simpler = smallest.0.clone();
            simpler[at].during = None;
            fails_alike(case, simpler, smallest);
        }
    }
}
