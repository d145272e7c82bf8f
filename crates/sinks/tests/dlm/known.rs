//! What the server has already: confirmed, not believed; and what it has by half.

use config::DlmDialect;
use serde_json::json;
use sinks::{Outcome, Sink};
use testkit::dlm::Fault;

use crate::rig::{Rig, SOURCE, TARGET, deliver_all, deliver_one};

fn already() -> Fault {
    Fault::refusal(422, "ValueAlreadyInDB", "Item is already registered on storage!").at("register_data_item")
}

/// A row that was inserted and never made READY.
fn half_made() -> Fault {
    let row = json!([{"uid": "half-made-uid", "oid": "half-made-uid", "item_state": "INITIALISED"}]);
    Fault::json(&row).at("query_data_item").when(|request| request.param("storage_id").is_some())
}

fn on(rig: &Rig, storage: &str, name: &str) -> usize {
    rig.dlm.items_on(storage).iter().filter(|row| row.item_name.as_deref() == Some(name)).count()
}

#[tokio::test]
async fn an_item_that_is_there_is_confirmed_and_copied_if_it_was_not() {
    for copied in [false, true] {
        let rig = Rig::new();
        rig.sink().prepare().await.unwrap();
        let uid = rig.dlm.add_item(SOURCE, "f1", "file");
        if copied {
            rig.dlm.add_item(TARGET, "f1", "file");
        }
        deliver_all(&mut rig.sink(), &[rig.file(1, "f1")]).await;
        assert_eq!((on(&rig, SOURCE, "f1"), on(&rig, TARGET, "f1")), (1, 1), "{}", rig.dlm.transcript());
        let copies = rig.dlm.copies();
        assert_eq!(copies.len(), usize::from(!copied), "{}", rig.dlm.transcript());
        assert!(copies.iter().all(|copy| copy.source_uid == uid));
        let known = rig.book.steps_with(1, "known");
        assert_eq!(known, [json!({"known": "f1", "uid": uid, "oid": uid})]);
        assert!(
            matches!(&rig.remarks()[..], [only] if only.starts_with("W-DLM-KNOWN: f1 was") && only.contains(&uid))
        );
    }
}

#[tokio::test]
async fn an_item_that_the_server_only_says_it_has_is_tried_again() {
    let rig = Rig::new();
    rig.dlm.inject(already().once());
    let event = rig.file(1, "f1");
    let mut sink = rig.sink();
    let outcome = deliver_one(&mut sink, &event).await.unwrap();
    assert!(matches!(&outcome, Outcome::Retry(text) if text.starts_with("E-DLM-ANSWER")), "{outcome:?}");
    assert_eq!(on(&rig, SOURCE, "f1"), 0);
    deliver_all(&mut sink, &[event]).await;
    assert_eq!((on(&rig, SOURCE, "f1"), on(&rig, TARGET, "f1")), (1, 1));
}

#[tokio::test]
async fn children_that_are_there_are_confirmed_too() {
    for dialect in [DlmDialect::Main, DlmDialect::V21] {
        let rig = Rig::new().dialect(dialect);
        rig.sink().prepare().await.unwrap();
        // 2.1 cannot say which object a row on the target is of, and neither can this test.
        rig.dlm.add_item(SOURCE, "dp/a.bin", "file");
        let event = rig.family(1, "dp");
        deliver_all(&mut rig.sink(), &[event]).await;
        for name in Rig::family_items("dp") {
            assert_eq!((on(&rig, SOURCE, &name), on(&rig, TARGET, &name)), (1, 1), "{dialect:?}: {name}");
        }
        assert_eq!(rig.dlm.copies().len(), 1);
    }
}

#[tokio::test]
async fn a_half_made_row_is_refused_with_its_uid_and_the_fix() {
    let rig = Rig::new();
    rig.dlm.inject(already());
    rig.dlm.inject(half_made());
    let event = rig.family(1, "f1");
    let outcome = deliver_one(&mut rig.sink(), &event).await.unwrap();
    let Outcome::Rejected(text) = outcome else { panic!("{outcome:?}") };
    assert!(text.starts_with("E-DLM-HALF: ") && text.contains("half-made-uid"), "{text}");
    assert!(text.contains("Fix: ") && text.contains("dead retry"), "{text}");
    let sent = (rig.dlm.count("register_data_item"), rig.dlm.count("copy_data_item"));
    assert_eq!(sent, (1, 0), "its children would have no parent");
    rig.dlm.clear_faults();
    deliver_all(&mut rig.sink(), &[event]).await;
    rig.assert_whole("f1", "after the fix");
}

#[tokio::test]
async fn a_half_made_child_is_refused_and_its_siblings_are_made() {
    let rig = Rig::new();
    let is_child = |request: &testkit::dlm::Received| request.item_name.as_deref() == Some("dp/a.bin");
    rig.dlm.inject(already().when(is_child));
    rig.dlm.inject(half_made().when(is_child));
    let event = rig.family(1, "dp");
    let outcome = deliver_one(&mut rig.sink(), &event).await.unwrap();
    assert!(matches!(&outcome, Outcome::Rejected(text) if text.contains("half-made-uid")), "{outcome:?}");
    for name in ["dp", "dp/sub", "dp/sub/b.bin", "dp/z.bin"] {
        assert_eq!((on(&rig, SOURCE, name), on(&rig, TARGET, name)), (1, 1), "{name}");
    }
    rig.dlm.clear_faults();
    deliver_all(&mut rig.sink(), &[event]).await;
    rig.assert_whole("dp", "after the fix");
}

#[tokio::test]
async fn of_a_whole_row_and_a_half_made_one_the_whole_one_counts() {
    let rig = Rig::new();
    rig.sink().prepare().await.unwrap();
    let uid = rig.dlm.add_item(SOURCE, "f1", "file");
    let rows = json!([{"uid": "half", "item_state": "INITIALISED"}, {"uid": uid, "oid": uid, "item_state": "READY"}]);
    rig.dlm.inject(Fault::json(&rows).at("query_data_item").once());
    deliver_all(&mut rig.sink(), &[rig.file(1, "f1")]).await;
    assert_eq!(rig.book.steps_with(1, "known")[0]["uid"], uid);
}

#[tokio::test]
async fn with_2_1_the_second_registration_is_confirmed_before_it_counts() {
    let on_target = |request: &testkit::dlm::Received| {
        request.param("storage_name") == Some(TARGET) && request.item_name.as_deref() == Some("dp/a.bin")
    };
    let rig = Rig::new().dialect(DlmDialect::V21);
    rig.dlm.inject(already().when(on_target).once());
    let event = rig.family(1, "dp");
    let mut sink = rig.sink();
    let outcome = deliver_one(&mut sink, &event).await.unwrap();
    assert!(
        matches!(&outcome, Outcome::Retry(_)),
        "nobody has shown the row: {outcome:?}\n{}",
        rig.dlm.transcript()
    );
    deliver_all(&mut sink, &[event]).await;
    rig.assert_whole("dp", "tried again");
}

#[tokio::test]
async fn a_question_that_is_refused_concerns_one_product() {
    let rig = Rig::new();
    let mut sink = rig.sink();
    let (bad, good) = (rig.family(1, "bad"), rig.file(2, "good"));
    rig.dlm.inject(Fault::close().at("register_data_item").item("bad").once());
    rig.dlm.inject(Fault::answer(414, "text/html", "too long").at("query_data_item").item("bad").times(2));
    sink.deliver(std::slice::from_ref(&bad)).await.unwrap_err();
    let outcomes = sink.deliver(&[bad.clone(), good]).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Rejected(_), Outcome::Delivered]), "{outcomes:?}");
    rig.dlm.clear_faults();
    deliver_all(&mut sink, &[bad]).await;
    rig.assert_whole("bad", "after dead retry");
}
