//! The logs of a daemon.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use testkit::{Signal, wait_until};

use crate::stage::{STEP, Stage};

#[test]
fn a_restart_keeps_the_old_lines_byte_for_byte() {
    let stage = Stage::new();
    fs::write(stage.log(), "what somebody else wrote\n").unwrap();
    let mut before = stage.said();
    for _ in 0..3 {
        stage.start();
        stage.by_pid_file(&["stop"]).assert_code(0);
        let now = stage.said();
        assert!(now.starts_with(&before), "{now}");
        assert!(now[before.len()..].contains("ready "), "and goes on behind them: {now}");
        before = now;
    }
}

#[test]
fn a_log_that_was_moved_away_is_opened_anew_on_sighup() {
    let stage = Stage::new();
    let pid = stage.start();
    for number in 1..4 {
        let old = stage.landing.out(&format!("staithe.err.{number}"));
        fs::rename(stage.log(), &old).unwrap();
        fs::rename(stage.landing.out("staithe.out"), stage.landing.out(&format!("staithe.out.{number}")))
            .unwrap();
        Stage::signal(pid, Signal::HUP);
        wait_until(STEP, "the new log", || stage.said().contains("reloaded"));
        assert!(stage.landing.out("staithe.out").exists());
        let text = fs::read_to_string(&old).unwrap();
        assert!(text.ends_with('\n'), "whole lines: {text:?}");
        assert_eq!(
            text.matches("reloaded").count(),
            usize::from(number > 1),
            "nothing of the new one: {text}"
        );
        assert!(stage.said().ends_with('\n'));
    }
    assert_eq!(fs::metadata(stage.log()).unwrap().mode() & 0o007, 0, "not for everybody");
    stage.deliver("after");
}

#[test]
fn a_log_without_a_directory_goes_into_the_temporary_one_with_one_warning() {
    let stage = Stage::new();
    let (wanted, there) = (stage.landing.out("logs/staithe.err"), stage.landing.out("tmp/staithe.err"));
    let mut command = stage.command(&["run", "--daemon", "-c"]);
    command.arg(stage.landing.config()).arg("--pid-file").arg(stage.pid_file());
    command.arg("--log-err").arg(&wanted).arg("--log-out").arg(stage.landing.out("logs/staithe.out"));
    let started = stage.finish(command);
    started.assert_code(0);
    let log = || fs::read_to_string(&there).unwrap_or_default();
    for text in [&started.stderr, &log()] {
        let warnings: Vec<&str> = text.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(warnings.len(), 1, "{text}");
        for place in [&wanted, &there, &stage.landing.out("tmp/staithe.out")] {
            assert!(warnings[0].contains(place.to_str().unwrap()), "{} in {text}", place.display());
        }
    }
    assert!(log().contains("ready "), "{}", log());

    // When there is a directory, it is where it was wanted.
    fs::create_dir(stage.landing.out("logs")).unwrap();
    Stage::signal(stage.pid().unwrap(), Signal::HUP);
    wait_until(STEP, "the log where it was wanted", || {
        fs::read_to_string(&wanted).is_ok_and(|text| text.contains("reloaded"))
    });
    assert!(!log().contains("reloaded"), "{}", log());
}

#[test]
fn in_the_temporary_directory_no_link_is_followed() {
    let stage = Stage::new();
    let victim = stage.landing.out("victim");
    fs::write(&victim, "precious\n").unwrap();
    symlink(&victim, stage.landing.out("tmp/staithe.err")).unwrap();
    let mut command = stage.command(&["run", "--daemon", "-c"]);
    command.arg(stage.landing.config()).arg("--pid-file").arg(stage.pid_file());
    command.arg("--log-err").arg(stage.landing.out("logs/staithe.err"));
    let refused = stage.finish(command);
    refused.assert_code(1);
    assert!(refused.stderr.contains("staithe.err"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious\n");
}
