//! The events that were admitted last, in memory.
//!
//! In durable mode a window in front of the database, so that a sink that keeps up reads nothing
//! from disk. In volatile mode all there is.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Cause, Frozen, Kind, Parcel, Stamp};

use crate::answer::Fetch;
use crate::options::RouteId;

/// One announced event.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) seq: u64,
    pub(crate) route: RouteId,
    pub(crate) source: Arc<str>,
    pub(crate) root: Arc<[u8]>,
    pub(crate) path: Box<[u8]>,
    pub(crate) frozen: Frozen,
    pub(crate) cause: Cause,
    pub(crate) kind: Kind,
    pub(crate) admitted: Stamp,
    pub(crate) size: u64,
    pub(crate) mtime: Stamp,
    pub(crate) generation: u32,
}

impl Stored {
    pub(crate) fn parcel(&self, attempt: u32) -> Parcel {
        Parcel {
            seq: self.seq,
            attempt,
            event: self.frozen.clone(),
            source: Arc::clone(&self.source),
            root: Arc::clone(&self.root),
            path: self.path.to_vec(),
            cause: self.cause,
            admitted: self.admitted,
            kind: self.kind,
            size: self.size,
            mtime: self.mtime,
            generation: self.generation,
        }
    }

    fn bytes(&self) -> usize {
        std::mem::size_of::<Self>() + self.path.len() + self.frozen.body.len()
    }
}

/// The newest events, oldest first. Complete for everything in `(covers_after, end]`.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    events: VecDeque<Stored>,
    bytes: usize,
    covers_after: u64,
    end: u64,
}

impl Recent {
    /// Empty, at the end of what was admitted so far.
    pub(crate) fn at(end: u64) -> Self {
        Self { covers_after: end, end, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// How much memory the events take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, stored: Stored) {
        self.end = stored.seq;
        self.bytes += stored.bytes();
        self.events.push_back(stored);
    }

    /// Numbers up to `end` were given, to rows without an event too.
    pub(crate) fn reach(&mut self, end: u64) {
        self.end = self.end.max(end);
    }

    /// Drops the oldest until at most that many events and bytes are left.
    pub(crate) fn trim(&mut self, events: usize, bytes: usize) {
        while self.events.len() > events || (self.bytes > bytes && !self.events.is_empty()) {
            self.drop_front();
        }
    }

    /// Drops the oldest as long as they are settled.
    pub(crate) fn drop_while(&mut self, settled: impl Fn(&Stored) -> bool) {
        while self.events.front().is_some_and(&settled) {
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        if let Some(stored) = self.events.pop_front() {
            self.bytes -= stored.bytes();
            self.covers_after = stored.seq;
        }
    }

    /// Whether everything behind `after` is here.
    pub(crate) fn covers(&self, after: u64) -> bool {
        after >= self.covers_after
    }

    /// The events here behind `after`, oldest first.
    pub(crate) fn since(&self, after: u64) -> impl Iterator<Item = &Stored> {
        let first = self.events.partition_point(|stored| stored.seq <= after);
        self.events.range(first..)
    }

    /// The event with that number.
    pub(crate) fn get(&self, seq: u64) -> Option<&Stored> {
        let at = self.events.binary_search_by_key(&seq, |stored| stored.seq).ok()?;
        self.events.get(at)
    }

    /// Up to `limit` events here behind `after` whose route is wanted.
    pub(crate) fn fetch(&self, after: u64, limit: usize, wants: impl Fn(RouteId) -> bool) -> Fetch {
        let mut parcels = Vec::new();
        for stored in self.since(after) {
            if !wants(stored.route) {
                continue;
            }
            if parcels.len() == limit {
                let scanned_to = parcels.last().map_or(after, |last: &Parcel| last.seq);
                return Fetch { parcels, scanned_to };
            }
            parcels.push(stored.parcel(1));
        }
        Fetch { parcels, scanned_to: self.end.max(after) }
    }
}
