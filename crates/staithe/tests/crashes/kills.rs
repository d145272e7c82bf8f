//! `kill -9` at any instant.

use std::time::{Duration, Instant};

use testkit::chance::Chance;
use testkit::proof::{Row, is_long, size};
use testkit::redis::Redis;
use testkit::{Collector, Landing, Layout, Manner, Scratch, Truth, Workload, judge};

use crate::lives::Lives;
use crate::{LONG, landing, pop, tail, to_redis_and_lines};

/// So often is one installation killed. Another one follows, so that neither the tree nor what is noted of it grows
/// without end.
const KILLS_EACH: usize = 50;
/// Files a second.
const RATE: u32 = 1_000;

/// Files that are renamed in by eight writers; some are large.
fn renamed_in(landing: &Landing, seed: u64) -> Workload {
    let layout = Layout::Unpack { files: 1_000_000, per_folder: 25 };
    let workload = Workload::new(landing.root(), layout, Manner::RenamedIn);
    let (sizes, large) = ((1_000, 4_000), Some((400, 5 << 20)));
    Workload { writers: 8, sizes, large, seed, rate: Some(RATE), ..workload }
}

/// An installation that is killed again and again while files arrive.
struct Victim {
    landing: Landing,
    collectors: [Collector; 2],
    lives: [Lives; 2],
    /// From the start of a process until it was ready.
    recoveries: Vec<Duration>,
    // Dropped last.
    _redis: Redis,
}

impl Victim {
    fn new() -> Self {
        let redis = Redis::start();
        let landing = landing(Scratch::in_memory("kills"));
        landing.configure(&to_redis_and_lines(&redis, "", ""));
        let collectors = [pop(&redis, &landing), tail(&landing)];
        let lives = [Lives::default(), Lives::default()];
        Self { landing, collectors, lives, recoveries: Vec::new(), _redis: redis }
    }

    /// Ends a life: what was received in it repeats no more than one batch.
    #[track_caller]
    fn end_life(&mut self) {
        for (lives, collector) in self.lives.iter_mut().zip(&self.collectors) {
            let _received = collector.drain();
            lives.end(&collector.receipts_from(lives.received()));
        }
    }

    /// Every fourth kill falls into the start itself.
    fn kill(&mut self, round: usize, after: Duration) {
        let begun = Instant::now();
        if round % 4 == 3 {
            self.landing.launch();
        } else {
            self.landing.start();
            self.recoveries.push(begun.elapsed());
        }
        // A random instant is what is tested here; nothing is waited for.
        std::thread::sleep(after);
        self.landing.kill();
        self.end_life();
    }

    /// Lets the last life come to its end, and compares.
    fn finish(mut self, truth: &Truth, mut row: Row, shown: &mut Shown) -> Row {
        self.landing.wait_idle(truth.paths() as u64, LONG);
        self.end_life();
        shown.files += truth.paths();
        shown.recoveries.append(&mut self.recoveries);
        for (lives, collector) in self.lives.iter().zip(self.collectors) {
            let judgement = judge(truth, &collector.finish());
            println!("{judgement}");
            judgement.assert_at_least_once(lives.repeated.iter().sum());
            row = row.judged(&judgement);
            shown.repeated.extend(&lives.repeated[1..]);
        }
        row
    }
}

/// What all installations together have shown.
#[derive(Default)]
struct Shown {
    files: usize,
    recoveries: Vec<Duration>,
    /// For each kill and sink.
    repeated: Vec<usize>,
}

impl Shown {
    fn row(mut self, row: Row, kills: usize) -> Row {
        self.recoveries.sort_unstable();
        let at = |share: f64| self.recoveries[((self.recoveries.len() - 1) as f64 * share).round() as usize];
        let all: usize = self.repeated.iter().sum();
        row.figure("kills", kills)
            .figure("files", self.files)
            .figure("most repeated after a kill", self.repeated.iter().copied().max().unwrap_or_default())
            .figure("repeated after a kill, mean", all as f64 / self.repeated.len().max(1) as f64)
            .milliseconds("ready again, median", at(0.5))
            .milliseconds("ready again, p99", at(0.99))
    }
}

#[test]
fn kills_at_random_under_load_lose_nothing() {
    let kills = size(20, 1_000);
    let longest = Duration::from_millis(if is_long() { 2_000 } else { 600 });
    let mut chance = Chance::from_environment();
    let (mut row, mut shown) = (Row::new("C01").seed(chance.seed()), Shown::default());
    for first in (0..kills).step_by(KILLS_EACH) {
        let mut victim = Victim::new();
        let running = renamed_in(&victim.landing, chance.draw()).start();
        for round in first..kills.min(first + KILLS_EACH) {
            victim.kill(round, chance.up_to(longest));
        }
        victim.landing.start();
        let truth = running.stop();
        row = victim.finish(&truth, row, &mut shown);
    }
    shown.row(row, kills).print();
}
