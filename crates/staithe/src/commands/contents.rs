//! Files that are compared by what they hold: what hot reload of a configuration stands on.
//!
//! Times, inodes and events do not matter: a file that was replaced by a rename, deleted and made again, restored
//! with an old time, or that a link now leads elsewhere for (as Kubernetes does it), is read and compared.
//! A change is taken when two readings in a row have found the same, so that a file is not taken while it is
//! being written.

mod reading;
mod weighing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use settle::Mono;

use self::reading::{Found, Reading};
use self::weighing::Scale;

/// How often the files are read.
const PERIOD: Duration = Duration::from_millis(250);

/// What has changed since the last change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// A file holds something else than before, or one came to the list or left it.
    pub(crate) altered: bool,
    /// Files of the list that cannot be read from now on, each with the reason.
    pub(crate) missing: Vec<(PathBuf, String)>,
    /// Files that could not be read and can be again; they count as altered only if they hold something else.
    pub(crate) back: Vec<PathBuf>,
}

/// The files of a list that may itself change, and what they held when they were last taken over.
pub(crate) struct Contents<F> {
    paths: F,
    scale: Scale,
    next: Mono,
}

impl<F: Fn() -> Vec<PathBuf>> Contents<F> {
    /// Takes what the files hold now for what is known. To be called *before* they are read for their meaning:
    /// what changes in between is then told rather than missed.
    pub(crate) fn of(paths: F) -> Self {
        let first = reading::read(&paths(), &Reading::new());
        Self { paths, scale: Scale::new(first), next: Mono::ZERO }
    }

    /// Reads the files if it is time to, and tells what is new.
    pub(crate) fn poll(&mut self, now: Mono) -> Option<Change> {
        if now < self.next {
            return None;
        }
        self.next = now + PERIOD;
        let reading = reading::read(&(self.paths)(), self.scale.last());
        self.scale.weigh(reading)
    }

    /// Whether the files hold now what they held when a change was told last: what somebody else has read of them
    /// meanwhile is then that, and no half of something newer.
    pub(crate) fn rest(&self) -> bool {
        reading::read(&(self.paths)(), self.scale.last()) == *self.scale.told()
    }

    /// What a file held when it was last taken over: to be used instead of reading it again, when half of something
    /// newer may already stand there. Nothing for a file that is missing, unknown or too large to be kept.
    pub(crate) fn bytes(&self, path: &Path) -> Option<&[u8]> {
        match self.scale.taken().get(path) {
            Some(Found::Kept(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
