//! What a test can have go wrong.

use std::io::ErrorKind;
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::dlm::{Fault, MigrationState};

use crate::client::{both_storages, copy, register};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn the_next_two_about_one_item_are_spoiled_and_have_no_effect() {
    let dlm = both_storages();
    dlm.inject(Fault::internal_error().at("register_data_item").item("f1").times(2));
    let statuses = ["f1", "f2", "f1", "f1"].map(|name| register(&dlm, name).unwrap().status);
    assert_eq!(statuses, [500, 200, 500, 200]);
    let names: Vec<_> = dlm.items_on("dir-watcher").into_iter().map(|item| item.item_name.unwrap()).collect();
    assert_eq!(names, ["f2", "f1"]);
}

#[test]
fn answers_that_are_no_answers() {
    let dlm = both_storages();
    for (fault, content_type, body) in [
        (Fault::html(), "text/html", json!("<html>")),
        (Fault::octets(), "application/octet-stream", json!("\0\u{1}")),
        (Fault::null(), "application/json", Value::Null),
    ] {
        dlm.inject(fault.once());
        let reply = register(&dlm, "f1").unwrap();
        assert_eq!((reply.status, reply.content_type.as_str(), reply.body), (200, content_type, body));
    }
    assert_eq!(register(&dlm, "f1").unwrap().status, 200);
}

#[test]
fn a_connection_is_closed_before_or_after_the_effect() {
    let dlm = both_storages();
    dlm.inject(Fault::close().once());
    dlm.inject(Fault::close().after_acting().once());
    assert_eq!(register(&dlm, "f1").unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(dlm.items_on("dir-watcher").is_empty());
    assert_eq!(register(&dlm, "f1").unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(dlm.items_on("dir-watcher").len(), 1);
    assert_eq!(register(&dlm, "f1").unwrap().body["exec"], "ValueAlreadyInDB");
    let statuses: Vec<_> = dlm.requests().into_iter().map(|request| request.status).collect();
    assert_eq!(statuses, [None, None, Some(422)]);
    assert!(dlm.overlapping().is_empty());
}

#[test]
fn a_late_answer_and_a_late_effect() {
    let dlm = both_storages();
    let delay = Duration::from_millis(300);
    dlm.inject(Fault::late(delay).after_acting().item("f1"));
    dlm.inject(Fault::late(delay).item("f2"));
    thread::scope(|scope| {
        let both = ["f1", "f2"].map(|name| {
            let dlm = &dlm;
            scope.spawn(move || {
                let begun = Instant::now();
                assert_eq!(register(dlm, name).unwrap().status, 200);
                begun.elapsed()
            })
        });
        dlm.wait_for(SOON, "both to be there", |requests| requests.len() == 2);
        dlm.wait_until(SOON, "f1", |dlm| !dlm.items_on("dir-watcher").is_empty());
        assert_eq!(dlm.items_on("dir-watcher").len(), 1, "f2 has no effect yet");
        assert!(both.into_iter().all(|one| one.join().unwrap() >= delay));
    });
    assert_eq!(dlm.items_on("dir-watcher").len(), 2);
}

/// Sends a registration and goes away without waiting for the answer.
fn give_up_on(dlm: &testkit::dlm::Dlm, name: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", dlm.ingest().port())).unwrap();
    let target = format!("/ingest/register_data_item?item_name={name}&uri={name}&storage_name=dir-watcher");
    let before = dlm.total();
    write!(stream, "POST {target} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    dlm.wait_for(SOON, "the request", |requests| requests.len() > before);
}

#[test]
fn a_hanging_request_is_out_of_hand_when_its_sender_is_gone() {
    let dlm = both_storages();
    dlm.inject(Fault::hang().once());
    give_up_on(&dlm, "f1");
    // The double learns of it a moment later; then the same may be sent again.
    let again = || {
        register(&dlm, "f1").unwrap();
        dlm.requests().last().unwrap().overlapping
    };
    testkit::wait_until(SOON, "the sender to be missed", || !again());
    assert_eq!(dlm.requests()[0].status, None);
}

#[test]
fn a_late_effect_comes_also_when_the_sender_is_gone() {
    let dlm = both_storages();
    dlm.inject(Fault::late(Duration::from_millis(100)).once());
    give_up_on(&dlm, "f1");
    assert!(dlm.items_on("dir-watcher").is_empty());
    dlm.wait_until(SOON, "the effect", |dlm| dlm.items_on("dir-watcher").len() == 1);
}

#[test]
fn stopping_ends_what_hangs() {
    let dlm = both_storages();
    dlm.inject(Fault::hang());
    thread::scope(|scope| {
        let hanging = scope.spawn(|| register(&dlm, "f1"));
        dlm.wait_for(SOON, "the request", |requests| requests.len() == 1);
        dlm.ingest().stop();
        let end = hanging.join().unwrap().unwrap_err().kind();
        assert!([ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&end), "{end:?}");
    });
    dlm.clear_faults();
    dlm.ingest().start();
    assert_eq!(register(&dlm, "f1").unwrap().status, 200);
    assert!(dlm.overlapping().is_empty());
}

#[test]
fn a_failed_copy_leaves_no_row() {
    let dlm = both_storages();
    dlm.inject(Fault::copy_fails().item("f1").once());
    dlm.inject(Fault::copy_hangs().item("f2").once());
    let uids = ["f1", "f2", "f3"].map(|name| register(&dlm, name).unwrap().body.as_str().unwrap().to_owned());
    for uid in &uids {
        assert_eq!(copy(&dlm, uid).status, 200);
    }
    let states = |dlm: &testkit::dlm::Dlm| dlm.copies().iter().map(|copy| copy.state).collect::<Vec<_>>();
    let expected = [MigrationState::Failed, MigrationState::Running, MigrationState::Done];
    dlm.wait_until(SOON, "the outcomes", |dlm| states(dlm) == expected);
    let rows: Vec<_> = dlm
        .items_on("dlm-archive")
        .into_iter()
        .map(|item| (item.item_name.unwrap(), item.item_state))
        .collect();
    assert_eq!(rows, [("f2".to_owned(), "INITIALISED".to_owned()), ("f3".to_owned(), "READY".to_owned())]);
    assert_eq!(copy(&dlm, &uids[0]).status, 200);
    dlm.wait_until(SOON, "the second attempt", |dlm| states(dlm)[3] == MigrationState::Done);
    dlm.end_copies(false);
    assert_eq!(states(&dlm)[1], MigrationState::Failed);
}

#[test]
fn a_fault_where_nobody_is_fails_the_test() {
    let dlm = both_storages();
    let injecting = std::panic::AssertUnwindSafe(|| dlm.inject(Fault::hang().at("register")));
    let text = *std::panic::catch_unwind(injecting).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(text, "no service has an operation register");
}
