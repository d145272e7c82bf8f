//! Sinks: each speaks one protocol and says for each event what became of it.

pub mod sink;

pub use sink::{BoxFuture, Outcome, Sink, Trouble};
