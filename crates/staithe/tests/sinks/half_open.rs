//! A server that has vanished from the network without a word: D04 of the reliability battery. The daemon lives in a
//! network of its own, and the cable to it is pulled.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::proof::{Row, is_long, skip};
use testkit::redis::Redis;
use testkit::{Process, Receipt, Scratch, Truth, judge, wait_until};

use crate::rig::{catch_up, landing, lines, list, load, pass, wait_for_error};
use crate::{IN_FLIGHT, LONG, STEP};

/// Files in a second.
const RATE: u32 = 300;
/// What one call may take, as configured.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Until a call that took too long is seen in `status`, on a busy machine.
const TELLING: Duration = Duration::from_secs(2);
/// How much later than before the sink beside may be on a busy machine: less than a call to the silent server takes.
const JITTER: Duration = Duration::from_millis(1_500);

/// A network with one cable to ours. Both go with the process that keeps them.
struct Network {
    keeper: Process,
    cable: String,
    ours: String,
}

impl Network {
    /// Nothing where the machine does not allow it.
    fn new(folder: &Path) -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["-n", "sh", "-c", "echo ready >&2; exec sleep 3600"]);
        let mut keeper = Process::spawn("network", folder, &mut command);
        let ready = |keeper: &Process| keeper.stderr().contains("ready");
        wait_until(STEP, "a network or a refusal", || !keeper.is_running() || ready(&keeper));
        if !keeper.is_running() {
            skip("D04", &format!("no network namespaces: {}", keeper.stderr().trim()));
            return None;
        }
        let id = keeper.id();
        // Of the range that is for measurements between networks (RFC 2544), a part of our own.
        let (high, low) = (id / 64 % 256, id % 64 * 4);
        let (ours, theirs) = (format!("198.18.{high}.{}", low + 1), format!("198.18.{high}.{}", low + 2));
        let network = Self { keeper, cable: format!("st{id}"), ours };
        let Self { cable, ours, .. } = &network;
        let inside = format!("nsenter -t {id} -n");
        let script = format!(
            "set -e; ip link add {cable} type veth peer name cable netns {id}; ip addr add {ours}/30 dev {cable}
             ip link set {cable} up; {inside} ip addr add {theirs}/30 dev cable; {inside} ip link set cable up"
        );
        if let Err(why) = run(folder, &script) {
            skip("D04", &format!("no cables between networks: {}", why.trim()));
            return None;
        }
        Some(network)
    }

    fn set_cable(&self, folder: &Path, state: &str) {
        run(folder, &format!("ip link set {} {state}", self.cable))
            .expect("a cable can be pulled and plugged in");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // One end takes the other with it; where none was made there is nothing to take away.
        let _ = Command::new("ip").args(["link", "delete", &self.cable]).output();
    }
}

fn run(folder: &Path, script: &str) -> Result<(), String> {
    let done = Process::finish("ip", folder, Command::new("sh").args(["-c", script]), STEP);
    if done.code == Some(0) { Ok(()) } else { Err(done.stderr) }
}

/// From publication to receipt of what was published between the two instants, all but the slowest hundredth.
fn p99(truth: &Truth, receipts: &[Receipt], from: Instant, to: Instant) -> Duration {
    let received: HashMap<&[u8], Instant> =
        receipts.iter().map(|receipt| (receipt.path.as_slice(), receipt.at)).collect();
    let published = truth.published.iter().filter(|version| (from..to).contains(&version.at));
    let mut delays: Vec<Duration> = published
        .filter_map(|version| {
            Some(received.get(version.path.as_slice())?.saturating_duration_since(version.at))
        })
        .collect();
    delays.sort_unstable();
    delays.get(delays.len() * 99 / 100).copied().unwrap_or_default()
}

#[test]
fn a_server_that_vanishes_from_the_network_holds_up_nobody_else() {
    let row = Row::new("D04");
    let scratch = Scratch::on_disk("network");
    let Some(network) = Network::new(scratch.path()) else { return };
    let redis = Redis::start_with(&["--bind", "127.0.0.1", &network.ours, "--protected-mode", "no"]);
    let url = format!("redis://{}:{}", network.ours, redis.port());
    let mut landing = landing(&url, &format!("timeout = \"{TIMEOUT:?}\""));
    let id = network.keeper.id().to_string();
    landing.start_by(&["nsenter", "-t", &id, "-n"]);
    let lines = lines(&landing);
    let load = load(&landing, RATE);
    lines.wait_for(50, LONG);
    let begun = Instant::now();
    pass(if is_long() { Duration::from_secs(30) } else { Duration::from_millis(1_500) });
    catch_up(&redis, &lines);

    network.set_cable(scratch.path(), "down");
    let pulled = Instant::now();
    wait_for_error(&landing, "redis", "E-SINK-TIMEOUT");
    let stall = pulled.elapsed();
    let fault = if is_long() { Duration::from_mins(2) } else { Duration::from_secs(6) };
    pass(fault.saturating_sub(stall));
    let plugged = Instant::now();
    network.set_cable(scratch.path(), "up");
    let caught_up = catch_up(&redis, &lines);

    let truth = load.stop();
    landing.wait_idle(truth.paths() as u64, LONG);
    let judgement = judge(&truth, &list(&redis, &landing).finish());
    let receipts = lines.finish();
    let (before, during) = (p99(&truth, &receipts, begun, pulled), p99(&truth, &receipts, pulled, plugged));
    row.judged(&judgement)
        .milliseconds("until the request was given up", stall)
        .milliseconds("C", caught_up)
        .milliseconds("p99 beside before", before)
        .milliseconds("p99 beside meanwhile", during)
        .print();
    judge(&truth, &receipts).assert_exact();
    judgement.assert_at_least_once(IN_FLIGHT);
    assert!(
        stall <= TIMEOUT + TELLING,
        "the request was given up after {stall:?}, {TIMEOUT:?} are configured"
    );
    assert!(during <= before.mul_f64(1.1) + JITTER, "the sink beside: {during:?} instead of {before:?}");
}
