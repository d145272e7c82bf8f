//! Units that are not complete yet, and when each is looked at next.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use model::{Reason, Stamp};
use settle::{Mono, Unit};
use watch::DirId;

/// A unit and what goes with it.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) unit: Unit,
    pub(super) dir: DirId,
    /// The index of the rule that took it.
    pub(super) rule: usize,
    pub(super) reason: Reason,
    /// When it is looked at if nothing is heard.
    pub(super) next: Mono,
    /// Found by the first scan ever, unchanged since before the source was armed.
    pub(super) initial: bool,
    /// A scan found it, and an event should have told of it before.
    pub(super) unheard: bool,
    /// It is announced even if it is known.
    pub(super) forced: bool,
    /// What happened to it so far, bounded.
    pub(super) history: Vec<(Stamp, &'static str)>,
}

/// How many moments of a unit's history are kept.
const HISTORY: usize = 16;

/// So many appointments that nobody keeps are no burden.
const SLACK: usize = 1024;

impl Waiting {
    /// Notes the reason, if it is a new one.
    pub(super) fn note(&mut self, at: Stamp, reason: Reason) {
        if self.history.last().is_none_or(|(_, last)| *last != reason.code()) {
            if self.history.len() == HISTORY {
                // The first moments tell how it began, the last how it stands.
                self.history.remove(HISTORY / 2);
            }
            self.history.push((at, reason.code()));
        }
        self.reason = reason;
    }
}

/// All of them. Bounded by the number of incomplete files in the tree.
#[derive(Debug, Default)]
pub(super) struct WaitingUnits {
    units: HashMap<Box<[u8]>, Waiting>,
    /// Appointments; one that its unit has moved is skipped when its time comes.
    appointments: BinaryHeap<Reverse<(Mono, Box<[u8]>)>>,
}

impl WaitingUnits {
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&Waiting> {
        self.units.get(path)
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.units.contains_key(path)
    }

    pub(super) fn take(&mut self, path: &[u8]) -> Option<Waiting> {
        self.units.remove(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Waiting)> {
        self.units.iter().map(|(path, waiting)| (&**path, waiting))
    }

    pub(super) fn insert(&mut self, path: Box<[u8]>, waiting: Waiting) {
        self.appointments.push(Reverse((waiting.next, path.clone())));
        self.units.insert(path, waiting);
        if self.appointments.len() > 2 * self.units.len() + SLACK {
            // Most appointments were moved or their units are complete.
            let kept = self.units.iter().map(|(path, waiting)| Reverse((waiting.next, path.clone())));
            self.appointments = kept.collect();
        }
    }

    /// Something may have happened unheard to any of them.
    pub(super) fn miss_all(&mut self) {
        self.units.values_mut().for_each(|waiting| waiting.unit.miss());
    }

    /// The time of the next appointment.
    pub(super) fn next(&self) -> Option<Mono> {
        self.appointments.peek().map(|Reverse((next, _))| *next)
    }

    /// Takes the paths whose time has come, at most `limit`.
    pub(super) fn due(&mut self, now: Mono, limit: usize) -> Vec<Box<[u8]>> {
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(Reverse((next, _))) = self.appointments.peek()
            && *next <= now
        {
            let Some(Reverse((next, path))) = self.appointments.pop() else { break };
            if self.units.get(&path).is_some_and(|waiting| waiting.next == next) {
                due.push(path);
            }
        }
        due
    }

    /// Every path, as for asking the rules anew.
    pub(super) fn all_paths(&self) -> Vec<Box<[u8]>> {
        self.units.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn waiting(next: u64) -> Waiting {
        Waiting {
            unit: Unit::scanned(Duration::ZERO, Stamp::default()),
            dir: DirId::ROOT,
            rule: 0,
            reason: Reason::WaitingLook,
            next: Duration::from_secs(next),
            initial: false,
            unheard: false,
            forced: false,
            history: Vec::new(),
        }
    }

    #[test]
    fn a_moved_appointment_is_kept_once() {
        let mut units = WaitingUnits::default();
        units.insert((*b"a").into(), waiting(5));
        units.insert((*b"a").into(), waiting(9));
        units.insert((*b"b").into(), waiting(6));
        assert_eq!(units.due(Duration::from_secs(7), 10), [(*b"b").into()]);
        assert_eq!(units.due(Duration::from_secs(9), 10), [(*b"a").into()]);
        assert_eq!(units.len(), 2);
    }

    #[test]
    fn appointments_far_ahead_do_not_pile_up() {
        let mut units = WaitingUnits::default();
        for at in 0..100_000 {
            units.insert((*b"a").into(), waiting(1_000_000 + at));
        }
        assert!(units.appointments.len() < 3000, "{}", units.appointments.len());
        assert_eq!(units.due(Duration::from_secs(2_000_000), 10), [(*b"a").into()]);
    }

    #[test]
    fn history_keeps_its_ends_and_stays_small() {
        let mut waiting = waiting(1);
        for at in 0..100 {
            let reason = if at % 2 == 0 { Reason::WaitingQuiet } else { Reason::WaitingClosed };
            waiting.note(Stamp::new(at, 0), reason);
        }
        assert_eq!(waiting.history.len(), HISTORY);
        assert_eq!(waiting.history[0].0, Stamp::new(0, 0));
        assert_eq!(waiting.history[HISTORY - 1].0, Stamp::new(99, 0));
    }
}
