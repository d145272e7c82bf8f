//! What a test asks about the requests that the double got.

use std::time::{Duration, Instant};

use super::Dlm;
use super::record::Received;

/// What was received.
impl Dlm {
    /// A copy of everything received so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.desk.log.with(<[Received]>::to_vec)
    }

    /// Looks at everything received so far without copying it.
    #[must_use]
    pub fn with_requests<T>(&self, look: impl FnOnce(&[Received]) -> T) -> T {
        self.desk.log.with(look)
    }

    /// Those of one kind, by the last part of the path.
    ///
    /// # Panics
    ///
    /// When no service has such an operation.
    #[must_use]
    pub fn requests_at(&self, operation: &str) -> Vec<Received> {
        self.known(operation);
        self.desk.log.with(|all| all.iter().filter(|one| one.operation() == operation).cloned().collect())
    }

    /// How many requests came, of all kinds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.desk.log.len()
    }

    /// How many of one kind came. Cheap.
    ///
    /// # Panics
    ///
    /// When no service has such an operation.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.known(operation);
        self.desk.log.counts(operation).0
    }

    /// How many of one kind were answered with 2xx. Cheap.
    ///
    /// # Panics
    ///
    /// When no service has such an operation.
    #[must_use]
    pub fn answered(&self, operation: &str) -> usize {
        self.known(operation);
        self.desk.log.counts(operation).1
    }

    /// The registrations that came while another one of the same name on the same storage was not answered: what no
    /// client may do.
    #[must_use]
    pub fn overlapping(&self) -> Vec<Received> {
        self.desk.log.with(|all| all.iter().filter(|one| one.overlapping).cloned().collect())
    }

    /// Waits until the requests are as they should be; fails the test with a list of them after `deadline`.
    #[track_caller]
    pub fn wait_for(&self, deadline: Duration, what: &str, holds: impl Fn(&[Received]) -> bool) {
        self.wait_until(deadline, what, |dlm| dlm.with_requests(&holds));
    }

    /// Waits until something about the double is as it should be; fails the test after `deadline`.
    #[track_caller]
    pub fn wait_until(&self, deadline: Duration, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        loop {
            let looked = Instant::now();
            if holds(self) {
                return;
            }
            assert!(
                begun.elapsed() < deadline,
                "waited {deadline:?} in vain for {what}; received:\n{}",
                self.transcript()
            );
            // Looking at thousands of requests takes time that the double does not have meanwhile.
            std::thread::sleep(looked.elapsed().mul_f64(4.0).max(Duration::from_millis(2)));
        }
    }

    /// The last requests, one a line, for messages.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.with_requests(|all| {
            let shown = all.iter().skip(all.len().saturating_sub(60));
            shown.map(|one| format!("{:9.3} {one}", one.seconds)).collect::<Vec<_>>().join("\n")
        })
    }
}
