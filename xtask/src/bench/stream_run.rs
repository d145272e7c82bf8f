//! One run of a peer that prints what it sees.

use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::Signal;

use super::arguments::Arguments;
use super::figure::Figure;
use super::peers::{Peer, Ready};
use super::running::Running;
use super::sample::Sample;
use super::scratch::Scratch;
use super::sink::Sink;
use super::workload::Workload;
use super::writing::{self, Written, name};

/// A peer that has printed nothing and used nothing for this long has printed all it will.
const QUIET: Duration = Duration::from_millis(1_500);
/// The same of one that polls each second, or that has to find out by itself what it missed.
const LONG_QUIET: Duration = Duration::from_secs(4);
/// The same once every file was reported.
const SHORT_QUIET: Duration = Duration::from_millis(400);
/// Numbers of probe files begin here, far above those of any workload.
const PROBES: usize = 90_000_000;

/// Starts the peer, writes the workload, and compares.
pub(crate) fn run(peer: &Peer, workload: Workload, arguments: &Arguments) -> anyhow::Result<Sample> {
    let files = arguments.files(workload);
    let scratch = Scratch::new(arguments)?;
    let probes = writing::prepare(workload, &scratch.root)?;
    let mut command = peer.command(&scratch.place(files))?;
    let mut running = Running::start(command.stdout(Stdio::piped()), &scratch.own)?;
    let sink = Sink::start(running.pipe()?);
    running.wait_ready(peer.ready == Ready::Says)?;
    for folder in &probes {
        probe(folder, || sink.bytes()).context("no probe file came through")?;
    }
    running.wait_still(Duration::from_millis(300), || sink.bytes());
    let before = running.usage();
    let written = write(workload, &scratch.root, files, &running, &sink)?;
    wait_for_all(peer, workload, &running, &sink, written.staying..files);
    let after = running.usage();
    let told = running.told();
    drop(running);
    let seen = sink.finish(0..files);
    let mut sample =
        Sample::new(workload, peer.name).with_files(&written, &seen).with_use(before, after, &seen);
    sample.told = told;
    Ok(match workload {
        Workload::W2 => sample.with_delays(&written, &seen),
        Workload::W1Stall | Workload::W1Stall5 | Workload::W1Overflow => sample,
        Workload::Journal => {
            let sample = sample.with_pace(&written, &seen);
            let rate = sample.figure(Figure::Rate).unwrap_or(f64::NAN);
            sample.with(Figure::PerSecond, rate)
        }
        _ => sample.with_pace(&written, &seen),
    })
}

/// Writes, while the reader of the output or the program itself stands still where the workload says so.
fn write(
    workload: Workload,
    root: &Path,
    files: usize,
    running: &Running,
    sink: &Sink,
) -> anyhow::Result<Written> {
    let stall = match workload {
        Workload::W1Stall => Some(Duration::from_secs(1)),
        Workload::W1Stall5 => Some(Duration::from_secs(5)),
        _ => None,
    };
    let overflows = workload == Workload::W1Overflow;
    sink.stand_still(stall.is_some());
    if overflows {
        running.signal(Signal::STOP);
        // A signal reaches a thread at its next return from the kernel, which a busy machine may put off.
        std::thread::sleep(Duration::from_millis(50));
    }
    let written = writing::write(workload, root, files);
    if let Some(stall) = stall {
        std::thread::sleep(stall);
    }
    if overflows {
        running.signal(Signal::CONT);
    }
    sink.stand_still(false);
    written
}

/// Waits until every file that still lies there was reported, or nothing comes any more.
fn wait_for_all(peer: &Peer, workload: Workload, running: &Running, sink: &Sink, files: Range<usize>) {
    let wait = |quiet| {
        if peer.polls {
            running.wait_silent(quiet, || sink.bytes());
        } else {
            running.wait_still(quiet, || sink.bytes());
        }
    };
    let rest = match workload {
        _ if peer.polls => LONG_QUIET,
        Workload::W1Overflow => LONG_QUIET / 2,
        _ => QUIET,
    };
    let (mut bytes, mut since) = (None, Instant::now());
    while since.elapsed() < rest {
        wait(SHORT_QUIET);
        if bytes != Some(sink.bytes()) {
            (bytes, since) = (Some(sink.bytes()), Instant::now());
        }
        if sink.seen(files.clone()).iter().all(|seen| seen.first.is_some()) {
            return;
        }
    }
}

/// Writes files into the folder until one makes `progress` move.
pub(crate) fn probe(folder: &Path, mut progress: impl FnMut() -> u64) -> anyhow::Result<()> {
    let before = progress();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut number = PROBES;
    while Instant::now() < deadline {
        std::fs::write(folder.join(name(number)), b"")?;
        number += 1;
        let patience = Instant::now() + Duration::from_millis(500);
        while Instant::now() < patience {
            if progress() != before {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    anyhow::bail!("nothing was reported for {}", folder.display())
}
