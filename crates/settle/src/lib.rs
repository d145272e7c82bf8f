//! When is a file complete? Rules, patterns and one state machine for each unit.
//!
//! This crate does no I/O and reads no clock: what was seen, what a look at the file gave and
//! the time are parameters; verdicts and the next thing to do are results. So a test can replay
//! any history, and `explain` can ask the very code that decides.

pub mod pattern;
mod python;
pub mod rule;

pub use pattern::{Pattern, PatternError};
pub use rule::{Clause, Completion, Expr, OnDeadline, Rule, Rules, Selection};
