//! Stopping.

use testkit::Signal;

use crate::stage::{Stage, runs};

#[test]
fn a_stop_leaves_the_logs_and_nothing_else() {
    let stage = Stage::new();
    let pid = stage.start();
    stage.deliver("one");
    let status = stage.by_pid_file(&["status"]);
    status.assert_code(0);
    assert!(status.text().contains(&format!("process {pid}")), "{}", status.text());
    let done = stage.by_pid_file(&["stop"]);
    done.assert_code(0);
    assert!(!runs(pid), "it returns when the process is gone");
    assert!(!stage.pid_file().exists());
    assert!(stage.said().contains("ready "), "the log stays");
    assert_eq!(done.text(), format!("stopped process {pid}\n"));

    let again = stage.by_pid_file(&["stop"]);
    again.assert_code(3);
    assert!(again.stderr.contains("there is no such file"), "{}", again.stderr);
    stage.by_pid_file(&["status"]).assert_code(3);
}

/// Its socket is found by what it was started with, wherever the question is asked.
#[test]
fn by_its_pid_file_a_daemon_is_asked_about_a_path() {
    let stage = Stage::new();
    stage.start();
    stage.deliver("one");
    let explain = |pid_file: &std::path::Path| {
        let mut command = stage.command(&["explain", "one", "--json", "--pid-file"]);
        command.arg(pid_file).current_dir("/").env_remove("STAITHE_STATE_DIR");
        stage.finish(command)
    };
    let said = explain(&stage.pid_file());
    said.assert_code(0);
    assert_eq!(said.json()["state"], "delivered");
    let none = explain(&stage.landing.out("none.pid"));
    none.assert_code(3);
    assert!(none.stderr.contains("no process holds it"), "{}", none.stderr);
    stage.by_pid_file(&["stop"]).assert_code(0);
}

#[test]
fn one_that_does_not_end_in_time_is_killed() {
    let stage = Stage::new();
    let pid = stage.start();
    Stage::signal(pid, Signal::STOP);
    let done = stage.by_pid_file(&["stop", "--grace", "300ms"]);
    done.assert_code(0);
    assert!(!runs(pid));
    assert!(done.stderr.contains("was killed"), "{}", done.stderr);
    assert!(!stage.pid_file().exists());
}
