//! What a program uses while nothing happens, and while it polls.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::arguments::Arguments;
use super::figure::{Figure, median};
use super::peers::{Peer, Ready};
use super::running::Running;
use super::sample::Sample;
use super::scratch::Scratch;
use super::sink::Sink;
use super::tree::Tree;
use super::workload::Shape;

/// How long nothing is done.
const IDLE: Duration = Duration::from_secs(10);
/// After a start, what is left of it ends within this time.
const AFTER_START: Duration = Duration::from_secs(2);
/// How often it is looked whether a pass goes on.
const LOOK: Duration = Duration::from_millis(50);
/// Timers alone use less than this between two looks.
const TIMERS: Duration = Duration::from_micros(300);
/// Whoever used nothing for this long is between two passes.
const BETWEEN: Duration = Duration::from_millis(400);
/// The first passes: one may be under way, and the next one finds that nothing was known before.
const NOT_COUNTED: usize = 2;
/// So many passes are looked at.
const PASSES: usize = 3;
/// And so long all of them may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts the program on a tree and looks what it uses by itself.
pub(crate) fn run(peer: &Peer, tree: &Tree, arguments: &Arguments) -> anyhow::Result<Sample> {
    let scratch = Scratch::new(arguments)?;
    let mut place = scratch.place(0);
    place.root = &tree.root;
    let mut command = peer.command(&place)?;
    let mut running = Running::start(command.stdout(Stdio::piped()), &scratch.own)?;
    let sink = Sink::start(running.pipe()?);
    running.wait_ready(peer.ready == Ready::Says)?;
    let sample = Sample::new(tree.workload, peer.name);
    let sample = if tree.workload.shape() == Shape::Pass {
        sample.with(Figure::PassMs, pass(&running)?)
    } else {
        std::thread::sleep(AFTER_START);
        sample.with(Figure::Percent, share(&running, arguments))
    };
    let used = running.usage();
    drop(running);
    sink.finish(0..0);
    Ok(sample
        .with(Figure::ResidentMb, used.resident_kb as f64 / 1024.0)
        .with(Figure::PeakMb, used.peak_kb as f64 / 1024.0))
}

/// The share of a core, in %.
fn share(running: &Running, arguments: &Arguments) -> f64 {
    let (before, begun) = (running.usage().cpu, Instant::now());
    std::thread::sleep(if arguments.scale > 1 { IDLE / 4 } else { IDLE });
    let used = running.usage().cpu.saturating_sub(before);
    used.as_secs_f64() * 100.0 / begun.elapsed().as_secs_f64()
}

/// The processor time of one pass in ms: the middle of some, told from each other by the time between them.
fn pass(running: &Running) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let (mut passes, mut spent) = (Vec::new(), Duration::ZERO);
    let (mut before, mut busy) = (running.usage().cpu, Instant::now());
    while passes.len() < NOT_COUNTED + PASSES {
        anyhow::ensure!(begun.elapsed() < PATIENCE, "it made {} passes in {PATIENCE:?}", passes.len());
        std::thread::sleep(LOOK);
        let now = running.usage().cpu;
        let used = now.saturating_sub(before);
        before = now;
        if used > TIMERS {
            busy = Instant::now();
            spent += used;
        } else if busy.elapsed() > BETWEEN && spent > Duration::ZERO {
            passes.push(spent.as_secs_f64() * 1e3);
            spent = Duration::ZERO;
        }
    }
    Ok(median(passes.split_off(NOT_COUNTED)).unwrap_or(f64::NAN))
}
