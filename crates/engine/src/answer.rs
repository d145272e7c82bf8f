//! Answers of a source's thread about units that the ledger does not hold.

use model::{Kind, Reason, Stamp, State};

/// What a source says of one path.
#[derive(Clone, Debug)]
pub struct LiveExplain {
    /// Waiting or ignored; nothing if the path is neither.
    pub unit: Option<LiveUnit>,
    /// The path of the dataset or group that it belongs to, or that a group is known by.
    pub within: Option<Vec<u8>>,
    /// What the rules say of such a path, whether or not anything is there.
    pub selection: Selected,
    /// A directory of that path would not be entered: every rule excludes it.
    pub pruned: bool,
    /// It lies in a directory below the root of a source that is not recursive.
    pub too_deep: bool,
}

/// What the rules say of a path.
#[derive(Clone, Debug)]
pub enum Selected {
    /// This rule takes it.
    Rule(String),
    /// None does.
    Ignored(Reason),
}

/// What lies at a path. Whoever asks looks himself: a file system that hangs must not hold up the
/// source's thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Present {
    /// Nothing.
    Absent,
    /// A regular file of so many bytes.
    File(u64),
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO, socket or device.
    Special,
    /// It cannot be looked at; the text says why.
    Unknown(String),
}

/// A unit that is waiting or ignored.
#[derive(Clone, Debug)]
pub struct LiveUnit {
    /// Below the root.
    pub path: Vec<u8>,
    /// Waiting or ignored.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// The rule that took it.
    pub rule: Option<String>,
    /// What it is, as far as that is known.
    pub kind: Option<Kind>,
    /// How many members of it are there, as far as that is known.
    pub members: Option<u64>,
    /// Its members or contents are being read at this moment.
    pub reading: bool,
    /// When it was noticed.
    pub first_seen: Option<Stamp>,
    /// When it is looked at next, at the latest.
    pub next_check: Option<Stamp>,
    /// What happened so far.
    pub history: Vec<(Stamp, String)>,
}

/// What a source did with a producer's word that a file is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heeded {
    /// It looks at the file now.
    Heard,
    /// The file's directory was news; it is walked, and the file will be found.
    Walking,
    /// The file is known, and nobody has written to it since.
    Unchanged,
    /// It does not look at it.
    Refused(Refusal),
}

/// Why a source does not look at what a producer calls finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing lies there.
    Absent,
    /// It is a directory.
    Directory,
    /// It lies in a directory below the root of a source that is not recursive.
    TooDeep,
    /// No rule takes it.
    Ignored(Reason),
    /// It cannot be looked at; the text says why.
    Unreadable(String),
}
