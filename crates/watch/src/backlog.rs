//! What the drain thread has read and nobody has looked at yet.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Kernel events in the order in which they were read, between the thread that only drains and
/// the thread that thinks.
///
/// Bounded: past [`Backlog::LIMIT`] bytes the drain thread stops reading. Then the kernel's own
/// queue fills, overflows, and says so; a scan finds what was dropped. Nothing is lost, and
/// memory stays small (about 60 bytes for each event).
#[derive(Debug, Default)]
pub struct Backlog {
    state: Mutex<State>,
    /// Rung when something is there for the thinking thread.
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// Somebody wants the thinking thread for another reason.
    nudged: bool,
    /// Why no more will come, if so.
    failed: Option<String>,
}

impl Backlog {
    /// How many bytes may wait: about a million events.
    pub const LIMIT: usize = 64 << 20;

    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panics while it holds this lock has only moved whole chunks.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn push(&self, events: &[u8]) {
        let mut state = self.lock();
        state.bytes += events.len();
        state.chunks.push_back(events.into());
        self.filled.notify_one();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().bytes >= Self::LIMIT
    }

    pub(crate) fn fail(&self, why: String) {
        self.lock().failed = Some(why);
        self.filled.notify_one();
    }

    /// Wakes whoever waits, though no event came.
    pub fn nudge(&self) {
        self.lock().nudged = true;
        self.filled.notify_one();
    }

    /// Takes everything that waits, without waiting.
    #[must_use]
    pub fn take(&self) -> VecDeque<Box<[u8]>> {
        let mut state = self.lock();
        state.bytes = 0;
        std::mem::take(&mut state.chunks)
    }

    /// Why the drain thread has ended, if it has; told once.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.lock().failed.take()
    }

    /// Waits until events are there, or a nudge, or the time is up.
    pub fn wait(&self, timeout: Duration) {
        let mut state = self.lock();
        if state.chunks.is_empty() && !state.nudged && state.failed.is_none() {
            let waited = self.filled.wait_timeout(state, timeout);
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        state.nudged = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_at_its_limit_and_empty_when_taken() {
        let backlog = Backlog::new();
        let chunk = vec![0; 1 << 20];
        while !backlog.is_full() {
            backlog.push(&chunk);
            assert!(backlog.lock().bytes <= Backlog::LIMIT, "beyond the limit and not full");
        }
        assert_eq!(backlog.take().len(), Backlog::LIMIT >> 20);
        assert!(!backlog.is_full());
    }
}
