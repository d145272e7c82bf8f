//! A full disk: nothing is dropped, nobody is told that all is well, and it heals by itself.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::{Fate, Health, Ledger, LedgerError};
use rustix::process::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;

use crate::house::{admit, backlog, options, wait};

const CHILD: &str = "LEDGER_DISK_CHILD";

/// No file may grow beyond that many bytes; `None`: as large as they like again.
fn limit(bytes: Option<u64>) {
    let mut now = getrlimit(Resource::Fsize);
    now.current = bytes.or(now.maximum);
    setrlimit(Resource::Fsize, now).unwrap();
}

/// A process for which the disk becomes full: a limit on the size of files stands in for it.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let (ledger, _) = Ledger::open(options(Some(Path::new(&dir)))).unwrap();
    let source = ledger.register_source("source", b"/root").unwrap().id;
    let sink = ledger.register_sink("s", "test").unwrap();
    let fate = Fate::Announce(ledger.route(&[sink]).unwrap());
    limit(Some(2 << 20));
    let submitted = Arc::new(AtomicU64::new(0));
    let progress = Arc::clone(&submitted);
    let intake = ledger.clone();
    let feeder = std::thread::spawn(move || {
        for number in 0..40_000_u64 {
            intake.submit(vec![admit(source, fate, format!("f{number}").as_bytes(), 1)]).unwrap();
            progress.store(number + 1, Ordering::SeqCst);
        }
    });
    wait("the full disk to be noticed", || matches!(ledger.health(), Health::Degraded(_)));
    let mut last = u64::MAX;
    wait("submit to block", || {
        let now = submitted.load(Ordering::SeqCst);
        let still = now == last;
        last = now;
        std::thread::sleep(std::time::Duration::from_millis(300));
        still
    });
    assert!(last < 40_000);
    assert!(backlog(&ledger, sink).len() < last as usize, "what is committed can still be read");
    let refused = ledger.register_sink("new", "test");
    assert!(matches!(refused, Err(LedgerError::Degraded(_))), "a caller is told: {refused:?}");
    limit(None);
    feeder.join().unwrap();
    assert_eq!(ledger.flush().unwrap(), 40_000);
    assert_eq!(ledger.health(), Health::Ok);
    assert_eq!(backlog(&ledger, sink).len(), 40_000);
    ledger.close().unwrap();

    let (ledger, report) = Ledger::open(options(Some(Path::new(&dir)))).unwrap();
    assert_eq!(report.quarantined, None);
    // A name that is given in a round which fails, and that nobody waits for any more, leaves no gap.
    limit(Some(1));
    let refused = ledger.register_source("given up", b"/root");
    assert!(matches!(refused, Err(LedgerError::Degraded(_))), "{refused:?}");
    limit(None);
    wait("the disk to be free", || ledger.health() == Health::Ok);
    let (other, end) = (ledger.register_source("other", b"/other").unwrap().id, ledger.end().unwrap());
    ledger.submit(vec![admit(other, fate, b"o", 1)]).unwrap();
    ledger.flush().unwrap();
    ledger.close().unwrap();

    let (ledger, report) = Ledger::open(options(Some(Path::new(&dir)))).unwrap();
    assert_eq!(report.quarantined, None);
    assert_eq!(ledger.register_source("other", b"/other").unwrap().id, other);
    let kept = ledger.tail(end, 1).unwrap().parcels.remove(0);
    assert_eq!((&*kept.source, &*kept.root), ("other", &b"/other"[..]));
    limit(Some(1 << 20));
    let mut number = 0;
    while ledger.health() == Health::Ok {
        number += 1;
        ledger.submit(vec![admit(source, fate, format!("g{number}").as_bytes(), 1)]).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    let unsaved = ledger.close().unwrap_err();
    assert!(matches!(unsaved, ledger::CommitError::Unsaved { entries, .. } if entries > 0), "{unsaved:?}");
    println!("the child is through");
}

#[test]
fn a_full_disk_stops_the_intake_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    // The signal that comes with the limit is ignored, as `staithe` does; the write then fails.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact disk::child --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, dir.path())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("the child is through"), "{out}\n{err}");
}
