//! What the scribe writes: 1, 2, 6, 24 and 25.

use testkit::{Process, Signal, wait_until};

use crate::stage::{PATIENCE, Stage, scribe, stop};
use crate::world::{ending, finish, sh, told, told_of, untimed};

#[test]
fn s01_touch_of_a_new_file() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    let mut process = stage.start();
    stage.wait_logged("out/log", "WATCH STARTED");
    let lines = told_of(&stage, "out/log", "touch w/foo");
    let wanted = [
        "w: file 'foo' was CREATED",
        "w: file 'foo' was OPENED",
        "w: The METADATA for file 'foo' was changed",
        "w: file 'foo' was CLOSED",
    ];
    assert_eq!(lines, wanted);
    stop(&mut process);
}

#[test]
fn s02_echo_into_an_empty_file() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    stage.write("w/foo", "");
    let mut process = stage.start();
    stage.wait_logged("out/log", "WATCH STARTED");
    let mut lines = told_of(&stage, "out/log", "echo x > w/foo");
    // The shell truncates and writes. The kernel makes one event of both, unless the first was read before.
    lines.dedup();
    let wanted = ["w: file 'foo' was OPENED", "w: file 'foo' was MODIFIED", "w: file 'foo' was CLOSED"];
    assert_eq!(lines, wanted);
    stop(&mut process);
}

/// The run that the specification prints whole, line for line, with the reading of the new directory: that was the
/// original's own, and is ours now.
#[test]
fn the_reference_run_of_the_specification() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    let mut process = stage.start();
    stage.wait_logged("out/log", "WATCH STARTED");
    let script = "cd w; touch foo; echo >foo; chmod 600 foo; mv foo bar; mkdir d";
    let mut lines = told_of(&stage, "out/log", script);
    lines.dedup();
    let wanted = [
        "w: file 'foo' was CREATED",
        "w: file 'foo' was OPENED",
        "w: The METADATA for file 'foo' was changed",
        "w: file 'foo' was CLOSED",
        "w: file 'foo' was OPENED",
        "w: file 'foo' was MODIFIED",
        "w: file 'foo' was CLOSED",
        "w: The METADATA for file 'foo' was changed",
        "w: file 'foo' just MOVED OUT",
        "w: file 'bar' just MOVED IN",
        "MOVE events matched: file 'w/foo' was moved to 'w/bar'",
        "w: directory 'd' was CREATED",
    ];
    assert_eq!(lines[..wanted.len()], wanted);
    let rest = &lines[wanted.len()..];
    assert!(rest.iter().all(|line| line.contains("'d'") || line.contains("'.'")), "{rest:?}");
    stop(&mut process);
}

/// Defect of the original: only `p` was told of.
#[test]
fn s06_a_chain_of_directories_made_at_once() {
    const RUNS: usize = 100;
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    let mut process = stage.start();
    let script = format!(
        "i=0; while [ $i -lt {RUNS} ]; do mkdir -p w/p$i/q/r && echo 1 > w/p$i/q/r/f0; i=$((i+1)); done"
    );
    sh(&stage, &script);
    wait_until(PATIENCE, "the last file", || {
        stage.logged("out/log", &format!("/w/p{}/q/r: file 'f0' was CREATED", RUNS - 1)) > 0
    });
    finish(&stage, "w", "out/log");
    let lines = told(&stage, "out/log");
    for run in 0..RUNS {
        for wanted in [
            format!("w: directory 'p{run}' was CREATED"),
            format!("w/p{run}: directory 'q' was CREATED"),
            format!("w/p{run}/q: directory 'r' was CREATED"),
            format!("w/p{run}/q/r: file 'f0' was CREATED"),
        ] {
            assert_eq!(lines.iter().filter(|line| **line == wanted).count(), 1, "{wanted}");
        }
    }
    stop(&mut process);
}

/// What waits in the kernel's queue when the end is asked for is told before it; what a plugin does not take within the
/// grace time is counted.
#[test]
fn s24_the_end_with_1000_events_queued() {
    const FILES: usize = 250;
    let stage = Stage::new();
    stage.write(
        "plugins/deaf.sh",
        "echo '{\"type\":\"hello\",\"protocol\":1,\"name\":\"deaf\"}'\nexec sleep 60\n",
    );
    stage.write("plugins/deaf.toml", "command = \"/bin/sh\"\nargs = [\"deaf.sh\"]\n");
    let text = format!("[watches]\n{}[[v]]\nplugins = deaf\n", scribe("w", "out/log"));
    stage.write("iobserverrc", &text);
    let mut process = stage.start();
    stage.wait_logged("out/log", "WATCH STARTED");
    process.freeze();
    for number in 0..FILES {
        // Created, opened, modified, closed.
        stage.write(&format!("w/{number}"), "x");
        stage.write(&format!("v/{number}"), "x");
    }
    process.signal(Signal::INT);
    process.resume();
    assert_eq!(process.wait_exit(PATIENCE).code(), Some(0));
    let lines = told(&stage, "out/log");
    for end in ["was CREATED", "was OPENED", "was MODIFIED", "was CLOSED"] {
        assert_eq!(ending(&lines, end), FILES, "{end}");
    }
    assert_eq!(lines.last().map(String::as_str), Some("w: WATCH STOPPED"));
    let said = process.stderr();
    let counted = said.lines().find(|line| line.contains("unhandled")).unwrap_or_else(|| panic!("{said}"));
    let told = 4 * FILES + 2;
    assert!(counted.contains("-deaf") && counted.contains(&told.to_string()), "{counted}");
    assert!(!said.contains("-scribe"), "{said}");
}

#[test]
fn s25_two_watches_on_standard_output() {
    const FILES: usize = 1250;
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}{}", scribe("w", "-"), scribe("v", "-")));
    let mut process = stage.start();
    std::thread::scope(|scope| {
        for tree in ["w", "v"] {
            let stage = &stage;
            scope.spawn(move || {
                for number in 0..FILES {
                    stage.write(&format!("{tree}/{number}"), "x");
                }
            });
        }
    });
    let whole = |process: &Process| String::from_utf8(process.stdout()).expect("plain names");
    wait_until(PATIENCE, "the last lines", || {
        whole(&process).lines().filter(|line| line.ends_with(" was CLOSED")).count() == 2 * FILES
    });
    stop(&mut process);
    let text = whole(&process);
    assert!(text.ends_with('\n'));
    let mut counts = [0, 0];
    for line in text.lines() {
        if line.starts_with("iObserver started.") || line == "Terminating..." {
            continue;
        }
        let line = untimed(line);
        let (path, message) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let tree = ["w", "v"].iter().position(|tree| stage.at(tree).as_os_str() == path);
        counts[tree.unwrap_or_else(|| panic!("no tree: {line}"))] += 1;
        let rest =
            message.strip_prefix("file '").and_then(|rest| rest.split_once('\'')).map(|(_, rest)| rest);
        let known = [" was CREATED", " was OPENED", " was MODIFIED", " was CLOSED"];
        assert!(rest.is_some_and(|rest| known.contains(&rest)) || message.starts_with("WATCH ST"), "{line}");
    }
    assert_eq!(counts, [4 * FILES + 2; 2]);
}
