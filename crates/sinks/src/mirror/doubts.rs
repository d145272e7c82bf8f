//! Paths that have to be looked at again when it is quiet. Pure.
//!
//! An event says where something happened, and by the time it is worked on the directory may be elsewhere: what is
//! looked at is then another thing, or nothing. Such a path is doubtful. Doubts go with renames, as what they are about
//! does, and are settled by comparing what lies there.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Stamp;

use super::marks::{is_within, moved};
use super::work::since;

/// So many are kept. With more, everything is doubtful.
const LIMIT: usize = 4096;
/// How long content that is awaited is looked for beyond the time that a file must lie still. What is not still by
/// then is being written, and arrives.
const CONTENT: Duration = Duration::from_secs(5);
/// Where a file must lie still for longer, only its arrival brings it.
const LONGEST: Duration = Duration::from_secs(10);

/// What is doubtful, and the event that stands for it in the lane.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    paths: BTreeMap<Box<[u8]>, Stamp>,
    /// It is not acknowledged before the doubts were looked at.
    ticket: Option<u64>,
    /// How often the ticket came in vain.
    waits: u32,
}

impl Doubts {
    /// What lies at and below `path` may differ.
    pub(crate) fn add(&mut self, path: &[u8], now: Stamp) {
        if self.paths.len() >= LIMIT {
            self.paths.clear();
            self.paths.insert(Box::default(), now);
        }
        if !self.paths.contains_key(&b""[..]) {
            self.paths.entry(path.into()).or_insert(now);
        }
    }

    /// The same for content that is awaited: it is looked for again as long as it may be copied for its rest.
    pub(crate) fn keep(&mut self, path: &[u8], begun: Stamp, now: Stamp, still: Option<Duration>) {
        let worth = |still: Duration| still <= LONGEST && since(begun, now) < still + CONTENT;
        if still.is_some_and(worth) && self.paths.len() < LIMIT {
            self.paths.insert(path.into(), begun);
        }
    }

    /// What was at or below `from` is at or below `to` now.
    pub(crate) fn renamed(&mut self, from: &[u8], to: &[u8]) {
        let those: Vec<_> = self.paths.keys().filter(|path| is_within(path, from)).cloned().collect();
        for path in those {
            if let Some(begun) = self.paths.remove(&path) {
                self.paths.insert(moved(&path, from, to), begun);
            }
        }
    }

    /// All of them, to be looked at.
    pub(crate) fn take(&mut self) -> BTreeMap<Box<[u8]>, Stamp> {
        std::mem::take(&mut self.paths)
    }

    /// Those that could not be looked at.
    pub(crate) fn put_back(&mut self, those: BTreeMap<Box<[u8]>, Stamp>) {
        for (path, begun) in those {
            self.add(&path, begun);
        }
    }

    /// Whether `seq` should stand for the doubts from now on: there are some, and no other one does.
    pub(crate) fn needs_ticket(&mut self, seq: u64) -> bool {
        let needs = !self.paths.is_empty() && self.ticket.is_none();
        if needs {
            self.ticket = Some(seq);
        }
        needs
    }

    /// Whether `seq` stands for them. `busy`: something else happened a moment ago; then it waits on, for a while.
    pub(crate) fn is_due(&mut self, seq: u64, busy: bool) -> Option<bool> {
        if self.ticket != Some(seq) {
            return None;
        }
        let due = !busy || self.waits >= 10;
        self.waits = if due { 0 } else { self.waits + 1 };
        if due {
            self.ticket = None;
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::new(seconds, 0)
    }

    #[test]
    fn doubts_go_with_renames_and_one_event_stands_for_all() {
        let mut doubts = Doubts::default();
        assert!(!doubts.needs_ticket(1));
        doubts.add(b"d/f", at(1));
        doubts.add(b"d.f", at(1));
        doubts.renamed(b"d", b"e");
        assert!(doubts.needs_ticket(1) && !doubts.needs_ticket(2));
        assert_eq!((doubts.is_due(2, false), doubts.is_due(1, true)), (None, Some(false)));
        assert_eq!((doubts.is_due(1, false), doubts.is_due(1, false)), (Some(true), None));
        let paths: Vec<_> = doubts.take().into_keys().collect();
        assert_eq!(paths, [(*b"d.f").into(), Box::from(*b"e/f")]);
    }

    #[test]
    fn an_event_does_not_stand_for_ever_and_too_many_doubts_are_one() {
        let mut doubts = Doubts::default();
        for number in 0..=LIMIT {
            doubts.add(number.to_string().as_bytes(), at(1));
        }
        assert!(doubts.needs_ticket(1));
        assert!((0..10).all(|_| doubts.is_due(1, true) == Some(false)));
        assert_eq!(doubts.is_due(1, true), Some(true));
        assert_eq!(doubts.take().into_keys().collect::<Vec<_>>(), [Box::default()]);
        doubts.keep(b"f", at(1), at(1), Some(Duration::ZERO));
        doubts.keep(b"e", at(1), at(1), Some(Duration::from_mins(1)));
        doubts.keep(b"g", at(1), at(99), Some(Duration::ZERO));
        doubts.keep(b"h", at(1), at(5), None);
        assert_eq!(doubts.take().len(), 1);
    }
}
