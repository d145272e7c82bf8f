//! Against real `redis-server` processes, each test with its own.

mod errors;
mod hang;
mod login;
mod push;

use std::time::Duration;

use config::{Format, Push, RedisSink, Secret};
use testkit::redis::Redis;

use super::RedisList;
use crate::samples::batch;
use crate::sink::{Outcome, Sink, Trouble};

const SOON: Duration = Duration::from_secs(10);
const KEY: &[u8] = b"queue:stage1";
const COUNTER: &[u8] = b"counter:stage1";

fn plan(url: &str) -> RedisSink {
    RedisSink {
        url: Secret::new(url),
        key: KEY.to_vec(),
        counter: None,
        push: Push::Left,
        ca_file: None,
        client_cert: None,
    }
}

fn sink(plan: &RedisSink) -> RedisList {
    RedisList::new(plan, Format::Metwork, SOON).unwrap()
}

fn counting(redis: &Redis) -> RedisSink {
    RedisSink { counter: Some(COUNTER.to_vec()), ..plan(&redis.url()) }
}

/// The file names in the list, in the order in which a consumer would take them.
fn names(redis: &Redis) -> Vec<String> {
    let name = |value: Vec<u8>| {
        let json: serde_json::Value = serde_json::from_slice(&value).unwrap();
        json["filename"].as_str().unwrap().to_owned()
    };
    redis.pop_all(KEY).into_iter().map(name).collect()
}

fn expected(first: u64, count: u64) -> Vec<String> {
    (first..first + count).map(|seq| format!("f{seq}")).collect()
}

/// Delivers all of it, whatever number of calls that takes.
async fn deliver_all(sink: &mut RedisList, first: u64, count: u64) {
    let events = batch(first, count);
    let mut rest = events.as_slice();
    while !rest.is_empty() {
        let outcomes = sink.deliver(rest).await.unwrap();
        assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Delivered));
        rest = &rest[outcomes.len()..];
    }
}

async fn down(sink: &mut RedisList) -> String {
    match sink.deliver(&batch(1, 2)).await {
        Err(Trouble::Down(text)) => text,
        other => panic!("not down: {other:?}"),
    }
}

async fn misconfigured(sink: &mut RedisList) -> String {
    match sink.deliver(&batch(1, 2)).await {
        Err(Trouble::Misconfigured(text)) => text,
        other => panic!("not misconfigured: {other:?}"),
    }
}
