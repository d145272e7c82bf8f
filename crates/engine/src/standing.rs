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
    /// Something else than what is known lies at the root: a file system is not mounted, or another one
    /// covers it.
    Hidden,
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
            SourceState::Hidden => "hidden",
            SourceState::Failed => "failed",
        }
    }
}

/// How one mount at or below a root is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountRow {
    /// Where, below the root; empty for the root's.
    pub point: Vec<u8>,
    /// The mount table's word for what lies there.
    pub filesystem: String,
    /// By what it is noticed.
    pub backend: &'static str,
    /// Why not by events alone, if so.
    pub why: Option<String>,
}

/// One row of `status`.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// The source's state.
    pub state: SourceState,
    /// `inotify`, `fanotify`, `poll`, or several with `+` between.
    pub backend: &'static str,
    /// How each mount is noticed, the root's first.
    pub mounts: Vec<MountRow>,
    /// Directories watched by events.
    pub watches: u64,
    /// Directories that are polled.
    pub polled: u64,
    /// Directories that the kernel refuses to watch.
    pub unwatched: u64,
    /// The first few of them, below the root.
    pub unwatched_named: Vec<Vec<u8>>,
    /// Directories that a scanner was sent to and has not come back from.
    pub stuck: u64,
    /// Points below the root where a file system was mounted and none is now.
    pub unmounted: Vec<Vec<u8>>,
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

/// How an event stream stands.
#[derive(Clone, Debug)]
pub struct StreamRow {
    /// Its state.
    pub state: SourceState,
    /// `inotify`, `poll` or `inotify+poll`.
    pub backend: &'static str,
    /// The root's file system.
    pub filesystem: &'static str,
    /// Directories watched by events.
    pub watches: u64,
    /// Directories that are polled.
    pub polled: u64,
    /// Directories that the kernel refuses to watch.
    pub unwatched: u64,
    /// The first few of them, below the root.
    pub unwatched_named: Vec<Vec<u8>>,
    /// How often the kernel dropped events.
    pub overflows: u64,
    /// Happenings told since the start.
    pub told: u64,
    /// What is wrong, if it is absent or failed.
    pub error: Option<String>,
    /// Everything that exists is watched, or it was found that nothing does.
    pub ready: bool,
    /// When something was last told, on the engine's clock.
    pub last_event: Mono,
    /// When its thread last came round, on the engine's clock.
    pub heartbeat: Mono,
}

impl Default for StreamRow {
    fn default() -> Self {
        Self {
            state: SourceState::Starting,
            backend: "starting",
            filesystem: "unknown",
            watches: 0,
            polled: 0,
            unwatched: 0,
            unwatched_named: Vec::new(),
            overflows: 0,
            told: 0,
            error: None,
            ready: false,
            last_event: Mono::ZERO,
            heartbeat: Mono::ZERO,
        }
    }
}

/// The same for a stream.
#[derive(Debug, Default)]
pub struct StreamStanding(Mutex<StreamRow>);

impl StreamStanding {
    /// A copy of the row.
    #[must_use]
    pub fn row(&self) -> StreamRow {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut StreamRow)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A row that one thread writes and others copy.
#[derive(Debug)]
pub struct Standing(Mutex<SourceRow>);

impl Default for Standing {
    fn default() -> Self {
        Self(Mutex::new(SourceRow {
            state: SourceState::Starting,
            backend: "starting",
            mounts: Vec::new(),
            watches: 0,
            polled: 0,
            unwatched: 0,
            unwatched_named: Vec::new(),
            stuck: 0,
            unmounted: Vec::new(),
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
