//! A bad way to a good server: answers come late, in pieces, break off, or never come. D05 and D06 of the reliability
//! battery. What was done and not confirmed is done again, under the same ids, and nothing else is.

use std::time::Duration;

use testkit::chance::Chance;
use testkit::proof::{Row, size};
use testkit::proxy::{Proxy, Toxics};
use testkit::redis::Redis;
use testkit::{Collector, Judgement, Landing, judge, wait_until};

use crate::rig::{landing, length, lines, list, load, pass, wait_for_error};
use crate::{IN_FLIGHT, LONG};

/// Files in a second.
const RATE: u32 = 300;

/// A daemon, a Redis, and a bad way between them.
struct Way {
    redis: Redis,
    proxy: Proxy,
    landing: Landing,
    lines: Collector,
}

impl Way {
    fn start() -> Self {
        let redis = Redis::start();
        let proxy = Proxy::before(redis.port());
        let mut landing =
            landing(&format!("redis://127.0.0.1:{}", proxy.port()), "timeout = \"1s\"\nmax_attempts = 3");
        landing.start();
        let lines = lines(&landing);
        Self { redis, proxy, landing, lines }
    }

    /// Has files arrive while `faults` do their work; judges what lies in the list in the end.
    fn judge(self, faults: impl FnOnce(&Self)) -> Judgement {
        let load = load(&self.landing, RATE);
        self.lines.wait_for(50, LONG);
        faults(&self);
        self.proxy.let_through();
        let truth = load.stop();
        self.landing.wait_idle(truth.paths() as u64, LONG);
        judge(&truth, &self.lines.finish()).assert_exact();
        judge(&truth, &list(&self.redis, &self.landing).finish())
    }

    /// Waits until the list has grown by at least one.
    fn see_growth(&self) {
        let before = length(&self.redis);
        wait_until(LONG, "the list to grow", || length(&self.redis) > before);
    }
}

#[test]
fn late_and_sliced_answers_repeat_nothing() {
    let row = Row::new("D05");
    let judgement = Way::start().judge(|way| {
        // The last one is half of the sink's patience: a busy machine adds to it.
        for (latency, slice) in [(300, 0), (20, 1), (500, 0)] {
            let latency = Duration::from_millis(latency);
            way.proxy.set(Toxics { latency, slice, ..Toxics::default() });
            pass(Duration::from_millis(1_500));
            way.see_growth();
        }
    });
    row.judged(&judgement).print();
    judgement.assert_exact();
}

/// Wherever within the answers a connection breaks off: at most what was in hand is there twice.
#[test]
fn connections_that_break_off_within_an_answer_repeat_what_was_in_hand() {
    let row = Row::new("D05");
    let places: Vec<usize> = (1..=200).step_by(size(20, 1)).collect();
    let judgement = Way::start().judge(|way| {
        for place in &places {
            way.proxy.set(Toxics { limit: Some(*place), ..Toxics::default() });
            // The first answers of a connection may be longer than that, and nothing would ever get through.
            pass(Duration::from_millis(150));
            way.proxy.let_through();
            way.see_growth();
        }
        // What is sent to a server that has closed goes nowhere, until that is known.
        way.proxy.set(Toxics { late_close: Duration::from_millis(500), ..Toxics::default() });
        way.redis.run("CLIENT KILL TYPE normal SKIPME yes");
        way.see_growth();
    });
    row.judged(&judgement).figure("places", places.len()).print();
    judgement.assert_at_least_once(IN_FLIGHT * (2 * places.len() + 1));
}

/// The server takes each push and its answer is lost: the same ids come again, once the timeout is over.
#[test]
fn what_was_taken_and_never_confirmed_comes_again_under_the_same_ids() {
    let row = Row::new("D06");
    let mut chance = Chance::from_environment();
    let rounds = size(2, 20);
    let judgement = Way::start().judge(|way| {
        for _ in 0..rounds {
            way.proxy.hold_answers();
            wait_for_error(&way.landing, "redis", "E-SINK-TIMEOUT");
            pass(chance.up_to(Duration::from_millis(500)));
            way.proxy.let_through();
            way.see_growth();
        }
    });
    row.judged(&judgement).figure("rounds", rounds).print();
    // Each outage repeats the push it began with; after it, pushes go only behind a question that was answered.
    judgement.assert_at_least_once(IN_FLIGHT * rounds);
    assert!(!judgement.repeated.is_empty(), "no answer was lost");
}
