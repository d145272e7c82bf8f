//! The embedded queue: `consume`, `ack`.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;
use testkit::{Finished, Process, wait_until};

use crate::{STEP, deliver, running};

fn events(done: &Finished) -> Vec<Value> {
    done.text().lines().map(|line| serde_json::from_str(line).expect("each line is an event")).collect()
}

fn paths(done: &Finished) -> BTreeSet<String> {
    events(done)
        .iter()
        .map(|event| event["data"]["path"].as_str().expect("a plain path").to_owned())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn consume_takes_each_event_once_and_says_when_there_is_none() {
    let landing = running();
    landing.call(&["consume", "--max", "1", "--json"]).assert_code(4);
    deliver(&landing, &["a.dat", "b.dat", "c.dat"]);
    let first = landing.call(&["consume", "--max", "2", "--json"]);
    first.assert_code(0);
    let second = landing.call(&["consume", "--max", "10", "--json"]);
    let (first, second) = (paths(&first), paths(&second));
    assert_eq!((first.len(), second.len()), (2, 1));
    assert_eq!(&first | &second, set(&["a.dat", "b.dat", "c.dat"]));
    landing.call(&["consume", "--max", "1", "--json"]).assert_code(4);
}

#[test]
fn a_leased_event_comes_back_unless_it_is_acknowledged() {
    let landing = running();
    deliver(&landing, &["a.dat", "b.dat"]);
    let leased = landing.call(&["consume", "--max", "2", "--json", "--no-ack", "--lease", "2s"]);
    assert_eq!(paths(&leased), set(&["a.dat", "b.dat"]));
    landing.call(&["consume", "--max", "2", "--json"]).assert_code(4);
    let events = events(&leased);
    let id = |path: &str| {
        let found = events.iter().find(|event| event["data"]["path"] == path).expect("it was leased");
        found["id"].as_str().expect("an event has an id").to_owned()
    };
    landing.call(&["ack", &id("a.dat")]).assert_code(0);
    let mut again = BTreeSet::new();
    wait_until(STEP, "the lease to run out", || {
        let done = landing.call(&["consume", "--max", "2", "--json"]);
        if done.code == Some(0) {
            again = paths(&done);
        }
        done.code == Some(0)
    });
    assert_eq!(again, set(&["b.dat"]));
    landing.call(&["consume", "--max", "1"]).assert_code(4);
}

#[test]
fn consume_without_a_limit_follows() {
    let landing = running();
    deliver(&landing, &["a.dat"]);
    let mut command = landing.command();
    command.args(["consume", "--json"]);
    let process = Process::spawn("consume", &landing.out(""), &mut command);
    let shows = |name: &str| String::from_utf8_lossy(&process.stdout()).contains(name);
    wait_until(STEP, "the event that was there", || shows("a.dat"));
    deliver(&landing, &["b.dat"]);
    wait_until(STEP, "the event that came", || shows("b.dat"));
}

/// An event is acknowledged only after standard output has taken it.
#[test]
fn what_a_broken_pipe_did_not_take_is_still_there() {
    let landing = running();
    deliver(&landing, &["a.dat"]);
    let mut command = landing.command();
    let child = command
        .args(["consume", "--max", "1", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("the program starts");
    // Nobody reads: the pipe is broken before the first line can be written.
    drop(child.stdout.take());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "a broken pipe is success");
    let mut found = BTreeSet::new();
    wait_until(STEP, "the event to be there again", || {
        let done = landing.call(&["consume", "--max", "1", "--json"]);
        found = paths(&done);
        done.code == Some(0)
    });
    assert_eq!(found, set(&["a.dat"]));
}
