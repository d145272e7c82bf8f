//! Which readings are a change: pure, so that each order of events can be tried.

use super::Change;
use super::reading::{Found, Reading};

/// Readings are laid onto it, changes come off.
pub(super) struct Scale {
    /// What was last told, or known at the start.
    told: Reading,
    /// For each file what it held when it could last be read.
    taken: Reading,
    /// The last reading, which the next one must confirm.
    last: Reading,
}

impl Scale {
    pub(super) fn new(first: Reading) -> Self {
        let taken = first.clone().into_iter().filter(|(_, found)| !is_missing(found)).collect();
        Self { told: first.clone(), taken, last: first }
    }

    pub(super) fn last(&self) -> &Reading {
        &self.last
    }

    pub(super) fn told(&self) -> &Reading {
        &self.told
    }

    pub(super) fn taken(&self) -> &Reading {
        &self.taken
    }

    pub(super) fn weigh(&mut self, reading: Reading) -> Option<Change> {
        let confirmed = reading == self.last;
        self.last = reading;
        if !confirmed || self.last == self.told {
            return None;
        }
        let mut change = Change::default();
        for (path, found) in &self.last {
            let told_missing = self.told.get(path).is_some_and(is_missing);
            match found {
                Found::Missing(_) if told_missing => {}
                Found::Missing(why) => change.missing.push((path.clone(), why.clone())),
                _ => {
                    change.back.extend(told_missing.then(|| path.clone()));
                    change.altered |= self.taken.get(path) != Some(found);
                    self.taken.insert(path.clone(), found.clone());
                }
            }
        }
        // What left the list is gone by intention; what is in it and missing is kept.
        let before = self.taken.len();
        self.taken.retain(|path, _| self.last.contains_key(path));
        change.altered |= self.taken.len() != before;
        self.told.clone_from(&self.last);
        (change != Change::default()).then_some(change)
    }
}

fn is_missing(found: &Found) -> bool {
    matches!(found, Found::Missing(_))
}
