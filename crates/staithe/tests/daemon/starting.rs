//! Starting: when it returns, what it says, and what kind of process there is then.

use std::fs;
use std::path::PathBuf;

use testkit::{Process, Signal, wait_until};

use crate::stage::{CONFIG, STEP, Stage, runs};

#[test]
fn it_returns_when_the_daemon_is_ready_and_not_before() {
    let stage = Stage::new();
    let pid = stage.start();
    // Asked once: nothing here waits.
    let status = stage.landing.status();
    assert_eq!((&status["ready"], &status["pid"]), (&true.into(), &pid.into()), "{status}");
    assert!(stage.said().lines().any(|line| line.starts_with("ready ")), "{}", stage.said());
    stage.deliver("first");
}

#[test]
fn the_daemon_has_left_its_parent_behind() {
    let stage = Stage::new();
    let pid = stage.start();
    let proc = |name: &str| format!("/proc/{pid}/{name}");
    let stat = fs::read_to_string(proc("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let [_, _, group, session, terminal, ..] = fields[..] else { panic!("{stat}") };
    assert_eq!((group, session, terminal), (&*pid.to_string(), &*pid.to_string(), "0"), "{stat}");
    assert_eq!(fs::read_to_string(proc("comm")).unwrap(), "staithe\n");
    let links = ["fd/0", "fd/1", "fd/2", "cwd"].map(|name| fs::read_link(proc(name)).unwrap());
    let home = stage.landing.out("");
    let null = PathBuf::from("/dev/null");
    let expected = [null, stage.landing.out("staithe.out"), stage.log(), home.parent().unwrap().to_owned()];
    assert_eq!(links, expected);
    // What nobody wrote down is not there: the socket to the parent.
    let sockets = fs::read_dir(proc("fd")).unwrap().flatten().filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    });
    let listed = fs::read_to_string("/proc/net/unix").unwrap();
    for socket in sockets {
        let name = fs::read_link(socket.path()).unwrap().to_string_lossy().into_owned();
        let inode = name.trim_start_matches("socket:[").trim_end_matches(']').to_owned();
        let row = listed.lines().find(|line| line.split_whitespace().nth(6) == Some(&inode));
        // Type 0005: a socket of messages, such as the parent's.
        assert!(!row.is_some_and(|row| row.contains(" 0005 ")), "{row:?}");
    }
}

#[test]
fn a_second_start_names_the_first_which_goes_on() {
    let stage = Stage::new();
    let pid = stage.start();
    let second = stage.finish(stage.start_command());
    second.assert_code(1);
    assert!(second.stderr.contains(&format!("process {pid} ")), "{}", second.stderr);
    let mut foreground = stage.command(&["run", "-c"]);
    foreground.arg(stage.landing.config()).arg("--pid-file").arg(stage.pid_file());
    let third = stage.finish(foreground);
    third.assert_code(1);
    assert!(third.stderr.contains(&format!("process {pid} ")), "{}", third.stderr);
    assert_eq!(stage.pid(), Some(pid));
    stage.deliver("after");
}

#[test]
fn what_hinders_the_daemon_is_said_where_it_was_started() {
    let stage = Stage::new();
    stage.landing.configure(&CONFIG.replace("path = \"{in}\"", "path = 3"));
    let bad = stage.finish(stage.start_command());
    bad.assert_code(2);
    for text in ["the configuration is not good", "staithe.toml:3:"] {
        assert!(bad.stderr.contains(text), "{text} is not in {}", bad.stderr);
        assert!(stage.said().contains(text), "{text} is not in the log: {}", stage.said());
    }
    assert!(!stage.pid_file().exists(), "nobody runs");

    stage.landing.configure(CONFIG);
    let mut elsewhere = stage.start_command();
    elsewhere.arg("--state-dir").arg(stage.landing.config().join("below-a-file"));
    let hindered = stage.finish(elsewhere);
    hindered.assert_code(1);
    assert!(hindered.stderr.contains("below-a-file"), "{}", hindered.stderr);
    assert!(!stage.pid_file().exists(), "nobody runs");

    let mut unwritable = stage.start_command();
    unwritable.arg("--pid-file").arg("/proc/version/staithe.pid");
    assert_eq!(stage.finish(unwritable).code, Some(2), "an option is given once");
    let mut unwritable = stage.command(&["run", "--daemon", "-c"]);
    unwritable.arg(stage.landing.config()).args(["--pid-file", "/proc/nowhere/staithe.pid"]);
    let refused = stage.finish(unwritable);
    refused.assert_code(1);
    assert!(refused.stderr.contains("/proc/nowhere/staithe.pid"), "{}", refused.stderr);
}

#[test]
fn in_the_foreground_the_pid_file_is_held_as_well() {
    let stage = Stage::new();
    let mut command = stage.command(&["run", "-c"]);
    command.arg(stage.landing.config()).arg("--pid-file").arg(stage.pid_file());
    let mut daemon = Process::spawn("run", &stage.landing.out(""), &mut command);
    daemon.wait_for_line("ready", STEP);
    assert_eq!(stage.pid(), Some(daemon.id()));
    let second = stage.finish(stage.start_command());
    second.assert_code(1);
    assert!(second.stderr.contains(&format!("process {} ", daemon.id())), "{}", second.stderr);
    assert_eq!(daemon.terminate(STEP).code(), Some(0));
    assert!(!stage.pid_file().exists());
}

#[test]
fn without_places_the_files_are_in_the_state_directory() {
    let stage = Stage::new();
    let config = stage.landing.config();
    let done = stage.finish(stage.command(&["run", "--daemon", "-c", config.to_str().unwrap()]));
    done.assert_code(0);
    let folder = stage.landing.state_dir();
    for name in ["staithe.pid", "staithe.out", "staithe.err"] {
        assert!(folder.join(name).exists(), "{name}");
    }
    stage.finish(stage.command(&["status"])).assert_code(0);
    stage.finish(stage.command(&["restart"])).assert_code(0);
    stage.finish(stage.command(&["stop"])).assert_code(0);
    assert!(!folder.join("staithe.pid").exists());
}

/// A configuration in a named pipe: whoever reads it waits until it is written.
fn waiting(stage: &Stage) -> (Process, u32) {
    let status =
        std::process::Command::new("mkfifo").arg(stage.landing.out("pipe")).status().expect("mkfifo");
    assert!(status.success());
    let mut command = stage.command(&["run", "--daemon", "-c"]);
    command.arg(stage.landing.out("pipe")).arg("--pid-file").arg(stage.pid_file());
    command.arg("--log-err").arg(stage.log());
    let mut parent = Process::spawn("start", &stage.landing.out(""), &mut command);
    wait_until(STEP, "the daemon's number", || {
        assert!(parent.is_running(), "{}", parent.stderr());
        stage.pid().is_some()
    });
    stage.remember();
    (parent, stage.pid().expect("its number"))
}

#[test]
fn a_start_that_is_interrupted_leaves_no_daemon() {
    let stage = Stage::new();
    let (mut parent, pid) = waiting(&stage);
    parent.signal(Signal::INT);
    // It was asked to end while it read; let it read.
    let text = fs::read(stage.landing.config()).unwrap();
    let pipe = stage.landing.out("pipe");
    std::thread::spawn(move || fs::write(pipe, text));
    assert_eq!(parent.wait_exit(STEP).code(), Some(1));
    let said = parent.stderr();
    assert!(said.contains(&format!("process {pid}")) && said.contains("was stopped"), "{said}");
    assert!(!runs(pid));
    assert!(!stage.pid_file().exists());
}

#[test]
fn a_daemon_that_dies_without_a_word_is_told() {
    let stage = Stage::new();
    let (mut parent, pid) = waiting(&stage);
    Stage::signal(pid, Signal::KILL);
    assert_eq!(parent.wait_exit(STEP).code(), Some(1));
    let said = parent.stderr();
    assert!(said.contains("signal 9"), "{said}");
    assert!(said.contains("starts as process"), "the last lines of its log: {said}");
}

#[test]
fn a_daemon_that_is_asked_to_end_before_it_is_ready_has_not_been_started() {
    let stage = Stage::new();
    let (mut parent, pid) = waiting(&stage);
    Stage::signal(pid, Signal::TERM);
    // It was asked to end while it read; let it read.
    let text = fs::read(stage.landing.config()).unwrap();
    let pipe = stage.landing.out("pipe");
    std::thread::spawn(move || fs::write(pipe, text));
    assert_eq!(parent.wait_exit(STEP).code(), Some(1));
    assert!(!runs(pid));
    assert!(parent.stderr().contains("before it was ready"), "{}", parent.stderr());
}

/// A lock of the shell that started it would be held for as long as it runs.
#[test]
fn what_a_shell_has_open_does_not_stay_open() {
    let stage = Stage::new();
    let (start, held) = (stage.start_command(), stage.landing.out("held"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec 9>\"$0\" && exec \"$@\""]).arg(&held).arg(start.get_program());
    shell.args(start.get_args());
    for (name, value) in start.get_envs() {
        value.map(|value| shell.env(name, value));
    }
    shell.current_dir(start.get_current_dir().unwrap_or(std::path::Path::new(".")));
    stage.finish(shell).assert_code(0);
    assert!(held.exists(), "the shell has opened it");
    let open = fs::read_dir(format!("/proc/{}/fd", stage.pid().unwrap())).unwrap().flatten();
    let links: Vec<PathBuf> = open.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    assert!(links.len() > 3 && !links.contains(&held), "{links:?}");
}
