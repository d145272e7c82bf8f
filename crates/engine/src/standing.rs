//! How each source stands, for `status`: written by the source's thread, read by everybody.

use std::sync::{Mutex, PoisonError};

use model::Stamp;
use settle::Mono;

/// The state of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// The first scan is under way.
    Starting,
    /// All is seen.
    Ok,
    /// Something is not seen at once (a gap, a limit, a permission).
    Degraded,
    /// The root is not there.
    Absent,
    /// The thread has ended.
    Failed,
}

impl SourceState {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SourceState::Starting => "starting",
            SourceState::Ok => "ok",
            SourceState::Degraded => "degraded",
            SourceState::Absent => "absent",
            SourceState::Failed => "failed",
        }
    }
}

/// One row of `status`.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// The source's state.
    pub state: SourceState,
    /// `inotify`, `poll` or both.
    pub backend: &'static str,
    /// The file system of the root.
    pub filesystem: &'static str,
    /// Directories watched by events.
    pub watches: u64,
    /// Directories that the kernel refuses to watch.
    pub unwatched: u64,
    /// How often the kernel dropped events.
    pub overflows: u64,
    /// Gaps not closed yet.
    pub gaps_open: u64,
    /// Units that a comparison found though events should have told of them.
    pub found_by_scan_only: u64,
    /// When the last whole scan ended.
    pub last_scan: Option<Stamp>,
    /// Directories that cannot be read.
    pub unreadable: u64,
    /// Units waiting.
    pub waiting: u64,
    /// Paths ignored.
    pub ignored: u64,
    /// Files known.
    pub known: u64,
    /// Directories walked and still to walk, while a scan runs.
    pub progress: Option<(u64, u64)>,
    /// Everything that exists is watched and the first scan is through.
    pub ready: bool,
    /// The root has been looked for and, if it is there, is armed.
    pub armed: bool,
    /// When the kernel last told of anything, on the engine's clock.
    pub last_event: Mono,
    /// When the source's thread last came round, on the engine's clock.
    pub heartbeat: Mono,
}

/// A row that one thread writes and others copy.
#[derive(Debug)]
pub struct Standing(Mutex<SourceRow>);

impl Default for Standing {
    fn default() -> Self {
        Self(Mutex::new(SourceRow {
            state: SourceState::Starting,
            backend: "starting",
            filesystem: "unknown",
            watches: 0,
            unwatched: 0,
            overflows: 0,
            gaps_open: 0,
            found_by_scan_only: 0,
            last_scan: None,
            unreadable: 0,
            waiting: 0,
            ignored: 0,
            known: 0,
            progress: None,
            ready: false,
            armed: false,
            last_event: Mono::ZERO,
            heartbeat: Mono::ZERO,
        }))
    }
}

impl Standing {
    /// A copy of the row.
    #[must_use]
    pub fn row(&self) -> SourceRow {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut SourceRow)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
