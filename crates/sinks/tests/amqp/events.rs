//! Events as such.

use config::AmqpSink;
use sinks::conformance::sample;
use sinks::{Outcome, Trouble};

use crate::rig::SOON;
use crate::rig::{
    amqp, batch, bodies, deliver_all, events, events_with, is_well_said, lines, misconfigured, server,
};

#[tokio::test]
async fn are_kept_by_the_queue_with_their_properties() {
    let rabbit = server().read().await;
    rabbit.declare("events-1");
    let parcels = batch(1, 300);
    let mut sink = events(&rabbit.url(), "events-1");
    deliver_all(&mut *sink, &parcels).await;
    let taken = rabbit.take_all("events-1");
    assert_eq!(taken.iter().map(|one| one.body.clone()).collect::<Vec<_>>(), lines(&parcels));
    let one = &taken[0];
    assert_eq!((one.exchange.as_str(), one.routing_key.as_str()), ("", "events-1"));
    let properties = &one.properties;
    let id = parcels[0].event.id.to_string();
    assert_eq!(properties.message_id().as_ref().unwrap().as_str(), id);
    assert_eq!(properties.kind().as_ref().unwrap().as_str(), "staithe.file.complete");
    assert_eq!(properties.app_id().as_ref().unwrap().as_str(), "staithe");
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/cloudevents+json");
}

#[tokio::test]
async fn the_key_is_a_text_with_fields_and_a_dot_in_a_value_parts_nothing() {
    let rabbit = server().read().await;
    rabbit.declare_exchange("events-2x", "topic");
    rabbit.declare("events-2");
    rabbit.bind("events-2", "events-2x", "obs.*.*");
    let sink = AmqpSink { exchange: "events-2x".into(), ..amqp(&rabbit.url(), "obs.{source}.{name}") };
    deliver_all(&mut *events_with(sink, SOON), &[sample(1, b"d/a.b\xff.dat")]).await;
    let taken = rabbit.take_all("events-2");
    assert_eq!(taken[0].routing_key, "obs.stage1.a_b\\xff_dat");
    assert_eq!(taken[0].exchange, "events-2x");
}

/// Where the library says which message came back it may be wrong; the message itself is not.
#[tokio::test]
async fn one_that_nobody_takes_waits_and_the_others_go() {
    let rabbit = server().read().await;
    rabbit.declare_exchange("events-3x", "direct");
    rabbit.declare_passing("events-3");
    let named = |seq: u64| format!("f{seq}");
    let wanted: Vec<u64> = (1..=200).filter(|seq| seq % 3 != 0).collect();
    for seq in &wanted {
        rabbit.bind("events-3", "events-3x", &named(*seq));
    }
    let sink = AmqpSink { exchange: "events-3x".into(), ..amqp(&rabbit.url(), "{name}") };
    let mut sink = events_with(sink, SOON);
    let parcels = batch(1, 200);
    let outcomes = sink.deliver(&parcels).await.unwrap();
    for (seq, outcome) in (1..).zip(&outcomes) {
        match outcome {
            Outcome::Delivered => assert!(wanted.contains(&seq), "f{seq} was not taken"),
            Outcome::Retry(text) => {
                assert!(!wanted.contains(&seq), "f{seq}");
                is_well_said(text);
                assert!(text.starts_with("E-SINK-UNROUTABLE") && text.contains("312"), "{text}");
                assert!(text.contains(&named(seq)), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
    let third = &parcels[2..3];
    let again = sink.deliver(third).await.unwrap();
    assert!(matches!(&again[0], Outcome::Retry(text) if text.starts_with("E-SINK-UNROUTABLE")), "{again:?}");
    rabbit.bind("events-3", "events-3x", "f3");
    deliver_all(&mut *sink, third).await;
    let expected: Vec<_> = wanted.iter().map(|seq| parcels[*seq as usize - 1].clone()).collect();
    let bodies = bodies(&rabbit, "events-3");
    assert_eq!(bodies[..wanted.len()], lines(&expected));
    assert_eq!(bodies[wanted.len()..], lines(third));
}

#[tokio::test]
async fn an_exchange_that_is_not_there_is_named_and_heals() {
    let rabbit = server().read().await;
    let sink = AmqpSink { exchange: "events-4x".into(), ..amqp(&rabbit.url(), "k") };
    let mut sink = events_with(sink, SOON);
    for _ in 0..2 {
        let text = misconfigured(&mut *sink).await;
        assert!(text.starts_with("E-SINK-NOEXCHANGE") && text.contains("events-4x"), "{text}");
    }
    rabbit.declare_exchange("events-4x", "direct");
    rabbit.declare("events-4");
    rabbit.bind("events-4", "events-4x", "k");
    deliver_all(&mut *sink, &batch(1, 2)).await;
    assert_eq!(rabbit.count("events-4"), 2);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_this_event_s_trouble_only() {
    let rabbit = server().read().await;
    rabbit.declare("f1");
    let mut sink = events(&rabbit.url(), "{name}");
    let outcomes = sink.deliver(&[sample(9, &[b'n'; 256]), sample(1, b"f1")]).await.unwrap();
    assert!(
        matches!(&outcomes[0], Outcome::Rejected(text) if text.starts_with("E-SINK-KEY")),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1], Outcome::Delivered);
    rabbit.delete("f1");
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_and_nothing_is_lost() {
    let rabbit = server().read().await;
    rabbit.declare_small("events-6", 2);
    let mut sink = events(&rabbit.url(), "events-6");
    deliver_all(&mut *sink, &batch(1, 2)).await;
    let outcomes = sink.deliver(&batch(3, 2)).await.unwrap();
    for outcome in outcomes {
        assert!(matches!(&outcome, Outcome::Retry(text) if text.starts_with("E-SINK-NACK")), "{outcome:?}");
    }
    assert_eq!(bodies(&rabbit, "events-6").len(), 2);
    deliver_all(&mut *sink, &batch(3, 2)).await;
}

#[tokio::test]
async fn who_may_not_write_is_told_which_permission_is_missing() {
    let rabbit = server().read().await;
    rabbit.declare_exchange("events-7x", "direct");
    let url = rabbit.url().replace("guest:guest", "reader:p%40ss%2Fw");
    for exchange in ["events-7x", ""] {
        let sink = AmqpSink { exchange: exchange.into(), ..amqp(&url, "k") };
        let result = events_with(sink, SOON).deliver(&batch(1, 1)).await;
        let Err(Trouble::Misconfigured(text)) = result else { panic!("{result:?}") };
        is_well_said(&text);
        assert!(text.starts_with("E-SINK-NOPERM") && text.contains("set_permissions -p / reader"), "{text}");
    }
}
