//! The thread that goes to the tree: listens, tours, compares, and says what it found.

use std::collections::{BTreeSet, HashSet};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Clock;
use model::Stamp;
use settle::Mono;
use sys::Errno;
use watch::quiet::{Change, Ears, Restless, Snapshot, Totals, Tour, TourError, Vigil, compare};

/// So many paths are named of which something was heard but nothing is to be seen.
const NAMED: usize = 16;

/// What is said to the thread that writes.
pub(super) enum Said {
    /// The tree was toured.
    Round(Box<Round>),
    /// It cannot be.
    Failed(TourError),
    /// A signal came.
    Stop,
}

/// What one tour found.
pub(super) struct Round {
    /// When it ended.
    pub(super) at: Stamp,
    /// Whether there was one before to compare with.
    pub(super) first: bool,
    pub(super) changes: Vec<Change>,
    pub(super) touched: Touched,
    /// Directories that could not be read, if they are others than before.
    pub(super) unread: Option<Vec<(Vec<u8>, Errno)>>,
    pub(super) ears: Ears,
    /// What is there, if it was quiet for long enough.
    pub(super) quiet: Option<Found>,
}

/// What was heard and left no difference.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) paths: Vec<Vec<u8>>,
    /// So many more.
    pub(super) more: usize,
    /// The kernel dropped events.
    pub(super) dropped: bool,
}

/// What is there in the end.
pub(super) struct Found {
    pub(super) totals: Totals,
    /// So many directories could not be read.
    pub(super) unread: usize,
    /// How long the wait took.
    pub(super) waited: Duration,
}

/// What the writing thread may ask at any time.
pub(super) struct Shared {
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) restless: Restless,
    pub(super) quiet_since: Option<Mono>,
    /// Whether the tree is being toured now.
    pub(super) touring: bool,
}

impl Shared {
    pub(super) fn new(period: Duration) -> Arc<Self> {
        let state = State { restless: Restless::new(period), quiet_since: None, touring: true };
        Arc::new(Self { state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a thread that panics while it holds this.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was heard since the last tour began. Bounded: of more paths it is only known how many events told.
#[derive(Default)]
struct Heard {
    paths: BTreeSet<Vec<u8>>,
    beyond: usize,
    dropped: bool,
}

/// So many heard paths are kept until the next tour.
const KEPT: usize = 10_000;

impl Heard {
    fn note(&mut self, path: Option<&[u8]>) {
        match path {
            None => self.dropped = true,
            Some(path) if self.paths.contains(path) => {}
            Some(path) if self.paths.len() < KEPT => drop(self.paths.insert(path.to_vec())),
            Some(_) => self.beyond += 1,
        }
    }

    /// What none of the differences speaks of.
    fn without(self, changes: &[Change]) -> Touched {
        let old = |change: &Change| match change {
            Change::Moved { from, .. } => Some(from.clone()),
            _ => None,
        };
        let told: HashSet<Vec<u8>> = changes
            .iter()
            .flat_map(|change| [Some(change.path().to_vec()), old(change)].into_iter().flatten())
            .collect();
        let mut paths: Vec<Vec<u8>> = self.paths.into_iter().filter(|path| !told.contains(path)).collect();
        let more = paths.len().saturating_sub(NAMED) + self.beyond;
        paths.truncate(NAMED);
        Touched { paths, more, dropped: self.dropped }
    }
}

/// Waits for one tree.
pub(super) struct Watchman {
    tour: Tour,
    vigil: Vigil,
    clock: Clock,
    shared: Arc<Shared>,
    say: SyncSender<Said>,
    heard: Heard,
}

impl Watchman {
    pub(super) fn new(
        tour: Tour,
        period: Duration,
        clock: Clock,
        shared: Arc<Shared>,
        say: SyncSender<Said>,
    ) -> Self {
        Self { tour, vigil: Vigil::new(period), clock, shared, say, heard: Heard::default() }
    }

    /// Goes on until it is quiet, the tree is gone, or nobody listens.
    pub(super) fn wait(mut self) {
        let mut before: Option<Snapshot> = None;
        loop {
            self.listen();
            let (round, after) = match self.go_round(before.as_ref()) {
                Ok(round) => round,
                Err(error) => {
                    let _ = self.say.send(Said::Failed(error));
                    return;
                }
            };
            let done = round.quiet.is_some();
            if self.say.send(Said::Round(Box::new(round))).is_err() || done {
                return;
            }
            before = Some(after);
        }
    }

    /// Listens until the next tour is due, and at least to what has happened by now.
    fn listen(&mut self) {
        loop {
            let left = self.vigil.next().saturating_sub(self.clock.mono());
            self.hear(left);
            if left.is_zero() {
                return;
            }
        }
    }

    fn hear(&mut self, patience: Duration) {
        let Self { tour, vigil, clock, shared, heard, .. } = self;
        tour.listen(patience, &mut |path| {
            let now = clock.mono();
            vigil.heard(now);
            heard.note(path);
            shared.lock().restless.note(path.unwrap_or_default(), now);
        });
        shared.lock().quiet_since = vigil.quiet_since();
    }

    fn go_round(&mut self, before: Option<&Snapshot>) -> Result<(Round, Snapshot), TourError> {
        // What was heard until here is told with this tour, and what is heard from here on with the next.
        let heard = std::mem::take(&mut self.heard);
        let began = self.clock.mono();
        self.shared.lock().touring = true;
        let after = self.tour.take()?;
        self.hear(Duration::ZERO);
        let ended = self.clock.mono();
        let changes = before.map(|before| compare(before, &after)).unwrap_or_default();
        let same_unread = before.is_some_and(|before| before.unread() == after.unread());
        let differs = !changes.is_empty() || !same_unread;
        let quiet = self.vigil.toured(began, ended, differs).then(|| Found {
            totals: after.totals(),
            unread: after.unread().len(),
            waited: ended,
        });
        self.note(&changes, ended);
        let round = Round {
            at: self.clock.wall(),
            first: before.is_none(),
            touched: heard.without(&changes),
            changes,
            unread: (!same_unread).then(|| after.unread().to_vec()),
            ears: self.tour.ears(),
            quiet,
        };
        Ok((round, after))
    }

    fn note(&self, changes: &[Change], now: Mono) {
        let mut state = self.shared.lock();
        for change in changes {
            state.restless.note(change.path(), now);
        }
        state.restless.end_tour();
        state.quiet_since = self.vigil.quiet_since();
        state.touring = false;
    }
}
