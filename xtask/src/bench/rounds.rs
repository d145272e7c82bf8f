//! The runs in their order: every workload with every program, and then all of them again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use super::arguments::{Arguments, Wanted};
use super::peers::{self, Peer, Peers};
use super::sample::Sample;
use super::tree::Trees;
use super::workload::{Shape, Workload};
use super::{idle_run, peers as names, redis_run, report, report_run, start_run, stream_run};
use crate::workspace::Workspace;

/// All samples, and a sentence about the machine and the run.
pub(crate) struct Measured {
    /// The samples.
    pub(crate) samples: Vec<Sample>,
    /// The sentence.
    pub(crate) machine: String,
}

/// What was measured before, or is measured now.
pub(crate) fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Measured> {
    let Some(raw) = &arguments.from else {
        let samples = run(workspace, arguments)?;
        let machine = report::machine(arguments);
        fs::write(raw_figures(arguments)?.with_extension("machine"), &machine)?;
        return Ok(Measured { samples, machine });
    };
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()));
    let samples = read(raw)?.lines().map(Sample::from_json).collect::<anyhow::Result<_>>()?;
    Ok(Measured { samples, machine: read(&raw.with_extension("machine"))? })
}

/// Measures all that is asked for, in rounds, so that what the machine does beside it meets all programs alike.
fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Vec<Sample>> {
    let peers = Peers::available(workspace, arguments)?;
    let mut raw = File::create(raw_figures(arguments)?)?;
    let load = report::load();
    if load > QUIET {
        println!(
            "this machine does other work (load {load}): only ratios mean something, and latencies little"
        );
    }
    let begun = Instant::now();
    let (mut samples, mut trees) = (Vec::new(), Trees::default());
    for round in 1..=arguments.runs {
        for &workload in &arguments.workloads {
            if round > 1 && arguments.wanted == Wanted::Goals && is_long(workload) {
                continue;
            }
            for name in peers::turns(workload, arguments.wanted == Wanted::Workloads) {
                let Some(peer) = peers.named(name) else { continue };
                match one(peer, workload, &mut trees, arguments) {
                    Ok(mut sample) => {
                        sample.round = round;
                        println!(
                            "{:>4} s  {} run {round}: {sample}",
                            begun.elapsed().as_secs(),
                            workload.name()
                        );
                        writeln!(raw, "{}", sample.to_json())?;
                        samples.push(sample);
                    }
                    Err(error) => eprintln!("{} with {name}: {error:#}", workload.name()),
                }
            }
        }
    }
    println!("{} s in all; raw figures: {}", begun.elapsed().as_secs(), raw_figures(arguments)?.display());
    Ok(samples)
}

/// Beyond this load the figures say more about the others.
const QUIET: f64 = 1.0;

/// What takes minutes in three rounds is measured in the first one only: all its programs, one after the other.
fn is_long(workload: Workload) -> bool {
    matches!(
        workload,
        Workload::W1Big
            | Workload::W1Stall5
            | Workload::W3
            | Workload::W5
            | Workload::W7
            | Workload::W7Poll
            | Workload::Push
    )
}

/// Where each run is noted as soon as it is over.
fn raw_figures(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(&arguments.disk)?;
    let name = if arguments.wanted == Wanted::Goals { "goals.jsonl" } else { "workloads.jsonl" };
    Ok(arguments.disk.join(name))
}

fn one(peer: &Peer, workload: Workload, trees: &mut Trees, arguments: &Arguments) -> anyhow::Result<Sample> {
    let polls = [names::QUICK_PASS, names::FULL_PASS].contains(&peer.name);
    match workload.shape() {
        Shape::Stream => stream_run::run(peer, workload, arguments),
        Shape::List => redis_run::run(peer, workload, arguments),
        Shape::Start => start_run::run(peer, trees.of(workload, arguments)?, arguments),
        Shape::Pass if polls => idle_run::run(peer, trees.of(workload, arguments)?, arguments),
        Shape::Pass => report_run::on_tree(peer, trees.of(workload, arguments)?, arguments),
        Shape::Idle => idle_run::run(peer, trees.of(workload, arguments)?, arguments),
        Shape::Limit if peer.name == names::RUN_POWER => stream_run::run(peer, workload, arguments),
        Shape::Limit => report_run::on_machine(peer, workload, arguments),
    }
}
