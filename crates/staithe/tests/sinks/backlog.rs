//! A sink that was off for a long time: D09 of the reliability battery. The backlog waits on disk and leaves in order.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use model::text::json_path;
use testkit::proof::{Row, is_long, size};
use testkit::proxy::{Proxy, Toxics};
use testkit::redis::Redis;
use testkit::{Landing, Scratch, wait_until};

use crate::rig::length;
use crate::{IN_FLIGHT, KEY, LONG};

/// What the daemon may occupy, with any backlog, in MB.
const BOUND: f64 = 200.0;
/// How much of that a growing backlog may add, in MB, from the third round on: before, everything is used for the first
/// time. As parcels in memory it would be twice that in the short form, and 2 GB in the long one.
const GROWTH: (f64, f64) = (12.0, 60.0);

/// An installation with that sink and no other.
fn landing(url: &str) -> Landing {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory("backlog"));
    landing.configure(&format!(
        r#"
        [source.inbox]
        path = "{{in}}"

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        complete = "local"
        to = ["redis"]

        [sink.redis]
        type = "redis-list"
        url = "{url}"
        key = "{KEY}"
        "#
    ));
    landing
}

/// A line of `/proc/PID/status` that is a number of kB, in MB.
fn memory(landing: &mut Landing, name: &str) -> f64 {
    let file = format!("/proc/{}/status", landing.daemon().id());
    let text = fs::read_to_string(file).expect("the daemon runs");
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).expect("it is in the status of each process");
    let number = line.trim_start_matches(':').split_whitespace().next().and_then(|word| word.parse().ok());
    number.map_or(0.0, |kilobytes: f64| kilobytes / 1024.0)
}

/// Writes each of the files anew and waits until all of that is in the ledger.
fn write_round(landing: &Landing, files: usize, round: usize) {
    for file in 0..files {
        let path = landing.root().join(format!("f{file:06}"));
        fs::write(path, format!("{round} {file}")).expect("the tree takes files");
    }
    let all = (files * (round + 1)) as u64;
    let what = format!("{all} events to wait for the sink");
    wait_until(LONG, &what, || landing.status()["counts"]["queued"].as_u64() >= Some(all));
}

/// Takes everything out of the list; each path's generations must come one by one.
struct Consumer {
    last: HashMap<Vec<u8>, u64>,
    count: usize,
}

impl Consumer {
    fn take(&mut self, redis: &Redis) -> usize {
        let reply = redis.command(&[b"RPOP", KEY.as_bytes(), b"1000"]);
        let events = reply.values();
        for event in &events {
            let value: serde_json::Value = serde_json::from_slice(event).expect("an event is JSON");
            let path = json_path(&value["data"], "path").expect("an event has a path");
            let generation = value["data"]["generation"].as_u64().expect("a path has generations");
            let last = self.last.entry(path).or_default();
            assert_eq!(generation, *last + 1, "lost, repeated or out of order: {value}");
            *last = generation;
        }
        self.count += events.len();
        events.len()
    }
}

#[test]
fn a_large_backlog_lies_on_disk_and_leaves_in_order() {
    let row = Row::new("D09");
    let (files, rounds) = (size(4_000, 20_000), size(6, 100));
    let mut redis = Redis::start();
    let proxy = Proxy::before(redis.port());
    // So many batches a second that it takes about 5 000 events in one.
    let latency = Duration::from_secs(1) * IN_FLIGHT as u32 / size(10_000, 5_000) as u32;
    proxy.set(Toxics { latency, ..Toxics::default() });
    let mut landing = landing(&format!("redis://127.0.0.1:{}", proxy.port()));
    landing.start();
    redis.stop();
    for round in 0..2 {
        write_round(&landing, files, round);
    }
    let warm = memory(&mut landing, "VmRSS");
    for round in 2..rounds {
        write_round(&landing, files, round);
    }
    let grown = memory(&mut landing, "VmRSS") - warm;

    redis.start_again();
    wait_until(LONG, "the first event", || length(&redis) > 0);
    let begun = Instant::now();
    let mut consumer = Consumer { last: HashMap::new(), count: 0 };
    let all = files * rounds;
    wait_until(LONG * 3, &format!("all {all} events"), || {
        while consumer.take(&redis) > 0 {}
        consumer.count >= all
    });
    let drain = begun.elapsed();
    landing.wait_idle(all as u64, LONG);
    assert_eq!(consumer.take(&redis), 0, "more than everything");
    let peak = memory(&mut landing, "VmHWM");
    row.count("lost", all - consumer.count)
        .figure("backlog", all)
        .figure("peak MB", peak)
        .figure("grown with the backlog MB", grown)
        .figure("drained per s", consumer.count as f64 / drain.as_secs_f64())
        .print();
    let bound = if is_long() { GROWTH.1 } else { GROWTH.0 };
    assert!(
        grown <= bound,
        "the backlog lies in memory: {grown:.1} MB more after {rounds} rounds than after two"
    );
    assert!(peak <= BOUND, "{peak:.1} MB with a backlog of {all}");
}
