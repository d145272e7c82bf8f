//! A server that goes away, hangs, or takes nothing for now.

use std::time::{Duration, Instant};

use sinks::Trouble;

use crate::rig::{
    LONG, SOON, amqp, batch, bodies, deliver_all, deliver_stubbornly, down, events, events_with, lines,
    server, tasks,
};

const SHORT: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_is_down_until_it_is_back_and_the_order_is_kept() {
    let mut rabbit = server().write().await;
    rabbit.declare("away-1");
    let parcels = batch(1, 60);
    let mut sink = events(&rabbit.url(), "away-1");
    deliver_all(&mut *sink, &parcels[..20]).await;
    rabbit.stop();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(5) {
        let text = down(&mut *sink).await;
        assert!(text.starts_with("E-SINK-UNREACHABLE") || text.starts_with("E-SINK-BROKEN"), "{text}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    rabbit.start_again();
    deliver_stubbornly(&mut *sink, &parcels[20..40]).await;
    // A restart between two batches is no trouble at all.
    rabbit.kill();
    rabbit.start_again();
    deliver_all(&mut *sink, &parcels[40..]).await;
    // What was confirmed survived both ends of the server.
    assert_eq!(bodies(&rabbit, "away-1"), lines(&parcels));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_told_at_once_and_when_it_is_over_nothing_is_there_more_than_twice() {
    let rabbit = server().write().await;
    rabbit.declare("away-2");
    let parcels = batch(1, 30);
    let mut sink = events(&rabbit.url(), "away-2");
    deliver_all(&mut *sink, &parcels[..10]).await;
    rabbit.control(&["set_vm_memory_high_watermark", "0.0000001"]);
    for _ in 0..5 {
        let begun = Instant::now();
        match sink.deliver(&parcels[10..]).await {
            Err(Trouble::Down(text)) => assert!(text.starts_with("E-SINK-BLOCKED"), "{text}"),
            other => panic!("{other:?}"),
        }
        assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
    }
    assert!(sink.ping().await.is_err());
    rabbit.control(&["set_vm_memory_high_watermark", "0.4"]);
    deliver_stubbornly(&mut *sink, &parcels[10..]).await;
    let (got, expected) = (bodies(&rabbit, "away-2"), lines(&parcels));
    assert_eq!(got[..10], expected[..10]);
    assert_eq!(got[got.len() - 20..], expected[10..]);
    assert!(got.len() <= 50, "what was published into the alarm came {} times", (got.len() - 10) / 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_comes_back() {
    let rabbit = server().write().await;
    rabbit.declare("away-3");
    let mut sink = events_with(amqp(&rabbit.url(), "away-3"), SHORT);
    let parcels = batch(1, 12);
    deliver_all(&mut *sink, &parcels[..2]).await;
    rabbit.freeze();
    for step in ["confirm what was published", "answer the login"] {
        let begun = Instant::now();
        let text = match sink.deliver(&parcels[2..]).await {
            Err(Trouble::Down(text)) => text,
            other => panic!("{other:?}"),
        };
        assert!(text.starts_with("E-SINK-TIMEOUT") && text.contains(step), "{text}");
        assert!(begun.elapsed() < SHORT + Duration::from_secs(5));
    }
    rabbit.resume();
    deliver_stubbornly(&mut *sink, &parcels[2..]).await;
    let (got, expected) = (bodies(&rabbit, "away-3"), lines(&parcels));
    assert!(expected.iter().all(|line| got.contains(line)));
    assert_eq!(got[got.len() - 10..], expected[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_leaves_the_sink_usable() {
    let rabbit = server().write().await;
    rabbit.declare("away-4");
    for mut sink in [events(&rabbit.url(), "away-4"), tasks(&rabbit.url(), "away-4")] {
        deliver_all(&mut *sink, &batch(1, 1)).await;
        rabbit.freeze();
        let gone = tokio::time::timeout(Duration::from_millis(50), sink.deliver(&batch(2, 1))).await;
        assert!(gone.is_err());
        rabbit.resume();
        deliver_all(&mut *sink, &batch(3, 1)).await;
    }
    assert!(rabbit.take_all("away-4").len() >= 4);
    assert!(LONG > SHORT);
}
