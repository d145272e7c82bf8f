//! The battery: the whole program under load and under faults, judged by an oracle that knows what
//! was written. A consumer receives what the program sends and hashes each file in that moment.

mod arrivals;
mod downtime;
mod explanations;
mod hostile;
mod kills;
mod names;
mod overflow;
mod reannounced;
mod redis_faults;
mod roots;
mod scale;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use testkit::redis::Redis;
use testkit::{Collector, Landing, Scratch};

/// Longer than any of these tests takes on a busy machine with two cores.
const LONG: Duration = Duration::from_mins(5);
/// Longer than one step takes.
const STEP: Duration = Duration::from_mins(1);
/// The key of the Redis list.
const KEY: &str = "queue:inbox";
/// The most events that one sink has in flight: what a kill or a lost reply may repeat.
const IN_FLIGHT: usize = 512;

/// An installation of the binary under test.
fn landing(scratch: Scratch) -> Landing {
    Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch)
}

/// One source, one rule, a Redis list and a line file. `more` is put into the sink's table.
fn to_redis_and_lines(redis: &Redis, more: &str) -> String {
    format!(
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
        url = "{}"
        key = "{KEY}"
        {more}
        "#,
        redis.url()
    )
}

/// The binary under test, which does without this guarantee in every run.
fn doing_without(guarantee: &str, home: &Scratch) -> PathBuf {
    let path = home.path().join("staithe");
    let (program, file) = (env!("CARGO_BIN_EXE_staithe"), path.display());
    let script = format!(
        "cat > {file} <<'EOF'\n#!/bin/sh\nSTAITHE_WITHOUT=\"{guarantee},$STAITHE_WITHOUT\" exec {program} \"$@\"\nEOF\n\
         chmod +x {file}"
    );
    // Not written by this process: a child that another test has just forked might hold it open for writing.
    let done = Command::new("sh").args(["-c", &script]).status().expect("a shell");
    assert!(done.success(), "{script}");
    path
}

fn pop(redis: &Redis, landing: &Landing) -> Collector {
    Collector::pop(SocketAddr::from(([127, 0, 0, 1], redis.port())), KEY, &landing.root())
}

fn tail(landing: &Landing) -> Collector {
    Collector::tail(&landing.out("events.jsonl"), &landing.root())
}

/// The part of `status --json` about one sink.
fn sink(landing: &Landing, name: &str) -> serde_json::Value {
    let status = landing.status();
    let sinks = status["sinks"].as_array().expect("the contract has a list of sinks");
    let found = sinks.iter().find(|sink| sink["name"] == name);
    found.unwrap_or_else(|| panic!("no sink {name} in {status}")).clone()
}
