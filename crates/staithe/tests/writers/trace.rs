//! What a writer did to one file, moment by moment, and what a preset may make of that.

use std::time::{Duration, Instant};

use blake3::Hash;
use testkit::Receipt;

/// A stop that is longer than a quiet time by so much was long enough also on a busy machine.
const MARGIN: Duration = Duration::from_millis(1_500);

/// A file's states from the first to the last.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) path: &'static str,
    /// Neither events nor times tell of its changes; only its writer can be seen.
    pub(crate) is_untold: bool,
    states: Vec<State>,
}

/// One state.
#[derive(Debug)]
struct State {
    size: u64,
    hash: Hash,
    /// Not later than it began.
    from: Instant,
    /// Not later than its content began, open or closed.
    since: Instant,
    /// Not earlier than it ended; the last does not end.
    until: Option<Instant>,
    /// Whether some process had the file open for writing.
    open: bool,
    /// Whether the writer had said by a second file that it was finished.
    marked: bool,
}

/// What a preset looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    /// It believes no state that did not last so long.
    pub(crate) quiet: Duration,
    /// It believes no state in which somebody has the file open for writing.
    pub(crate) sees_writers: bool,
    /// It believes no state of which the writer has not said that it is the last.
    pub(crate) wants_mark: bool,
}

impl Trust {
    /// In whatever was quiet for so long while nobody had it open.
    pub(crate) const fn closed_and_quiet(quiet: Duration) -> Self {
        Self { quiet, sees_writers: true, wants_mark: false }
    }
}

/// What a preset makes of a habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// One event, of the finished file.
    Whole,
    /// One event, of the piece that is all there will ever be.
    Fragment,
    /// Several events: also for states on the way, because the writer let the file lie as if it were
    /// finished. The last is of the finished file.
    Versions,
    /// No event: it waits for a word of which the preset makes sure that it comes last.
    Waiting,
    /// No event: it is none of the program's business.
    Nothing,
}

impl Trace {
    pub(crate) const fn new(path: &'static str) -> Self {
        Self { path, is_untold: false, states: Vec::new() }
    }

    /// Does something that brings the file into this state.
    pub(crate) fn step<T>(&mut self, content: &str, open: bool, act: impl FnOnce() -> T) -> T {
        let from = Instant::now();
        let result = act();
        let (size, hash) = (content.len() as u64, blake3::hash(content.as_bytes()));
        let mut since = from;
        if let Some(last) = self.states.last_mut() {
            last.until = Some(Instant::now());
            since = if last.hash == hash { last.since } else { from };
        }
        self.states.push(State { size, hash, from, since, until: None, open, marked: false });
        result
    }

    /// Says that the file is finished, which changes nothing about it.
    pub(crate) fn mark(&mut self, content: &str, act: impl FnOnce()) {
        self.step(content, false, act);
        self.states.last_mut().expect("one was added").marked = true;
    }

    /// Whether such a preset takes for quiet what is not, for nothing tells of the changes.
    pub(crate) const fn is_unseen(&self, trust: Trust) -> bool {
        self.is_untold && !trust.quiet.is_zero()
    }

    /// Whether everything was received that must be: the last state.
    pub(crate) fn is_through(&self, receipts: &[Receipt]) -> bool {
        let last = self.states.last().map(|state| state.hash);
        self.of(receipts).any(|receipt| receipt.hash == last)
    }

    fn of<'a>(&self, receipts: &'a [Receipt]) -> impl Iterator<Item = &'a Receipt> {
        receipts.iter().filter(|receipt| receipt.path == self.path.as_bytes())
    }

    /// What is wrong with what was received under such a preset; nothing if all is as expected.
    pub(crate) fn offences(&self, trust: Trust, outcome: Outcome, all: &[Receipt]) -> Vec<String> {
        let receipts: Vec<&Receipt> = self.of(all).collect();
        let count = receipts.len();
        let mut offences = Vec::new();
        let fits = match outcome {
            Outcome::Whole | Outcome::Fragment => count == 1,
            Outcome::Versions => count > 1,
            Outcome::Waiting | Outcome::Nothing => count == 0,
        };
        if !fits {
            offences.push(format!("{count} events"));
        }
        offences.extend(receipts.iter().filter_map(|receipt| self.is_early(trust, receipt)));
        if outcome == Outcome::Versions {
            offences.extend(self.missing(trust, &receipts));
        }
        if !matches!(outcome, Outcome::Nothing | Outcome::Waiting) && !self.is_through(all) {
            offences.push("nobody received the last state".to_owned());
        }
        offences
    }

    /// Each event must speak of a state that the preset may believe, and come after it was believable.
    fn is_early(&self, trust: Trust, receipt: &Receipt) -> Option<String> {
        let known = self.states.iter().any(|state| receipt.hash == Some(state.hash));
        if !known {
            return Some(format!("torn: generation {}", receipt.generation));
        }
        // While the event was on its way the file may have gone on; its size tells what it is about. Of
        // states of equal size the content does.
        let mut candidates: Vec<&State> =
            self.states.iter().filter(|state| state.size == receipt.size).collect();
        if candidates.iter().any(|state| receipt.hash == Some(state.hash)) {
            candidates.retain(|state| receipt.hash == Some(state.hash));
        }
        let good = candidates.iter().any(|state| {
            let at = state.from.max(state.since + trust.quiet);
            state.is_believed(trust, Duration::ZERO) && at <= receipt.at
        });
        (!good).then(|| format!("early: generation {} of {} bytes", receipt.generation, receipt.size))
    }

    /// Each state that was to be believed for long enough must have been announced.
    fn missing(&self, trust: Trust, receipts: &[&Receipt]) -> Vec<String> {
        let is_due = |state: &&State| state.is_believed(trust, MARGIN);
        let is_there = |state: &&State| receipts.iter().any(|receipt| receipt.size == state.size);
        let missing = self.states.iter().filter(|state| is_due(state) && !is_there(state));
        missing.map(|state| format!("no event of the state of {} bytes", state.size)).collect()
    }
}

impl State {
    fn is_believed(&self, trust: Trust, margin: Duration) -> bool {
        let rested = self.until.map(|until| until.saturating_duration_since(self.since));
        let can_be_last = !(trust.sees_writers && self.open) && (self.marked || !trust.wants_mark);
        can_be_last && rested.is_none_or(|rested| rested >= trust.quiet + margin)
    }
}
