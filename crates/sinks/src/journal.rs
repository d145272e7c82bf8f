//! What a sink writes down while it delivers one event by several requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::sink::BoxFuture;

/// Why the journal could not be read or written: nothing may be sent on the strength of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// What becomes of the pursuit of an event, with the same commit as the steps beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pursuit {
    /// As it was.
    #[default]
    Keep,
    /// This is followed from now on.
    Set(Vec<u8>),
    /// Nothing is followed any more.
    Clear,
}

/// Steps of one event's delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The event.
    pub seq: u64,
    /// What was done, in order; only the sink knows what the bytes mean.
    pub steps: Vec<Vec<u8>>,
    /// What the sink goes on following after the delivery.
    pub pursuit: Pursuit,
}

/// The memory of one sink. What was noted is durable when the future is ready, wherever the house's
/// memory is durable at all. Several tasks may use it at once.
pub trait Journal: Send + Sync {
    /// All steps of an event, in order.
    fn steps(&self, seq: u64) -> BoxFuture<'_, Result<Vec<Vec<u8>>, JournalError>>;
    /// Adds steps.
    fn note(&self, note: Note) -> BoxFuture<'_, Result<(), JournalError>>;
    /// What is still followed, by event, behind `after`.
    fn pursuits(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Pursuits, JournalError>>;
}

/// What is still followed: the event and the sink's own words.
pub type Pursuits = Vec<(u64, Vec<u8>)>;

/// What a sink is given by the house that runs it.
#[derive(Clone)]
pub struct Hands {
    /// Its memory.
    pub journal: std::sync::Arc<dyn Journal>,
    /// The time.
    pub now: std::sync::Arc<dyn Fn() -> model::Stamp + Send + Sync>,
    /// Says something to whoever reads the program's log. Returns at once.
    pub remark: std::sync::Arc<dyn Fn(&str) + Send + Sync>,
}

impl Hands {
    /// A memory that ends with the process, and nobody who listens: for trials and checks.
    #[must_use]
    pub fn in_memory() -> Self {
        use std::sync::Arc;
        let (journal, now) = (Arc::new(MemoryJournal::default()), Arc::new(|| model::Stamp::new(0, 0)));
        Self { journal, now, remark: Arc::new(|_| ()) }
    }
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hands")
    }
}

/// A journal in memory.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<BTreeMap<u64, Page>>);

#[derive(Debug, Default)]
struct Page {
    steps: Vec<Vec<u8>>,
    pursuit: Option<Vec<u8>>,
}

impl Journal for MemoryJournal {
    fn steps(&self, seq: u64) -> BoxFuture<'_, Result<Vec<Vec<u8>>, JournalError>> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = pages.get(&seq).map(|page| page.steps.clone()).unwrap_or_default();
        Box::pin(async { Ok(steps) })
    }

    fn note(&self, note: Note) -> BoxFuture<'_, Result<(), JournalError>> {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = pages.entry(note.seq).or_default();
        page.steps.extend(note.steps);
        match note.pursuit {
            Pursuit::Keep => {}
            Pursuit::Set(what) => page.pursuit = Some(what),
            Pursuit::Clear => page.pursuit = None,
        }
        Box::pin(async { Ok(()) })
    }

    fn pursuits(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Pursuits, JournalError>> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = pages.range(after + 1..).filter_map(|(seq, page)| Some((*seq, page.pursuit.clone()?)));
        let open: Vec<_> = open.take(limit).collect();
        Box::pin(async { Ok(open) })
    }
}
