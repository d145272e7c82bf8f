//! What the ledger answers: fetched events, retries, dead letters, depths.

use std::path::PathBuf;

use model::{Cause, Fingerprint, Kind, Parcel, PathKey, Stamp};

/// Whether commits succeed, and what is read is what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// They do.
    Ok,
    /// They do not, for this reason; nothing is dropped, `submit` blocks when the intake is full.
    Degraded(String),
    /// This was found to be damaged since it was opened. It is not delivered; the next start mends it.
    Damaged(String),
}

/// What was found when the ledger was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether there was no ledger before.
    pub created: bool,
    /// Whether the last holder did not close it in order.
    pub unclean: bool,
    /// Damage that was put aside.
    pub quarantined: Option<Quarantine>,
}

/// A damaged ledger that was put aside, and what was saved from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Where the damaged files are now.
    pub dir: PathBuf,
    /// What was wrong with them.
    pub damage: String,
    /// Rows (generations) copied into the new ledger.
    pub salvaged: u64,
    /// Rows of any sort in which one flipped bit was put right.
    pub mended: u64,
    /// Rows known to be lost or left out; their files are announced again with the same ids.
    pub lost: u64,
}

/// The newest generation of a path that is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRow<'a> {
    /// Relative to the source's root.
    pub path: &'a [u8],
    /// The key of `path`.
    pub key: PathKey,
    /// What it is.
    pub kind: Kind,
    /// Why it was announced.
    pub cause: Cause,
    /// What it looked like last.
    pub sample: Fingerprint,
    /// Its change time then.
    pub ctime: Stamp,
    /// It was taken over without an event.
    pub adopted: bool,
}

/// Committed events for one sink, in order.
#[derive(Clone, Debug, Default)]
pub struct Fetch {
    /// The events.
    pub parcels: Vec<Parcel>,
    /// Everything up to here was looked at: rows between the last parcel and this belong to others.
    pub scanned_to: u64,
}

/// An event that waits for its next attempt.
#[derive(Clone, Debug)]
pub struct RetryRow {
    /// The event; its attempt is the next one.
    pub parcel: Parcel,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before.
    pub next: Stamp,
    /// Why it was refused.
    pub error: String,
    /// Whether it is a dead letter that is tried once more.
    pub letter: bool,
}

/// A dead letter.
#[derive(Clone, Debug)]
pub struct DeadRow {
    /// The sink's name.
    pub sink: String,
    /// The event.
    pub parcel: Parcel,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it died.
    pub error: String,
    /// Whether the peer rejected it for good.
    pub rejected: bool,
    /// When it died.
    pub at: Stamp,
    /// Whether it is being tried again.
    pub retrying: bool,
}

/// How full an embedded queue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Entries that nobody has leased.
    pub ready: u64,
    /// Entries out on a lease, ended or not, and not acknowledged.
    pub leased: u64,
    /// Acknowledged entries that are still kept.
    pub acked: u64,
}

/// What a pruning took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Acknowledged queue entries.
    pub acked: u64,
    /// Frozen bytes of settled events.
    pub bodies: u64,
    /// Generations.
    pub rows: u64,
}
