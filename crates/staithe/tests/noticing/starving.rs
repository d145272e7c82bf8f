//! Less than it needs: watches, instances and descriptors run out, and come back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::proof::{Row, skip};
use testkit::{Truth, judge, wait_until};

use crate::world::World;
use crate::{STEP, source, to_lines, wait_for_source};

/// Directories with one file in each.
fn fill(truth: &mut Truth, root: &Path, directories: usize, name: &str) {
    for number in 0..directories {
        let path = format!("d{number}/{name}");
        truth.write(root, path.as_bytes(), path.as_bytes());
    }
}

fn make_directories(root: &Path, directories: usize) {
    for number in 0..directories {
        fs::create_dir(root.join(format!("d{number}"))).expect("the tree takes folders");
    }
}

/// Sets a limit of the namespace's own.
fn limit(world: &World, name: &str, value: u32) -> bool {
    let done = world.try_sh(&format!("echo {value} > /proc/sys/user/{name}"));
    if done.code != Some(0) {
        eprintln!("SKIPPED: {name} cannot be set here: {}", done.stderr);
    }
    done.code == Some(0)
}

#[test]
fn with_100_watches_for_1_000_directories_nothing_is_lost_and_all_are_watched_when_the_limit_is_raised() {
    let Some(mut world) = World::limited("watches") else { return skip("B04", "no namespace of users") };
    if !limit(&world, "max_inotify_watches", 100) {
        return skip("B04", "no limit of watches for a namespace");
    }
    let proof = Row::new("B04");
    make_directories(&world.root(), 1_000);
    world.landing.configure(&to_lines(""));
    doctor_names_the_need(&world);
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    fill(&mut truth, &world.root(), 1_000, "first");
    lines.wait_for(1_000, STEP);
    world.landing.wait_idle(1_000, STEP);
    let polled = judge(&truth, &lines.receipts());

    let row = source(&world.landing);
    // One watch is the root's.
    assert_eq!((&row["watches"], &row["unwatched"]), (&100.into(), &901.into()), "{row}");
    assert_eq!((&row["state"], &row["backend"]), (&"degraded".into(), &"inotify+poll".into()), "{row}");
    assert!(row["unwatched_named"].as_array().is_some_and(|named| named.len() >= 5), "{row}");
    world.landing.call(&["status"]).assert_code(5);
    let said = world.said();
    let line = said.lines().find(|line| line.contains("cannot be watched")).expect("a line about the limit");
    assert!(
        line.contains("901 directories") && line.contains("E-WATCH-LIMIT") && line.contains(": d"),
        "{line}"
    );
    assert!(line.contains("user.max_inotify_watches=65536 (have 100, need about 1001)"), "{line}");

    assert!(limit(&world, "max_inotify_watches", 100_000));
    let row = wait_for_source(&world.landing, "all to be watched", |row| row["unwatched"] == 0);
    assert_eq!(row["watches"], 1_001, "{row}");
    let row = wait_for_source(&world.landing, "the state ok", |row| row["state"] == "ok");
    assert_eq!(row["backend"], "inotify", "{row}");
    assert!(world.said().contains("every directory is watched again"), "{}", world.said());
    fill(&mut truth, &world.root(), 1_000, "second");
    lines.wait_for(2_000, STEP);
    world.landing.wait_idle(2_000, STEP);
    let judgement = judge(&truth, &lines.finish());
    let proof = proof.judged(&judgement).figure("unwatched", 901).figure("messages right", "yes");
    proof.milliseconds("p99 by polling", polled.delay(0.99)).print();
    judgement.assert_exact();
}

/// Before anything is missed: what is needed, what there is, what follows, and what helps.
fn doctor_names_the_need(world: &World) {
    let config = world.landing.config();
    let done = world.landing.call(&["doctor", "-c", config.to_str().expect("a plain name")]);
    done.assert_code(5);
    let said = done.text();
    for part in [
        "user.max_inotify_watches = 100; 1 001 watches needed",
        "901 directories will be polled",
        "sysctl -w user.max_inotify_watches=",
    ] {
        assert!(said.contains(part), "doctor does not say `{part}`: {said}");
    }
}

#[test]
fn without_an_instance_it_polls_and_listens_when_one_is_to_be_had() {
    let Some(mut world) = World::limited("instances") else { return };
    if !limit(&world, "max_inotify_instances", 0) {
        return;
    }
    make_directories(&world.root(), 20);
    world.landing.configure(&to_lines("poll_interval = \"500ms\""));
    world.landing.start();
    let lines = world.tail();
    let mut truth = Truth::default();
    fill(&mut truth, &world.root(), 20, "first");
    lines.wait_for(20, STEP);
    world.landing.wait_idle(20, STEP);
    let row = source(&world.landing);
    assert_eq!((&row["state"], &row["backend"]), (&"degraded".into(), &"poll".into()), "{row}");
    let why = row["mounts"][0]["why"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("max_inotify_instances") && why.contains("E-INOTIFY-INSTANCES"), "{row}");
    assert!(world.said().contains("max_inotify_instances"), "{}", world.said());

    assert!(limit(&world, "max_inotify_instances", 10));
    let row = wait_for_source(&world.landing, "the state ok", |row| row["state"] == "ok");
    assert_eq!((&row["backend"], &row["watches"]), (&"inotify".into(), &21.into()), "{row}");
    assert_eq!(row["mounts"][0]["why"], serde_json::Value::Null, "{row}");
    fill(&mut truth, &world.root(), 20, "second");
    lines.wait_for(40, STEP);
    world.landing.wait_idle(40, STEP);
    judge(&truth, &lines.finish()).assert_exact();
}

/// The soft and the hard limit of the daemon's descriptors.
fn descriptors(world: &mut World) -> (String, String) {
    let file = format!("/proc/{}/limits", world.landing.daemon().id());
    let text = fs::read_to_string(file).expect("the daemon runs");
    let line = text.lines().find(|line| line.starts_with("Max open files")).expect("its limits");
    let mut words = line.split_whitespace().skip(3).map(str::to_owned);
    (words.next().expect("soft"), words.next().expect("hard"))
}

#[test]
fn with_64_descriptors_it_starts_and_loses_nothing() {
    let Some(mut world) = World::new("descriptors") else { return };
    world.run_after("ulimit -n 64");
    make_directories(&world.root(), 300);
    world.landing.configure(&to_lines(""));
    world.landing.start();
    assert_eq!(descriptors(&mut world), ("64".to_owned(), "64".to_owned()));
    let lines = world.tail();
    let mut truth = Truth::default();
    fill(&mut truth, &world.root(), 300, "first");
    // A chain of directories that is unpacked while events come.
    let deep = world.root().join("a/b/c/d/e/f/g/h");
    fs::create_dir_all(&deep).expect("the tree takes folders");
    truth.write(&world.root(), b"a/b/c/d/e/f/g/h/deep", b"deep");
    lines.wait_for(301, STEP);
    world.landing.wait_idle(301, STEP);
    let judgement = judge(&truth, &lines.finish());
    judgement.assert_exact();
    // Nobody had to be turned away for want of a descriptor and come again.
    assert!(judgement.delay(1.0) < Duration::from_secs(4), "{judgement}");
}

#[test]
fn the_soft_limit_of_descriptors_is_raised_at_the_start() {
    let Some(mut world) = World::new("soft") else { return };
    world.run_after("ulimit -Sn 64; ulimit -Hn 1000");
    world.landing.configure(&to_lines(""));
    world.landing.start();
    assert_eq!(descriptors(&mut world), ("1000".to_owned(), "1000".to_owned()));
    wait_until(STEP, "status", || source(&world.landing)["state"] == "ok");
}
