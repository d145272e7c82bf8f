//! The suite that every sink must pass. It fails by panicking, like any test.
//!
//! A [`Rig`] is a sink with the place it delivers to, and the means to harm that place.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::{Parcel, text};
use serde_json::Value;
use tokio::time::timeout;

use crate::samples::numbered;
use crate::sink::{Outcome, Sink, Trouble};

/// A sink's timeout in these tests, where it must not strike.
const SOON: Duration = Duration::from_secs(10);
/// A sink's timeout where it must.
const SHORT: Duration = Duration::from_millis(300);
/// How much longer than its timeout a call may take on a busy machine.
const MOMENT: Duration = Duration::from_secs(5);

/// A sink under test, writing native events.
pub trait Rig {
    /// A sink for the rig's place. One exists at a time.
    fn sink(&mut self, timeout: Duration) -> Box<dyn Sink>;
    /// A new event at this path. A sink that lives in the ledger gives one that the ledger knows.
    fn event(&mut self, path: &[u8]) -> Parcel;
    /// Everything that arrived since the last call, in order: one native event each.
    fn received(&mut self) -> Vec<Vec<u8>>;
    /// Whether what arrives shows the attempt of the delivery. A queue counts its own.
    fn shows_attempts(&self) -> bool {
        true
    }
    /// Makes every delivery fail, as a full disk or a read-only server does; false where that
    /// cannot be done.
    fn harm(&mut self) -> bool;
    /// Makes the place hang, as a frozen server does; false where that cannot be done.
    fn hang(&mut self) -> bool;
    /// Takes back what [`Rig::harm`] or [`Rig::hang`] did.
    fn heal(&mut self);
}

/// Runs the whole suite.
pub async fn check(rig: &mut dyn Rig) {
    delivers_in_order(rig).await;
    carries_any_name(rig).await;
    shows_the_attempt(rig).await;
    asks_without_delivering(rig).await;
    survives_a_dropped_call(rig).await;
    loses_nothing_in_trouble(rig).await;
    returns_in_time(rig).await;
}

/// An event at this path with its place in a ledger that does not exist, for [`Rig::event`].
#[must_use]
pub fn sample(seq: u64, path: &[u8]) -> Parcel {
    numbered(seq, path)
}

fn events(rig: &mut dyn Rig, count: u64) -> Vec<Parcel> {
    (1..=count).map(|number| rig.event(format!("dir/f{number}").as_bytes())).collect()
}

/// Offers until all is taken; each call must take something.
async fn deliver_all(sink: &mut dyn Sink, batch: &[Parcel]) {
    let mut rest = batch;
    while !rest.is_empty() {
        let offered = &rest[..rest.len().min(sink.batch_limit())];
        let outcomes = sink.deliver(offered).await.expect("the place is well");
        assert!(!outcomes.is_empty() && outcomes.len() <= offered.len(), "{} outcomes", outcomes.len());
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Delivered), "{outcomes:?}");
        rest = &rest[outcomes.len()..];
    }
}

fn lines(batch: &[Parcel]) -> Vec<Vec<u8>> {
    batch.iter().map(|parcel| parcel.event.line(parcel.attempt)).collect()
}

async fn delivers_in_order(rig: &mut dyn Rig) {
    let batch = events(rig, 1500);
    let mut sink = rig.sink(SOON);
    assert!(sink.batch_limit() > 0);
    assert_eq!(sink.deliver(&[]).await, Ok(Vec::new()), "an empty batch is no trouble");
    deliver_all(&mut *sink, &batch[..1000]).await;
    deliver_all(&mut *sink, &batch[1000..1001]).await;
    sink.reopen();
    deliver_all(&mut *sink, &batch[1001..]).await;
    drop(sink);
    assert_eq!(rig.received(), lines(&batch));
}

async fn carries_any_name(rig: &mut dyn Rig) {
    let every_byte: Vec<u8> = (1..=255).filter(|&byte| byte != b'/').collect();
    let names: [&[u8]; 6] = [&every_byte, b"a\nb\r\n", b"\"},{\"", b"\xff\xfe", b"-rf $(id)", &[b'n'; 255]];
    let batch: Vec<Parcel> = names.iter().map(|name| rig.event(name)).collect();
    let mut sink = rig.sink(SOON);
    deliver_all(&mut *sink, &batch).await;
    drop(sink);
    let received = rig.received();
    let path = |line: &Vec<u8>| {
        let event: Value = serde_json::from_slice(line).expect("a native event");
        text::json_path(&event["data"], "path").expect("a path")
    };
    assert_eq!(received.iter().map(path).collect::<Vec<_>>(), names);
}

async fn shows_the_attempt(rig: &mut dyn Rig) {
    if !rig.shows_attempts() {
        return;
    }
    let batch = [Parcel { attempt: 7, ..rig.event(b"x") }];
    let mut sink = rig.sink(SOON);
    deliver_all(&mut *sink, &batch).await;
    drop(sink);
    assert_eq!(rig.received(), lines(&batch));
}

async fn asks_without_delivering(rig: &mut dyn Rig) {
    let mut sink = rig.sink(SOON);
    assert_eq!(sink.ping().await, Ok(()));
    let before = sink.backlog().await.expect("the place is well");
    assert_eq!(sink.backlog().await, Ok(before));
    drop(sink);
    assert_eq!(rig.received(), Vec::<Vec<u8>>::new());
}

async fn survives_a_dropped_call(rig: &mut dyn Rig) {
    let (batch, last) = (events(rig, 20), events(rig, 5));
    let mut sink = rig.sink(SOON);
    for _ in 0..3 {
        let call = pin!(sink.deliver(&batch));
        if let Poll::Ready(result) = call.poll(&mut Context::from_waker(Waker::noop())) {
            result.expect("the place is well");
        }
    }
    deliver_all(&mut *sink, &last).await;
    drop(sink);
    let received = rig.received();
    // What was dropped may have arrived or not; what came after it did, once and whole.
    assert_eq!(received[received.len() - 5..], lines(&last));
    assert!(received[..received.len() - 5].iter().all(|line| lines(&batch).contains(line)));
}

async fn loses_nothing_in_trouble(rig: &mut dyn Rig) {
    let batch = events(rig, 40);
    let mut sink = rig.sink(SOON);
    deliver_all(&mut *sink, &batch[..10]).await;
    if !rig.harm() {
        drop(sink);
        rig.received();
        return;
    }
    for _ in 0..3 {
        let trouble = sink.deliver(&batch[10..20]).await.expect_err("the place is harmed");
        assert!(matches!(trouble, Trouble::Down(_)), "time heals this: {trouble:?}");
        let text = trouble.to_string();
        assert!(text.starts_with("E-") && text.contains("nothing is lost"), "{text}");
    }
    rig.heal();
    deliver_all(&mut *sink, &batch[10..]).await;
    drop(sink);
    assert_eq!(rig.received(), lines(&batch));
}

async fn returns_in_time(rig: &mut dyn Rig) {
    let batch = events(rig, 30);
    let mut sink = rig.sink(SHORT);
    deliver_all(&mut *sink, &batch[..10]).await;
    if !rig.hang() {
        drop(sink);
        rig.received();
        return;
    }
    for _ in 0..2 {
        let result = timeout(SHORT + MOMENT, sink.deliver(&batch[10..20])).await;
        let trouble = result.expect("the call returns in time").expect_err("the place hangs");
        assert!(matches!(trouble, Trouble::Down(_)), "time heals this: {trouble:?}");
    }
    rig.heal();
    drop(sink);
    let mut sink = rig.sink(SOON);
    deliver_all(&mut *sink, &batch[10..]).await;
    drop(sink);
    let (received, expected) = (rig.received(), lines(&batch));
    assert!(received.iter().all(|line| expected.contains(line)), "nothing but what was offered");
    let mut first: Vec<&Vec<u8>> = Vec::new();
    for line in &received {
        if !first.contains(&line) {
            first.push(line);
        }
    }
    assert_eq!(first, expected.iter().collect::<Vec<_>>(), "in order but for repeats, and all of it");
}

#[cfg(test)]
mod tests;
