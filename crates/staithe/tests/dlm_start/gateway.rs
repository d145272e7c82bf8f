//! Services behind a gateway: a token goes with each request, and nowhere else.

use std::fs;

use testkit::{Process, wait_until};

use crate::stage::{PATIENCE, Stage, records};

/// The double answers 401 to whoever has no token; so nothing comes through unless each request carries it.
#[test]
fn a_token_goes_with_each_request_and_into_no_log() {
    let stage = Stage::new();
    stage.dlm.set_token(Some("hunter2"));
    let mut watcher = stage.start(&[]);
    wait_until(PATIENCE, "the refusal in the log", || {
        records(&watcher).iter().any(|record| record.level == "ERROR" && record.message.contains("401"))
    });
    assert!(!stage.is_ready(), "the gateway lets nobody in without it");
    watcher.terminate(PATIENCE);

    let token = stage.scratch.path().join("token");
    fs::write(&token, "hunter2\n").expect("the folder takes a file");
    let refused = stage.dlm.total();
    let mut watcher = stage.start(&["--token-file", token.to_str().expect("a plain name")]);
    stage.wait_ready();
    fs::create_dir(stage.scratch.path().join("dp")).expect("it can be made");
    fs::write(stage.scratch.path().join("dp/a"), "x").expect("it takes a file");
    fs::rename(stage.scratch.path().join("dp"), stage.watched().join("dp")).expect("one file system");
    stage.dlm.wait_until(PATIENCE, "the product's last request", |dlm| dlm.answered("init_data_item") == 1);
    watcher.terminate(PATIENCE);
    for request in &stage.dlm.requests()[refused..] {
        assert_eq!(request.header("authorization"), Some("Bearer hunter2"), "{request}");
    }
    let log = records(&watcher);
    assert!(log.iter().all(|record| !record.message.contains("hunter2")));
    let unencrypted = |record: &crate::stage::Record| {
        record.level == "WARNING" && record.message.starts_with("the token is sent unencrypted")
    };
    assert_eq!(log.iter().filter(|record| unencrypted(record)).count(), 1);
}

#[test]
fn a_token_that_cannot_be_read_ends_the_start_before_any_request() {
    let stage = Stage::new();
    let token = stage.scratch.path().join("token");
    fs::write(&token, "hun ter2\n").expect("the folder takes a file");
    for file in [token.as_path(), "no/such/file".as_ref()] {
        let mut command = stage.command(&["--token-file"]);
        let done =
            Process::finish("watcher", &stage.scratch.path().join("logs"), command.arg(file), PATIENCE);
        assert_eq!((done.code, done.text().as_str()), (Some(2), ""), "{}", done.stderr);
        assert!(done.stderr.contains("error: argument --token-file: "), "{}", done.stderr);
        assert!(!done.stderr.contains("hun ter2"), "{}", done.stderr);
    }
    assert_eq!(stage.dlm.total(), 0);
}
