//! `watch`: no configuration, no server.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::Value;
use testkit::{Landing, Process, wait_until};

use crate::{STEP, landing};

/// A running `watch` of the tree, ready.
fn watch(landing: &Landing, words: &[&str]) -> Process {
    let mut command = landing.command();
    command.arg("watch").arg(landing.root()).args(words);
    let mut process = Process::spawn("watch", &landing.out(""), &mut command);
    process.wait_for_line("ready", STEP);
    process
}

fn seen(process: &Process) -> BTreeSet<String> {
    let output = process.stdout();
    let end = output.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    String::from_utf8_lossy(&output[..end])
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
            event["data"]["path"].as_str().expect("a plain path").to_owned()
        })
        .collect()
}

/// Writes the files and then one more, and waits until that one is shown.
#[track_caller]
fn seen_after(landing: &Landing, process: &Process, names: &[&str], last: &str) -> BTreeSet<String> {
    for name in names.iter().chain(&[last]) {
        let path = landing.root().join(name);
        fs::create_dir_all(path.parent().expect("it lies in the tree")).expect("the tree takes folders");
        fs::write(path, name).expect("the tree takes files");
    }
    wait_until(STEP, &format!("{last} to be shown"), || seen(process).contains(last));
    seen(process)
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn piped_it_prints_one_event_per_line_and_nothing_else() {
    let landing = landing();
    landing.write_old("old.dat", b"x");
    let mut process = watch(&landing, &[]);
    let found = seen_after(&landing, &process, &["a.dat", "deep/down/b.dat", "c.part"], "z.dat");
    assert_eq!(found, set(&["a.dat", "deep/down/b.dat", "z.dat"]));
    let text = String::from_utf8_lossy(&process.stdout()).into_owned();
    let event: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["data"]["root"], landing.root().to_str().unwrap());
    let status = process.terminate(STEP);
    assert_eq!(status.code(), Some(0));
}

#[test]
fn existing_files_are_reported_when_asked_for() {
    let landing = landing();
    landing.write_old("old.dat", b"x");
    let process = watch(&landing, &["--json", "--existing"]);
    let found = seen_after(&landing, &process, &[], "new.dat");
    wait_until(STEP, "the old file", || seen(&process).contains("old.dat"));
    assert!(found.contains("new.dat"));
}

#[test]
fn filters_and_depth() {
    let landing = landing();
    let words = ["--json", "--no-recursive", "--include", "*.dat", "--exclude", "x*"];
    let process = watch(&landing, &words);
    let found = seen_after(&landing, &process, &["a.dat", "a.txt", "x.dat", "deep/b.dat"], "z.dat");
    assert_eq!(found, set(&["a.dat", "z.dat"]));
}

#[test]
fn polling_finds_the_same() {
    let landing = landing();
    let process = watch(&landing, &["--json", "--backend", "poll"]);
    let found = seen_after(&landing, &process, &["a.dat", "deep/b.dat"], "z.dat");
    wait_until(STEP, "all three", || seen(&process).len() == 3);
    assert!(found.contains("z.dat"));
}

#[test]
fn settle_waits_for_quiet() {
    let landing = landing();
    let process = watch(&landing, &["--json", "--settle", "1s"]);
    seen_after(&landing, &process, &[], "a.dat");
    let event: Value = serde_json::from_slice(process.stdout().trim_ascii_end()).unwrap();
    assert!(event["data"]["complete"]["waited_ms"].as_u64() >= Some(900), "{event}");
}

#[test]
fn with_a_state_directory_it_remembers() {
    let landing = landing();
    let state = landing.out("watch-state");
    let words = ["--json", "--existing", "--state-dir", state.to_str().unwrap()];
    let mut process = watch(&landing, &words);
    seen_after(&landing, &process, &[], "a.dat");
    process.terminate(STEP);
    fs::write(landing.root().join("b.dat"), b"x").unwrap();
    let process = watch(&landing, &words);
    wait_until(STEP, "what came meanwhile", || seen(&process).contains("b.dat"));
    assert_eq!(seen_after(&landing, &process, &[], "c.dat"), set(&["b.dat", "c.dat"]));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let landing = landing();
    let mut command = landing.command();
    command.arg("watch").arg(landing.root()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    drop(child.stdout.take());
    let mut number = 0;
    let mut status = None;
    wait_until(STEP, "the end", || {
        number += 1;
        fs::write(landing.root().join(format!("{number}.dat")), b"x").unwrap();
        status = child.try_wait().expect("it can be waited for");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

#[test]
fn several_trees_and_one_that_comes_later() {
    let landing = landing();
    let later = landing.out("later");
    let mut process = watch(&landing, &[later.to_str().unwrap(), "--json"]);
    assert!(process.is_running());
    fs::create_dir(&later).unwrap();
    fs::write(later.join("second.dat"), b"x").unwrap();
    fs::write(landing.root().join("first.dat"), b"x").unwrap();
    wait_until(STEP, "both", || seen(&process) == set(&["first.dat", "second.dat"]));
}

/// The dataset's member is not reported by itself, and a file that comes after the dataset shows that it would
/// have been.
#[test]
fn a_directory_can_be_one_unit() {
    let landing = landing();
    let process = watch(&landing, &["--json", "--dataset", "*.ms", "--settle", "200ms"]);
    fs::create_dir(landing.root().join("obs.ms")).unwrap();
    fs::write(landing.root().join("obs.ms/table.dat"), b"x").unwrap();
    wait_until(STEP, "the dataset", || seen(&process).contains("obs.ms"));
    fs::write(landing.root().join("plain.dat"), b"x").unwrap();
    wait_until(STEP, "the file", || seen(&process).contains("plain.dat"));
    assert_eq!(seen(&process), set(&["obs.ms", "plain.dat"]));
    let wrong = landing.call(&["watch", ".", "--no-recursive", "--dataset", "*.ms"]);
    wrong.assert_code(2);
}
