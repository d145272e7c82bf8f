//! What ends it, and with which words and code.

use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{Process, Signal, wait_until};

use crate::stage::{BINARY, PATIENCE, Stage, scribe, stop};

#[test]
fn it_starts_and_ends_with_the_old_words() {
    for signal in [Signal::INT, Signal::TERM] {
        let stage = Stage::new();
        stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "-")));
        let mut process = stage.start();
        process.signal(signal);
        assert_eq!(process.wait_exit(PATIENCE).code(), Some(0), "{signal:?}");
        let text = String::from_utf8(process.stdout()).expect("plain names");
        let lines: Vec<&str> = text.lines().collect();
        let w = stage.at("w");
        assert_eq!(lines[0], "iObserver started. Press ^C to terminate...", "{text}");
        assert!(lines[1].ends_with(&format!(" scribe: {}: WATCH STARTED", w.display())), "{text}");
        assert_eq!(lines[2], "Terminating...", "{text}");
        assert!(lines[3].ends_with(&format!(" scribe: {}: WATCH STOPPED", w.display())), "{text}");
        assert_eq!(lines.len(), 4, "{text}");
    }
}

#[test]
fn called_by_the_old_programs_name_it_is_the_old_program() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/log")));
    let link = stage.at("iobserver");
    std::os::unix::fs::symlink(BINARY, &link).expect("the folder takes a link");
    let mut process = Process::spawn("called", &stage.at("out"), &mut stage.command(&link, &[]));
    process.wait_for_line("ready", PATIENCE);
    stop(&mut process);
    assert_eq!(stage.logged("out/log", "WATCH STOPPED"), 1);
}

/// The lines go nowhere and are kept: that must not happen in silence.
#[test]
fn a_reader_that_goes_away_is_missed_aloud() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "-")));
    let stderr = std::fs::File::create(stage.at("out/stderr")).expect("the folder takes a file");
    let mut command = stage.command(Path::new(BINARY), &["compat", "iobserver"]);
    let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("it starts");
    drop(child.stdout.take());
    wait_until(PATIENCE, "a word of it", || stage.text("out/stderr").contains("W-SINK-CLOSED"));
    child.kill().expect("it runs");
    child.wait().expect("it was killed");
    assert_eq!(stage.text("out/stderr").matches("W-SINK-CLOSED").count(), 1);
}

#[test]
fn the_help_has_examples() {
    let stage = Stage::new();
    let mut command: Command = stage.command(Path::new(BINARY), &["compat", "iobserver", "--help"]);
    let done = Process::finish("help", &stage.at("out"), &mut command, PATIENCE);
    done.assert_code(0);
    for wanted in ["[FILE]", "default: iobserverrc", "--plugins <DIR>", "Examples:", "init --from iobserver"]
    {
        assert!(done.text().contains(wanted), "no {wanted} in\n{}", done.text());
    }
}

/// The whole file is bad: nothing is started, and the first words are the original's.
#[test]
fn a_bad_file_ends_the_start_with_2() {
    let stage = Stage::new();
    let good = scribe("w", "-");
    for (file, original, place) in [
        ("junk\n", "Error parsing confiuration file: Invalid line at line \"1\".", "iobserverrc:1: "),
        (
            "[watches]\n[[w]]\nplugins = 'a\n",
            "Error parsing confiuration file: Parse error in value at line 3.",
            "iobserverrc:3: ",
        ),
        (
            &format!("[watches]\n{good}[[w]]\n"),
            "Error parsing confiuration file: Duplicate section name at line 5.",
            "iobserverrc:5: ",
        ),
        (
            "[global]\nfoo = 1\n[watches]\n",
            "Illegal option 'foo' in configuration.",
            "iobserverrc:2: [global] has no key `foo`",
        ),
        ("watches = w\n", "error: iobserverrc:1: `watches` is a section", "iobserverrc:1: "),
    ] {
        stage.write("iobserverrc", file);
        let mut command = stage.command(Path::new(BINARY), &["compat", "iobserver"]);
        let done = Process::finish("bad", &stage.at("out"), &mut command, PATIENCE);
        assert_eq!((done.code, done.text().as_str()), (Some(2), ""), "{file}: {}", done.stderr);
        let lines: Vec<&str> = done.stderr.lines().collect();
        assert!(lines[0].starts_with(original), "{file}: {}", done.stderr);
        assert!(lines.iter().any(|line| line.contains(place) && line.contains("Fix: ")), "{}", done.stderr);
    }
    std::fs::remove_file(stage.at("iobserverrc")).expect("it is there");
    let mut command = stage.command(Path::new(BINARY), &["compat", "iobserver"]);
    let done = Process::finish("none", &stage.at("out"), &mut command, PATIENCE);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.starts_with("Could not stat target!\nerror: iobserverrc: "), "{}", done.stderr);
}
