//! When it is quiet, and when it is not.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Scratch, wait_until};

use crate::STEP;
use crate::stage::{Ended, Stage, mapped};

#[test]
fn a_directory_in_which_nothing_happens_is_quiet_after_the_period_and_not_before() {
    let stage = Stage::new();
    stage.write("d/a", b"12345");
    std::os::unix::fs::symlink("..", stage.path("d/up")).unwrap();
    for backend in ["auto", "poll"] {
        let begun = Instant::now();
        let ended = stage.run(&["--for", "1500ms", "--json", "--backend", backend]);
        assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
        let last = ended.assert_quiet();
        assert_eq!(ended.lines.len(), 1, "{ended:?}");
        assert_eq!([&last["files"], &last["directories"], &last["others"], &last["bytes"]], [1, 1, 1, 5]);
        assert_eq!(last["unreadable"], 0);
    }
}

/// A writer that never closes: no event tells of what it writes.
struct Writer<'a> {
    stop: &'a AtomicBool,
    pause: Duration,
}

impl Writer<'_> {
    /// Writes until it is told to stop; gives when it wrote last and its longest pause.
    fn write(&self, path: &std::path::Path) -> (Instant, Duration) {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !self.stop.load(Ordering::Relaxed) {
            file.write_all(b"0123456789").unwrap();
            longest = longest.max(last.elapsed());
            last = Instant::now();
            std::thread::sleep(self.pause);
        }
        (last, longest)
    }
}

/// Waits while somebody writes for three periods; how it ended, how long after the last write, and
/// the writer's longest pause.
fn beside_a_writer(stage: &Stage, backend: &str) -> (Ended, Duration, Duration) {
    let stop = AtomicBool::new(false);
    let writer = Writer { stop: &stop, pause: Duration::from_millis(100) };
    std::thread::scope(|scope| {
        let path = stage.path("slow");
        let writing = scope.spawn(move || writer.write(&path));
        wait_until(STEP, "the file", || stage.path("slow").exists());
        let wait = stage.wait_with(&["--for", "1s", "--json", "--backend", backend]);
        std::thread::sleep(Duration::from_secs(3));
        stop.store(true, Ordering::Relaxed);
        let (last, longest) = writing.join().unwrap();
        let ended = wait.end();
        (ended, last.elapsed(), longest)
    })
}

#[test]
fn a_file_that_grows_without_a_word_is_waited_for() {
    for backend in ["auto", "poll"] {
        // A writer that the machine kept from writing for a period has made it quiet.
        let fair = (0..5).find_map(|_| {
            let stage = Stage::new();
            let (ended, after, longest) = beside_a_writer(&stage, backend);
            (longest < Duration::from_millis(700)).then_some((stage, ended, after))
        });
        let (stage, ended, after) = fair.expect("the machine lets a writer write");
        let size = fs::metadata(stage.path("slow")).unwrap().len();
        assert_eq!(ended.assert_quiet()["bytes"], size, "{backend}");
        assert!(after >= Duration::from_secs(1), "{backend}: {after:?} after the last write");
        assert!(ended.told().iter().filter(|line| *line == "modified slow").count() >= 2, "{ended:?}");
    }
}

/// Its stores raise no event; that the mapping goes does, and that is when it is done.
#[test]
fn a_file_that_is_written_through_a_mapping_is_waited_for() {
    let (stage, tools) = (Stage::new(), Scratch::on_disk("quiet-tools"));
    let program = mapped(tools.path());
    let wait = stage.wait_with(&["--for", "2s", "--json"]);
    let mut command = Command::new(program);
    command.arg(stage.path("m")).args(["one", "two"]);
    let mut writer =
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = writer.stdin.take().unwrap();
    input.write_all(b"\n").unwrap();
    wait.wait_for("created", "m");
    input.write_all(b"\n").unwrap();
    wait.wait_for("modified", "m");
    input.write_all(b"\n\n").unwrap();
    assert!(writer.wait().unwrap().success());
    wait.end().assert_quiet();
    assert_eq!(fs::read(stage.path("m")).unwrap(), b"onetwo");
}

#[test]
fn what_is_left_out_disturbs_nobody() {
    let stage = Stage::new();
    for name in ["d/kept", "cache/x", "a.log"] {
        stage.write(name, b"x");
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for name in ["d/noise.log", "cache/y"] {
            let (path, stop) = (stage.path(name), &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    fs::write(&path, b"x").unwrap();
                    fs::remove_file(&path).unwrap();
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let words = ["--for", "1s", "--json", "--exclude", "*.log", "--exclude", "cache"];
        let ended = stage.run(&words);
        let disturbed = stage.run(&["--for", "1s", "--timeout", "4s", "--json"]);
        stop.store(true, Ordering::Relaxed);
        let last = ended.assert_quiet();
        assert_eq!([&last["files"], &last["directories"]], [1, 1], "{ended:?}");
        assert_eq!(ended.lines.len(), 1, "{ended:?}");
        assert_eq!(disturbed.code, Some(1), "the control: {disturbed:?}");
    });
}

#[test]
fn without_recursion_only_the_directory_itself_counts() {
    let stage = Stage::new();
    stage.write("d/a", b"x");
    let wait = stage.wait_with(&["--for", "2s", "--json", "--no-recursive"]);
    stage.write("d/b", b"x");
    stage.write("top", b"x");
    wait.wait_for("created", "top");
    let ended = wait.end();
    let last = ended.assert_quiet();
    assert_eq!([&last["files"], &last["directories"]], [1, 1]);
    assert!(!ended.told().iter().any(|line| line.contains("d/") || line.ends_with(" d")), "{ended:?}");
}

/// Entries go while they are listed and looked at. It is never quiet then, and it never fails.
#[test]
fn a_tree_that_is_torn_down_and_built_up_again_is_waited_for() {
    let stage = Stage::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..2 {
            let (root, stop) = (stage.path(&format!("t{number}")), &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    for entry in 0..50 {
                        fs::create_dir_all(root.join(format!("a/{entry}/b"))).unwrap();
                        fs::write(root.join(format!("a/{entry}/b/f")), b"x").unwrap();
                    }
                    fs::remove_dir_all(&root).unwrap();
                }
            });
        }
        let ended = stage.run(&["--for", "300ms", "--timeout", "5s", "--json"]);
        let polled = stage.run(&["--for", "300ms", "--timeout", "5s", "--json", "--backend", "poll"]);
        stop.store(true, Ordering::Relaxed);
        for ended in [ended, polled] {
            assert_eq!(ended.code, Some(1), "{:?}", ended.stderr);
            assert_eq!(ended.lines.last().unwrap()["type"], "timeout");
        }
    });
    stage.run(&["--for", "300ms", "--json"]).assert_quiet();
}
