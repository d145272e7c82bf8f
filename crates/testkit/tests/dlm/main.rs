//! The double of the DLM services against what was recorded of the real ones.

mod client;
mod recorded_contract;
mod server_probe;
mod shape;
