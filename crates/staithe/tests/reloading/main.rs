//! A configuration that is followed while the daemon runs: by content, whole or not at all.

mod directory;
mod replacing;
mod switching;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use testkit::{Landing, Scratch, wait_for, wait_until};

/// Longer than one step takes on a busy machine.
const STEP: Duration = Duration::from_mins(1);

/// A configuration of its own for each number: what it says is seen in `status` and in where events go.
fn version(number: u32) -> String {
    format!(
        r#"
        watch_config = true

        [source.inbox]
        path = "{{in}}"

        [[source.inbox.rule]]
        name = "all"
        include = ["*"]
        complete = "local"
        to = ["v{number}"]

        [sink.v{number}]
        type = "jsonl"
        path = "{{out}}/v{number}.jsonl"
        "#
    )
}

/// The installation that runs on version 0.
fn running() -> Landing {
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("reloading"));
    landing.configure(&version(0));
    landing.start();
    landing
}

/// The text of a version as it stands in a file of this installation.
fn text(landing: &Landing, number: u32) -> String {
    let shown = |path: PathBuf| path.to_str().expect("scratch folders have plain names").to_owned();
    version(number).replace("{in}", &shown(landing.root())).replace("{out}", &shown(landing.out("")))
}

/// How it stands with the configuration.
#[track_caller]
fn standing(landing: &Landing) -> Value {
    landing.status()["config"].clone()
}

/// Waits until something new was taken over so many times since the start, and checks which it is.
#[track_caller]
fn wait_applied(landing: &Landing, times: u64, number: u32) {
    let applied = wait_for(STEP, &format!("version {number} to be in force"), || {
        let applied = standing(landing)["applied"].as_u64()?;
        (applied >= times && sinks(landing) == [format!("v{number}")]).then_some(applied)
    });
    assert_eq!(applied, times, "each content is applied once");
    assert_eq!(standing(landing)["last_error"], Value::Null);
}

/// The names of the sinks in force.
fn sinks(landing: &Landing) -> Vec<String> {
    let status = landing.status();
    let sinks = status["sinks"].as_array().into_iter().flatten();
    sinks.filter_map(|sink| sink["name"].as_str().map(str::to_owned)).collect()
}

/// A file that comes now goes where this version has it.
#[track_caller]
fn deliver(landing: &Landing, name: &str, number: u32) {
    fs::write(landing.root().join(name), name).expect("the tree takes files");
    wait_until(STEP, &format!("{name} to go where version {number} has it"), || {
        fs::read_to_string(landing.out(&format!("v{number}.jsonl"))).is_ok_and(|lines| lines.contains(name))
    });
}

/// How many lines of the daemon's standard error hold these words.
fn said(landing: &mut Landing, words: &str) -> usize {
    landing.daemon().stderr().lines().filter(|line| line.contains(words)).count()
}
