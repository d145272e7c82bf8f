//! `init --from dlm-watcher`: what is printed is a configuration.

use std::fs;
use std::process::Command;

use testkit::{Process, Scratch};

use crate::stage::{BINARY, PATIENCE};

fn translated(scratch: &Scratch, words: &[&str]) -> testkit::Finished {
    let mut command = Command::new(BINARY);
    command.args(["init", "--from", "dlm-watcher"]).args(words).current_dir(scratch.path());
    command.env_clear().env("HOME", "/home/x");
    Process::finish("init", scratch.path(), &mut command, PATIENCE)
}

#[test]
fn what_is_printed_is_good_and_says_what_was_asked_for() {
    let scratch = Scratch::on_disk("init");
    let watched = scratch.folder("w");
    fs::write(watched.join("old~"), "x").expect("it takes a file");
    fs::write(watched.join("odd'\"\\[x]~"), "x").expect("it takes a file");
    let watched = watched.to_str().expect("a plain name");
    let token = scratch.path().join("token");
    fs::write(&token, "hunter2").expect("the folder takes a file");
    let lines: [(&[&str], &[&str]); 6] = [
        (&[], &["storage = \"dir-watcher\"", "initial = \"adopt\""]),
        (
            &["--use_polling_watcher", "True", "--target-name", "second"],
            &["backend = \"poll\"", "target = \"second\""],
        ),
        (
            &["--include-existing", "--skip-rclone-access-check-on-register"],
            &["old~", "access_check = false"],
        ),
        (&["--dlm-compat", "2.1", "--dlm-strict", "--dir-updates-wait-time", "9"], &["2.1", "strict = true"]),
        (
            &["--token-file", "k", "--ca-file", "/c.pem", "--ingest-url", "https://g"],
            &["token_file = ", "ca_file = \"/c.pem\"", "# The token is in k: "],
        ),
        (&["--register-only", "--dir-updates-wait-time=7"], &["target", "quiet = \"7s\""]),
    ];
    for (words, wanted) in lines {
        let done = translated(&scratch, &[&["-d", watched, "-s", "dir-watcher"], words].concat());
        assert_eq!(done.code, Some(0), "{words:?}: {}", done.stderr);
        for wanted in wanted {
            assert!(done.text().contains(wanted), "{words:?}: no {wanted} in\n{}", done.text());
        }
        assert!(done.text().starts_with("# Translated from the flags of dlm-directory-watcher"));
        let file = scratch.path().join("staithe.toml");
        // Where the token will be is up to a person.
        let text = done.text().replace("/etc/staithe/dlm.token", token.to_str().expect("a plain name"));
        fs::write(&file, text).expect("the folder takes a file");
        let mut check = Command::new(BINARY);
        let checked =
            Process::finish("check", scratch.path(), check.args(["check", "-c"]).arg(&file), PATIENCE);
        assert_eq!(checked.code, Some(0), "{words:?}: {}\n{}", checked.stderr, done.text());
    }
}

#[test]
fn what_cannot_be_read_is_a_usage_error() {
    let scratch = Scratch::on_disk("init");
    for words in [&["--nonsense"][..], &["-s", "x"]] {
        let done = translated(&scratch, words);
        assert_eq!((done.code, done.text().as_str()), (Some(2), ""), "{words:?}");
    }
}
