//! Acceptance 18: whichever way the configuration is replaced, each content is applied once.

use std::fs::{self, File};
use std::time::Duration;

use testkit::{Process, wait_until};

use crate::stage::{FOLLOWING, PATIENCE, Stage, said, scribe, stop};

/// A configuration whose scribe writes into the log of that number.
fn version(number: usize) -> String {
    format!("{FOLLOWING}{}", scribe("w", &format!("out/{number}")))
}

/// Waits until the version is in force, which the next line of the log shows, and no other was in between.
fn wait_applied(stage: &Stage, process: &Process, number: usize) {
    let applied = || stage.status()["config"]["applied"] == number;
    wait_until(PATIENCE, &format!("version {number}"), applied);
    let name = format!("f{number}");
    stage.write(&format!("w/{name}"), "x");
    stage.wait_logged(&format!("out/{number}"), &format!("file '{name}' was CREATED"));
    assert_eq!(said(process, "info: reloaded; "), number, "{}", process.stderr());
}

#[test]
fn each_way_of_replacing_the_file_is_applied_once() {
    let stage = Stage::new();
    let rc = stage.at("iobserverrc");
    stage.write("iobserverrc", &version(0));
    let mut process = stage.start();
    stage.replace("iobserverrc", &version(1));
    wait_applied(&stage, &process, 1);
    // Deleted, and only after a while made again.
    fs::remove_file(&rc).expect("it is there");
    process.wait_for_line("Could not stat target!", PATIENCE);
    stage.write("w/meanwhile", "x");
    stage.wait_logged("out/1", "file 'meanwhile' was CREATED");
    stage.write("iobserverrc", &version(2));
    wait_applied(&stage, &process, 2);
    assert_eq!(said(&process, "Could not stat target!"), 1, "told once");
    // Written in place, with an older time.
    let hour_ago =
        fs::metadata(&rc).and_then(|meta| meta.modified()).expect("it has one") - Duration::from_hours(1);
    stage.write("iobserverrc", &version(3));
    File::options().write(true).open(&rc).and_then(|file| file.set_modified(hour_ago)).expect("it is ours");
    wait_applied(&stage, &process, 3);
    // As Kubernetes does it: a link in a directory that is itself replaced by a link's rename.
    for number in [4, 5] {
        let _made = stage.scratch.folder(&number.to_string());
        stage.write(&format!("{number}/iobserverrc"), &version(number));
        std::os::unix::fs::symlink(number.to_string(), stage.at("..fresh")).expect("the folder takes a link");
        fs::rename(stage.at("..fresh"), stage.at("..data")).expect("within one folder");
        if number == 4 {
            std::os::unix::fs::symlink("..data/iobserverrc", stage.at("rc.fresh")).expect("as above");
            fs::rename(stage.at("rc.fresh"), &rc).expect("within one folder");
        }
        wait_applied(&stage, &process, number);
    }
    stop(&mut process);
}

/// What stands there while it is being written is not taken, and the last of many saves is.
#[test]
fn of_many_saves_the_last_is_in_force() {
    let stage = Stage::new();
    stage.write("iobserverrc", &version(0));
    let mut process = stage.start();
    for number in 1..=100 {
        // Cut, then filled: never a moment without either.
        stage.write("iobserverrc", &version(number));
    }
    let mut tries = 0;
    wait_until(PATIENCE, "the last version", || {
        tries += 1;
        stage.write(&format!("w/{tries}"), "");
        stage.logged("out/100", " was CREATED") > 0
    });
    assert!(said(&process, "info: reloaded; ") <= 5, "{}", process.stderr());
    assert_eq!(said(&process, "error: "), 0, "{}", process.stderr());
    stop(&mut process);
}
