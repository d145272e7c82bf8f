//! What was heard or seen and nobody has thought about yet.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use sys::{Errno, Wake};

use crate::survey::Answer;

/// What one of the threads that only gather has brought.
#[derive(Debug)]
pub enum Piece {
    /// One read of an inotify queue.
    Inotify(Box<[u8]>),
    /// One read of a fanotify queue, without events of foreign directories.
    Fanotify(Box<[u8]>),
    /// Events were read and dropped, because too much waits already.
    Lost,
    /// What a scanner has found.
    Survey(Box<Answer>),
}

impl Piece {
    fn bytes(&self) -> usize {
        match self {
            Piece::Inotify(events) | Piece::Fanotify(events) => events.len(),
            Piece::Lost => 0,
            Piece::Survey(answer) => answer.bytes(),
        }
    }
}

/// Pieces in the order in which they came, between the threads that only gather and the thread that
/// thinks.
///
/// Bounded: past [`Backlog::LIMIT`] bytes the drain thread stops reading. Then the kernel's own
/// queue fills, overflows, and says so; a scan finds what was dropped (a fanotify queue has no end of
/// its own: there the drain thread reads on, drops, and says so). Scanners wait. Nothing is lost, and
/// memory stays small (about 60 bytes for each event).
#[derive(Debug, Default)]
pub struct Backlog {
    state: Mutex<State>,
    /// Rung when something is there for the thinking thread.
    filled: Condvar,
    /// Rung when everything was taken.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Somebody wants the thinking thread for another reason.
    nudged: bool,
    /// By what the thinking thread is woken while it waits for a queue, too.
    bell: Option<Arc<Wake>>,
    /// Why no more will come, if so.
    failed: Option<String>,
}

impl Backlog {
    /// How many bytes may wait: about a million events.
    pub const LIMIT: usize = 64 << 20;
    /// Scanners wait past this: their answers are no hurry.
    const SURVEY_LIMIT: usize = 4 << 20;

    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panics while it holds this lock has only moved whole pieces.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn push(&self, piece: Piece) {
        let mut state = self.lock();
        if matches!(piece, Piece::Lost) && matches!(state.pieces.back(), Some(Piece::Lost)) {
            return;
        }
        state.bytes += piece.bytes();
        state.pieces.push_back(piece);
        self.wake(&state);
    }

    /// Leaves a scanner's answer; waits while much is there already.
    pub(crate) fn push_patiently(&self, answer: Answer) {
        let mut state = self.lock();
        while state.bytes >= Self::SURVEY_LIMIT {
            // The wait ends also without a ring: whoever takes may be gone for good.
            let waited = self.emptied.wait_timeout(state, Duration::from_secs(1));
            let (again, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
            state = again;
            if timeout.timed_out() && answer.alive.strong_count() == 0 {
                return;
            }
        }
        drop(state);
        self.push(Piece::Survey(Box::new(answer)));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.lock().bytes >= Self::LIMIT
    }

    pub(crate) fn fail(&self, why: String) {
        let mut state = self.lock();
        state.failed = Some(why);
        self.wake(&state);
    }

    /// Wakes whoever waits, though no event came.
    pub fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        self.wake(&state);
    }

    fn wake(&self, state: &State) {
        match &state.bell {
            Some(bell) => bell.ring(),
            None => self.filled.notify_one(),
        }
    }

    /// Takes everything that waits, without waiting.
    #[must_use]
    pub fn take(&self) -> VecDeque<Piece> {
        let mut state = self.lock();
        state.bytes = 0;
        self.emptied.notify_all();
        std::mem::take(&mut state.pieces)
    }

    /// Why the drain thread has ended, if it has; told once.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.lock().failed.take()
    }

    /// Waits until something is there, or a nudge, or the time is up.
    pub fn wait(&self, timeout: Duration) {
        let mut state = self.lock();
        if state.is_quiet() {
            let waited = self.filled.wait_timeout(state, timeout);
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        state.nudged = false;
    }

    /// The same, and until the queue can be read: says whether that is so. Others wake by the bell meanwhile.
    pub(crate) fn wait_with(
        &self,
        bell: &Arc<Wake>,
        queue: impl AsFd,
        timeout: Duration,
    ) -> Result<bool, Errno> {
        let mut state = self.lock();
        let mut readable = Ok(false);
        if state.is_quiet() {
            state.bell = Some(Arc::clone(bell));
            drop(state);
            readable = bell.wait_readable(queue, Some(timeout));
            state = self.lock();
            state.bell = None;
        }
        state.nudged = false;
        readable
    }

    /// Whether nothing waits for the thinking thread.
    pub(crate) fn is_quiet(&self) -> bool {
        self.lock().is_quiet()
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        self.pieces.is_empty() && !self.nudged && self.failed.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_at_its_limit_and_empty_when_taken() {
        let backlog = Backlog::new();
        while !backlog.is_full() {
            backlog.push(Piece::Inotify(vec![0; 1 << 20].into()));
            assert!(backlog.lock().bytes <= Backlog::LIMIT, "beyond the limit and not full");
        }
        assert_eq!(backlog.take().len(), Backlog::LIMIT >> 20);
        assert!(!backlog.is_full());
    }

    #[test]
    fn a_loss_is_told_once_until_it_is_taken() {
        let backlog = Backlog::new();
        backlog.push(Piece::Lost);
        backlog.push(Piece::Lost);
        assert_eq!(backlog.take().len(), 1);
    }
}
