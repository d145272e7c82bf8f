//! Sinks: each speaks one protocol and says for each event what became of it.

pub mod format;
pub mod sink;

#[cfg(test)]
mod samples;

pub use format::encode;
pub use sink::{BoxFuture, Outcome, Sink, Trouble};
