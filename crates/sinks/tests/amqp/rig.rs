//! The server, sinks for it, and events.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use config::{
    AmqpSink, Argument, CeleryBroker, CelerySink, Format, Secret, SinkKind, SinkPlan, TaskProtocol,
};
use model::Parcel;
use sinks::conformance::sample;
use sinks::{Hands, Outcome, Sink, Trouble};
use testkit::rabbitmq::Rabbit;
use tokio::sync::RwLock;

/// A sink's timeout where it must not strike.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// How long may be waited for anything.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// The one server. Whoever stops it or raises its alarm takes it for writing.
pub(crate) fn server() -> &'static RwLock<Rabbit> {
    static SERVER: OnceLock<RwLock<Rabbit>> = OnceLock::new();
    SERVER.get_or_init(|| RwLock::new(Rabbit::start_tls()))
}

fn sink(kind: SinkKind, timeout: Duration) -> Box<dyn Sink> {
    let plan = SinkPlan { name: "pacs".into(), kind, format: Format::CloudEvents, max_attempts: 0, timeout };
    sinks::build(&plan, &Hands::in_memory()).unwrap()
}

/// Events to the queue of this name.
pub(crate) fn amqp(url: &str, queue: &str) -> AmqpSink {
    AmqpSink {
        url: Secret::new(url),
        exchange: String::new(),
        routing_key: queue.to_owned(),
        ca_file: None,
        client_cert: None,
    }
}

pub(crate) fn events_with(amqp: AmqpSink, timeout: Duration) -> Box<dyn Sink> {
    sink(SinkKind::Amqp(amqp), timeout)
}

pub(crate) fn events(url: &str, queue: &str) -> Box<dyn Sink> {
    events_with(amqp(url, queue), SOON)
}

/// Tasks for the queue of this name.
pub(crate) fn task(url: &str, queue: &str) -> CelerySink {
    CelerySink {
        broker: CeleryBroker::Amqp { url: Secret::new(url) },
        task: "sendit.apps.main.tasks.get.import_dicomdir".into(),
        args: Vec::new(),
        kwargs: vec![("dicom_dir".into(), Argument::Text("{path}".into()))],
        queue: queue.to_owned(),
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

pub(crate) fn tasks_with(celery: CelerySink, timeout: Duration) -> Box<dyn Sink> {
    sink(SinkKind::Celery(Box::new(celery)), timeout)
}

pub(crate) fn tasks(url: &str, queue: &str) -> Box<dyn Sink> {
    tasks_with(task(url, queue), SOON)
}

pub(crate) fn batch(first: u64, count: u64) -> Vec<Parcel> {
    (first..first + count).map(|seq| sample(seq, format!("f{seq}").as_bytes())).collect()
}

/// What the messages of a batch of events are, in order.
pub(crate) fn lines(batch: &[Parcel]) -> Vec<Vec<u8>> {
    batch.iter().map(|parcel| parcel.event.line(parcel.attempt)).collect()
}

/// What lies in the queue, in order.
pub(crate) fn bodies(rabbit: &Rabbit, queue: &str) -> Vec<Vec<u8>> {
    rabbit.take_all(queue).into_iter().map(|taken| taken.body).collect()
}

pub(crate) async fn deliver_all(sink: &mut dyn Sink, batch: &[Parcel]) {
    let outcomes = sink.deliver(batch).await.unwrap();
    assert_eq!(outcomes, vec![Outcome::Delivered; batch.len()]);
}

/// Offers as a lane does, until all is taken; how long that took.
pub(crate) async fn deliver_stubbornly(sink: &mut dyn Sink, batch: &[Parcel]) -> Duration {
    let begun = Instant::now();
    let mut rest = batch;
    while !rest.is_empty() {
        assert!(begun.elapsed() < LONG, "{} events were not taken", rest.len());
        match sink.deliver(rest).await {
            Ok(outcomes) => {
                assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Delivered), "{outcomes:?}");
                rest = &rest[outcomes.len()..];
            }
            Err(Trouble::Down(text)) => {
                is_well_said(&text);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(trouble) => panic!("time heals this: {trouble}"),
        }
    }
    begun.elapsed()
}

pub(crate) fn is_well_said(text: &str) {
    assert!(
        text.starts_with("E-SINK-") && text.contains("nothing is lost") && text.contains("Fix: "),
        "{text}"
    );
}

pub(crate) async fn down(sink: &mut dyn Sink) -> String {
    match sink.deliver(&batch(1, 2)).await {
        Err(Trouble::Down(text)) => {
            is_well_said(&text);
            text
        }
        other => panic!("not down: {other:?}"),
    }
}

pub(crate) async fn misconfigured(sink: &mut dyn Sink) -> String {
    match sink.deliver(&batch(1, 2)).await {
        Err(Trouble::Misconfigured(text)) => {
            is_well_said(&text);
            text
        }
        other => panic!("not misconfigured: {other:?}"),
    }
}
