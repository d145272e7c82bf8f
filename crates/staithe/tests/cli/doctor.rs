//! `doctor`: what stands in the way on this machine, each with its fix.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;
use testkit::{Finished, Landing, Process, wait_until};

use crate::{CONFIG, STEP, deliver, landing, running};

/// `staithe doctor --json` on the configuration.
fn doctor(landing: &Landing, words: &[&str]) -> Finished {
    let mut command = landing.command();
    command.args(["doctor", "--json", "-c"]).arg(landing.config()).args(words);
    Process::finish("doctor", &landing.out(""), &mut command, STEP)
}

/// The same after a preparation, in namespaces of its own that do not touch the machine.
fn elsewhere(landing: &Landing, unshare: &[&str], preparation: &str) -> Option<Finished> {
    let program = env!("CARGO_BIN_EXE_staithe");
    let config = landing.config();
    let prepared = landing.out("prepared");
    let script = format!(
        "set -e; {preparation}; : > {}; exec {program} doctor --json -c {}",
        prepared.display(),
        config.display()
    );
    let mut command = Command::new("unshare");
    command.args(unshare).args(["sh", "-c", &script]);
    command.env("STAITHE_STATE_DIR", landing.state_dir()).current_dir(landing.root());
    let done = Process::finish("doctor", &landing.out(""), &mut command, STEP);
    if prepared.exists() {
        return Some(done);
    }
    println!("SKIPPED: no such namespace here: {}", done.stderr);
    None
}

/// The findings with this code.
#[track_caller]
fn with_code(done: &Finished, code: &str) -> Vec<Value> {
    let all = done.json()["findings"].as_array().expect("findings are a list").clone();
    for finding in &all {
        let text = finding["text"].as_str().expect("each has a text");
        assert!(!text.is_empty() && finding["code"].is_string(), "{finding}");
        assert!(finding["ok"] == true || finding["fix"].is_string(), "each has its fix: {finding}");
    }
    all.into_iter().filter(|finding| finding["code"] == code).collect()
}

#[track_caller]
fn only(done: &Finished, code: &str) -> Value {
    let mut found = with_code(done, code);
    assert_eq!(found.len(), 1, "{code} in {}", done.text());
    found.remove(0)
}

#[track_caller]
fn says(finding: &Value, part: &str) {
    assert!(finding["text"].as_str().is_some_and(|text| text.contains(part)), "{part}: {finding}");
}

#[test]
fn looks_at_the_machine_and_the_configuration() {
    let landing = landing();
    landing.configure(CONFIG);
    let done = doctor(&landing, &[]);
    assert!(matches!(done.code, Some(0 | 5)), "{done:?}");
    for code in ["E-WATCH-LIMIT", "E-INOTIFY-INSTANCES", "W-OVERFLOW", "E-NOFILE", "E-FANOTIFY", "W-PERM"] {
        only(&done, code);
    }
    assert_eq!(with_code(&done, "E-SINK").len(), 2, "{}", done.text());
    says(&only(&done, "E-WATCH-LIMIT"), "1 watch needed");
    assert_eq!(only(&done, "W-PERM")["source"], "inbox");
    let well = done.json()["findings"].as_array().unwrap().iter().all(|finding| finding["ok"] == true);
    assert_eq!(done.code, Some(if well { 0 } else { 5 }), "{}", done.text());
    // The same for a person, and without a configuration.
    let text = landing.call(&["doctor"]).text();
    assert!(text.contains("note  I-CONFIG"), "{text}");
    assert!(text.contains("fs.inotify.max_user_watches") && text.contains("E-NOFILE"), "{text}");
    landing.call(&["doctor", "-c", "/nonexistent.toml"]).assert_code(2);
}

#[test]
fn a_source_that_is_not_there_and_a_sink_that_does_not_answer_are_told() {
    let landing = landing();
    let redis = "\"redis-list\"\nurl = \"redis://127.0.0.1:1\"\nkey = \"k\"";
    landing.configure(&CONFIG.replace("{in}", "{in}/later").replace("\"queue\"", redis));
    let done = doctor(&landing, &[]);
    done.assert_code(5);
    assert_eq!(only(&done, "E-ROOT")["ok"], false);
    let refused = with_code(&done, "E-SINK");
    assert!(refused.iter().any(|finding| finding["ok"] == false), "{}", done.text());
}

#[test]
fn too_few_watches_are_told_with_the_number_that_is_needed() {
    let landing = landing();
    landing.configure(CONFIG);
    for number in 0..1000 {
        fs::create_dir(landing.root().join(format!("d{number}"))).unwrap();
    }
    let limit = "echo 100 > /proc/sys/user/max_inotify_watches";
    let Some(done) = elsewhere(&landing, &["-Ur"], limit) else { return };
    done.assert_code(5);
    let found = only(&done, "E-WATCH-LIMIT");
    assert_eq!(found["ok"], false);
    says(&found, "max_inotify_watches = 100; 1 001 watches needed");
    let fix = found["fix"].as_str().unwrap();
    assert!(fix.contains("sysctl -w user.max_inotify_watches="), "{fix}");
}

#[test]
fn directories_that_every_rule_excludes_need_no_watch() {
    let landing = landing();
    landing.configure(&CONFIG.replace("include = [\"*\"]", "include = [\"*\"]\nexclude = [\"no\"]"));
    fs::create_dir_all(landing.root().join("no/a/b/c")).unwrap();
    fs::create_dir_all(landing.root().join("yes/a")).unwrap();
    says(&only(&doctor(&landing, &[]), "E-WATCH-LIMIT"), "; 3 watches needed");
}

/// Also root can read it no more when it has given up its rights.
#[test]
fn what_cannot_be_read_is_named() {
    let landing = landing();
    landing.configure(CONFIG);
    let private = landing.root().join("x/private");
    fs::create_dir_all(private.join("deep")).unwrap();
    // Its names can be listed, and none of them looked up.
    let listed = landing.root().join("x/listed");
    fs::create_dir(&listed).unwrap();
    let modes = |of_private, of_listed| {
        fs::set_permissions(&private, fs::Permissions::from_mode(of_private)).unwrap();
        fs::set_permissions(&listed, fs::Permissions::from_mode(of_listed)).unwrap();
    };
    modes(0o000, 0o444);
    let done = elsewhere(&landing, &["-U"], "true");
    modes(0o755, 0o755);
    let Some(done) = done else { return };
    done.assert_code(5);
    let found = only(&done, "W-PERM");
    assert_eq!(found["ok"], false);
    says(&found, "2 of 4 directories");
    says(&found, "x/private");
    says(&found, "x/listed");
}

#[test]
fn a_canary_is_heard_of_and_leaves_nothing_behind() {
    let landing = running();
    let done = doctor(&landing, &["--canary"]);
    let heard = only(&done, "W-CANARY");
    assert_eq!(heard["ok"], true, "{heard}");
    says(&heard, "a file was heard of");
    assert_eq!(only(&done, "W-CLOCK")["ok"], true, "{}", done.text());
    assert_eq!(fs::read_dir(landing.root()).unwrap().count(), 0, "something was left behind");
    deliver(&landing, &["a.dat"]);
    let lines = fs::read_to_string(landing.out("events.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 1, "the canary was announced: {lines}");
    // Without permission none is made; with the source's own, it is.
    assert!(with_code(&doctor(&landing, &[]), "W-CANARY").is_empty());
    landing.configure(&CONFIG.replace("path = \"{in}\"", "path = \"{in}\"\ncanary = true"));
    only(&doctor(&landing, &[]), "W-CANARY");
}

#[test]
fn an_overlay_is_heard_of_partly() {
    let landing = landing();
    landing.configure(CONFIG);
    let root = landing.root();
    let mount = "mount -t tmpfs t . && cd \"$PWD\" && mkdir l u w m && \
                 mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m";
    let Some(done) = elsewhere(&landing, &["-Urm"], mount) else { return };
    let found = only(&done, "W-PARTLY");
    assert_eq!(found["ok"], true, "it is watched and polled");
    says(&found, "partly");
    says(&found, root.join("m").to_str().unwrap());
}

/// As `PrivateTmp=yes` does: another directory lies at the path than everybody else sees.
#[test]
fn a_mount_that_only_the_service_has_is_told() {
    let landing = landing();
    landing.configure(CONFIG);
    let Some(done) = elsewhere(&landing, &["-m"], "mount -t tmpfs t .") else { return };
    if done.text().contains("/proc/1/mountinfo is for root only") {
        return println!("SKIPPED: the table of process 1 cannot be read: {}", done.text());
    }
    let found = only(&done, "E-HIDDEN-MOUNT");
    assert_eq!(found["ok"], false);
    says(&found, "sees another directory at");
    done.assert_code(5);
}

/// The same with a running daemon, which alone has the mount.
#[test]
fn a_daemon_that_sees_another_directory_is_told() {
    let landing = landing();
    landing.configure(CONFIG);
    let program = env!("CARGO_BIN_EXE_staithe");
    let (root, config) = (landing.root(), landing.config());
    let script = format!("mount -t tmpfs t {} && exec {program} run -c {}", root.display(), config.display());
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).env("STAITHE_STATE_DIR", landing.state_dir());
    let mut daemon = Process::spawn("run", &landing.out(""), &mut command);
    wait_until(STEP, "a start or a refusal", || !daemon.is_running() || daemon.stderr().contains("ready "));
    if !daemon.is_running() {
        return println!("SKIPPED: no such namespace here: {}", daemon.stderr());
    }
    let found = only(&doctor(&landing, &[]), "E-HIDDEN-MOUNT");
    assert_eq!(found["ok"], false);
    says(&found, &format!("the daemon (process {}) sees another directory", daemon.id()));
    // The scratch folder lies in /tmp, unless told otherwise.
    if root.starts_with("/tmp") {
        says(&found, "PrivateTmp");
    }
}

/// What the daemon holds is not held against it, and it is the daemon that is judged.
#[test]
fn a_running_daemon_is_found() {
    let mut landing = running();
    let daemon = landing.daemon().id().to_string();
    let done = doctor(&landing, &[]);
    says(&only(&done, "E-NOFILE"), &format!("the daemon (process {daemon})"));
    says(&only(&done, "E-WATCH-LIMIT"), "1 watch needed");
    assert!(!only(&done, "E-WATCH-LIMIT")["text"].as_str().unwrap().contains(&format!("[{daemon}]")));
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let landing = landing();
    landing.configure(CONFIG);
    let private = landing.root().join("\u{1b}[31m\n");
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, fs::Permissions::from_mode(0o000)).unwrap();
    let program = env!("CARGO_BIN_EXE_staithe");
    let mut command = Command::new("unshare");
    command.args(["-U", program, "doctor", "-c"]).arg(landing.config());
    let done = Process::finish("doctor", &landing.out(""), &mut command, STEP);
    fs::set_permissions(&private, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(!done.text().contains('\u{1b}') && !done.stderr.contains('\u{1b}'), "{done:?}");
}
