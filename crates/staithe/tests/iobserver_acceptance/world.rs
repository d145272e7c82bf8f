//! What all scenarios do: run a line of shell, and read what the scribe has written.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::Process;

use crate::stage::{PATIENCE, Stage};

/// What the scribe says of a file that is made when everything else is done.
const END: &str = "'zz-end'";

/// Runs a script in the scratch folder.
#[track_caller]
pub(crate) fn sh(stage: &Stage, script: &str) {
    let mut command: Command = stage.command(Path::new("/bin/sh"), &["-euc", script]);
    Process::finish("sh", &stage.at("out"), &mut command, PATIENCE).assert_code(0);
}

/// Runs a script and gives what the log has told of it, once all of it is there.
#[track_caller]
pub(crate) fn told_of(stage: &Stage, log: &str, script: &str) -> Vec<String> {
    let before = told(stage, log).len();
    sh(stage, script);
    finish(stage, "w", log);
    let mut lines = told(stage, log).split_off(before);
    lines.retain(|line| !line.contains(END));
    lines
}

/// Waits until the log has all that happened in that tree until now.
#[track_caller]
pub(crate) fn finish(stage: &Stage, tree: &str, log: &str) {
    let file = stage.at(tree).join("zz-end");
    let gone = || stage.logged(log, "file 'zz-end' was DELETED");
    let before = gone();
    std::fs::write(&file, "").expect("the tree takes a file");
    std::fs::remove_file(&file).expect("it was made just now");
    testkit::wait_until(PATIENCE, &format!("the end of what is in {log}"), || gone() > before);
}

/// The lines of a log without their times, with paths relative to the scratch folder.
#[track_caller]
pub(crate) fn told(stage: &Stage, log: &str) -> Vec<String> {
    let folder = format!("{}/", stage.scratch.path().display());
    let text = stage.text(log);
    // What follows the last newline is a line that is being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| untimed(line).replace(&folder, "")).collect()
}

/// A scribe's line without its time; fails where it is none.
#[track_caller]
pub(crate) fn untimed(line: &str) -> &str {
    let (time, text) = line.split_once(" scribe: ").unwrap_or_else(|| panic!("not a whole line: {line:?}"));
    let shape: String = time.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    assert!(["0000-00-00 00:00:00", "0000-00-00 00:00:00.000000"].contains(&&*shape), "no time: {line:?}");
    text
}

/// How many of the lines end so.
pub(crate) fn ending(lines: &[String], end: &str) -> usize {
    lines.iter().filter(|line| line.ends_with(end)).count()
}

/// A watch whose tree is copied to `m`.
pub(crate) fn replica(watch: &str) -> String {
    format!("[[{watch}]]\nplugins = replica\nreplica_destination = m\n")
}

/// What `status` has of the sink whose name ends so.
#[track_caller]
pub(crate) fn sink(stage: &Stage, end: &str) -> Value {
    let status = stage.status();
    let sinks = status["sinks"].as_array().expect("there are sinks");
    let found = sinks.iter().find(|sink| sink["name"].as_str().is_some_and(|name| name.ends_with(end)));
    found.unwrap_or_else(|| panic!("no {end} in {status}")).clone()
}
