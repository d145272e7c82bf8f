//! `cargo xtask bench`: our program beside its peers and beside what the kernel itself can give,
//! under the same workloads, in interleaved runs. On a shared machine only ratios within one call
//! mean anything, so every call measures all of them.

mod arguments;
mod dlm;
mod peers;
mod raw_pusher;
mod raw_reader;
mod redis_run;
mod report;
mod running;
mod sample;
mod sink;
mod stream_run;
mod usage;
mod workload;

use anyhow::Context as _;

use crate::workspace::Workspace;
use crate::{Outcome, shell};
use arguments::Arguments;
use sample::Sample;
use workload::Workload;

/// Runs the benchmark, or, in a child process, one of the raw programs that it compares with.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> anyhow::Result<Outcome> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["raw-reader", root] => raw_reader::run(root)?,
        ["raw-pusher", port, key] => raw_pusher::run(port.parse()?, key)?,
        _ if cfg!(debug_assertions) => return again_in_release(workspace, &words),
        _ => {
            let arguments = Arguments::parse(&words)?;
            if arguments.dlm { dlm::measure(workspace, &arguments)? } else { measure(workspace, &arguments)? }
        }
    }
    Ok(Outcome::Passed)
}

/// The harness competes with what it measures for two cores: it must be compiled with care as well.
fn again_in_release(workspace: &Workspace, words: &[&str]) -> anyhow::Result<Outcome> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]).args(words);
    Ok(if shell::passes(&mut command)? { Outcome::Passed } else { Outcome::Failed })
}

fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let peers = peers::available(workspace, arguments)?;
    let mut samples: Vec<Sample> = Vec::new();
    for workload in &arguments.workloads {
        for round in 0..arguments.runs {
            for peer in peers.iter().filter(|peer| peer.takes(*workload)) {
                let measured = match workload {
                    Workload::W6 => redis_run::run(peer, arguments),
                    _ => stream_run::run(peer, *workload, arguments),
                };
                let sample = measured.with_context(|| format!("{} with {}", workload.name(), peer.name));
                match sample {
                    Ok(sample) => {
                        println!("{} run {}: {sample}", workload.name(), round + 1);
                        samples.push(sample);
                    }
                    Err(error) => eprintln!("{error:#}"),
                }
            }
        }
    }
    let tables = report::tables(&samples);
    println!("\n{tables}");
    if arguments.write {
        report::write(workspace, arguments, &tables)?;
    }
    Ok(())
}
