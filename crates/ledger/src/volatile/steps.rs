//! The steps of deliveries under way, and what sinks follow after them, in memory.

use std::collections::BTreeMap;

use crate::attempts::{FIRST, KEPT};
use crate::options::SinkId;
use crate::step::{Pursuit, Step, StepNote};

/// How much memory pursuits may take. Beyond it the oldest are forgotten: what is lost is the
/// outcome of something that was delivered long ago, and it would be lost at exit anyway.
const PURSUED_BYTES: usize = 32 << 20;

/// What a step or a pursuit takes besides its bytes, about.
const EACH: usize = 96;

/// Both, by sink and event.
#[derive(Debug, Default)]
pub(super) struct Steps {
    noted: BTreeMap<(SinkId, u64), Noted>,
    bytes: usize,
    pursued: BTreeMap<(SinkId, u64), Vec<u8>>,
    pursued_bytes: usize,
}

/// The steps of one event.
#[derive(Debug, Default)]
struct Noted {
    steps: Vec<Step>,
    /// What they count for in [`Steps::bytes`].
    bytes: usize,
}

impl Noted {
    fn last(&self) -> u32 {
        self.steps.last().map_or(0, |step| step.number)
    }
}

impl Steps {
    /// How much memory the steps take of events that may still be tried.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add(&mut self, sink: SinkId, note: &StepNote) {
        if note.steps.is_empty() {
            return;
        }
        let noted = self.noted.entry((sink, note.seq)).or_default();
        for what in &note.steps {
            let number = noted.last() + 1;
            noted.steps.push(Step { number, at: note.at, what: what.clone() });
            noted.bytes += EACH + what.len();
            self.bytes += EACH + what.len();
        }
    }

    /// The event is settled with the sink: its steps go, its pursuit stays.
    pub(super) fn drop_of(&mut self, sink: SinkId, seq: u64) {
        if let Some(noted) = self.noted.remove(&(sink, seq)) {
            self.bytes -= noted.bytes;
        }
    }

    /// The same for all of them behind one number up to another, but for those that are kept.
    pub(super) fn drop_between(
        &mut self,
        sink: SinkId,
        (after, upto): (u64, u64),
        kept: impl Fn(u64) -> bool,
    ) {
        if upto <= after {
            return;
        }
        let passed = self.noted.range((sink, after + 1)..=(sink, upto));
        let settled: Vec<u64> = passed.map(|((_, seq), _)| *seq).filter(|seq| !kept(*seq)).collect();
        for seq in settled {
            self.drop_of(sink, seq);
        }
    }

    /// Nobody will go on with the event: of its steps, what tells how it began and how it ended.
    pub(super) fn cut(&mut self, sink: SinkId, seq: u64) {
        let Some(noted) = self.noted.get_mut(&(sink, seq)) else { return };
        self.bytes -= std::mem::take(&mut noted.bytes);
        let last = noted.steps.len().saturating_sub(KEPT - FIRST);
        if last > FIRST {
            noted.steps.drain(FIRST..last);
            noted.steps.shrink_to_fit();
        }
    }

    pub(super) fn of(&self, sink: SinkId, seq: u64) -> Vec<Step> {
        self.noted.get(&(sink, seq)).map(|noted| noted.steps.clone()).unwrap_or_default()
    }

    pub(super) fn outline(&self, sink: SinkId, seq: u64, head: usize, tail: usize) -> (Vec<Step>, u64) {
        let Some(noted) = self.noted.get(&(sink, seq)) else { return (Vec::new(), 0) };
        let last = u64::from(noted.last());
        let rest = last.saturating_sub(tail as u64);
        let wanted = |step: &&Step| {
            let number = u64::from(step.number);
            number <= head as u64 || number > rest
        };
        (noted.steps.iter().filter(wanted).cloned().collect(), last)
    }

    pub(super) fn pursue(&mut self, sink: SinkId, seq: u64, pursuit: &Pursuit) {
        let what = match pursuit {
            Pursuit::Keep => return,
            Pursuit::Set(what) => Some(what.clone()),
            Pursuit::Clear => None,
        };
        if let Some(before) = self.pursued.remove(&(sink, seq)) {
            self.pursued_bytes -= EACH + before.len();
        }
        if let Some(what) = what {
            self.pursued_bytes += EACH + what.len();
            self.pursued.insert((sink, seq), what);
        }
        while self.pursued_bytes > PURSUED_BYTES
            && let Some(oldest) = self.pursued.keys().copied().min_by_key(|(_, seq)| *seq)
        {
            self.pursue(oldest.0, oldest.1, &Pursuit::Clear);
        }
    }

    pub(super) fn pursuits(&self, sink: SinkId, after: u64, limit: usize) -> Vec<(u64, Vec<u8>)> {
        let behind = self.pursued.range((sink, after.saturating_add(1))..=(sink, u64::MAX));
        behind.take(limit).map(|((_, seq), what)| (*seq, what.clone())).collect()
    }

    pub(super) fn pursuits_count(&self, sink: SinkId) -> u64 {
        self.pursued.range((sink, 0)..=(sink, u64::MAX)).count() as u64
    }
}
