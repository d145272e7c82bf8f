//! What is wrong with one watch is that one's: told in the old words, shown, and nobody else's trouble.

use std::fs;

use testkit::{Process, wait_until};

use crate::stage::{PATIENCE, Stage, said, scribe, stop};

fn sink<'a>(status: &'a serde_json::Value, end: &str) -> &'a serde_json::Value {
    let sinks = status["sinks"].as_array().expect("there are sinks");
    let found = sinks.iter().find(|sink| sink["name"].as_str().is_some_and(|name| name.contains(end)));
    found.unwrap_or_else(|| panic!("no {end} in {status}"))
}

/// Acceptance 21 beside other ways of being bad.
#[test]
fn bad_watches_are_failed_and_the_good_one_works() {
    let stage = Stage::new();
    let text = format!(
        "[watches]\n{}[[v]]\n[[w9]]\nplugins = scribe\nscribe_log = out/w9.log\n[[plugins]]\nplugins = nosuch, \
         replica, scribe\nscribe_log = out/p.log\n",
        scribe("w", "out/w.log")
    );
    stage.write("iobserverrc", &text);
    let mut process = stage.start();
    let path = |name: &str| stage.at(name).display().to_string();
    for wanted in [
        format!("Watch {}: Missing 'plugins' section in configuration.", path("v")),
        "Required plugin 'nosuch' is missing.".to_owned(),
        format!(
            "Watch: {}: Plugin 'replica' reported error: Missing replica_destination directive.",
            path("plugins")
        ),
        format!("Error watching {}. Maybe file or directory don't exist?", path("w9")),
    ] {
        assert_eq!(said(&process, &wanted), 1, "{wanted}\n{}", process.stderr());
    }
    stage.write("w/a", "x");
    stage.wait_logged("out/w.log", "file 'a' was CREATED");
    stage.write("plugins/b", "x");
    stage.wait_logged("out/p.log", "file 'b' was CREATED");
    let status = stage.status();
    for (name, text) in [
        ("watch-v-", "Missing 'plugins'"),
        ("-nosuch", "'nosuch' is missing"),
        ("-replica", "Missing replica_"),
    ] {
        let sink = sink(&status, name);
        assert_eq!(sink["state"], "failed", "{sink}");
        assert!(sink["last_error"].as_str().is_some_and(|error| error.contains(text)), "{sink}");
    }
    assert_eq!(status["config"]["failed"].as_array().map(Vec::len), Some(3), "{status}");
    let sources = status["sources"].as_array().expect("there are sources");
    let absent = sources.iter().find(|source| source["path"] == path("w9")).expect("it is shown");
    assert_eq!(absent["state"], "absent", "{absent}");
    fs::create_dir(stage.at("w9")).expect("the folder takes one more");
    stage.wait_logged("out/w9.log", "WATCH STARTED");
    stop(&mut process);
}

/// Acceptance 8, as far as it is the configuration's: refused, nothing deleted, and adopted when it says so.
#[test]
fn a_second_tree_with_something_in_it_is_adopted_only_when_that_is_said() {
    let stage = Stage::new();
    let _made = stage.scratch.folder("m");
    stage.write("m/stale", "of somebody else");
    stage.write("v/new", "x");
    let text = |adopt: &str| {
        let scribe = scribe("w", "out/w.log");
        let global = "[global]\nwatch_config = 1\n[watches]\n";
        format!(
            "{global}{scribe}[[v]]\nplugins = replica\nreplica_destination = m\nreplica_adopt = {adopt}\n"
        )
    };
    stage.write("iobserverrc", &text("no"));
    let mut process = stage.start();
    let words = format!("Watch: {}: Plugin 'replica' reported error: ", stage.at("v").display());
    process.wait_for_line(&words, PATIENCE);
    wait_until(PATIENCE, "the sink to be failed", || sink(&stage.status(), "-replica")["state"] == "failed");
    stage.write("w/a", "x");
    stage.wait_logged("out/w.log", "file 'a' was CREATED");
    assert_eq!(stage.text("m/stale"), "of somebody else");
    stage.write("iobserverrc", &text("yes"));
    wait_until(PATIENCE, "the second tree to be equal", || {
        stage.text("m/new") == "x" && !stage.at("m/stale").exists()
    });
    assert_eq!(said(&process, &words), 1, "a trouble is told once: {}", process.stderr());
    stop(&mut process);
}

#[test]
fn two_names_of_one_place_are_told_of_and_the_last_counts() {
    let stage = Stage::new();
    std::os::unix::fs::symlink("w", stage.at("link")).expect("the folder takes a link");
    let text = format!("[watches]\n{}{}", scribe("w", "out/1"), scribe("link", "out/2"));
    stage.write("iobserverrc", &text);
    let mut process = stage.start();
    assert_eq!(said(&process, "warning: iobserverrc:2: [[w]] is left out"), 1, "{}", process.stderr());
    stage.wait_logged("out/2", &format!("scribe: {}: WATCH STARTED", stage.at("w").display()));
    assert!(!stage.at("out/1").exists());
    stop(&mut process);
}

/// Where it keeps its state is found by the configuration's path; two configurations do not meet.
#[test]
fn each_configuration_has_its_own_state() {
    let stage = Stage::new();
    stage.write("iobserverrc", &format!("[watches]\n{}", scribe("w", "out/1")));
    stage.write("other", &format!("[watches]\n{}", scribe("w", "out/2")));
    let mut first = stage.start();
    let mut command = stage.command(crate::stage::BINARY.as_ref(), &["compat", "iobserver", "other"]);
    let mut second = Process::spawn("other", &stage.at("out"), &mut command);
    second.wait_for_line("ready", PATIENCE);
    stage.write("w/a", "x");
    stage.wait_logged("out/1", "file 'a' was CREATED");
    stage.wait_logged("out/2", "file 'a' was CREATED");
    assert_eq!(fs::read_dir(stage.at("state/compat")).expect("it was made").count(), 2);
    stop(&mut first);
    stop(&mut second);
}
