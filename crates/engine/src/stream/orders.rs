//! What other threads ask of a stream's thread.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::SourcePlan;
use ledger::SinkId;
use watch::stream::Bell;

use super::front::Front;
use super::selecting::Wishes;

/// One thing to do between two turns.
pub(crate) enum StreamOrder {
    /// End the thread; what the kernel has by now is told first.
    Stop,
    /// Use these from now on. Whatever has to be told of it is in the ledger when the sender is dropped.
    Replan {
        /// The same place, with other wishes.
        plan: Box<SourcePlan>,
        /// What to tell, and whom.
        wishes: Wishes,
        /// Sinks that are no longer what they were: a mirror has another destination, a plugin other options.
        renewed: Vec<SinkId>,
        /// Dropped when it is done.
        done: SyncSender<()>,
    },
    /// Speak for the source from now on, or no longer.
    Front(Option<Front>),
}

/// A stream's mailbox. Bounded by who writes: the engine's reload and stop, one order at a time each.
pub(crate) struct StreamOrders {
    inner: Mutex<Inner>,
    /// For a thread that waits for nothing but orders.
    came: Condvar,
    /// For one that waits for the kernel, too.
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Inner {
    orders: Vec<StreamOrder>,
    woken: bool,
}

impl StreamOrders {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Self { inner: Mutex::default(), came: Condvar::new(), bell }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an order.
    pub(crate) fn give(&self, order: StreamOrder) {
        self.lock().orders.push(order);
        self.wake();
    }

    /// Wakes the thread for something else.
    pub(crate) fn wake(&self) {
        self.lock().woken = true;
        self.came.notify_all();
        self.bell.ring();
    }

    /// Takes all orders.
    pub(crate) fn take(&self) -> Vec<StreamOrder> {
        std::mem::take(&mut self.lock().orders)
    }

    /// Waits until somebody wakes the thread, or the time is up.
    pub(crate) fn wait(&self, most: Duration) {
        let sleeps = |inner: &mut Inner| !inner.woken;
        let waited = self.came.wait_timeout_while(self.lock(), most, sleeps);
        waited.unwrap_or_else(PoisonError::into_inner).0.woken = false;
    }

    pub(crate) const fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }
}
