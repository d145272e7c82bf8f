//! Messages beside those that Celery itself sent.

use std::time::Duration;

use config::{Argument, CeleryBroker, CelerySink, Secret, TaskProtocol};
use model::{Parcel, Stamp};
use serde_json::Value as Json;

use super::envelope::{element, key};
use super::message::{Header, Marks, Message, Sender, Unfit, task_id};
use crate::facts::Uids;
use crate::samples::{numbered, parcel};

/// What Celery 5.7 put into the list `default` for `import_dicomdir.delay(dicom_dir="/data/ST-1")`.
const SECOND: &str = concat!(
    r#"{"body": "W1tdLCB7ImRpY29tX2RpciI6ICIvZGF0YS9TVC0xIn0sIHsiY2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNoYW"#,
    r#"luIjogbnVsbCwgImNob3JkIjogbnVsbH1d", "content-encoding": "utf-8", "content-type": "application/json", "headers": "#,
    r#"{"lang": "py", "task": "sendit.apps.main.tasks.get.import_dicomdir", "id": "65ce8721-ca44-462d-9f2f-1bcf122944a5", "#,
    r#""shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, "timelimit": [null, "#,
    r#"null], "root_id": "65ce8721-ca44-462d-9f2f-1bcf122944a5", "parent_id": null, "argsrepr": "()", "kwargsrepr": "#,
    r#""{'dicom_dir': '/data/ST-1'}", "origin": "gen23532@vm", "ignore_result": false, "replaced_task_nesting": 0, "#,
    r#""stamped_headers": null, "stamps": {}}, "properties": {"correlation_id": "65ce8721-ca44-462d-9f2f-1bcf122944a5", "#,
    r#""reply_to": "cc914119-41c1-3833-ab3f-37b9b764b99c", "delivery_mode": 2, "delivery_info": {"exchange": "", "#,
    r#""routing_key": "default"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "#,
    r#""e0dabe46-49b9-43ab-8f9d-d0c0f1af5504"}}"#
);

/// The body that Celery 3.1.25 made of the same call.
const FIRST_BODY: &str = concat!(
    r#"{"task": "sendit.apps.main.tasks.get.import_dicomdir", "id": "65ce8721-ca44-462d-9f2f-1bcf122944a5", "args": [], "#,
    r#""kwargs": {"dicom_dir": "/data/ST-1"}, "retries": 0, "eta": null, "expires": null, "utc": true, "callbacks": null, "#,
    r#""errbacks": null, "timelimit": [null, null], "taskset": null, "chord": null}"#
);

fn celery() -> CelerySink {
    CelerySink {
        broker: CeleryBroker::Redis { url: Secret::new("redis://h"), key_prefix: String::new() },
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

fn marks() -> Marks {
    Marks {
        id: "65ce8721-ca44-462d-9f2f-1bcf122944a5".into(),
        delivery_tag: "e0dabe46-49b9-43ab-8f9d-d0c0f1af5504".into(),
        reply_to: "cc914119-41c1-3833-ab3f-37b9b764b99c".into(),
        origin: "gen23532@vm".into(),
    }
}

fn study() -> Parcel {
    Parcel { root: b"/data"[..].into(), ..parcel(b"ST-1") }
}

fn message(celery: &CelerySink) -> Message {
    Message::new(celery, marks(), &study(), &Uids::default(), Stamp::new(1_795_226_344, 571_536_000)).unwrap()
}

fn json(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_captured_element_field_by_field() {
    let made = element(&message(&celery())).unwrap();
    let (mut ours, captured) = (json(&made), json(SECOND.as_bytes()));
    // Celery names the empty exchange; workers of 3.1 cannot put such a message back.
    assert_eq!(ours["properties"]["delivery_info"]["exchange"], "default");
    ours["properties"]["delivery_info"]["exchange"] = "".into();
    for part in ["headers", "properties"] {
        for (name, value) in captured[part].as_object().unwrap() {
            assert_eq!(&ours[part][name], value, "{part}.{name}");
        }
    }
    assert_eq!(ours, captured);
    // And to the byte.
    let text = String::from_utf8(made).unwrap();
    assert_eq!(text.replace(r#""exchange": "default""#, r#""exchange": """#), SECOND);
}

#[test]
fn the_captured_element_of_protocol_1() {
    let message = message(&CelerySink { protocol: TaskProtocol::V1, ..celery() });
    assert_eq!(String::from_utf8_lossy(&message.body), FIRST_BODY);
    let element = json(&element(&message).unwrap());
    assert_eq!(element["headers"], serde_json::json!({}));
    let delivery = serde_json::json!({"priority": 0, "exchange": "default", "routing_key": "default"});
    assert_eq!(element["properties"]["delivery_info"], delivery);
}

#[test]
fn over_amqp_the_exchange_is_the_default_one_unless_it_is_named() {
    let amqp = CelerySink { broker: CeleryBroker::Amqp { url: Secret::new("amqp://h") }, ..celery() };
    let plain = message(&amqp);
    assert_eq!((plain.exchange.as_str(), plain.routing_key.as_str()), ("", "default"));
    let named = CelerySink { exchange: Some("e".into()), routing_key: Some("k".into()), ..amqp };
    let named = message(&named);
    assert_eq!((named.exchange.as_str(), named.routing_key.as_str()), ("e", "k"));
}

#[test]
fn times_are_written_as_celery_writes_them() {
    let (delay, expires) = (Some(Duration::from_secs(2)), Some(Duration::from_micros(428_464)));
    let timed = CelerySink { delay, expires, ..celery() };
    let header = |message: &Message, wanted: &str| {
        message.headers.iter().find(|(name, _)| *name == wanted).unwrap().1.clone()
    };
    let text = |text: &str| Header::Text(text.into());
    let second = message(&timed);
    assert_eq!(header(&second, "eta"), text("2026-11-21T01:59:06.571536+00:00"));
    assert_eq!(header(&second, "expires"), text("2026-11-21T01:59:05+00:00"));
    let first = json(&message(&CelerySink { protocol: TaskProtocol::V1, ..timed.clone() }).body);
    assert_eq!(first["eta"], "2026-11-21T01:59:06.571536+00:00");
    let never = CelerySink { expires: Some(Duration::MAX), ..timed };
    let unfit = Message::new(&never, marks(), &study(), &Uids::default(), Stamp::new(0, 0)).unwrap_err();
    assert_eq!(unfit, Unfit::Time("expires"));
}

#[test]
fn arguments_of_every_kind() {
    let text = |text: &str| Argument::Text(text.into());
    let sink = CelerySink {
        args: vec![text("{name}"), text("{size}"), text("{count}"), text("{{{size}}}"), Argument::Float(0.5)],
        kwargs: vec![
            ("uid".into(), text("{SeriesInstanceUID}")),
            (
                "more".into(),
                Argument::Table(vec![("deep".into(), Argument::List(vec![Argument::Flag(true)]))]),
            ),
        ],
        ..celery()
    };
    let uids = Uids { study: None, series: Some("1.2.3".into()) };
    let message = Message::new(&sink, marks(), &study(), &uids, Stamp::new(0, 0)).unwrap();
    message.validate().unwrap();
    let body = json(&message.body);
    assert_eq!(body[0], serde_json::json!(["ST-1", 1234, null, "{1234}", 0.5]));
    assert_eq!(body[1], serde_json::json!({"uid": "1.2.3", "more": {"deep": [true]}}));
}

#[test]
fn the_id_depends_on_the_event_and_the_sink_alone() {
    let (here, there) = (Sender::new("tasks"), Sender::new("tasks"));
    let parcel = study();
    let now = Stamp::new(5, 0);
    let marks = [here.marks(&parcel, now), here.marks(&parcel, now), there.marks(&parcel, Stamp::new(6, 0))];
    assert!(marks.iter().all(|mark| mark.id == marks[0].id && mark.reply_to == marks[0].reply_to));
    assert!(marks[0].delivery_tag != marks[1].delivery_tag && marks[0].delivery_tag != marks[2].delivery_tag);
    assert!(marks[0].origin.starts_with(&format!("staithe{}@", std::process::id())));
    let again = Parcel { attempt: 9, ..study() };
    assert_eq!(Sender::new("tasks").marks(&again, now).id, marks[0].id);
    assert_ne!(task_id(&parcel, "others"), marks[0].id);
    assert_ne!(task_id(&numbered(2, b"ST-1"), "tasks"), marks[0].id);
}

#[test]
fn the_id_is_the_same_in_every_version() {
    let id = model::EventId([7; 16]);
    let mut parcel = study();
    parcel.event.id = id;
    assert_eq!(task_id(&parcel, "tasks"), TASK_OF_SEVENS);
}

/// Python: `uuid.uuid5(uuid.UUID("5e1b7c02-4f9a-4d3e-9c61-2ad80b77e514"), "07" * 16 + ":tasks")`.
const TASK_OF_SEVENS: &str = "f614dd78-0d54-5150-bffb-7fd86ee9b4a3";

#[test]
fn a_message_that_says_something_else_does_not_leave() {
    type Harm = fn(&mut Message);
    let harms: [(&str, Harm); 10] = [
        ("id", |message| message.headers.retain(|(name, _)| *name != "id")),
        ("id", |message| message.id.push('x')),
        ("id", |message| message.correlation_id.clear()),
        ("task", |message| message.task.clear()),
        ("delivery_tag", |message| message.delivery_tag.clear()),
        ("delivery_tag", |message| message.delivery_tag = message.id.clone()),
        ("routing_key", |message| message.routing_key.clear()),
        ("body", |message| message.body.truncate(20)),
        ("kwargs", |message| message.body = br#"[[], {"dicom_dir": "/data/ST-2"}, {}]"#.to_vec()),
        ("args", |message| message.body = br#"[[1], {"dicom_dir": "/data/ST-1"}, {}]"#.to_vec()),
    ];
    for protocol in [TaskProtocol::V1, TaskProtocol::V2] {
        let good = message(&CelerySink { protocol, ..celery() });
        good.validate().unwrap();
        for (what, harm) in &harms {
            let mut bad = good.clone();
            harm(&mut bad);
            if bad != good {
                assert!(bad.validate().is_err() && element(&bad).is_err(), "{protocol:?} {what}");
            }
        }
    }
}

#[test]
fn each_priority_has_its_list() {
    let plain: Vec<Vec<u8>> = [0, 1, 2].map(|priority| key("", "q", priority)).to_vec();
    assert!(plain.iter().all(|key| key == b"q"));
    assert_eq!(
        [3, 5, 6, 8, 9, 255].map(|priority| key("p:", "q", priority)),
        [
            b"p:q\x06\x163".to_vec(),
            b"p:q\x06\x163".to_vec(),
            b"p:q\x06\x166".to_vec(),
            b"p:q\x06\x166".to_vec(),
            b"p:q\x06\x169".to_vec(),
            b"p:q\x06\x169".to_vec(),
        ]
    );
}
