//! An installation that crashes again and again while files arrive.

use std::time::{Duration, Instant};

use testkit::proof::Row;
use testkit::redis::Redis;
use testkit::{Collector, Landing, Layout, Manner, Scratch, Truth, Workload, judge};

use crate::lives::Lives;
use crate::{LONG, landing, pop, tail, to_redis_and_lines};

/// So often does one installation crash. Another one follows, so that neither the tree nor what is noted of it grows
/// without end.
pub(crate) const CRASHES_EACH: usize = 25;
/// Files a second: so few that each life comes further than the one before, also on a busy machine.
const RATE: u32 = 600;
/// No tree grows beyond so many files, however long its crashes take.
const FILES: usize = 20_000;

pub(crate) struct Victim {
    pub(crate) landing: Landing,
    collectors: [Collector; 2],
    lives: [Lives; 2],
    /// From the start of a process until it was ready.
    recoveries: Vec<Duration>,
    // Dropped last.
    _redis: Redis,
}

impl Victim {
    /// With this in its configuration, as [`to_redis_and_lines`] has it.
    pub(crate) fn new(top: &str, rules: &str) -> Self {
        let redis = Redis::start();
        let landing = landing(Scratch::in_memory("crashes"));
        landing.configure(&to_redis_and_lines(&redis, top, rules));
        let collectors = [pop(&redis, &landing), tail(&landing)];
        let lives = [Lives::default(), Lives::default()];
        Self { landing, collectors, lives, recoveries: Vec::new(), _redis: redis }
    }

    /// Files that are renamed in by eight writers; some are large.
    pub(crate) fn load(&self, seed: u64) -> Workload {
        let layout = Layout::Unpack { files: FILES, per_folder: 25 };
        let workload = Workload::new(self.landing.root(), layout, Manner::RenamedIn);
        let (sizes, large) = ((1_000, 4_000), Some((400, 5 << 20)));
        Workload { writers: 8, sizes, large, seed, rate: Some(RATE), ..workload }
    }

    /// Begins a life. Every fourth crash is to fall into the start itself.
    #[track_caller]
    pub(crate) fn begin(&mut self, round: usize) {
        let begun = Instant::now();
        if round % 4 == 3 {
            self.landing.launch();
        } else {
            self.landing.start();
            self.recoveries.push(begun.elapsed());
        }
    }

    /// Fails if a life repeated more than one batch.
    #[track_caller]
    pub(crate) fn check(&self) {
        self.lives.iter().for_each(Lives::check);
    }

    /// Ends a life, the process of which is gone.
    #[track_caller]
    pub(crate) fn end(&mut self) {
        for (lives, collector) in self.lives.iter_mut().zip(&self.collectors) {
            let _received = collector.drain();
            lives.end(&collector.receipts_from(lives.received()));
        }
    }

    /// Lets the last life, which runs, settle everything.
    #[track_caller]
    pub(crate) fn settle(&mut self, truth: &Truth) {
        self.landing.wait_idle(truth.paths() as u64, LONG);
        self.end();
    }

    /// Compares what was received with what was written.
    #[track_caller]
    pub(crate) fn judge(self, truth: &Truth, mut row: Row, shown: &mut Shown) -> Row {
        self.check();
        shown.files += truth.paths();
        shown.recoveries.extend(self.recoveries);
        for (lives, collector) in self.lives.iter().zip(self.collectors) {
            // A crash may tear the line that is being written; the next life ends it and sends that event again.
            let judgement = judge(truth, &collector.finish_but(lives.repeated.len() - 1));
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
pub(crate) struct Shown {
    files: usize,
    recoveries: Vec<Duration>,
    /// For each crash and sink.
    repeated: Vec<usize>,
}

impl Shown {
    pub(crate) fn row(mut self, row: Row) -> Row {
        self.recoveries.sort_unstable();
        let at = |share: f64| self.recoveries[((self.recoveries.len() - 1) as f64 * share).round() as usize];
        let all: usize = self.repeated.iter().sum();
        row.figure("files", self.files)
            .figure("most repeated after one", self.repeated.iter().copied().max().unwrap_or_default())
            .figure("repeated after one, mean", all as f64 / self.repeated.len().max(1) as f64)
            .milliseconds("ready again, median", at(0.5))
            .milliseconds("ready again, p99", at(0.99))
    }
}
