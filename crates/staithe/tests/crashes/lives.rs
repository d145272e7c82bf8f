//! Which repetitions belong to which life of the daemon.

use std::collections::HashSet;

use testkit::Receipt;

use crate::IN_FLIGHT;

/// What one sink received, life by life.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    seen: HashSet<String>,
    received: usize,
    /// How many receipts of each life were repetitions.
    pub(crate) repeated: Vec<usize>,
}

impl Lives {
    /// The number of receipts so far.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Ends a life with what came in it. Fails if that repeats more than was in flight when the one before ended.
    #[track_caller]
    pub(crate) fn end(&mut self, receipts: &[Receipt]) {
        self.received += receipts.len();
        let repeated = receipts.iter().filter(|receipt| !self.seen.insert(receipt.id.clone())).count();
        let allowed = if self.repeated.is_empty() { 0 } else { IN_FLIGHT };
        let number = self.repeated.len();
        self.repeated.push(repeated);
        assert!(
            repeated <= allowed,
            "life {number} repeated {repeated} events, more than the {allowed} in flight"
        );
    }
}
