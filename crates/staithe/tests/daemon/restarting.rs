//! Starting again what runs.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{Process, wait_until};

use crate::stage::{CONFIG, STEP, Stage, runs};

fn words(pid: u32) -> Vec<u8> {
    fs::read(format!("/proc/{pid}/cmdline")).expect("it runs")
}

#[test]
fn the_new_one_has_the_words_the_directory_and_the_environment_of_the_old_one() {
    let stage = Stage::new();
    stage.landing.configure(&CONFIG.replace("{in}", "in").replace("{out}", "out"));
    let mut command = stage.command(&["run", "--daemon", "-c", "out/staithe.toml", "--pid-file"]);
    command.args(["out/staithe.pid", "--log-out", "out/staithe.out", "--log-err", "out/staithe.err"]);
    command.env("STAITHE_MARK", "kept");
    stage.finish(command).assert_code(0);
    let first = stage.pid().unwrap();
    let (argv, cwd) = (words(first), fs::read_link(format!("/proc/{first}/cwd")).unwrap());

    // Somebody else's shell: another directory, and nothing that says where the state is.
    let mut restart = stage.command(&["restart", "--pid-file"]);
    restart.arg(stage.pid_file()).current_dir("/").env_remove("STAITHE_STATE_DIR");
    stage.finish(restart).assert_code(0);
    let second = stage.pid().unwrap();
    assert_ne!(first, second);
    assert!(!runs(first));
    assert_eq!(words(second), argv);
    assert_eq!(fs::read_link(format!("/proc/{second}/cwd")).unwrap(), cwd);
    let environment = fs::read(format!("/proc/{second}/environ")).unwrap();
    assert!(environment.split(|byte| *byte == 0).any(|variable| variable == b"STAITHE_MARK=kept"));
    assert_eq!(stage.landing.status()["pid"], second, "it has the same state directory");
    stage.deliver("after");
}

#[test]
fn a_restart_under_load_loses_and_repeats_nothing() {
    let stage = Stage::new();
    stage.start();
    let (done, root) = (AtomicBool::new(false), stage.landing.root());
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            while !done.load(Ordering::Acquire) {
                let name = format!("f{}.dat", written.len());
                let hidden = root.join(format!(".{name}.tmp"));
                fs::write(&hidden, &name).unwrap();
                fs::rename(&hidden, root.join(&name)).unwrap();
                written.push(name);
                std::thread::sleep(Duration::from_millis(2));
            }
            written
        });
        for _ in 0..5 {
            let before = stage.events().lines().count();
            wait_until(STEP, "some load", || stage.events().lines().count() >= before + 50);
            stage.by_pid_file(&["restart"]).assert_code(0);
        }
        done.store(true, Ordering::Release);
        writer.join().unwrap()
    });
    wait_until(STEP, "the last of them", || stage.events().lines().count() >= written.len());
    stage.landing.wait_idle(written.len() as u64, STEP);
    let mut told: BTreeMap<String, u32> = BTreeMap::new();
    for line in stage.events().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        *told.entry(event["data"]["path"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected: BTreeMap<String, u32> = written.into_iter().map(|name| (name, 1)).collect();
    assert_eq!(told, expected);
}

#[test]
fn what_runs_in_the_foreground_is_left_alone() {
    let stage = Stage::new();
    let mut command = stage.command(&["run", "-c"]);
    command.arg(stage.landing.config()).arg("--pid-file").arg(stage.pid_file());
    let mut daemon = Process::spawn("run", &stage.landing.out(""), &mut command);
    daemon.wait_for_line("ready", STEP);
    let refused = stage.by_pid_file(&["restart"]);
    refused.assert_code(2);
    assert!(refused.stderr.contains("in the foreground"), "{}", refused.stderr);
    assert!(daemon.is_running());
    stage.by_pid_file(&["stop"]).assert_code(0);
    wait_until(STEP, "its end", || !daemon.is_running());
}

#[test]
fn one_that_cannot_be_started_again_where_it_was_is_not_stopped() {
    let stage = Stage::new();
    let gone = stage.landing.out("gone");
    fs::create_dir(&gone).unwrap();
    let mut start = stage.start_command();
    stage
        .finish({
            start.current_dir(&gone);
            start
        })
        .assert_code(0);
    let pid = stage.pid().unwrap();
    fs::remove_dir(&gone).unwrap();
    let refused = stage.by_pid_file(&["restart"]);
    refused.assert_code(1);
    assert!(refused.stderr.contains("is gone"), "{}", refused.stderr);
    assert!(runs(pid));
}
