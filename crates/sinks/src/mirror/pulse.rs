//! Signs of life from the mirror's thread, and the word that ends its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by the sink and its thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    beats: AtomicU64,
    ended: AtomicBool,
}

impl Pulse {
    /// Something was done; whether to go on.
    pub(crate) fn beat(&self) -> bool {
        self.0.beats.fetch_add(1, Ordering::Relaxed);
        !self.0.ended.load(Ordering::Relaxed)
    }

    /// How often something was done.
    pub(crate) fn beats(&self) -> u64 {
        self.0.beats.load(Ordering::Relaxed)
    }

    /// Nobody waits for the work any more.
    pub(crate) fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }
}
