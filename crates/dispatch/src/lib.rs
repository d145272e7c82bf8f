//! Dispatch: brings events from the ledger to the sinks.
//!
//! Each sink has a task of its own, with a cursor into the ledger, batches, retries by lane, a
//! circuit breaker and dead letters. One dead sink never slows another, and none ever slows the
//! file side: the backlog of a sink that is down waits in the ledger, not in memory.

mod batch;
mod desk;
mod dice;
mod dispatch;
mod journal;
mod lane;
mod observer;
mod orders;
mod policy;
mod queue;
mod status;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod waiting;

pub use dispatch::Dispatch;
pub use journal::hands;
pub use observer::Observer;
pub use policy::{Backoff, Breaker, Permit, Sentence, Tempo, refused};
pub use queue::QueueSink;
pub use status::{SinkState, SinkStatus};
