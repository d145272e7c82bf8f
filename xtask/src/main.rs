//! The one task runner, `cargo xtask <task>`: plain Rust, so that a bare checkout with only the
//! Rust toolchain can do everything the project does.

mod bench;
mod deny;
mod docs;
mod fuzz;
mod proof;
mod provision;
mod seed;
mod shell;
mod spdx;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

/// One task: its name, what it does, and the function that does it with the rest of the arguments.
struct Task {
    name: &'static str,
    does: &'static str,
    run: fn(&Workspace, &[String]) -> anyhow::Result<Outcome>,
}

/// How a task ended, when it ended by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything it looked at was right.
    Passed,
    /// It found something wrong and has said what.
    Failed,
}

const TASKS: &[Task] = &[
    Task {
        name: "test",
        does: "install what the tests need, then run every check and every test",
        run: suite::run,
    },
    Task { name: "tidy", does: "check the style rules, crate borders and promises", run: tidy::run },
    Task { name: "deny", does: "check licences, sources and duplicates of the dependencies", run: deny::run },
    Task {
        name: "docs",
        does: "write docs/reference from what the program says about itself",
        run: docs::run,
    },
    Task {
        name: "test-program",
        does: "what cargo calls for each test program in `test`; not for people",
        run: suite::program::run,
    },
    Task {
        name: "proof",
        does: "run the core of the reliability battery, each test also without its guarantee (docs/proof.md)",
        run: proof::run,
    },
    Task {
        name: "fuzz",
        does: "feed every reader of foreign bytes with what it has not seen before",
        run: fuzz::run,
    },
    Task { name: "bench", does: "measure our program beside its peers (BENCHMARKS.md)", run: bench::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.first().map_or("help", String::as_str);
    let Some(task) = TASKS.iter().find(|task| task.name == wanted) else {
        return help(wanted);
    };
    match Workspace::locate().and_then(|workspace| (task.run)(&workspace, &arguments[1..])) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask {wanted}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help(wanted: &str) -> ExitCode {
    let known = matches!(wanted, "help" | "--help" | "-h");
    if !known {
        eprintln!("xtask: there is no task `{wanted}`");
    }
    println!("cargo xtask <task>\n");
    for task in TASKS {
        println!("  {:<12} {}", task.name, task.does);
    }
    if known { ExitCode::SUCCESS } else { ExitCode::from(2) }
}
