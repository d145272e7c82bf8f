//! The one trait that every sink implements.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use model::Parcel;

/// A boxed future, so that sinks can be kept behind one trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer has it, by the strongest confirmation its protocol has in practice.
    Delivered,
    /// This event was refused for now, others were not; counts as an attempt.
    Retry(String),
    /// The peer will never take it.
    Rejected(String),
    /// Part of it is done and written down; the rest needs another call, which follows at once. Not an
    /// attempt. The text says how far it got.
    Underway(String),
    /// It fails, and it is not known whether that is its own fault or the peer's: others go first, and it
    /// comes again after this time. Not an attempt.
    PutOff(Duration, String),
}

/// Why a whole batch could not be delivered. No event's attempts are counted; any of the batch
/// may have arrived.
///
/// Each text stands for itself: what failed, what it means for the data, and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The peer cannot be reached or cannot take anything now; time heals it.
    #[error("{0}")]
    Down(String),
    /// Only a person can heal it (wrong type of key, wrong password, no permission). It is tried
    /// again at a slow pace, so that it heals without a restart.
    #[error("{0}")]
    Misconfigured(String),
    /// The reader of a pipe went away and will not come back: there is nobody left to deliver to.
    #[error("{0}")]
    Closed(String),
}

/// One destination.
///
/// A future that a method returns may be dropped at any moment (a deadline, a shutdown): the sink
/// stays usable, and what was in hand counts as "may have arrived".
pub trait Sink: Send {
    /// What must be arranged with the peer before the first event: called once before the first offer,
    /// and again until it has succeeded. Bounded as [`Sink::deliver`] is.
    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    /// Offers a batch in order. The outcomes stand in the order of the batch, one for each.
    /// They may cover only the beginning of the batch (at least one event): the rest was not
    /// offered and comes again with the next call.
    /// Must return within the sink's own timeout (plus a moment), whatever the peer does.
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>>;

    /// How many events one call should carry at most.
    fn batch_limit(&self) -> usize {
        256
    }

    /// Whether a call succeeds or fails as a whole, up to a point in the batch: then one call may
    /// carry several generations of one path. A sink that can refuse one event and take a later
    /// one of the same batch says no, or the order of a path's generations could be lost.
    fn takes_whole_batches(&self) -> bool {
        false
    }

    /// Whether the peer would take events now, found out without giving it one.
    fn ping(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    /// How many entries lie in the peer's queue; nothing where there is none or it cannot be asked.
    fn backlog(&mut self) -> BoxFuture<'_, Result<Option<u64>, Trouble>> {
        Box::pin(async { Ok(None) })
    }

    /// Lets go of files and connections, so that the next call opens them anew.
    fn reopen(&mut self) {}

    /// Ends what the sink keeps running, in order: nothing is offered any more. Bounded by `within`; dropping the
    /// sink ends it at once.
    fn close(&mut self, within: Duration) -> BoxFuture<'_, ()> {
        let _ = within;
        Box::pin(async {})
    }
}
