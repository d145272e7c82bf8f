//! What services answer over HTTP.

#[path = "../../../crates/sinks/src/dlm/fault.rs"]
pub(crate) mod fault;
#[path = "../../../crates/sinks/src/dlm/rows.rs"]
pub(crate) mod rows;
