//! What the double does by itself: state, copies, records, ports.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::dlm::{Dlm, Flavour, MigrationState};

use crate::client::{ask, ask_with, both_storages, copy, register};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_first_start_finds_what_the_original_found() {
    let dlm = Dlm::with_usual_state();
    let found = |target: &str| ask(dlm.storage(), "GET", target, "").unwrap().body;
    assert_eq!(found("/storage/query_location?location_name=SKA-DEV").as_array().unwrap().len(), 1);
    assert_eq!(found("/storage/query_storage?storage_name=dir-watcher"), json!([]));
    let target = found("/storage/query_storage?storage_name=dlm-archive");
    assert_eq!((&target[0]["storage_phase"], target.as_array().unwrap().len()), (&json!("SOLID"), 1));
}

#[test]
fn a_copy_runs_and_is_then_ready() {
    let dlm = both_storages();
    dlm.set_copying(Duration::from_mins(1));
    let uid = register(&dlm, "f1").unwrap().body;
    let answer = copy(&dlm, uid.as_str().unwrap()).body;
    assert_eq!(answer["migration_id"], 1);
    assert_eq!(dlm.items_on("dlm-archive")[0].item_state, "INITIALISED");
    let outcome =
        |dlm: &Dlm| ask(dlm.migration(), "GET", "/migration/get_migration?migration_id=1", "").unwrap();
    let running = outcome(&dlm).body;
    assert_eq!(
        (&running[0]["complete"], &running[0]["job_status"]["success"]),
        (&json!(false), &json!(false))
    );
    dlm.end_copies(true);
    let done = outcome(&dlm).body;
    assert_eq!((&done[0]["complete"], &done[0]["job_status"]["success"]), (&json!(true), &json!(true)));
    let target = &dlm.items_on("dlm-archive")[0];
    assert_eq!((&target.item_state, &json!(target.oid)), (&"READY".to_owned(), &uid));
    assert_eq!(answer["uid"], json!(target.uid));
}

#[test]
fn copies_end_by_themselves() {
    let dlm = both_storages();
    let uid = register(&dlm, "f1").unwrap().body;
    copy(&dlm, uid.as_str().unwrap());
    dlm.wait_until(SOON, "the copy", |dlm| dlm.copies()[0].state == MigrationState::Done);
    assert_eq!(dlm.items_on("dlm-archive")[0].item_state, "READY");
}

#[test]
fn of_two_storages_with_one_name_the_first_is_copied() {
    let dlm = both_storages();
    dlm.add_storage("other", "/other", "GAS");
    let first = dlm.add_item("dir-watcher", "same.dat", "file");
    let second = dlm.add_item("other", "same.dat", "file");
    copy(&dlm, &second);
    let made = &dlm.copies()[0];
    assert_eq!((&made.source_uid, &made.oid), (&first, &second));
}

#[test]
fn sizes_are_kept_by_one_version_only_and_must_be_small() {
    let target = "/ingest/register_data_item?item_name=a&uri=a&storage_name=dlm-archive&decompressed_size=";
    for (flavour, size, status, kept) in [
        (Flavour::SM, "3221225472", 200, Some(None)),
        (Flavour::S22, "100", 200, Some(None)),
        (Flavour::S276, "100", 200, Some(Some(100))),
        (Flavour::S276, "2147483647", 200, Some(Some(2_147_483_647))),
        (Flavour::S276, "3221225472", 500, None),
        (Flavour::S276, "big", 422, None),
    ] {
        let dlm = Dlm::builder().flavour(flavour).usual_state().start();
        let reply = ask(dlm.ingest(), "POST", &format!("{target}{size}"), "").unwrap();
        let found = dlm.items().first().map(|item| item.decompressed_size);
        assert_eq!((reply.status, found), (status, kept), "{flavour:?} {size}");
    }
}

#[test]
fn strangers_are_refused() {
    let dlm = Dlm::builder().token("secret").usual_state().start();
    let target = "/request/query_exists?item_name=a";
    let with = |value: &str| ask_with(dlm.request(), "GET", target, &[("Authorization", value)], "").unwrap();
    assert_eq!(ask(dlm.request(), "GET", target, "").unwrap().status, 401);
    assert_eq!(with("Bearer wrong").status, 401);
    assert_eq!(with("Bearer secret").body, json!(false));
    dlm.set_token(Some("other"));
    assert_eq!(with("Bearer secret").status, 401);
    assert_eq!(dlm.answered("query_exists"), 1);
}

#[test]
fn an_inaccessible_storage_refuses_unless_it_is_not_asked() {
    let dlm = both_storages();
    dlm.set_reachable("dir-watcher", false);
    assert_eq!(register(&dlm, "f1").unwrap().body["exec"], "UnmetPreconditionForOperation");
    let target = "/ingest/register_data_item?item_name=f1&uri=f1&storage_name=dir-watcher&do_storage_access_check=false";
    assert_eq!(ask(dlm.ingest(), "POST", target, "").unwrap().status, 200);
}

#[test]
fn a_stopped_service_refuses_and_comes_back_on_its_port() {
    let dlm = both_storages();
    let url = dlm.ingest().url();
    dlm.ingest().stop();
    assert!(!dlm.ingest().is_running());
    assert_eq!(register(&dlm, "f1").unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(
        ask(dlm.request(), "GET", "/request/query_exists?item_name=f1", "").unwrap().body,
        json!(false)
    );
    dlm.ingest().start();
    assert_eq!((dlm.ingest().url(), register(&dlm, "f1").unwrap().status), (url, 200));
    dlm.ingest().stop();
    dlm.ingest().start();
}

#[test]
fn nobody_listens_when_the_double_is_gone() {
    let dlm = Dlm::start();
    let ports = [dlm.ingest().port(), dlm.request().port(), dlm.storage().port(), dlm.migration().port()];
    drop(dlm);
    for port in ports {
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn everything_received_is_written_down() {
    let dlm = both_storages();
    let target = "/ingest/register_data_item?uri=a%20b&item_name=a%20b&storage_name=dir-watcher";
    let reply = ask_with(
        dlm.ingest(),
        "POST",
        target,
        &[("X-One", "1"), ("Content-Type", "application/json")],
        "{\"k\": 1}",
    );
    let uid = reply.unwrap().body;
    copy(&dlm, uid.as_str().unwrap());
    let requests = dlm.requests();
    let first = &requests[0];
    assert_eq!(first.query[0], ("uri".to_owned(), "a b".to_owned()));
    assert_eq!(first.raw_query, "uri=a%20b&item_name=a%20b&storage_name=dir-watcher");
    assert_eq!((first.param("item_name"), first.header("x-one")), (Some("a b"), Some("1")));
    assert_eq!((first.text(), &first.json), ("{\"k\": 1}".to_owned(), &Some(json!({"k": 1}))));
    assert_eq!((first.status, first.item_name.as_deref()), (Some(200), Some("a b")));
    let second = &requests[1];
    assert_eq!((second.number, second.item_name.as_deref()), (1, Some("a b")));
    assert!(second.seconds >= first.seconds && second.at >= first.at);
    assert_eq!((dlm.count("copy_data_item"), dlm.total()), (1, 2));
    assert_eq!(dlm.item(uid.as_str().unwrap()).unwrap().metadata["k"], 1);
}

#[test]
fn two_of_the_same_at_once_are_seen_and_both_are_registered() {
    let dlm = both_storages();
    dlm.set_latency(Duration::from_millis(200));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| register(&dlm, "f1").unwrap().status));
        both.map(|one| one.join().unwrap()).into()
    });
    assert_eq!((statuses, dlm.overlapping().len()), (vec![200, 200], 1));
    assert_eq!(dlm.items_on("dir-watcher").len(), 2);
    assert_eq!(register(&dlm, "f1").unwrap().status, 422);
    assert_eq!(dlm.overlapping().len(), 1);
}

#[test]
fn different_ones_at_once_do_not_wait_for_each_other() {
    let dlm = both_storages();
    dlm.set_latency(Duration::from_millis(300));
    let begun = Instant::now();
    thread::scope(|scope| {
        for number in 0..16 {
            let dlm = &dlm;
            scope.spawn(move || register(dlm, &format!("f{number}")).unwrap());
        }
    });
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "{took:?}");
    assert_eq!((dlm.overlapping().len(), dlm.items_on("dir-watcher").len()), (0, 16));
}

#[test]
fn rows_that_the_database_would_refuse_are_refused() {
    let dlm = both_storages();
    let storage = dlm.storage_named("dlm-archive").unwrap().id;
    let unknown = "00000000-0000-0000-0000-000000000000";
    let try_one = |columns: Value| {
        ask(dlm.ingest(), "POST", "/ingest/init_data_item", &columns.to_string()).unwrap().status
    };
    assert_eq!(try_one(json!({"item_name": "a", "storage_id": storage, "oid": null})), 200);
    assert_eq!(try_one(json!({"item_name": "a", "storage_id": unknown})), 500);
    assert_eq!(try_one(json!({"item_name": "a", "item_state": "DONE"})), 500);
    assert_eq!(try_one(json!({"item_name": "a", "uid_expiration": "soon"})), 500);
    assert_eq!(try_one(json!({"item_name": "a", "oid": "abc"})), 500);
    let made = dlm.items_on("dlm-archive");
    assert_eq!(made[0].oid, made[0].uid, "without an oid the copy belongs to nothing");
}

#[test]
fn a_registration_that_says_when_it_expires_fails_and_leaves_nothing() {
    let dlm = both_storages();
    let target = "/ingest/register_data_item?item_name=a&uri=a&storage_name=dir-watcher";
    for name in ["uid_expiration", "oid_expiration"] {
        let target = format!("{target}&{name}=2030-01-02T03:04:05.123456");
        assert_eq!(ask(dlm.ingest(), "POST", &target, "").unwrap().status, 500);
    }
    assert_eq!(dlm.count_on("dir-watcher", "READY"), 0);
}

#[test]
fn metadata_that_cannot_be_stored_leave_a_registered_item() {
    let dlm = both_storages();
    let target = "/ingest/register_data_item?item_name=a&uri=a&storage_name=dir-watcher";
    assert_eq!(ask(dlm.ingest(), "POST", target, "{\"a\": NaN}").unwrap().status, 500);
    let left = &dlm.items_on("dir-watcher")[0];
    assert_eq!((left.item_state.as_str(), &left.metadata), ("READY", &Value::Null));
}

#[test]
fn forty_thousand_requests_are_no_burden() {
    let dlm = both_storages();
    let begun = Instant::now();
    let mut client = crate::client::Kept::open(dlm.ingest());
    for number in 0..30_000 {
        let target =
            format!("/ingest/register_data_item?item_name=f{number}&uri=f{number}&storage_name=dir-watcher");
        assert_eq!(client.status("POST", &target), 200);
    }
    let uids = dlm.items_on("dir-watcher").into_iter().map(|item| item.uid);
    let mut client = crate::client::Kept::open(dlm.migration());
    for uid in uids.take(10_000) {
        let target = format!("/migration/copy_data_item?uid={uid}&destination_name=dlm-archive");
        assert_eq!(client.status("POST", &target), 200);
    }
    dlm.wait_until(SOON, "the copies", |dlm| dlm.count_on("dlm-archive", "READY") == 10_000);
    let took = begun.elapsed();
    println!("40 000 requests in {took:?}");
    assert_eq!((dlm.answered("register_data_item"), dlm.total()), (30_000, 40_000));
    assert!(took < Duration::from_mins(1), "{took:?}");
}
