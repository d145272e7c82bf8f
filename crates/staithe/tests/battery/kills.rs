//! `kill -9` at any instant.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use testkit::redis::Redis;
use testkit::{Landing, Layout, Manner, Receipt, Scratch, Truth, Workload, judge, wait_until};

use crate::{IN_FLIGHT, LONG, STEP, landing, pop, sink, tail, to_redis_and_lines};

const KILLS: usize = 20;

/// Random instants. The seed is printed; `STAITHE_SEED` repeats a run as far as the machine lets it.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let clock =
            || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
        let seed =
            std::env::var("STAITHE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(clock);
        println!("STAITHE_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, milliseconds: u64) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % (milliseconds * 1_000))
    }
}

/// Starts and kills the daemon again and again; gives the instants of the kills. Every fourth kill
/// falls into the start itself.
fn kill_again_and_again(landing: &mut Landing, chance: &mut Chance) -> Vec<Instant> {
    let mut kills = Vec::new();
    for round in 0..KILLS {
        if round % 4 == 3 {
            landing.launch();
        } else {
            landing.start();
        }
        // A random instant is what is tested here; nothing is waited for.
        std::thread::sleep(chance.below(600));
        landing.kill();
        kills.push(Instant::now());
    }
    kills
}

/// How many repetitions were received between one kill and the next, for each kill.
fn repetitions_after(kills: &[Instant], receipts: &[Receipt]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let mut counts = vec![0; kills.len() + 1];
    for receipt in receipts {
        if !seen.insert(&receipt.id) {
            counts[kills.partition_point(|kill| *kill <= receipt.at)] += 1;
        }
    }
    counts
}

#[test]
fn twenty_kills_under_load_lose_nothing() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("kills"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    let (list, lines) = (pop(&redis, &landing), tail(&landing));
    let layout = Layout::Unpack { files: 1_000_000, per_folder: 25 };
    let mut workload = Workload::new(landing.root(), layout, Manner::Written);
    workload.rate = Some(1_500);
    let running = workload.start();
    let kills = kill_again_and_again(&mut landing, &mut Chance::new());
    landing.start();
    let truth = running.stop();

    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    for receipts in [list.finish(), lines.finish()] {
        let judgement = judge(&truth, &receipts);
        println!("{judgement}");
        judgement.assert_at_least_once(KILLS * IN_FLIGHT);
        let repeated = repetitions_after(&kills, &receipts);
        assert_eq!(repeated[0], 0, "a repetition before the first kill");
        assert!(repeated.iter().all(|count| *count <= IN_FLIGHT), "more than one batch: {repeated:?}");
    }
}

#[test]
fn files_that_arrived_while_it_was_down_are_delivered_once() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("down"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    let list = pop(&redis, &landing);
    let mut truth = Truth::default();
    let write = |landing: &Landing, label: &'static str| {
        let layout = Layout::Unpack { files: 500, per_folder: 50 };
        let mut workload = Workload::new(landing.root(), layout, Manner::Written);
        workload.label = label;
        workload.run()
    };
    truth.merge(write(&landing, "before"));
    for (up, down) in [("up-one", "down-one"), ("up-two", "down-two")] {
        landing.start();
        truth.merge(write(&landing, up));
        list.wait_for(truth.paths(), LONG);
        landing.wait_idle(truth.paths() as u64, LONG);
        landing.kill();
        truth.merge(write(&landing, down));
    }
    landing.start();
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
}

/// What a sink was offered and has not taken is not taken to be delivered.
#[test]
fn what_was_in_hand_at_a_kill_is_delivered_afterwards() {
    let mut redis = Redis::start();
    let mut landing = landing(Scratch::on_disk("in-hand"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    landing.start();
    redis.stop();
    let layout = Layout::Burst { files: 500, folders: 5 };
    layout.prepare(&landing.root());
    let lines = tail(&landing);
    let truth = Workload::new(landing.root(), layout, Manner::Written).run();
    lines.wait_for(truth.paths(), LONG);
    wait_until(STEP, "the sink to be in trouble", || sink(&landing, "redis")["state"] == "retrying");
    landing.kill();
    redis.start_again();
    let list = pop(&redis, &landing);
    landing.start();
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
}

#[test]
fn an_orderly_stop_under_load_repeats_nothing() {
    let redis = Redis::start();
    let mut landing = landing(Scratch::in_memory("stops"));
    landing.configure(&to_redis_and_lines(&redis, ""));
    let list = pop(&redis, &landing);
    let layout = Layout::Unpack { files: 1_000_000, per_folder: 25 };
    let mut workload = Workload::new(landing.root(), layout, Manner::RenamedIn);
    workload.rate = Some(1_500);
    let running = workload.start();
    let mut chance = Chance::new();
    for _ in 0..5 {
        landing.start();
        std::thread::sleep(chance.below(400));
        landing.stop();
    }
    landing.start();
    let truth = running.stop();
    list.wait_for(truth.paths(), LONG);
    landing.wait_idle(truth.paths() as u64, LONG);
    judge(&truth, &list.finish()).assert_exact();
}
