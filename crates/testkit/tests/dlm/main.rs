//! The double of the DLM services against what was recorded of the real ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod behaviour;
mod client;
mod faults;
mod recorded_contract;
mod scenarios;
mod server_probe;
mod shape;
