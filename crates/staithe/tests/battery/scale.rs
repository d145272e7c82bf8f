//! Large directories and long bursts.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use testkit::proof::{self, Row};
use testkit::redis::Redis;
use testkit::{Collector, Landing, Layout, Manner, Process, Scratch, Truth, Workload, judge, wait_until};

use crate::{LONG, landing, pop, tail, to_redis_and_lines};

/// A million entries are not listed within a minute by a debug build.
const START: Duration = Duration::from_mins(10);
/// For so long nothing happens, and the processor time is read.
const IDLE: Duration = Duration::from_secs(2);
/// The memory that entries may cost, apart from what each of them costs.
const MEMORY: f64 = 16.0 * 1_048_576.0;
/// The bytes of memory that each entry may cost.
const BYTES_AN_ENTRY: f64 = 150.0;
/// The part of one processor that may be used while nothing happens.
const IDLE_PERCENT: f64 = 5.0;

/// What one directory with so many entries costs.
struct Costs {
    start: Duration,
    memory: u64,
    idle_percent: f64,
    /// Processor time for each new file.
    each: Duration,
    /// The slowest but one percent of the new files.
    p99: Duration,
}

/// The processor time that all threads of a process have used.
fn used(process: &Process) -> Duration {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id())).expect("it runs");
    let read = |folder: &Path| fs::read_to_string(folder.join("schedstat")).unwrap_or_default();
    let nanos =
        threads.flatten().filter_map(|thread| read(&thread.path()).split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(nanos.sum::<u64>())
}

fn memory(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kilobytes") * 1024
}

/// Entries that are clearly older than the start.
fn prepare(folder: &Path, entries: usize) {
    fs::create_dir(folder).expect("the tree takes folders");
    for number in 0..entries {
        fs::File::create(folder.join(format!("entry-{number:07}.dat"))).expect("the folder takes files");
    }
    let made = Instant::now();
    wait_until(LONG, "the files to be old", || made.elapsed() > Duration::from_millis(200));
}

/// New files in the directory, each after the one before has arrived, so that none rides on another's work.
fn arrive(landing: &mut Landing, lines: &Collector, files: usize) -> (Truth, Duration) {
    let mut truth = Truth::default();
    let before = used(landing.daemon());
    for number in 0..files {
        truth.write(&landing.root(), format!("d/new-{number:04}").as_bytes(), b"new");
        lines.wait_for(number + 1, LONG);
    }
    let cost = used(landing.daemon()).saturating_sub(before);
    (truth, cost / u32::try_from(files).unwrap_or(1))
}

fn costs(entries: usize, new: usize) -> Costs {
    let scratch = if proof::is_long() { Scratch::on_disk("large") } else { Scratch::in_memory("large") };
    let mut landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch);
    landing.configure(LARGE);
    prepare(&landing.root().join("d"), entries);
    let begun = Instant::now();
    landing.launch();
    landing.daemon().wait_for_line("ready", START);
    let start = begun.elapsed();
    landing.wait_idle(entries as u64, LONG);
    let lines = tail(&landing);

    let (before, begun) = (used(landing.daemon()), Instant::now());
    // A length of time without anything is what is measured here; nothing is waited for.
    std::thread::sleep(IDLE);
    let idle = used(landing.daemon()).saturating_sub(before);
    let idle_percent = idle.as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;

    let (truth, each) = arrive(&mut landing, &lines, new);
    landing.wait_idle((entries + new) as u64, LONG);
    let memory = memory(landing.daemon());
    let judgement = judge(&truth, &lines.finish());
    judgement.assert_exact();
    Costs { start, memory, idle_percent, each, p99: judgement.delay(0.99) }
}

/// What lies there at the start is taken over and not delivered.
const LARGE: &str = r#"
    [source.inbox]
    path = "{in}"
    rescan = "0s"
    initial = "adopt"

    [[source.inbox.rule]]
    name = "all"
    include = ["*"]
    complete = "local"
    to = ["lines"]

    [sink.lines]
    type = "jsonl"
    path = "{out}/events.jsonl"
"#;

#[test]
fn one_directory_with_very_many_entries_costs_little_and_a_new_file_no_more_than_elsewhere() {
    let row = Row::new("E01");
    let (entries, new) = (proof::size(30_000, 1_000_000), proof::size(50, 1_000));
    let small = costs(10, new);
    let large = costs(entries, new);
    let more = large.memory.saturating_sub(small.memory) as f64;
    let bytes = more / entries as f64;
    let row = row.figure("entries", entries).milliseconds("start", large.start);
    let row = row.figure("MiB", large.memory as f64 / f64::from(1 << 20)).figure("bytes/entry", bytes);
    let row = row.figure("idle CPU %", large.idle_percent);
    let row = row.milliseconds("CPU/new file", large.each).milliseconds("with 10 entries", small.each);
    row.milliseconds("p99", large.p99).print();
    let allowed = small.each * 3 + Duration::from_millis(3);
    assert!(
        large.each < allowed,
        "work for a new file grows with its directory: {:?} instead of {:?}",
        large.each,
        small.each
    );
    assert!(more < MEMORY + entries as f64 * BYTES_AN_ENTRY, "{bytes:.0} bytes for each entry");
    assert!(large.idle_percent < IDLE_PERCENT, "{:.1} % of a processor for nothing", large.idle_percent);
}

/// The daemon reads the kernel's queue as fast as it fills, whatever it does with the events: no comparison is needed.
#[test]
fn a_long_burst_in_100_directories_is_heard_to_the_last_file() {
    let row = Row::new("E03");
    let files = proof::size(20_000, 100_000);
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("burst"));
    let plan =
        to_redis_and_lines(&redis, "").replacen("path = \"{in}\"", "path = \"{in}\"\nrescan = \"0s\"", 1);
    landing.configure(&plan);
    let layout = Layout::Burst { files, folders: 100 };
    layout.prepare(&landing.root());
    let list = pop(&redis, &landing);
    landing.start();
    let mut workload = Workload::new(landing.root(), layout, Manner::Written);
    workload.rate = Some(10_000);
    let begun = Instant::now();
    let truth = workload.run();
    let written = begun.elapsed();

    // After an overflow a comparison finds the rest, late.
    let overflowed = |landing: &mut Landing| landing.daemon().stderr().contains("W-OVERFLOW");
    wait_until(LONG, "every file", || list.count() >= files || overflowed(&mut landing));
    assert!(!overflowed(&mut landing), "the kernel's queue overflowed");
    landing.wait_idle(files as u64, LONG);
    let receipts = list.finish();
    judge(&truth, &tail(&landing).finish()).assert_exact();
    let judgement = judge(&truth, &receipts);
    let took = receipts.iter().map(|receipt| receipt.at).max().unwrap_or(begun) - begun;
    let row = row.judged(&judgement).milliseconds("written in", written);
    let row = row.figure("events/s", files as f64 / took.as_secs_f64());
    row.milliseconds("median", judgement.delay(0.5)).milliseconds("p99", judgement.delay(0.99)).print();
    judgement.assert_exact();
}
