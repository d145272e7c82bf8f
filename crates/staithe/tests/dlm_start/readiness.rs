//! The readiness file says the truth.

use std::fs;

use testkit::dlm::Fault;
use testkit::wait_until;

use crate::stage::{PATIENCE, Stage, records, status};

/// Scenario 1: the directory is made, and the file comes after the last of the start-up requests.
#[test]
fn it_comes_after_the_start_up_requests() {
    let stage = Stage::new();
    fs::write(stage.ready_file(), "of an earlier run").expect("the folder takes a file");
    stage.dlm.inject(Fault::internal_error().at("query_location"));
    let mut watcher = stage.start(&[]);
    wait_until(PATIENCE, "the first request", || stage.dlm.count("query_location") > 1);
    assert!(!stage.is_ready(), "a file of an earlier run is no readiness");
    assert!(stage.watched().is_dir());
    stage.dlm.clear_faults();
    stage.wait_ready();
    assert!(stage.dlm.storage_named("dir-watcher").is_some());
    assert!(watcher.is_running());
    watcher.terminate(PATIENCE);
}

/// A05 NEW: the storage service may come later.
#[test]
fn it_waits_for_services_that_are_not_there() {
    let stage = Stage::new();
    stage.dlm.storage().stop();
    let mut watcher = stage.start(&[]);
    wait_until(PATIENCE, "the refusal in the log", || {
        records(&watcher).iter().any(|record| record.level == "ERROR")
    });
    assert!(!stage.is_ready() && watcher.is_running());
    stage.dlm.storage().start();
    stage.wait_ready();
    watcher.terminate(PATIENCE);
    let errors = records(&watcher).iter().filter(|record| record.level == "ERROR").count();
    assert!(errors < 4, "an outage is not said again and again: {errors}");
}

/// X04 NEW: not ready while the watched directory is not there.
#[test]
fn it_goes_with_the_watched_directory_and_comes_back_with_it() {
    for words in [&[][..], &["--use-polling-watcher"]] {
        let stage = Stage::new();
        let mut watcher = stage.start(words);
        stage.wait_ready();
        fs::remove_dir(stage.watched()).expect("it is empty");
        wait_until(PATIENCE, "the file to go", || !stage.is_ready());
        fs::create_dir(stage.watched()).expect("it can be made again");
        stage.wait_ready();
        fs::write(stage.watched().join("f1"), "x").expect("it takes a file");
        wait_until(PATIENCE, "f1 to be copied", || stage.dlm.count("copy_data_item") == 1);
        assert_eq!(stage.dlm.items_on("dir-watcher").len(), 1, "{words:?}");
        watcher.terminate(PATIENCE);
    }
}

#[test]
fn a_file_that_cannot_be_made_is_a_warning_and_an_empty_name_is_none() {
    let stage = Stage::new();
    let mut watcher = stage.start(&["--readiness-probe-file", "/proc/no/such/file"]);
    wait_until(PATIENCE, "the warning", || {
        records(&watcher)
            .iter()
            .any(|record| record.message.contains("cannot make the readiness file /proc/no"))
    });
    assert!(watcher.is_running());
    watcher.terminate(PATIENCE);
    let mut watcher = stage.start(&["--readiness-probe-file", ""]);
    wait_until(PATIENCE, "readiness", || records(&watcher).iter().any(|record| record.message == "ready"));
    assert!(!stage.is_ready());
    watcher.terminate(PATIENCE);
}

/// What was taken over at the first start stays so; whoever asks for it later is told what to do.
#[test]
fn asking_for_what_exists_at_a_later_start_is_answered() {
    let stage = Stage::new();
    fs::write(stage.scratch.folder("w").join("old"), "x").expect("it takes a file");
    let mut watcher = stage.start(&["--dir-updates-wait-time", "0"]);
    stage.wait_ready();
    let mut client = watcher_status(&stage);
    wait_until(PATIENCE, "the file to be taken over", || client()["counts"]["adopted"] == 1);
    watcher.terminate(PATIENCE);
    let mut watcher = stage.start(&["--include-existing"]);
    let told = "1 products were there at the first start, which was without --include-existing";
    wait_until(PATIENCE, "the warning", || {
        records(&watcher).iter().any(|record| record.message.starts_with(told))
    });
    watcher.terminate(PATIENCE);
    assert_eq!(stage.dlm.count("register_data_item"), 0);
    let mut watcher = stage.start(&["--include-existing", "--state-dir", "another"]);
    wait_until(PATIENCE, "the file to be registered", || stage.dlm.count("register_data_item") == 1);
    watcher.terminate(PATIENCE);
}

fn watcher_status(stage: &Stage) -> impl FnMut() -> serde_json::Value + '_ {
    move || {
        let mut places = fs::read_dir(stage.scratch.path().join("state/compat")).expect("it was made");
        let place = places.next().expect("one").expect("it can be read").path();
        status(stage.scratch.path(), &["--state-dir", place.to_str().expect("a plain name")])
    }
}
