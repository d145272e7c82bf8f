use std::time::{Duration, Instant};

use ledger::Report;
use model::{Parcel, Stamp};
use sinks::Outcome::{self, Delivered, Rejected, Retry};

use super::{Batch, Places, Rules, Settled};
use crate::policy::Backoff;
use crate::testing::parcel;
use crate::waiting::Waiting;

const SECOND: Duration = Duration::from_secs(1);
const BACKOFF: Backoff = Backoff { floor: SECOND, base: SECOND, cap: SECOND };

/// A sink's side of the lane, without a sink.
struct Bench {
    ahead: std::collections::VecDeque<Parcel>,
    waiting: Waiting,
    now: Instant,
    max_attempts: u32,
}

impl Bench {
    fn new(max_attempts: u32, events: &[(u64, &str)]) -> Self {
        let ahead = events.iter().map(|&(seq, path)| parcel(seq, path)).collect();
        Self { ahead, waiting: Waiting::default(), now: Instant::now(), max_attempts }
    }

    fn places(&mut self) -> Places<'_> {
        Places { ahead: &mut self.ahead, waiting: &mut self.waiting }
    }

    fn fresh(&mut self, limit: usize, one_of_a_lane: bool) -> Batch {
        Batch::from_backlog(&mut self.places(), limit, one_of_a_lane)
    }

    fn due(&mut self) -> Batch {
        Batch::from_waiting(self.waiting.take_due(self.now, 100))
    }

    fn settle(&mut self, batch: Batch, outcomes: Vec<Outcome>) -> (Report, Settled) {
        let wall = Stamp::new(100, 0);
        let rules = Rules { max_attempts: self.max_attempts, backoff: &BACKOFF, now: self.now, wall };
        let mut report = Report::default();
        let mut places = Places { ahead: &mut self.ahead, waiting: &mut self.waiting };
        let settled = batch.settle(outcomes, &mut places, &mut report, &rules, || 0.5);
        (report, settled)
    }
}

fn seqs<'a>(parcels: impl IntoIterator<Item = &'a Parcel>) -> Vec<u64> {
    parcels.into_iter().map(|parcel| parcel.seq).collect()
}

fn no() -> Outcome {
    Retry("no".into())
}

#[test]
fn delivered_events_move_the_cursor() {
    let mut bench = Bench::new(0, &[(1, "a"), (4, "b"), (7, "a")]);
    let batch = bench.fresh(2, false);
    assert_eq!((seqs(batch.parcels()), batch.behind_cursor()), (vec![1, 4], 2));
    let (report, settled) = bench.settle(batch, vec![Delivered, Delivered]);
    assert_eq!((report.cursor, report.delivered), (Some(4), 2));
    assert_eq!((seqs(&settled.delivered), seqs(&bench.ahead)), (vec![1, 4], vec![7]));
}

#[test]
fn events_without_an_outcome_go_back_in_order() {
    let mut bench = Bench::new(0, &[(1, "a"), (2, "b"), (3, "c"), (4, "d")]);
    let batch = bench.fresh(3, false);
    let (report, _) = bench.settle(batch, vec![Delivered]);
    assert_eq!((report.cursor, report.delivered), (Some(1), 1));
    assert_eq!(seqs(&bench.ahead), [2, 3, 4]);
}

#[test]
fn a_refused_event_holds_up_its_own_lane_only() {
    let mut bench = Bench::new(0, &[(1, "a"), (2, "b"), (3, "a"), (4, "c"), (5, "a")]);
    let batch = bench.fresh(2, true);
    let (report, _) = bench.settle(batch, vec![no(), Delivered]);
    assert_eq!((report.cursor, report.delivered, report.parked[0].seq), (Some(2), 1, 1));
    assert_eq!((report.parked[0].attempts, report.parked[0].next), (1, Stamp::new(101, 0)));

    let batch = bench.fresh(10, true);
    assert_eq!((seqs(batch.parcels()), batch.held()), (vec![4], 3));
    let (report, _) = bench.settle(batch, vec![Delivered]);
    assert_eq!((report.cursor, report.delivered), (Some(5), 1));
    let parked: Vec<_> = report.parked.iter().map(|parked| (parked.seq, parked.attempts)).collect();
    assert_eq!(parked, [(3, 0), (5, 0)]);

    assert!(bench.due().is_empty());
    bench.now += SECOND;
    for (seq, attempt) in [(1, 2), (3, 1), (5, 1)] {
        let batch = bench.due();
        assert_eq!((seqs(batch.parcels()), batch.parcels()[0].attempt), (vec![seq], attempt));
        assert_eq!(batch.behind_cursor(), 0);
        let (report, _) = bench.settle(batch, vec![Delivered]);
        assert_eq!((report.cursor, report.delivered, report.unparked_delivered), (None, 0, vec![seq]));
    }
    assert!(bench.waiting.is_empty());
}

#[test]
fn blocked_events_beyond_what_was_taken_go_back_too() {
    let mut bench = Bench::new(0, &[(1, "a")]);
    let batch = bench.fresh(1, true);
    bench.settle(batch, vec![no()]);
    bench.ahead = [(2, "b"), (3, "a"), (4, "c"), (5, "a")].map(|(seq, path)| parcel(seq, path)).into();
    let batch = bench.fresh(10, true);
    let (report, _) = bench.settle(batch, vec![Delivered]);
    assert_eq!((report.cursor, report.parked.len(), seqs(&bench.ahead)), (Some(3), 1, vec![4, 5]));
}

#[test]
fn a_batch_of_nothing_but_blocked_events_passes_the_cursor() {
    let mut bench = Bench::new(0, &[(1, "a"), (2, "a")]);
    let batch = bench.fresh(1, true);
    bench.settle(batch, vec![no()]);
    let batch = bench.fresh(10, true);
    assert!(batch.parcels().is_empty() && !batch.is_empty());
    let (report, _) = bench.settle(batch, Vec::new());
    assert_eq!((report.cursor, report.parked[0].seq), (Some(2), 2));
}

#[test]
fn trouble_puts_everything_back_as_it_was() {
    let mut bench = Bench::new(1, &[(1, "a"), (2, "b"), (3, "a")]);
    let batch = bench.fresh(10, true);
    assert_eq!(seqs(batch.parcels()), [1, 2]);
    let now = bench.now;
    batch.take_back(&mut bench.places(), now);
    assert_eq!(seqs(&bench.ahead), [1, 2, 3]);
    bench.max_attempts = 5;
    let batch = bench.fresh(1, true);
    bench.settle(batch, vec![no()]);
    bench.now += SECOND;
    for _ in 0..9 {
        let batch = bench.due();
        assert_eq!(batch.parcels()[0].attempt, 2, "trouble of the sink is no attempt of the event");
        let now = bench.now;
        batch.take_back(&mut bench.places(), now);
    }
}

#[test]
fn the_last_attempt_and_a_rejection_make_dead_letters_and_free_the_lane() {
    let mut bench = Bench::new(2, &[(1, "a"), (2, "b"), (3, "a")]);
    let batch = bench.fresh(2, true);
    let (report, settled) = bench.settle(batch, vec![no(), Rejected("never".into())]);
    assert_eq!((report.cursor, report.delivered), (Some(2), 0));
    let dead = &report.dead[0];
    assert_eq!((dead.seq, dead.attempts, dead.rejected, dead.error.as_str()), (2, 1, true, "never"));
    assert_eq!(settled.dead[0].0.seq, 2);
    let batch = bench.fresh(10, true);
    bench.settle(batch, Vec::new());
    bench.now += SECOND;
    let batch = bench.due();
    let (report, _) = bench.settle(batch, vec![no()]);
    let dead = &report.dead[0];
    assert_eq!((dead.seq, dead.attempts, dead.rejected, report.cursor), (1, 2, false, None));
    assert_eq!(seqs(bench.due().parcels()), [3]);
}

#[test]
fn a_sink_that_takes_whole_batches_gets_several_generations_at_once() {
    let mut bench = Bench::new(0, &[(1, "a"), (2, "a"), (3, "a")]);
    assert_eq!(bench.fresh(10, false).parcels().len(), 3);
}
