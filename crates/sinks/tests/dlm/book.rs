//! A journal that outlives the sink, knows when it was written, and can fail or end the world.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sinks::journal::Pursuits;
use sinks::{BoxFuture, Journal, JournalError, MemoryJournal, Note};
use testkit::dlm::Dlm;

/// What becomes of one note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It fails, and so do all that follow.
    Fails,
    /// The process ends before it is durable.
    EndsBefore,
    /// The process ends when it is durable, and before anybody knows.
    EndsAfter,
}

/// A note, and how many requests the services had received when it was durable.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) requests: usize,
    pub(crate) note: Note,
}

/// The journal.
pub(crate) struct Book {
    memory: MemoryJournal,
    dlm: Arc<Dlm>,
    notes: Mutex<Vec<Noted>>,
    /// How long a note takes to become durable.
    pub(crate) delay: Mutex<Duration>,
    cut: Mutex<Option<(usize, Cut)>>,
    begun: AtomicUsize,
}

impl Book {
    pub(crate) fn new(dlm: Arc<Dlm>) -> Self {
        Self {
            memory: MemoryJournal::default(),
            dlm,
            notes: Mutex::default(),
            delay: Mutex::default(),
            cut: Mutex::default(),
            begun: AtomicUsize::new(0),
        }
    }

    /// Cuts the note with this number, from 1, counted from now on.
    pub(crate) fn cut(&self, number: usize, cut: Cut) {
        self.begun.store(0, Ordering::SeqCst);
        *self.cut.lock().unwrap() = Some((number, cut));
    }

    /// All notes are taken again.
    pub(crate) fn heal(&self) {
        *self.cut.lock().unwrap() = None;
    }

    /// How many notes were begun since [`Book::cut`].
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn notes(&self) -> Vec<Noted> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All steps of an event as JSON.
    pub(crate) fn steps(&self, seq: u64) -> Vec<Value> {
        let notes = self.notes();
        let steps = notes.iter().filter(|noted| noted.note.seq == seq).flat_map(|noted| &noted.note.steps);
        steps.map(|step| serde_json::from_slice(step).unwrap()).collect()
    }

    /// The steps that have this key.
    pub(crate) fn steps_with(&self, seq: u64, key: &str) -> Vec<Value> {
        self.steps(seq).into_iter().filter(|step| step.get(key).is_some()).collect()
    }

    async fn write(&self, note: Note) -> Result<(), JournalError> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let cut = self.cut.lock().unwrap().and_then(|(at, cut)| (number >= at).then_some(cut));
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match cut {
            Some(Cut::Fails) => return Err(JournalError("the disk is full".into())),
            Some(Cut::EndsBefore) => std::future::pending().await,
            Some(Cut::EndsAfter) | None => {}
        }
        self.memory.note(note.clone()).await?;
        let requests = self.dlm.total();
        self.notes.lock().unwrap().push(Noted { requests, note });
        if cut.is_some() {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl Journal for Book {
    fn steps(&self, seq: u64) -> BoxFuture<'_, Result<Vec<Vec<u8>>, JournalError>> {
        self.memory.steps(seq)
    }

    fn note(&self, note: Note) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(self.write(note))
    }

    fn pursuits(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Pursuits, JournalError>> {
        self.memory.pursuits(after, limit)
    }
}
