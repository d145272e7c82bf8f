//! What the main loop of a daemon does each time round, whichever command it runs.

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;

use super::run::{Progress, say_ready};
use crate::daemon;
use crate::log;
use crate::supervision::{self, Supervisor};

/// How often the main thread looks around where nobody asks for anything: whether the ledger can be written, and old
/// rows. Each time costs some 40 µs of an idle machine.
pub(super) const ROUND: Duration = Duration::from_secs(1);
/// And until it is ready.
pub(super) const STARTING: Duration = Duration::from_millis(5);
/// How often old rows are cleared away.
const PRUNE_EVERY: Duration = Duration::from_mins(5);
/// How long rows of files that are gone are kept.
const HISTORY: Duration = Duration::from_hours(30 * 24);
/// How long acknowledged entries are kept where no queue says so.
const RETAIN: Duration = Duration::from_hours(7 * 24);

/// A main loop, between two looks at its signals.
pub(super) struct Turning {
    progress: Progress,
    supervisor: Supervisor,
    ready: bool,
    ledger_trouble: bool,
    pruned: Duration,
}

impl Turning {
    pub(super) fn begin(engine: &Arc<Engine>) -> Self {
        Self {
            progress: Progress::start(),
            supervisor: Supervisor::find(engine),
            ready: false,
            ledger_trouble: false,
            pruned: engine.clock().mono(),
        }
    }

    /// How long a signal may be waited for before the next turn.
    pub(super) fn patience(&self) -> Duration {
        if self.ready { ROUND.min(self.supervisor.patience()) } else { STARTING }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    pub(super) fn turn(&mut self, engine: &Arc<Engine>) {
        engine.watch_ledger(&mut self.ledger_trouble);
        self.supervisor.turn(engine);
        let now = engine.clock().mono();
        if now >= self.pruned + PRUNE_EVERY {
            self.pruned = now;
            prune(engine);
        }
        if self.ready {
            return;
        }
        self.progress.show(engine);
        self.supervisor.starting(engine, &Progress::text(engine));
        self.ready = engine.is_ready();
        if self.ready {
            self.progress.end();
            say_ready(engine);
            supervision::ready(engine);
            daemon::ready();
        }
    }
}

/// Clears old rows away: what a queue has given away is kept for as long as the least patient queue says.
fn prune(engine: &Engine) {
    let plan = engine.plan();
    let retain = plan.sinks.iter().filter_map(|sink| match &sink.kind {
        config::SinkKind::Queue(queue) => Some(queue.retain),
        _ => None,
    });
    let retain = retain.min().unwrap_or(RETAIN);
    if let Err(error) = engine.ledger().prune(engine.clock().wall(), retain, HISTORY) {
        log::warning(&format!("failed to clear old rows away: {error}"));
    }
}
