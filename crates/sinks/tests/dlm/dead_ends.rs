//! What must not keep products waiting for ever, or keep the rest from going on.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use sinks::{Outcome, Sink, Trouble};
use testkit::dlm::{Dlm, Fault};

use crate::rig::{Rig, TARGET, deliver_all, deliver_one, eventually};

/// A port where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn who_only_registers_does_not_need_the_migration_service_to_recover() {
    let mut rig = Rig::new();
    (rig.plan.target, rig.plan.migration_url) = (None, nobody());
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f")]).await;
    assert_eq!(sink.ping().await, Ok(()), "a sink that was down is let in only after this");
}

#[tokio::test]
async fn one_copy_that_nobody_answers_for_holds_up_no_other() {
    for fault in [Fault::answer(404, "text/plain", "no such"), Fault::close()] {
        let mut rig = Rig::with(Dlm::builder().usual_state().copying(Duration::ZERO).start());
        rig.plan.follow_copies = true;
        let mut sink = rig.sink();
        deliver_all(&mut sink, &[rig.file(1, "one"), rig.file(2, "two"), rig.file(3, "three")]).await;
        let number = rig.book.steps_with(1, "copy")[0]["migration"].as_i64().unwrap();
        rig.dlm.inject(
            fault
                .at("get_migration")
                .when(move |request| request.param("migration_id") == Some(&number.to_string())),
        );
        eventually("the others", || {
            rig.advance(1);
            [2, 3].iter().all(|seq| !rig.book.steps_with(*seq, "result").is_empty())
        })
        .await;
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_stop_the_following() {
    let mut rig = Rig::with(Dlm::builder().usual_state().copying(Duration::ZERO).start());
    rig.plan.follow_copies = true;
    rig.advance(400 * 86_400);
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "one")]).await;
    rig.advance(-400 * 86_400);
    eventually("the result", || {
        rig.advance(1);
        !rig.book.steps_with(1, "result").is_empty()
    })
    .await;
}

#[tokio::test]
async fn services_with_an_empty_database_are_arranged_with_again() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "before")]).await;
    rig.dlm.forget_everything();
    let events = [rig.family(2, "after"), rig.file(3, "f")];
    let mut troubles = 0;
    loop {
        match sink.deliver(&events).await {
            Err(Trouble::Misconfigured(text) | Trouble::Down(text)) => {
                assert!(troubles < 3, "{text}");
                troubles += 1;
            }
            Err(other) => panic!("{other}"),
            Ok(outcomes) if outcomes.len() == 2 && outcomes.iter().all(|one| *one == Outcome::Delivered) => {
                break;
            }
            Ok(_) => {}
        }
    }
    rig.assert_whole("after", "after the loss");
}

#[tokio::test]
async fn a_target_that_was_made_anew_is_found() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "before")]).await;
    rig.dlm.remove_storage(TARGET);
    rig.dlm.add_storage(TARGET, "/dlm-archive", "SOLID");
    let event = rig.family(2, "after");
    for _ in 0..3 {
        if deliver_one(&mut sink, &event).await == Ok(Outcome::Delivered) {
            break;
        }
    }
    rig.assert_whole("after", "after the exchange");
}

#[tokio::test]
async fn children_that_fail_for_now_hold_up_neither_their_siblings_nor_the_end() {
    for operation in ["register_data_item", "init_data_item"] {
        let rig = Rig::new();
        for child in 0..310 {
            rig.write(&[(&format!("dp/{}{child:03}", if child < 300 { "a" } else { "z" }), "")]);
        }
        rig.dlm.set_latency(Duration::from_millis(10));
        rig.dlm.inject(Fault::internal_error().at(operation).item("dp/a"));
        let mut sink = rig.sink();
        sink.prepare().await.unwrap();
        let event = rig.event(1, "dp");
        let last = || rig.dlm.items_on(TARGET).iter().filter(|row| row.uri.starts_with("dp/z")).count();
        let begun = std::time::Instant::now();
        let mut ends = Vec::new();
        while begun.elapsed() < Duration::from_mins(1) && !matches!(ends.last(), Some(Outcome::Retry(_))) {
            ends.extend(sink.deliver(std::slice::from_ref(&event)).await.unwrap());
        }
        assert!(matches!(&ends[0], Outcome::Underway(_)), "{operation}: it takes several slices: {ends:?}");
        assert!(matches!(ends.last(), Some(Outcome::Retry(_))), "{operation}: a pause follows: {ends:?}");
        assert_eq!(last(), 10, "{operation}: those that do not fail");
    }
}

#[tokio::test]
async fn a_copy_that_never_ends_is_told_of_each_day() {
    let mut rig = Rig::with(Dlm::builder().usual_state().copying(Duration::from_hours(1000)).start());
    rig.plan.follow_copies = true;
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f")]).await;
    eventually("the second day", || {
        rig.advance(100);
        rig.remarks().len() == 2
    })
    .await;
    let told = rig.remarks();
    assert!(told[0].contains("the copy of f is not finished after 24 hours"), "{told:?}");
    assert!(told[1].contains("after 48 hours") && told[1].contains("Fix: "), "{told:?}");
    assert!(rig.book.steps_with(1, "result").is_empty());
}

#[tokio::test]
async fn an_item_that_is_not_ready_yet_is_waited_for_before_it_counts_as_half_made() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    let event = rig.file(1, "f");
    rig.dlm.inject(Fault::internal_error().after_acting().at("register_data_item").once());
    assert!(matches!(deliver_one(&mut sink, &event).await, Ok(Outcome::Retry(_))));
    let half = json!([{"uid": "5b1aa0b2-f88e-406c-8a84-138e0627927a", "item_state": "INITIALISED"}]);
    rig.dlm.inject(Fault::json(&half).at("query_data_item").times(2));
    assert_eq!(deliver_one(&mut sink, &event).await, Ok(Outcome::Delivered));
}

#[tokio::test]
async fn many_refusals_are_kept_in_short() {
    let rig = Rig::new();
    for child in 0..300 {
        rig.write(&[(&format!("dp/{child:03}"), "")]);
    }
    rig.dlm.inject(Fault::answer(400, "text/plain", "no".repeat(200)).at("register_data_item").item("dp/"));
    let end = deliver_one(&mut rig.sink(), &rig.event(1, "dp")).await;
    assert!(
        matches!(&end, Ok(Outcome::Rejected(text)) if text.contains("300 of 301 items were refused, the first of them dp/000")),
        "{end:?}"
    );
    let refused = rig.book.steps_with(1, "refused");
    assert_eq!(refused.len(), 300);
    assert!(refused[99]["why"].as_str().unwrap().len() > 200);
    assert_eq!(refused[100]["why"], "E-DLM-REFUSED");
}
