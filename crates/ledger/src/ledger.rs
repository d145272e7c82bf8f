//! The one handle, and the two modes behind it.

use std::sync::Arc;
use std::time::Duration;

use model::{EventId, Parcel, Stamp, State};

use crate::answer::{DeadRow, Fetch, Health, KnownRow, OpenReport, Pruned, QueueDepth, RetryRow};
use crate::durable::Durable;
use crate::entry::{Entry, Moment, Report, SourceNote, SourceRecord};
use crate::error::{Closed, CommitError, LedgerError, OpenError};
use crate::options::{Options, RouteId, SinkId, SourceId};
use crate::record::{Counts, Record, SinkCounts};
use crate::route::Route;
use crate::step::{Step, StepNote};
use crate::volatile::Volatile;

/// The ledger. Cheap to clone; shared by all threads.
#[derive(Clone, Debug)]
pub struct Ledger {
    mode: Arc<Mode>,
}

#[derive(Debug)]
enum Mode {
    Durable(Durable),
    Volatile(Box<Volatile>),
}

/// What only a ledger on disk can do.
const NEEDED_FOR_LISTS: &str = "a list of units";
const NEEDED_FOR_QUEUE: &str = "the embedded queue";

impl Ledger {
    /// Opens the ledger, makes it if there is none, puts a damaged one aside.
    #[expect(clippy::needless_pass_by_value, reason = "whoever opens a ledger has no other use for them")]
    pub fn open(options: Options) -> Result<(Self, OpenReport), OpenError> {
        let (mode, report) = if let Some(dir) = &options.state_dir {
            let (durable, report) = Durable::open(&options, dir)?;
            (Mode::Durable(durable), report)
        } else {
            let report = OpenReport { created: true, ..OpenReport::default() };
            (Mode::Volatile(Box::new(Volatile::new(&options.site))), report)
        };
        Ok((Self { mode: Arc::new(mode) }, report))
    }

    /// Stores what is in hand and releases the lock. Closing twice is harmless.
    pub fn close(&self) -> Result<(), CommitError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.close(),
            Mode::Volatile(volatile) => {
                volatile.close();
                Ok(())
            }
        }
    }

    /// Whether commits succeed.
    #[must_use]
    pub fn health(&self) -> Health {
        match &*self.mode {
            Mode::Durable(durable) => durable.health(),
            Mode::Volatile(_) => Health::Ok,
        }
    }

    /// How many transactions were committed since opening. In memory everything is committed at once,
    /// as if by a commit that nothing comes after.
    #[must_use]
    pub fn commits(&self) -> u64 {
        match &*self.mode {
            Mode::Durable(durable) => durable.commits(),
            Mode::Volatile(_) => u64::MAX,
        }
    }

    /// Makes a source known under its name; `root` is its directory from now on.
    pub fn register_source(&self, name: &str, root: &[u8]) -> Result<SourceRecord, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.register_source(name, root),
            Mode::Volatile(volatile) => volatile.register_source(name, root),
        }
    }

    /// Remembers something about a source.
    pub fn note_source(&self, id: SourceId, note: SourceNote) -> Result<(), LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.note_source(id, note),
            Mode::Volatile(volatile) => volatile.note_source(id, note),
        }
    }

    /// Makes a sink known under its name. A new one gets what is admitted from now on.
    pub fn register_sink(&self, name: &str, kind: &str) -> Result<SinkId, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.register_sink(name, kind),
            Mode::Volatile(volatile) => volatile.register_sink(name),
        }
    }

    /// The number of a set of sinks; the same set has the same number.
    pub fn route(&self, sinks: &[SinkId]) -> Result<RouteId, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.route(Route::of_units(sinks)),
            Mode::Volatile(volatile) => volatile.route(Route::of_units(sinks)),
        }
    }

    /// The same for happenings of event streams. What is announced to such a route is no generation: it is not
    /// counted as one, not listed, and cleared away as soon as every sink has it.
    pub fn stream_route(&self, sinks: &[SinkId]) -> Result<RouteId, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.route(Route::of_stream(sinks)),
            Mode::Volatile(volatile) => volatile.route(Route::of_stream(sinks)),
        }
    }

    /// Sinks that are not configured any more and still have something to take: name and how much.
    pub fn orphan_sinks(&self, configured: &[SinkId]) -> Result<Vec<(String, u64)>, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => Ok(durable.orphan_sinks(configured)),
            Mode::Volatile(volatile) => volatile.orphan_sinks(configured),
        }
    }

    /// Hands entries over, in order. Blocks while the intake is full.
    pub fn submit(&self, batch: Vec<Entry>) -> Result<(), Closed> {
        match &*self.mode {
            Mode::Durable(durable) => durable.submit(batch),
            Mode::Volatile(volatile) => volatile.submit(batch),
        }
    }

    /// Waits until everything submitted before is committed; gives the last number.
    pub fn flush(&self) -> Result<u64, Closed> {
        match &*self.mode {
            Mode::Durable(durable) => durable.flush(),
            Mode::Volatile(volatile) => volatile.end(),
        }
    }

    /// Calls `hook` after each commit that added events, with the last number.
    pub fn on_commit(&self, hook: Box<dyn Fn(u64) + Send + Sync>) {
        match &*self.mode {
            Mode::Durable(durable) => durable.hooks().on_commit(hook.into()),
            Mode::Volatile(volatile) => volatile.hooks.on_commit(hook.into()),
        }
    }

    /// Calls `each` with the newest generation of every path of the source that is still there.
    pub fn known(&self, source: SourceId, each: &mut dyn FnMut(KnownRow<'_>)) -> Result<(), LedgerError> {
        match &*self.mode {
            Mode::Durable(_) if switch::is_off("remembering-across-restarts") => Ok(()),
            Mode::Durable(durable) => durable.known(source, each),
            Mode::Volatile(volatile) => volatile.known(source, each),
        }
    }

    /// The last number that was given and committed.
    pub fn end(&self) -> Result<u64, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => Ok(durable.end()),
            Mode::Volatile(volatile) => Ok(volatile.end()?),
        }
    }

    /// Up to where everything is settled for the sink.
    pub fn cursor(&self, sink: SinkId) -> Result<u64, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.cursor(sink),
            Mode::Volatile(volatile) => volatile.cursor(sink),
        }
    }

    /// Committed events behind `after` for the sink, in order.
    pub fn fetch(&self, sink: SinkId, after: u64, limit: usize) -> Result<Fetch, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.fetch(sink, after, limit),
            Mode::Volatile(volatile) => volatile.fetch(sink, after, limit),
        }
    }

    /// The same, if neither a disk nor anybody else need be waited for. Nothing, too, where there is an error:
    /// [`Ledger::fetch`] tells it.
    #[must_use]
    pub fn fetch_at_once(&self, sink: SinkId, after: u64, limit: usize) -> Option<Fetch> {
        match &*self.mode {
            Mode::Durable(durable) => durable.fetch_at_once(sink, after, limit),
            Mode::Volatile(volatile) => volatile.fetch_at_once(sink, after, limit),
        }
    }

    /// Committed events behind `after` for whatever sink, in order.
    pub fn tail(&self, after: u64, limit: usize) -> Result<Fetch, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.tail(after, limit),
            Mode::Volatile(_) => Err(LedgerError::NeedsStateDir(NEEDED_FOR_LISTS)),
        }
    }

    /// The sink's parked events, in order.
    pub fn retries(&self, sink: SinkId) -> Result<Vec<RetryRow>, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.retries(sink),
            Mode::Volatile(volatile) => volatile.retries(sink),
        }
    }

    /// Records what became of events; rides on the next commit. Blocks while the intake is full.
    pub fn report(&self, sink: SinkId, report: Report) -> Result<(), Closed> {
        match &*self.mode {
            Mode::Durable(durable) => durable.report(sink, report),
            Mode::Volatile(volatile) => volatile.report(sink, report),
        }
    }

    /// The same, if there is room and nobody need be waited for; else the report comes back. It does, too, where there
    /// is an error: [`Ledger::report`] tells it.
    #[must_use]
    pub fn report_at_once(&self, sink: SinkId, report: Report) -> Option<Report> {
        match &*self.mode {
            Mode::Durable(durable) => durable.report_at_once(sink, report),
            Mode::Volatile(volatile) => volatile.report_at_once(sink, report),
        }
    }

    /// Puts events into the queue; durable when it returns. Putting one twice is harmless.
    pub fn queue_put(&self, queue: SinkId, seqs: Vec<u64>) -> Result<(), LedgerError> {
        self.durable(NEEDED_FOR_QUEUE)?.queue_put(queue, seqs)
    }

    /// The oldest entries that nobody has, at most `max`; leased until `lease_until`, if given.
    pub fn queue_take(
        &self,
        queue: SinkId,
        max: usize,
        lease_until: Option<Stamp>,
        now: Stamp,
    ) -> Result<Vec<Parcel>, LedgerError> {
        self.durable(NEEDED_FOR_QUEUE)?.queue_take(queue, max, lease_until, now)
    }

    /// Puts leased entries back at once.
    pub fn queue_release(&self, queue: Option<SinkId>, ids: &[EventId]) -> Result<(), LedgerError> {
        self.durable(NEEDED_FOR_QUEUE)?.queue_release(queue, ids)
    }

    /// Acknowledges entries (of all queues, if none is named); gives the ids that are in none.
    pub fn queue_ack(
        &self,
        queue: Option<SinkId>,
        ids: &[EventId],
        now: Stamp,
    ) -> Result<Vec<EventId>, LedgerError> {
        self.durable(NEEDED_FOR_QUEUE)?.queue_ack(queue, ids, now)
    }

    /// How full a queue is.
    pub fn queue_depth(&self, queue: SinkId) -> Result<QueueDepth, LedgerError> {
        self.durable(NEEDED_FOR_QUEUE)?.queue_depth(queue)
    }

    /// Clears away a slice of what nobody needs any more.
    pub fn prune(
        &self,
        now: Stamp,
        retain_acked: Duration,
        retain_history: Duration,
    ) -> Result<Pruned, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.prune(now, retain_acked, retain_history),
            Mode::Volatile(_) => Ok(Pruned::default()),
        }
    }

    /// How many generations are in each state.
    pub fn counts(&self) -> Result<Counts, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.counts(),
            Mode::Volatile(volatile) => volatile.counts(),
        }
    }

    /// The numbers of one sink.
    pub fn sink_counts(&self, sink: SinkId) -> Result<SinkCounts, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.sink_counts(sink),
            Mode::Volatile(volatile) => volatile.sink_counts(sink),
        }
    }

    /// All generations of a path, oldest first.
    pub fn records(&self, source: SourceId, path: &[u8]) -> Result<Vec<Record>, LedgerError> {
        let mut records = self.recent_records(source, path, usize::MAX)?;
        records.reverse();
        Ok(records)
    }

    /// The newest generations of a path, and what else happened there, at most so many: newest first.
    pub fn recent_records(
        &self,
        source: SourceId,
        path: &[u8],
        limit: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        self.durable(NEEDED_FOR_LISTS)?.records(source, path, limit)
    }

    /// The attempts to deliver an event that did not go through at once, oldest first: the first few
    /// and the latest. In memory they are forgotten when the event is delivered.
    pub fn attempts(&self, sink: SinkId, seq: u64) -> Result<Vec<Moment>, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.attempts(sink, seq),
            Mode::Volatile(volatile) => volatile.attempts(sink, seq),
        }
    }

    /// Adds steps to those of events, and changes what the sink follows; committed when it returns.
    /// Many may call at once: they share commits. On an error the steps may be noted all the same,
    /// so one that is noted twice must be harmless. What is not an event of this sink (any more) is
    /// passed over; in memory so are the steps of an event that is delivered.
    pub fn note_steps(&self, sink: SinkId, notes: Vec<StepNote>) -> Result<(), LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.note_steps(sink, notes),
            Mode::Volatile(volatile) => volatile.note_steps(sink, &notes),
        }
    }

    /// All steps of the event with this sink, in order. In memory they are forgotten when the event
    /// is delivered, and only the first few and the latest are kept when it is dead.
    pub fn steps(&self, sink: SinkId, seq: u64) -> Result<Vec<Step>, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.steps(sink, seq),
            Mode::Volatile(volatile) => volatile.steps(sink, seq),
        }
    }

    /// The same without the middle: the first `head` and the last `tail`, and how many there are.
    pub fn steps_outline(
        &self,
        sink: SinkId,
        seq: u64,
        head: usize,
        tail: usize,
    ) -> Result<(Vec<Step>, u64), LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.steps_outline(sink, seq, head, tail),
            Mode::Volatile(volatile) => volatile.steps_outline(sink, seq, head, tail),
        }
    }

    /// What the sink still follows: events behind `after`, in order, at most `limit`, each with what
    /// was set last. In memory the oldest are forgotten when they take too much room.
    pub fn pursuits(
        &self,
        sink: SinkId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.pursuits(sink, after, limit),
            Mode::Volatile(volatile) => volatile.pursuits(sink, after, limit),
        }
    }

    /// How many events the sink still follows.
    pub fn pursuits_count(&self, sink: SinkId) -> Result<u64, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.pursuits_count(sink),
            Mode::Volatile(volatile) => volatile.pursuits_count(sink),
        }
    }

    /// Calls `each` with every record in the state (or in any), until it says no.
    pub fn each_record(
        &self,
        state: Option<State>,
        each: &mut dyn FnMut(Record) -> bool,
    ) -> Result<(), LedgerError> {
        self.durable(NEEDED_FOR_LISTS)?.each_record(state, each)
    }

    /// The dead letters of the sink (or of all).
    pub fn dead(&self, sink: Option<&str>) -> Result<Vec<DeadRow>, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => durable.dead(sink),
            Mode::Volatile(volatile) => volatile.dead(sink),
        }
    }

    /// Offers letters to their sink again; each stays a letter until it is acknowledged.
    pub fn dead_retry(&self, sink: SinkId, seqs: &[u64], now: Stamp) -> Result<u64, LedgerError> {
        self.durable("the care of dead letters")?.change_letters(sink, seqs, Some(now))
    }

    /// Takes letters off the list for good.
    pub fn dead_purge(&self, sink: SinkId, seqs: &[u64]) -> Result<u64, LedgerError> {
        self.durable("the care of dead letters")?.change_letters(sink, seqs, None)
    }

    fn durable(&self, what: &'static str) -> Result<&Durable, LedgerError> {
        match &*self.mode {
            Mode::Durable(durable) => Ok(durable),
            Mode::Volatile(_) => Err(LedgerError::NeedsStateDir(what)),
        }
    }
}
