//! Who is told about commits.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

type OnCommit = Arc<dyn Fn(u64) + Send + Sync>;

/// The registered hooks. They are called without any lock held, on the thread that committed;
/// a hook must not ask the ledger for anything that waits for a commit.
#[derive(Default)]
pub(crate) struct Hooks {
    commits: RwLock<Vec<OnCommit>>,
}

impl Hooks {
    pub(crate) fn on_commit(&self, hook: OnCommit) {
        self.commits.write().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(crate) fn committed(&self, end: u64) {
        let hooks = self.commits.read().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            hook(end);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
