//! What the program does when the kernel gives it less than it needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::{Process, Scratch, wait_until};

/// How long anything may take.
const STEP: Duration = Duration::from_mins(1);
/// So many directories, and far fewer watches.
const DIRECTORIES: usize = 40;

/// `staithe watch` in a user namespace of its own whose limits do not touch the host's.
fn limited(scratch: &Scratch, limit: &str) -> Option<Process> {
    let program = env!("CARGO_BIN_EXE_staithe");
    let root = scratch.path().join("in");
    let script = format!("echo {limit} && exec {program} watch --json {}", root.display());
    let mut command = Command::new("unshare");
    command.args(["-Ur", "sh", "-c", &script]);
    let mut process = Process::spawn("limited", scratch.path(), &mut command);
    wait_until(STEP, "a start or a refusal", || !process.is_running() || process.stderr().contains("ready"));
    if process.is_running() {
        return Some(process);
    }
    println!("SKIPPED: no user namespace with limits of its own here: {}", process.stderr());
    None
}

fn paths(process: &Process) -> BTreeSet<String> {
    let output = String::from_utf8_lossy(&process.stdout()).into_owned();
    let events = output.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    events.filter_map(|event| event["data"]["path"].as_str().map(str::to_owned)).collect()
}

fn tree(scratch: &Scratch) -> BTreeSet<String> {
    let names = (0..DIRECTORIES).map(|number| format!("d{number}"));
    names.clone().for_each(|name| fs::create_dir_all(scratch.path().join("in").join(name)).expect("a tree"));
    names.map(|name| format!("{name}/f")).collect()
}

fn fill(root: &Path, paths: &BTreeSet<String>) {
    for path in paths {
        fs::write(root.join(path), b"x").expect("the tree takes files");
    }
}

#[test]
fn directories_beyond_the_watch_limit_are_scanned_and_said_so() {
    let scratch = Scratch::on_disk("watch-limit");
    let expected = tree(&scratch);
    let Some(process) = limited(&scratch, "8 > /proc/sys/user/max_inotify_watches") else { return };
    fill(&scratch.path().join("in"), &expected);
    wait_until(STEP, "all files", || paths(&process) == expected);
    let said = process.stderr();
    assert!(said.contains("cannot be watched") && said.contains("max_user_watches="), "{said}");
}

/// Piped, only warnings are said; that it is not what was asked for is one.
#[test]
fn a_fallback_from_fanotify_is_a_warning() {
    let scratch = Scratch::on_disk("no-privilege");
    tree(&scratch);
    let program = env!("CARGO_BIN_EXE_staithe");
    let mut command = Command::new("unshare");
    command.args(["-Ur", program, "watch", "--json", "--backend", "fanotify"]);
    command.arg(scratch.path().join("in"));
    let mut process = Process::spawn("fallback", scratch.path(), &mut command);
    wait_until(STEP, "a start or a refusal", || !process.is_running() || process.stderr().contains("ready"));
    let said = process.stderr();
    if !process.is_running() {
        println!("SKIPPED: no user namespace here: {said}");
        return;
    }
    assert!(said.contains("warning: ") && said.contains("fanotify cannot mark it"), "{said}");
}

#[test]
fn without_an_inotify_instance_the_tree_is_scanned() {
    let scratch = Scratch::on_disk("instance-limit");
    let expected = tree(&scratch);
    let Some(process) = limited(&scratch, "0 > /proc/sys/user/max_inotify_instances") else { return };
    fill(&scratch.path().join("in"), &expected);
    wait_until(STEP, "all files", || paths(&process) == expected);
}
