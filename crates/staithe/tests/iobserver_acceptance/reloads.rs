//! A configuration that changes while everything runs: 15 to 18, and the original's crash.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use testkit::wait_until;

use crate::plugins::install;
use crate::stage::{FOLLOWING, PATIENCE, Stage, said, scribe, stop};
use crate::trees::wait_equal;
use crate::world::{ending, sh, sink, told};

#[test]
fn s15_watches_come_and_go_beside_one_that_stays() {
    const FILES: usize = 10_000;
    let stage = Stage::new();
    let _made = stage.scratch.folder("x");
    install(&stage, "kinds", r#","events":["watch_init","watch_reconfig","watch_dead"]"#);
    let with = |other: &str, log: &str| {
        format!("{FOLLOWING}[[w]]\nplugins = scribe, kinds\nscribe_log = out/w\n{}", scribe(other, log))
    };
    stage.write("out/go", "");
    stage.write("iobserverrc", &with("v", "out/v"));
    let mut process = stage.start();
    stage.wait_logged("out/v", "WATCH STARTED");
    let taken = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..FILES {
                stage.write(&format!("w/{number}"), "");
            }
        });
        wait_until(PATIENCE, "the first files", || stage.logged("out/w", " was CREATED") > 100);
        let saved = Instant::now();
        stage.write("iobserverrc", &with("x", "out/x"));
        wait_until(PATIENCE, "one to stop and one to start", || {
            stage.logged("out/v", "WATCH STOPPED") == 1 && stage.logged("out/x", "WATCH STARTED") == 1
        });
        let taken = saved.elapsed();
        writer.join().expect("it only writes");
        taken
    });
    eprintln!("s15: in force {taken:?} after the save");
    // Within a second where nothing else is to be done; here are other tests, and 10 000 files.
    assert!(taken < Duration::from_secs(8), "{taken:?}");
    wait_until(PATIENCE, "all files", || stage.logged("out/w", " was CREATED") >= FILES);
    stop(&mut process);
    let mut created = told(&stage, "out/w");
    created.retain(|line| line.ends_with(" was CREATED"));
    let total = created.len();
    created.sort();
    created.dedup();
    assert_eq!((created.len(), total), (FILES, FILES));
    let told = stage.text("out/told");
    let kinds: Vec<&str> = told.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(kinds, ["watch_init", "watch_dead"], "{told}");
}

#[test]
fn s16_another_log() {
    let stage = Stage::new();
    let with = |log: &str| format!("{FOLLOWING}{}", scribe("w", log));
    stage.write("iobserverrc", &with("out/1"));
    let mut process = stage.start();
    sh(&stage, "touch w/a");
    stage.wait_logged("out/1", "file 'a' was CLOSED");
    stage.write("iobserverrc", &with("out/2"));
    process.wait_for_line("info: reloaded; ", PATIENCE);
    sh(&stage, "touch w/b");
    stage.wait_logged("out/2", "file 'b' was CLOSED");
    assert!(stage.text("out/1").ends_with("file 'a' was CLOSED\n"), "{}", stage.text("out/1"));
    assert_eq!(stage.logged("out/1", "WATCH STOPPED") + stage.logged("out/2", "WATCH STARTED"), 0);
    let first = "w: file 'b' was CREATED".to_owned();
    assert_eq!(told(&stage, "out/2").first(), Some(&first));
    stop(&mut process);
}

#[test]
fn s17_a_syntax_error_changes_nothing() {
    let stage = Stage::new();
    let good = format!("{FOLLOWING}{}{}", scribe("w", "out/w"), scribe("v", "out/v"));
    stage.write("iobserverrc", &good);
    let mut process = stage.start();
    stage.write("iobserverrc", &good.replace("[[v]]", "[[v]"));
    // The line of the broken heading.
    process.wait_for_line("error: iobserverrc:8: ", PATIENCE);
    for (tree, log) in [("w", "out/w"), ("v", "out/v")] {
        stage.write(&format!("{tree}/a"), "x");
        stage.wait_logged(log, "file 'a' was CLOSED");
    }
    assert_eq!(said(&process, "error: "), 1, "{}", process.stderr());
    stage.write("iobserverrc", &good.replace("out/v", "out/mended"));
    process.wait_for_line("info: reloaded; ", PATIENCE);
    stage.write("v/b", "x");
    stage.wait_logged("out/mended", "file 'b' was CLOSED");
    assert_eq!(stage.logged("out/w", "WATCH STOPPED") + stage.logged("out/v", "WATCH STOPPED"), 0);
    stop(&mut process);
}

#[test]
fn s18_each_way_of_replacing_the_file() {
    let stage = Stage::new();
    let version = |number: usize| format!("{FOLLOWING}{}", scribe("w", &format!("out/{number}")));
    stage.write("iobserverrc", &version(0));
    let mut process = stage.start();
    let applied = |number: usize| {
        wait_until(PATIENCE, &format!("version {number}"), || {
            said(&process, "info: reloaded; ") == number && stage.status()["config"]["applied"] == number
        });
        stage.write(&format!("w/f{number}"), "x");
        stage.wait_logged(&format!("out/{number}"), &format!("file 'f{number}' was CLOSED"));
    };
    // Renamed over the old one.
    stage.replace("iobserverrc", &version(1));
    applied(1);
    // Deleted, and made two seconds later: that there is none is noticed between.
    fs::remove_file(stage.at("iobserverrc")).expect("it is there");
    wait_until(PATIENCE, "the words", || said(&process, "Could not stat target!") == 1);
    std::thread::sleep(Duration::from_secs(2));
    stage.write("iobserverrc", &version(2));
    applied(2);
    // With a time that is older than that of the last.
    stage.write("fresh", &version(3));
    let file = File::options().write(true).open(stage.at("fresh")).expect("it is ours");
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_hours(300_000)).expect("it is ours");
    fs::rename(stage.at("fresh"), stage.at("iobserverrc")).expect("within one folder");
    applied(3);
    // No version came twice: each log has its own file and no other.
    for number in 0..=3 {
        let created = stage.logged(&format!("out/{number}"), " was CREATED");
        assert_eq!(created, usize::from(number > 0), "{number}");
    }
    assert_eq!(said(&process, "Could not stat target!"), 1);
    stop(&mut process);
}

/// Defect of the original: each reload with a replica crashed the program.
#[test]
fn a_reload_with_a_replica_fills_the_new_destination() {
    let stage = Stage::new();
    let with = |destination: &str, more: &str| {
        let watch = "[[w]]\nplugins = scribe, replica\nscribe_log = out/w\n";
        format!("{FOLLOWING}{watch}replica_destination = {destination}\n{more}")
    };
    sh(&stage, "mkdir w/d; echo 1 > w/d/one");
    stage.write("iobserverrc", &with("m", ""));
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    // One that does not concern it, and one that does.
    stage.write("iobserverrc", &with("m", &scribe("v", "out/v")));
    stage.wait_logged("out/v", "WATCH STARTED");
    sh(&stage, "echo 2 > w/d/two; mv w/d/one w/one");
    wait_equal(&stage, "w", "m");
    stage.write("iobserverrc", &with("n", &scribe("v", "out/v")));
    wait_equal(&stage, "w", "n");
    sh(&stage, "echo 3 > w/three; rm w/one");
    wait_equal(&stage, "w", "n");
    assert!(stage.at("m/one").exists() && !stage.at("m/three").exists(), "the old one is left as it was");
    assert_eq!(sink(&stage, "-replica")["state"], "ok");
    assert_eq!((said(&process, "Watch"), said(&process, "error: ")), (0, 0), "{}", process.stderr());
    stop(&mut process);
    let lines = told(&stage, "out/w");
    assert_eq!((ending(&lines, "WATCH STARTED"), ending(&lines, "WATCH STOPPED")), (1, 1));
}
