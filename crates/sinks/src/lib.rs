//! Sinks: each speaks one protocol and says for each event what became of it.

mod blocking;
mod file_fault;
pub mod format;
pub mod jsonl;
mod lines;
pub mod sink;
pub mod stdout;

#[cfg(test)]
mod samples;

pub use format::encode;
pub use jsonl::Jsonl;
pub use sink::{BoxFuture, Outcome, Sink, Trouble};
pub use stdout::LineStream;
