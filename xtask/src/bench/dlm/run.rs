//! One run: the double, the backlog, the program, until the last item is where it belongs.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::dlm::Dlm;

use super::Peer;
use super::backlog::Backlog;
use crate::bench::running::Running;

/// Each answer of the double takes so long.
pub(crate) const ANSWER: Duration = Duration::from_millis(10);
const LOOK: Duration = Duration::from_millis(10);
/// Whoever has sent nothing for so long will not.
const PATIENCE: Duration = Duration::from_mins(1);

/// What one run has shown.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The program.
    pub(crate) peer: String,
    /// Its work.
    pub(crate) backlog: Backlog,
    /// From its start to the last answer that mattered.
    pub(crate) seconds: f64,
    /// Requests at the double.
    pub(crate) requests: usize,
    /// Processor time of the program.
    pub(crate) cpu_seconds: f64,
    /// The most memory that was resident, in MB.
    pub(crate) peak_mb: f64,
}

impl Sample {
    /// Of an amount, per second.
    pub(crate) fn rate(&self, amount: usize) -> f64 {
        amount as f64 / self.seconds
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<28} {:>7.1} s, {:>6.1} products/s, {:>6.1} items/s, {:>6.1} requests/s, CPU {:>6.2} s, {:>6.1} MB",
            self.peer,
            self.seconds,
            self.rate(self.backlog.products()),
            self.rate(self.backlog.items()),
            self.rate(self.requests),
            self.cpu_seconds,
            self.peak_mb
        )
    }
}

/// Starts the program on its backlog and waits for the end.
pub(crate) fn run(peer: &Peer, folder: &Path) -> anyhow::Result<Sample> {
    let scratch = tempfile::Builder::new().prefix("staithe-bench-").tempdir_in(folder)?;
    let root = scratch.path().join("w");
    std::fs::create_dir(&root)?;
    peer.backlog.make(&root)?;
    let double = Dlm::builder().usual_state().latency(ANSWER).start();
    let mut command = command(peer, scratch.path(), &root, &double)?;
    let begun = Instant::now();
    let mut running = Running::start(&mut command, scratch.path())?;
    wait(&double, peer, &mut running)?;
    let (seconds, requests, used) = (begun.elapsed().as_secs_f64(), double.total(), running.usage());
    drop(running);
    // The stand-in has faults of the original, and this is none of them.
    anyhow::ensure!(double.overlapping().is_empty(), "two registrations of one item were under way at once");
    Ok(Sample {
        peer: peer.name.clone(),
        backlog: peer.backlog,
        seconds,
        requests,
        cpu_seconds: used.cpu.as_secs_f64(),
        peak_mb: used.peak_kb as f64 / 1024.0,
    })
}

fn command(peer: &Peer, scratch: &Path, root: &Path, double: &Dlm) -> anyhow::Result<Command> {
    let mut command = Command::new(&peer.program);
    command.args(["compat", "dlm-watcher", "--include-existing", "-s", "dir-watcher", "-d"]).arg(root);
    command.arg("--readiness-probe-file").arg(scratch.join("ready"));
    command.arg("--state-dir").arg(scratch.join("state"));
    let urls = [
        ("--ingest-url", double.ingest().url()),
        ("--request-url", double.request().url()),
        ("--storage-url", double.storage().url()),
        ("--migration-url", double.migration().url()),
    ];
    for (flag, url) in urls {
        command.arg(flag).arg(url);
    }
    if peer.strict {
        command.arg("--dlm-strict");
    }
    command.env("HOME", scratch).env("USER", "bench").stdout(File::create(scratch.join("log"))?);
    Ok(command)
}

/// Until every item is registered, every product's copy accepted, and every other child's row made on the target.
fn wait(double: &Dlm, peer: &Peer, running: &mut Running) -> anyhow::Result<()> {
    let backlog = peer.backlog;
    // The original copies the first child a second time and makes no row for it.
    let first_children = if peer.strict && backlog.members > 0 { backlog.directories } else { 0 };
    let wanted = [
        ("register_data_item", backlog.items()),
        ("copy_data_item", backlog.products() + first_children),
        ("init_data_item", backlog.children() - first_children),
    ];
    let (mut requests, mut moved) = (0, Instant::now());
    while wanted.iter().any(|(operation, count)| double.answered(operation) < *count) {
        anyhow::ensure!(running.is_alive(), "it ended: {}", running.said());
        let now = double.total();
        if now != requests {
            (requests, moved) = (now, Instant::now());
        }
        anyhow::ensure!(moved.elapsed() < PATIENCE, "nothing came for {PATIENCE:?} after {now} requests");
        std::thread::sleep(LOOK);
    }
    for (operation, count) in wanted {
        let found = double.count(operation);
        anyhow::ensure!(found == count, "{operation} came {found} times, not {count} times");
    }
    Ok(())
}
