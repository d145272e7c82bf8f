//! A disk that becomes full under a running engine.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::rig::{Rig, STEP};

const CHILD: &str = "ENGINE_DISK_CHILD";

/// A limit on the size of files stands in for the full disk; it holds for a whole process.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let rig = Rig::start(|_| {});
    let mut limit = getrlimit(Resource::Fsize);
    limit.current = Some(1 << 20);
    setrlimit(Resource::Fsize, limit).unwrap();
    for number in 0..25_000 {
        std::fs::write(rig.path(&format!("f{number}")), b"x").unwrap();
    }
    rig.until("the full disk is noticed", || !rig.status()["ledger_error"].is_null());
    let known = || rig.status()["sources"][0]["known"].as_u64().unwrap();
    let mut last = known();
    rig.until("the source waits for room that does not come", || {
        std::thread::sleep(Duration::from_millis(300));
        known() == std::mem::replace(&mut last, known())
    });
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        drop(rig);
        let _ = done.send(());
    });
    assert!(wait.recv_timeout(STEP).is_ok(), "stopping waits for the disk");
    println!("the child is through");
}

#[test]
fn an_engine_on_a_full_disk_can_be_stopped() {
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact full_disk::child --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("the child is through"), "{out}\n{err}");
}
