//! The commands: starting, stopping, what bad settings say, and what a dry run prints.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use testkit::{Process, wait_until};

use crate::stage::{BINARY, PATIENCE, Stage};

#[test]
fn it_starts_once_names_itself_and_stops() {
    let stage = Stage::new();
    let started = stage.sendit(&["start"]);
    started.assert_code(0);
    assert!(started.text().contains("Dicom watching has been started."), "{}", started.text());
    let pid = stage.pid();
    assert!(Path::new("/proc").join(&pid).exists(), "the pid file holds {pid}");
    let again = stage.sendit(&["watcher_start"]);
    again.assert_code(1);
    assert_eq!(stage.pid(), pid);
    stage.sendit(&["status"]).assert_code(0);
    fs::create_dir(stage.at("data/done")).unwrap();
    let done = stage.at("data/done").display().to_string();
    stage.wait_logged(&format!("LOG 2|FINISHED: {done}"));
    assert_eq!(stage.log(), format!("LOG 1|CREATE EVENT: {done}\nLOG 2|FINISHED: {done}\n"));
    let restarted = stage.sendit(&["restart"]);
    restarted.assert_code(0);
    assert_ne!(stage.pid(), pid);
    let stopped = stage.sendit(&["stop_watcher"]);
    stopped.assert_code(0);
    assert!(stopped.text().contains("Dicom watching has been stopped."), "{}", stopped.text());
    assert!(stage.pid().is_empty() && stage.log().contains(&done), "the log stays, the pid file goes");
    stage.sendit(&["stop"]).assert_code(1);
    stage.sendit(&["status"]).assert_code(3);
}

/// The temporary directory, where a pid file may have to go, is everybody's.
#[test]
fn what_somebody_else_puts_into_the_temporary_directory_is_not_our_pid_file() {
    let stage = Stage::new();
    let lure = stage.at("out/watcher.pid");
    let made = Command::new("mkfifo").arg(&lure).status().unwrap();
    assert!(made.success());
    stage.sendit(&["stop"]).assert_code(1);
    stage.sendit(&["start"]).assert_code(0);
    stage.sendit(&["stop"]).assert_code(0);
    fs::remove_file(&lure).unwrap();
    // A program that holds its own pid file by a lock, as many do, and a link to that.
    let other = stage.at("other.pid");
    let script = "exec 9>\"$0\"; echo $$ >&9; flock 9 && exec sleep 600";
    let mut command = Command::new("sh");
    let mut stranger = Process::spawn("stranger", &stage.at("out"), command.args(["-c", script]).arg(&other));
    wait_until(PATIENCE, "its lock", || {
        fs::File::open(&other).is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
    });
    symlink(&other, &lure).unwrap();
    stage.sendit(&["stop"]).assert_code(1);
    stage.sendit(&["status"]).assert_code(3);
    stage.sendit(&["start"]).assert_code(0);
    stage.sendit(&["stop"]).assert_code(0);
    assert!(stranger.is_running());
}

#[test]
fn a_log_in_a_watched_directory_is_refused_however_it_is_named() {
    let stage = Stage::new();
    symlink(stage.at("data"), stage.at("link")).unwrap();
    for log in ["../data/o.log", "../link/o.log"] {
        let refused = stage.sendit(&["start", "--log-out", log]);
        refused.assert_code(1);
        assert!(refused.stderr.contains("lies in a watched directory"), "{}", refused.stderr);
    }
}

#[test]
fn bad_settings_say_what_the_old_watcher_said() {
    let stage = Stage::new();
    let fails = |words: &[&str], wanted: &str| {
        let words: Vec<&str> = ["compat", "sendit", "start"].iter().chain(words).copied().collect();
        let mut command = stage.command(Path::new(BINARY), &words);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(wanted), "{wanted}:\n{said}");
        assert!(stage.pid().is_empty());
    };
    stage.settings("Mine", "redis://127.0.0.1:1/0");
    fails(
        &[],
        "Cannot import event processor module: sendit.apps.watcher.event_processors: nothing here runs Python",
    );
    stage.settings("DicomCelery", "redis://127.0.0.1:1/0");
    fs::remove_dir(stage.at("data")).unwrap();
    let data = stage.at("data").display().to_string();
    fails(&[], &format!("{data} does not exist or you have insufficient permission"));
    stage.write("empty.py", "INOTIFIER_WATCH_PATHS = ()\n");
    fails(&["-c", "../empty.py"], "Missing/empty settings/watcher.py INOTIFY_WATCH_PATHS");
    stage.write("wild.py", "import x\n\nINOTIFIER_WATCH_PATHS = x.paths()\n");
    fails(&["-c", "../wild.py"], "wild.py:3:25: a call of x.paths is not worked out");
    fails(&["-c", "nosuch.py"], "nosuch.py does not exist");
}

#[test]
fn a_dry_run_prints_what_would_be_queued_and_remembers_nothing() {
    let stage = Stage::new();
    fs::create_dir(stage.at("data/old")).unwrap();
    let words = ["compat", "sendit", "start", "--foreground", "--dry-run", "--quiet", "200ms"];
    let mut process = Process::spawn("dry", &stage.at("out"), &mut stage.command(Path::new(BINARY), &words));
    process.wait_for_line("ready", PATIENCE);
    fs::create_dir(stage.at("data/x.tmp1")).unwrap();
    fs::write(stage.at("data/x.tmp1/file"), "x").unwrap();
    fs::rename(stage.at("data/x.tmp1"), stage.at("data/new")).unwrap();
    symlink(stage.at("else"), stage.at("data/link")).unwrap();
    symlink(stage.at("nowhere"), stage.at("data/dangling")).unwrap();
    fs::write(stage.at("data/plain"), "x").unwrap();
    let would = |name: &str| {
        let path = stage.at("data").join(name);
        format!("would queue sendit.apps.main.tasks.get.import_dicomdir(dicom_dir={})", path.display())
    };
    let printed = || String::from_utf8_lossy(&process.stdout()).into_owned();
    wait_until(PATIENCE, "both", || printed().contains(&would("new")) && printed().contains(&would("link")));
    fs::create_dir(stage.at("data/last")).unwrap();
    wait_until(PATIENCE, "the last", || printed().contains(&would("last")));
    assert_eq!(printed().matches("would queue").count(), 3, "{}", printed());
    process.terminate(PATIENCE);
    let places = fs::read_dir(stage.at("state/compat")).into_iter().flatten().flatten();
    let kept = places.flat_map(|place| fs::read_dir(place.path()).into_iter().flatten().flatten());
    let kept: Vec<_> = kept.filter(|entry| entry.file_type().unwrap().is_file()).collect();
    assert!(kept.is_empty(), "{kept:?}");
}

#[test]
fn settings_become_native_configuration() {
    let stage = Stage::new();
    let mut command = stage.command(Path::new(BINARY), &["init", "--from", "sendit", "sendit/settings"]);
    let written = command.output().unwrap();
    assert_eq!(written.status.code(), Some(0), "{}", String::from_utf8_lossy(&written.stderr));
    stage.write("native.toml", &String::from_utf8_lossy(&written.stdout));
    let mut command = stage.command(Path::new(BINARY), &["check", "-c", "../native.toml"]);
    let checked = command.output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
    stage.sendit(&["start", "-c", "../native.toml"]).assert_code(0);
    stage.sendit(&["stop", "-c", "../native.toml"]).assert_code(0);
}

/// Under another state directory, what was finished in between would be taken for done.
#[test]
fn the_native_configuration_names_the_state_that_it_goes_on_with() {
    let stage = Stage::new();
    let translated = || {
        let mut command = stage.command(Path::new(BINARY), &["init", "--from", "sendit", "sendit/settings"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(!translated().contains("--state-dir"), "{}", translated());
    stage.sendit(&["start"]).assert_code(0);
    let status = stage.sendit(&["status"]).text();
    let state_dir = status.lines().next().and_then(|line| line.split("state directory ").nth(1)).unwrap();
    stage.sendit(&["stop"]).assert_code(0);
    let text = translated();
    assert!(
        text.lines().any(|line| line.ends_with(&format!("staithe run --state-dir {state_dir}"))),
        "{text}"
    );
}
