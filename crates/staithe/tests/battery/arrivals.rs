//! Everything that arrives is delivered, complete and once.

use std::fs;
use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{self, Row};
use testkit::redis::Redis;
use testkit::{Judgement, Landing, Layout, Manner, Receipt, Scratch, Truth, Workload, judge, wait_until};

use crate::{LONG, doing_without, landing, pop, tail, to_redis_and_lines};

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
fn unpacking_20_000_files_into_2_000_new_directories() {
    whole(Layout::Unpack { files: 20_000, per_folder: 10 }).assert_exact();
}

#[test]
fn a_file_in_each_of_2_000_new_chains_of_directories() {
    whole(Layout::Chains { chains: 2_000 }).assert_exact();
}

/// What a chain is called at first, and what a directory in its midst is called in the end.
const FIRST: &str = "b";
const LAST: &str = "z";

/// `mkdir -p r/a/b/c/d/e`, a file in it, and `b` becomes `z`, within the time. Gives how long that took.
fn make_and_rename(landing: &Landing, chain: usize, pauses: &[Duration; 3], truth: &mut Truth) -> Duration {
    let begun = Instant::now();
    // Not waits for luck: this is the writer's speed, so that a walk meets each step.
    let pause = |step: usize| std::thread::sleep(pauses[step]);
    let top = landing.root().join(format!("r{chain:05}/a"));
    fs::create_dir_all(top.join(FIRST).join("c/d/e")).expect("the tree takes folders");
    pause(0);
    fs::write(top.join(FIRST).join("c/d/e/f"), format!("chain {chain}")).expect("the tree takes files");
    pause(1);
    fs::rename(top.join(FIRST), top.join(LAST)).expect("a folder can be renamed");
    truth.note(format!("r{chain:05}/a/{LAST}/c/d/e/f").as_bytes(), format!("chain {chain}").as_bytes());
    let took = begun.elapsed();
    pause(2);
    took
}

/// Every other chain is made as fast as it can be.
fn pauses(chance: &mut Chance, chain: usize) -> [Duration; 3] {
    let longest = Duration::from_micros(if chain.is_multiple_of(2) { 0 } else { 400 });
    [0; 3].map(|_| chance.up_to(longest))
}

/// The daemon makes no comparisons after the first, neither in time nor for the renames: they would find what
/// events have missed.
#[test]
fn new_chains_of_directories_that_are_renamed_at_once_lose_no_file() {
    let mut chance = Chance::from_environment();
    let row = Row::new("B01").seed(chance.seed());
    let home = Scratch::in_memory("uncompared");
    let mut landing =
        Landing::new(doing_without("comparing-after-renames", &home), Scratch::in_memory("renamed"));
    // Until the end: what has its port next would be sent our events.
    let redis = Redis::start();
    let plan = to_redis_and_lines(&redis, "");
    landing.configure(&plan.replacen("path = \"{in}\"", "path = \"{in}\"\nrescan = \"0s\"", 1));
    let lines = tail(&landing);
    landing.start();
    let compared = landing.status()["sources"][0]["last_scan"].clone();
    let chains = proof::size(200, 2_000);
    let mut truth = Truth::default();
    let mut times = Vec::with_capacity(chains);
    for chain in 0..chains {
        times.push(make_and_rename(&landing, chain, &pauses(&mut chance, chain), &mut truth));
    }
    times.sort_unstable();

    let lost = |receipts: &[Receipt]| judge(&truth, receipts).lost;
    wait_until(LONG, "an event of each file under its last name", || lost(&lines.receipts()).is_empty());
    let status = landing.status();
    assert_eq!(status["sources"][0]["last_scan"], compared, "a comparison has helped: {status}");
    // Some are seen under their first name as well, which they had.
    let first = format!("/a/{FIRST}/");
    let has_first = |receipt: &Receipt| String::from_utf8_lossy(&receipt.path).contains(&first);
    let (early, receipts): (Vec<_>, Vec<_>) = lines.finish().into_iter().partition(has_first);
    let judgement = judge(&truth, &receipts);
    let row =
        row.judged(&judgement).figure("found by comparison", 0).figure("under the first name", early.len());
    let row = row.milliseconds("one chain, median", times[chains / 2]);
    row.milliseconds("p99", judgement.delay(0.99)).print();
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
