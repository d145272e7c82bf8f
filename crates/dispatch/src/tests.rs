//! Lanes against a real ledger and sinks that do what a script says.

mod breaker;
mod damaged;
mod history;
mod house;
mod lanes;
mod lifecycle;
mod memory;
mod queue;
mod redis;
