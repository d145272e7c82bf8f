//! The kernel's queue overflows while the program stands still.

use testkit::redis::Redis;
use testkit::{Layout, Manner, Scratch, Workload, judge};

use crate::{LONG, landing, pop, to_redis_and_lines};

/// How many events the kernel keeps for one reader.
fn kernel_queue() -> usize {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("Linux has inotify");
    text.trim().parse().expect("it is a number")
}

#[test]
fn after_an_overflow_nothing_is_missing_and_the_gap_is_counted() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("overflow"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    // Each file gives at least one event; old and new directories, so that both kinds are hit.
    let old = Layout::Burst { files: kernel_queue() + 1_000, folders: 20 };
    let new = Layout::Unpack { files: 2_000, per_folder: 10 };
    old.prepare(&landing.root());
    landing.start();
    let list = pop(&redis, &landing);

    landing.daemon().freeze();
    let mut truth = Workload::new(landing.root(), old, Manner::Written).run();
    let mut second = Workload::new(landing.root(), new, Manner::Written);
    second.label = "new";
    truth.merge(second.run());
    landing.daemon().resume();

    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
    let status = landing.status();
    let source = &status["sources"][0];
    assert!(source["overflows"].as_u64() >= Some(1), "{source}");
    assert_eq!(source["gaps_open"], 0, "{source}");
    assert_eq!(status["state"], "ok", "{status}");
}
