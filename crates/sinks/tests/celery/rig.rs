//! Sinks, events, and what lies in a queue.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::{CeleryBroker, CelerySink, Format, Secret, SinkKind, SinkPlan, TaskProtocol};
use model::{Cause, Event, Fingerprint, Identity, Kind, Members, Parcel, Signal, SignalSet, Stamp};
use serde_json::Value;
use sinks::{Hands, Outcome, Sink, build};
use testkit::redis::Redis;

/// The clock at the start of a test.
pub(crate) const NOW: i64 = 1_795_226_344;
/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The queue of these tests.
pub(crate) const QUEUE: &[u8] = b"default";

/// A sink for the server, as sendit's settings have it.
pub(crate) fn celery(redis: &Redis) -> CelerySink {
    CelerySink {
        broker: CeleryBroker::Redis { url: Secret::new(redis.url()), key_prefix: String::new() },
        task: "sendit.apps.main.tasks.get.import_dicomdir".into(),
        args: Vec::new(),
        kwargs: CelerySink::usual_kwargs(),
        queue: "default".into(),
        exchange: None,
        routing_key: None,
        priority: None,
        expires: None,
        delay: None,
        protocol: TaskProtocol::V2,
        results: None,
        ca_file: None,
        client_cert: None,
    }
}

pub(crate) fn sink(celery: CelerySink) -> Box<dyn Sink> {
    sink_with(celery, &Hands::in_memory(), Duration::from_secs(10))
}

pub(crate) fn sink_with(celery: CelerySink, hands: &Hands, timeout: Duration) -> Box<dyn Sink> {
    let kind = SinkKind::Celery(Box::new(celery));
    let plan = SinkPlan { name: "tasks".into(), kind, format: Format::CloudEvents, max_attempts: 0, timeout };
    build(&plan, hands).unwrap()
}

/// A directory that came, directly below `/data`.
pub(crate) fn folder(seq: u64, name: &[u8]) -> Parcel {
    parcel(b"/data", seq, name, Some(&Members::default()))
}

/// `count` of them: `f1`, `f2`, …
pub(crate) fn folders(first: u64, count: u64) -> Vec<Parcel> {
    (first..first + count).map(|seq| folder(seq, format!("f{seq}").as_bytes())).collect()
}

/// A dataset, or a file where there are no members.
pub(crate) fn parcel(root: &[u8], seq: u64, path: &[u8], members: Option<&Members>) -> Parcel {
    let kind = if members.is_some() { Kind::Dataset } else { Kind::File };
    let mtime = Stamp::new(NOW - 10, 900_000_000);
    let fingerprint = Fingerprint { size: 7, mtime, inode: 1311 };
    let identity =
        Identity { site: "obs1", source: "stage1", path, kind, fingerprint, recurrence: seq as u32 };
    let event = Event {
        identity,
        root,
        time: Stamp::new(NOW, 0),
        generation: 1,
        supersedes: None,
        mode: 0o100_644,
        rule: "studies",
        signals: SignalSet::EMPTY.with(Signal::Closed),
        waited_ms: 3,
        backend: "inotify",
        cause: Cause::Arrived,
        members,
        moved: None,
    };
    Parcel {
        seq,
        attempt: 1,
        event: event.freeze(),
        source: "stage1".into(),
        root: root.into(),
        path: path.to_vec(),
        cause: Cause::Arrived,
        admitted: Stamp::new(NOW, 0),
        kind,
        size: 7,
        mtime,
        generation: 1,
    }
}

/// Delivers all of it, whatever number of calls that takes.
pub(crate) async fn deliver_all(sink: &mut dyn Sink, batch: &[Parcel]) {
    let mut rest = batch;
    while !rest.is_empty() {
        let outcomes = sink.deliver(&rest[..rest.len().min(sink.batch_limit())]).await.unwrap();
        assert!(
            !outcomes.is_empty() && outcomes.iter().all(|one| *one == Outcome::Delivered),
            "{outcomes:?}"
        );
        rest = &rest[outcomes.len()..];
    }
}

/// The messages in a list, in the order in which workers take them.
pub(crate) fn messages(redis: &Redis, key: &[u8]) -> Vec<Value> {
    redis.pop_all(key).iter().map(|element| serde_json::from_slice(element).unwrap()).collect()
}

/// The body of a message without odd bytes in its names.
pub(crate) fn body(message: &Value) -> Value {
    serde_json::from_slice(&STANDARD.decode(message["body"].as_str().unwrap()).unwrap()).unwrap()
}

/// The named arguments of all messages in the queue.
pub(crate) fn kwargs(redis: &Redis) -> Vec<Value> {
    messages(redis, QUEUE).iter().map(|message| body(message)[1].clone()).collect()
}

/// What the server says of a command since the statistics were reset: how often it was called.
pub(crate) fn calls(redis: &Redis, command: &str) -> u64 {
    let testkit::resp::Reply::Bulk(text) = redis.run("INFO commandstats") else { panic!("no statistics") };
    let text = String::from_utf8(text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}
