//! Copies after their delivery.

use std::time::Duration;

use serde_json::json;
use sinks::{Journal, Sink};
use testkit::dlm::{Dlm, Fault, MigrationState};

use crate::rig::{Rig, TARGET, deliver_all, eventually};

fn rig() -> Rig {
    let mut rig = Rig::with(Dlm::builder().usual_state().copying(Duration::ZERO).start());
    rig.plan.follow_copies = true;
    rig
}

async fn pursuits(rig: &Rig) -> usize {
    rig.book.pursuits(0, 1000).await.unwrap().len()
}

fn results(rig: &Rig, seq: u64) -> Vec<(String, String, u64)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let steps = rig.book.steps_with(seq, "result");
    steps
        .iter()
        .map(|step| (text(&step["result"]), text(&step["state"]), step["tries"].as_u64().unwrap()))
        .collect()
}

/// Moves the clock on until something holds.
async fn as_time_goes_by(rig: &Rig, seconds: i64, what: &str, holds: impl Fn() -> bool) {
    eventually(what, || {
        if holds() {
            return true;
        }
        rig.advance(seconds);
        false
    })
    .await;
}

fn rows(rig: &Rig, name: &str) -> usize {
    rig.dlm.items_on(TARGET).iter().filter(|row| row.item_name.as_deref() == Some(name)).count()
}

#[tokio::test]
async fn a_copy_that_finishes_is_told_once_and_left_alone() {
    let rig = rig();
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "dp"), rig.file(2, "f")]).await;
    assert_eq!(pursuits(&rig).await, 2, "followed from the copy on");
    as_time_goes_by(&rig, 1, "the results", || !results(&rig, 1).is_empty() && !results(&rig, 2).is_empty())
        .await;
    assert_eq!(pursuits(&rig).await, 0);
    let asked = rig.dlm.count("get_migration");
    assert_eq!(asked, 2, "{}", rig.dlm.transcript());
    rig.advance(100_000);
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert_eq!(rig.dlm.count("get_migration"), asked, "nobody asks any more");
    assert_eq!(results(&rig, 1), [("dp".to_owned(), "finished".to_owned(), 0)]);
    assert_eq!(rig.remarks(), Vec::<String>::new());
    rig.assert_whole("dp", "copied");
}

#[tokio::test]
async fn a_copy_that_ends_while_the_product_is_still_made_is_followed_once() {
    let rig = rig();
    rig.dlm.set_latency(Duration::from_millis(10));
    for child in 0..300 {
        rig.write(&[(&format!("dp/{child:03}"), "")]);
    }
    let mut sink = rig.sink();
    let event = rig.event(1, "dp");
    let all = async {
        deliver_all(&mut sink, std::slice::from_ref(&event)).await;
    };
    // The clock goes on while the children are made, so that the result comes in between.
    tokio::pin!(all);
    loop {
        tokio::select! {
            () = &mut all => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => rig.advance(5),
        }
    }
    assert_eq!(results(&rig, 1).len(), 1, "the result came before the end");
    assert_eq!(pursuits(&rig).await, 0, "what has ended is not set again by a later step");
    for _ in 0..50 {
        rig.advance(100);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(results(&rig, 1).len(), 1, "{:?}", rig.book.steps_with(1, "result"));
}

#[tokio::test]
async fn a_copy_that_fails_is_asked_for_again_until_it_succeeds() {
    let rig = rig();
    rig.dlm.inject(Fault::copy_fails().times(2));
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "dp")]).await;
    as_time_goes_by(&rig, 5, "the copy", || results(&rig, 1).iter().any(|one| one.1 == "finished")).await;
    let states: Vec<(String, u64)> =
        results(&rig, 1).into_iter().map(|(_, state, tries)| (state, tries)).collect();
    assert_eq!(states, [("failed".into(), 1), ("failed".into(), 2), ("finished".into(), 2)]);
    assert_eq!(rig.dlm.copies().len(), 3);
    assert_eq!((rows(&rig, "dp"), pursuits(&rig).await), (1, 0));
    let told = rig.remarks();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("W-DLM-COPY: the copy of dp failed (try 1): the copy failed"), "{told:?}");
}

#[tokio::test]
async fn a_failed_copy_of_what_is_gone_is_given_up_and_told() {
    let rig = rig();
    rig.dlm.inject(Fault::copy_fails());
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "dp"), rig.file(2, "f")]).await;
    std::fs::remove_dir_all(rig.root().join("dp")).unwrap();
    as_time_goes_by(&rig, 5, "the end", || results(&rig, 1).iter().any(|one| one.1 == "given up")).await;
    assert!(rig.remarks().iter().any(|text| text.starts_with("E-DLM-COPY: the copy of dp is given up")));
    assert_eq!(rig.dlm.copies().iter().filter(|copy| copy.item_name == "dp").count(), 1);
    // The other is still there, and goes on.
    rig.dlm.clear_faults();
    as_time_goes_by(&rig, 5, "the other", || results(&rig, 2).iter().any(|one| one.1 == "finished")).await;
    assert_eq!(pursuits(&rig).await, 0);
}

#[tokio::test]
async fn without_a_number_the_row_on_the_target_tells() {
    for well in [true, false] {
        let rig = rig();
        let accepted = Fault::json(&json!({"uid": "x"})).after_acting().at("copy_data_item").once();
        rig.dlm.set_copying(Duration::from_hours(1));
        rig.dlm.inject(accepted);
        let mut sink = rig.sink();
        deliver_all(&mut sink, &[rig.file(1, "f")]).await;
        assert!(rig.book.steps_with(1, "copy")[0]["migration"].is_null());
        as_time_goes_by(&rig, 1, "a look", || rig.dlm.count("query_data_item") > 0).await;
        assert_eq!((results(&rig, 1).len(), rig.dlm.count("get_migration")), (0, 0), "it runs still");
        rig.dlm.set_copying(Duration::ZERO);
        rig.dlm.end_copies(well);
        as_time_goes_by(&rig, 5, "the end", || results(&rig, 1).iter().any(|one| one.1 == "finished")).await;
        let copies = rig.dlm.copies();
        assert_eq!(copies.len(), if well { 1 } else { 2 }, "{well}");
        assert_eq!((rows(&rig, "f"), copies.last().unwrap().state), (1, MigrationState::Done));
    }
}

#[tokio::test]
async fn a_restart_takes_the_pursuit_up_and_asks_for_no_copy_again() {
    let rig = rig();
    rig.dlm.set_copying(Duration::from_hours(1));
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.family(1, "dp")]).await;
    as_time_goes_by(&rig, 1, "a look", || rig.dlm.count("get_migration") == 1).await;
    drop(sink);
    assert_eq!((pursuits(&rig).await, results(&rig, 1).len()), (1, 0));
    let mut sink = rig.sink();
    sink.prepare().await.unwrap();
    rig.dlm.end_copies(true);
    as_time_goes_by(&rig, 10, "the end", || !results(&rig, 1).is_empty()).await;
    assert_eq!((rig.dlm.copies().len(), pursuits(&rig).await), (1, 0));
    assert_eq!(results(&rig, 1), [("dp".to_owned(), "finished".to_owned(), 0)]);
}

/// The answer to the second request for a copy is lost: whether it was taken, the target tells.
#[tokio::test]
async fn a_copy_is_not_asked_for_twice_when_an_answer_is_lost() {
    for acts in [true, false] {
        let rig = rig();
        rig.dlm.inject(Fault::copy_fails().once());
        let mut sink = rig.sink();
        deliver_all(&mut sink, &[rig.file(1, "f")]).await;
        as_time_goes_by(&rig, 1, "the failure", || !results(&rig, 1).is_empty()).await;
        let fault = Fault::close().at("copy_data_item").once();
        rig.dlm.inject(if acts { fault.after_acting() } else { fault });
        as_time_goes_by(&rig, 5, "the end", || results(&rig, 1).iter().any(|one| one.1 == "finished")).await;
        assert_eq!(rig.dlm.copies().len(), 2, "{acts}: {}", rig.dlm.transcript());
        assert_eq!(rows(&rig, "f"), 1, "{acts}");
    }
}

#[tokio::test]
async fn looks_are_seldom() {
    let rig = rig();
    rig.dlm.set_copying(Duration::from_hours(1));
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f")]).await;
    // The clock stands still: two rounds see nothing that is due.
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert_eq!(rig.dlm.count("get_migration"), 0);
    rig.advance(10);
    eventually("the first look", || rig.dlm.count("get_migration") == 1).await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    assert_eq!(rig.dlm.count("get_migration"), 1);
}

#[tokio::test]
async fn a_service_that_is_away_is_asked_again_later() {
    let rig = rig();
    let mut sink = rig.sink();
    deliver_all(&mut sink, &[rig.file(1, "f")]).await;
    rig.dlm.migration().stop();
    rig.advance(10);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(results(&rig, 1).len(), 0);
    rig.dlm.migration().start();
    as_time_goes_by(&rig, 1, "the result", || !results(&rig, 1).is_empty()).await;
    assert_eq!(results(&rig, 1)[0].1, "finished");
}

#[tokio::test]
async fn nothing_is_followed_where_that_is_not_wanted() {
    for strict in [false, true] {
        let mut rig = rig();
        rig.plan.follow_copies = strict;
        rig.plan.strict = strict;
        let mut sink = rig.sink();
        deliver_all(&mut sink, &[rig.file(1, "f")]).await;
        assert_eq!(pursuits(&rig).await, 0);
        rig.advance(1000);
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert_eq!(rig.dlm.count("get_migration"), 0);
    }
}
