//! The runs in their order: every workload with every program, and then all of them again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;

use super::arguments::{Arguments, Wanted};
use super::peers::{self, Peer, Peers};
use super::sample::Sample;
use super::tree::Trees;
use super::workload::{Shape, Workload};
use super::{idle_run, peers as names, redis_run, report_run, start_run, stream_run};
use crate::workspace::Workspace;

/// Measures all that is asked for, in rounds, so that what the machine does beside it meets all programs alike.
pub(crate) fn measure(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Vec<Sample>> {
    if let Some(raw) = &arguments.from {
        let text = fs::read_to_string(raw).with_context(|| format!("failed to read {}", raw.display()))?;
        return text.lines().map(Sample::from_json).collect();
    }
    let peers = Peers::available(workspace, arguments)?;
    let mut raw = File::create(raw_figures(arguments)?)?;
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
