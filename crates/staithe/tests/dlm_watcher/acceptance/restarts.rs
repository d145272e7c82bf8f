//! Scenarios 36 to 38, 40, 41 and 46: what is there at the start, and what an end leaves.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testkit::dlm::{Dlm, Fault};
use testkit::{Scratch, wait_until};

use crate::exact::{all, child, copy, reg_file, top};
use crate::stage::{BINARY, PATIENCE, SOURCE, Stage};

const SHORT: &str = "--dir-updates-wait-time=1";
const STATUS: &str = ".directory_watcher_status.run";

fn old_things(stage: &Stage) {
    for name in ["old.dat", ".hid", STATUS, "backup~"] {
        stage.write(name, "x");
    }
    stage.write(".hiddir/in", "x");
    stage.write("olddir/a", "x");
}

fn asked(stage: &Stage) -> Vec<String> {
    stage.products().into_keys().filter(|name| !name.is_empty()).collect()
}

#[test]
fn s36_what_is_there_counts_only_when_asked_for_and_then_all_of_it() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let stage = Stage::new();
            old_things(&stage);
            let mut watcher = stage.start_ready(&[SHORT]);
            stage.write("new.dat", "x");
            stage.wait_steps("new.dat", &["REG new.dat", "COPY new.dat"]);
            assert_eq!(asked(&stage), ["new.dat"]);
            assert_eq!(watcher.terminate(), Some(0));
        });
        scope.spawn(|| {
            let stage = Stage::new();
            old_things(&stage);
            let mut watcher = stage.start_ready(&[SHORT, "--include-existing"]);
            stage.wait_answered("copy_data_item", 6);
            stage.wait_answered("init_data_item", 2);
            for name in [".hid", "backup~", STATUS, "old.dat"] {
                assert_eq!(stage.lines(name), [reg_file(name, 1), copy(name)]);
            }
            for (name, inner) in [(".hiddir", ".hiddir/in"), ("olddir", "olddir/a")] {
                assert_eq!(stage.lines(name), all([top(name, ""), child(inner, 1)]));
            }
            assert_eq!(asked(&stage).len(), 6);
            assert_eq!(watcher.terminate(), Some(0));
        });
        // Readiness after the last of them [E02] is kept for strict mode: here a product that is still being filled, or
        // a service that is down, would keep a watcher that does its work from ever being ready.
        scope.spawn(|| {
            let stage = Stage::new();
            old_things(&stage);
            let mut watcher = stage.start_ready(&["--dlm-strict", "--include-existing"]);
            assert_eq!(asked(&stage).len(), 6);
            assert_eq!(stage.dlm.answered("copy_data_item"), 8);
            assert_eq!(watcher.terminate(), Some(0));
        });
    });
}

/// The original: registers it again, is told that it is there, and never copies it if it was not copied [E03].
#[test]
fn s37_after_a_restart_nothing_is_asked_about_what_is_done() {
    let stage = Stage::new();
    stage.write("keep.dat", "1234");
    let words = &[SHORT, "--include-existing"];
    let mut watcher = stage.start_ready(words);
    stage.wait_steps("keep.dat", &["REG keep.dat", "COPY keep.dat"]);
    wait_until(PATIENCE, "it to be recorded", || stage.status()["counts"]["delivered"] == 1);
    assert_eq!(watcher.terminate(), Some(0));
    let mut watcher = stage.start_ready(words);
    stage.write("next.dat", "x");
    stage.wait_steps("next.dat", &["REG next.dat", "COPY next.dat"]);
    assert_eq!(stage.lines("keep.dat"), [reg_file("keep.dat", 4), copy("keep.dat")]);
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: never [X07].
#[test]
fn s38_what_comes_while_the_existing_is_registered_is_registered_too() {
    let stage = Stage::new();
    stage.write("old.dat", "x");
    stage.dlm.inject(Fault::late(Duration::from_secs(2)).item("old.dat"));
    let mut watcher = stage.start_ready(&[SHORT, "--include-existing"]);
    stage.dlm.wait_until(PATIENCE, "the first registration", |dlm| dlm.count("register_data_item") == 1);
    assert_eq!(stage.dlm.answered("register_data_item"), 0);
    stage.write("new.dat", "12");
    for (name, size) in [("old.dat", 1), ("new.dat", 2)] {
        stage.wait_steps(name, &[&format!("REG {name}"), &format!("COPY {name}")]);
        assert_eq!(stage.lines(name), [reg_file(name, size), copy(name)]);
    }
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: first does all six, however long that takes [F30].
#[test]
fn s40_six_pending_at_sigterm_are_left_for_the_next_start() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[]);
    // The first is done, and only its answer does not come.
    stage.dlm.inject(Fault::hang().at("register_data_item").item("f1").after_acting());
    stage.dlm.inject(Fault::hang().at("register_data_item"));
    for name in ["f1", "f2", "f3", "f4", "f5", "f6"] {
        fs::write(stage.beside().join(name), name).expect("it takes files");
        fs::rename(stage.beside().join(name), stage.watched().join(name))
            .expect("both are on one file system");
    }
    stage.dlm.wait_until(PATIENCE, "a registration", |dlm| dlm.count("register_data_item") > 0);
    let begun = Instant::now();
    assert_eq!(watcher.terminate(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(stage.dlm.answered("register_data_item"), 0);
    stage.dlm.clear_faults();
    let mut watcher = stage.start_ready(&[]);
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original: the rest of the batch is lost [F31].
#[test]
fn s41_after_sigkill_the_rest_is_done_and_nothing_twice() {
    let stage = Stage::new();
    let mut watcher = stage.start_ready(&[SHORT]);
    let rest = |request: &testkit::dlm::Received| !matches!(request.item_name.as_deref(), Some("f1" | "f2"));
    stage.dlm.inject(Fault::hang().at("register_data_item").when(rest));
    for name in ["f1", "f2", "f3", "f4", "f5", "f6"] {
        stage.write(name, name);
    }
    stage.wait_answered("copy_data_item", 2);
    watcher.kill();
    stage.dlm.clear_faults();
    let mut watcher = stage.start_ready(&[SHORT]);
    stage.wait_all_there();
    stage.wait_idle();
    stage.assert_each_once();
    assert_eq!(watcher.terminate(), Some(0));
}

/// The original lists the first child, too, as it copies it; that is so in strict mode.
#[test]
fn s46_the_status_file_lists_what_was_copied() {
    for strict in [false, true] {
        // Its place is the same for all watchers of a machine, so this one gets a machine of its own: with another /tmp.
        let stage = Stage { dlm: Dlm::with_usual_state(), scratch: Scratch::in_memory("dlm-watcher") };
        for folder in ["w", "beside", "home", "state", "logs", "tmp"] {
            let _made = stage.scratch.folder(folder);
        }
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.args(["-U", "-r"]);
        }
        command
            // The program may lie below /tmp itself, where it is out of sight after the mount.
            .args([
                "-m",
                "sh",
                "-c",
                "exec 9<\"$1\" && shift && mount --bind \"$0\" /tmp && exec /proc/self/fd/9 \"$@\"",
            ])
            .arg(stage.scratch.path().join("tmp"));
        command.arg(BINARY).args(["compat", "dlm-watcher"]);
        command.env_clear().env("HOME", stage.home()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.arg("-d").arg(stage.watched()).args(["-s", SOURCE]).args(stage.usual_flags());
        if strict {
            command.arg("--dlm-strict");
        }
        let mut watcher = stage.spawn(&mut command);
        wait_until(PATIENCE, "the watcher to be ready or refused", || {
            stage.is_ready() || !watcher.is_running()
        });
        if !watcher.is_running() && watcher.process.stderr().contains("unshare") {
            eprintln!("SKIPPED: no mount namespaces here: {}", watcher.process.stderr());
            return;
        }
        stage.move_in("dp", &[("c1", "1"), ("c2", "2"), ("ska-data-product.yaml", "x: 1\n")]);
        stage.wait_answered("init_data_item", if strict { 1 } else { 2 });
        let file = stage.scratch.path().join("tmp/dlm_entires.json");
        let read = || fs::read_to_string(&file).ok();
        wait_until(PATIENCE, "the status file", || read().is_some());
        assert_eq!(watcher.terminate(), Some(0));
        let text = read().expect("it was there");
        let first = stage.dlm.items_on(SOURCE)[1].item_name.clone().expect("it has a name");
        let names: Vec<&str> = if strict { vec!["dp", &first] } else { vec!["dp"] };
        check(&stage, &text, &names);
        let left: Vec<_> =
            fs::read_dir(stage.scratch.path().join("tmp")).expect("it is there").flatten().collect();
        assert_eq!(left.len(), 1, "nothing else is left there: {left:?}");
    }
}

/// Each key, its order and the indentation as the original writes them.
fn check(stage: &Stage, text: &str, names: &[&str]) {
    let entries: Vec<Value> = serde_json::from_str(text).expect("it is JSON");
    assert_eq!(entries.len(), names.len(), "{text}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs_f64();
    let rows = stage.dlm.items_on(SOURCE);
    let written = entries.iter().zip(names).map(|(entry, name)| {
        let row = rows.iter().find(|item| item.item_name.as_deref() == Some(name)).expect("it was registered");
        let seconds = entry["time_registered"].as_f64().expect("seconds");
        assert!((now - seconds).abs() < 60.0, "{seconds}");
        format!(
            "\n    {{\n        \"file_or_directory\": \"{name}\",\n        \"dlm_storage_name\": null,\n        \
             \"dlm_registration_id\": \"{}\",\n        \"time_registered\": {seconds:.6}\n    }}",
            row.uid
        )
    });
    assert_eq!(text, format!("[{}\n]", written.collect::<Vec<_>>().join(",")));
}
