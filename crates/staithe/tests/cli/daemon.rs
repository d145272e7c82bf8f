//! `run`, `status`, `ls`, `tail`, `rescan`, `reload`, `pause`, `resume`.

use std::fs;

use serde_json::Value;
use testkit::{Landing, Process, Signal, wait_until};

use crate::{CONFIG, STEP, deliver, landing, running};

#[test]
fn without_a_daemon_every_client_says_so() {
    let landing = landing();
    let clients: &[&[&str]] = &[
        &["status"],
        &["ls"],
        &["explain", "/x"],
        &["notify", "/x"],
        &["tail"],
        &["consume", "--max", "1"],
        &["ack", "00000000000000000000000000000000"],
        &["dead", "list"],
        &["rescan"],
        &["reload"],
        &["pause", "lines"],
        &["resume", "lines"],
    ];
    for words in clients {
        let done = landing.call(words);
        assert_eq!(done.code, Some(3), "{words:?}: {}", done.stderr);
        assert!(!done.stderr.is_empty(), "{words:?} must say what to do");
    }
}

/// Each member that the contract names, and the conservation law.
#[track_caller]
fn assert_status(status: &Value) {
    for member in ["state", "ready", "version", "counts", "sources", "sinks"] {
        assert!(status.get(member).is_some(), "no {member} in {status}");
    }
    let source =
        ["name", "path", "backend", "filesystem", "state", "watches", "unwatched", "overflows", "gaps_open"];
    for member in source.iter().chain(&["found_by_scan_only", "last_scan"]) {
        assert!(status["sources"][0].get(member).is_some(), "no {member} in {status}");
    }
    for member in
        ["name", "type", "state", "queued", "in_flight", "delivered", "dead", "oldest_s", "last_error"]
    {
        assert!(status["sinks"][0].get(member).is_some(), "no {member} in {status}");
    }
    let counts = status["counts"].as_object().expect("counts are an object");
    let others: u64 =
        counts.iter().filter(|(name, _)| *name != "seen").filter_map(|(_, count)| count.as_u64()).sum();
    assert_eq!(counts["seen"].as_u64(), Some(others), "{status}");
}

#[test]
fn status_shows_how_it_stands() {
    let landing = running();
    deliver(&landing, &["a.dat", "b.dat", "c.part"]);
    let status = landing.status();
    assert_status(&status);
    assert_eq!((&status["state"], &status["ready"]), (&"ok".into(), &true.into()), "{status}");
    assert_eq!(status["counts"]["delivered"], 2, "{status}");
    assert_eq!(status["sources"][0]["state"], "ok", "{status}");
    let people = landing.call(&["status"]);
    people.assert_code(0);
    for word in ["inbox", "lines", "local"] {
        assert!(people.text().contains(word), "{}", people.text());
    }
}

#[test]
fn an_absent_tree_is_degraded_and_picked_up_when_it_comes() {
    let mut landing = landing();
    landing.configure(&CONFIG.replace("{in}", "{in}/later"));
    landing.start();
    let status = landing.status();
    assert_eq!(status["sources"][0]["state"], "absent", "{status}");
    landing.call(&["status"]).assert_code(5);
    let tree = landing.root().join("later");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("first.dat"), b"x").unwrap();
    wait_until(STEP, "the file in the tree that came", || {
        fs::read_to_string(landing.out("events.jsonl")).is_ok_and(|lines| lines.contains("first.dat"))
    });
    wait_until(STEP, "all to be well", || landing.call(&["status"]).code == Some(0));
}

#[test]
fn ls_lists_all_units_and_those_of_one_state() {
    let landing = running();
    let names: Vec<String> = (0..300).map(|number| format!("n{number:03}.dat")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    deliver(&landing, &names);
    let text = landing.call(&["ls"]).text();
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    let listed = landing.call(&["ls", "--state", "delivered", "--json"]);
    listed.assert_code(0);
    assert!(names.iter().all(|name| listed.text().contains(name)));
    assert!(!landing.call(&["ls", "--state", "dead"]).text().contains("n000.dat"));
    landing.call(&["ls", "--state", "flying"]).assert_code(2);
}

#[test]
fn tail_follows_live_events() {
    let landing = running();
    deliver(&landing, &["before.dat"]);
    let mut command = landing.command();
    command.args(["tail", "--json"]);
    let tail = Process::spawn("tail", &landing.out(""), &mut command);
    let mut number = 0;
    // How soon the tail is connected cannot be seen from outside, so there is always one more file.
    wait_until(STEP, "a live event", || {
        number += 1;
        fs::write(landing.root().join(format!("live{number}.dat")), b"x").unwrap();
        String::from_utf8_lossy(&tail.stdout()).contains("live")
    });
    let text = String::from_utf8_lossy(&tail.stdout()).into_owned();
    assert!(!text.contains("before.dat"), "{text}");
    let first = text.lines().next().unwrap();
    assert!(serde_json::from_str::<Value>(first).is_ok(), "{first}");
}

#[test]
fn a_second_daemon_on_the_same_state_directory_is_refused() {
    let mut landing = running();
    let first = landing.daemon().id().to_string();
    let mut command = landing.command();
    command.args(["run", "-c"]).arg(landing.config());
    let second = Process::finish("second", &landing.out(""), &mut command, STEP);
    second.assert_code(1);
    assert!(
        second.stderr.contains(&first),
        "it names the process that holds the directory: {}",
        second.stderr
    );
    landing.call(&["status"]).assert_code(0);
}

#[test]
fn a_bad_configuration_does_not_start() {
    let landing = landing();
    landing.configure("[source.inbox]\npath = 3\n");
    let config = landing.config();
    landing.call(&["run", "-c", config.to_str().unwrap()]).assert_code(2);
    landing.call(&["run", "-c", "/nonexistent.toml"]).assert_code(2);
}

/// Adds a second line file to the running configuration, by command and by signal.
#[test]
fn reload_takes_a_good_file_and_refuses_a_bad_one_whole() {
    let mut landing = running();
    deliver(&landing, &["one.dat"]);
    landing.configure(&CONFIG.replace("complete = \"local\"", "complete = \"lokal\""));
    landing.call(&["reload"]).assert_code(2);
    deliver(&landing, &["two.dat"]);

    let more = CONFIG.replace("to = [\"lines\"", "to = [\"more\", \"lines\"")
        + "\n[sink.more]\ntype = \"jsonl\"\npath = \"{out}/more.jsonl\"\n";
    landing.configure(&more);
    landing.call(&["reload"]).assert_code(0);
    deliver(&landing, &["three.dat"]);
    let lines = fs::read_to_string(landing.out("more.jsonl")).unwrap();
    assert!(lines.contains("three.dat"), "{lines}");

    landing.configure(CONFIG);
    landing.daemon().signal(Signal::HUP);
    wait_until(STEP, "the second line file to be gone from the status", || {
        landing.status()["sinks"].as_array().is_some_and(|sinks| sinks.len() == 2)
    });
    deliver(&landing, &["four.dat"]);
    let lines = fs::read_to_string(landing.out("events.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 4, "{lines}");
}

fn sink_state(landing: &Landing, name: &str) -> Value {
    let status = landing.status();
    let sinks = status["sinks"].as_array().expect("sinks are a list");
    sinks.iter().find(|sink| sink["name"] == name).expect("the sink is listed")["state"].clone()
}

#[test]
fn a_paused_sink_waits_and_a_resumed_one_goes_on() {
    let landing = running();
    landing.call(&["pause", "lines"]).assert_code(0);
    assert_eq!(sink_state(&landing, "lines"), "paused");
    let path = landing.root().join("a.dat");
    fs::write(&path, b"x").unwrap();
    wait_until(STEP, "the pause to be the reason", || {
        let done = landing.call(&["explain", path.to_str().unwrap(), "--json"]);
        done.code == Some(0) && done.json()["reason"] == "blocked.paused"
    });
    assert!(!fs::read_to_string(landing.out("events.jsonl")).unwrap_or_default().contains("a.dat"));
    landing.call(&["resume", "lines"]).assert_code(0);
    landing.wait_idle(1, STEP);
    assert!(fs::read_to_string(landing.out("events.jsonl")).unwrap().contains("a.dat"));
    let unknown = landing.call(&["pause", "linse"]);
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.stderr.contains("lines"), "{}", unknown.stderr);
}

#[test]
fn rescan_looks_again_and_repeats_nothing() {
    let landing = running();
    deliver(&landing, &["a.dat", "b.dat"]);
    landing.call(&["rescan"]).assert_code(0);
    landing.call(&["rescan", "inbox"]).assert_code(0);
    deliver(&landing, &["c.dat"]);
    let lines = fs::read_to_string(landing.out("events.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

#[test]
fn without_dead_letters_the_list_is_empty_and_nothing_is_purged_by_mistake() {
    let landing = running();
    deliver(&landing, &["a.dat"]);
    for words in [&["dead", "list"][..], &["dead", "list", "--json"], &["dead", "show", "--sink", "lines"]] {
        let done = landing.call(words);
        done.assert_code(0);
        assert_eq!(done.text(), "", "{words:?}");
    }
    landing.call(&["dead", "retry"]).assert_code(0);
    landing.call(&["dead", "purge"]).assert_code(2);
    landing.call(&["dead", "purge", "--all"]).assert_code(0);
}

/// In text form, too, an event is called what it is.
#[test]
fn tail_and_ls_tell_generations_and_removals_from_arrivals() {
    let mut landing = landing();
    landing.configure(&CONFIG.replace("name = \"all\"", "name = \"all\"\n    removed = true"));
    landing.start();
    let mut command = landing.command();
    command.arg("tail");
    let tail = Process::spawn("tail", &landing.out(""), &mut command);
    let says = |words: &str| String::from_utf8_lossy(&tail.stdout()).contains(words);
    let mut number = 0;
    wait_until(STEP, "the tail to show something", || {
        number += 1;
        fs::write(landing.root().join(format!("{number}.early")), b"x").expect("the tree takes files");
        says("  complete  inbox  ")
    });
    let path = landing.root().join("a.dat");
    fs::write(&path, b"x").expect("the tree takes files");
    wait_until(STEP, "the arrival", || says("  complete  inbox  a.dat  1 B  ("));
    fs::write(&path, b"xyz").expect("the tree takes files");
    wait_until(STEP, "the second generation", || says("  complete  inbox  a.dat  3 B  generation 2  ("));
    fs::remove_file(&path).expect("it is there");
    wait_until(STEP, "the removal", || says("  removed  inbox  a.dat  3 B  generation 2\n"));
    wait_until(STEP, "the removal's row", || {
        let rows = landing.call(&["ls"]).text();
        rows.contains("  inbox         a.dat  generation 2\n")
            && rows.contains("  inbox         a.dat  removed  generation 2\n")
    });
}
