//! `explain` has an answer for every path, in every state.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;

use serde_json::Value;
use testkit::redis::Redis;
use testkit::{Landing, Scratch, wait_for, wait_until};

use crate::{STEP, landing, to_redis_and_lines};

/// Waits until the path is in this state, and gives the whole answer.
fn wait_for_state(landing: &Landing, path: &str, state: &str) -> Value {
    let mut last = Value::Null;
    let what = format!("{path} to be {state}");
    let found = wait_for(STEP, &what, || {
        last = explain_if_known(landing, path)?;
        (last["state"] == state).then(|| last.clone())
    });
    assert_complete(&found);
    found
}

/// The answer, unless the path was never seen so far.
fn explain_if_known(landing: &Landing, path: &str) -> Option<Value> {
    let full = landing.root().join(path);
    let done = landing.call(&["explain", full.to_str().expect("a plain name"), "--json"]);
    (done.code == Some(0)).then(|| done.json())
}

/// Every answer has every member of the contract, and the sentence for people is there.
fn assert_complete(answer: &Value) {
    for member in [
        "path",
        "source",
        "state",
        "reason",
        "reason_args",
        "rule",
        "detail",
        "next_check",
        "sinks",
        "timeline",
    ] {
        assert!(answer.get(member).is_some(), "no {member} in {answer}");
    }
    assert!(answer["detail"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    let steps = answer["timeline"].as_array().expect("the timeline is a list");
    assert!(steps.iter().all(|step| step["time"].is_string() && step["what"].is_string()), "{answer}");
}

/// Everything in one tree, delivered to a line file.
const RULES: &str = r#"
    [source.inbox]
    path = "{in}"

    [[source.inbox.rule]]
    name = "young"
    include = ["*.young"]
    complete = { all = ["closed"], min_age = "1h" }
    to = ["lines"]

    [[source.inbox.rule]]
    name = "bulletins"
    include = ["*"]
    exclude = ["*.log", "re:^private/"]
    complete = "local"
    to = ["lines"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"
"#;

#[test]
fn delivered_waiting_and_gone() {
    let mut landing = landing(Scratch::on_disk("explain"));
    landing.configure(RULES);
    landing.start();
    fs::write(landing.root().join("done.dat"), b"x").unwrap();
    let answer = wait_for_state(&landing, "done.dat", "delivered");
    assert_eq!((&answer["rule"], &answer["source"]), (&"bulletins".into(), &"inbox".into()), "{answer}");
    assert_eq!(answer["sinks"][0]["name"], "lines", "{answer}");
    assert_eq!(answer["sinks"][0]["state"], "delivered", "{answer}");
    assert!(!answer["timeline"].as_array().unwrap().is_empty(), "{answer}");

    let mut open = File::create(landing.root().join("open.dat")).unwrap();
    open.write_all(b"half").unwrap();
    let answer = wait_for_state(&landing, "open.dat", "waiting");
    let reason = answer["reason"].as_str().unwrap();
    assert!(["waiting.closed", "waiting.writer-open"].contains(&reason), "{answer}");
    drop(open);
    wait_for_state(&landing, "open.dat", "delivered");

    let young = landing.root().join("a.young");
    fs::write(&young, b"x").unwrap();
    let answer = wait_for_state(&landing, "a.young", "waiting");
    assert_eq!(
        (&answer["reason"], &answer["rule"]),
        (&"waiting.min-age".into(), &"young".into()),
        "{answer}"
    );
    assert!(answer["next_check"].is_string(), "{answer}");
    fs::remove_file(&young).unwrap();
    wait_for_state(&landing, "a.young", "gone");
}

#[test]
fn ignored_paths_say_by_whom_and_why() {
    let mut landing = landing(Scratch::on_disk("explain"));
    landing.configure(RULES);
    landing.start();
    let root = landing.root();
    fs::create_dir(root.join("private")).unwrap();
    fs::write(root.join("private/a.dat"), b"x").unwrap();
    fs::write(root.join("a.log"), b"x").unwrap();
    fs::write(root.join("upload.part"), b"x").unwrap();
    fs::write(root.join(".hidden"), b"x").unwrap();
    std::os::unix::fs::symlink("a.log", root.join("link.dat")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("fifo.dat")).status().unwrap().success());
    // The end mark: when it is delivered, all before it have been looked at.
    fs::write(root.join("end.dat"), b"x").unwrap();
    wait_for_state(&landing, "end.dat", "delivered");

    for (path, pattern) in [("a.log", "*.log"), ("private/a.dat", "re:^private/")] {
        let answer = wait_for_state(&landing, path, "ignored");
        assert_eq!(answer["reason"], "ignored.filter", "{answer}");
        assert_eq!(answer["reason_args"]["rule"], "bulletins", "{answer}");
        assert_eq!(answer["reason_args"]["pattern"], pattern, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("bulletins"), "{answer}");
    }
    let reasons = [
        ("upload.part", "ignored.temp-name"),
        (".hidden", "ignored.temp-name"),
        ("link.dat", "ignored.symlink"),
        ("fifo.dat", "ignored.special-file"),
    ];
    for (path, reason) in reasons {
        let answer = wait_for_state(&landing, path, "ignored");
        assert_eq!(answer["reason"], reason, "{answer}");
    }
}

#[test]
fn a_path_never_seen_is_told_apart() {
    let mut landing = landing(Scratch::on_disk("explain"));
    landing.configure(RULES);
    landing.start();
    let never = landing.root().join("never.dat");
    for extra in [&[][..], &["--json"]] {
        let done = landing.call(&[&["explain", never.to_str().unwrap()][..], extra].concat());
        done.assert_code(4);
    }
    let outside = landing.call(&["explain", "/elsewhere/x.dat"]);
    outside.assert_code(4);
}

#[test]
fn held_up_behind_a_dead_sink_while_the_other_has_it() {
    let mut redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("explain"));
    landing.configure(&to_redis_and_lines(&redis, "timeout = \"1s\""));
    landing.start();
    redis.stop();
    let path = landing.root().join("a.dat");
    fs::write(&path, b"one").unwrap();
    let blocked = wait_for(STEP, "the one sink to have it and the other to be blamed", || {
        let answer = explain_if_known(&landing, "a.dat")?;
        let lines = answer["sinks"].as_array()?.iter().find(|sink| sink["name"] == "lines")?;
        (answer["reason"] == "blocked.sink-down" && lines["state"] == "delivered").then_some(answer)
    });
    assert_complete(&blocked);
    assert!(["queued", "retrying", "delivering"].contains(&blocked["state"].as_str().unwrap()), "{blocked}");

    redis.start_again();
    wait_for_state(&landing, "a.dat", "delivered");
}

#[test]
fn adopted_at_the_first_start() {
    let mut landing = landing(Scratch::on_disk("explain"));
    landing.configure(&RULES.replace("path = \"{in}\"", "path = \"{in}\"\ninitial = \"adopt\""));
    landing.write_old("old.dat", b"x");
    landing.start();
    fs::write(landing.root().join("new.dat"), b"x").unwrap();
    wait_for_state(&landing, "new.dat", "delivered");
    wait_for_state(&landing, "old.dat", "adopted");
    let lines = fs::read_to_string(landing.out("events.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    // Changed after the adoption it is a generation like any other.
    fs::write(landing.root().join("old.dat"), b"changed").unwrap();
    wait_for_state(&landing, "old.dat", "delivered");
    wait_until(STEP, "two lines", || {
        fs::read_to_string(landing.out("events.jsonl")).unwrap().lines().count() == 2
    });
}
