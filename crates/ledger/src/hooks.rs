//! Who is told about commits and about the ledger's health.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::answer::Health;

type OnCommit = Arc<dyn Fn(u64) + Send + Sync>;
type OnNote = Arc<dyn Fn(&Health) + Send + Sync>;

/// The registered hooks. They are called without any lock held, on the thread that committed;
/// a hook must not ask the ledger for anything that waits for a commit.
#[derive(Default)]
pub(crate) struct Hooks {
    commits: RwLock<Vec<OnCommit>>,
    notes: RwLock<Vec<OnNote>>,
}

impl Hooks {
    pub(crate) fn on_commit(&self, hook: OnCommit) {
        self.commits.write().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(crate) fn on_note(&self, hook: OnNote) {
        self.notes.write().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(crate) fn committed(&self, end: u64) {
        let hooks = self.commits.read().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            hook(end);
        }
    }

    pub(crate) fn note(&self, health: &Health) {
        let hooks = self.notes.read().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            hook(health);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
