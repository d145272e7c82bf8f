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

    /// Ends a life with what came in it.
    pub(crate) fn end(&mut self, receipts: &[Receipt]) {
        self.received += receipts.len();
        let repeated = receipts.iter().filter(|receipt| !self.seen.insert(receipt.id.clone())).count();
        self.repeated.push(repeated);
    }

    /// Fails if a life repeated more than was in flight when the one before ended.
    #[track_caller]
    pub(crate) fn check(&self) {
        let allowed = |life: usize| if life == 0 { 0 } else { IN_FLIGHT };
        let (life, repeated) =
            (0..).zip(&self.repeated).max_by_key(|(_, repeated)| **repeated).unwrap_or((0, &0));
        assert!(
            *repeated <= allowed(life),
            "life {life} repeated {repeated} events, more than the {} in flight",
            allowed(life)
        );
    }
}
