//! Everything that arrives is delivered, complete and once.

use std::time::Duration;

use testkit::proof::Row;
use testkit::redis::Redis;
use testkit::{Judgement, Landing, Layout, Manner, Scratch, Truth, Workload, judge};

use crate::{LONG, landing, pop, tail, to_redis_and_lines};

/// Runs the workload against a daemon that is ready, and judges both consumers.
fn deliver(workload: impl FnOnce(&Landing) -> Truth, prepare: Option<Layout>, scratch: Scratch) -> Judgement {
    let redis = Redis::start();
    let mut landing = landing(scratch);
    // Reconciliation is off: what no event tells of must not be healed while the test waits for it.
    let plan =
        to_redis_and_lines(&redis, "").replacen("path = \"{in}\"", "path = \"{in}\"\nrescan = \"0s\"", 1);
    landing.configure(&plan);
    if let Some(layout) = prepare {
        layout.prepare(&landing.root());
    }
    let (list, lines) = (pop(&redis, &landing), tail(&landing));
    landing.start();
    let truth = workload(&landing);
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &lines.finish()).assert_exact();
    let judgement = judge(&truth, &list.finish());
    println!("{judgement}");
    judgement
}

fn whole(layout: Layout) -> Judgement {
    let run = |landing: &Landing| Workload::new(landing.root(), layout, Manner::Written).run();
    deliver(run, Some(layout), Scratch::in_memory("arrivals"))
}

#[test]
fn a_burst_of_50_000_files_in_100_directories_by_2_writers() {
    whole(Layout::Burst { files: 50_000, folders: 100 }).assert_exact();
}

#[test]
fn unpacking_20_000_files_into_2_000_new_directories() {
    whole(Layout::Unpack { files: 20_000, per_folder: 10 }).assert_exact();
}

#[test]
fn a_file_in_each_of_2_000_new_chains_of_directories() {
    let row = Row::new("B01");
    let judgement = whole(Layout::Chains { chains: 2_000 });
    row.judged(&judgement).milliseconds("p99", judgement.delay(0.99)).print();
    judgement.assert_exact();
}

/// Nothing reconciles meanwhile, so whatever arrives was noticed by its event.
#[test]
fn every_way_of_publishing_is_noticed_at_once_and_only_when_complete() {
    let pause = Duration::from_millis(30);
    let manners = [
        (Manner::Written, "written", 1_000),
        (Manner::RenamedIn, "renamed", 1_000),
        (Manner::Linked, "linked", 1_000),
        (Manner::Unnamed, "unnamed", 1_000),
        (Manner::Slow { pieces: 5, pause }, "slow", 40),
    ];
    let run = |landing: &Landing| {
        let mut truth = Truth::default();
        for (manner, label, files) in manners {
            let layout = Layout::Burst { files, folders: 3 };
            let mut workload = Workload::new(landing.root(), layout, manner);
            (workload.label, workload.sizes) = (label, (100, 300_000));
            truth.merge(workload.run());
        }
        truth
    };
    let judgement = deliver(run, None, Scratch::on_disk("arrivals"));
    judgement.assert_exact();
    assert!(judgement.delay(1.0) < Duration::from_mins(1), "{judgement}");
}

#[test]
fn a_file_changed_after_its_delivery_is_a_new_generation() {
    let scratch = Scratch::on_disk("generations");
    let redis = Redis::start();
    let mut landing = landing(scratch);
    landing.configure(&to_redis_and_lines(&redis, ""));
    landing.start();
    let list = pop(&redis, &landing);
    let mut truth = Truth::default();
    for (count, content) in [&b"first"[..], b"second, longer", b"third"].iter().enumerate() {
        truth.write(&landing.root(), b"report.dat", content);
        list.wait_for(count + 1, LONG);
    }
    let receipts = list.finish();
    judge(&truth, &receipts).assert_exact();
    let generations: Vec<u64> = receipts.iter().map(|receipt| receipt.generation).collect();
    assert_eq!(generations, [1, 2, 3]);
    for (receipt, version) in receipts.iter().zip(&truth.published) {
        assert_eq!((receipt.hash, receipt.size), (Some(version.hash), version.size));
    }
}
