//! Scenarios 1 to 8: what is logged about what happens in the watched directory, and what becomes a task. The first six also
//! as the old watcher did it, who queued each folder at its `mkdir`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::wait_until;

use crate::watcher::{PATIENCE, QUIET, Watcher, shown};

/// Folders that are made are tasks when they are quiet.
const USUAL: &[&str] = &["--quiet", "300ms"];
/// Folders that are made are tasks at once.
const STRICT: &[&str] = &["--strict"];

fn s01_a_folder(flags: &[&str]) {
    let watcher = Watcher::started(flags);
    watcher.mkdir("test_finished");
    watcher.assert_lines(0, &["LOG 1|CREATE EVENT: D/test_finished", "LOG 2|FINISHED: D/test_finished"]);
    watcher.assert_tasks(&["D/test_finished"]);
    let message: serde_json::Value = serde_json::from_slice(&watcher.messages()[0]).expect("JSON");
    let body = testkit::celery::body(&message);
    let wanted = serde_json::json!([
        [],
        { "dicom_dir": shown(&watcher.at("test_finished")) },
        { "callbacks": null, "errbacks": null, "chain": null, "chord": null },
    ]);
    assert_eq!(body, wanted);
    watcher.stop();
    let first = fs::read_to_string(watcher.log_file()).expect("there is a log");
    let ours = first.lines().take_while(|line| !line.contains("zz-mark")).count();
    assert_eq!(ours, 2, "nothing else stands in the log: {first}");
}

#[test]
fn s01_a_folder_that_is_made_is_a_task() {
    s01_a_folder(USUAL);
}

#[test]
fn s01_strictly() {
    s01_a_folder(STRICT);
}

/// And it becomes one when it gets its name.
fn s02_s03_a_temporary_folder(flags: &[&str]) {
    let watcher = Watcher::started(flags);
    watcher.mkdir("t.tmp1234");
    watcher.assert_lines(0, &["LOG 1|CREATE EVENT: D/t.tmp1234", "LOG 2|NOTFINISHED: D/t.tmp1234"]);
    watcher.assert_tasks(&[]);
    let before = watcher.count_lines();
    watcher.rename("t.tmp1234", "now");
    watcher.assert_lines(before, &["LOG 1|MOVEDTO EVENT: D/now", "LOG 2|FINISHED: D/now"]);
    watcher.assert_tasks(&["D/now"]);
    watcher.stop();
}

#[test]
fn s02_s03_a_temporary_folder_is_a_task_when_it_is_renamed() {
    s02_s03_a_temporary_folder(USUAL);
}

#[test]
fn s02_s03_strictly() {
    s02_s03_a_temporary_folder(STRICT);
}

fn s04_files_in_folders(flags: &[&str]) {
    let watcher = Watcher::started(flags);
    watcher.deliver("now");
    watcher.mkdir("t.tmp1");
    watcher.assert_tasks(&["D/now"]);
    let before = watcher.count_lines();
    for place in ["t.tmp1", "now"] {
        fs::write(watcher.at(place).join("late.dcm"), b"12345").expect("it takes files");
        fs::create_dir(watcher.at(place).join("below")).expect("it takes folders");
        fs::write(watcher.at(place).join("below/later.dcm"), b"12345").expect("it takes files");
        fs::remove_file(watcher.at(place).join("late.dcm")).expect("it was there");
    }
    watcher.assert_tasks(&["D/now"]);
    let lines = watcher.lines();
    assert!(lines[before..].iter().all(|line| line.contains("D/zz-")), "{lines:#?}");
    watcher.stop();
}

#[test]
fn s04_files_in_folders_are_neither_lines_nor_tasks() {
    s04_files_in_folders(USUAL);
}

#[test]
fn s04_strictly() {
    s04_files_in_folders(STRICT);
}

fn s05_the_twelve_names(flags: &[&str]) {
    let watcher = Watcher::started(flags);
    let finished = ["a.TMP", "tmp", ".tmp", "x.template", "y.tmp.d", "z.part", "plain", "link"];
    let unfinished = ["b..tmp", "c.tmpl", "in.tmpX", "dangling"];
    let make = |name: &str| match name {
        "link" => symlink(watcher.scratch.path().join("elsewhere"), watcher.at(name)).expect("it is made"),
        "dangling" => symlink("/there/is/none", watcher.at(name)).expect("it is made"),
        name => watcher.mkdir(name),
    };
    for name in finished.iter().chain(&unfinished) {
        let before = watcher.lines().len();
        make(name);
        let verdict = if finished.contains(name) { "FINISHED" } else { "NOTFINISHED" };
        let lines = [format!("LOG 1|CREATE EVENT: D/{name}"), format!("LOG 2|{verdict}: D/{name}")];
        watcher.assert_lines(before, &lines.each_ref().map(String::as_str));
    }
    let mut queued = watcher.settled();
    queued.sort_unstable();
    let mut wanted: Vec<String> = finished.iter().map(|name| format!("D/{name}")).collect();
    wanted.sort_unstable();
    assert_eq!(queued, wanted);
    watcher.stop();
}

#[test]
fn s05_the_twelve_names_get_the_old_verdicts() {
    let row = testkit::proof::Row::new("G06");
    s05_the_twelve_names(USUAL);
    row.figure("sendit's names with their verdicts", 12).print();
}

#[test]
fn s05_strictly() {
    s05_the_twelve_names(STRICT);
}

fn s06_a_file(flags: &[&str]) {
    let watcher = Watcher::started(flags);
    let file = watcher.at("plain.txt");
    assert!(Command::new("touch").arg(&file).status().is_ok_and(|status| status.success()));
    let not = "LOG 2|NOTFINISHED: D/plain.txt";
    let lines = ["LOG 1|CREATE EVENT: D/plain.txt", not, "LOG 1|CLOSEWRITE EVENT: D/plain.txt", not];
    watcher.assert_lines(0, &lines);
    let before = watcher.count_lines();
    let mut open = OpenOptions::new().append(true).open(&file).expect("it is there");
    open.write_all(b"more").expect("it takes bytes");
    drop(open);
    let lines = ["LOG 1|MODIFY EVENT: D/plain.txt", not, "LOG 1|CLOSEWRITE EVENT: D/plain.txt", not];
    watcher.assert_lines(before, &lines);
    watcher.assert_tasks(&[]);
    watcher.stop();
}

#[test]
fn s06_a_plain_file_is_four_lines_and_no_task() {
    s06_a_file(USUAL);
}

#[test]
fn s06_strictly() {
    s06_a_file(STRICT);
}

/// As `cp -r` does it: the folder first, then file after file.
#[test]
fn s07_a_folder_that_is_copied_for_5_s_is_one_task_after_its_last_close() {
    let watcher = Watcher::started(&["--quiet", "1s"]);
    let big = watcher.at("big");
    fs::create_dir_all(big.join("deep")).expect("it takes folders");
    for number in 0..500 {
        let folder = if number % 5 == 0 { big.join("deep") } else { big.clone() };
        fs::write(folder.join(format!("{number}.dcm")), vec![1; 4096]).expect("it takes files");
        // The slowness of the copy is what is tested here.
        std::thread::sleep(Duration::from_millis(10));
        assert!(watcher.tasks().is_empty(), "before the last file");
    }
    let closed = Instant::now();
    wait_until(PATIENCE, "the task", || !watcher.tasks().is_empty());
    let after = closed.elapsed();
    assert!(after >= Duration::from_millis(900), "{after:?} after the last close");
    watcher.assert_tasks(&["D/big"]);
    watcher.stop();
}

#[test]
fn s08_two_watches_have_masks_and_processors_of_their_own() {
    let watcher = Watcher::bare(USUAL);
    let other = watcher.scratch.folder("other");
    let entries = [
        watcher.watch("data", "pyinotify.IN_CREATE | pyinotify.IN_MOVED_TO", "DicomCelery"),
        watcher.watch("other", "pyinotify.IN_DELETE | pyinotify.IN_MOVED_TO", "AllEventsPrinter"),
    ];
    watcher.configure(&entries.concat());
    watcher.start();
    fs::write(watcher.at("f"), b"x").expect("it takes files");
    watcher.assert_lines(0, &["LOG 1|CREATE EVENT: D/f", "LOG 2|NOTFINISHED: D/f"]);
    fs::remove_file(watcher.at("f")).expect("it was there");
    fs::write(other.join("g"), b"x").expect("it takes files");
    fs::create_dir(other.join("folder")).expect("it takes folders");
    fs::remove_file(other.join("g")).expect("it was there");
    fs::rename(other.join("folder"), other.join("renamed")).expect("one folder");
    let printed = || {
        let text = fs::read_to_string(watcher.log_file()).unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with("IN "));
        lines.map(|line| line.replace(&shown(&other), "O")).collect::<Vec<_>>()
    };
    wait_until(PATIENCE, "what is printed", || printed().len() >= 2);
    watcher.mkdir("folder");
    watcher.assert_tasks(&["D/folder"]);
    let lines = watcher.lines();
    assert!(lines.iter().all(|line| line.contains("CREATE") || line.contains("FINISHED")), "{lines:?}");
    assert_eq!(printed(), ["IN DELETE: O/g", "IN MOVED TO: O/renamed"]);
    watcher.stop();
}

/// Folders that nothing was written into for the quiet time are not held up by anything else.
#[test]
fn s07_an_empty_folder_is_a_task_soon() {
    let watcher = Watcher::started(USUAL);
    let begun = Instant::now();
    watcher.mkdir("empty");
    wait_until(PATIENCE, "the task", || !watcher.tasks().is_empty());
    let after = begun.elapsed();
    assert!(after >= QUIET, "{after:?}");
    watcher.stop();
}

/// What lay there before has nothing to do with it, and it is no late part of that.
#[test]
fn another_folder_that_gets_the_name_of_one_that_was_queued_is_a_task() {
    let watcher = Watcher::started(USUAL);
    let fill = |name: &str, files: usize| {
        watcher.mkdir(name);
        for number in 0..files {
            fs::write(watcher.at(name).join(number.to_string()), "x").expect("the folder takes files");
        }
    };
    fill("a.tmp", 1);
    watcher.rename("a.tmp", "a");
    watcher.assert_tasks(&["D/a"]);
    // Filled again under another name, and put in its place.
    fill("a.tmp", 3);
    fs::remove_dir_all(watcher.at("a")).expect("it can be removed");
    watcher.rename("a.tmp", "a");
    watcher.assert_tasks(&["D/a", "D/a"]);
    watcher.rename("a", "a.tmpold");
    fill("b.tmp", 4);
    watcher.rename("b.tmp", "a");
    watcher.assert_tasks(&["D/a", "D/a", "D/a"]);
    watcher.stop();
}

#[test]
fn a_folder_that_was_replaced_while_nothing_ran_is_a_task() {
    let watcher = Watcher::started(USUAL);
    watcher.deliver("a");
    watcher.deliver("b");
    watcher.assert_tasks(&["D/a", "D/b"]);
    watcher.stop();
    // One is made anew in its place, the other comes ready.
    fs::remove_dir_all(watcher.at("a")).expect("it can be removed");
    watcher.mkdir("a");
    fs::write(watcher.at("a/again"), "another series").expect("the folder takes files");
    fs::remove_dir_all(watcher.at("b")).expect("it can be removed");
    watcher.mkdir("b.tmp");
    fs::write(watcher.at("b.tmp/again"), "another series").expect("the folder takes files");
    watcher.rename("b.tmp", "b");
    watcher.start();
    // What is known is compared for a while before it is told that something waits.
    let times = |name: &str| watcher.tasks().iter().filter(|task| *task == name).count();
    wait_until(PATIENCE, "both again", || times("D/a") == 2 && times("D/b") == 2);
    let mut again = watcher.settled().split_off(2);
    again.sort_unstable();
    assert_eq!(again, ["D/a", "D/b"]);
    watcher.stop();
}
