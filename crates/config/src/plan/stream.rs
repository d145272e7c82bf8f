//! Event streams: what happens in a tree, told one by one to the sinks that take it.

use model::HappeningSet;
use settle::Pattern;

/// What a rule asks for of the event stream of its source's tree.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamPlan {
    /// The rule's name.
    pub rule: String,
    /// Which happenings. Those of the watch itself ([`model::Happening::is_of_the_watch`]) are always told.
    pub what: HappeningSet,
    /// A file's path must match one of these. Directories need not, so that what lies in them is reached.
    pub include: Vec<Pattern>,
    /// And none of these, nor lie below a directory that does.
    pub exclude: Vec<Pattern>,
    /// The sinks' names; all of a kind that takes happenings ([`crate::SinkKind::takes_happenings`]).
    pub to: Vec<String>,
}
