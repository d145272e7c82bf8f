//! `init --from iobserver`: what is printed is a configuration, and it does the same.

use std::path::Path;

use testkit::{Finished, Process};

use crate::stage::{BINARY, PATIENCE, Stage};

fn init(stage: &Stage, words: &[&str]) -> Finished {
    let words = [&["init", "--from", "iobserver"], words].concat();
    Process::finish("init", &stage.at("out"), &mut stage.command(Path::new(BINARY), &words), PATIENCE)
}

#[test]
fn what_is_printed_is_good_and_runs() {
    let stage = Stage::new();
    stage.write("plugins/counter.toml", "command = \"cat\"\n");
    stage.write(
        "iobserverrc",
        "[global]\nwatch_config = yes\n[watches]\n[[w]]\nplugins = scribe, replica, counter, nosuch\nscribe_log = \
         out/w.log\nreplica_destination = m\ncounter_limit = 5, 6\n[[v]]\n",
    );
    let done = init(&stage, &["iobserverrc"]);
    done.assert_code(0);
    for wanted in [
        "# Translated from iobserverrc",
        "watch_config = true",
        "events = \"all\"",
        "type = \"mirror\"",
        "counter_limit",
    ] {
        assert!(done.text().contains(wanted), "no {wanted} in\n{}", done.text());
    }
    for left_out in ["Required plugin 'nosuch' is missing.", "Missing 'plugins' section"] {
        assert!(done.stderr.contains(left_out), "{}", done.stderr);
    }
    stage.write("staithe.toml", &done.text());
    let mut check = stage.command(Path::new(BINARY), &["check", "-c", "staithe.toml"]);
    let checked = Process::finish("check", &stage.at("out"), &mut check, PATIENCE);
    assert_eq!(checked.code, Some(0), "{}\n{}", checked.stderr, done.text());
    assert!(!checked.stderr.contains("warning"), "{}\n{}", checked.stderr, done.text());
    // The plugin is `cat`, which is none; the others do not mind.
    let mut run = stage.command(Path::new(BINARY), &["run", "-c", "staithe.toml"]);
    let mut process = Process::spawn("run", &stage.at("out"), &mut run);
    process.wait_for_line("ready", PATIENCE);
    stage.write("w/a", "x");
    stage.wait_logged("out/w.log", "file 'a' was CREATED");
    testkit::wait_until(PATIENCE, "the copy", || stage.text("m/a") == "x");
    assert_eq!(process.terminate(PATIENCE).code(), Some(0));
}

#[test]
fn what_cannot_be_translated_is_a_usage_error() {
    let stage = Stage::new();
    stage.write("bad", "junk\n");
    for (words, text) in [
        (&["bad"][..], "Error parsing confiuration file: Invalid line at line \"1\"."),
        (&["missing"], "failed to read missing: "),
        (&[], "say which file"),
    ] {
        let done = init(&stage, words);
        assert_eq!((done.code, done.text().as_str()), (Some(2), ""), "{words:?}");
        assert!(done.stderr.contains(text) || words.is_empty(), "{words:?}: {}", done.stderr);
    }
}
