//! Looks at the tree, which may take long or hang: on threads of their own, a few at a time. The runtime's pool
//! is what every sink of the house reaches its ledger by, so nothing that hangs may lie in it.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

/// So many threads look at once. Further looks wait; a slice that ends meanwhile takes them up with the next.
const THREADS: usize = 4;
/// How often it is seen whether the turn is over.
const LOOK: Duration = Duration::from_millis(20);
/// Every look gets so much time at least, also in a turn that is over before it begins.
const LEAST: Duration = Duration::from_secs(1);

type Answer = oneshot::Receiver<Box<dyn Any + Send>>;

/// The threads.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    /// What is looked at for events whose turn ended before.
    begun: Mutex<HashMap<u64, Answer>>,
}

/// Why a look gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSeen {
    /// The turn is over. The look goes on, and is taken up when the event asks again.
    Yet,
    /// There is no thread to be had, or it ended unexpectedly.
    NoThread,
}

impl Default for Gate {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(THREADS)), begun: Mutex::default() }
    }
}

impl Gate {
    /// Runs `look` for an event, or takes up what was begun for it, until it is done or the turn `is_over`.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        seq: u64,
        is_over: impl Fn() -> bool,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotSeen> {
        let since = Instant::now();
        let ends = async {
            while !(is_over() && since.elapsed() >= LEAST) {
                sleep(LOOK).await;
            }
        };
        tokio::pin!(ends);
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&seq);
        let mut answer = if let Some(answer) = begun {
            answer
        } else {
            tokio::select! {
                biased;
                answer = self.begin(look) => answer?,
                () = &mut ends => return Err(NotSeen::Yet),
            }
        };
        tokio::select! {
            biased;
            seen = &mut answer => {
                seen.ok().and_then(|seen| seen.downcast().ok()).map(|seen| *seen).ok_or(NotSeen::NoThread)
            }
            () = &mut ends => {
                self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(seq, answer);
                Err(NotSeen::Yet)
            }
        }
    }

    async fn begin<T: Send + 'static>(
        &self,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Answer, NotSeen> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| NotSeen::NoThread)?;
        let (give, answer) = oneshot::channel::<Box<dyn Any + Send>>();
        let work = move || {
            // Nobody waits any more where the sink has ended.
            let _ = give.send(Box::new(look()));
            drop(place);
        };
        let thread = std::thread::Builder::new().name("staithe-tree".into()).spawn(work);
        thread.map(|_| answer).map_err(|_| NotSeen::NoThread)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_hangs_is_taken_up_later_and_holds_up_neither_the_call_nor_the_pool() {
        let gate = Gate::default();
        let (release, wait) = mpsc::channel::<()>();
        let late = gate.look(1, || true, move || wait.recv().is_ok()).await;
        assert_eq!(late, Err(NotSeen::Yet));
        assert_eq!(gate.look(2, || true, || 5).await, Ok(5), "others are seen meanwhile");
        assert_eq!(gate.look(1, || true, || false).await, Err(NotSeen::Yet), "not begun a second time");
        release.send(()).unwrap();
        assert_eq!(gate.look(1, || false, || false).await, Ok(true));
        assert!(gate.begun.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_more_threads_hang_than_there_are_places() {
        let gate = Gate::default();
        let (release, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        for seq in 0..THREADS as u64 {
            let wait = Arc::clone(&wait);
            let late = gate.look(seq, || true, move || wait.lock().unwrap().recv().is_ok()).await;
            assert_eq!(late, Err(NotSeen::Yet));
        }
        assert_eq!(gate.look(99, || true, || 1).await, Err(NotSeen::Yet), "no place");
        drop(release);
        assert_eq!(gate.look(99, || false, || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_look_that_panics_is_no_answer() {
        let gone = Gate::default().look(1, || false, || panic!("on purpose")).await;
        assert_eq!(gone, Err::<(), _>(NotSeen::NoThread));
    }
}
