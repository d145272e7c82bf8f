//! Running a process under `strace`, and what it did.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use ledger::Durability;
use tempfile::TempDir;

use super::play::{CHILD, DURABILITY, ONLY_OPEN, dump};
use super::trace::{CALLS, Op, parse};

/// What a process did to its store, step by step.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    pub(super) durability: Durability,
    pub(super) ops: Vec<Op>,
    /// What the store holds after each step.
    pub(super) states: Vec<String>,
}

/// The recording of one run; several tests share it.
pub(super) fn record(durability: Durability) -> Recording {
    static MADE: OnceLock<[Mutex<Option<Recording>>; 2]> = OnceLock::new();
    let slots = MADE.get_or_init(Default::default);
    let slot = &slots[usize::from(durability == Durability::Power)];
    let mut slot = slot.lock().unwrap();
    slot.get_or_insert_with(|| made(durability)).clone()
}

fn made(durability: Durability) -> Recording {
    let (store, states) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let ops = trace(store.path(), durability, &[("LEDGER_STATES", states.path().as_os_str())]);
    let steps = ops.iter().filter(|op| matches!(op, Op::Say(_))).count();
    let read = |step| std::fs::read_to_string(states.path().join(format!("{step}"))).unwrap();
    let states: Vec<String> = (0..steps).map(read).collect();
    assert_eq!(steps, super::STEPS + 1, "the process went through all of its steps");
    assert_eq!(
        dump(store.path(), durability).as_ref(),
        Ok(&states[steps - 1]),
        "opened again it is the same"
    );
    Recording { durability, ops, states }
}

/// What opening the store in `dir` does to it.
pub(super) fn recovery(dir: &Path) -> Vec<Op> {
    trace(dir, Durability::Power, &[(ONLY_OPEN, "1".as_ref())])
}

fn trace(store: &Path, durability: Durability, more: &[(&str, &std::ffi::OsStr)]) -> Vec<Op> {
    let out = TempDir::new().unwrap();
    let trace = out.path().join("trace");
    let store = store.canonicalize().unwrap();
    let status = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "16777216", "-e", "signal=none", "-e"])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "every_io::recorded_child", "--nocapture", "--test-threads=1"])
        .env(CHILD, &store)
        .env(DURABILITY, if durability == Durability::Power { "power" } else { "process" })
        .envs(more.iter().copied())
        .stdout(Stdio::null())
        .status()
        .expect("strace is installed (`cargo xtask provision` does it: apt-get install strace)");
    assert!(status.success(), "the recorded process failed");
    parse(&std::fs::read_to_string(trace).unwrap(), store.to_str().unwrap())
}
