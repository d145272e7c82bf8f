//! In builds for tests: one source without its thread, turn by turn, on a clock that the test sets.
//!
//! What runs is the source itself with its watcher; see [`sys::stage`] for what it sees.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use config::SourcePlan;
use ledger::{Ledger, LedgerError, RouteId};

use crate::answer::LiveExplain;
use crate::clock::Clock;
use crate::notice::Observer;
use crate::orders::{Order, Orders};
use crate::source::{Berth, Routes, Source};
use crate::standing::{SourceRow, Standing};

/// A source that does nothing by itself. Dropping it is what a kill does: what was not submitted is lost.
pub struct Rehearsal {
    source: Source,
    orders: Arc<Orders>,
    standing: Arc<Standing>,
}

impl Rehearsal {
    /// The source of the plan, with what the ledger knows of it; each rule's events go to `route`.
    pub fn begin(
        plan: SourcePlan,
        route: RouteId,
        ledger: &Ledger,
        clock: Clock,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, LedgerError> {
        use std::os::unix::ffi::OsStrExt as _;
        let record = ledger.register_source(&plan.name, plan.path.as_os_str().as_bytes())?;
        let (orders, standing) = (Arc::<Orders>::default(), Arc::<Standing>::default());
        let rules = plan.rules.rules.len();
        let source = Source::new(Berth {
            plan,
            id: record.id,
            routes: Routes { rules: vec![route; rules], removals: vec![None; rules], gaps: None },
            first_scan_done: record.first_scan_done,
            armed_at: record.armed_at,
            inode_in_identity: record.inode_in_identity,
            incarnation: record.incarnation,
            ledger: ledger.clone(),
            clock,
            observer,
            orders: Arc::clone(&orders),
            standing: Arc::clone(&standing),
            ask_room: Arc::new(|_, _, _| {}),
        })?;
        Ok(Self { source, orders, standing })
    }

    /// One round of the source's loop.
    pub fn turn(&mut self) {
        self.source.turn();
    }

    /// How long the source would sleep now.
    #[must_use]
    pub fn idle_time(&self) -> Duration {
        self.source.idle_time()
    }

    /// Lets the drain thread do its work: what is queued by now goes into the backlog.
    pub fn drain(&self) {
        self.source.drain();
    }

    /// Orders a comparison, as `staithe rescan` does.
    pub fn rescan(&self) {
        self.orders.give(Order::Rescan { done: None });
    }

    /// What the source says of a path. Takes a turn.
    pub fn explain(&mut self, path: &[u8]) -> Option<LiveExplain> {
        let (reply, answer) = sync_channel(1);
        self.orders.give(Order::Explain { path: path.to_vec(), reply });
        self.turn();
        answer.try_recv().ok()
    }

    /// How the source stands.
    #[must_use]
    pub fn standing(&self) -> SourceRow {
        self.standing.row()
    }

    /// Stops in order.
    pub fn end(self) {
        self.source.end();
    }
}
