//! Read-only connections: a reader never waits for the writer, nor the writer for a reader.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::error::{Closed, LedgerError};

use super::{damage, schema};

/// How many idle connections are kept. More are opened when needed and closed after use.
const KEPT: usize = 3;

/// The pool.
pub(crate) struct Readers {
    path: PathBuf,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
    /// Something could not be read: perhaps it is damaged.
    failed: AtomicBool,
    /// What was found to be damaged first.
    damage: Mutex<Option<String>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            idle: Mutex::new(Some(Vec::new())),
            failed: AtomicBool::new(false),
            damage: Mutex::new(None),
        }
    }

    /// Reads with one of the connections; `what` names it in errors.
    pub(crate) fn read<T>(
        &self,
        what: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let wrap = |source| {
            self.failed.store(true, Ordering::Relaxed);
            match self.note_damage(&source) {
                Some(damage) => LedgerError::Damaged(damage),
                None => LedgerError::Read { what, source },
            }
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut().ok_or(Closed)?.pop();
        let db = match idle {
            Some(db) => db,
            None => schema::open_reader(&self.path).map_err(wrap)?,
        };
        let answer = read(&db).map_err(wrap)?;
        // A connection that failed is not used again.
        if let Some(idle) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && idle.len() < KEPT
        {
            idle.push(db);
        }
        Ok(answer)
    }

    /// Remembers what an error says of damage, if it does, and gives it in words.
    pub(crate) fn note_damage(&self, error: &rusqlite::Error) -> Option<String> {
        let text = damage::text(error)?;
        self.failed.store(true, Ordering::Relaxed);
        let mut first = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| text.clone());
        Some(text)
    }

    /// What was found to be damaged since the ledger was opened.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether everything could be read that was asked for.
    pub(crate) fn are_well(&self) -> bool {
        !self.failed.load(Ordering::Relaxed)
    }

    /// An error once they are closed.
    pub(crate) fn check_open(&self) -> Result<(), Closed> {
        match *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(_) => Ok(()),
            None => Err(Closed),
        }
    }

    /// Closes them; later questions are answered with [`Closed`].
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
