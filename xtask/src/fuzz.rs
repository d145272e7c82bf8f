//! `cargo xtask fuzz`: feeds every reader of foreign bytes with what it has not seen before.
//!
//! The targets lie in `fuzz/`, a workspace of its own. It is built with the coverage counters that libFuzzer reads, which
//! needs flags and no other toolchain. Each folder of `fuzz/corpus` is a target; what a run adds to it is kept below
//! `target/fuzz` and used again.

mod arguments;
mod engine;
mod running;

use crate::workspace::Workspace;
use crate::{Outcome, provision, seed};

use arguments::{Arguments, Wish};

/// Runs the task.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<Outcome> {
    let known = running::targets(workspace)?;
    let Arguments { seconds, wish } = Arguments::parse(arguments, &known)?;
    match &wish {
        Wish::Help => {
            println!("{}\nThe targets: {}", arguments::USAGE, known.join(", "));
            return Ok(Outcome::Passed);
        }
        Wish::Replay { file, .. } => {
            anyhow::ensure!(file.is_file(), "there is no file {}", file.display());
        }
        Wish::Run(_) => {}
    }
    seed::asked()?;
    if !provision::ensure()? {
        return Ok(Outcome::Failed);
    }
    let program = engine::build(workspace)?;
    let good = match wish {
        Wish::Help => true,
        Wish::Run(targets) => running::run(workspace, &program, &targets, seconds)?,
        Wish::Replay { target, file } => running::replay(&program, &target, &file)?,
    };
    Ok(if good { Outcome::Passed } else { Outcome::Failed })
}
