//! Roots that are not there, go, and come back.

use std::fs;
use std::time::Duration;

use config::StreamPlan;
use model::{Happening, HappeningSet};

use crate::rig::{Line, Rig, counts, line_of, patterns, set, source, wish, within, without_barriers};

#[test]
fn a_missing_root_is_waited_for_and_the_others_go_on() {
    let rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w1")).unwrap();
        let tree = |name: &str, to| source(name, &dir.join(name), vec![wish(&[to])]);
        vec![tree("w1", "log"), tree("w9", "other")]
    });
    assert_eq!(rig.stream("w9")["state"], "absent");
    assert!(rig.stream("w9")["last_error"].as_str().unwrap().contains("No such file"));
    let path = rig.path("w9").to_str().unwrap().to_owned();
    assert!(rig.said().iter().any(|text| text.contains(&path)), "{:?}", rig.said());
    assert_eq!(rig.source("w9")["state"], "absent", "the stream speaks for the source");
    rig.barrier("log", &rig.path("w1"));
    fs::create_dir(rig.path("w9")).unwrap();
    rig.until("the beginning", || rig.lines("other") == [line_of("watch_init", "")]);
    rig.barrier("other", &rig.path("w9"));
    assert_eq!(rig.stream("w9")["state"], "ok");
    assert_eq!(rig.stream("w9")["last_error"], serde_json::Value::Null);
}

#[test]
fn a_root_that_is_removed_and_made_again_is_told_on() {
    let rig = Rig::one();
    fs::write(rig.path("w/f"), b"x").unwrap();
    rig.barrier("log", &rig.path("w"));
    fs::remove_dir_all(rig.path("w")).unwrap();
    fs::create_dir(rig.path("w")).unwrap();
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.until("the new beginning", || rig.lines("log").contains(&line_of("create", "a")));
    rig.barrier("log", &rig.path("w"));
    let told = [
        ("watch_init", ""),
        ("create", "f"),
        ("delete", "f"),
        ("delete_self", ""),
        ("watch_dead", ""),
        ("watch_init", ""),
        ("create", "a"),
    ];
    assert_eq!(without_barriers(rig.lines("log")), told.map(|(what, path)| line_of(what, path)));
}

#[test]
fn what_lies_there_at_the_first_start_is_not_told_and_what_came_with_the_root_is() {
    let rig = Rig::start(|dir| {
        fs::create_dir_all(dir.join("w/old")).unwrap();
        vec![source("w", &dir.join("w"), vec![wish(&["log"])])]
    });
    rig.barrier("log", &rig.path("w"));
    assert_eq!(without_barriers(rig.lines("log")), [line_of("watch_init", "")]);
    fs::rename(rig.path("w"), rig.path("away")).unwrap();
    rig.until("the end", || rig.lines("log").contains(&line_of("watch_dead", "")));
    rig.until("the state", || rig.stream("w")["state"] == "absent");
    fs::rename(rig.path("away"), rig.path("w")).unwrap();
    rig.until("what came with it", || rig.lines("log").contains(&line_of("create", "old")));
}

#[test]
fn a_root_may_be_a_single_file() {
    let rig = Rig::start(|dir| {
        fs::write(dir.join("w"), b"x").unwrap();
        let mut changes = wish(&["log"]);
        changes.what = set(&[Happening::Modify, Happening::CloseWrite, Happening::DeleteSelf]);
        vec![source("w", &dir.join("w"), vec![changes])]
    });
    rig.until("the beginning", || !rig.lines("log").is_empty());
    fs::write(rig.path("w"), b"y").unwrap();
    rig.until("the change", || rig.lines("log").contains(&line_of("close_write", "")));
    fs::remove_file(rig.path("w")).unwrap();
    rig.until("the end", || rig.lines("log").contains(&line_of("watch_dead", "")));
}

/// Nobody but the stream looks at the tree of a source that has no sink for files.
#[test]
fn nobody_opens_files_where_nobody_takes_them() {
    let rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w")).unwrap();
        let mut all = wish(&["log"]);
        all.what = HappeningSet::ALL;
        vec![source("w", &dir.join("w"), vec![all])]
    });
    fs::write(rig.path("w/f"), b"x").unwrap();
    let of_file = || -> Vec<Line> { rig.lines("log").into_iter().filter(|(_, path)| path == "f").collect() };
    rig.until("the close", || of_file().contains(&line_of("close_write", "f")));
    assert!(!within(Duration::from_millis(600), || of_file().len() > 4));
    let told = ["create", "open", "modify", "close_write"].map(|what| line_of(what, "f"));
    assert_eq!(of_file(), told);
    assert_eq!(rig.source("w")["arrivals"], false);
    let explained = rig.engine().explain(&rig.path("w/f")).unwrap();
    assert!(matches!(explained, engine::explain::Explained::NeverSeen(_)));
    let status = rig.engine().status().unwrap();
    assert!(status["counts"].as_object().unwrap().values().all(|count| *count == 0), "{status}");
}

#[test]
fn ids_differ_after_a_restart_and_what_was_told_is_not_told_again() {
    let mut rig = Rig::one();
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.barrier("log", &rig.path("w"));
    rig.down(Duration::from_secs(10));
    fs::write(rig.path("w/meanwhile"), b"x").unwrap();
    rig.up();
    fs::remove_file(rig.path("w/a")).unwrap();
    fs::write(rig.path("w/a"), b"x").unwrap();
    rig.barrier("log", &rig.path("w"));
    let ids: std::collections::HashSet<String> =
        rig.events("log").iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), rig.events("log").len());
    assert_eq!(counts(&rig.lines("log"), "create").get("a"), Some(&2));
    assert_eq!(counts(&rig.lines("log"), "watch_init").get(""), Some(&2));
    assert_eq!(counts(&rig.lines("log"), "watch_dead").get(""), Some(&1));
}

#[test]
fn a_stream_whose_thread_fails_begins_anew_and_the_others_go_on() {
    let rig = Rig::start(|dir| {
        fs::create_dir(dir.join("w1")).unwrap();
        let tree = |name: &str, to| source(name, &dir.join(name), vec![wish(&[to])]);
        vec![tree("w1", "log"), tree("w2", "other")]
    });
    rig.dread("source w2: telling what happens");
    fs::create_dir(rig.path("w2")).unwrap();
    rig.until("the fault", || rig.stream("w2")["state"] == "failed");
    assert!(rig.said().iter().any(|text| text.contains("source w2: failed to tell what happens in")));
    rig.barrier("log", &rig.path("w1"));
    rig.until("another beginning", || rig.stream("w2")["state"] == "ok");
    rig.barrier("other", &rig.path("w2"));
}

/// Each event is written into the ledger: told, that would be the next event, without end.
#[test]
fn what_is_written_into_the_ledger_is_not_told() {
    use model::Happening::{Create, Delete, Modify};
    let rig = Rig::start(|dir| {
        let what = set(&[Create, Delete, Modify]);
        vec![source("w", dir, vec![StreamPlan { what, exclude: patterns(&["*.jsonl"]), ..wish(&["log"]) }])]
    });
    for _ in 0..5 {
        rig.barrier("log", &rig.dir());
    }
    let lines = rig.lines("log");
    assert!(!lines.iter().any(|(_, path)| path.starts_with("state")), "{lines:?}");
    assert!(rig.said().iter().any(|text| text.contains("the state directory lies in")));
}
