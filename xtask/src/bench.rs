//! `cargo xtask bench`: our program beside its peers and beside what the kernel itself can give,
//! under the same workloads, in interleaved runs. On a shared machine only ratios within one call
//! mean anything, so every call measures all of them.

mod arguments;
mod dlm;
mod figure;
mod goals;
mod idle_run;
mod install;
mod instructions;
mod peers;
mod plots;
mod raw_limits;
mod raw_pusher;
mod raw_reader;
mod raw_scan;
mod redis_run;
mod report;
mod report_run;
mod rounds;
mod running;
mod sample;
mod scratch;
mod sink;
mod start_run;
mod stream_run;
mod svg;
mod tree;
mod usage;
mod workload;
mod writing;

use crate::workspace::Workspace;
use crate::{Outcome, shell};
use arguments::{Arguments, Wanted};

/// Runs the benchmark, or, in a child process, one of the raw programs that it compares with.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> anyhow::Result<Outcome> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["raw-reader", root] => raw_reader::run(root)?,
        ["raw-pusher", port, key] => raw_pusher::run(port.parse()?, key)?,
        ["scan-files", root] => raw_scan::files(root)?,
        ["scan-folders", root] => raw_scan::folders(root)?,
        ["flush", group, folder] => raw_limits::flush(group.parse()?, folder)?,
        ["push", group, port, values] => raw_limits::push(group.parse()?, port.parse()?, values.parse()?)?,
        ["--help" | "-h"] => println!("{}", arguments::USAGE),
        ["--install-peers"] => return install::run(workspace),
        _ if cfg!(debug_assertions) => return again_in_release(workspace, &words),
        _ => return measure(workspace, &Arguments::parse(workspace, &words)?),
    }
    Ok(Outcome::Passed)
}

/// The harness competes with what it measures for two cores: it must be compiled with care as well.
fn again_in_release(workspace: &Workspace, words: &[&str]) -> anyhow::Result<Outcome> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]).args(words);
    Ok(if shell::passes(&mut command)? { Outcome::Passed } else { Outcome::Failed })
}

fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Outcome> {
    match arguments.wanted {
        Wanted::Workloads => {
            let measured = rounds::measure(workspace, arguments)?;
            println!();
            if arguments.scale > 1 {
                // The titles have the numbers at full size.
                println!(
                    "At --scale {0}: the files that a title names, divided by {0} (w1-overflow has all).\n",
                    arguments.scale
                );
            }
            println!("{}\n{}", report::tables(&measured.samples), measured.machine);
        }
        Wanted::Goals => goals::measure(workspace, arguments)?,
        Wanted::Products => dlm::measure(workspace, arguments)?,
        Wanted::Instructions => instructions::measure(workspace, arguments)?,
        Wanted::Peers => return install::run(workspace),
    }
    Ok(Outcome::Passed)
}
