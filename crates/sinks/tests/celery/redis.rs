//! What lies in the list, in which order, and what becomes of it when the server does not take it.

use config::{Argument, CeleryBroker, CelerySink, Secret, TaskProtocol};
use serde_json::json;
use sinks::{Outcome, Trouble};
use testkit::redis::Redis;

use crate::rig::{QUEUE, body, calls, celery, deliver_all, folder, folders, kwargs, messages, sink};

#[tokio::test]
async fn tasks_lie_in_the_order_of_their_events_one_push_for_a_batch() {
    let redis = Redis::start();
    let mut sink = sink(celery(&redis));
    sink.ping().await.unwrap();
    redis.run("CONFIG RESETSTAT");
    deliver_all(&mut *sink, &folders(1, 300)).await;
    assert_eq!(calls(&redis, "lpush"), 1);
    // Nothing of what Celery's own producers do besides is needed: workers make the bindings.
    assert_eq!(["sadd", "multi", "rpush", "set"].map(|command| calls(&redis, command)), [0; 4]);
    assert_eq!(sink.backlog().await, Ok(Some(300)));
    let expected: Vec<_> = (1..=300).map(|seq| json!({"dicom_dir": format!("/data/f{seq}")})).collect();
    assert_eq!(kwargs(&redis), expected);
}

#[tokio::test]
async fn the_same_event_is_the_same_task() {
    let redis = Redis::start();
    deliver_all(&mut *sink(celery(&redis)), &folders(1, 2)).await;
    // After a restart, or because nobody knew that it had arrived.
    deliver_all(&mut *sink(celery(&redis)), &folders(1, 2)).await;
    let messages = messages(&redis, QUEUE);
    let ids: Vec<_> = messages.iter().map(|message| &message["headers"]["id"]).collect();
    assert!(ids[0] == ids[2] && ids[1] == ids[3] && ids[0] != ids[1], "{ids:?}");
    let mut tags: Vec<_> =
        messages.iter().map(|message| message["properties"]["delivery_tag"].as_str().unwrap()).collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4, "workers keep what they have taken by this");
}

#[tokio::test]
async fn a_prefix_a_priority_and_another_queue() {
    let redis = Redis::start();
    let url = Secret::new(redis.unix_url());
    let broker = CeleryBroker::Redis { url, key_prefix: "site1:".into() };
    let plan = CelerySink { broker, queue: "slow".into(), priority: Some(7), ..celery(&redis) };
    deliver_all(&mut *sink(plan), &folders(1, 1)).await;
    let found = messages(&redis, b"site1:slow\x06\x166");
    let properties = &found[0]["properties"];
    assert_eq!(properties["delivery_info"], json!({"exchange": "slow", "routing_key": "slow"}));
    assert_eq!(properties["priority"], 7);
}

#[tokio::test]
async fn protocol_1_and_positional_arguments() {
    let redis = Redis::start();
    let args = vec![Argument::Text("{subject}".into()), Argument::Text("{count}".into())];
    let plan = CelerySink { protocol: TaskProtocol::V1, args, kwargs: Vec::new(), ..celery(&redis) };
    deliver_all(&mut *sink(plan), &folders(1, 1)).await;
    let found = messages(&redis, QUEUE);
    assert_eq!((&body(&found[0])["args"], &body(&found[0])["kwargs"]), (&json!(["f1", 0]), &json!({})));
}

#[tokio::test]
async fn what_is_no_message_is_rejected_and_the_others_go() {
    let redis = Redis::start();
    let endless = CelerySink { expires: Some(std::time::Duration::MAX), ..celery(&redis) };
    let outcomes = sink(endless).deliver(&folders(1, 2)).await.unwrap();
    let [Outcome::Rejected(text), Outcome::Rejected(_)] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(
        text.starts_with("E-SINK-TASK: ") && text.contains("f1: `expires`") && text.contains("Fix: "),
        "{text}"
    );
    assert_eq!(kwargs(&redis), Vec::<serde_json::Value>::new());
    // One call may leave one out and take a later one, so no call may carry two generations of one path.
    assert!(!sink(celery(&redis)).takes_whole_batches());
}

#[tokio::test]
async fn a_key_of_another_type_and_a_full_server_keep_everything() {
    let redis = Redis::start();
    let mut sink = sink(celery(&redis));
    redis.run("SET default text");
    let trouble = sink.deliver(&folders(1, 3)).await.unwrap_err();
    assert!(
        matches!(&trouble, Trouble::Misconfigured(text) if text.starts_with("E-SINK-WRONGTYPE")),
        "{trouble:?}"
    );
    redis.run("DEL default");
    redis.run("CONFIG SET maxmemory 1");
    let trouble = sink.deliver(&folders(1, 3)).await.unwrap_err();
    assert!(matches!(&trouble, Trouble::Down(text) if text.starts_with("E-SINK-OOM")), "{trouble:?}");
    redis.run("CONFIG SET maxmemory 0");
    deliver_all(&mut *sink, &folders(1, 3)).await;
    assert_eq!(kwargs(&redis).len(), 3);
}

#[tokio::test]
async fn one_call_carries_no_more_than_a_mebibyte_or_one_large_task() {
    let redis = Redis::start();
    let mut sink = sink(celery(&redis));
    let wide: Vec<_> = (1..=40).map(|seq| folder(seq, &vec![b'x'; 50_000])).collect();
    let count = sink.deliver(&wide).await.unwrap().len();
    assert!((2..40).contains(&count), "{count}");
    let huge = folder(1, &vec![b'y'; 3 << 20]);
    assert_eq!(sink.deliver(&[huge.clone(), huge]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn urls_and_files_that_do_not_fit_are_told_without_secrets() {
    let redis = Redis::start();
    let hands = sinks::Hands::in_memory();
    let error = |celery: CelerySink| {
        let plan = config::SinkPlan {
            name: "tasks".into(),
            kind: config::SinkKind::Celery(Box::new(celery)),
            format: config::Format::CloudEvents,
            max_attempts: 0,
            timeout: std::time::Duration::from_secs(1),
        };
        match sinks::build(&plan, &hands) {
            Ok(_) => panic!("it was built"),
            Err(error) => error.to_string(),
        }
    };
    let unused = CelerySink { ca_file: Some("/ca.pem".into()), ..celery(&redis) };
    assert!(error(unused).contains("has TLS files"));
    let wrong = CelerySink { results: Some(Secret::new("redis://:hunter2@h:port")), ..celery(&redis) };
    let text = error(wrong);
    assert!(text.contains("the port") && !text.contains("hunter2"), "{text}");
}
