//! When is a file complete? Rules, patterns and one state machine for each unit.
//!
//! This crate does no I/O and reads no clock: what was seen, what a look at the file gave and
//! the time are parameters; verdicts and the next thing to do are results. So a test can replay
//! any history, and `explain` can ask the very code that decides.

mod bytes_as_text;
mod glob;
pub mod pattern;
mod python;
pub mod rule;
pub mod select;
pub mod temp_names;
pub mod unit;
pub mod verdict;

pub use pattern::{Pattern, PatternError};
pub use rule::{Clause, Completion, Expr, OnDeadline, Rule, Rules, Selection};
pub use select::{RuleMask, Say, Why};
pub use unit::{Mono, Sample, Step, Unit, What};
pub use verdict::WriterFact;
