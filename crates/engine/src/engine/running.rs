//! The threads of one source: who looks for files in its tree, and who tells what happens there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use config::{SinkPlan, SourcePlan};
use ledger::SourceId;
use model::{Happening, Kind};
use settle::Mono;
use watch::stream::Bell;

use super::{Engine, EngineError, HANGS_AFTER, RunningSink, STOPPING};
use crate::orders::{Order, Orders};
use crate::source::{Berth, Routes, Source};
use crate::standing::{SourceState, Standing, StreamRow, StreamStanding};
use crate::stream::front::Front;
use crate::stream::orders::{StreamOrder, StreamOrders};
use crate::stream::pairing::StreamNumber;
use crate::stream::selecting::Wishes;
use crate::stream::telling::Post;
use crate::stream::{self, live};

/// One source's threads, seen from outside.
pub(crate) struct RunningSource {
    pub(crate) plan: SourcePlan,
    pub(crate) id: SourceId,
    /// Of the thread that looks for files; where there is none, the stream's thread answers in its place.
    pub(crate) orders: Arc<Orders>,
    pub(crate) standing: Arc<Standing>,
    /// The thread that looks for files, if any sink takes them.
    pub(super) arrivals: Option<JoinHandle<()>>,
    /// The thread that tells what happens, if anybody asks for that.
    pub(super) stream: Option<RunningStream>,
}

/// A stream's thread, seen from outside.
pub(crate) struct RunningStream {
    pub(super) orders: Arc<StreamOrders>,
    standing: Arc<StreamStanding>,
    pub(super) wishes: Wishes,
    thread: JoinHandle<()>,
}

/// A thread that is to end.
pub(super) struct Ending {
    thread: JoinHandle<()>,
    heartbeat: Box<dyn Fn() -> Mono + Send>,
}

impl Ending {
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Whether it has not come round for so long that the kernel must be holding it.
    pub(super) fn hangs(&self, now: Mono) -> bool {
        !self.has_ended() && now > (self.heartbeat)() + HANGS_AFTER
    }
}

impl RunningSource {
    /// Whether its threads have not come round for so long that the kernel must be holding them.
    pub(super) fn hangs(&self, now: Mono) -> bool {
        let lives = match (&self.arrivals, &self.stream) {
            (Some(thread), _) => !thread.is_finished(),
            (None, Some(stream)) => !stream.thread.is_finished(),
            (None, None) => false,
        };
        lives && now > self.standing.row().heartbeat + HANGS_AFTER
    }

    /// Whether files are looked for.
    pub(crate) const fn looks(&self) -> bool {
        self.arrivals.is_some()
    }

    /// How its stream stands, if it has one.
    pub(crate) fn stream_row(&self) -> Option<StreamRow> {
        self.stream.as_ref().map(|stream| stream.standing.row())
    }

    /// Whether everything that exists is watched and the first scan is through.
    pub(crate) fn is_ready(&self) -> bool {
        self.standing.row().ready && self.stream_row().is_none_or(|row| row.ready)
    }

    /// Tells its threads to end.
    pub(super) fn end(self) -> Vec<Ending> {
        let arrivals = self.arrivals.map(|thread| {
            self.orders.give(Order::Stop);
            let standing = self.standing;
            Ending { thread, heartbeat: Box::new(move || standing.row().heartbeat) }
        });
        arrivals.into_iter().chain(self.stream.map(RunningStream::end)).collect()
    }

    /// Tells the thread that looks for files to end, and lets the stream speak for the source.
    pub(super) fn end_arrivals(&mut self) -> Option<Ending> {
        let thread = self.arrivals.take()?;
        self.orders.give(Order::Stop);
        let standing = std::mem::take(&mut self.standing);
        self.orders = Arc::default();
        Some(Ending { thread, heartbeat: Box::new(move || standing.row().heartbeat) })
    }

    /// The stream speaks for the source exactly when nobody else does.
    pub(super) fn set_front(&self) {
        let Some(stream) = &self.stream else { return };
        let front = (!self.looks()).then(|| front(&self.orders, &self.standing, &stream.orders));
        stream.orders.give(StreamOrder::Front(front));
    }
}

fn front(orders: &Arc<Orders>, standing: &Arc<Standing>, stream: &Arc<StreamOrders>) -> Front {
    let bell = Arc::downgrade(stream);
    orders.ring_by(Arc::new(move || {
        if let Some(stream) = bell.upgrade() {
            stream.wake();
        }
    }));
    Front { orders: Arc::clone(orders), standing: Arc::clone(standing) }
}

impl RunningStream {
    pub(super) fn end(self) -> Ending {
        self.orders.give(StreamOrder::Stop);
        let standing = self.standing;
        Ending { thread: self.thread, heartbeat: Box::new(move || standing.row().heartbeat) }
    }
}

/// Whether anybody is to look for files: a sink that takes them, or nobody who takes anything else.
pub(super) fn has_arrivals(plan: &SourcePlan, sinks: &[SinkPlan]) -> bool {
    let takes =
        |name: &String| sinks.iter().filter(|sink| sink.name == *name).any(|sink| sink.kind.takes_arrivals());
    plan.streams.is_empty() || plan.rules.rules.iter().flat_map(|rule| &rule.to).any(takes)
}

/// Numbers for streams at the desk.
static STREAMS: AtomicU32 = AtomicU32::new(0);

impl Engine {
    /// The stream's wishes, with the numbers of those sinks that can be told.
    pub(super) fn wishes(&self, plan: &SourcePlan) -> Wishes {
        let state = self.lock();
        let tells = |sink: &&RunningSink| sinks::tells(&sink.plan, Kind::Happening(Happening::Create));
        Wishes::of(&plan.streams, |names| {
            let named = state.sinks.iter().filter(|sink| names.contains(&sink.plan.name));
            named.filter(tells).map(|sink| sink.id).collect()
        })
    }

    /// Starts what the plan asks for: who looks for files, who tells what happens, or both.
    pub(super) fn start_source(
        self: &Arc<Self>,
        plan: &SourcePlan,
        sinks: &[SinkPlan],
    ) -> Result<RunningSource, EngineError> {
        use std::os::unix::ffi::OsStrExt as _;
        let record = self.ledger.register_source(&plan.name, plan.path.as_os_str().as_bytes())?;
        let (orders, standing) = (Arc::default(), Arc::default());
        let (plan, id) = (plan.clone(), record.id);
        let mut running = RunningSource { plan, id, orders, standing, arrivals: None, stream: None };
        if has_arrivals(&running.plan, sinks) {
            self.start_arrivals(&mut running)?;
        }
        self.start_stream(&mut running)?;
        Ok(running)
    }

    /// Starts the thread that looks for files.
    pub(super) fn start_arrivals(self: &Arc<Self>, running: &mut RunningSource) -> Result<(), EngineError> {
        use std::os::unix::ffi::OsStrExt as _;
        let plan = running.plan.clone();
        let record = self.ledger.register_source(&plan.name, plan.path.as_os_str().as_bytes())?;
        let routes: Routes = self.routes(&plan)?;
        let (orders, standing): (Arc<Orders>, Arc<Standing>) = (Arc::default(), Arc::default());
        let source = Source::new(Berth {
            plan: plan.clone(),
            id: record.id,
            routes,
            first_scan_done: record.first_scan_done,
            armed_at: record.armed_at,
            inode_in_identity: record.inode_in_identity,
            incarnation: record.incarnation,
            ledger: self.ledger.clone(),
            clock: self.clock,
            observer: Arc::clone(&self.observer),
            orders: Arc::clone(&orders),
            standing: Arc::clone(&standing),
            ask_room: self.ask_room(),
        })?;
        let failing = Arc::clone(&standing);
        let run = move || {
            // A source that panics is shown as failed; the others go on.
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| source.run()));
            if ended.is_err() {
                failing.update(|row| row.state = SourceState::Failed);
            }
        };
        running.arrivals = Some(spawn("src", &plan, run)?);
        (running.orders, running.standing) = (orders, standing);
        Ok(())
    }

    /// Starts the thread that tells what happens, if anybody asks for that.
    pub(super) fn start_stream(&self, running: &mut RunningSource) -> Result<(), EngineError> {
        if running.plan.streams.is_empty() {
            return Ok(());
        }
        let plan = running.plan.clone();
        let bell = Bell::new().map_err(|error| EngineError::Thread { what: of_stream(&plan), error })?;
        let orders = Arc::new(StreamOrders::new(bell));
        let standing = Arc::new(StreamStanding::default());
        let wishes = self.wishes(&plan);
        let berth = stream::Berth {
            plan: plan.clone(),
            wishes: wishes.clone(),
            post: Post {
                source: running.id,
                ledger: self.ledger.clone(),
                clock: self.clock,
                desk: Arc::clone(&self.desk),
                own: self.state_dir.clone(),
                number: StreamNumber(STREAMS.fetch_add(1, Ordering::Relaxed)),
            },
            observer: Arc::clone(&self.observer),
            orders: Arc::clone(&orders),
            standing: Arc::clone(&standing),
            front: (!running.looks()).then(|| front(&running.orders, &running.standing, &orders)),
        };
        let thread = spawn("evt", &plan, move || live(berth))?;
        running.stream = Some(RunningStream { orders, standing, wishes, thread });
        Ok(())
    }

    /// Waits for threads that were told to end. One whose root's server hangs ends when that answers, and nobody
    /// waits for it.
    pub(super) fn wait_for(&self, endings: Vec<Ending>) {
        for ending in endings {
            while !(ending.has_ended() || ending.hangs(self.clock.mono())) {
                std::thread::sleep(STOPPING);
            }
        }
    }
}

fn of_stream(plan: &SourcePlan) -> String {
    format!("the event stream of source {}", plan.name)
}

fn spawn(
    kind: &str,
    plan: &SourcePlan,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, EngineError> {
    let name = plan.name.chars().take(10).collect::<String>();
    let spawned = std::thread::Builder::new().name(format!("{kind}-{name}")).spawn(run);
    spawned.map_err(|error| EngineError::Thread { what: format!("source {}", plan.name), error })
}
