//! What is told of what happens meanwhile.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use testkit::{Terminal, wait_until};

use crate::STEP;
use crate::stage::Stage;

/// Long enough for everything in a test to fall into one wait.
const PERIOD: &str = "2s";

#[test]
fn each_difference_is_a_line_with_its_sizes() {
    let stage = Stage::new();
    for (name, content) in [("grows", "1234"), ("goes", "12"), ("old", "1"), ("dir/member", "123456")] {
        stage.write(name, content.as_bytes());
    }
    let wait = stage.wait_with(&["--for", PERIOD, "--json"]);
    OpenOptions::new().append(true).open(stage.path("grows")).unwrap().write_all(b"5678").unwrap();
    fs::remove_file(stage.path("goes")).unwrap();
    fs::rename(stage.path("old"), stage.path("new")).unwrap();
    fs::rename(stage.path("dir"), stage.path("folder")).unwrap();
    stage.write("sub/made", b"123");
    let grown = wait.wait_for("modified", "grows");
    assert_eq!((&grown["size_before"], &grown["size"]), (&4.into(), &8.into()), "{grown}");
    assert_eq!((&grown["kind"], &grown["replaced"]), (&"file".into(), &false.into()), "{grown}");
    assert_eq!(grown["root"], stage.root().to_str().unwrap());
    assert_eq!(wait.wait_for("deleted", "goes")["size"], 2);
    assert_eq!(wait.wait_for("created", "sub/made")["size"], 3);
    assert_eq!(wait.wait_for("created", "sub")["kind"], "directory");
    let ended = wait.end();
    let last = ended.assert_quiet();
    assert_eq!([&last["files"], &last["directories"], &last["others"], &last["bytes"]], [4, 2, 0, 18]);
    let told = ended.told();
    for line in ["moved old new", "moved dir folder/"] {
        assert!(told.iter().any(|told| told == line), "no `{line}` in {told:?}");
    }
    assert!(!told.iter().any(|line| line.contains("member")), "it moved with its directory: {told:?}");
}

#[test]
fn another_name_of_a_file_is_created_while_the_first_is_there() {
    let stage = Stage::new();
    stage.write("a", b"x");
    let wait = stage.wait_with(&["--for", PERIOD, "--json"]);
    fs::hard_link(stage.path("a"), stage.path("b")).unwrap();
    wait.wait_for("created", "b");
    let ended = wait.end();
    assert_eq!(ended.assert_quiet()["files"], 2);
    assert!(!ended.told().iter().any(|line| line.starts_with("moved")), "{:?}", ended.told());
}

/// ext4 gives the number of a deleted inode to the next file: that is no move. Where the file system
/// gives another number, nothing is shown by this.
#[test]
fn a_number_that_is_given_again_is_no_move() {
    let stage = Stage::new();
    stage.landing.write_old("a", b"old");
    let wait = stage.wait_with(&["--for", PERIOD, "--json"]);
    fs::remove_file(stage.path("a")).unwrap();
    stage.write("b", b"new");
    wait.wait_for("created", "b");
    let ended = wait.end();
    ended.assert_quiet();
    let told = ended.told();
    assert!(told.contains(&"deleted a".to_owned()) && told.contains(&"created b".to_owned()), "{told:?}");
}

#[test]
fn a_write_that_hides_behind_its_time_is_told() {
    let stage = Stage::new();
    stage.landing.write_old("a", b"one");
    let wait = stage.wait_with(&["--for", PERIOD, "--json", "--backend", "poll"]);
    let time = fs::metadata(stage.path("a")).unwrap().modified().unwrap();
    let file = OpenOptions::new().write(true).open(stage.path("a")).unwrap();
    (&file).write_all(b"two").unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    let told = wait.wait_for("modified", "a");
    assert_eq!((&told["size_before"], &told["size"]), (&3.into(), &3.into()), "{told}");
    wait.end().assert_quiet();
}

#[test]
fn what_came_and_went_is_told_and_begins_the_period_anew() {
    let stage = Stage::new();
    let wait = stage.wait_with(&["--for", PERIOD, "--json"]);
    fs::write(stage.path("brief"), b"x").unwrap();
    fs::remove_file(stage.path("brief")).unwrap();
    wait.wait_for("touched", "brief");
    let ended = wait.end();
    assert!(ended.assert_quiet()["waited_s"].as_f64() > Some(2.0));
}

#[test]
fn a_name_that_is_no_text_comes_whole() {
    let stage = Stage::new();
    let wait = stage.wait_with(&["--for", PERIOD, "--json"]);
    fs::write(stage.root().join(OsStr::from_bytes(b"b\xffd\n")), b"x").unwrap();
    let told = wait.wait_for("created", "b\u{fffd}d\n");
    assert_eq!(told["path_b64"], "Yv9kCg==");
    wait.end().assert_quiet();
}

#[test]
fn people_get_a_line_each() {
    let stage = Stage::new();
    stage.write("a", b"1234");
    let mut wait = stage.wait_with(&["--for", PERIOD]);
    OpenOptions::new().append(true).open(stage.path("a")).unwrap().write_all(b"5").unwrap();
    fs::write(stage.root().join(OsStr::from_bytes(b"\x1b[31m")), b"").unwrap();
    assert_eq!(wait.process.wait_exit(STEP).code(), Some(0));
    let text = String::from_utf8(wait.process.stdout()).unwrap();
    let root = stage.root().to_str().unwrap().to_owned();
    for line in [
        format!("  modified  {root}/a  4 → 5 bytes\n"),
        format!("  created   {root}/\\x1b[31m  0 bytes\n"),
        format!("  modified  {root}/\n"),
    ] {
        assert!(text.contains(&line), "no `{line}` in\n{text}");
    }
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("quiet for 2s: 2 files, 0 directories, 5 B; waited "), "{last}");
}

#[test]
fn on_a_terminal_it_shows_how_it_stands() {
    let stage = Stage::new();
    let mut command = stage.command(&["--for", "1h"]);
    let terminal = Terminal::spawn(&mut command);
    let shows = |what: &str| String::from_utf8_lossy(&terminal.received()).contains(what);
    wait_until(STEP, "the progress line", || shows("quiet for ") && shows(" of 1h"));
    drop(File::create(stage.path("a")).unwrap());
    wait_until(STEP, "what changed last", || shows("ago: ") && shows("created"));
}
