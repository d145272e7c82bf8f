//! What other threads ask of a source's thread.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use config::SourcePlan;
use watch::Backlog;

use crate::answer::{Heeded, LiveExplain, LiveUnit};
use crate::inspector::Inspected;
use crate::source::{Queue, Routes};

/// One thing to do between two looks.
pub(crate) enum Order {
    /// End the thread.
    Stop,
    /// Begin with the listing of what lies there: the sources before have done so.
    Begin,
    /// Compare the whole tree; the sender is dropped when that is done.
    Rescan {
        /// Dropped when the scan is through.
        done: Option<SyncSender<()>>,
    },
    /// Say why a path is where it is.
    Explain {
        /// Below the root.
        path: Vec<u8>,
        /// Where the answer goes; it has room for one.
        reply: SyncSender<LiveExplain>,
    },
    /// A producer says that the file is finished.
    Notify {
        /// Below the root.
        path: Vec<u8>,
        /// What a look at it has shown.
        looked: Result<sys::Look, sys::Errno>,
        /// Where the answer goes; it has room for one.
        reply: SyncSender<Heeded>,
    },
    /// List what is not in the ledger.
    List {
        /// Where the answer goes; it has room for one.
        reply: SyncSender<Vec<LiveUnit>>,
    },
    /// Use these rules and intervals from now on.
    Replan {
        /// The new plan.
        plan: Box<SourcePlan>,
        /// Where events go.
        routes: Routes,
    },
    /// What the inspector has found out.
    Inspected(Box<Inspected>),
    /// How a sink's queue stands, asked for before a re-announcement.
    Room(Answer),
}

/// A sink's answer to a source.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Which question it answers.
    pub(crate) turn: u32,
    /// The sink's name.
    pub(crate) sink: String,
    /// What it said.
    pub(crate) queue: Queue,
}

/// A source's mailbox. Bounded by who writes: operators' commands, one at a time each, and one
/// answer of each sink and of the inspector for each question that the source itself has asked.
#[derive(Default)]
pub(crate) struct Orders {
    inner: Mutex<Inner>,
}

/// Wakes whoever reads the orders.
type Ring = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Inner {
    orders: Vec<Order>,
    bell: Option<Ring>,
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which backlog's waiter is to be woken when an order comes.
    pub(crate) fn ring_with(&self, bell: Arc<Backlog>) {
        self.ring_by(Arc::new(move || bell.nudge()));
    }

    /// What is done when an order comes.
    pub(crate) fn ring_by(&self, ring: Ring) {
        self.lock().bell = Some(ring);
    }

    /// Leaves an order.
    pub(crate) fn give(&self, order: Order) {
        let bell = {
            let mut inner = self.lock();
            inner.orders.push(order);
            inner.bell.clone()
        };
        if let Some(bell) = bell {
            bell();
        }
    }

    /// Takes all orders.
    pub(crate) fn take(&self) -> Vec<Order> {
        std::mem::take(&mut self.lock().orders)
    }
}
