//! Pain 3: events are dropped, and nobody is told.

use std::collections::BTreeMap;
use std::fs;

use testkit::{Landing, wait_until};

use crate::STEP;
use crate::enclosed::{delivered, landing};

fn kernel_queue() -> usize {
    let text = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux has inotify");
    text.trim().parse().expect("it is a number")
}

/// The program stands still while more happens than the kernel keeps for it.
fn stand_still(backend: &str) {
    let more = format!("backend = \"{backend}\"\npoll_interval = \"200ms\"");
    let mut landing = landing("pain-3", &more);
    // A file is created and closed: two events.
    let files = kernel_queue() / 2 + 500;
    let folders = 20;
    (0..folders)
        .for_each(|folder| fs::create_dir(landing.root().join(format!("old{folder}"))).expect("a tree"));
    landing.start();
    landing.daemon().freeze();
    let mut expected = BTreeMap::new();
    for number in 0..files {
        let (folder, fresh) = (number % folders, number % (folders * 20) == 0);
        let path = if fresh { format!("new{number}/a/f") } else { format!("old{folder}/f{number}") };
        if fresh {
            fs::create_dir_all(landing.root().join(format!("new{number}/a")))
                .expect("the tree takes directories");
        }
        fs::write(landing.root().join(&path), b"x").expect("the tree takes files");
        expected.insert(path, vec![1]);
    }
    landing.daemon().resume();
    wait_until(STEP, &format!("{backend}: all files, each once"), || delivered(&landing) == expected);
    landing.wait_idle(files as u64, STEP);
    let status = landing.status();
    let source = &status["sources"][0];
    assert_eq!((&source["gaps_open"], &status["state"]), (&0.into(), &"ok".into()), "{status}");
    let said = landing.daemon().stderr();
    if backend == "inotify" {
        assert!(source["overflows"].as_u64() >= Some(1), "{source}");
        assert!(said.contains("W-OVERFLOW") && said.contains("max_queued_events"), "{said}");
        assert!(said.contains("the gap is closed"), "{said}");
    }
    assert_eq!(delivered(&landing), expected, "{backend}: something came again");
}

#[test]
fn pain_3_overflow_is_visible_and_healed() {
    stand_still("inotify");
}

#[test]
fn pain_3_fanotify_that_stood_still_has_missed_nothing() {
    stand_still("fanotify");
}

#[test]
fn pain_3_polling_that_stood_still_has_missed_nothing() {
    stand_still("poll");
}

/// The kernel's queue overflows, with hardly any work behind it; a file made at its end goes unheard.
fn overflow(landing: &mut Landing, round: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    landing.daemon().freeze();
    let root = landing.root();
    for number in 0..kernel_queue() + 100 {
        // Events of one name in a row would be one event.
        let mode = fs::Permissions::from_mode(if number % 4 < 2 { 0o600 } else { 0o644 });
        fs::set_permissions(root.join(format!("stir{}", number % 2)), mode).expect("our own file");
    }
    fs::write(root.join(format!("unheard{round}")), b"x").expect("the tree takes files");
    landing.daemon().resume();
}

/// Comparing at each of many overflows would only make the next one likelier. It backs off, and what is
/// heard meanwhile does not wait for it.
#[test]
fn pain_12_recovery_backs_off_and_fresh_files_come_at_once() {
    const ROUNDS: u32 = 4;
    let mut landing = landing("pain-12", "backend = \"inotify\"");
    (0..2).for_each(|number| landing.write_old(&format!("stir{number}"), b"x"));
    landing.start();
    let gap_is_open = |landing: &Landing| landing.status()["sources"][0]["gaps_open"] == 1;
    for round in 0..ROUNDS {
        overflow(&mut landing, round);
        // Before the queue was read the kernel would drop what tells of the fresh file as well.
        wait_until(STEP, "the overflow to be heard of", || {
            landing.status()["sources"][0]["overflows"].as_u64() > Some(u64::from(round))
        });
        let fresh = format!("fresh{round}");
        fs::write(landing.root().join(&fresh), b"x").expect("the tree takes files");
        wait_until(STEP, "a fresh file", || delivered(&landing).contains_key(&fresh));
        if round == ROUNDS - 1 {
            assert!(
                gap_is_open(&landing),
                "the fourth comparison began at once, or the fresh file waited for it"
            );
        }
        wait_until(STEP, "the gap to be closed", || !gap_is_open(&landing));
    }
    let files = 2 + 2 * ROUNDS as usize;
    wait_until(STEP, "all files", || delivered(&landing).len() == files);
    assert!(delivered(&landing).values().all(|sizes| sizes.len() == 1), "{:?}", delivered(&landing));
    let status = landing.status();
    assert!(status["sources"][0]["overflows"].as_u64() >= Some(u64::from(ROUNDS)), "{status}");
    let said = landing.daemon().stderr();
    assert!(said.contains("not the first time"), "{said}");
}
