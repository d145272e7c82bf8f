//! A second tree and single things in it: 8 to 11 and 14.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use testkit::wait_until;

use crate::stage::{PATIENCE, Stage, said, scribe, stop};
use crate::trees::{look, wait_equal, wait_there};
use crate::world::{replica, sh, sink};

#[test]
fn s08_a_second_tree_that_is_not_ours() {
    let stage = Stage::new();
    sh(&stage, "mkdir -p m/theirs; echo stale > m/stale; echo stale > m/theirs/a; echo x > w/new");
    let text = |adopt: &str| {
        let (watch, log) = (replica("w"), scribe("v", "out/log"));
        format!("[global]\nwatch_config = yes\n[watches]\n{watch}replica_adopt = {adopt}\n{log}")
    };
    stage.write("iobserverrc", &text("no"));
    let mut process = stage.start();
    let words = format!("Watch: {}: Plugin 'replica' reported error: ", stage.at("w").display());
    process.wait_for_line(&words, PATIENCE);
    wait_until(PATIENCE, "it to be failed", || sink(&stage, "-replica")["state"] == "failed");
    // The others run, and in what is not ours nothing is done.
    stage.write("v/a", "x");
    stage.wait_logged("out/log", "file 'a' was CLOSED");
    assert_eq!((stage.text("m/stale"), stage.text("m/theirs/a")), ("stale\n".into(), "stale\n".into()));
    assert!(!stage.at("m/new").exists() && !stage.at("m/.staithe-mirror").exists());
    stage.write("iobserverrc", &text("yes"));
    wait_equal(&stage, "w", "m");
    wait_until(PATIENCE, "it to be well", || sink(&stage, "-replica")["state"] == "ok");
    assert_eq!(said(&process, &words), 1, "{}", process.stderr());
    stop(&mut process);
}

#[test]
fn s09_modes_and_times() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", replica("w")));
    stage.write("w/n", "x");
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    let before = look(&stage, "m/n");
    sh(&stage, "chmod 600 w/n; touch -d 2011-01-01 w/n");
    wait_equal(&stage, "w", "m");
    let after = look(&stage, "m/n");
    assert_eq!(after.mode() & 0o7777, 0o600);
    assert_eq!(after.mtime(), look(&stage, "w/n").mtime());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    stop(&mut process);
}

#[test]
fn s10_a_rename_is_a_rename() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", replica("w")));
    sh(&stage, "echo original > w/n; mkdir w/nd");
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    let inode = look(&stage, "m/n").ino();
    sh(&stage, "mv w/n w/nd/n2");
    wait_there(&stage, "m/nd/n2", true);
    wait_there(&stage, "m/n", false);
    // Copies are made under another name, so this one was not copied.
    assert_eq!(look(&stage, "m/nd/n2").ino(), inode);
    wait_equal(&stage, "w", "m");
    stop(&mut process);
}

#[test]
fn s11_what_is_moved_out_goes_without_another_event() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", replica("w")));
    stage.write("w/n2", "x");
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    sh(&stage, "mv w/n2 outside");
    let taken = wait_there(&stage, "m/n2", false);
    // Half a second for the other half, a second for the rest; a machine that is busy with other tests needs more.
    assert!(taken < Duration::from_secs(8), "{taken:?}");
    wait_equal(&stage, "w", "m");
    assert_eq!(stage.text("outside"), "x");
    stop(&mut process);
}

#[test]
fn s14_links_are_links() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", replica("w")));
    sh(&stage, "mkdir w/d; echo x > w/d/f; cd w; ln -s d/f file1; ln -s d dir1; ln -s /no/where none1");
    let mut process = stage.start();
    wait_equal(&stage, "w", "m");
    sh(&stage, "cd w; ln -s d/f file2; ln -s d dir2; ln -s ../no/where none2; ln -sfn /other none1");
    wait_equal(&stage, "w", "m");
    for (link, target) in [
        ("file1", "d/f"),
        ("dir1", "d"),
        ("none1", "/other"),
        ("file2", "d/f"),
        ("dir2", "d"),
        ("none2", "../no/where"),
    ] {
        let read = fs::read_link(stage.at("m").join(link)).expect("a link");
        assert_eq!(read.as_os_str(), target, "{link}");
    }
    assert_eq!(said(&process, "Watch"), 0, "{}", process.stderr());
    assert_eq!(sink(&stage, "-replica")["dead"], 0);
    stop(&mut process);
}
