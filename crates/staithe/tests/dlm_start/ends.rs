//! Exit codes, and what is said before the end.

use std::process::Command;
use std::time::Duration;

use testkit::{Process, Signal, wait_until};

use crate::stage::{BINARY, PATIENCE, Stage, bare, records, status};

/// O04, O05 and O09 in one: a usage error comes before any request.
#[test]
fn a_wrong_command_line_ends_with_2_before_any_request() {
    let stage = Stage::new();
    for words in
        [&["--nonsense"][..], &["--uid-expiration-days", "x"], &["--include-existing=1"], &["--s", "x"]]
    {
        let done = Process::finish("usage", stage.scratch.path(), &mut stage.command(words), PATIENCE);
        assert_eq!((done.code, done.text().as_str()), (Some(2), ""), "{words:?}");
        assert!(done.stderr.starts_with("usage: dlm-directory-watcher "), "{}", done.stderr);
    }
    let mut without = bare(stage.scratch.path());
    let done = Process::finish("usage", stage.scratch.path(), without.args(["-s", "x"]), PATIENCE);
    assert!(
        done.code == Some(2) && done.stderr.contains("required: -d/--directory-to-watch"),
        "{}",
        done.stderr
    );
    let mut from_environment = stage.command(&[]);
    from_environment.env("OID_EXPIRATION_DAYS", "soon");
    let done = Process::finish("usage", stage.scratch.path(), &mut from_environment, PATIENCE);
    assert!(done.code == Some(2) && done.stderr.contains("invalid int value: 'soon'"), "{}", done.stderr);
    assert_eq!(stage.dlm.total(), 0);
}

#[test]
fn the_help_goes_to_standard_output() {
    let stage = Stage::new();
    let mut command = bare(stage.scratch.path());
    let done = Process::finish("help", stage.scratch.path(), command.arg("--help"), PATIENCE);
    assert_eq!(done.code, Some(0));
    assert!(done.text().contains("--dlm-strict") && done.text().contains("--use-polling-watcher [V]"));
}

#[test]
fn called_by_the_old_programs_name_it_is_the_old_program() {
    let stage = Stage::new();
    let link = stage.scratch.path().join("dlm-directory-watcher");
    std::os::unix::fs::symlink(BINARY, &link).expect("the folder takes a link");
    let done = Process::finish("called", stage.scratch.path(), &mut Command::new(link), PATIENCE);
    assert!(
        done.code == Some(2) && done.stderr.starts_with("usage: dlm-directory-watcher "),
        "{}",
        done.stderr
    );
}

#[test]
fn both_signals_end_it_with_0_and_the_file_is_gone() {
    for signal in [Signal::TERM, Signal::INT] {
        let stage = Stage::new();
        let mut watcher = stage.start(&[]);
        stage.wait_ready();
        watcher.signal(signal);
        assert_eq!(watcher.wait_exit(Duration::from_secs(8)).code(), Some(0), "{signal:?}");
        assert!(!stage.is_ready(), "{signal:?}");
    }
}

/// A05 and A06 as the original has them; without the flag it waits ([`crate::readiness`]).
#[test]
fn in_strict_mode_a_failing_start_ends_with_1() {
    let stage = Stage::new();
    stage.dlm.storage().stop();
    let mut watcher = stage.start(&["--dlm-strict"]);
    assert_eq!(watcher.wait_exit(PATIENCE).code(), Some(1));
    assert!(!stage.is_ready());
    assert!(records(&watcher).iter().any(|record| record.level == "CRITICAL"));
}

#[test]
fn the_log_has_the_skas_form_and_the_level_that_is_asked_for() {
    let stage = Stage::new();
    let mut command = stage.command(&["--uid-expiration-days=7"]);
    let mut watcher =
        Process::spawn("watcher", &stage.scratch.path().join("logs"), command.env("LOGLEVEL", "warning"));
    stage.wait_ready();
    let loud = records(&watcher);
    let warned =
        loud.iter().filter(|record| record.message.starts_with("uid expiration of 7 days: not sent"));
    assert_eq!(warned.count(), 1);
    assert!(loud.iter().all(|record| record.level != "INFO"));
    assert_eq!(watcher.terminate(PATIENCE).code(), Some(0));
    assert_eq!(watcher.stderr(), "");
    let mut watcher = stage.start(&[]);
    wait_until(PATIENCE, "the log", || records(&watcher).iter().any(|record| record.message == "ready"));
    assert!(
        records(&watcher)
            .iter()
            .any(|record| record.level == "INFO" && record.message.contains("dir-watcher"))
    );
    watcher.terminate(PATIENCE);
}

/// Its state is found by the watched directory, with and without a slash behind it; clients find the socket there.
#[test]
fn the_state_directory_belongs_to_the_watched_directory() {
    let stage = Stage::new();
    let kept = || {
        let places = std::fs::read_dir(stage.scratch.path().join("state/compat")).expect("it was made");
        let mut names: Vec<String> =
            places.flatten().map(|place| place.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let mut watcher = stage.start(&[]);
    stage.wait_ready();
    let names = kept();
    assert!(names.len() == 1 && names[0].starts_with("dlm-watcher-"), "{names:?}");
    let place = stage.scratch.path().join("state/compat").join(&names[0]);
    let status = status(stage.scratch.path(), &["--state-dir", place.to_str().unwrap()]);
    assert_eq!((&status["ready"], &status["sinks"][0]["prepared"]), (&true.into(), &true.into()), "{status}");
    watcher.terminate(PATIENCE);
    let slash = format!("{}/", stage.watched().display());
    let mut watcher = stage.start(&["-d", &slash]);
    stage.wait_ready();
    watcher.terminate(PATIENCE);
    assert_eq!(kept(), names);
    let roots: Vec<String> = stage.dlm.storages().iter().map(|storage| format!("{storage:?}")).collect();
    assert!(roots.iter().any(|root| root.contains(stage.watched().to_str().unwrap())), "{roots:?}");
}
