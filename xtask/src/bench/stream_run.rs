//! One run of a peer that prints what it sees.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::arguments::Arguments;
use super::peers::{Peer, Place};
use super::running::Running;
use super::sample::Sample;
use super::sink::Sink;
use super::workload::{Workload, name};

/// A peer that has printed nothing and used nothing for this long has printed all it will.
const QUIET: Duration = Duration::from_millis(1_500);
/// Numbers of probe files begin here, far above those of any workload.
const PROBES: usize = 90_000_000;

/// Starts the peer, writes the workload, and compares.
pub(crate) fn run(peer: &Peer, workload: Workload, arguments: &Arguments) -> anyhow::Result<Sample> {
    let scratch = tempfile::Builder::new().prefix("staithe-bench-").tempdir_in(&arguments.folder)?;
    let (root, own) = (scratch.path().join("tree"), scratch.path().join("own"));
    std::fs::create_dir(&root)?;
    std::fs::create_dir(&own)?;
    let probes = workload.prepare(&root)?;
    let mut command = peer.command(&Place { root: &root, scratch: &own, port: 0 })?;
    let mut running = Running::start(command.stdout(Stdio::piped()), &own)?;
    let sink = Sink::start(running.pipe()?);
    running.wait_ready(peer.says_ready)?;
    for folder in &probes {
        probe(folder, || sink.bytes()).context("no probe file came through")?;
    }
    running.wait_still(Duration::from_millis(300), || sink.bytes());
    let before = running.usage();
    let written = workload.write(&root, arguments.files(workload))?;
    running.wait_still(QUIET, || sink.bytes());
    let after = running.usage();
    let told = running.told();
    drop(running);
    let seen = sink.finish().first_seen(written.closed.len());
    Ok(Sample { told, ..Sample::new(workload, peer.name, &written, &seen, (before, after)) })
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
