//! One run of a peer that fills a Redis list.

use std::process::Stdio;
use std::time::{Duration, Instant};

use testkit::redis::Redis;
use testkit::resp::Connection;

use super::arguments::Arguments;
use super::peers::{KEY, Peer, Place};
use super::running::Running;
use super::sample::Sample;
use super::sink::ends_of_names;
use super::stream_run::probe;
use super::workload::{Workload, Written, number};

const QUIET: Duration = Duration::from_millis(1_500);

/// Starts a server and the peer, writes the workload, and looks what lies in the list.
pub(crate) fn run(peer: &Peer, arguments: &Arguments) -> anyhow::Result<Sample> {
    let workload = Workload::W6;
    let scratch = tempfile::Builder::new().prefix("staithe-bench-").tempdir_in(&arguments.folder)?;
    let (root, own) = (scratch.path().join("tree"), scratch.path().join("own"));
    std::fs::create_dir(&root)?;
    std::fs::create_dir(&own)?;
    let probes = workload.prepare(&root)?;
    let redis = Redis::start();
    let mut list = List { connection: redis.connect() };
    let mut command = peer.command(&Place { root: &root, scratch: &own, port: redis.port() })?;
    let mut running = Running::start(command.stdout(Stdio::null()), &own)?;
    running.wait_ready(peer.says_ready)?;
    for folder in &probes {
        probe(folder, || list.length())?;
    }
    running.wait_still(Duration::from_millis(300), || list.length());
    list.clear()?;
    let before = running.usage();
    let files = arguments.files(workload);
    let (written, end) = write_and_watch(&root, files, &mut list)?;
    running.wait_still(QUIET, || list.length());
    let after = running.usage();
    let told = running.told();
    // When each single file came is not known here, only when the last did.
    let seen = list.files(files)?.into_iter().map(|there| there.then_some(end)).collect::<Vec<_>>();
    Ok(Sample { told, ..Sample::new(workload, peer.name, &written, &seen, (before, after)) })
}

/// Writes the files; gives the moment at which the list was last seen to grow.
fn write_and_watch(
    root: &std::path::Path,
    files: usize,
    list: &mut List,
) -> anyhow::Result<(Written, Instant)> {
    std::thread::scope(|scope| {
        let writers = scope.spawn(|| Workload::W6.write(root, files));
        let (mut length, mut grew) = (0, Instant::now());
        loop {
            let now = list.length();
            if now != length {
                (length, grew) = (now, Instant::now());
            }
            let done = writers.is_finished();
            if done && (length >= files as u64 || grew.elapsed() > QUIET) {
                break;
            }
            // While the files are written, looking at the list must not cost the server anything.
            std::thread::sleep(Duration::from_millis(if done { 1 } else { 20 }));
        }
        let written = writers.join().unwrap_or_else(|_| anyhow::bail!("a writer panicked"))?;
        Ok((written, grew))
    })
}

/// The list in the server.
struct List {
    connection: Connection,
}

impl List {
    fn length(&mut self) -> u64 {
        let reply = self.connection.command(&[b"LLEN", KEY.as_bytes()]);
        reply.ok().and_then(|reply| reply.integer()).and_then(|length| length.try_into().ok()).unwrap_or(0)
    }

    fn clear(&mut self) -> anyhow::Result<()> {
        self.connection.command(&[b"DEL", KEY.as_bytes()])?;
        Ok(())
    }

    /// Which of the files are in the list.
    fn files(&mut self, files: usize) -> anyhow::Result<Vec<bool>> {
        let mut there = vec![false; files];
        for value in self.connection.command(&[b"LRANGE", KEY.as_bytes(), b"0", b"-1"])?.values() {
            for end in ends_of_names(&value) {
                if let Some(place) = number(&value, end).and_then(|file| there.get_mut(file)) {
                    *place = true;
                }
            }
        }
        Ok(there)
    }
}
