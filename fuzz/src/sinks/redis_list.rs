//! What goes wrong with a Redis server, in sentences.

#[path = "../../../crates/sinks/src/redis_list/advice.rs"]
mod advice;
#[path = "../../../crates/sinks/src/redis_list/fault.rs"]
pub(crate) mod fault;
