//! A configuration of many files, and files that it refers to.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::{Landing, Process, Scratch, wait_for, wait_until};

use crate::{STEP, standing};

fn source(landing: &Landing, name: &str) -> String {
    format!("[source.{name}]\npath = \"{}/{name}\"\n", landing.root().display())
}

/// Starts the daemon on a directory, with the flag instead of the key.
fn start(landing: &Landing, dir: &Path) -> Process {
    let mut command = landing.command();
    command.args(["run", "--watch-config", "-c"]).arg(dir);
    let mut daemon = Process::spawn("run", &landing.out(""), &mut command);
    daemon.wait_for_line("ready", STEP);
    daemon
}

#[track_caller]
fn wait_sources(landing: &Landing, expected: &[&str], applied: u64) {
    let times = wait_for(STEP, &format!("the sources {expected:?}"), || {
        let status = landing.status();
        let sources = status["sources"].as_array()?.iter().filter_map(|source| source["name"].as_str());
        sources.eq(expected.iter().copied()).then(|| status["config"]["applied"].as_u64())?
    });
    assert_eq!(times, applied);
}

#[test]
fn files_that_come_go_and_change_count() {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("reloading"));
    let dir = landing.out("conf.d");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("a.toml"), source(&landing, "a")).unwrap();
    let _daemon = start(&landing, &dir);
    wait_sources(&landing, &["a"], 0);
    fs::write(dir.join("b.toml"), source(&landing, "b")).unwrap();
    wait_sources(&landing, &["a", "b"], 1);
    // Neither is one of them.
    fs::write(dir.join(".c.toml"), source(&landing, "c")).unwrap();
    fs::write(dir.join("d.toml~"), "broken").unwrap();
    fs::remove_file(dir.join("a.toml")).unwrap();
    wait_sources(&landing, &["b"], 2);
    // A secret: nobody answers there, and that is no matter.
    let secret = landing.out("url");
    fs::write(&secret, "redis://127.0.0.1:1/0\n").unwrap();
    let sink = format!("[sink.r]\ntype = 'redis-list'\nkey = 'k'\nurl_file = '{}'\n", secret.display());
    fs::write(dir.join("sinks.toml"), sink).unwrap();
    wait_until(STEP, "the sink", || standing(&landing)["applied"] == 3);
    fs::write(&secret, "redis://127.0.0.1:1/1\n").unwrap();
    wait_until(STEP, "the new secret", || standing(&landing)["applied"] == 4);
    fs::write(&secret, "nonsense://\n").unwrap();
    wait_until(STEP, "the wrong secret", || standing(&landing)["last_error"] != Value::Null);
    assert_eq!(standing(&landing)["applied"], 4);
    fs::write(&secret, "redis://127.0.0.1:1/2\n").unwrap();
    wait_until(STEP, "the right secret", || standing(&landing)["applied"] == 5);
    assert_eq!(standing(&landing)["last_error"], Value::Null);
    wait_sources(&landing, &["b"], 5);
}
