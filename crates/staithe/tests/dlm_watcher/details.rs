//! The drop-in as a process: ends, its log, the status file, its neighbours, and staithe's own commands about it.

use std::fs;

use testkit::wait_until;

use crate::exact::{copy, reg_file};
use crate::stage::{PATIENCE, SOURCE, Stage};

const SHORT: &str = "--dir-updates-wait-time=1";

#[test]
fn exit_codes() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    assert_eq!(watcher.terminate(), Some(0));
    assert!(!stage.is_ready(), "the readiness file goes with it");
    let mut watcher = stage.start_ready(&[]);
    assert_eq!(watcher.interrupt(), Some(0));
    stage.dlm.storage().stop();
    let mut watcher = stage.start(&["--dlm-strict"]);
    assert_eq!(watcher.process.wait_exit(PATIENCE).code(), Some(1));
    stage.dlm.storage().start();
    let before = stage.dlm.total();
    for words in
        [&["--no-such-flag"][..], &["--uid-expiration-days", "soon"], &["--use-polling-watcher=x", "rest"]]
    {
        let mut watcher = stage.start(words);
        assert_eq!(watcher.process.wait_exit(PATIENCE).code(), Some(2), "{words:?}");
        assert!(watcher.process.stderr().starts_with("usage: dlm-directory-watcher"), "{words:?}");
    }
    assert_eq!(stage.dlm.total(), before, "before any request");
}

/// The state directory is in use: a second watcher of it must not run.
#[test]
fn a_second_watcher_of_the_same_state_is_refused() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    let before = stage.dlm.total();
    let probe = stage.scratch.path().join("ready too");
    let mut second = stage.start(&["--readiness-probe-file", probe.to_str().expect("a plain name")]);
    assert_eq!(second.process.wait_exit(PATIENCE).code(), Some(1));
    assert!(second.records().iter().any(|record| record.level == "CRITICAL"));
    assert_eq!(stage.dlm.total(), before);
    assert_eq!(watcher.terminate(), Some(0));
}

/// `1|2026-01-02T03:04:05.678Z|INFO|MainThread|start|dlm_watcher.rs#12||text`.
#[test]
fn every_line_of_the_log_has_the_skas_shape() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[SHORT]);
    stage.write("new\nline | bar", "x");
    stage.wait_answered("copy_data_item", 1);
    wait_until(PATIENCE, "the delivery in the log", || watcher.says("registered new\\nline | bar"));
    assert_eq!(watcher.terminate(), Some(0));
    let log = String::from_utf8(watcher.process.stdout()).expect("the log is text");
    assert!(log.ends_with('\n') && log.lines().count() > 4, "{log}");
    for line in log.lines() {
        let fields: Vec<&str> = line.splitn(8, '|').collect();
        assert_eq!(fields.len(), 8, "{line}");
        let digits: String = fields[1].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!((fields[0], digits.as_str()), ("1", "0000-00-00T00:00:00.000Z"), "{line}");
        assert!(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].contains(&fields[2]), "{line}");
        let (file, number) = fields[5].split_once('#').expect("file#line");
        assert!(file.contains('.') && number.parse::<u32>().is_ok(), "{line}");
        assert!(!fields[3].is_empty() && !fields[4].is_empty() && fields[6].is_empty(), "{line}");
    }
    assert_eq!(watcher.process.stderr(), "");
}

/// As the real process reads them: with underscores and dashes, with and without a value, shortened, with `=`.
#[test]
fn flags_in_both_spellings() {
    let forms: [&[&str]; 4] = [
        &["--use_polling_watcher", "True", "--dir-updates-wait-time", "1"],
        &["--use-polling-watcher", "--dir_updates_wait_time=1"],
        &["--use-poll=False", "--dir-upd", "1"],
        &["--use-polling-watcher=", "--dir-updates-wait-time=1"],
    ];
    std::thread::scope(|scope| {
        for (number, words) in forms.into_iter().enumerate() {
            scope.spawn(move || {
                let stage = Stage::new();
                let mut watcher = stage.start_ready(words);
                assert_eq!(watcher.says("poll: as configured"), number < 3, "{words:?}");
                stage.write("f1", "x");
                stage.wait_steps("f1", &["REG f1", "COPY f1"]);
                assert_eq!(watcher.terminate(), Some(0));
            });
        }
    });
}

/// The status file of 2.0 lies in the watched directory, is never a product, and is read back when that is asked for:
/// what it lists was registered.
#[test]
fn the_status_file_of_2_0_is_written_and_read_back() {
    let stage = Stage::new();
    let words = &[SHORT, "--dlm-compat", "2.0", "--use-status-file"];
    // Another form of the same watcher, with nothing but that file in its memory.
    let mut watcher = stage.start_ready(words);
    stage.write("f1", "x");
    stage.wait_answered("copy_data_item", 1);
    let file = stage.watched().join(".directory_watcher_status.run");
    wait_until(PATIENCE, "the status file", || file.exists());
    assert_eq!(watcher.terminate(), Some(0));
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(text.contains("\"file_or_directory\": \"f1\""), "{text}");
    fs::remove_dir_all(stage.state_dir()).expect("it is there");
    let before = stage.dlm.count("register_data_item");
    let again = [&words[..], &["--reload-status-file", "--include-existing"]].concat();
    let mut watcher = stage.start_ready(&again);
    stage.write("f2", "x");
    stage.wait_answered("copy_data_item", 2);
    stage.wait_idle();
    let sent = stage.dlm.requests_at("register_data_item");
    let names: Vec<_> = sent[before..]
        .iter()
        .filter_map(|one| one.item_name.as_deref())
        .filter(|name| *name != ".directory_watcher_status.run")
        .collect();
    assert_eq!(names, ["f2"]);
    assert_eq!(watcher.terminate(), Some(0));
}

#[test]
fn two_watchers_side_by_side_do_not_disturb_each_other() {
    let stage = Stage::new();
    let other = stage.scratch.folder("other");
    let probe = stage.scratch.path().join("ready too");
    let other_state = stage.scratch.path().join("state too");
    let path = |path: &std::path::Path| path.to_str().expect("a plain name").to_owned();
    let mut one = stage.start_ready(&[SHORT]);
    let mut two = stage.start(&[
        SHORT,
        "-d",
        &path(&other),
        "-s",
        "other",
        "--readiness-probe-file",
        &path(&probe),
        "--state-dir",
        &path(&other_state),
    ]);
    wait_until(PATIENCE, "the other's readiness file", || probe.exists());
    stage.write("mine", "1");
    crate::stage::write(&other.join("theirs"), "22");
    stage.wait_answered("copy_data_item", 2);
    assert_eq!(one.terminate(), Some(0));
    assert!(probe.exists() && !stage.is_ready());
    crate::stage::write(&other.join("later"), "333");
    stage.wait_answered("copy_data_item", 3);
    assert_eq!(two.terminate(), Some(0));
    let on = |storage: &str| {
        let mut names: Vec<_> =
            stage.dlm.items_on(storage).into_iter().filter_map(|item| item.item_name).collect();
        names.sort();
        names
    };
    assert_eq!(
        (on(SOURCE), on("other")),
        (vec!["mine".to_owned()], vec!["later".to_owned(), "theirs".to_owned()])
    );
    assert_eq!(stage.lines("mine"), [reg_file("mine", 1), copy("mine")]);
}

#[test]
fn staithes_own_commands_answer_about_it() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[SHORT]);
    stage.write("f1", "x");
    stage.wait_steps("f1", &["REG f1", "COPY f1"]);
    stage.wait_idle();
    let status = stage.status();
    assert_eq!((&status["ready"], &status["counts"]["delivered"]), (&true.into(), &1.into()), "{status}");
    assert_eq!((&status["sinks"][0]["type"], &status["sinks"][0]["prepared"]), (&"dlm".into(), &true.into()));
    let place = stage.watched().join("f1");
    let explain =
        || String::from_utf8(stage.ask(&["explain", place.to_str().expect("a plain name")])).expect("text");
    wait_until(PATIENCE, "the copy to be known", || explain().contains("the copy is finished"));
    let text = explain();
    for part in ["f1: DELIVERED", "dlm: registered f1 as ", "dlm: copy of f1 accepted as migration 1"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert_eq!(watcher.terminate(), Some(0));
}
