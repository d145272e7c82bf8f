//! Scenarios 9 to 15: starting, stopping, pid files and logs.

use std::fs;
use std::process::{Command, Stdio};

use testkit::wait_until;

use crate::watcher::{PATIENCE, Watcher, is_alive, shown};

const FLAGS: &[&str] = &["--quiet", "300ms"];

#[test]
fn s09_a_start_returns_when_it_is_ready_and_a_second_one_names_the_first() {
    let watcher = Watcher::new(FLAGS);
    let started = watcher.call("start");
    started.assert_code(0);
    let said = started.text();
    assert!(said.contains("Dicom watching has been started."), "{said}");
    assert!(said.contains(&format!("pid file set to {}", watcher.pid_file().display())), "{said}");
    let pid = watcher.pid();
    assert!(is_alive(pid));
    // It was ready: what comes without any wait is told.
    watcher.mkdir("at-once.tmp");
    watcher.assert_lines(0, &["LOG 1|CREATE EVENT: D/at-once.tmp", "LOG 2|NOTFINISHED: D/at-once.tmp"]);
    let second = watcher.call("start");
    second.assert_code(1);
    assert!(second.stderr.contains(&pid.to_string()), "{second:?}");
    assert!(is_alive(pid) && watcher.pid() == pid);
    watcher.deliver("after");
    watcher.assert_tasks(&["D/after"]);
    watcher.stop();
}

#[test]
fn s10_a_stale_pid_file_is_taken_over_whoever_has_its_number_now() {
    let watcher = Watcher::new(FLAGS);
    // Greater than any process id of a 64-bit kernel.
    fs::write(watcher.pid_file(), "4194305\n").expect("it takes files");
    watcher.start();
    assert!(is_alive(watcher.pid()));
    watcher.stop();
    let mut other = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("it starts");
    fs::write(watcher.pid_file(), format!("{}\n", other.id())).expect("it takes files");
    watcher.start();
    assert!(watcher.pid() != other.id() && is_alive(watcher.pid()));
    watcher.stop();
    assert!(other.try_wait().expect("it is ours").is_none(), "the other program is unharmed");
    other.kill().expect("it is ours");
    other.wait().expect("it is ours");
}

#[test]
fn s11_a_stop_ends_it_keeps_its_logs_and_a_second_one_says_so() {
    let watcher = Watcher::started(FLAGS);
    watcher.deliver("one");
    watcher.assert_tasks(&["D/one"]);
    let pid = watcher.pid();
    let stopped = watcher.call("stop");
    stopped.assert_code(0);
    assert!(stopped.text().contains("Dicom watching has been stopped."), "{stopped:?}");
    assert!(!is_alive(pid) && !watcher.pid_file().exists());
    assert!(watcher.lines().contains(&"LOG 2|FINISHED: D/one".to_owned()));
    let again = watcher.call("stop");
    again.assert_code(1);
    let wanted = format!("No pid file exists at {}.", watcher.pid_file().display());
    assert!(again.stderr.contains(&wanted), "{again:?}");
}

#[test]
fn s12_what_is_renamed_between_stop_and_start_is_one_task() {
    let watcher = Watcher::started(FLAGS);
    watcher.mkdir("waits.tmp1");
    let first = watcher.pid();
    watcher.stop();
    watcher.rename("waits.tmp1", "between");
    watcher.start();
    assert_ne!(watcher.pid(), first);
    watcher.assert_tasks(&["D/between"]);
    let second = watcher.pid();
    // While `restart` is at work, which has no gap that a folder could fall into.
    std::thread::scope(|scope| {
        let restarting = scope.spawn(|| watcher.call("restart"));
        for number in 0.. {
            watcher.deliver(&format!("during-{number}"));
            if restarting.is_finished() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        restarting.join().expect("it ends").assert_code(0);
    });
    assert!(watcher.pid() != second && !is_alive(second));
    let entries = fs::read_dir(watcher.data()).expect("it is there").flatten();
    let names = entries.map(|entry| format!("D/{}", entry.file_name().display()));
    let mut wanted: Vec<String> = names.filter(|name| !name.starts_with("D/zz-")).collect();
    wanted.sort_unstable();
    let mut queued = watcher.settled();
    queued.sort_unstable();
    assert_eq!(queued, wanted);
    watcher.stop();
}

#[test]
fn s13_a_missing_path_is_an_error_and_with_toml_it_is_waited_for() {
    let watcher = Watcher::bare(FLAGS);
    watcher.configure(&watcher.watch("missing", "pyinotify.ALL_EVENTS", "DicomCelery"));
    let missing = watcher.scratch.path().join("missing");
    let refused = watcher.call("start");
    refused.assert_code(1);
    let wanted = format!("{} does not exist or you have insufficient permission", missing.display());
    assert!(refused.stderr.contains(&wanted), "{refused:?}");
    assert!(!watcher.pid_file().exists());

    let toml = watcher.scratch.path().join("staithe.toml");
    let text = format!(
        "[source.data]\npath = {:?}\n[[source.data.rule]]\nname = \"folders\"\ndataset = \"/*\"\n\
         complete = {{ preset = \"data-product\", quiet = \"300ms\" }}\n\
         [sink.tasks]\ntype = \"celery\"\ntask = \"t\"\nqueue = \"default\"\nurl = {:?}\n",
        shown(&missing),
        watcher.redis.url()
    );
    fs::write(&toml, text).expect("it takes files");
    watcher.finish(&mut watcher.command_with("start", &toml)).assert_code(0);
    let prepared = watcher.scratch.folder("elsewhere/prepared");
    fs::create_dir(&missing).expect("it takes folders");
    fs::rename(prepared, missing.join("come")).expect("one file system");
    wait_until(PATIENCE, "the task", || watcher.tasks() == [shown(&missing.join("come"))]);
    watcher.finish(&mut watcher.command_with("stop", &toml)).assert_code(0);
}

#[test]
fn s14_without_its_directories_logs_and_pid_file_are_temporary_ones() {
    let watcher = Watcher::new(FLAGS);
    fs::remove_dir_all(watcher.base()).expect("it was there");
    // Not even root can make a directory there.
    fs::write(watcher.base(), "a file").expect("it takes files");
    let started = watcher.call("start");
    started.assert_code(0);
    let warnings: Vec<&str> = started.stderr.lines().filter(|line| line.contains("watcher.out")).collect();
    let [warning] = warnings.as_slice() else { panic!("not one warning: {started:?}") };
    let (wanted, instead) = (watcher.log_file(), watcher.temporary().join("watcher.out"));
    assert!(warning.contains(&shown(&wanted)) && warning.contains(&shown(&instead)), "{warning}");
    let pid = fs::read_to_string(watcher.temporary().join("watcher.pid")).expect("there is a pid file");
    assert!(is_alive(pid.trim().parse().expect("a number")));
    watcher.deliver("one");
    watcher.assert_tasks(&["D/one"]);
    let log = fs::read_to_string(instead).expect("there is a log");
    assert!(log.contains("LOG 2|FINISHED: "), "{log}");
    assert!(watcher.temporary().join("watcher.err").exists());
    watcher.stop();
    assert!(!watcher.temporary().join("watcher.pid").exists());
}

#[test]
fn s15_a_restart_keeps_the_old_lines_byte_for_byte() {
    let watcher = Watcher::started(FLAGS);
    for number in 0..20 {
        watcher.deliver(&format!("one-{number}"));
    }
    let count = watcher.count_lines();
    assert!(count >= 60, "{count}");
    let first = watcher.pid();
    watcher.stop();
    let old = fs::read(watcher.log_file()).expect("there is a log");
    watcher.start();
    watcher.deliver("two");
    let _count = watcher.count_lines();
    watcher.call("restart").assert_code(0);
    assert_ne!(watcher.pid(), first);
    let new = fs::read(watcher.log_file()).expect("there is a log");
    assert!(new.starts_with(&old) && new.len() > old.len());
    watcher.stop();
}
