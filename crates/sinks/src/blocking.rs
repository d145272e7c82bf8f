//! Blocking pieces of a sink on a thread of their own: a disk that hangs, or a reader that does not
//! read, holds up this sink and nobody else, not even the end of the runtime.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// What is done with the state while nobody asks for anything.
#[derive(Debug)]
pub(crate) struct Chore<S> {
    /// How long nobody may ask before it is done; `None`: there is nothing to be done until somebody has asked.
    pub(crate) wait: fn(&S) -> Option<Duration>,
    pub(crate) work: fn(&mut S),
}

/// The state of a sink that blocks, and the thread that works on it: one job at a time, and the
/// next call waits for the end of one that was late.
#[derive(Debug)]
pub(crate) struct Bench<S> {
    place: Place<S>,
    chore: Option<Chore<S>>,
    /// Gives something when the job in hand ends.
    in_hand: Option<oneshot::Receiver<()>>,
}

#[derive(Debug)]
enum Place<S> {
    /// Nothing was done yet: there is no thread.
    New(S),
    /// The thread has the state. It ends when this is dropped and its last job is over.
    Thread(SyncSender<Job<S>>),
    /// There was no thread to be had, or it ended unexpectedly.
    Gone,
}

/// Why a job gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It did not end within its time.
    Late,
    /// There is no thread.
    NoThread,
}

impl<S: Send + 'static> Bench<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { place: Place::New(state), chore: None, in_hand: None }
    }

    /// The same, with something to do between two jobs.
    pub(crate) fn with_chore(state: S, chore: Chore<S>) -> Self {
        Self { chore: Some(chore), ..Self::new(state) }
    }

    /// Whether no job is in hand.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_hand.is_none()
    }

    /// Runs `job` with the state. The limit covers the rest of an earlier job that was late, too.
    pub(crate) async fn run<T: Send + 'static>(
        &mut self,
        limit: Duration,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        timeout(limit, self.run_to_the_end(job)).await.unwrap_or(Err(NoAnswer::Late))
    }

    async fn run_to_the_end<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        self.wait_for_job().await;
        let (answer, answered) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let job: Job<S> = Box::new(move |state| {
            // Nobody waits for the answer any more when the job was late.
            let _ = answer.send(job(state));
            let _ = end.send(());
        });
        // There is room for one job, and none is in hand: this does not block.
        self.thread()?.send(job).map_err(|_| NoAnswer::NoThread)?;
        self.in_hand = Some(ended);
        let answer = answered.await.map_err(|_| NoAnswer::NoThread);
        self.in_hand = None;
        answer
    }

    /// Dropping this future loses nothing.
    async fn wait_for_job(&mut self) {
        if let Some(ended) = &mut self.in_hand {
            // An error means that the thread is gone; the next job finds that out.
            let _ = ended.await;
            self.in_hand = None;
        }
    }

    fn thread(&mut self) -> Result<&SyncSender<Job<S>>, NoAnswer> {
        self.place = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::New(mut state) => {
                let (sender, jobs) = sync_channel::<Job<S>>(1);
                let chore = self.chore.take();
                let work = move || {
                    while let Some(job) = next_job(&jobs, &mut state, chore.as_ref()) {
                        job(&mut state);
                    }
                };
                let thread = std::thread::Builder::new().name("staithe-sink".into()).spawn(work);
                if thread.is_ok() { Place::Thread(sender) } else { Place::Gone }
            }
            other => other,
        };
        match &self.place {
            Place::Thread(sender) => Ok(sender),
            Place::New(_) | Place::Gone => Err(NoAnswer::NoThread),
        }
    }
}

/// Waits for it, and does the chore meanwhile; `None`: nobody asks any more.
fn next_job<S>(jobs: &Receiver<Job<S>>, state: &mut S, chore: Option<&Chore<S>>) -> Option<Job<S>> {
    loop {
        let Some((chore, wait)) = chore.and_then(|chore| Some((chore, (chore.wait)(state)?))) else {
            return jobs.recv().ok();
        };
        match jobs.recv_timeout(wait) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Timeout) => (chore.work)(state),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_late_job_keeps_the_state_until_it_ends() {
        let mut bench = Bench::new(0_u32);
        let (release, wait) = mpsc::channel::<()>();
        let late = bench
            .run(Duration::from_millis(20), move |count| {
                let _ = wait.recv();
                *count += 1;
            })
            .await;
        assert_eq!(late, Err(NoAnswer::Late));
        assert_eq!(bench.run(Duration::from_millis(20), |count| *count).await, Err(NoAnswer::Late));
        release.send(()).unwrap();
        assert_eq!(bench.run(Duration::from_secs(10), |count| *count).await, Ok(1));
    }

    #[test]
    fn a_job_that_never_ends_does_not_hold_up_the_end_of_the_runtime() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (_never, wait) = mpsc::channel::<()>();
        runtime.block_on(async {
            let mut bench = Bench::new(());
            let late = bench.run(Duration::from_millis(20), move |()| wait.recv().is_ok()).await;
            assert_eq!(late, Err(NoAnswer::Late));
        });
        drop(runtime);
    }

    #[tokio::test]
    async fn a_job_that_panics_is_no_answer() {
        let mut bench = Bench::new(());
        for _ in 0..2 {
            let gone = bench.run(Duration::from_secs(10), |()| panic!("on purpose")).await;
            assert_eq!(gone, Err::<(), _>(NoAnswer::NoThread));
        }
    }

    #[tokio::test]
    async fn a_chore_is_done_when_nobody_asks() {
        struct State {
            left: u32,
            done: mpsc::Sender<u32>,
        }
        let (done, tells) = mpsc::channel();
        let wait = |state: &State| (state.left > 0).then_some(Duration::from_millis(1));
        let work = |state: &mut State| {
            state.left -= 1;
            let _ = state.done.send(state.left);
        };
        let mut bench = Bench::with_chore(State { left: 0, done }, Chore { wait, work });
        bench.run(Duration::from_secs(10), |state| state.left = 2).await.unwrap();
        for left in [1, 0] {
            assert_eq!(tells.recv_timeout(Duration::from_secs(10)), Ok(left));
        }
        assert_eq!(bench.run(Duration::from_secs(10), |state| state.left).await, Ok(0));
    }
}
