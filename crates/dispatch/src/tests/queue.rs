//! The embedded queue as a sink.

use std::time::Duration;

use ledger::{Ledger, SinkId};
use model::{Parcel, Stamp};
use sinks::Sink;
use sinks::conformance::{Rig, check};
use tempfile::TempDir;

use super::house::*;
use crate::QueueSink;

fn now() -> Stamp {
    Stamp::new(1_900_000_000, 0)
}

/// A queue whose events exist in its ledger, admitted for a sink that never takes them, so that
/// only the suite puts them into the queue.
struct QueueRig {
    house: House,
    queue: SinkId,
    _dir: TempDir,
}

impl QueueRig {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let idle = Actor::new(down);
        let house = House::build(Some(dir.path().to_owned()), &[&idle], 0);
        house.dispatch.pause(house.sinks[0]);
        let queue = house.ledger.register_sink("queue", "queue").unwrap();
        Self { house, queue, _dir: dir }
    }
}

fn take_all(ledger: &Ledger, queue: SinkId) -> Vec<Parcel> {
    let mut taken = Vec::new();
    loop {
        let some = ledger.queue_take(queue, 100, Some(Stamp::new(2_000_000_000, 0)), now()).unwrap();
        if some.is_empty() {
            return taken;
        }
        let ids: Vec<_> = some.iter().map(|parcel| parcel.event.id).collect();
        ledger.queue_ack(Some(queue), &ids, now()).unwrap();
        taken.extend(some);
    }
}

impl Rig for QueueRig {
    fn sink(&mut self, _: Duration) -> Box<dyn Sink> {
        Box::new(QueueSink::new(self.house.ledger.clone(), self.queue))
    }

    fn event(&mut self, path: &[u8]) -> Parcel {
        self.house.admit_bytes(path);
        let end = self.house.ledger.flush().unwrap();
        let fetch = self.house.ledger.fetch(self.house.sinks[0], end - 1, 1).unwrap();
        fetch.parcels.into_iter().next().unwrap()
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        take_all(&self.house.ledger, self.queue).iter().map(|parcel| parcel.event.line(1)).collect()
    }

    fn shows_attempts(&self) -> bool {
        false
    }

    fn harm(&mut self) -> bool {
        false
    }

    fn hang(&mut self) -> bool {
        false
    }

    fn heal(&mut self) {}
}

#[test]
fn the_queue_passes_the_suite() {
    let mut rig = QueueRig::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check(&mut rig));
}

#[test]
fn a_closed_ledger_is_trouble() {
    let mut rig = QueueRig::new();
    let event = rig.event(b"x");
    let mut sink = rig.sink(SOON);
    rig.house.ledger.close().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let trouble = runtime.block_on(sink.deliver(&[event])).unwrap_err();
    assert!(trouble.to_string().starts_with("E-QUEUE") && trouble.to_string().contains("nothing is lost"));
}

#[test]
fn every_event_is_enqueued_once_and_survives_a_restart() {
    let dir = TempDir::new().unwrap();
    let open = || {
        let idle = Actor::new(deliver);
        let house = House::build(Some(dir.path().to_owned()), &[&idle], 0);
        let sink = Box::new(QueueSink::new(house.ledger.clone(), house.sinks[0]));
        house.dispatch.remove(house.sinks[0]);
        house.dispatch.add(house.sinks[0], plan("sink0", 0), sink);
        house
    };
    let house = open();
    house.dispatch.pause(house.sinks[0]);
    house.admit(paths(2000));
    house.dispatch.resume(house.sinks[0]);
    assert!(house.drain(SOON));
    let queue = house.sinks[0];
    house.close();
    let house = open();
    assert!(house.drain(SOON));
    assert_eq!(house.ledger.queue_depth(queue).unwrap().ready, 2000);
    let taken = take_all(&house.ledger, queue);
    let names: Vec<String> =
        taken.into_iter().map(|parcel| String::from_utf8(parcel.path).unwrap()).collect();
    assert_eq!(names, paths(2000));
    house.close();
}
