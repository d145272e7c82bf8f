//! Starting, reloading and stopping everything that a plan asks for.

mod reloading;
mod running;

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use config::{Durability, Plan, SinkKind, SinkPlan, SourcePlan};
use dispatch::{Dispatch, QueueSink};
use ledger::{Ledger, LedgerError, Options, SinkId};
use model::Kind;
use sinks::Sink;
use tokio::runtime::Runtime;

use crate::clock::Clock;
use crate::notice::{Notice, Observer};
use crate::orders::{Answer, Order, Orders};
use crate::source::{AskRoom, Queue, Routes};
use crate::standing::Standing;
use crate::stream::telling::Desk;
pub(crate) use running::RunningSource;

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The ledger cannot be opened.
    #[error("open the ledger: {0}")]
    Open(#[from] ledger::OpenError),
    /// The ledger does not answer.
    #[error("use the ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// A sink cannot be made from its settings.
    #[error("make sink {name}: {error}")]
    Sink {
        /// Its name.
        name: String,
        /// Why.
        error: sinks::BuildError,
    },
    /// A thread or the network runtime cannot be started.
    #[error("start {what}: {error}")]
    Thread {
        /// What was to be started.
        what: String,
        /// Why.
        error: std::io::Error,
    },
}

/// Why a new configuration was not taken over. The old one runs on, whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// Something that only a restart can change.
    #[error("{what} cannot be changed while running; restart to change it, nothing is lost by that")]
    NeedsRestart {
        /// What.
        what: &'static str,
    },
    /// A part of the new configuration cannot be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Names of sources and sinks that are new.
    pub added: Vec<String>,
    /// Names of those that are gone.
    pub removed: Vec<String>,
    /// Names of those that were changed.
    pub changed: Vec<String>,
}

/// A running plan.
pub struct Engine {
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    pub(crate) dispatch: Dispatch,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) state: Mutex<Running>,
    /// Where streams put renames together.
    desk: Desk,
    /// Where the ledger lives: real, and nothing for one in memory.
    pub(crate) state_dir: Option<Arc<[u8]>>,
    /// That the ledger is damaged was told.
    told_damage: AtomicBool,
    // Last: sinks' tasks end before their runtime does.
    runtime: Runtime,
}

/// What changes with a reload.
pub(crate) struct Running {
    pub(crate) plan: Plan,
    pub(crate) sources: Vec<RunningSource>,
    pub(crate) sinks: Vec<RunningSink>,
}

/// An answer of a source's thread is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where its thread has not come round for long: only in case that it does just now.
const HANGING: Duration = Duration::from_millis(100);

/// One sink, seen from outside.
pub(crate) struct RunningSink {
    pub(crate) plan: SinkPlan,
    pub(crate) id: SinkId,
}

/// A source's thread comes round each second; one that has not for so long hangs.
const HANGS_AFTER: Duration = Duration::from_secs(8);

/// How often a source's thread is looked at while it stops.
const STOPPING: Duration = Duration::from_millis(1);

/// What goes into [`Engine::start`].
pub struct Setup {
    /// What to run.
    pub plan: Plan,
    /// Where the ledger lives; nothing: in memory.
    pub state_dir: Option<PathBuf>,
    /// Who runs it, for the lock.
    pub owner: String,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// Sinks that the caller has made, by name; used in place of what the plan says of them.
    pub given: Vec<(String, Box<dyn Sink>)>,
}

impl Engine {
    /// Opens the ledger and starts every sink and every source.
    pub fn start(setup: Setup) -> Result<(Arc<Self>, ledger::OpenReport), EngineError> {
        sys::ignore_file_size_limit();
        let Setup { plan, state_dir, owner, observer, mut given } = setup;
        let place = state_dir.clone();
        let options = Options {
            state_dir,
            site: plan.site.clone(),
            durability: match plan.durability {
                Durability::Process => ledger::Durability::Process,
                Durability::Power => ledger::Durability::Power,
            },
            owner,
        };
        let (ledger, report) = Ledger::open(options)?;
        let real = place.and_then(|place| place.canonicalize().ok());
        let state_dir = real.map(|real| Arc::from(real.into_os_string().into_vec()));
        let runtime = runtime(plan.sinks.len())?;
        let for_dispatch: Arc<dyn dispatch::Observer> = Arc::new(ForDispatch(Arc::clone(&observer)));
        let mut built = Vec::new();
        let mut sinks = Vec::new();
        for sink in &plan.sinks {
            let own = given.iter().position(|(name, _)| *name == sink.name).map(|at| given.swap_remove(at).1);
            let (id, made) = match own {
                Some(own) => (ledger.register_sink(&sink.name, sink.kind.name())?, own),
                None => make_sink(&ledger, sink, &for_dispatch)?,
            };
            built.push((id, sink.clone(), made));
            sinks.push(RunningSink { plan: sink.clone(), id });
        }
        let dispatch = Dispatch::start(runtime.handle(), ledger.clone(), built, for_dispatch);
        let sources = Vec::new();
        let state = Mutex::new(Running { plan: plan.clone(), sources, sinks });
        let (clock, desk) = (Clock::start(), Desk::default());
        let told_damage = AtomicBool::new(false);
        let engine = Arc::new(Self {
            ledger,
            clock,
            dispatch,
            observer,
            state,
            desk,
            state_dir,
            told_damage,
            runtime,
        });
        for source in &plan.sources {
            let running = engine.start_source(source, &plan.sinks)?;
            if source.reannounce.is_some() && running.looks() {
                wait_until_armed(&running.standing);
            }
            engine.lock().sources.push(running);
        }
        engine.list_in_order()?;
        Ok((engine, report))
    }

    /// Lets the sources that list what lies in them do so one after the other, in the order of the
    /// plan: consumers of one queue see the first directory first.
    fn list_in_order(self: &Arc<Self>) -> Result<(), EngineError> {
        let turns: Vec<(Arc<Orders>, Arc<Standing>)> = {
            let state = self.lock();
            let lists =
                state.sources.iter().filter(|source| source.looks() && source.plan.reannounce.is_some());
            lists.map(|source| (Arc::clone(&source.orders), Arc::clone(&source.standing))).collect()
        };
        if turns.is_empty() {
            return Ok(());
        }
        let call = move || {
            for (orders, standing) in turns {
                orders.give(Order::Begin);
                wait_while(FIRST_LISTING, || !standing.row().ready);
            }
        };
        let spawned = std::thread::Builder::new().name("staithe-turns".into()).spawn(call);
        spawned.map(drop).map_err(|error| EngineError::Thread { what: "the listings".into(), error })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger, for commands that only ask it.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The sinks' tasks.
    #[must_use]
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The plan that runs.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.lock().plan.clone()
    }

    fn routes(&self, plan: &SourcePlan) -> Result<Routes, EngineError> {
        let rules = &plan.rules.rules;
        let route = |to: &[&String], kind| self.ledger.route(&self.sinks_that_tell(to, kind));
        let of_rule = |rule: &settle::Rule, kind| route(&rule.to.iter().collect::<Vec<_>>(), kind);
        let arrivals = rules.iter().map(|rule| of_rule(rule, Kind::File)).collect::<Result<_, _>>()?;
        let removals = rules.iter().map(|rule| self.removals(rule)).collect::<Result<_, _>>()?;
        let named: BTreeSet<&String> = rules.iter().flat_map(|rule| &rule.to).collect();
        let gaps = plan.gap_events.then(|| {
            let named: Vec<&String> = named.into_iter().collect();
            route(&named, Kind::Gap { closed: false })
        });
        Ok(Routes { rules: arrivals, removals, gaps: gaps.transpose()? })
    }

    /// Who is told of removals. A mirror is, even where the rule does not ask for it: an arrival can have brought a file
    /// there that the stream has never seen.
    fn removals(&self, rule: &settle::Rule) -> Result<Option<ledger::RouteId>, LedgerError> {
        let told: Vec<&String> =
            rule.to.iter().filter(|name| rule.shape.removed || self.is_mirror(name)).collect();
        let route = || self.ledger.route(&self.sinks_that_tell(&told, Kind::Removal { dataset: false }));
        (rule.shape.removed || !told.is_empty()).then(route).transpose()
    }

    fn is_mirror(&self, name: &str) -> bool {
        let state = self.lock();
        let mut sinks = state.sinks.iter().filter(|sink| sink.plan.name == name);
        sinks.any(|sink| matches!(sink.plan.kind, SinkKind::Mirror(_)))
    }

    /// Those of the named sinks whose format can say that an event is of that kind.
    fn sinks_that_tell(&self, names: &[&String], kind: Kind) -> Vec<SinkId> {
        let state = self.lock();
        let sink = |name: &&String| state.sinks.iter().find(|sink| sink.plan.name == **name);
        let tells = |sink: &&RunningSink| sinks::tells(&sink.plan, kind);
        names.iter().filter_map(sink).filter(tells).map(|sink| sink.id).collect()
    }

    /// How a source asks for the length of a sink's queue.
    fn ask_room(self: &Arc<Self>) -> AskRoom {
        let engine = Arc::downgrade(self);
        Arc::new(move |turn, sink, orders| {
            let sink = sink.to_owned();
            let engine = engine.upgrade();
            let id = engine.as_ref().and_then(|engine| engine.sink_id(&sink));
            let (Some(engine), Some(id)) = (engine, id) else {
                return orders.give(Order::Room(Answer { turn, sink, queue: Queue::default() }));
            };
            let ledger = engine.ledger.clone();
            engine.dispatch.backlog(
                id,
                Box::new(move |length| {
                    let counts = ledger.sink_counts(id);
                    let coming =
                        |counts: ledger::SinkCounts| counts.queued + counts.in_flight + counts.retrying;
                    let queue = Queue { length, coming: counts.map_or(0, coming) };
                    orders.give(Order::Room(Answer { turn, sink, queue }));
                }),
            );
        })
    }

    /// The id of the configured sink of that name.
    #[must_use]
    pub fn sink_id(&self, name: &str) -> Option<SinkId> {
        self.lock().sinks.iter().find(|sink| sink.plan.name == name).map(|sink| sink.id)
    }

    /// Whether everything that exists is watched and every first scan is through.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lock().sources.iter().all(RunningSource::is_ready)
    }

    /// The roots that are watched, as configured.
    #[must_use]
    pub fn roots(&self) -> Vec<PathBuf> {
        self.lock().sources.iter().map(|source| source.plan.path.clone()).collect()
    }

    /// Directories walked and directories still to walk, over all scans that run.
    #[must_use]
    pub fn scan_progress(&self) -> (u64, u64) {
        let rows = self
            .lock()
            .sources
            .iter()
            .filter_map(|source| source.standing.row().progress)
            .collect::<Vec<_>>();
        rows.iter().fold((0, 0), |(done, left), row| (done + row.0, left + row.1))
    }

    /// For how long the kernel has told nothing about any source.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        let last = self.lock().sources.iter().map(|source| source.standing.row().last_event).max();
        self.clock.mono().saturating_sub(last.unwrap_or_default())
    }

    /// Compares a source (or all) with its tree now; waits until that is done, at most `patience`.
    /// False: there is no such source.
    pub fn rescan(&self, source: Option<&str>, patience: Duration) -> bool {
        let mut waits = Vec::new();
        for running in &self.lock().sources {
            if source.is_none_or(|name| name == running.plan.name) {
                // Room for the one answer that never comes: the drop of the sender is the answer.
                let (done, wait) = std::sync::mpsc::sync_channel(1);
                running.orders.give(Order::Rescan { done: Some(done) });
                waits.push(wait);
            }
        }
        for wait in &waits {
            let _ = wait.recv_timeout(patience);
        }
        !waits.is_empty()
    }

    fn take_sources(&self, which: impl Fn(&RunningSource) -> bool) -> Vec<RunningSource> {
        let mut state = self.lock();
        let (taken, kept) = std::mem::take(&mut state.sources).into_iter().partition(which);
        state.sources = kept;
        taken
    }

    /// Stops in the order of a file's way: sources, then sinks (those that are told what happens get `grace` for what
    /// was told until the end; of the others, what is in hand is finished or given up), then the ledger. What is left
    /// stays there.
    pub fn stop(&self, grace: Duration) -> Result<(), ledger::CommitError> {
        let until = self.clock.mono() + grace;
        let mut stuck = Vec::new();
        let told = self.told_sinks();
        // One after the other: what they say of their end comes in the order of the plan.
        for ending in self.take_sources(|_| true).into_iter().flat_map(RunningSource::end) {
            // One that waits for a ledger that cannot be written ends when the ledger does. One whose root's
            // server hangs ends when that answers, perhaps never.
            let waits_in_vain = || !self.is_writing() || ending.hangs(self.clock.mono());
            while !ending.has_ended() && (!waits_in_vain() || self.clock.mono() < until) {
                std::thread::sleep(STOPPING);
            }
            stuck.extend((!ending.has_ended()).then_some(ending));
        }
        self.hand_over_last(&told, grace);
        self.dispatch.stop(grace);
        let closed = self.ledger.close();
        // Those that waited for the ledger end now. The thread of one that hangs ends with the process; what
        // it has in hand is found again at the next start.
        let until = self.clock.mono() + grace;
        for ending in stuck {
            let given_up = || ending.hangs(self.clock.mono()) && self.clock.mono() > until;
            while !(ending.has_ended() || given_up()) {
                std::thread::sleep(STOPPING);
            }
        }
        closed
    }

    /// The sinks that streams tell.
    fn told_sinks(&self) -> Vec<SinkId> {
        let state = self.lock();
        let streams = state.sources.iter().flat_map(|source| &source.plan.streams);
        let named: BTreeSet<&String> = streams.flat_map(|stream| &stream.to).collect();
        state.sinks.iter().filter(|sink| named.contains(&sink.plan.name)).map(|sink| sink.id).collect()
    }

    /// Says what is left of what was told, if anything is.
    fn hand_over_last(&self, sinks: &[SinkId], grace: Duration) {
        for (id, count) in self.hand_over(sinks, grace) {
            let named =
                self.lock().sinks.iter().find(|sink| sink.id == id).map(|sink| sink.plan.name.clone());
            if let Some(sink) = named {
                self.observer.notice(&Notice::Unhandled { sink: &sink, count, dropped: false });
            }
        }
    }

    /// Lets every sink let go of its files and connections: the next event goes to what lies there then.
    pub fn reopen_sinks(&self) {
        let sinks: Vec<SinkId> = self.lock().sinks.iter().map(|sink| sink.id).collect();
        for id in sinks {
            self.dispatch.reopen(id);
        }
    }

    /// How long an answer of a source's thread is waited for.
    pub(crate) fn patience(&self, source: &RunningSource) -> Duration {
        if source.hangs(self.clock.mono()) { HANGING } else { PATIENCE }
    }

    fn is_writing(&self) -> bool {
        !matches!(self.ledger.health(), ledger::Health::Degraded(_))
    }

    /// Waits until every sink has acknowledged what the ledger holds, at most `patience`.
    pub fn drain(&self, patience: Duration) -> bool {
        let _ = self.ledger.flush();
        self.dispatch.drain(patience)
    }

    /// The handle of the network runtime.
    #[must_use]
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }
}

/// Whether a sink would take events now; a sentence if not. Waits for the answer.
#[must_use]
pub fn probe_sink(plan: &SinkPlan) -> Option<String> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(sinks::check(plan)),
        Err(error) => Some(format!("sink \"{}\" cannot be asked: {error}", plan.name)),
    }
}

/// A source whose file system hangs holds up the others' start so long.
const ARMING: Duration = Duration::from_secs(2);
/// And a source with a long listing their listings so long.
const FIRST_LISTING: Duration = Duration::from_secs(30);

fn wait_until_armed(standing: &Standing) {
    wait_while(ARMING, || !standing.row().armed);
}

fn wait_while(patience: Duration, condition: impl Fn() -> bool) {
    let clock = Clock::start();
    while condition() && clock.mono() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A second thread would only be woken for nothing by each event that comes alone where there is one sink.
fn runtime(sinks: usize) -> Result<Runtime, EngineError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(sinks.clamp(1, 2))
        .max_blocking_threads(16)
        .thread_name("staithe-net")
        .enable_all()
        .build()
        .map_err(|error| EngineError::Thread { what: "the network runtime".into(), error })
}

fn make_sink(
    ledger: &Ledger,
    plan: &SinkPlan,
    observer: &Arc<dyn dispatch::Observer>,
) -> Result<(SinkId, Box<dyn Sink>), EngineError> {
    let id = ledger.register_sink(&plan.name, plan.kind.name())?;
    let made: Box<dyn Sink> = if matches!(plan.kind, SinkKind::Queue(_)) {
        Box::new(QueueSink::new(ledger.clone(), id))
    } else {
        let hands = dispatch::hands(ledger, id, &plan.name, observer);
        sinks::build(plan, &hands).map_err(|error| EngineError::Sink { name: plan.name.clone(), error })?
    };
    Ok((id, made))
}

/// Hands on what the sinks' tasks have to say.
struct ForDispatch(Arc<dyn Observer>);

impl dispatch::Observer for ForDispatch {
    fn delivered(&self, sink: &str, parcels: &[model::Parcel]) {
        self.0.delivered(sink, parcels);
    }

    fn trouble(&self, sink: &str, trouble: &sinks::Trouble, retry_in: Duration) {
        self.0.trouble(sink, trouble, retry_in);
    }

    fn recovered(&self, sink: &str) {
        self.0.recovered(sink);
    }

    fn dead(&self, sink: &str, parcel: &model::Parcel, error: &str) {
        self.0.dead(sink, parcel, error);
    }

    fn remark(&self, sink: &str, text: &str) {
        self.0.remark(sink, text);
    }
}

impl Engine {
    /// Tells the observer of changes in the ledger's health; call it now and then.
    pub fn watch_ledger(&self, last: &mut bool) {
        let health = self.ledger.health();
        if *last && !matches!(health, ledger::Health::Degraded(_)) {
            *last = false;
            self.observer.notice(&Notice::LedgerRecovered);
        }
        match health {
            ledger::Health::Degraded(error) if !*last => {
                *last = true;
                self.observer.notice(&Notice::LedgerTrouble { error: &error });
            }
            ledger::Health::Damaged(what) if !self.told_damage.swap(true, Ordering::Relaxed) => {
                let error = LedgerError::Damaged(what).to_string();
                self.observer.notice(&Notice::LedgerDamaged { error: &error });
            }
            _ => {}
        }
    }
}
