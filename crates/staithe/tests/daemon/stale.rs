//! Pid files that nobody holds, whatever is in them.

use std::fs;
use std::process::Command;

use rustix::fs::FlockOperation;
use testkit::{Process, Signal, wait_until};

use crate::stage::{STEP, Stage, runs, stranger};

/// A number that no process has any more.
fn dead(stage: &Stage) -> u32 {
    let mut process = Process::spawn("dead", &stage.landing.out(""), &mut Command::new("true"));
    let id = process.id();
    process.wait_exit(STEP);
    id
}

#[test]
fn a_pid_file_that_nobody_holds_is_taken_over() {
    let stage = Stage::new();
    let mut stranger = stranger(&stage);
    let contents = [
        format!("{}\n", dead(&stage)),
        format!("{}\n", stranger.id()),
        String::new(),
        "what is this?".into(),
    ];
    for content in contents {
        fs::write(stage.pid_file(), &content).unwrap();
        let begun = std::time::Instant::now();
        let pid = stage.start();
        assert!(runs(pid) && pid != stranger.id(), "after {content:?}");
        assert!(begun.elapsed() < STEP / 2, "it does not wait for anybody");
        stage.by_pid_file(&["stop"]).assert_code(0);
        assert!(stranger.is_running(), "after {content:?}");
    }
}

#[test]
fn stopping_by_a_stale_file_touches_nobody() {
    let stage = Stage::new();
    let mut stranger = stranger(&stage);
    for number in [stranger.id(), dead(&stage)] {
        for word in ["stop", "restart"] {
            fs::write(stage.pid_file(), format!("{number}\n")).unwrap();
            let done = stage.by_pid_file(&[word]);
            done.assert_code(3);
            assert!(done.stderr.contains("no daemon runs"), "{}", done.stderr);
            assert!(stranger.is_running());
        }
        stage.by_pid_file(&["status"]).assert_code(3);
        stage.by_pid_file(&["stop"]).assert_code(3);
        assert!(!stage.pid_file().exists(), "what nobody holds is cleared away");
    }
}

#[test]
fn a_process_whose_number_is_in_a_file_that_another_holds_is_neither_named_nor_signalled() {
    let stage = Stage::new();
    let mut stranger = stranger(&stage);
    fs::write(stage.pid_file(), format!("{}\n", stranger.id())).unwrap();
    // As somebody who has taken the lock and has not written his number yet.
    let held = fs::File::open(stage.pid_file()).unwrap();
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    let number = stranger.id().to_string();
    for refused in [stage.by_pid_file(&["stop"]), stage.finish(stage.start_command())] {
        refused.assert_code(1);
        let named = refused.stderr.split(|c: char| !c.is_ascii_digit()).any(|word| word == number);
        assert!(!named, "{}", refused.stderr);
    }
    assert!(stranger.is_running());
    drop(held);
    stage.start();
}

#[test]
fn after_a_kill_it_starts_again() {
    let stage = Stage::new();
    let first = stage.start();
    stage.deliver("before");
    Stage::signal(first, Signal::KILL);
    wait_until(STEP, "its end", || !runs(first));
    assert_eq!(stage.pid(), Some(first), "nobody has cleared it away");
    fs::write(stage.landing.root().join("meanwhile"), "x").unwrap();
    let second = stage.start();
    assert_ne!(first, second);
    wait_until(STEP, "what came meanwhile", || stage.events().contains("meanwhile"));
}

#[test]
fn a_daemon_whose_pid_file_was_removed_is_not_harmed_by_a_second_start() {
    let stage = Stage::new();
    let pid = stage.start();
    fs::remove_file(stage.pid_file()).unwrap();
    let second = stage.finish(stage.start_command());
    second.assert_code(1);
    assert!(second.stderr.contains(&pid.to_string()), "who holds the state directory: {}", second.stderr);
    assert!(!stage.pid_file().exists(), "the second has cleared its own away");
    stage.deliver("still here");
    // Somebody else's file of that name stays, too.
    fs::write(stage.pid_file(), "somebody else's").unwrap();
    Stage::signal(pid, Signal::TERM);
    wait_until(STEP, "its end", || !runs(pid));
    assert_eq!(fs::read_to_string(stage.pid_file()).unwrap(), "somebody else's");
}
