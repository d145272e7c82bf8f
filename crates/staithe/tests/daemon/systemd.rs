//! What a service manager is told, by a socket that is the test's own.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Process, Signal, wait_for, wait_until};

use crate::stage::{CONFIG, STEP, Stage};

/// What the watchdog allows.
const PERIOD: Duration = Duration::from_secs(1);

struct Managed {
    // Ends before its folder goes.
    daemon: Process,
    socket: UnixDatagram,
    stage: Stage,
}

/// A service on [`CONFIG`] under a service manager.
fn managed() -> Managed {
    let stage = Stage::new();
    let path = stage.landing.out("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket of our own");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket of our own");
    let mut command = stage.command(&["run", "-c"]);
    command.arg(stage.landing.config()).env("NOTIFY_SOCKET", &path);
    command.env("WATCHDOG_USEC", PERIOD.as_micros().to_string());
    let daemon = Process::spawn("run", &stage.landing.out(""), &mut command);
    Managed { daemon, socket, stage }
}

impl Managed {
    /// One message, if one comes soon.
    fn hear(&self) -> Option<String> {
        let mut room = [0; 4096];
        let length = self.socket.recv(&mut room).ok()?;
        Some(String::from_utf8_lossy(&room[..length]).into_owned())
    }

    /// Waits for a message with this line.
    #[track_caller]
    fn expect(&mut self, line: &str) -> String {
        wait_for(STEP, line, || {
            assert!(self.daemon.is_running() || line.starts_with("STOP"), "it ended");
            self.hear().filter(|text| text.lines().any(|said| said.starts_with(line)))
        })
    }

    /// How often it says within a while that it is alive.
    fn pings(&self, within: Duration) -> usize {
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed() < within {
            count += usize::from(self.hear().is_some_and(|text| text.contains("WATCHDOG=1")));
        }
        count
    }
}

#[test]
fn it_says_when_it_is_ready_reloads_and_stops() {
    let mut managed = managed();
    managed.expect("READY=1");
    managed.expect("WATCHDOG=1");
    managed.daemon.signal(Signal::HUP);
    let reloading = managed.expect("RELOADING=1");
    assert!(reloading.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading}");
    managed.expect("READY=1");

    managed.stage.landing.configure(&CONFIG.replace("jsonl", "jsonk"));
    managed.daemon.signal(Signal::HUP);
    managed.expect("RELOADING=1");
    managed.expect("READY=1");
    managed.expect("STATUS=the new configuration is not good");

    managed.daemon.signal(Signal::TERM);
    managed.expect("STOPPING=1");
    assert_eq!(managed.daemon.wait_exit(STEP).code(), Some(0));
}

/// Holds one thread of a process until it is dropped.
struct Holder(std::process::Child);

impl Holder {
    /// Nothing where threads cannot be held.
    fn of(pid: u32, thread: &str) -> Option<Self> {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
        let named = |path: &std::path::Path| {
            fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == thread)
        };
        let task = tasks.map(|task| task.path()).find(|path| named(path)).expect("a thread of that name");
        let id = task.file_name().expect("a number").to_string_lossy().into_owned();
        // PTRACE_SEIZE and PTRACE_INTERRUPT stop this thread and no other; it goes on when the tracer ends.
        let script = "import ctypes, os, sys\n\
            ptrace = ctypes.CDLL(None, use_errno=True).ptrace\n\
            task = int(sys.argv[1])\n\
            if ptrace(0x4206, task, None, None) or ptrace(0x4207, task, None, None):\n\
            \x20   sys.exit(os.strerror(ctypes.get_errno()))\n\
            sys.stdin.read()\n";
        let mut command = Command::new("python3");
        command.args(["-c", script, &id]).stdin(Stdio::piped());
        let mut holder = Self(command.spawn().ok()?);
        let stat = task.join("stat");
        let held = || {
            let stat = fs::read_to_string(&stat).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('t'))
        };
        let mut refused = false;
        wait_until(STEP, "the thread to be held", || {
            refused = holder.0.try_wait().is_ok_and(|ended| ended.is_some());
            refused || held()
        });
        (!refused).then_some(holder)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// While that thread is held, nothing says that the program is alive.
fn silent_while_held(thread: &str) {
    let mut managed = managed();
    managed.expect("READY=1");
    managed.expect("WATCHDOG=1");
    let Some(holder) = Holder::of(managed.daemon.id(), thread) else {
        eprintln!("SKIPPED: threads cannot be held here (python3 and the right to trace are needed)");
        return;
    };
    // What was on its way before.
    managed.pings(PERIOD);
    assert_eq!(managed.pings(PERIOD * 3), 0, "{thread} is held");
    drop(holder);
    managed.expect("WATCHDOG=1");
    assert!(managed.pings(PERIOD * 3) >= 2, "it goes on");
    assert_eq!(managed.daemon.terminate(STEP).code(), Some(0));
}

#[test]
fn the_watchdog_is_told_nothing_while_the_main_loop_hangs() {
    silent_while_held("staithe");
}

#[test]
fn the_watchdog_is_told_nothing_while_the_ledger_does_not_answer() {
    silent_while_held("staithe-ledger");
}
