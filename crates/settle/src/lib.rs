//! When is a file complete? Rules, patterns and one state machine for each unit.
//!
//! This crate does no I/O and reads no clock: what was seen, what a look at the file gave and
//! the time are parameters; verdicts and the next thing to do are results. So a test can replay
//! any history, and `explain` can ask the very code that decides.

mod bytes_as_text;
pub mod companion;
mod glob;
pub mod group;
mod patience;
pub mod pattern;
pub mod presets;
mod python;
pub mod rule;
pub mod select;
pub mod temp_names;
pub mod tree;
pub mod unit;
pub mod verdict;

// The words of event streams, for who hears of a tree and knows no other crate's.

pub use companion::{After, Ask, Count, Extras, Manifest, ManifestStyle, Marker, Metadata, NameForm};
pub use group::{DicomKey, Group, Grouping, KeyPattern};
pub use pattern::{Pattern, PatternError};
pub use presets::{PRESETS, Preset};
pub use rule::{Clause, Completion, Expr, Late, OnDeadline, Quiet, Rule, Rules, Selection, Shape, Take};
pub use select::{RuleMask, Say, UnitAbove, Why};
pub use tree::{Stir, Tree, View};
pub use unit::{Beside, Mono, Sample, Step, Unit, What};
pub use verdict::{Answer, Questions, WriterFact};
