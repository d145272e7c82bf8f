//! What is offered with one call, and what its outcomes mean.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use ledger::{Dead, Parked, Report};
use model::{Parcel, Stamp};
use sinks::Outcome;

use crate::policy::{Backoff, Sentence, refused};
use crate::waiting::{Held, Lane, Waiting};

/// Events for one call, in order.
#[derive(Debug)]
pub(crate) struct Batch {
    parcels: Vec<Parcel>,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    /// From behind the cursor. Between the offered events lie these, of lanes that are held up:
    /// each joins its lane when the cursor passes it.
    Backlog { blocked: Vec<(Lane, Parcel)> },
    /// Waiting events whose time has come: the lane of each, and how often it was tried before.
    Waiting { tried: Vec<(Lane, u32)> },
}

/// How outcomes are judged: the time, and the patience with a refused event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) max_attempts: u32,
    pub(crate) backoff: &'a Backoff,
    pub(crate) now: Instant,
    pub(crate) wall: Stamp,
}

/// Where events that were not settled go.
pub(crate) struct Places<'a> {
    pub(crate) ahead: &'a mut VecDeque<Parcel>,
    pub(crate) waiting: &'a mut Waiting,
}

/// What came of a batch, for those who are told.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) delivered: Vec<Parcel>,
    pub(crate) dead: Vec<(Parcel, String)>,
}

impl Batch {
    /// The next events from `ahead`, at most `limit` to offer. With `one_of_a_lane` it ends before
    /// a second event of the same path.
    pub(crate) fn from_backlog(places: &mut Places<'_>, limit: usize, one_of_a_lane: bool) -> Self {
        let ahead = &mut *places.ahead;
        let mut parcels = Vec::with_capacity(limit.min(ahead.len()));
        let (mut blocked, mut lanes) = (Vec::new(), HashSet::new());
        while parcels.len() < limit
            && let Some(next) = ahead.pop_front()
        {
            // Most of the time no lane is held up, and none needs to be known.
            if places.waiting.is_empty() && !one_of_a_lane {
                parcels.push(next);
                continue;
            }
            let lane = Lane::of(&next);
            if places.waiting.blocks(lane) && !switch::is_off("order-of-a-path") {
                blocked.push((lane, next));
            } else if one_of_a_lane && !lanes.insert(lane) {
                ahead.push_front(next);
                break;
            } else {
                parcels.push(next);
            }
        }
        Self { parcels, origin: Origin::Backlog { blocked } }
    }

    /// Waiting events, as [`Waiting::take_due`] gives them.
    pub(crate) fn from_waiting(due: Vec<(Lane, Held)>) -> Self {
        let (mut parcels, mut tried) = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
        for (lane, mut held) in due {
            held.parcel.attempt = held.attempts.saturating_add(1);
            parcels.push(held.parcel);
            tried.push((lane, held.attempts));
        }
        Self { parcels, origin: Origin::Waiting { tried } }
    }

    /// What is offered; nothing when all of it is held up.
    pub(crate) fn parcels(&self) -> &[Parcel] {
        &self.parcels
    }

    /// Whether there is nothing in it at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.held() == 0
    }

    /// How many events it holds in memory.
    pub(crate) fn held(&self) -> usize {
        match &self.origin {
            Origin::Backlog { blocked } => self.parcels.len() + blocked.len(),
            Origin::Waiting { .. } => self.parcels.len(),
        }
    }

    /// How many of the next events behind the cursor are in it.
    pub(crate) fn behind_cursor(&self) -> u64 {
        match self.origin {
            Origin::Backlog { .. } => self.held() as u64,
            Origin::Waiting { .. } => 0,
        }
    }

    /// The sink failed as a whole: everything goes back to where it came from, as it was.
    pub(crate) fn take_back(self, places: &mut Places<'_>, now: Instant) {
        if switch::is_off("keep-what-a-sink-refuses") {
            return;
        }
        match self.origin {
            Origin::Backlog { blocked } => {
                let rest = self.parcels.into_iter().chain(blocked.into_iter().map(|(_, parcel)| parcel));
                return_in_order(rest.collect(), places.ahead);
            }
            Origin::Waiting { tried } => {
                for (parcel, (lane, attempts)) in self.parcels.into_iter().zip(tried) {
                    places.waiting.put_back(lane, Held { parcel, attempts, due: now });
                }
            }
        }
    }

    /// Judges the outcomes, writes the judgements into the report and puts aside what waits.
    /// Events without an outcome were not offered and go back.
    pub(crate) fn settle(
        self,
        outcomes: Vec<Outcome>,
        places: &mut Places<'_>,
        report: &mut Report,
        rules: &Rules<'_>,
        roll: impl FnMut() -> f64,
    ) -> Settled {
        let mut court = Court { waiting: places.waiting, report, rules, roll, settled: Settled::default() };
        match self.origin {
            Origin::Backlog { blocked } => {
                court.settle_backlog(self.parcels, blocked, outcomes, places.ahead);
            }
            Origin::Waiting { tried } => court.settle_waiting(self.parcels, tried, outcomes),
        }
        court.settled
    }
}

/// Puts events back in front, in order of admission.
fn return_in_order(mut events: Vec<Parcel>, ahead: &mut VecDeque<Parcel>) {
    events.sort_unstable_by_key(|parcel| parcel.seq);
    for parcel in events.into_iter().rev() {
        ahead.push_front(parcel);
    }
}

struct Court<'a, 'r, R> {
    waiting: &'a mut Waiting,
    report: &'a mut Report,
    rules: &'a Rules<'r>,
    roll: R,
    settled: Settled,
}

/// What became of an event that was tried.
enum Fate {
    Delivered,
    Dead,
    Waits,
}

impl<R: FnMut() -> f64> Court<'_, '_, R> {
    fn settle_backlog(
        &mut self,
        mut parcels: Vec<Parcel>,
        blocked: Vec<(Lane, Parcel)>,
        outcomes: Vec<Outcome>,
        ahead: &mut VecDeque<Parcel>,
    ) {
        let mut rest = parcels.split_off(outcomes.len().min(parcels.len()));
        let first_left = rest.first().map_or(u64::MAX, |parcel| parcel.seq);
        for (parcel, outcome) in parcels.into_iter().zip(outcomes) {
            self.pass(parcel.seq);
            let waits = matches!(outcome, Outcome::Retry(_) | Outcome::Underway(_) | Outcome::PutOff(..));
            let lane = waits.then(|| Lane::of(&parcel));
            if let Fate::Delivered = self.judge(parcel, lane, 0, outcome) {
                self.report.delivered += 1;
            }
        }
        for (lane, parcel) in blocked {
            if parcel.seq < first_left {
                self.pass(parcel.seq);
                self.hold_behind(lane, parcel);
            } else {
                rest.push(parcel);
            }
        }
        return_in_order(rest, ahead);
    }

    fn settle_waiting(&mut self, parcels: Vec<Parcel>, tried: Vec<(Lane, u32)>, outcomes: Vec<Outcome>) {
        let mut outcomes = outcomes.into_iter();
        for (parcel, (lane, attempts)) in parcels.into_iter().zip(tried) {
            let Some(outcome) = outcomes.next() else {
                self.waiting.put_back(lane, Held { parcel, attempts, due: self.rules.now });
                continue;
            };
            let seq = parcel.seq;
            match self.judge(parcel, Some(lane), attempts, outcome) {
                Fate::Delivered => {
                    if !switch::is_off("record-what-was-delivered") {
                        self.report.unparked_delivered.push(seq);
                    }
                    self.waiting.done(lane, self.rules.now);
                }
                Fate::Dead => self.waiting.done(lane, self.rules.now),
                Fate::Waits => {}
            }
        }
    }

    /// The cursor is past this event.
    fn pass(&mut self, seq: u64) {
        self.report.cursor = self.report.cursor.max(Some(seq));
    }

    fn judge(&mut self, parcel: Parcel, lane: Option<Lane>, before: u32, outcome: Outcome) -> Fate {
        let attempts = before.saturating_add(1);
        let error = match outcome {
            Outcome::Underway(progress) => {
                self.wait(parcel, lane, before, Duration::ZERO, progress);
                return Fate::Waits;
            }
            Outcome::PutOff(wait, why) => {
                self.wait(parcel, lane, before, wait, why);
                return Fate::Waits;
            }
            Outcome::Delivered => {
                self.settled.delivered.push(parcel);
                return Fate::Delivered;
            }
            Outcome::Rejected(error) => return self.bury(parcel, attempts, true, error),
            Outcome::Retry(error) => error,
        };
        match refused(attempts, self.rules.max_attempts, self.rules.backoff, (self.roll)()) {
            Sentence::Dead => self.bury(parcel, attempts, false, error),
            Sentence::Again(wait) => {
                self.wait(parcel, lane, attempts, wait, error);
                Fate::Waits
            }
        }
    }

    fn wait(&mut self, parcel: Parcel, lane: Option<Lane>, attempts: u32, wait: Duration, error: String) {
        let next = later(self.rules.wall, wait);
        self.report.parked.push(Parked { seq: parcel.seq, attempts, next, error });
        let lane = lane.unwrap_or_else(|| Lane::of(&parcel));
        self.waiting.put_back(lane, Held { parcel, attempts, due: self.rules.now + wait });
    }

    fn bury(&mut self, parcel: Parcel, attempts: u32, rejected: bool, error: String) -> Fate {
        self.report.dead.push(Dead { seq: parcel.seq, attempts, rejected, error: error.clone() });
        self.settled.dead.push((parcel, error));
        Fate::Dead
    }

    /// Behind the head of its lane: not tried, no attempt counted.
    fn hold_behind(&mut self, lane: Lane, parcel: Parcel) {
        let due = self.waiting.due(lane).unwrap_or(self.rules.now);
        let next = later(self.rules.wall, due.saturating_duration_since(self.rules.now));
        let error = "waits behind an earlier event of the same path".to_owned();
        self.report.parked.push(Parked { seq: parcel.seq, attempts: 0, next, error });
        self.waiting.hold(lane, Held { parcel, attempts: 0, due });
    }
}

fn later(at: Stamp, wait: Duration) -> Stamp {
    Stamp::from_nanos(at.as_nanos().saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
