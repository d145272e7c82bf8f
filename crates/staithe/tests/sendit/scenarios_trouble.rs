//! Scenarios 16, 17 and 24: a broker that is down, a name that is no text, a root that is another one.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use testkit::celery::Site;
use testkit::python::CELERY_NOW;
use testkit::wait_until;

use crate::watcher::{PATIENCE, Watcher, is_alive};

const FLAGS: &[&str] = &["--quiet", "300ms"];
/// Long enough for the old watcher to have died (2 s). Half a minute is waited out elsewhere, with real workers.
const OUTAGE: Duration = Duration::from_secs(4);

#[test]
fn s16_five_folders_that_finish_while_the_broker_is_down_are_five_tasks_in_order() {
    let mut watcher = Watcher::started(FLAGS);
    let pid = watcher.pid();
    watcher.redis.stop();
    let begun = Instant::now();
    let names = ["e", "c", "a", "d", "b"];
    for name in names {
        watcher.deliver(name);
    }
    let _lines = watcher.count_lines();
    // The length of the outage is what is tested here.
    std::thread::sleep(OUTAGE.saturating_sub(begun.elapsed()));
    assert!(is_alive(pid));
    let err = fs::read_to_string(watcher.base().join("logs/watcher.err")).expect("there is a log");
    assert!(err.contains("E-SINK-"), "the outage is told: {err}");
    watcher.redis.start_again();
    wait_until(PATIENCE, "five tasks", || watcher.tasks().len() >= 5);
    watcher.assert_tasks(&names.map(|name| ["D/", name].concat()).each_ref().map(String::as_str));
    assert!(watcher.pid() == pid && is_alive(pid));
    watcher.stop();
}

#[test]
fn s17_a_name_that_is_no_text_is_opened_by_the_worker_and_escaped_in_the_log() {
    let watcher = Watcher::started(FLAGS);
    let site = Site::new(&watcher.redis.url());
    let worker = site.start(&CELERY_NOW.venv());
    let outside = watcher.scratch.folder("elsewhere/odd");
    fs::write(outside.join("a.dcm"), b"12345").expect("it takes files");
    let place = watcher.at(b"ST-\xff");
    fs::rename(outside, &place).expect("one file system");
    let lines = ["LOG 1|MOVEDTO EVENT: D/ST-\\xff", "LOG 2|FINISHED: D/ST-\\xff"];
    watcher.assert_lines(0, &lines);
    let runs = site.wait_runs(1);
    assert_eq!(OsStr::from_bytes(&runs[0].path), place);
    assert_eq!(runs[0].sizes(), [("a.dcm".to_owned(), 5)]);
    watcher.stop();
    worker.stop();
}

#[test]
fn s24_a_root_that_is_renamed_away_and_made_again_is_watched_again() {
    let watcher = Watcher::started(FLAGS);
    watcher.deliver("before");
    watcher.assert_tasks(&["D/before"]);
    fs::rename(watcher.data(), watcher.scratch.path().join("elsewhere/away")).expect("one file system");
    fs::create_dir(watcher.data()).expect("it takes folders");
    let made = Instant::now();
    // The folder itself shows when it is watched again: its line comes with the event, or not at all.
    let seen = || watcher.lines().iter().filter(|line| line.starts_with("LOG 2|FINISHED: D/after")).count();
    let mut number = 0;
    while seen() == 0 {
        assert!(made.elapsed() < PATIENCE, "it is not watched again");
        watcher.deliver(&format!("after-{number}"));
        number += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    // The specification's 2 s are looked for each quarter of a second: a busy machine gets some more.
    println!("watched again after {:?}", made.elapsed());
    let wanted = || {
        let entries = fs::read_dir(watcher.data()).expect("it is there").flatten();
        entries.filter(|entry| entry.file_name().as_bytes().starts_with(b"after")).count()
    };
    let queued =
        || watcher.tasks().iter().filter(|task| task.starts_with("D/after")).cloned().collect::<Vec<_>>();
    wait_until(PATIENCE, "a task for each", || queued().len() >= wanted());
    let mut distinct = queued();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((distinct.len(), queued().len()), (wanted(), wanted()), "{:?}", watcher.tasks());
    watcher.stop();
}
