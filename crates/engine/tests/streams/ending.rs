//! The end: what was told until then is handed over, or counted.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::rig::{Rig, line, line_of, source, wish};

fn slow_rig() -> Rig {
    Rig::start(|dir| {
        fs::create_dir(dir.join("w")).unwrap();
        vec![source("w", &dir.join("w"), vec![wish(&["slow", "log"])])]
    })
}

fn create(rig: &Rig, files: usize) {
    for number in 0..files {
        drop(fs::File::create(rig.path(&format!("w/f{number}"))).unwrap());
    }
}

fn created(taken: &[Value]) -> usize {
    taken.iter().filter(|event| event["data"]["event"]["what"] == "create").count()
}

#[test]
fn what_is_queued_at_the_end_is_handed_over_before_the_last_word() {
    let mut rig = slow_rig();
    rig.slow().pause = Duration::from_millis(100);
    create(&rig, 1000);
    rig.down(Duration::from_secs(20));
    let slow = rig.slow();
    assert_eq!(created(&slow.taken), 1000);
    assert_eq!(slow.taken.last().map(line), Some(line_of("watch_dead", "")));
    assert!(!rig.said().iter().any(|text| text.contains("unhandled")));
}

#[test]
fn what_is_left_after_the_grace_time_is_counted_and_goes_out_at_the_next_start() {
    let mut rig = slow_rig();
    rig.until("the beginning", || rig.slow().taken.len() == 1);
    rig.slow().stalls = true;
    create(&rig, 1000);
    rig.until("the other sink", || rig.lines("log").len() == 1001);
    rig.down(Duration::from_millis(300));
    assert_eq!(rig.slow().taken.len(), 1);
    let said = rig.said();
    let counted = said.iter().find(|text| text.contains("unhandled")).unwrap();
    assert!(counted.contains("sink slow: 1001 events"), "{counted}");
    rig.slow().stalls = false;
    rig.up();
    rig.until("what was left", || rig.slow().taken.len() >= 1003);
    let slow = rig.slow();
    assert_eq!(created(&slow.taken), 1000);
    assert_eq!(line(&slow.taken[1001]), line_of("watch_dead", ""));
    assert_eq!(line(&slow.taken[1002]), line_of("watch_init", ""));
}

#[test]
fn sinks_are_told_to_let_go_of_their_files() {
    let rig = slow_rig();
    rig.engine().reopen_sinks();
    rig.until("the word", || rig.slow().reopened == 1);
    let (log, rotated) = (rig.path("log.jsonl"), rig.path("log.1"));
    rig.until("the beginning", || log.exists());
    fs::rename(&log, &rotated).unwrap();
    rig.engine().reopen_sinks();
    create(&rig, 1);
    rig.until("the new file", || rig.lines("log") == [line_of("create", "f0")]);
}

/// The first half of a directory's rename waits a moment for the second one. The end often comes within that moment.
#[test]
fn what_leaves_just_before_the_end_is_told() {
    let mut rig = Rig::one();
    for number in 0..5 {
        fs::create_dir(rig.path(&format!("w/d{number}"))).unwrap();
    }
    for number in 0..5 {
        let name = format!("d{number}");
        rig.barrier("log", &rig.path("w"));
        fs::rename(rig.path("w").join(&name), rig.path(&name)).unwrap();
        rig.down(Duration::from_secs(10));
        let lines = rig.lines("log");
        assert!(lines.contains(&line_of("moved_from", &name)), "{lines:?}");
        assert_eq!(lines.last(), Some(&line_of("watch_dead", "")));
        rig.up();
    }
    assert!(!rig.said().iter().any(|text| text.contains("lost")), "{:?}", rig.said());
}
