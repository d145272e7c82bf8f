//! What a ledger is opened with, and the numbers it gives to names.

use std::path::PathBuf;

/// The number of a source in one ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// The number of a sink in one ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SinkId(pub u32);

/// The number of a set of sinks in one ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct RouteId(pub u32);

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process; the operating system writes to disk when it likes.
    Process,
    /// The loss of power: a commit is on disk before any sink can see its events.
    Power,
}

/// What a ledger is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it lives; `None`: in memory, forgotten at exit.
    pub state_dir: Option<PathBuf>,
    /// The site's name: part of every id.
    pub site: String,
    /// What a commit survives; without meaning in memory.
    pub durability: Durability,
    /// Who holds the lock, in words for the person who meets it ("staithe run -c obs.toml").
    pub owner: String,
}
