//! What is known about one generation, and the numbers over all of them.

use model::{Cause, EventId, Fingerprint, Kind, SignalSet, Stamp, State};

use crate::entry::Moment;

/// Everything the ledger knows about one generation of a path, or another event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the ledger.
    pub seq: u64,
    /// The source's name.
    pub source_name: String,
    /// Relative to the source's root.
    pub path: Vec<u8>,
    /// The stable id.
    pub id: EventId,
    /// What it is.
    pub kind: Kind,
    /// What it looked like when it was complete.
    pub fingerprint: Fingerprint,
    /// Which generation of the path; of a removal, which one is gone; 0 of a gap.
    pub generation: u32,
    /// The id of the announced generation before; of a removal, of the one that is gone.
    pub supersedes: Option<EventId>,
    /// Where it stands, over all its sinks.
    pub state: State,
    /// The rule that took it.
    pub rule: String,
    /// The evidence that satisfied the rule.
    pub signals: SignalSet,
    /// From first sight to completeness, in milliseconds.
    pub waited_ms: u64,
    /// When it was first seen.
    pub first_seen: Stamp,
    /// When it was complete.
    pub admitted: Stamp,
    /// Whether the path was seen gone after this generation.
    pub absent: bool,
    /// When that was seen.
    pub absent_at: Option<Stamp>,
    /// What made the program announce it.
    pub cause: Cause,
    /// What happened to it until it was complete, oldest first.
    pub history: Vec<Moment>,
    /// How many members a dataset had, if that was said.
    pub members_count: Option<u64>,
    /// Where it stands with each sink.
    pub sinks: Vec<SinkRecord>,
}

/// Where a generation stands with one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkRecord {
    /// The sink's name.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried, as far as that was recorded.
    pub attempts: u32,
    /// Why it was refused last.
    pub last_error: Option<String>,
    /// Of a dead letter: it was rejected for good, rather than refused too often.
    pub rejected: bool,
    /// When it was acknowledged, to the precision of the sink's reports; `None` once that is pruned.
    pub delivered_at: Option<Stamp>,
    /// The attempts, if the first did not go through: the first few of them and the latest.
    pub history: Vec<Moment>,
}

/// How many generations are in each state; `Seen` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; State::ALL.len()]);

impl Counts {
    /// How many are in `state`.
    #[must_use]
    pub fn get(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// Counts `number` more in `state`, and so in `Seen`.
    pub fn add(&mut self, state: State, number: u64) {
        self.0[state as usize] += number;
        if state != State::Seen {
            self.0[State::Seen as usize] += number;
        }
    }
}

/// The numbers of one sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkCounts {
    /// Events it was not offered yet.
    pub queued: u64,
    /// Events it has in hand.
    pub in_flight: u64,
    /// Acknowledgements since the sink is known.
    pub delivered: u64,
    /// Events it refused for now.
    pub retrying: u64,
    /// Its dead letters.
    pub dead: u64,
    /// When the oldest event that it still has to take was admitted.
    pub oldest_admitted: Option<Stamp>,
}

/// The order in which states of one unit at several sinks count: the least advanced wins.
const LADDER: [State; 5] = [State::Queued, State::Retrying, State::Delivering, State::Dead, State::Delivered];

/// The state of a unit that is in these states at its sinks.
pub(crate) fn least_advanced(states: impl IntoIterator<Item = State>) -> State {
    let rank = |state: &State| LADDER.iter().position(|step| step == state).unwrap_or(0);
    states.into_iter().min_by_key(rank).unwrap_or(State::Delivered)
}
