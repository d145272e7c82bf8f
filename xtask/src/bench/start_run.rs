//! One start of a program on a large tree: what it costs until it stands, and whether it then hears everywhere.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::arguments::Arguments;
use super::figure::Figure;
use super::peers::{Peer, Ready};
use super::running::Running;
use super::sample::Sample;
use super::scratch::Scratch;
use super::sink::{Seen, Sink};
use super::tree::Tree;
use super::writing::name;

/// Folders in which a file is written afterwards.
const PROBES: usize = 200;
/// Their files have numbers that the tree's have not.
const FIRST: usize = 10_000_000;
const QUIET: Duration = Duration::from_millis(1_500);
/// After this much idle time it stands.
const STANDS: Duration = Duration::from_millis(300);

/// Starts the program, waits until it stands, and writes a file into each of some folders.
pub(crate) fn run(peer: &Peer, tree: &Tree, arguments: &Arguments) -> anyhow::Result<Sample> {
    let scratch = Scratch::new(arguments)?;
    let mut place = scratch.place(0);
    place.root = &tree.root;
    let mut command = peer.command(&place)?;
    let begun = Instant::now();
    let mut running = Running::start(command.stdout(Stdio::piped()), &scratch.own)?;
    let sink = Sink::start(running.pipe()?);
    running.wait_ready(peer.ready == Ready::Says)?;
    let (took, used) = (begun.elapsed().saturating_sub(STANDS), running.usage());
    let step = (tree.folders.len() / PROBES).max(1);
    let probes: Vec<_> = tree.folders.iter().step_by(step).take(PROBES).collect();
    let file = |number| name(FIRST + number);
    for (number, folder) in probes.iter().enumerate() {
        std::fs::write(folder.join(file(number)), b"x")?;
    }
    running.wait_still(QUIET, || sink.bytes());
    let told = running.told();
    drop(running);
    // The tree is for the next one, too.
    for (number, folder) in probes.iter().enumerate() {
        std::fs::remove_file(folder.join(file(number)))?;
    }
    let seen: Vec<Seen> = sink.finish(FIRST..FIRST + probes.len());
    let missing = seen.iter().filter(|seen| seen.first.is_none()).count();
    let mut sample = Sample::new(tree.workload, peer.name)
        .with(Figure::Missing, missing as f64)
        .with(Figure::StartCpuMs, used.cpu.as_secs_f64() * 1e3)
        .with(Figure::StartMs, took.as_secs_f64() * 1e3)
        .with(Figure::ResidentMb, used.resident_kb as f64 / 1024.0)
        .with(Figure::PeakMb, used.peak_kb as f64 / 1024.0);
    sample.told = told;
    Ok(sample)
}
