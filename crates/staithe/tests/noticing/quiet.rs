//! Comparisons cause no events, become rarer while events are dropped, and hold up no fresh hint.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::{Collector, Landing, Process, Scratch, Truth, judge, wait_until};

use crate::distrust::Listener;
use crate::{STEP, source, to_lines, wait_for_scans, wait_for_source};

/// `ACCESS`, `CLOSE_NOWRITE` and `OPEN`; inotify and fanotify give them the same bits.
const LOOKS: u64 = 0x31;
/// Everybody asks for this one.
const CLOSE_WRITE: u64 = 0x8;

fn landing(scratch: Scratch, more: &str) -> (Landing, Collector) {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch);
    landing.configure(&to_lines(more));
    let lines = Collector::tail(&landing.out("events.jsonl"), &landing.root());
    (landing, lines)
}

/// The processor time that a process has used.
fn used(process: &Process) -> Duration {
    let text = fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("it runs");
    let fields: Vec<u64> = text
        .rsplit(')')
        .next()
        .into_iter()
        .flat_map(str::split_whitespace)
        .filter_map(|word| word.parse().ok())
        .collect();
    // The first field after the name is a letter; user and system time are the 14th and 15th of all.
    Duration::from_millis((fields[10] + fields[11]) * 10)
}

/// The kinds of events that a process asks the kernel for, by inotify or by fanotify: all of them together.
fn asked_for(process: &Process) -> u64 {
    let descriptors = fs::read_dir(format!("/proc/{}/fdinfo", process.id())).expect("it runs");
    // Some are closed meanwhile.
    let texts = descriptors.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok());
    let masks = texts.flat_map(|text| {
        let words = text.lines().filter(|line| line.contains("notify ")).flat_map(str::split_whitespace);
        let masks = words.filter_map(|word| u64::from_str_radix(word.strip_prefix("mask:")?, 16).ok());
        masks.collect::<Vec<u64>>()
    });
    masks.fold(0, |all, mask| all | mask)
}

fn no_events_by_scans(backend: &str) {
    let (mut landing, lines) =
        landing(Scratch::on_disk(backend), &format!("backend = \"{backend}\"\nrescan = \"1s\""));
    let mut truth = Truth::default();
    let mut folders: Vec<PathBuf> = vec![landing.root()];
    for number in 0..20 {
        let folder = landing.root().join(format!("d{number}"));
        fs::create_dir(&folder).expect("a folder");
        folders.push(folder);
        for file in 0..100 {
            truth.write(&landing.root(), format!("d{number}/f{file}").as_bytes(), b"x");
        }
    }
    landing.start();
    lines.wait_for(2_000, STEP);
    let row = source(&landing);
    if row["backend"] != backend {
        eprintln!("SKIPPED: no {backend} here: {row}");
        return;
    }
    // One that is being written, so that writers are asked for as well.
    let writer = File::create(landing.root().join("open")).expect("a file");
    wait_for_source(&landing, "it to wait", |row| row["waiting"] == 1);

    let listener = Listener::on(folders.iter().map(PathBuf::as_path));
    let before = used(landing.daemon());
    let begun = Instant::now();
    wait_for_scans(&landing, 4);
    let took = used(landing.daemon()).saturating_sub(before);
    let share = took.as_secs_f64() / begun.elapsed().as_secs_f64();
    eprintln!(
        "{backend}: 4 scans of 2000 files in {:?}, {:.1} % of a processor",
        begun.elapsed(),
        share * 100.0
    );
    assert_eq!(listener.heard(), Vec::<String>::new(), "a scan raises events");
    // What a look itself raises would come back as an event of ours; the listener does not ask for that.
    let asked = asked_for(landing.daemon());
    assert_eq!(asked & LOOKS, 0, "openings or readings are asked for: {asked:#x}");
    assert_ne!(asked & CLOSE_WRITE, 0, "nothing is asked for: {asked:#x}");
    assert!(share < 0.5, "{share}");
    assert_eq!(source(&landing)["overflows"], 0);

    drop(writer);
    truth.note(b"open", b"");
    wait_until(STEP, "the listener to hear something", || {
        listener.heard().iter().any(|event| event.contains("CLOSE_WRITE"))
    });
    lines.wait_for(2_001, STEP);
    judge(&truth, &lines.finish()).assert_exact();
}

#[test]
fn scans_raise_no_events_for_inotify() {
    no_events_by_scans("inotify");
}

#[test]
fn scans_raise_no_events_for_fanotify() {
    no_events_by_scans("fanotify");
}

#[test]
fn comparisons_become_rarer_while_events_go_on_being_dropped() {
    let queue = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux has inotify");
    let queue: u64 = queue.trim().parse().expect("a number");
    let (mut landing, lines) = landing(Scratch::in_memory("flood"), "rescan = \"1h\"");
    // In another directory each time: equal events in a row are one.
    for name in ["a", "b"] {
        fs::create_dir(landing.root().join(name)).expect("a folder");
    }
    // No rule takes these.
    let files = ["a/x.tmp", "b/y.tmp"].map(|name| landing.root().join(name));
    landing.start();
    let mut truth = Truth::default();
    let begun = Instant::now();
    let mut rounds = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        landing.daemon().freeze();
        // Half as many again as it holds: the reader takes some before it stands still.
        for _ in 0..queue * 3 / 4 {
            for file in &files {
                drop(File::create(file).expect("a file"));
            }
        }
        // This one is not heard of.
        truth.write(&landing.root(), format!("a/f{rounds}").as_bytes(), b"dropped");
        landing.daemon().resume();
        rounds += 1;
        wait_for_source(&landing, "the overflow to be heard of", |row| {
            row["overflows"].as_u64() >= Some(rounds)
        });
    }
    let said = landing.daemon().stderr();
    let closed = said.matches("the gap is closed").count() as u64;
    let overflows = source(&landing)["overflows"].as_u64().expect("a number");
    eprintln!(
        "back-off: {rounds} rounds, {overflows} overflows, {closed} comparisons in {:?}",
        begun.elapsed()
    );
    assert!(rounds >= 4, "{rounds} rounds only");
    // At once, and after 1 and 2 seconds.
    assert!(
        (1..=3).contains(&closed) && closed < overflows,
        "{closed} comparisons for {overflows} overflows"
    );
    assert!(said.contains("because this is not the first time"), "{said}");
    lines.wait_for(truth.paths(), STEP);
    wait_for_source(&landing, "the gap to be closed", |row| row["gaps_open"] == 0);
    judge(&truth, &lines.finish()).assert_exact();
}

#[test]
fn a_file_that_arrives_during_a_long_scan_is_not_held_up_by_it() {
    let (mut landing, lines) = landing(Scratch::in_memory("long"), "rescan = \"1h\"\ninitial = \"adopt\"");
    for folder in 0..20 {
        let folder = landing.root().join(format!("d{folder}"));
        fs::create_dir(&folder).expect("a folder");
        for file in 0..5_000 {
            File::create(folder.join(format!("f{file}"))).expect("a file");
        }
    }
    let begun = Instant::now();
    landing.write_old("last", b"so all are old enough to be taken over");
    landing.start();
    eprintln!("long scan: 100 000 files were taken over in {:?}", begun.elapsed());
    let mut command = landing.command();
    command.arg("rescan");
    let mut truth = Truth::default();
    let (mut during, mut scans) = (0, 0);
    while during < 5 {
        let mut rescan = Process::spawn("rescan", &landing.out(""), &mut command);
        scans += 1;
        wait_until(STEP, "the scan", || !source(&landing)["scanning"].is_null() || !rescan.is_running());
        while rescan.is_running() {
            let name = format!("d3/new{}", truth.paths());
            truth.write(&landing.root(), name.as_bytes(), b"new");
            lines.wait_for(truth.paths(), STEP);
            during += usize::from(rescan.is_running());
        }
        assert!(scans < 50, "scans are too short to write anything meanwhile");
    }
    let judgement = judge(&truth, &lines.finish());
    eprintln!("long scan: {during} files during {scans} scans: {judgement}");
    judgement.assert_exact();
    // Had they waited for the scan's end, none would have been received while it ran.
    assert!(judgement.delay(0.5) < Duration::from_millis(500), "{judgement}");
}

/// How often the threads of a process have waited for something, all together.
fn waits(process: &Process) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id())).expect("it runs");
    let texts = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let waits = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    texts.filter_map(waits).sum()
}

#[test]
fn where_nothing_happens_it_wakes_twice_a_second() {
    let (mut landing, _lines) = landing(Scratch::in_memory("idle"), "rescan = \"1h\"");
    landing.start();
    // What the start leaves to do (the ledger's writer folds its log back after five seconds) is over sooner or later.
    let mut rate = f64::MAX;
    wait_until(STEP, "three seconds without anything to do", || {
        let (before, begun) = (waits(landing.daemon()), Instant::now());
        std::thread::sleep(Duration::from_secs(3));
        rate = (waits(landing.daemon()) - before) as f64 / begun.elapsed().as_secs_f64();
        rate < 3.0
    });
    eprintln!("idle: {rate:.1} waits a second");
}
