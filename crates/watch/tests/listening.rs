//! Who listens to the kernel's queue: the thread that waits, and another one while that is busy.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sys::Dir;
use watch::{Backlog, Pace, Settings, Wanted, Watcher};

const PATIENCE: Duration = Duration::from_secs(20);

/// A watcher on an empty directory, and what it brings.
fn rig() -> (tempfile::TempDir, Arc<Backlog>, Watcher) {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let backlog = Backlog::new();
    let settings = Settings {
        root: dir.path().into(),
        recursive: true,
        follow: false,
        wanted: Wanted::Inotify,
        pace: Pace { interval: Duration::from_secs(5), full: None },
    };
    let mut watcher = Watcher::new(settings, &backlog);
    watcher.begin(&Dir::open_root(dir.path()).unwrap(), Duration::ZERO);
    (dir, backlog, watcher)
}

#[test]
fn a_thread_that_waits_is_woken_by_an_event_and_finds_it() {
    let (dir, backlog, mut watcher) = rig();
    for round in 0..20 {
        let file = dir.path().join(format!("f{round}"));
        let writer = std::thread::spawn(move || fs::write(file, b"x").unwrap());
        let begun = Instant::now();
        watcher.wait(PATIENCE);
        assert!(begun.elapsed() < PATIENCE, "round {round}: the event woke nobody");
        assert!(!backlog.take().is_empty(), "round {round}: it was woken for nothing");
        writer.join().unwrap();
        // What the writer did afterwards.
        watcher.read_now();
        drop(backlog.take());
    }
}

/// The thread that waits goes to work and does not come back, as if a look at a file hung.
#[test]
fn while_it_is_busy_another_one_listens() {
    let (dir, backlog, mut watcher) = rig();
    for round in 0..5 {
        // It has listened itself, and has gone to work.
        watcher.wait(Duration::from_millis(20));
        drop(backlog.take());
        fs::write(dir.path().join(format!("f{round}")), b"x").unwrap();
        let deadline = Instant::now() + PATIENCE;
        while backlog.take().is_empty() {
            assert!(Instant::now() < deadline, "round {round}: nobody reads the kernel's queue");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_word_from_another_thread_ends_the_wait() {
    let (_dir, backlog, mut watcher) = rig();
    for round in 0..50 {
        let other = Arc::clone(&backlog);
        let caller = std::thread::spawn(move || other.nudge());
        let begun = Instant::now();
        watcher.wait(PATIENCE);
        assert!(begun.elapsed() < PATIENCE, "round {round}: the word was not heard");
        caller.join().unwrap();
    }
}
