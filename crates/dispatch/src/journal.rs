//! The journal of a sink: its pages lie in the ledger.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::{Ledger, LedgerError, SinkId, StepNote};
use model::Stamp;
use sinks::journal::Pursuits;
use sinks::{BoxFuture, Hands, Journal, JournalError, Note, Pursuit};
use tokio::task::spawn_blocking;

use crate::observer::Observer;

/// What a sink is given: its memory in the ledger, the clock, and the ear of the observer.
#[must_use]
pub fn hands(ledger: &Ledger, id: SinkId, name: &str, observer: &Arc<dyn Observer>) -> Hands {
    let (observer, name) = (Arc::clone(observer), name.to_owned());
    Hands {
        journal: Arc::new(LedgerJournal { ledger: ledger.clone(), id }),
        now: Arc::new(wall),
        remark: Arc::new(move |text| observer.remark(&name, text)),
    }
}

fn wall() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp::new(since.as_secs() as i64, since.subsec_nanos())
}

#[derive(Debug)]
struct LedgerJournal {
    ledger: Ledger,
    id: SinkId,
}

impl LedgerJournal {
    /// The ledger blocks, so it is asked on the blocking pool.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ledger, SinkId) -> Result<T, LedgerError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, JournalError>> {
        let (ledger, id) = (self.ledger.clone(), self.id);
        Box::pin(async move {
            match spawn_blocking(move || question(&ledger, id)).await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => Err(JournalError(error.to_string())),
                Err(_) => Err(JournalError("the program is stopping".into())),
            }
        })
    }
}

impl Journal for LedgerJournal {
    fn steps(&self, seq: u64) -> BoxFuture<'_, Result<Vec<Vec<u8>>, JournalError>> {
        self.ask(move |ledger, id| Ok(ledger.steps(id, seq)?.into_iter().map(|step| step.what).collect()))
    }

    fn note(&self, note: Note) -> BoxFuture<'_, Result<(), JournalError>> {
        let pursuit = match note.pursuit {
            Pursuit::Keep => ledger::Pursuit::Keep,
            Pursuit::Set(what) => ledger::Pursuit::Set(what),
            Pursuit::Clear => ledger::Pursuit::Clear,
        };
        let note = StepNote { seq: note.seq, at: wall(), steps: note.steps, pursuit };
        self.ask(move |ledger, id| ledger.note_steps(id, vec![note]))
    }

    fn pursuits(&self, after: u64, limit: usize) -> BoxFuture<'_, Result<Pursuits, JournalError>> {
        self.ask(move |ledger, id| ledger.pursuits(id, after, limit))
    }
}
