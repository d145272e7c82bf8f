//! Roots that are not there: 21 and 22.

use crate::stage::{Stage, said, scribe, stop};
use crate::world::{sh, told};

#[test]
fn s21_a_missing_path_beside_a_good_one() {
    let stage = Stage::new();
    let text = format!("[watches]\n{}{}", scribe("w", "out/w"), scribe("w9", "out/w9"));
    stage.write("iobserverrc", &text);
    let mut process = stage.start();
    let path = stage.at("w9").display().to_string();
    let words = format!("Error watching {path}. Maybe file or directory don't exist?");
    assert_eq!(said(&process, &words), 1, "{}", process.stderr());
    sh(&stage, "touch w/a");
    stage.wait_logged("out/w", "file 'a' was CLOSED");
    let status = stage.status();
    let sources = status["sources"].as_array().expect("there are sources");
    let state_of = |path: &str| {
        let found = sources.iter().find(|source| source["path"] == path);
        found.unwrap_or_else(|| panic!("no {path} in {status}"))["state"].clone()
    };
    assert_eq!(state_of(&stage.at("w").display().to_string()), "ok");
    assert_eq!(state_of(&path), "absent");
    sh(&stage, "mkdir w9");
    stage.wait_logged("out/w9", "WATCH STARTED");
    sh(&stage, "touch w9/b");
    stage.wait_logged("out/w9", "file 'b' was CLOSED");
    stop(&mut process);
    assert_eq!(told(&stage, "out/w9").last().map(String::as_str), Some("w9: WATCH STOPPED"));
}

/// Defect of the original: dead for ever.
#[test]
fn s22_a_root_that_is_removed_and_made_again() {
    let stage = Stage::new();
    sh(&stage, "mkdir w/d; touch w/one w/d/two");
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/w")));
    let mut process = stage.start();
    stage.wait_logged("out/w", "WATCH STARTED");
    sh(&stage, "rm -r w; mkdir w; touch w/a");
    stage.wait_logged("out/w", "file 'a' was CREATED");
    // It is watched again, not only looked at.
    sh(&stage, "echo x > w/b");
    stage.wait_logged("out/w", "file 'b' was CLOSED");
    let lines = told(&stage, "out/w");
    let at = |wanted: &str| {
        let found: Vec<usize> = (0..lines.len()).filter(|&at| lines[at] == wanted).collect();
        assert_eq!(found.len(), 1, "{wanted} in\n{}", lines.join("\n"));
        found[0]
    };
    let stopped = at("w: WATCH STOPPED");
    for gone in ["w: file 'one' was DELETED", "w/d: file 'two' was DELETED", "w: directory 'd' was DELETED"] {
        assert!(at(gone) < stopped, "{gone}");
    }
    let began: Vec<usize> = (0..lines.len()).filter(|&at| lines[at] == "w: WATCH STARTED").collect();
    assert_eq!((began.len(), began[0]), (2, 0), "{}", lines.join("\n"));
    assert!(stopped < began[1] && began[1] < at("w: file 'a' was CREATED"), "{}", lines.join("\n"));
    stop(&mut process);
}
