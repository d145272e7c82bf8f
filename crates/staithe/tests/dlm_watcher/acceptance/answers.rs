//! Scenarios 30 to 34: answers and silences that are no success.

use testkit::dlm::Fault;
use testkit::wait_until;

use crate::exact::{all, child, copy, reg_child, reg_file, top};
use crate::stage::{PATIENCE, SOURCE, Stage, TARGET};

const SHORT: &str = "--dir-updates-wait-time=1";

/// The original: f1 is forgotten [F10].
#[test]
fn s30_a_registration_that_fails_is_tried_again_and_holds_nobody_up() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[SHORT]);
    stage.dlm.inject(Fault::internal_error().at("register_data_item").item("f1").times(3));
    stage.write("f1", "1");
    stage.dlm.wait_until(PATIENCE, "the first failure", |dlm| dlm.count("register_data_item") > 0);
    stage.write("f2", "22");
    stage.wait_steps("f2", &["REG f2", "COPY f2"]);
    stage.wait_answered("copy_data_item", 2);
    let lines = stage.lines("f1");
    let sent = lines.iter().filter(|line| **line == reg_file("f1", 1)).count();
    assert_eq!((sent, lines.last()), (4, Some(&copy("f1"))), "{lines:#?}");
    assert_eq!(stage.dlm.items_on(SOURCE).len(), 2);
    assert_eq!(watcher.terminate(), Some(0));
}

/// What was registered and copied by somebody else is done.
#[test]
fn s31_what_is_there_and_copied_is_not_copied_again() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[SHORT]);
    for storage in [SOURCE, TARGET] {
        stage.dlm.add_item(storage, "dp", "container");
    }
    stage.move_in("dp", &[]);
    wait_until(PATIENCE, "the end", || watcher.says("registered dp"));
    assert_eq!(stage.lines("dp")[0], top("dp", "")[0]);
    assert_eq!((stage.dlm.count("register_data_item"), stage.dlm.count("copy_data_item")), (1, 0));
    assert!(watcher.says("W-DLM-KNOWN: dp was registered before"));
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original never copies it. What is registered and not on the target is copied here: nobody else would.
#[test]
fn s31_what_is_there_and_not_copied_is_copied_once() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[SHORT]);
    let uid = stage.dlm.add_item(SOURCE, "dp", "container");
    stage.move_in("dp", &[]);
    wait_until(PATIENCE, "the end", || watcher.says("registered dp"));
    assert_eq!(stage.dlm.count("register_data_item"), 1);
    let copies = stage.dlm.requests_at("copy_data_item");
    assert_eq!((copies.len(), copies[0].param("uid")), (1, Some(uid.as_str())));
    assert_eq!(watcher.terminate(), Some(0));
}

/// In strict mode it is as the original does it: nothing at all after the refusal.
#[test]
fn s31_in_strict_mode_nothing_follows_the_refusal() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&["--dlm-strict"]);
    stage.dlm.add_item(SOURCE, "dp", "container");
    stage.move_in("dp", &[]);
    stage.move_in("next", &[]);
    stage.wait_answered("copy_data_item", 1);
    assert_eq!(stage.lines("dp"), [top("dp", "")[0].clone()]);
    assert_eq!(stage.lines("next"), top("next", ""));
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: the children are registered without a parent, the first of them is copied [F20].
#[test]
fn s32_children_wait_for_their_parent() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    let parent = |request: &testkit::dlm::Received| request.item_name.as_deref() == Some("dp");
    stage.dlm.inject(Fault::internal_error().at("register_data_item").when(parent).times(2));
    stage.move_in("dp", &[("a", "1"), ("b", "22"), ("c", "333")]);
    stage.wait_answered("init_data_item", 3);
    let by_uid = |line: &&String| !line.contains("/query_data_item?item_name=");
    let lines: Vec<String> = stage.lines("dp").iter().filter(by_uid).cloned().collect();
    let mut wanted = vec![top("dp", "")[0].clone(); 2];
    wanted.extend(all([top("dp", ""), child("dp/a", 1), child("dp/b", 2), child("dp/c", 3)]));
    assert_eq!(lines, wanted);
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: INIT with `oid: null`, so that the row on the target is an object of its own [F03].
#[test]
fn s33_without_the_request_service_no_child_gets_a_row_on_the_target() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    stage.dlm.request().stop();
    stage.move_in("dp", &[("a", "1"), ("b", "22"), ("c", "333")]);
    wait_until(PATIENCE, "the refusal in the log", || watcher.says("E-DLM-UNREACHED: the request service"));
    assert_eq!(stage.lines("dp"), all([top("dp", ""), vec![reg_child("dp/a", 1)]]));
    stage.dlm.request().start();
    stage.wait_answered("init_data_item", 3);
    let by_uid = |line: &&String| !line.contains("/query_data_item?item_name=");
    let lines: Vec<String> = stage.lines("dp").iter().filter(by_uid).cloned().collect();
    assert_eq!(lines, all([top("dp", ""), child("dp/a", 1), child("dp/b", 2), child("dp/c", 3)]));
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: exit 1 [F01], or a zombie in polling mode [P08].
#[test]
fn s34_what_arrives_without_the_ingest_service_is_registered_when_it_is_back() {
    std::thread::scope(|scope| {
        for words in [&[SHORT][..], &[SHORT, "--use-polling-watcher"]] {
            scope.spawn(move || {
                let stage = Stage::new();
                let mut watcher = stage.start_ready(words);
                stage.dlm.ingest().stop();
                stage.write("f1", "1");
                wait_until(PATIENCE, "the refusal in the log", || {
                    watcher.says("E-DLM-UNREACHED: the ingest service")
                });
                assert!(watcher.is_running() && stage.is_ready());
                stage.dlm.ingest().start();
                stage.wait_answered("copy_data_item", 1);
                let mut lines = stage.lines("f1");
                lines.retain(|line| !line.contains("/query_data_item?item_name=f1&"));
                assert_eq!(lines, [reg_file("f1", 1), copy("f1")], "{words:?}");
                assert_eq!(watcher.terminate(), Some(0));
            });
        }
    });
}
