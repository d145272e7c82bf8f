//! Crashes of the whole program: killed at random instants, its power cut, its disk full. An oracle that knows what was
//! written judges what consumers received.

mod full;
mod kills;
mod lives;
mod power;
mod producer;
mod victim;

use std::net::SocketAddr;
use std::time::Duration;

use testkit::redis::Redis;
use testkit::{Collector, Landing, Scratch};

/// Longer than any of these tests takes on a busy machine with two cores.
const LONG: Duration = Duration::from_mins(5);
/// Longer than one step takes.
const STEP: Duration = Duration::from_mins(1);
/// The key of the Redis list.
const KEY: &str = "queue:inbox";
/// The most events that one sink has in flight: what a crash may repeat.
const IN_FLIGHT: usize = 512;

/// An installation of the binary under test.
fn landing(scratch: Scratch) -> Landing {
    Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch)
}

/// One source, whose files go to a Redis list and a line file. `top` stands before everything, `rules` before the rule.
fn to_redis_and_lines(redis: &Redis, top: &str, rules: &str) -> String {
    format!(
        r#"
        {top}
        [source.inbox]
        path = "{{in}}"

        {rules}
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
        "#,
        redis.url()
    )
}

fn pop(redis: &Redis, landing: &Landing) -> Collector {
    Collector::pop(SocketAddr::from(([127, 0, 0, 1], redis.port())), KEY, &landing.root())
}

fn tail(landing: &Landing) -> Collector {
    Collector::tail(&landing.out("events.jsonl"), &landing.root())
}
