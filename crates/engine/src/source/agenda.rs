//! Things that wait, each with an appointment at which it is looked at if nothing is heard before.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use settle::Mono;

/// Something with an appointment.
pub(super) trait Appointed {
    /// When it is looked at; nothing: only when something is heard of it.
    fn next(&self) -> Option<Mono>;
    /// Whether it is one of the waiting units that are shown and counted.
    fn counts(&self) -> bool;
}

/// All of them, by their paths. Bounded by what lies in the tree.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    units: HashMap<Box<[u8]>, T>,
    /// Appointments; one that its unit has moved is skipped when its time comes.
    appointments: BinaryHeap<Reverse<(Mono, Box<[u8]>)>>,
    counted: usize,
}

/// So many appointments that nobody keeps are no burden.
const SLACK: usize = 1024;

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { units: HashMap::new(), appointments: BinaryHeap::new(), counted: 0 }
    }
}

impl<T: Appointed> Agenda<T> {
    /// How many are shown and counted.
    pub(super) fn counted(&self) -> usize {
        self.counted
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&T> {
        self.units.get(path)
    }

    pub(super) fn contains(&self, path: &[u8]) -> bool {
        self.units.contains_key(path)
    }

    pub(super) fn take(&mut self, path: &[u8]) -> Option<T> {
        let unit = self.units.remove(path)?;
        self.counted -= usize::from(unit.counts());
        Some(unit)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.units.iter().map(|(path, unit)| (&**path, unit))
    }

    pub(super) fn insert(&mut self, path: Box<[u8]>, unit: T) {
        if let Some(next) = unit.next() {
            self.appointments.push(Reverse((next, path.clone())));
        }
        self.counted += usize::from(unit.counts());
        if let Some(before) = self.units.insert(path, unit) {
            self.counted -= usize::from(before.counts());
        }
        if self.appointments.len() > 2 * self.units.len() + SLACK {
            // Most appointments were moved or their units are complete.
            let next = |(path, unit): (&[u8], &T)| Some(Reverse((unit.next()?, path.into())));
            self.appointments = self.iter().filter_map(next).collect();
        }
    }

    /// Changes all of them, without their appointments.
    pub(super) fn change_all(&mut self, change: impl FnMut(&mut T)) {
        self.units.values_mut().for_each(change);
        self.counted = self.units.values().filter(|unit| unit.counts()).count();
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
            if self.units.get(&path).is_some_and(|unit| unit.next() == Some(next)) {
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

    struct Unit {
        next: u64,
        counts: bool,
    }

    impl Appointed for Unit {
        fn next(&self) -> Option<Mono> {
            Some(Duration::from_secs(self.next))
        }

        fn counts(&self) -> bool {
            self.counts
        }
    }

    fn unit(next: u64) -> Unit {
        Unit { next, counts: true }
    }

    #[test]
    fn a_moved_appointment_is_kept_once() {
        let mut units = Agenda::default();
        units.insert((*b"a").into(), unit(5));
        units.insert((*b"a").into(), unit(9));
        units.insert((*b"b").into(), unit(6));
        assert_eq!(units.due(Duration::from_secs(7), 10), [(*b"b").into()]);
        assert_eq!(units.due(Duration::from_secs(9), 10), [(*b"a").into()]);
        assert_eq!(units.counted(), 2);
    }

    #[test]
    fn appointments_far_ahead_do_not_pile_up() {
        let mut units = Agenda::default();
        for at in 0..100_000 {
            units.insert((*b"a").into(), unit(1_000_000 + at));
        }
        assert!(units.appointments.len() < 3000, "{}", units.appointments.len());
        assert_eq!(units.due(Duration::from_secs(2_000_000), 10), [(*b"a").into()]);
    }

    #[test]
    fn only_what_counts_is_counted() {
        let mut units = Agenda::default();
        units.insert((*b"a").into(), unit(1));
        units.insert((*b"b").into(), Unit { next: 1, counts: false });
        assert_eq!(units.counted(), 1);
        units.insert((*b"a").into(), Unit { next: 1, counts: false });
        assert_eq!(units.counted(), 0);
        units.insert((*b"a").into(), unit(1));
        units.take(b"a");
        units.take(b"b");
        assert_eq!(units.counted(), 0);
    }
}
