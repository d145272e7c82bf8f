//! What systemd is told: ready, reloading, stopping, how far the start is, and that the program is alive.
//!
//! Without systemd, nothing here does anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use engine::Engine;
use sd_notify::NotifyState;

/// During a long first scan systemd is asked so often for more time, and for so much of it.
const PLEA: Duration = Duration::from_secs(5);
const MORE_MICROS: u32 = 60_000_000;
/// So often the answer to a question is looked for.
const ANSWER: Duration = Duration::from_millis(200);

/// The service manager, as far as there is one.
pub(crate) struct Supervisor {
    watchdog: Option<Watchdog>,
    /// When it was asked for more time last.
    asked: Option<Duration>,
}

impl Supervisor {
    /// Asks the environment whether anybody wants to know.
    pub(crate) fn find(engine: &Arc<Engine>) -> Self {
        let watchdog = sd_notify::watchdog_enabled().and_then(|period| Watchdog::start(engine, period / 2));
        Self { watchdog, asked: None }
    }

    /// The main loop turns.
    pub(crate) fn turn(&mut self, engine: &Engine) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.turn(engine);
        }
    }

    /// How long until it has something to do; a moment more or less is no matter.
    pub(crate) fn patience(&self) -> Duration {
        self.watchdog.as_ref().map_or(Duration::MAX, Watchdog::patience)
    }

    /// The start goes on: a large tree takes longer than services are usually given.
    pub(crate) fn starting(&mut self, engine: &Engine, how_far: &str) {
        let now = engine.clock().mono();
        if self.asked.is_none_or(|asked| now >= asked + PLEA) {
            self.asked = Some(now);
            tell(&[NotifyState::ExtendTimeoutUsec(MORE_MICROS), NotifyState::Status(how_far)]);
        }
    }
}

/// Everything that exists is watched.
pub(crate) fn ready(engine: &Engine) {
    let plan = engine.plan();
    let status = format!(
        "watching {} for {}",
        crate::show::counted(plan.sources.len(), "source"),
        crate::show::counted(plan.sinks.len(), "sink")
    );
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The configuration is read again.
pub(crate) fn reloading() {
    // With `Type=notify-reload` the time tells this reload from an earlier one.
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now, NotifyState::Status("reading the configuration again")]);
    }
}

/// It was read, whether or not it was good.
pub(crate) fn reloaded(engine: &Engine, good: bool) {
    ready(engine);
    if !good {
        tell(&[NotifyState::Status("the new configuration is not good; the old one stays in force")]);
    }
}

/// It was asked to end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Whoever does not listen has his reasons.
fn tell(what: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(what);
}

/// Says that the program is alive: the main loop turns, and the ledger's writer answers a question.
struct Watchdog {
    every: Duration,
    due: Duration,
    ask: SyncSender<()>,
    answers: Arc<AtomicU64>,
    /// The answers that were there when the last question was put; nothing while none is open.
    asked_at: Option<u64>,
}

impl Watchdog {
    /// The question is put by a thread of its own, so that a writer that hangs does not hold up the main loop, which
    /// must still hear that it is to stop.
    fn start(engine: &Arc<Engine>, every: Duration) -> Option<Self> {
        // One question waits at most; a second would ask the same.
        let (ask, asked) = sync_channel(1);
        let answers = Arc::new(AtomicU64::new(0));
        let (ledger, counter) = (engine.ledger().clone(), Arc::clone(&answers));
        let thread = std::thread::Builder::new().name("staithe-watchdog".into());
        let started = thread.spawn(move || {
            while asked.recv().is_ok() {
                if ledger.flush().is_err() {
                    return;
                }
                counter.fetch_add(1, Ordering::AcqRel);
            }
        });
        started.ok().map(|_| Self { every, due: Duration::ZERO, ask, answers, asked_at: None })
    }

    /// Short enough that neither a question nor its answer is late by much of the period.
    fn patience(&self) -> Duration {
        if self.asked_at.is_some() { ANSWER.min(self.every / 4) } else { self.every / 4 }
    }

    fn turn(&mut self, engine: &Engine) {
        let now = engine.clock().mono();
        let answers = self.answers.load(Ordering::Acquire);
        match self.asked_at {
            None if now >= self.due => {
                self.asked_at = Some(answers);
                if self.ask.try_send(()) == Err(TrySendError::Disconnected(())) {
                    self.asked_at = None;
                }
            }
            Some(before) if answers != before || tries_again(engine) => {
                self.asked_at = None;
                self.due = now + self.every;
                tell(&[NotifyState::Watchdog]);
            }
            _ => {}
        }
    }
}

/// A writer that says that the disk is full is not stuck: it tries again and again, and a restart would not help.
fn tries_again(engine: &Engine) -> bool {
    matches!(engine.ledger().health(), ledger::Health::Degraded(_))
}
