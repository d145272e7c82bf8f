//! What is told to the ledger.

use std::sync::Arc;

use model::{Cause, Fingerprint, Kind, Members, Moved, PathKey, SignalSet, Stamp};

use crate::lineage::Earlier;
use crate::options::{RouteId, SourceId};

/// One thing to remember about a path.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A new generation.
    Admit(Box<Admission>),
    /// The same, told once more for a consumer that lost it: passed over while the newest generation
    /// of the path has this very content and was only adopted, is still on its way to a sink, or is a
    /// dead letter.
    Again(Box<Admission>),
    /// The newest generation looks different now without being a new one: touched after it was
    /// announced. Its id and its bytes stay.
    Sample {
        /// Where.
        source: SourceId,
        /// The key of `path`.
        key: PathKey,
        /// Relative to the source's root.
        path: Box<[u8]>,
        /// What it looks like now.
        sample: Fingerprint,
        /// Its change time now.
        ctime: Stamp,
    },
    /// Something happened to the newest generation after it was announced that makes no other one: a line in its
    /// history.
    Remark {
        /// Where.
        source: SourceId,
        /// The key of `path`.
        key: PathKey,
        /// Relative to the source's root.
        path: Box<[u8]>,
        /// When.
        at: Stamp,
        /// What.
        what: String,
    },
    /// The path is gone, after delivery or adoption.
    Absent {
        /// Where.
        source: SourceId,
        /// The key of `path`.
        key: PathKey,
        /// Relative to the source's root.
        path: Box<[u8]>,
        /// Since when, as far as is known.
        at: Stamp,
    },
    /// The path is gone, and that is an event of its own, if what lay there was announced. Kind,
    /// fingerprint and members are those of what is gone, whatever the admission says. Where
    /// nothing is known to lie, nothing happens.
    Removed(Box<Admission>),
}

/// A new generation of a path, or another event.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Where.
    pub source: SourceId,
    /// The key of `path`.
    pub key: PathKey,
    /// Relative to the source's root.
    pub path: Box<[u8]>,
    /// What shall become of it.
    pub fate: Fate,
    /// What it is.
    pub kind: Kind,
    /// What it looked like when it was complete; inode 0 where inodes do not tell generations apart.
    pub fingerprint: Fingerprint,
    /// Its change time then.
    pub ctime: Stamp,
    /// Permission bits and file type, as in `st_mode`.
    pub mode: u32,
    /// The rule that took it; of a gap, what opened it.
    pub rule: Arc<str>,
    /// The evidence that satisfied the rule.
    pub signals: SignalSet,
    /// Which way of noticing found it.
    pub backend: &'static str,
    /// When it was first seen.
    pub first_seen: Stamp,
    /// When it was complete: the event's time.
    pub time: Stamp,
    /// From first sight to completeness, in milliseconds.
    pub waited_ms: u64,
    /// What made the program announce it.
    pub cause: Cause,
    /// What happened to it until now, oldest first.
    pub history: Vec<Moment>,
    /// What a dataset consists of.
    pub members: Option<Arc<Members>>,
    /// Of the second half of a rename in an event stream: both paths.
    pub moved: Option<Arc<Moved>>,
}

impl Admission {
    /// The event that says that this generation is gone.
    pub(crate) fn of_removal(&self, gone: &Earlier) -> Self {
        let kind = Kind::Removal { dataset: gone.kind == Kind::Dataset };
        Self { kind, fingerprint: gone.fingerprint, members: None, ..self.clone() }
    }
}

/// What becomes of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is announced to these sinks.
    Announce(RouteId),
    /// It was there before the first start and is taken over without an event.
    Adopt,
    /// It vanished before it was complete: remembered for `explain`, never announced.
    Gone,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub time: Stamp,
    /// What happened, in words.
    pub what: String,
}

/// What the ledger remembers about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRecord {
    /// Its number.
    pub id: SourceId,
    /// Whether a whole scan of it was ever finished.
    pub first_scan_done: bool,
    /// Whether inodes tell its generations apart, once that was decided.
    pub inode_in_identity: Option<bool>,
    /// When it was first watched.
    pub armed_at: Option<Stamp>,
    /// What tells its root directory from another one at the same path.
    pub incarnation: Option<i64>,
}

/// Something to remember about a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceNote {
    /// A whole scan was finished.
    FirstScanDone,
    /// Whether inodes tell generations apart.
    InodeInIdentity(bool),
    /// It is watched since then.
    ArmedAt(Stamp),
    /// This is its root directory.
    Incarnation(i64),
}

/// What became of events at one sink. Everything in one report is committed together.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Every event up to here is settled: delivered, parked or dead. `None`: as before. It never
    /// moves back; what lies behind the last committed event is cut to that.
    pub cursor: Option<u64>,
    /// How many of the events that the cursor passed were acknowledged.
    pub delivered: u64,
    /// Events at or below the cursor that will be tried again.
    pub parked: Vec<Parked>,
    /// Events at or below the cursor that will not.
    pub dead: Vec<Dead>,
    /// Parked events that are acknowledged now.
    pub unparked_delivered: Vec<u64>,
    /// How many of the next events behind the cursor the sink has in hand.
    pub in_flight: u64,
    /// When.
    pub at: Stamp,
}

/// An event that will be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Which.
    pub seq: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    pub next: Stamp,
    /// Why it was refused.
    pub error: String,
}

/// An event that becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Which.
    pub seq: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether the peer rejected it for good, rather than refused it too often.
    pub rejected: bool,
    /// Why.
    pub error: String,
}
