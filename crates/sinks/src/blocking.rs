//! Blocking pieces of a sink on the runtime's blocking pool: a disk that hangs holds up this sink
//! and no worker thread of the runtime.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// The state of a sink that blocks. At most one job has it in hand; a job that does not come back
/// in time keeps it, and the next call waits for that job first.
#[derive(Debug)]
pub(crate) struct Bench<S> {
    state: Place<S>,
}

#[derive(Debug)]
enum Place<S> {
    Here(S),
    AtWork(JoinHandle<S>),
    /// The runtime is shutting down and dropped the job with the state in it.
    Gone,
}

/// The job did not end within its time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stuck;

impl<S: Send + 'static> Bench<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { state: Place::Here(state) }
    }

    /// Runs `job` with the state. The limit covers the end of an earlier job that was stuck, too.
    pub(crate) async fn run<T: Send + 'static>(
        &mut self,
        limit: Duration,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Stuck> {
        timeout(limit, self.run_to_the_end(job)).await.unwrap_or(Err(Stuck))
    }

    async fn run_to_the_end<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Stuck> {
        self.come_back().await?;
        let Place::Here(mut state) = std::mem::replace(&mut self.state, Place::Gone) else {
            return Err(Stuck);
        };
        let (sender, receiver) = oneshot::channel();
        self.state = Place::AtWork(spawn_blocking(move || {
            // Nobody waits for the answer any more when the job was given up.
            let _ = sender.send(job(&mut state));
            state
        }));
        self.come_back().await?;
        receiver.await.map_err(|_| Stuck)
    }

    /// Waits until the state is here. Dropping this future loses nothing.
    async fn come_back(&mut self) -> Result<(), Stuck> {
        if let Place::AtWork(handle) = &mut self.state {
            self.state = match handle.await {
                Ok(state) => Place::Here(state),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Place::Gone,
            };
        }
        match self.state {
            Place::Here(_) => Ok(()),
            Place::AtWork(_) | Place::Gone => Err(Stuck),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_stuck_job_keeps_the_state_until_it_ends() {
        let mut bench = Bench::new(0_u32);
        let (release, wait) = mpsc::channel::<()>();
        let stuck = bench
            .run(Duration::from_millis(20), move |count| {
                let _ = wait.recv();
                *count += 1;
            })
            .await;
        assert_eq!(stuck, Err(Stuck));
        assert_eq!(bench.run(Duration::from_millis(20), |count| *count).await, Err(Stuck));
        release.send(()).unwrap();
        assert_eq!(bench.run(Duration::from_secs(10), |count| *count).await, Ok(1));
    }
}
