//! One source that delivers to a Redis list and, beside it, to a file of lines.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::redis::Redis;
use testkit::{Collector, Landing, Layout, Manner, Scratch, Workload, wait_until, workload};

use crate::{KEY, LONG, STEP};

/// An installation that is not started yet. `url` is where it takes Redis to be, `more` stands in that sink's table.
pub(crate) fn landing(url: &str, more: &str) -> Landing {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory("sinks"));
    landing.configure(&format!(
        r#"
        [source.inbox]
        path = "{{in}}"

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        complete = "local"
        to = ["redis", "lines"]

        [sink.lines]
        type = "jsonl"
        path = "{{out}}/events.jsonl"

        [sink.redis]
        type = "redis-list"
        url = "{url}"
        key = "{KEY}"
        {more}
        "#
    ));
    landing
}

/// Files without an end, so many in a second.
pub(crate) fn load(landing: &Landing, rate: u32) -> workload::Running {
    let layout = Layout::Burst { files: 10_000_000, folders: 10 };
    layout.prepare(&landing.root());
    let mut workload = Workload::new(landing.root(), layout, Manner::RenamedIn);
    workload.rate = Some(rate);
    workload.start()
}

/// Follows the file of lines.
pub(crate) fn lines(landing: &Landing) -> Collector {
    Collector::tail(&landing.out("events.jsonl"), &landing.root())
}

/// Takes from the list.
pub(crate) fn list(redis: &Redis, landing: &Landing) -> Collector {
    Collector::pop(SocketAddr::from(([127, 0, 0, 1], redis.port())), KEY, &landing.root())
}

/// How many events lie in the list.
pub(crate) fn length(redis: &Redis) -> usize {
    let reply = redis.command(&[b"LLEN", KEY.as_bytes()]);
    reply.integer().and_then(|length| usize::try_from(length).ok()).unwrap_or_default()
}

/// The part of `status --json` about one sink.
pub(crate) fn sink(landing: &Landing, name: &str) -> Value {
    let status = landing.status();
    let sinks = status["sinks"].as_array().expect("the contract has a list of sinks");
    let found = sinks.iter().find(|sink| sink["name"] == name);
    found.unwrap_or_else(|| panic!("no sink {name} in {status}")).clone()
}

/// Waits until the sink says this of itself; gives all that it says.
#[track_caller]
pub(crate) fn wait_for_error(landing: &Landing, name: &str, word: &str) -> Value {
    let mut shown = Value::Null;
    wait_until(STEP, &format!("the sink to speak of {word}"), || {
        shown = sink(landing, name);
        shown["last_error"].as_str().is_some_and(|text| text.contains(word))
    });
    shown
}

/// Waits until the list holds as many events as the file of lines does now: the backlog of this moment is through.
#[track_caller]
pub(crate) fn catch_up(redis: &Redis, lines: &Collector) -> Duration {
    let (begun, count) = (Instant::now(), lines.count());
    wait_until(LONG, &format!("the list to have {count} events, as the file has"), || length(redis) >= count);
    begun.elapsed()
}

/// Lets time pass that is itself what a fault is made of.
pub(crate) fn pass(time: Duration) {
    let begun = Instant::now();
    wait_until(time + STEP, "time to pass", || begun.elapsed() >= time);
}
