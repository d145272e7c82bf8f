//! `notify`: a producer says that a file is finished.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use testkit::{Finished, Landing, Process, wait_until};

use crate::{CONFIG, STEP, landing};

/// A tree of which nothing tells but the producers: it is polled once an hour.
fn unheard() -> Landing {
    let mut landing = landing();
    let polled = "path = \"{in}\"\nbackend = \"poll\"\npoll_interval = \"1h\"\nrescan = \"0\"";
    let config = CONFIG
        .replace("path = \"{in}\"", polled)
        .replace("include = [\"*\"]", "include = [\"*\"]\nexclude = [\"*.log\"]");
    landing.configure(&config);
    landing.start();
    landing
}

fn notify(landing: &Landing, words: &[&str], paths: &[&Path]) -> Finished {
    let mut command = landing.command();
    command.arg("notify").args(words).args(paths);
    Process::finish("notify", &landing.out(""), &mut command, STEP)
}

fn delivered(landing: &Landing) -> Vec<Value> {
    let lines = fs::read_to_string(landing.out("events.jsonl")).unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect()
}

fn wait_delivered(landing: &Landing, count: usize) {
    wait_until(STEP, "the announced files", || delivered(landing).len() >= count);
}

#[test]
fn a_finished_file_is_announced_at_once_and_once() {
    let landing = unheard();
    let path = landing.root().join("a.dat");
    fs::write(&path, b"hello").unwrap();
    let done = notify(&landing, &[], &[&path]);
    done.assert_code(0);
    assert!(done.text().starts_with("a.dat: ") && done.text().lines().count() == 1, "{done:?}");
    landing.wait_idle(1, STEP);
    assert_eq!(delivered(&landing)[0]["data"]["path"], "a.dat");

    let again = notify(&landing, &["--json"], &[&path]);
    again.assert_code(0);
    let answer = again.json();
    assert_eq!((&answer["outcome"], &answer["state"]), (&"already".into(), &"delivered".into()), "{answer}");
    assert!(notify(&landing, &[], &[&path]).text().contains("known and unchanged"));
    assert_eq!(delivered(&landing).len(), 1);
}

/// Several paths at a time, each as the producer knows it.
#[test]
fn paths_may_be_relative_to_the_source_or_come_by_standard_input() {
    let landing = unheard();
    fs::create_dir_all(landing.root().join("d/e")).unwrap();
    let names = ["a.dat", "d/b.dat", "d/e/c.dat", "line.dat", "null.dat"];
    for name in names {
        fs::write(landing.root().join(name), name.as_bytes()).unwrap();
    }
    let below: Vec<&Path> = names[..3].iter().map(Path::new).collect();
    notify(&landing, &[], &below).assert_code(0);
    for (word, ended, name) in [("-", "\n", "in/line.dat"), ("-0", "\0", "in/null.dat")] {
        let input = landing.out("input");
        fs::write(&input, format!("{name}{ended}")).unwrap();
        let mut command = landing.command();
        command.args(["notify", word]).stdin(Stdio::from(fs::File::open(&input).unwrap()));
        // Not `Process::finish`: it gives no standard input.
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{word}: {}", String::from_utf8_lossy(&done.stderr));
    }
    wait_delivered(&landing, names.len());
    let mut paths: Vec<_> = delivered(&landing).iter().map(|event| event["data"]["path"].clone()).collect();
    paths.sort_by_key(ToString::to_string);
    assert_eq!(paths, names);
}

#[test]
fn an_open_writer_holds_it_back() {
    let landing = unheard();
    let path = landing.root().join("a.dat");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"half").unwrap();
    let done = notify(&landing, &["--json"], &[&path]);
    done.assert_code(0);
    let answer = done.json();
    assert_eq!(answer["reason"], "waiting.writer-open", "{answer}");
    assert!(delivered(&landing).is_empty());
    drop(file);
    wait_delivered(&landing, 1);
    assert_eq!(delivered(&landing)[0]["data"]["size"], 4);
}

#[test]
fn what_is_not_taken_is_told_with_the_reason_and_the_fix() {
    let landing = unheard();
    let log = landing.root().join("a.log");
    fs::write(&log, b"x").unwrap();
    let cases: [(&Path, i32, &str); 4] = [
        (&landing.root().join("absent.dat"), 4, "nothing lies at"),
        (&landing.out("staithe.toml"), 4, "no source covers"),
        (&log, 1, "rule \"all\" excludes it by \"*.log\""),
        (&landing.root(), 1, "is a directory"),
    ];
    for (path, code, said) in &cases {
        let done = notify(&landing, &[], &[path]);
        done.assert_code(*code);
        assert!(done.stderr.contains(said) && done.stderr.contains("Fix: "), "{}", done.stderr);
        assert_eq!(done.text(), "", "an error is no answer");
        let answer = notify(&landing, &["--json"], &[path]);
        answer.assert_code(*code);
        assert!(answer.json()["error"].as_str().unwrap().contains(said), "{answer:?}");
    }
    // The file that can be announced is, whatever becomes of the others.
    let good = landing.root().join("good.dat");
    fs::write(&good, b"x").unwrap();
    notify(&landing, &[], &[cases[0].0, &good, &log]).assert_code(1);
    wait_delivered(&landing, 1);
    landing.call(&["notify"]).assert_code(2);
}

#[test]
fn a_name_may_be_any_bytes_and_none_reaches_the_terminal_raw() {
    let landing = unheard();
    let name = OsString::from_vec(b"\xff\x1b[31m\nx".to_vec());
    let path = landing.root().join(&name);
    fs::write(&path, b"x").unwrap();
    let done = notify(&landing, &[], &[&path]);
    done.assert_code(0);
    wait_delivered(&landing, 1);
    assert_eq!(delivered(&landing)[0]["data"]["path_b64"], "/xtbMzFtCng=");
    fs::remove_file(&path).unwrap();
    let absent = notify(&landing, &[], &[&path]);
    absent.assert_code(4);
    let json = notify(&landing, &["--json"], &[&path]);
    for text in [done.text(), absent.stderr, json.text()] {
        assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
    }
    let asked = OsStr::from_bytes(b"\xff");
    notify(&landing, &[], &[Path::new(asked)]).assert_code(4);
}

/// The daemon in namespaces of its own, where its tree is a file system that nobody trusts: it is
/// polled, and the source's thread itself never looks into it.
fn on_an_unknown_file_system(landing: &Landing) -> Option<Process> {
    let program = env!("CARGO_BIN_EXE_staithe");
    let (root, config) = (landing.root(), landing.config());
    let script =
        format!("mount -t mqueue m {} && exec {program} run -c {}", root.display(), config.display());
    let mut command = std::process::Command::new("unshare");
    command.args(["-Urmi", "sh", "-c", &script]).env("STAITHE_STATE_DIR", landing.state_dir());
    let mut daemon = Process::spawn("run", &landing.out(""), &mut command);
    wait_until(STEP, "a start or a refusal", || !daemon.is_running() || daemon.stderr().contains("ready "));
    if daemon.is_running() {
        return Some(daemon);
    }
    println!("SKIPPED: no such file system can be mounted here: {}", daemon.stderr());
    None
}

/// Makes an empty file where the daemon sees the tree.
fn touch(daemon: &Process, path: &Path) {
    let id = daemon.id().to_string();
    let mut command = std::process::Command::new("nsenter");
    command.args(["-t", &id, "-U", "--preserve-credentials", "-m", "-i", "touch"]).arg(path);
    assert!(command.status().is_ok_and(|status| status.success()), "a file in the daemon's namespace");
}

#[test]
fn where_only_scanners_look_a_word_counts_as_the_close() {
    let landing = landing();
    let polled = "path = \"{in}\"\npoll_interval = \"1h\"\nrescan = \"0\"";
    let config = CONFIG.replace("path = \"{in}\"", polled);
    landing.configure(&config.replace("complete = \"local\"", "complete = { any = [\"closed\"] }"));
    let Some(daemon) = on_an_unknown_file_system(&landing) else { return };
    let path = landing.root().join("a");
    touch(&daemon, &path);
    let done = notify(&landing, &["--json"], &[&path]);
    done.assert_code(0);
    wait_delivered(&landing, 1);
    let event = &delivered(&landing)[0];
    assert_eq!(event["data"]["complete"]["signals"], serde_json::json!(["closed"]), "{event}");
    assert_eq!(notify(&landing, &["--json"], &[&path]).json()["outcome"], "already");
    assert_eq!(landing.explain(b"nothing")["state"], "seen");
}

/// A daemon that dies before the question is written leaves a broken pipe, which is no reader of ours that went away.
#[test]
fn a_daemon_that_dies_before_it_is_asked_has_promised_nothing() {
    let landing = landing();
    let socket = std::os::unix::net::UnixListener::bind(landing.state_dir().join("staithe.sock")).unwrap();
    let dying = std::thread::spawn(move || {
        // Each asks whether it is there, and comes again with its question.
        for connection in socket.incoming().take(40) {
            drop(connection);
        }
    });
    let path = landing.root().join("a.dat");
    fs::write(&path, b"hello").unwrap();
    for _ in 0..20 {
        notify(&landing, &["--json"], &[&path]).assert_code(3);
    }
    dying.join().unwrap();
}
