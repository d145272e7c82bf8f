//! All sinks of a running plan: starts their tasks, stops them, and asks them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as std_mpsc};
use std::time::{Duration, Instant};

use config::SinkPlan;
use ledger::{Ledger, SinkId};
use sinks::Sink;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::desk::Desk;
use crate::lane::{Parts, Question, Runner};
use crate::observer::Observer;
use crate::orders::Orders;
use crate::policy::Tempo;
use crate::status::{SinkState, SinkStatus};

/// So many questions for one sink wait for an answer; further ones are answered with "unknown".
const QUESTIONS: usize = 16;

/// How often [`Dispatch::drain`] looks.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// How much longer than the deadline [`Dispatch::stop`] waits for the tasks' last reports.
const LAST_REPORTS: Duration = Duration::from_secs(1);

/// The sinks' tasks. Every method returns at once, except those that say how long they wait.
pub struct Dispatch {
    handle: Handle,
    ledger: Ledger,
    observer: Arc<dyn Observer>,
    tempo: Tempo,
    commits: watch::Receiver<u64>,
    lanes: Mutex<HashMap<SinkId, Task>>,
}

/// One sink's task, seen from outside.
struct Task {
    orders: watch::Sender<Orders>,
    /// `None` once it was told to end.
    questions: Option<mpsc::Sender<Question>>,
    status: Arc<Mutex<SinkStatus>>,
    handle: JoinHandle<()>,
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dispatch")
    }
}

impl Dispatch {
    /// Starts a task for each sink on the runtime of `handle`.
    #[must_use]
    pub fn start(
        handle: &Handle,
        ledger: Ledger,
        sinks: Vec<(SinkId, SinkPlan, Box<dyn Sink>)>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self::start_at(Tempo::default(), handle, ledger, sinks, observer)
    }

    /// The same with another patience.
    #[must_use]
    pub fn start_at(
        tempo: Tempo,
        handle: &Handle,
        ledger: Ledger,
        sinks: Vec<(SinkId, SinkPlan, Box<dyn Sink>)>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        // Only the newest number counts: a slow lane sees one wake-up for many commits.
        let (sender, commits) = watch::channel(0);
        ledger.on_commit(Box::new(move |end| {
            sender.send_if_modified(|known| std::mem::replace(known, end.max(*known)) < end);
        }));
        let lanes = Mutex::new(HashMap::new());
        let dispatch = Self { handle: handle.clone(), ledger, observer, tempo, commits, lanes };
        for (id, plan, sink) in sinks {
            dispatch.add(id, plan, sink);
        }
        dispatch
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<SinkId, Task>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a sink's task. Where one of the same id runs or is about to end, that one is told to
    /// end, and the new one begins behind it.
    pub fn add(&self, id: SinkId, plan: SinkPlan, sink: Box<dyn Sink>) {
        self.remove(id);
        let mut lanes = self.lanes();
        let before = lanes.remove(&id).map(|old| old.handle);
        let (orders, orders_seen) = watch::channel(Orders::default());
        // Full: the question is answered with "unknown" at once, see `backlog`.
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let status = Arc::new(Mutex::new(SinkStatus::idle()));
        let parts = Parts {
            name: plan.name,
            max_attempts: plan.max_attempts,
            sink,
            desk: Desk::new(self.ledger.clone(), id),
            tempo: self.tempo,
            observer: Arc::clone(&self.observer),
            orders: orders_seen,
            commits: self.commits.clone(),
            questions: asked,
            status: Arc::clone(&status),
        };
        let handle = self.handle.spawn(Runner::new(parts).run(before));
        lanes.insert(id, Task { orders, questions: Some(questions), status, handle });
    }

    /// Tells a sink's task to end. What it has in hand it may finish within the grace of the tempo;
    /// everything else stays in the ledger.
    pub fn remove(&self, id: SinkId) {
        if let Some(task) = self.lanes().get_mut(&id) {
            task.end(self.tempo.grace);
        }
    }

    /// How the sink stands.
    #[must_use]
    pub fn status(&self, id: SinkId) -> SinkStatus {
        match self.lanes().get(&id) {
            Some(task) if task.questions.is_some() => {
                task.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            _ => SinkStatus::not_running(),
        }
    }

    /// Stops offering to the sink; what is in hand is finished.
    pub fn pause(&self, id: SinkId) {
        self.order(id, |orders| orders.paused = true);
    }

    /// Offers again, at once.
    pub fn resume(&self, id: SinkId) {
        self.order(id, |orders| {
            orders.paused = false;
            orders.wakes += 1;
        });
    }

    /// Looks at once: tries a sink that is down, tries refused events, takes up dead letters that
    /// are to be tried again.
    pub fn wake(&self, id: SinkId) {
        self.order(id, |orders| orders.wakes += 1);
    }

    /// Lets the sink let go of files and connections before its next call, as after a rotation of logs. What is in
    /// hand is finished first.
    pub fn reopen(&self, id: SinkId) {
        self.order(id, |orders| orders.reopens += 1);
    }

    fn order(&self, id: SinkId, change: impl FnOnce(&mut Orders)) {
        if let Some(task) = self.lanes().get(&id) {
            task.orders.send_modify(change);
        }
    }

    /// Asks how many entries lie in the sink's own queue. `answer` is called once, on another
    /// thread or on this one; with `None` when that cannot be known now. A sink without a queue that
    /// can be asked (a file, a pipe) has none in it.
    pub fn backlog(&self, id: SinkId, answer: Question) {
        let sender = self.lanes().get(&id).and_then(|task| task.questions.clone());
        match sender {
            None => answer(None),
            Some(sender) => {
                if let Err(error) = sender.try_send(answer) {
                    (error.into_inner())(None);
                }
            }
        }
    }

    /// Waits until every sink has settled what the ledger holds for it, at most `patience`; whether
    /// that came true. Blocks the calling thread, which must not be one of the runtime's.
    #[must_use]
    pub fn drain(&self, patience: Duration) -> bool {
        let begun = Instant::now();
        loop {
            if self.is_drained() {
                return true;
            }
            if begun.elapsed() >= patience {
                return false;
            }
            std::thread::sleep(DRAIN_LOOK);
        }
    }

    /// Waits until these sinks have taken what the ledger holds for them, at most `patience`; gives those that have
    /// not, each with how many events are left. A sink that is down or paused is not waited for, nor is what one
    /// has refused for now, but that is left, too. Blocks as [`Dispatch::drain`] does.
    #[must_use]
    pub fn hand_over(&self, sinks: &[SinkId], patience: Duration) -> Vec<(SinkId, u64)> {
        let begun = Instant::now();
        loop {
            let waits = |id: &SinkId| self.left(*id).0 > 0 && self.status(*id).state == SinkState::Ok;
            if !sinks.iter().any(waits) || begun.elapsed() >= patience {
                let left = sinks.iter().map(|id| (*id, self.left(*id)));
                return left
                    .map(|(id, (coming, refused))| (id, coming + refused))
                    .filter(|(_, left)| *left > 0)
                    .collect();
            }
            std::thread::sleep(DRAIN_LOOK);
        }
    }

    /// How many events are to be offered to the sink, and how many it has refused for now.
    fn left(&self, id: SinkId) -> (u64, u64) {
        let counts = self.ledger.sink_counts(id);
        counts.map_or((0, 0), |counts| (counts.queued + counts.in_flight, counts.retrying))
    }

    fn is_drained(&self) -> bool {
        let ids: Vec<SinkId> =
            self.lanes().iter().filter(|(_, task)| task.questions.is_some()).map(|(id, _)| *id).collect();
        ids.into_iter().all(|id| {
            let counts = self.ledger.sink_counts(id);
            counts.is_ok_and(|counts| counts.queued + counts.in_flight + counts.retrying == 0)
        })
    }

    /// Ends all tasks: each finishes what it has in hand within `grace` or gives it up, and tells
    /// the ledger what was acknowledged. Blocks the calling thread for `grace` and a moment, and
    /// must not be called on one of the runtime's.
    pub fn stop(&self, grace: Duration) {
        let tasks: Vec<JoinHandle<()>> = self
            .lanes()
            .drain()
            .map(|(_, mut task)| {
                task.end(grace);
                task.handle
            })
            .collect();
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        let (done, wait) = std_mpsc::channel();
        self.handle.spawn(async move {
            for task in tasks {
                // A task that panicked has ended, too.
                let _ = task.await;
            }
            // Nobody waits any more when it took too long.
            let _ = done.send(());
        });
        if wait.recv_timeout(grace + LAST_REPORTS).is_err() {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }
}

impl Task {
    fn end(&mut self, grace: Duration) {
        self.questions = None;
        let until = Instant::now() + grace;
        self.orders.send_modify(|orders| {
            // A second, shorter deadline counts; a longer one does not.
            orders.stop = Some(orders.stop.map_or(until, |earlier| earlier.min(until)));
        });
    }
}
