//! A large tree.

use std::fs;

use testkit::{Landing, Process, Scratch, wait_until};

use crate::STEP;

const DIRECTORIES: usize = 1_000;
const FILES: usize = 99;

/// With two snapshots and a watch on each directory. The program itself takes about 10 MB.
const MOST_KB: u64 = 60_000;

#[test]
fn a_hundred_thousand_entries_take_little_memory() {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory("quiet-large"));
    for dir in 0..DIRECTORIES {
        let dir = landing.root().join(format!("a directory with a usual name {dir:04}"));
        fs::create_dir(&dir).unwrap();
        for file in 0..FILES {
            fs::write(dir.join(format!("measurement_{file:06}.dat")), b"").unwrap();
        }
    }
    let mut command = landing.command();
    command.arg("quiet").arg(landing.root()).args(["--for", "1s", "--json"]);
    let mut process = Process::spawn("quiet", &landing.out(""), &mut command);
    let mut peak = 0;
    wait_until(STEP, "the end", || {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(now.unwrap_or_default());
        !process.is_running()
    });
    assert_eq!(process.wait_exit(STEP).code(), Some(0));
    let last: serde_json::Value = serde_json::from_slice(process.stdout().trim_ascii_end()).unwrap();
    assert_eq!([&last["files"], &last["directories"]], [DIRECTORIES * FILES, DIRECTORIES]);
    eprintln!("{} entries: at most {peak} kB; waited {} s", DIRECTORIES * (FILES + 1), last["waited_s"]);
    assert!(peak < MOST_KB, "{peak} kB");
}
