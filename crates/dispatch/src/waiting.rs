//! Events that wait for their next attempt, by lane: behind a refused event of a path, the later
//! ones of the same path wait too, and nobody else.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use model::{Parcel, PathKey};

/// What must stay in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// The generations of one path of one source.
    Path(PathKey),
    /// A dead letter that is tried again: it was overtaken long ago and holds up nobody.
    Letter(u64),
}

impl Lane {
    /// The lane of an event.
    pub(crate) fn of(parcel: &Parcel) -> Self {
        let mut name = Vec::with_capacity(parcel.source.len() + 1 + parcel.path.len());
        name.extend_from_slice(parcel.source.as_bytes());
        // No source's name holds a NUL, so two pairs cannot run into each other.
        name.push(0);
        name.extend_from_slice(&parcel.path);
        Lane::Path(PathKey::of(&name))
    }
}

/// One waiting event.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) parcel: Parcel,
    /// How often it was tried; 0 behind another one.
    pub(crate) attempts: u32,
    /// Not before; counts only at the head of the lane.
    pub(crate) due: Instant,
}

/// All waiting events of one sink.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// A lane is here as long as it holds up later events: also while its head is in hand.
    lanes: HashMap<Lane, VecDeque<Held>>,
    /// The heads, except those in hand, by when they are due.
    heads: BTreeSet<(Instant, u64, Lane)>,
    held: usize,
}

impl Waiting {
    /// How many events are held, without those in hand.
    pub(crate) fn len(&self) -> usize {
        self.held
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether an event of this lane must wait.
    pub(crate) fn blocks(&self, lane: Lane) -> bool {
        self.lanes.contains_key(&lane)
    }

    /// Whether that very event is held.
    pub(crate) fn holds(&self, lane: Lane, seq: u64) -> bool {
        self.lanes.get(&lane).is_some_and(|held| held.iter().any(|held| held.parcel.seq == seq))
    }

    /// When the lane's head is due; `None` while it is in hand.
    pub(crate) fn due(&self, lane: Lane) -> Option<Instant> {
        self.lanes.get(&lane)?.front().map(|head| head.due)
    }

    /// Adds an event at the end of its lane.
    pub(crate) fn hold(&mut self, lane: Lane, held: Held) {
        let events = self.lanes.entry(lane).or_default();
        if events.is_empty() {
            self.heads.insert((held.due, held.parcel.seq, lane));
        }
        events.push_back(held);
        self.held += 1;
    }

    /// Takes the heads that are due, oldest events first, one of each lane. Each must come back
    /// through [`Waiting::put_back`] or end with [`Waiting::done`].
    pub(crate) fn take_due(&mut self, now: Instant, limit: usize) -> Vec<(Lane, Held)> {
        let mut due: Vec<_> = self.heads.iter().take_while(|(due, ..)| *due <= now).copied().collect();
        due.sort_unstable_by_key(|(_, seq, _)| *seq);
        due.truncate(limit);
        let take = |(at, seq, lane): (Instant, u64, Lane)| {
            self.heads.remove(&(at, seq, lane));
            let head = self.lanes.get_mut(&lane)?.pop_front()?;
            self.held -= 1;
            Some((lane, head))
        };
        due.into_iter().filter_map(take).collect()
    }

    /// A head comes back to its place.
    pub(crate) fn put_back(&mut self, lane: Lane, head: Held) {
        self.heads.insert((head.due, head.parcel.seq, lane));
        self.lanes.entry(lane).or_default().push_front(head);
        self.held += 1;
    }

    /// A head in hand is delivered or dead: the next of its lane is due at once.
    pub(crate) fn done(&mut self, lane: Lane, now: Instant) {
        let Some(events) = self.lanes.get_mut(&lane) else { return };
        match events.front_mut() {
            Some(head) => {
                head.due = now;
                self.heads.insert((now, head.parcel.seq, lane));
            }
            None => drop(self.lanes.remove(&lane)),
        }
    }

    /// When the next head is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.heads.first().map(|(due, ..)| *due)
    }

    /// Makes every head due now.
    pub(crate) fn hurry(&mut self, now: Instant) {
        for (_, seq, lane) in std::mem::take(&mut self.heads) {
            if let Some(head) = self.lanes.get_mut(&lane).and_then(VecDeque::front_mut) {
                head.due = head.due.min(now);
                self.heads.insert((head.due, seq, lane));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::parcel;

    fn held(seq: u64, due: Instant) -> Held {
        Held { parcel: parcel(seq, "a"), attempts: 1, due }
    }

    fn seqs(taken: &[(Lane, Held)]) -> Vec<u64> {
        taken.iter().map(|(_, held)| held.parcel.seq).collect()
    }

    #[test]
    fn lanes_are_paths_of_sources() {
        let mut other = parcel(2, "a");
        assert_eq!(Lane::of(&parcel(1, "a")), Lane::of(&other));
        assert_ne!(Lane::of(&parcel(1, "a")), Lane::of(&parcel(1, "b")));
        other.source = "other".into();
        assert_ne!(Lane::of(&parcel(1, "a")), Lane::of(&other));
    }

    #[test]
    fn a_lane_gives_one_at_a_time_and_others_flow() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        let (a, b) = (Lane::of(&parcel(1, "a")), Lane::of(&parcel(1, "b")));
        waiting.hold(a, held(1, now));
        waiting.hold(a, held(3, now));
        waiting.hold(b, held(2, now + Duration::from_secs(9)));
        assert_eq!((waiting.len(), waiting.next_due()), (3, Some(now)));
        let mut taken = waiting.take_due(now, 10);
        assert_eq!(seqs(&taken), [1]);
        assert!(waiting.blocks(a) && waiting.take_due(now, 10).is_empty());
        let (lane, mut head) = taken.remove(0);
        head.due = now + Duration::from_secs(5);
        waiting.put_back(lane, head);
        assert!(waiting.take_due(now, 10).is_empty());
        waiting.hurry(now);
        assert_eq!(seqs(&waiting.take_due(now, 1)), [1]);
        waiting.done(a, now);
        assert_eq!(seqs(&waiting.take_due(now, 9)), [2, 3]);
        waiting.done(a, now);
        waiting.done(b, now);
        assert!(waiting.is_empty() && waiting.next_due().is_none());
        assert_eq!(waiting.held, 0);
    }

    #[test]
    fn a_letter_holds_up_nobody() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.hold(Lane::Letter(1), held(1, now));
        assert!(!waiting.blocks(Lane::of(&parcel(2, "a"))));
        assert!(waiting.holds(Lane::Letter(1), 1) && !waiting.holds(Lane::Letter(1), 2));
    }
}
