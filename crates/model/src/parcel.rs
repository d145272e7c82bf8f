//! An event on its way from the ledger to one sink.

use std::sync::Arc;

use crate::event::Frozen;
use crate::kind::{Cause, Kind};
use crate::time::Stamp;

/// One event on its way to one sink.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Its place in the ledger; grows with admission.
    pub seq: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The native event.
    pub event: Frozen,
    /// The source's name.
    pub source: Arc<str>,
    /// The source's directory as configured.
    pub root: Arc<[u8]>,
    /// The path relative to the root.
    pub path: Vec<u8>,
    /// What made the program announce it.
    pub cause: Cause,
    /// When it was admitted.
    pub admitted: Stamp,
    /// What it is about.
    pub kind: Kind,
    /// Bytes; of a gap, its number.
    pub size: u64,
    /// Time of the last change of content; of a gap, when it was opened.
    pub mtime: Stamp,
    /// Which generation of the path it is.
    pub generation: u32,
}

impl Parcel {
    /// What happened, as the native event's `type` says it.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        self.kind.type_name(self.cause)
    }
}
