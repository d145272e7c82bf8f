//! How a wait ends that does not end well.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Stdio;

use testkit::{Signal, wait_until};

use crate::STEP;
use crate::stage::Stage;

#[test]
fn when_the_time_is_up_it_says_what_still_changes() {
    let stage = Stage::new();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(stage.path("busy"), b"x").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        });
        let told = stage.run(&["--for", "1s", "--timeout", "3s"]);
        let json = stage.run(&["--for", "1s", "--timeout", "3s", "--json", "--backend", "poll"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!((told.code, json.code), (Some(1), Some(1)));
        let sentence = format!("{} was not quiet in time: waited 3.", stage.root().display());
        assert!(told.stderr.contains(&sentence), "{}", told.stderr);
        let line = format!("  {}/busy  for ", stage.root().display());
        let since = told.stderr.lines().find_map(|text| text.strip_prefix(&line)?.split_once('s'));
        let since = since.and_then(|(seconds, _)| seconds.parse::<f64>().ok());
        assert!(since.is_some_and(|since| since > 1.0), "{}", told.stderr);
        let last = json.lines.last().unwrap();
        assert_eq!((&last["type"], &last["more"]), (&"timeout".into(), &false.into()), "{last}");
        let busy = last["still"].as_array().unwrap().iter().find(|still| still["path"] == "busy").unwrap();
        assert!(busy["since"].as_str() < busy["last"].as_str(), "{last}");
    });
}

#[test]
fn an_interrupt_ends_it_with_a_sentence() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let stage = Stage::new();
        let wait = stage.wait_with(&["--for", "1h", "--json"]);
        wait.process.signal(signal);
        let ended = wait.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("when the wait was interrupted"), "{}", ended.stderr);
        assert_eq!(ended.lines.last().unwrap()["type"], "interrupted");
    }
}

#[test]
fn a_directory_that_goes_is_an_error() {
    let removed = Stage::new();
    let wait = removed.wait_with(&["--for", "1s"]);
    fs::remove_dir(removed.root()).unwrap();
    let ended = wait.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("it was removed, renamed or unmounted"), "{}", ended.stderr);

    let replaced = Stage::new();
    let wait = replaced.wait_with(&["--for", "1s", "--backend", "poll"]);
    fs::rename(replaced.root(), replaced.landing.out("aside")).unwrap();
    fs::create_dir(replaced.root()).unwrap();
    let ended = wait.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("another one is in its place"), "{}", ended.stderr);
}

#[test]
fn what_is_no_directory_is_an_error() {
    let stage = Stage::new();
    stage.write("file", b"x");
    for (name, why) in [("file", "Not a directory"), ("none", "No such file")] {
        let path = stage.path(name);
        let done = stage.landing.call(&["quiet", path.to_str().unwrap()]);
        done.assert_code(1);
        assert!(done.stderr.contains(why), "{}", done.stderr);
    }
}

#[test]
fn what_cannot_be_meant_is_a_mistake() {
    let stage = Stage::new();
    for words in [
        &["--for", "0"][..],
        &["--for", "5"],
        &["--for", "5s", "--timeout", "5s"],
        &["--exclude", "re:("],
        &["--backend", "fanotify"],
    ] {
        let ended = stage.run(words);
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
    }
}

/// Nobody that this machine knows of, without any privilege.
const SOMEBODY: u32 = 54_321;

#[test]
fn what_cannot_be_read_is_named_and_not_taken_as_deleted() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become somebody else");
        return;
    }
    let stage = Stage::new();
    stage.write("locked/below/f", b"x");
    stage.write("seen/f", b"x");
    for path in ["", "locked", "locked/below", "locked/below/f", "seen"] {
        chown(stage.path(path), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
    let as_somebody = |words: &[&str]| {
        let program = stage.command(words);
        let mut command = std::process::Command::new("setpriv");
        command.args([
            "--reuid",
            &SOMEBODY.to_string(),
            "--regid",
            &SOMEBODY.to_string(),
            "--clear-groups",
            "--",
        ]);
        command.arg(program.get_program()).args(program.get_args());
        command
    };
    let runs = as_somebody(&["--help"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !runs.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: somebody else cannot run the program here");
        return;
    }
    let wait = stage.wait_by(&mut as_somebody(&["--for", "2s", "--json"]));
    let lock = |mode: u32| {
        fs::set_permissions(stage.path("locked"), fs::Permissions::from_mode(mode)).unwrap();
    };
    lock(0o000);
    wait.wait_for("modified", "locked");
    let ended = wait.end();
    let last = ended.assert_quiet();
    assert_eq!([&last["unreadable"], &last["files"]], [1, 1], "{ended:?}");
    assert!(!ended.told().iter().any(|line| line.starts_with("deleted")), "{ended:?}");
    assert!(ended.stderr.contains("/locked cannot be read (Permission denied"), "{}", ended.stderr);

    let wait = stage.wait_by(&mut as_somebody(&["--for", "2s", "--json"]));
    lock(0o700);
    wait.wait_for("modified", "locked");
    let ended = wait.end();
    let last = ended.assert_quiet();
    assert_eq!([&last["unreadable"], &last["files"]], [0, 2], "{ended:?}");
    assert!(!ended.told().iter().any(|line| line.starts_with("created")), "{ended:?}");
}

#[test]
fn a_reader_that_goes_away_is_not_told_that_it_is_quiet() {
    let stage = Stage::new();
    let mut command = stage.command(&["--for", "500ms"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    let mut status = None;
    wait_until(STEP, "the end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(1));
}
