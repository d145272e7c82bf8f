//! The kernel's queue overflows: while the program stands still, or while it is stopped under load.

use std::time::{Duration, Instant};

use testkit::proof::{self, Row, skip};
use testkit::redis::Redis;
use testkit::{Landing, Layout, Manner, Receipt, Scratch, Truth, Workload, judge};

use crate::{LONG, landing, pop, to_redis_and_lines};

/// Within this everything has caught up after an overflow.
const CAUGHT_UP: Duration = Duration::from_secs(30);
/// Six times what kernels come with. Some administrators set a million.
const LARGEST_QUEUE: usize = 100_000;
/// In the names of files that come while it catches up.
const AFTER: &str = "after";

/// How many events the kernel keeps for one reader; nothing where it is so many that writing the files for them would be
/// the test.
fn kernel_queue(row: &'static str) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux has inotify");
    let events = text.trim().parse().expect("it is a number");
    if events > LARGEST_QUEUE {
        skip(row, &format!("fs.inotify.max_queued_events is {events}: nobody overflows that"));
        return None;
    }
    Some(events)
}

/// So many files that are created and closed overflow the queue.
fn too_many(queue: usize) -> usize {
    queue / 2 + 1_000
}

/// A daemon that is ready, and that reconciles only where it knows that it has to.
fn watching(redis: &Redis, layout: Layout) -> Landing {
    let mut landing = landing(Scratch::in_memory("overflow"));
    let plan =
        to_redis_and_lines(redis, "").replacen("path = \"{in}\"", "path = \"{in}\"\nrescan = \"0s\"", 1);
    landing.configure(&plan);
    layout.prepare(&landing.root());
    landing.start();
    landing
}

fn labelled(landing: &Landing, layout: Layout, label: &'static str, rate: Option<u32>) -> Workload {
    let mut workload = Workload::new(landing.root(), layout, Manner::Written);
    (workload.label, workload.rate) = (label, rate);
    workload
}

/// How long the gap was open, as the daemon tells it.
fn gap(landing: &mut Landing) -> f64 {
    let said = landing.daemon().stderr();
    let texts = said.lines().filter_map(|line| line.split("the gap is closed after ").nth(1));
    let seconds = texts.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok());
    seconds.fold(0.0, f64::max)
}

/// Nothing is missing, nothing came twice, and the gap was counted, shown and closed.
fn show(row: Row, landing: &mut Landing, truth: &Truth, receipts: &[Receipt], resumed: Instant) {
    landing.wait_idle(truth.paths() as u64, LONG);
    let judgement = judge(truth, receipts);
    let status = landing.status();
    let source = &status["sources"][0];
    // Not of what the load has brought since.
    let missed = receipts.iter().filter(|receipt| !String::from_utf8_lossy(&receipt.path).contains(AFTER));
    let last = missed.map(|receipt| receipt.at).max().unwrap_or(resumed);
    let caught_up = last.saturating_duration_since(resumed);
    let row = row.judged(&judgement).figure("overflows", source["overflows"].as_u64().unwrap_or_default());
    row.figure("gap s", gap(landing)).milliseconds("caught up after", caught_up).print();
    judgement.assert_exact();
    assert!(source["overflows"].as_u64() >= Some(1), "{source}");
    assert_eq!(source["gaps_open"], 0, "{source}");
    assert_eq!(status["state"], "ok", "{status}");
    assert!(caught_up < CAUGHT_UP, "caught up only after {caught_up:?}");
}

#[test]
fn after_an_overflow_nothing_is_missing_and_the_gap_is_counted() {
    let row = Row::new("B02");
    let Some(queue) = kernel_queue("B02") else { return };
    let redis = Redis::start();
    // Old and new directories, so that both kinds are hit.
    let old =
        Layout::Burst { files: proof::size(too_many(queue), 45_000.max(too_many(queue))), folders: 300 };
    let new = Layout::Unpack { files: proof::size(1_000, 5_000), per_folder: 10 };
    let mut landing = watching(&redis, old);
    let list = pop(&redis, &landing);

    landing.daemon().freeze();
    let mut truth = labelled(&landing, old, "old", None).run();
    truth.merge(labelled(&landing, new, "new", None).run());
    landing.daemon().resume();
    let resumed = Instant::now();

    list.wait_for(truth.paths(), LONG);
    show(row, &mut landing, &truth, &list.finish(), resumed);
}

/// Also while it catches up the writers go on.
#[test]
fn stopped_under_load_it_catches_up_while_the_load_goes_on() {
    let row = Row::new("B03");
    let Some(queue) = kernel_queue("B03") else { return };
    let redis = Redis::start();
    let seconds = proof::size(3, 20);
    let meanwhile = Layout::Burst { files: too_many(queue), folders: 300 };
    let later = Layout::Unpack { files: proof::size(1_000, 10_000), per_folder: 25 };
    let mut landing = watching(&redis, meanwhile);
    let list = pop(&redis, &landing);
    let rate = |files: usize, seconds: usize| u32::try_from(files / seconds).ok();

    let mut truth = labelled(&landing, Layout::Unpack { files: 500, per_folder: 25 }, "before", None).run();
    landing.daemon().freeze();
    truth.merge(labelled(&landing, meanwhile, "stopped", rate(too_many(queue), seconds)).run());
    let going_on = labelled(&landing, later, AFTER, rate(proof::size(1_000, 10_000), 3)).start();
    landing.daemon().resume();
    let resumed = Instant::now();
    truth.merge(going_on.join());

    list.wait_for(truth.paths(), LONG);
    show(row, &mut landing, &truth, &list.finish(), resumed);
}
