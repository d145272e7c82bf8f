//! A second tree and directories: 7, 12, 13 and 23.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use testkit::wait_until;

use crate::stage::{PATIENCE, Stage, stop};
use crate::trees::{look, wait_equal, wait_there};
use crate::world::{ending, replica, sh, told};

/// A scribe and a second tree of the same watch.
fn both() -> String {
    "[watches]\n[[w]]\nplugins = scribe, replica\nscribe_log = out/log\nreplica_destination = m\n".to_owned()
}

/// Defect of the original: one empty directory.
#[test]
fn s07_a_tree_that_is_moved_in() {
    let stage = Stage::new();
    let mut paths = Vec::new();
    for number in 0..200 {
        let dir = format!("a{}/b{}", number % 4, number % 8);
        let _made = stage.scratch.folder(&format!("tree/{dir}"));
        stage.write(&format!("tree/{dir}/f{number}"), &number.to_string());
        paths.push(format!("w/t/{dir}: file 'f{number}' was CREATED"));
    }
    for (dir, name) in (0..4)
        .map(|a| ("w/t".into(), format!("a{a}")))
        .chain((0..8).map(|b| (format!("w/t/a{}", b % 4), format!("b{b}"))))
    {
        paths.push(format!("{dir}: directory '{name}' was CREATED"));
    }
    stage.write("iobserverrc", &both());
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    sh(&stage, "mv tree w/t");
    wait_equal(&stage, "w", "m");
    assert_eq!(look(&stage, "m/t/a3/b7/f199").len(), 3);
    wait_until(PATIENCE, "all lines", || ending(&told(&stage, "out/log"), " was CREATED") >= paths.len());
    stop(&mut process);
    let mut created = told(&stage, "out/log");
    assert_eq!(ending(&created, "w: directory 't' just MOVED IN"), 1);
    created.retain(|line| line.ends_with(" was CREATED"));
    created.sort();
    paths.sort();
    assert_eq!(created, paths);
}

/// Defect of the original: the watch hung for ever.
#[test]
fn s12_the_mode_of_the_root() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", replica("w")));
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    sh(&stage, "chmod 700 w");
    wait_until(PATIENCE, "the mode", || look(&stage, "m").mode() & 0o7777 == 0o700);
    sh(&stage, "echo next > w/next; touch w");
    wait_equal(&stage, "w", "m");
    sh(&stage, "chmod 755 w");
    wait_equal(&stage, "w", "m");
    assert_eq!(look(&stage, "m").mode() & 0o7777, 0o755);
    stop(&mut process);
}

/// Defect of the original: `e/d`.
#[test]
fn s13_a_directory_renamed_over_an_empty_one() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", replica("w")));
    sh(&stage, "mkdir -p w/d/in w/e; echo x > w/d/f; echo y > w/d/in/g");
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    sh(&stage, "mv -T w/d w/e");
    wait_there(&stage, "m/d", false);
    wait_equal(&stage, "w", "m");
    assert!(!stage.at("m/e/d").exists());
    assert_eq!(stage.text("m/e/in/g"), "y\n");
    stop(&mut process);
}

/// Defect of the original: 5462 of them, and not a word.
#[test]
fn s23_9000_files_made_while_it_is_stopped() {
    const FILES: usize = 9000;
    let stage = Stage::new();
    stage.write("iobserverrc", &both());
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    stage.wait_logged("out/log", "WATCH STARTED");
    process.freeze();
    for number in 0..FILES {
        stage.write(&format!("w/{number}"), "x");
    }
    process.resume();
    wait_until(PATIENCE, "the last copy", || {
        fs::read_dir(stage.at("m")).is_ok_and(|names| names.count() == FILES + 1)
    });
    wait_equal(&stage, "w", "m");
    wait_until(PATIENCE, "all lines", || ending(&told(&stage, "out/log"), " was CREATED") >= FILES);
    stop(&mut process);
    let lines = told(&stage, "out/log");
    assert_eq!(ending(&lines, " was CREATED"), FILES);
    // Created, opened, modified, closed: four for each.
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("the kernel has inotify");
    let overflows = usize::from(4 * FILES > limit.trim().parse::<usize>().expect("a number"));
    let lost = lines.iter().filter(|line| line.contains("EVENTS WERE LOST")).count();
    assert_eq!(lost, overflows);
}
