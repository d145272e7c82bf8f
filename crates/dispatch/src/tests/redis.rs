//! A lane with a real Redis server that has its bad days, beside one that writes a file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use config::{Format, Push, RedisSink, Secret};
use sinks::{Jsonl, RedisList, Sink};
use tempfile::TempDir;
use testkit::redis::Redis;

use super::house::*;
use crate::SinkState;

const KEY: &[u8] = b"list";

struct Pair {
    house: House,
    redis: Redis,
    dir: TempDir,
    admitted: usize,
}

impl Pair {
    fn new(timeout: Duration) -> Self {
        let redis = Redis::start();
        let dir = TempDir::new().unwrap();
        let idle = [Actor::new(deliver), Actor::new(deliver)];
        let house = House::build(None, &[&idle[0], &idle[1]], 0);
        let plan_redis = RedisSink {
            url: Secret::new(redis.url()),
            key: KEY.to_vec(),
            counter: None,
            push: Push::Left,
            ca_file: None,
            client_cert: None,
        };
        let list = RedisList::new(&plan_redis, Format::Path, timeout).unwrap();
        let file = Jsonl::new(dir.path().join("lines"), Format::Path, SOON);
        let sinks: [Box<dyn Sink>; 2] = [Box::new(list), Box::new(file)];
        for (id, sink) in house.sinks.iter().zip(sinks) {
            house.dispatch.add(*id, plan("sink", 0), sink);
        }
        Self { house, redis, dir, admitted: 0 }
    }

    fn admit(&mut self, count: usize) {
        let first = self.admitted;
        self.admitted += count;
        for number in first..self.admitted {
            self.house.admit([format!("f{number}")]);
        }
    }

    fn lines(&self) -> usize {
        std::fs::read_to_string(self.dir.path().join("lines")).unwrap_or_default().lines().count()
    }

    /// While Redis is in this state, its events wait and the file gets its own.
    fn endure(&mut self, state: SinkState, code: &str) {
        self.admit(100);
        let status = self.house.wait_for_state(state);
        assert!(status.last_error.as_deref().unwrap_or_default().starts_with(code), "{status:?}");
        wait("the file to have its lines", || self.lines() == self.admitted);
        let counts = self.house.ledger.sink_counts(self.house.sinks[0]).unwrap();
        assert!(
            counts.queued + counts.in_flight > 0 && counts.dead == 0 && counts.retrying == 0,
            "{counts:?}"
        );
    }

    /// Everything comes through; what arrived in Redis, in order.
    fn recover(&self) -> Vec<String> {
        assert!(self.house.drain(SOON), "{:?}", self.house.status());
        let status = self.house.wait_for_state(SinkState::Ok);
        assert_eq!(status.last_error, None);
        self.redis.pop_all(KEY).into_iter().map(|value| String::from_utf8(value).unwrap()).collect()
    }

    fn expected(&self) -> Vec<String> {
        (0..self.admitted).map(|number| format!("/root/f{number}")).collect()
    }
}

#[test]
fn refusals_of_redis_lose_nothing_and_repeat_nothing() {
    let mut pair = Pair::new(SOON);
    pair.admit(100);
    let troubles = [
        ("E-SINK-OOM", SinkState::Retrying, "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("E-SINK-READONLY", SinkState::Retrying, "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
        (
            "E-SINK-NOREPLICAS",
            SinkState::Retrying,
            "CONFIG SET min-replicas-to-write 1",
            "CONFIG SET min-replicas-to-write 0",
        ),
        ("E-SINK-WRONGTYPE", SinkState::Failed, "RENAME list aside", "RENAME aside list"),
        ("E-SINK-NOAUTH", SinkState::Failed, "CONFIG SET requirepass x", "ACL SETUSER default nopass"),
    ];
    for (code, state, harm, heal) in troubles {
        assert!(pair.house.drain(SOON));
        pair.redis.run(harm);
        if code == "E-SINK-WRONGTYPE" {
            pair.redis.run("SET list text");
        }
        if code == "E-SINK-NOAUTH" {
            pair.redis.run("CLIENT KILL TYPE normal SKIPME yes");
        }
        pair.endure(state, code);
        if code == "E-SINK-WRONGTYPE" {
            pair.redis.run("DEL list");
        }
        pair.redis.run(heal);
    }
    assert_eq!(pair.recover(), pair.expected());
    pair.house.close();
}

#[test]
fn a_redis_that_dies_and_comes_back_gets_what_it_missed() {
    let mut pair = Pair::new(SOON);
    pair.admit(50);
    assert!(pair.house.drain(SOON));
    pair.redis.stop();
    pair.endure(SinkState::Retrying, "E-SINK-");
    pair.redis.start_again();
    // What was in it before is gone with it.
    assert_eq!(pair.recover(), pair.expected()[50..]);
    pair.house.close();
}

#[test]
fn a_redis_that_hangs_holds_up_nobody_and_loses_nothing() {
    let mut pair = Pair::new(Duration::from_millis(200));
    pair.admit(50);
    assert!(pair.house.drain(SOON));
    pair.redis.freeze();
    pair.endure(SinkState::Retrying, "E-SINK-TIMEOUT");
    pair.redis.resume();
    let received = pair.recover();
    let mut first = BTreeSet::new();
    let once: Vec<String> = received.iter().filter(|path| first.insert((*path).clone())).cloned().collect();
    assert_eq!(once, pair.expected());
    // Each try while it hung put one event at most into its socket, after the first batch.
    assert!(received.len() - once.len() <= 600, "{} repeats", received.len() - once.len());
    pair.house.close();
}

#[test]
fn the_length_of_the_list_is_the_backlog() {
    let mut pair = Pair::new(SOON);
    pair.admit(7);
    assert!(pair.house.drain(SOON));
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = Arc::new(sender);
    pair.house.dispatch.backlog(pair.house.sinks[0], Box::new(move |length| sender.send(length).unwrap()));
    assert_eq!(receiver.recv_timeout(SOON), Ok(Some(7)));
    pair.house.close();
}
