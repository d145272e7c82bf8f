//! Settings of a mirror.

use std::path::PathBuf;
use std::time::Duration;

use settle::Pattern;

/// A second tree that is kept equal to a source's.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorSink {
    /// The second tree's root; made if it is missing.
    pub destination: PathBuf,
    /// Whether a destination that holds something already, and no marker of this mirror, may be taken over: what
    /// the source does not have is deleted there.
    pub adopt: bool,
    /// Whether owner and group are kept, too; needs privilege.
    pub owner: bool,
    /// How long the other half of a rename is waited for before what was moved out is deleted.
    pub pair_within: Duration,
    /// What it mirrors. `None` only while a configuration is read: afterwards each mirror has exactly one source.
    pub origin: Option<MirrorOrigin>,
}

/// What a mirror mirrors: put together from the one source that delivers to it.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorOrigin {
    /// The source's name.
    pub source: String,
    /// Its directory, as configured.
    pub path: PathBuf,
    /// Whether the directories below are mirrored too.
    pub recursive: bool,
    /// A file's path must match one of these.
    pub include: Vec<Pattern>,
    /// And none of these, nor lie below a directory that does.
    pub exclude: Vec<Pattern>,
    /// A file that has lain still for so long, and that nobody writes, counts as complete when the trees are
    /// compared. `None`: the rule asks for more than rest, so a comparison copies no content; arrivals do.
    pub still: Option<Duration>,
}
