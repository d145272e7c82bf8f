//! Tasks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use config::{Argument, CelerySink};
use lapin::types::AMQPValue;
use sinks::conformance::sample;
use sinks::{Outcome, Trouble};

use crate::rig::{
    SOON, batch, deliver_all, deliver_stubbornly, down, misconfigured, server, task, tasks, tasks_with,
};

/// A message's content header as Celery 5.7 sent it for `{"dicom_dir": "/data/ST-1"}`.
const RECORDED: &str = include_str!("recorded_header.hex");
/// And its body.
const BODY: &[u8] =
    br#"[[], {"dicom_dir": "/data/ST-1"}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#;

/// A header as letter of its type and value.
type Field = (char, String);

/// Reads what was recorded.
struct Recorded(std::vec::IntoIter<u8>);

impl Recorded {
    fn open() -> Self {
        let digits: Vec<u8> = RECORDED.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        Self(digits.chunks(2).map(byte).collect::<Vec<u8>>().into_iter())
    }

    fn number(&mut self, bytes: usize) -> u64 {
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.0.next().unwrap()))
    }

    fn text(&mut self, bytes: usize) -> String {
        let length = self.number(bytes);
        String::from_utf8(self.0.by_ref().take(length as usize).collect()).unwrap()
    }

    fn field(&mut self) -> Field {
        let letter = char::from(self.0.next().unwrap());
        let value = match letter {
            'V' => String::new(),
            'I' => self.number(4).to_string(),
            't' => self.number(1).to_string(),
            // In the array and the table there are letters without values at most.
            'S' | 'A' | 'F' => self.text(4),
            other => panic!("a field of type {other}"),
        };
        (letter, value)
    }

    fn table(&mut self) -> BTreeMap<String, Field> {
        let length = self.number(4) as usize;
        let (begin, mut table) = (self.0.len(), BTreeMap::new());
        while begin - self.0.len() < length {
            let name = self.text(1);
            table.insert(name, self.field());
        }
        table
    }
}

fn field(value: &AMQPValue) -> Field {
    match value {
        AMQPValue::LongString(text) => ('S', text.to_string()),
        AMQPValue::Void => ('V', String::new()),
        AMQPValue::LongInt(number) => ('I', number.to_string()),
        AMQPValue::Boolean(flag) => ('t', u8::from(*flag).to_string()),
        AMQPValue::FieldArray(items) => ('A', items.as_slice().iter().map(|item| field(item).0).collect()),
        AMQPValue::FieldTable(table) => ('F', table.inner().keys().map(ToString::to_string).collect()),
        other => panic!("{other:?}"),
    }
}

/// The order of the headers is another one: the library keeps them sorted, and workers do not mind.
#[tokio::test]
async fn are_what_celery_sends_field_by_field() {
    let rabbit = server().read().await;
    rabbit.declare("celery-1");
    let kwargs = vec![("dicom_dir".to_owned(), Argument::Text("/data/ST-1".into()))];
    let plan = CelerySink { kwargs, ..task(&rabbit.url(), "celery-1") };
    deliver_all(&mut *tasks_with(plan, SOON), &batch(1, 1)).await;
    let taken = rabbit.take_all("celery-1").remove(0);
    assert_eq!(taken.body, BODY);
    assert_eq!((taken.exchange.as_str(), taken.routing_key.as_str()), ("", "celery-1"));

    let mut recorded = Recorded::open();
    let (class, weight, size, flags) =
        (recorded.number(2), recorded.number(2), recorded.number(8), recorded.number(2));
    assert_eq!((class, weight, size as usize, flags), (60, 0, BODY.len(), 0xFE00));
    let ours = &taken.properties;
    let text = |text: &Option<lapin::types::ShortString>| text.as_ref().unwrap().to_string();
    assert_eq!(text(ours.content_type()), recorded.text(1));
    assert_eq!(text(ours.content_encoding()), recorded.text(1));
    let (mut theirs, mut headers) = (recorded.table(), BTreeMap::new());
    headers.extend(taken.headers().iter().map(|(name, value)| (name.clone(), field(value))));
    let id = headers["id"].1.clone();
    assert_eq!(headers["root_id"].1, id);
    for varies in ["id", "root_id", "origin"] {
        assert_eq!(headers[varies].0, 'S', "{varies}");
        theirs.insert(varies.into(), headers[varies].clone());
    }
    assert_eq!(headers, theirs);
    assert_eq!(
        (ours.delivery_mode().unwrap().into(), ours.priority().unwrap().into()),
        (recorded.number(1), recorded.number(1))
    );
    assert_eq!(text(ours.correlation_id()), id);
    assert_eq!(
        (text(ours.correlation_id()).len(), text(ours.reply_to()).len()),
        (recorded.text(1).len(), recorded.text(1).len())
    );
    assert_eq!(recorded.0.len(), 0, "nothing more was recorded");
    let more =
        [ours.expiration(), ours.message_id(), ours.kind(), ours.user_id(), ours.app_id(), ours.cluster_id()];
    assert!(more.iter().all(|more| more.is_none()) && ours.timestamp().is_none());
}

#[tokio::test]
async fn the_same_event_is_the_same_task() {
    let rabbit = server().read().await;
    rabbit.declare("celery-2");
    for _ in 0..2 {
        deliver_all(&mut *tasks(&rabbit.url(), "celery-2"), &batch(1, 3)).await;
    }
    let ids: Vec<_> = rabbit.take_all("celery-2").iter().map(|one| field(&one.headers()["id"]).1).collect();
    assert_eq!(ids[..3], ids[3..]);
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[tokio::test]
async fn for_a_queue_that_is_not_there_are_kept_and_come_soon_after_a_worker_declares_it() {
    let rabbit = server().read().await;
    let mut sink = tasks(&rabbit.url(), "celery-3");
    assert_eq!(sink.backlog().await, Ok(None));
    for _ in 0..3 {
        let text = down(&mut *sink).await;
        assert!(text.starts_with("E-SINK-UNROUTABLE") && text.contains("no queue celery-3"), "{text}");
    }
    assert!(!rabbit.has("celery-3"), "nothing is declared");
    assert_eq!(sink.ping().await, Ok(()));
    rabbit.declare("celery-3");
    let begun = Instant::now();
    deliver_stubbornly(&mut *sink, &batch(1, 2)).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(sink.backlog().await, Ok(Some(2)));
    assert_eq!(rabbit.take_all("celery-3").len(), 2);
}

#[tokio::test]
async fn go_to_an_exchange_with_a_key() {
    let rabbit = server().read().await;
    let plan = || CelerySink {
        exchange: Some("celery-4x".into()),
        routing_key: Some("import.now".into()),
        priority: Some(7),
        ..task(&rabbit.url(), "celery-4")
    };
    let text = misconfigured(&mut *tasks_with(plan(), SOON)).await;
    assert!(text.starts_with("E-SINK-NOEXCHANGE") && text.contains("celery-4x"), "{text}");
    rabbit.declare_exchange("celery-4x", "topic");
    let text = down(&mut *tasks_with(plan(), SOON)).await;
    assert!(text.contains("exchange celery-4x") && text.contains("import.now"), "{text}");
    rabbit.declare("celery-4");
    rabbit.bind("celery-4", "celery-4x", "import.*");
    deliver_all(&mut *tasks_with(plan(), SOON), &batch(1, 1)).await;
    let taken = rabbit.take_all("celery-4").remove(0);
    assert_eq!((taken.exchange.as_str(), taken.routing_key.as_str()), ("celery-4x", "import.now"));
    assert_eq!(*taken.properties.priority(), Some(7));
}

#[tokio::test]
async fn names_are_what_os_fsencode_takes() {
    let rabbit = server().read().await;
    rabbit.declare("celery-5");
    deliver_all(&mut *tasks(&rabbit.url(), "celery-5"), &[sample(1, b"ST-\xff")]).await;
    let body = String::from_utf8(rabbit.take_all("celery-5").remove(0).body).unwrap();
    assert!(body.contains(r"/data/stage1/ST-\udcff"), "{body}");
}

/// A queue that fills up in the middle of a batch: what it took is done, the rest comes again, and only that.
#[tokio::test]
async fn a_batch_of_which_a_part_is_taken_is_not_sent_again_as_a_whole() {
    let rabbit = server().read().await;
    rabbit.declare_small("celery-6", 10);
    let mut sink = tasks(&rabbit.url(), "celery-6");
    let outcomes = sink.deliver(&batch(1, 40)).await.unwrap();
    let taken = outcomes.iter().filter(|outcome| **outcome == Outcome::Delivered).count();
    let rest = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::PutOff(..))).count();
    assert!(taken >= 10 && rest > 0 && taken + rest == 40, "{taken} taken, {rest} not");
    assert_eq!(rabbit.count("celery-6") as usize, taken);
    // Now that it is full nothing is taken: that is the sink's trouble, not the tasks'.
    let result = sink.deliver(&batch(50, 3)).await;
    assert!(matches!(&result, Err(Trouble::Down(text)) if text.starts_with("E-SINK-NACK")), "{result:?}");
}
