//! Renames in the log: 3, 4, 5 and 26.

use crate::stage::{Stage, scribe, stop};
use crate::world::{ending, finish, sh, told, told_of};

#[test]
fn s03_a_rename_in_a_watch() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    stage.write("w/foo", "x");
    let mut process = stage.start();
    stage.wait_logged("out/log", "WATCH STARTED");
    let lines = told_of(&stage, "out/log", "mv w/foo w/bar");
    let wanted = [
        "w: file 'foo' just MOVED OUT",
        "w: file 'bar' just MOVED IN",
        "MOVE events matched: file 'w/foo' was moved to 'w/bar'",
    ];
    assert_eq!(lines, wanted);
    stop(&mut process);
}

#[test]
fn s04_a_rename_from_one_watch_into_another() {
    let row = testkit::proof::Row::new("G06");
    let stage = Stage::new();
    let text = format!("[watches]\n{}{}", scribe("w", "out/log"), scribe("v", "out/log"));
    stage.write("iobserverrc", &text);
    stage.write("w/f", "x");
    let mut process = stage.start();
    sh(&stage, "mv w/f v/g");
    let matched = "MOVE events matched: file 'w/f' was moved to 'v/g'";
    testkit::wait_until(crate::stage::PATIENCE, matched, || {
        told(&stage, "out/log").contains(&matched.into())
    });
    // Not again when both watches have had more to say.
    for tree in ["w", "v"] {
        finish(&stage, tree, "out/log");
    }
    let mut lines = told(&stage, "out/log");
    lines.retain(|line| !line.contains("WATCH STARTED") && !line.contains("zz-end"));
    assert_eq!(lines.pop().as_deref(), Some(matched));
    lines.sort();
    assert_eq!(lines, ["v: file 'g' just MOVED IN", "w: file 'f' just MOVED OUT"]);
    stop(&mut process);
    row.figure("iobserver's lines of a rename between watches", lines.len() + 1).print();
}

#[test]
fn s05_a_rename_that_two_nested_watches_see() {
    let stage = Stage::new();
    let _made = stage.scratch.folder("w/sub");
    let text = format!("[watches]\n{}{}", scribe("w", "out/w"), scribe("w/sub", "out/sub"));
    stage.write("iobserverrc", &text);
    stage.write("w/sub/old", "x");
    let mut process = stage.start();
    sh(&stage, "mv w/sub/old w/sub/new");
    for log in ["out/w", "out/sub"] {
        finish(&stage, "w/sub", log);
        let mut lines = told(&stage, log);
        // At the start each of the two hears how the other one looks at the directory.
        lines.retain(|line| line.contains("MOVE"));
        let wanted = [
            "w/sub: file 'old' just MOVED OUT",
            "w/sub: file 'new' just MOVED IN",
            "MOVE events matched: file 'w/sub/old' was moved to 'w/sub/new'",
        ];
        assert_eq!(lines, wanted, "{log}");
    }
    stop(&mut process);
}

/// Defect of the original: it stayed watched, under `…-invalided-path`.
#[test]
fn s26_a_directory_that_is_moved_out() {
    let stage = Stage::new();
    sh(&stage, "mkdir -p w/d/deep elsewhere; echo x > w/d/f");
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    let mut process = stage.start();
    stage.wait_logged("out/log", "WATCH STARTED");
    let moved = told_of(&stage, "out/log", "mv w/d elsewhere/d");
    assert_eq!(moved, ["w: directory 'd' just MOVED OUT"]);
    let lines = told_of(
        &stage,
        "out/log",
        "cd elsewhere/d; echo y >> f; echo z > g; touch deep/h; mkdir i; chmod 700 .; mv f deep/f; rm g; cd ..; rm -r d",
    );
    assert_eq!(lines, [""; 0]);
    // In again, it is watched again, and by its new name.
    sh(&stage, "mkdir -p elsewhere/d/deep; mv elsewhere/d w/e");
    stage.wait_logged("out/log", "directory 'deep' was CREATED");
    sh(&stage, "touch w/e/deep/k");
    stage.wait_logged("out/log", "/w/e/deep: file 'k' was CREATED");
    assert_eq!(ending(&told(&stage, "out/log"), "file 'k' was CREATED"), 1);
    stop(&mut process);
}
