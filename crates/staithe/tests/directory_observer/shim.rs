//! The Python package that takes the original's place: MetWork starts the module, imports the
//! package, and finds the process by the module's name in its command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Process, Scratch, wait_until};

const MODULE: &str = "directory_observer.directory_observer";
const PATIENCE: Duration = Duration::from_secs(20);

fn package() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in crates/");
    root.join("packaging/directory_observer")
}

/// `python3` with our package, or `None` where there is no Python.
fn python(scratch: &Scratch, words: &[&str]) -> Option<Command> {
    let mut command = Command::new("python3");
    if !command.arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("there is no python3 here: nobody can use the package either");
        return None;
    }
    let mut command = Command::new("python3");
    command.args(words).env("PYTHONPATH", package()).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("STAITHE_PROGRAM", env!("CARGO_BIN_EXE_staithe")).current_dir(scratch.path());
    command.env("STAITHE_STATE_DIR", scratch.path());
    Some(command)
}

#[test]
fn the_package_can_be_imported_without_starting_anything() {
    let scratch = Scratch::on_disk("shim");
    let import = format!("import {MODULE}; print('imported')");
    let Some(mut command) = python(&scratch, &["-c", &import]) else { return };
    let done = Process::finish("import", scratch.path(), &mut command, PATIENCE);
    assert_eq!((done.code, done.text().as_str()), (Some(0), "imported\n"), "{}", done.stderr);
}

#[test]
fn the_module_becomes_the_drop_in_and_can_still_be_found() {
    let scratch = Scratch::on_disk("shim");
    let config = scratch.path().join("c.ini");
    // A server that cannot be reached keeps the program busy at its start for some seconds.
    let text = "[s]\nactive=1\nredis_server=127.0.0.1\nredis_port=1\ndirectory=in\nqueue=q\n";
    std::fs::write(&config, text).expect("the folder takes a file");
    let config = config.to_str().expect("a plain name");
    let Some(mut command) = python(&scratch, &["-m", MODULE, "--config", config]) else { return };
    let mut process = Process::spawn("shim", scratch.path(), &mut command);
    let cmdline = format!("/proc/{}/cmdline", process.id());
    let begun = |process: &Process| String::from_utf8_lossy(&process.stdout()).contains("Start Monitoring.");
    wait_until(PATIENCE, "the drop-in to begin", || begun(&process));
    let words = std::fs::read(&cmdline).expect("the process runs");
    let words = String::from_utf8_lossy(&words).replace('\0', " ");
    assert!(words.contains(MODULE) && words.contains(config) && !words.contains("python"), "{words}");
    assert_eq!(process.terminate(PATIENCE).code(), Some(0));
}

#[test]
fn usage_errors_keep_their_status() {
    let scratch = Scratch::on_disk("shim");
    let Some(mut command) = python(&scratch, &["-m", MODULE, "--nonsense"]) else { return };
    let done = Process::finish("usage", scratch.path(), &mut command, PATIENCE);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
}
