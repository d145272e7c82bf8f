//! What a plugin is told, and what its answers mean.

use std::time::Duration;

use model::{Detail, Happening, Moved, Parcel};
use sinks::{Outcome, Sink as _};

use crate::rig::{Rig, arrival, creates, deliver_all, detailed, happening, names};

const KEEP_ALL: &str = r#"
hello()
while True:
    message = hear()
    keep(message)
    if message["type"] == "event":
        say(type="ack", seq=message["seq"])
"#;

#[tokio::test]
async fn a_watch_is_configured_before_its_first_event_and_events_come_in_order() {
    let mut rig = Rig::python(KEEP_ALL);
    rig.plan.options = r#"{"actor_opt": "x", "n": [1, 2]}"#.into();
    let mut sink = rig.sink();
    let mut batch = creates(1, 300);
    batch[200].source = "w2".into();
    deliver_all(&mut sink, &batch).await;
    let kept = rig.kept();
    let configures: Vec<_> = kept.iter().filter(|message| message["type"] == "configure").collect();
    assert_eq!(configures.len(), 2);
    assert_eq!((&kept[0], configures[0]["watch"].as_str()), (configures[0], Some("w1")));
    assert_eq!(configures[0]["options"], serde_json::json!({"actor_opt": "x", "n": [1, 2]}));
    assert_eq!(configures[0]["root"], "/data/w1");
    assert_eq!((&kept[201], configures[1]["watch"].as_str()), (configures[1], Some("w2")));
    assert_eq!(rig.paths(), names(1, 300));
}

#[tokio::test]
async fn an_event_says_everything_and_any_name_comes_through() {
    let rig = Rig::python(KEEP_ALL);
    let mut sink = rig.sink();
    let name: Vec<u8> = (1..=255).filter(|&byte| byte != b'/').collect();
    let moved = Moved { from: b"/data/w0/\xffold".as_slice().into(), to: b"/data/w1/new".as_slice().into() };
    let detail = Detail { is_dir: true, synthetic: true, cookie: 77, moved: true };
    let batch = [
        happening(1, Happening::CloseWrite, &name),
        detailed(2, Happening::MovedTo, b"new", detail, Some(&moved)),
        Parcel { attempt: 4, ..arrival(3, b"a b") },
    ];
    deliver_all(&mut sink, &batch).await;
    let kept = rig.kept();
    assert_eq!(model::text::json_path(&kept[1], "path").unwrap(), name);
    assert_eq!((kept[1]["kind"].as_str(), kept[1]["is_dir"].as_bool()), (Some("close_write"), Some(false)));
    assert_eq!(model::text::json_path(&kept[2], "old_path").unwrap(), b"/data/w0/\xffold");
    assert_eq!((kept[2]["cookie"].as_u64(), kept[2]["synthetic"].as_bool()), (Some(77), Some(true)));
    assert_eq!(kept[2]["time"], "2026-11-21T01:59:04.123456789Z");
    assert_eq!((kept[3]["kind"].as_str(), kept[3]["size"].as_u64()), (Some("complete"), Some(1234)));
    assert_eq!(
        (&kept[3]["attempt"], &kept[3]["event"]["data"]["delivery"]["attempt"]),
        (&4.into(), &4.into())
    );
    assert_eq!(kept[3]["event"]["id"], kept[3]["id"]);
}

#[tokio::test]
async fn kinds_that_are_not_asked_for_count_as_delivered() {
    let rig = Rig::python(
        r#"
hello(events=["create", "nonsense"])
for event in events():
    keep(event)
    say(type="ack", seq=event["seq"])
"#,
    );
    let mut sink = rig.sink();
    let batch = [
        happening(1, Happening::Open, b"a"),
        happening(2, Happening::Create, b"b"),
        happening(3, Happening::WatchDead, b""),
    ];
    deliver_all(&mut sink, &batch).await;
    deliver_all(&mut sink, &batch[..1]).await;
    assert_eq!(rig.paths(), ["b"]);
    assert!(
        rig.remarks().iter().any(|text| text.starts_with("W-PLUGIN-EVENTS") && text.contains("nonsense"))
    );
}

#[tokio::test]
async fn one_event_is_refused_and_the_others_are_not() {
    let rig = Rig::python(
        r#"
hello()
refused = False
for event in events():
    keep(event)
    if event["path"] == "never":
        say(type="error", seq=event["seq"], message="no such shelf", permanent=True)
    elif event["path"] == "a" and not refused:
        refused = True
        say(type="error", seq=event["seq"], message="not\nnow")
    if event["path"] == "last":
        say(type="ack", seq=event["seq"])
"#,
    );
    let mut sink = rig.sink();
    assert!(sink.takes_whole_batches());
    let event = |seq, path: &str| happening(seq, Happening::Modify, path.as_bytes());
    let batch =
        [event(1, "b"), event(2, "a"), event(3, "never"), event(4, "c"), event(5, "a"), event(6, "last")];
    let outcomes = sink.deliver(&batch).await.unwrap();
    let refused = Outcome::Retry("plugin \"actor\": not\\nnow".into());
    let never = Outcome::Rejected("plugin \"actor\": no such shelf".into());
    // It ends before the second event of the refused path, which was in flight and must come after the first.
    assert_eq!(outcomes, [Outcome::Delivered, refused, never, Outcome::Delivered]);
    // As the lane does: the rest without the path that waits, then that path.
    deliver_all(&mut sink, &batch[5..]).await;
    let again = [Parcel { attempt: 2, ..batch[1].clone() }, event(5, "a"), event(7, "last")];
    deliver_all(&mut sink, &again).await;
    assert_eq!(rig.paths(), ["b", "a", "never", "c", "a", "last", "a", "a", "last"]);
    let said: Vec<_> = rig.remarks().into_iter().filter(|text| text.contains("refused")).collect();
    assert_eq!(said, ["W-PLUGIN-REFUSED: an event was refused and is sent again later: not\\nnow"]);
}

/// Whatever the reason that no more is sent: a plugin that waits to be asked is asked.
#[tokio::test]
async fn an_event_that_must_wait_for_a_refused_one_does_not_keep_the_flush() {
    let mut rig = Rig::python(
        r#"
hello(batch=1000)
last = 0
while True:
    message = hear()
    if message["type"] == "event":
        last = message["seq"]
        if message["path"] == "a":
            say(type="error", seq=last, message="not now")
    if message["type"] == "flush":
        say(type="ack", seq=last)
"#,
    );
    rig.manifest().ack_within = Duration::from_secs(5);
    let mut sink = rig.sink();
    // More than is encoded ahead: the refusal is there before the last one is.
    let long = |seq: u64| happening(seq, Happening::Modify, format!("{seq}{}", "x".repeat(2000)).as_bytes());
    let event =
        |seq| if [1, 200].contains(&seq) { happening(seq, Happening::Modify, b"a") } else { long(seq) };
    let batch: Vec<_> = (1..=200).map(event).collect();
    let outcomes = sink.deliver(&batch).await.unwrap();
    assert_eq!(outcomes.len(), 199);
    assert!(matches!(outcomes[0], Outcome::Retry(_)));
}

#[tokio::test]
async fn acknowledgements_that_are_held_back_come_at_the_flush() {
    let rig = Rig::python(
        r#"
hello(batch=1000)
last = 0
while True:
    message = hear()
    if message["type"] == "event":
        last = message["seq"]
    if message["type"] == "flush":
        keep(message)
        say(type="ack", seq=last)
"#,
    );
    let mut sink = rig.sink();
    deliver_all(&mut sink, &creates(1, 600)).await;
    // One for each window of 256, and nothing else.
    assert_eq!(rig.log().len(), 3);
}

#[tokio::test]
async fn a_slow_plugin_gets_nothing_twice_and_the_call_ends_with_what_is_done() {
    let mut rig = Rig::python(
        r#"
hello()
for event in events():
    keep(event)
    time.sleep(0.05)
    say(type="ack", seq=event["seq"])
"#,
    );
    rig.timeout = Duration::from_millis(300);
    let mut sink = rig.sink();
    let batch = creates(1, 30);
    let outcomes = sink.deliver(&batch).await.unwrap();
    assert!(!outcomes.is_empty() && outcomes.len() < 30, "{}", outcomes.len());
    deliver_all(&mut sink, &batch[outcomes.len()..]).await;
    assert_eq!(rig.paths(), names(1, 30));
}

#[tokio::test]
async fn a_call_that_was_dropped_leaves_its_events_in_flight() {
    let rig = Rig::python(
        r#"
hello()
for event in events():
    keep(event)
    if event["seq"] == 2:
        time.sleep(1)
    say(type="ack", seq=event["seq"])
"#,
    );
    let mut sink = rig.sink();
    deliver_all(&mut sink, &creates(1, 1)).await;
    let batch = creates(2, 50);
    let cut = tokio::time::timeout(Duration::from_millis(100), sink.deliver(&batch)).await;
    assert!(cut.is_err());
    deliver_all(&mut sink, &batch).await;
    assert_eq!(rig.paths(), names(1, 51), "each once");
}
