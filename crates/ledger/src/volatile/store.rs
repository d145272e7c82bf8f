//! The volatile ledger itself.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use model::{EventId, Stamp};

use crate::answer::{DeadRow, Fetch, KnownRow, RetryRow};
use crate::attempts;
use crate::entry::{Admission, Dead, Entry, Fate, Moment, Parked, Report, SourceNote, SourceRecord};
use crate::error::{Closed, LedgerError};
use crate::hooks::Hooks;
use crate::lineage::{Earlier, Place};
use crate::names::{Names, Sink, Source, slot};
use crate::options::{RouteId, SinkId, SourceId};
use crate::recent::{Recent, Stored};
use crate::record::{Counts, SinkCounts};
use crate::route::Route;
use crate::seal::{self, Origin};
use crate::step::{Step, StepNote};
use crate::tally::{Exceptional, Rows, Tallies, Trouble};

use super::paths::{Paths, There};
use super::steps::Steps;

/// How many events may be pending. When it is full, `submit` waits until the sinks have settled
/// some: nothing is dropped.
const PENDING_LIMIT: usize = 16_384;

/// And how much memory they and the steps of their deliveries may take: events of files take a tenth
/// of it, those of datasets may be far longer.
const PENDING_BYTES: usize = 64 << 20;

/// So many known paths are told before others may have the memory.
const KNOWN_SLICE: usize = 1024;

/// A ledger in memory.
#[derive(Debug)]
pub(crate) struct Volatile {
    state: Mutex<Memory>,
    /// Signalled when events were settled and when the ledger is closed.
    room: Condvar,
    pub(crate) hooks: Hooks,
}

#[derive(Debug)]
struct Memory {
    site: Arc<str>,
    names: Names,
    tallies: Tallies,
    pending: Recent,
    /// For each source, in the order of their numbers.
    paths: Vec<Paths>,
    /// Parked and dead events, by number and sink.
    aside: BTreeMap<(u64, SinkId), Aside>,
    steps: Steps,
    closed: bool,
}

/// An event that one sink refused.
#[derive(Debug)]
struct Aside {
    stored: Stored,
    attempts: u32,
    /// `None`: a dead letter.
    next: Option<Stamp>,
    rejected: bool,
    error: String,
    at: Stamp,
    history: Vec<Moment>,
}

/// A sink's word about an event that it did not take.
struct Refusal {
    seq: u64,
    attempts: u32,
    /// `None`: a dead letter.
    next: Option<Stamp>,
    rejected: bool,
    error: String,
    what: String,
}

impl Aside {
    fn trouble(&self) -> Trouble {
        if self.next.is_some() { Trouble::Parked } else { Trouble::Letter }
    }
}

impl Volatile {
    pub(crate) fn new(site: &str) -> Self {
        let state = Memory {
            site: site.into(),
            names: Names::default(),
            tallies: Tallies::default(),
            pending: Recent::default(),
            paths: Vec::new(),
            aside: BTreeMap::new(),
            steps: Steps::default(),
            closed: false,
        };
        Self { state: Mutex::new(state), room: Condvar::new(), hooks: Hooks::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, Memory>, Closed> {
        let memory = self.lock();
        if memory.closed { Err(Closed) } else { Ok(memory) }
    }

    /// Whoever has it may be taking in thousands of entries.
    fn open_at_once(&self) -> Option<MutexGuard<'_, Memory>> {
        self.state.try_lock().ok().filter(|memory| !memory.closed)
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.room.notify_all();
    }

    pub(crate) fn register_source(&self, name: &str, root: &[u8]) -> Result<SourceRecord, LedgerError> {
        let mut memory = self.open()?;
        let since = memory.tallies.end + 1;
        let id = match memory.names.source_named(name) {
            Some(id) => id,
            None => memory.add_source(name),
        };
        let source = memory.names.source_mut(id).ok_or(LedgerError::UnknownSource(id))?;
        source.root_is(root, since);
        Ok(source.record(id))
    }

    pub(crate) fn note_source(&self, id: SourceId, note: SourceNote) -> Result<(), LedgerError> {
        let mut memory = self.open()?;
        memory.names.source_mut(id).ok_or(LedgerError::UnknownSource(id))?.note(note);
        Ok(())
    }

    pub(crate) fn register_sink(&self, name: &str) -> Result<SinkId, LedgerError> {
        let mut memory = self.open()?;
        if let Some(id) = memory.names.sink_named(name) {
            return Ok(id);
        }
        let end = memory.tallies.end;
        memory.tallies.add_sink(end, 0);
        Ok(memory.names.add_sink(Sink { name: name.into(), kind: String::new() }))
    }

    pub(crate) fn route(&self, route: Route) -> Result<RouteId, LedgerError> {
        let mut memory = self.open()?;
        if let Some(unknown) = route.iter().find(|id| memory.names.sink(**id).is_none()) {
            return Err(LedgerError::UnknownSink(*unknown));
        }
        if let Some(id) = memory.names.route_of(&route) {
            return Ok(id);
        }
        memory.tallies.add_route(route.clone());
        Ok(memory.names.add_route(route))
    }

    pub(crate) fn submit(&self, batch: Vec<Entry>) -> Result<(), Closed> {
        let mut entries = batch.into_iter();
        loop {
            let mut memory = self.open()?;
            let before = memory.tallies.end;
            let mut full = false;
            while !full {
                let Some(entry) = entries.next() else { break };
                memory.take(&entry);
                full = memory.is_full();
            }
            let end = memory.tallies.end;
            drop(memory);
            if end > before {
                self.hooks.committed(end);
            }
            if entries.len() == 0 {
                return Ok(());
            }
            self.wait_for_room();
        }
    }

    fn wait_for_room(&self) {
        let full = |memory: &mut Memory| memory.is_full() && !memory.closed;
        drop(self.room.wait_while(self.lock(), full));
    }

    pub(crate) fn end(&self) -> Result<u64, Closed> {
        Ok(self.open()?.tallies.end)
    }

    /// Whoever is told may look at each path, which takes its time: meanwhile the memory is not held.
    pub(crate) fn known(
        &self,
        source: SourceId,
        each: &mut dyn FnMut(KnownRow<'_>),
    ) -> Result<(), LedgerError> {
        let keys = self.open()?.paths.get(slot(source.0)).map(Paths::keys).unwrap_or_default();
        for keys in keys.chunks(KNOWN_SLICE) {
            let memory = self.open()?;
            let paths = memory.paths.get(slot(source.0));
            let present: Vec<_> =
                paths.into_iter().flat_map(|paths| keys.iter().filter_map(|key| paths.known(*key))).collect();
            drop(memory);
            for known in &present {
                each(known.row());
            }
        }
        Ok(())
    }

    pub(crate) fn cursor(&self, sink: SinkId) -> Result<u64, LedgerError> {
        let memory = self.open()?;
        Ok(memory.tallies.sink(sink).ok_or(LedgerError::UnknownSink(sink))?.cursor)
    }

    pub(crate) fn fetch(&self, sink: SinkId, after: u64, limit: usize) -> Result<Fetch, LedgerError> {
        let memory = self.open()?;
        Ok(memory.pending.fetch(after, limit, |route| memory.names.leads_to(route, sink)))
    }

    pub(crate) fn fetch_at_once(&self, sink: SinkId, after: u64, limit: usize) -> Option<Fetch> {
        let memory = self.open_at_once()?;
        Some(memory.pending.fetch(after, limit, |route| memory.names.leads_to(route, sink)))
    }

    pub(crate) fn report_at_once(&self, sink: SinkId, report: Report) -> Option<Report> {
        let Some(mut memory) = self.open_at_once() else { return Some(report) };
        memory.report(sink, report);
        drop(memory);
        self.room.notify_all();
        None
    }

    pub(crate) fn report(&self, sink: SinkId, report: Report) -> Result<(), Closed> {
        self.open()?.report(sink, report);
        self.room.notify_all();
        Ok(())
    }

    pub(crate) fn retries(&self, sink: SinkId) -> Result<Vec<RetryRow>, LedgerError> {
        let memory = self.open()?;
        let mine = memory.aside.iter().filter(|((_, id), _)| *id == sink);
        let parked = mine.filter_map(|(_, aside)| {
            Some(RetryRow {
                parcel: aside.stored.parcel(aside.attempts.saturating_add(1)),
                attempts: aside.attempts,
                next: aside.next?,
                error: aside.error.clone(),
                letter: false,
            })
        });
        Ok(parked.collect())
    }

    pub(crate) fn dead(&self, sink: Option<&str>) -> Result<Vec<DeadRow>, LedgerError> {
        let memory = self.open()?;
        let mut letters = Vec::new();
        for ((_, id), aside) in memory.aside.iter().filter(|(_, aside)| aside.next.is_none()) {
            let name = memory.names.sink(*id).map_or("", |known| known.name.as_str());
            if sink.is_none_or(|wanted| wanted == name) {
                letters.push(DeadRow {
                    sink: name.into(),
                    parcel: aside.stored.parcel(aside.attempts),
                    attempts: aside.attempts,
                    error: aside.error.clone(),
                    rejected: aside.rejected,
                    at: aside.at,
                    retrying: false,
                });
            }
        }
        Ok(letters)
    }

    pub(crate) fn attempts(&self, sink: SinkId, seq: u64) -> Result<Vec<Moment>, LedgerError> {
        let memory = self.open()?;
        Ok(memory.aside.get(&(seq, sink)).map(|aside| aside.history.clone()).unwrap_or_default())
    }

    pub(crate) fn note_steps(&self, sink: SinkId, notes: &[StepNote]) -> Result<(), LedgerError> {
        let mut memory = self.open()?;
        if memory.names.sink(sink).is_none() {
            return Err(LedgerError::UnknownSink(sink));
        }
        for note in notes {
            memory.note(sink, note);
        }
        Ok(())
    }

    pub(crate) fn steps(&self, sink: SinkId, seq: u64) -> Result<Vec<Step>, LedgerError> {
        Ok(self.open()?.steps.of(sink, seq))
    }

    pub(crate) fn steps_outline(
        &self,
        sink: SinkId,
        seq: u64,
        head: usize,
        tail: usize,
    ) -> Result<(Vec<Step>, u64), LedgerError> {
        Ok(self.open()?.steps.outline(sink, seq, head, tail))
    }

    pub(crate) fn pursuits(
        &self,
        sink: SinkId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        Ok(self.open()?.steps.pursuits(sink, after, limit))
    }

    pub(crate) fn pursuits_count(&self, sink: SinkId) -> Result<u64, LedgerError> {
        Ok(self.open()?.steps.pursuits_count(sink))
    }

    pub(crate) fn orphan_sinks(&self, configured: &[SinkId]) -> Result<Vec<(String, u64)>, LedgerError> {
        let memory = self.open()?;
        Ok(memory.tallies.orphans(&memory.names, configured))
    }

    pub(crate) fn counts(&self) -> Result<Counts, LedgerError> {
        let memory = self.open()?;
        Ok(never(memory.tallies.counts(&mut memory.rows())))
    }

    pub(crate) fn sink_counts(&self, sink: SinkId) -> Result<SinkCounts, LedgerError> {
        let memory = self.open()?;
        let mut counts = memory.tallies.sink_counts(sink).ok_or(LedgerError::UnknownSink(sink))?;
        let cursor = memory.tallies.sink(sink).map_or(0, |tally| tally.cursor);
        let mut pending = memory.pending.since(cursor).filter(|row| memory.names.leads_to(row.route, sink));
        let parked = memory.aside.iter().filter(|((_, id), aside)| *id == sink && aside.next.is_some());
        counts.oldest_admitted = parked
            .map(|(_, aside)| aside.stored.admitted)
            .chain(pending.next().map(|stored| stored.admitted))
            .min();
        Ok(counts)
    }
}

impl Memory {
    fn add_source(&mut self, name: &str) -> SourceId {
        self.paths.push(Paths::default());
        self.names.add_source(Source::new(name))
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= PENDING_LIMIT || self.pending.bytes() + self.steps.bytes() >= PENDING_BYTES
    }

    fn rows(&self) -> MemoryRows<'_> {
        MemoryRows { pending: &self.pending, names: &self.names, aside: &self.aside }
    }

    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Again(admission) if !self.may_go_again(admission) => {}
            Entry::Admit(admission) | Entry::Again(admission) => self.admit(admission),
            Entry::Sample { source, key, sample, ctime, .. } => {
                if let Some(paths) = self.paths.get_mut(slot(source.0)) {
                    paths.looks(*key, *sample, *ctime);
                }
            }
            // There is no history.
            Entry::Remark { .. } => {}
            Entry::Absent { source, key, .. } => {
                if let Some(paths) = self.paths.get_mut(slot(source.0)) {
                    paths.absent(*key);
                }
            }
            Entry::Removed(admission) => self.remove(admission),
        }
    }

    /// What lay there is gone; the event says so only where another one said that it came.
    fn remove(&mut self, admission: &Admission) {
        let Some(paths) = self.paths.get_mut(slot(admission.source.0)) else { return };
        let Some((gone, _)) = paths.present(admission.key) else { return };
        let gone = *gone;
        paths.absent(admission.key);
        if gone.announced && matches!(admission.fate, Fate::Announce(_)) {
            self.write(&admission.of_removal(&gone), &Place::of_removal(&gone));
        }
    }

    /// Whether nothing of the same content is on its way or set aside.
    fn may_go_again(&self, admission: &Admission) -> bool {
        let paths = self.paths.get(slot(admission.source.0));
        let Some((row, seq)) = paths.and_then(|paths| paths.present(admission.key)) else { return true };
        if row.kind != admission.kind || row.fingerprint != admission.fingerprint {
            return true;
        }
        let coming = self.pending.get(seq).is_some_and(|stored| seq > self.tallies.floor(stored.route));
        let aside = self.aside.range((seq, SinkId(0))..=(seq, SinkId(u32::MAX))).next().is_some();
        row.announced && !coming && !aside
    }

    fn admit(&mut self, admission: &Admission) {
        if !admission.kind.is_unit() {
            self.write(admission, &Place::ALONE);
            return;
        }
        let Some(paths) = self.paths.get(slot(admission.source.0)) else { return };
        let place = paths.place(admission.key, admission.kind, admission.fingerprint);
        let Some((seq, id)) = self.write(admission, &place) else { return };
        let Some(paths) = self.paths.get_mut(slot(admission.source.0)) else { return };
        match admission.fate {
            Fate::Announce(_) | Fate::Adopt => {
                let there = There::new(admission.path.clone(), admission.cause, admission.ctime);
                paths.put(admission.key, earlier(admission, &place, id), seq, there);
            }
            Fate::Gone => paths.absent(admission.key),
        }
    }

    fn write(&mut self, admission: &Admission, place: &Place) -> Option<(u64, EventId)> {
        let source = self.names.source(admission.source)?;
        let Fate::Announce(route) = admission.fate else {
            let seq = self.tallies.set_down(admission.fate == Fate::Adopt);
            self.pending.reach(seq);
            let origin = origin(&self.site, source, seq);
            return Some((seq, seal::id(&origin, admission, place)));
        };
        let seq = self.tallies.admit(route);
        let origin = origin(&self.site, source, seq);
        let frozen = seal::freeze(&origin, admission, place);
        let id = frozen.id;
        if self.names.route(route).is_some_and(|sinks| !sinks.is_empty()) {
            self.pending.push(seal::stored(&origin, admission, place, route, seq, frozen));
        } else {
            self.pending.reach(seq);
        }
        Some((seq, id))
    }

    /// Steps are kept as long as the event is to be delivered, a pursuit until it is cleared.
    fn note(&mut self, sink: SinkId, note: &StepNote) {
        let pending = self.pending.get(note.seq);
        let aside = self.aside.contains_key(&(note.seq, sink));
        let foreign = pending.is_some_and(|stored| !self.names.leads_to(stored.route, sink));
        if note.seq > self.tallies.end || (foreign && !aside) {
            return;
        }
        let owed = self.tallies.sink(sink).is_some_and(|tally| note.seq > tally.cursor);
        if aside || (owed && pending.is_some()) {
            self.steps.add(sink, note);
        }
        self.steps.pursue(sink, note.seq, &note.pursuit);
    }

    fn report(&mut self, sink: SinkId, report: Report) {
        let before = self.tallies.sink(sink).map_or(0, |tally| tally.cursor);
        if let Some(cursor) = report.cursor {
            let rows = MemoryRows { pending: &self.pending, names: &self.names, aside: &self.aside };
            let mut rows = rows;
            never(self.tallies.settle(sink, cursor, &mut rows));
        }
        for parked in report.parked {
            let what = attempts::parked(&parked);
            let Parked { seq, attempts, next, error } = parked;
            let refusal = Refusal { seq, attempts, next: Some(next), rejected: false, error, what };
            self.set_aside(sink, refusal, report.at);
        }
        for dead in report.dead {
            let what = attempts::dead(&dead);
            let Dead { seq, attempts, rejected, error } = dead;
            self.set_aside(sink, Refusal { seq, attempts, next: None, rejected, error, what }, report.at);
        }
        let mut delivered = report.delivered;
        for seq in report.unparked_delivered {
            if let Some(aside) = self.aside.remove(&(seq, sink)) {
                self.tallies.trouble(sink, aside.stored.route, Some(aside.trouble()), None);
                self.steps.drop_of(sink, seq);
                delivered += 1;
            }
        }
        self.tallies.report(sink, report.in_flight, delivered);
        let after = self.tallies.sink(sink).map_or(0, |tally| tally.cursor);
        let aside = &self.aside;
        self.steps.drop_between(sink, (before, after), |seq| aside.contains_key(&(seq, sink)));
        let tallies = &self.tallies;
        self.pending.drop_while(|stored| stored.seq <= tallies.floor(stored.route));
    }

    fn set_aside(&mut self, sink: SinkId, refusal: Refusal, at: Stamp) {
        let Refusal { seq, attempts, next, rejected, error, what } = refusal;
        if self.tallies.sink(sink).is_none_or(|tally| seq > tally.cursor) {
            return;
        }
        let (was, before) = match self.aside.remove(&(seq, sink)) {
            Some(aside) => (Some(aside.trouble()), Some((aside.stored, aside.history))),
            None => (None, self.pending.get(seq).map(|stored| (stored.clone(), Vec::new()))),
        };
        let Some((stored, mut history)) = before else { return };
        attempts::remember(&mut history, Moment { time: at, what });
        let route = stored.route;
        let aside = Aside { stored, attempts, next, rejected, error, at, history };
        self.tallies.trouble(sink, route, was, Some(aside.trouble()));
        if aside.next.is_none() {
            self.steps.cut(sink, seq);
        }
        self.aside.insert((seq, sink), aside);
    }
}

fn origin(site: &Arc<str>, source: &Source, seq: u64) -> Origin {
    Origin { site: Arc::clone(site), source: Arc::clone(&source.name), root: source.root_at(seq) }
}

fn earlier(admission: &Admission, place: &Place, id: EventId) -> Earlier {
    Earlier {
        announced: matches!(admission.fate, Fate::Announce(_)),
        kind: admission.kind,
        fingerprint: admission.fingerprint,
        number: place.number,
        recurrence: place.recurrence,
        id,
        topmost: place.topmost,
    }
}

fn never<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
    }
}

/// The pending events as [`Rows`]. What was dropped is settled at every sink of its route, so
/// no question about a range behind a cursor misses it.
struct MemoryRows<'a> {
    pending: &'a Recent,
    names: &'a Names,
    aside: &'a BTreeMap<(u64, SinkId), Aside>,
}

impl Rows for MemoryRows<'_> {
    type Error = Infallible;

    fn per_route(&mut self, after: u64, upto: u64) -> Result<HashMap<RouteId, u64>, Infallible> {
        let mut found = HashMap::new();
        for stored in self.pending.since(after).take_while(|stored| stored.seq <= upto) {
            *found.entry(stored.route).or_insert(0) += 1;
        }
        Ok(found)
    }

    fn nth_behind(&mut self, sink: SinkId, after: u64, nth: u64) -> Result<u64, Infallible> {
        let mine = self.pending.since(after).filter(|stored| self.names.leads_to(stored.route, sink));
        Ok(mine.take(nth as usize).last().map_or(after, |stored| stored.seq))
    }

    fn exceptions(&mut self, route: RouteId) -> Result<Vec<Exceptional>, Infallible> {
        let mut found: Vec<Exceptional> = Vec::new();
        for ((seq, _), aside) in self.aside.iter().filter(|(_, aside)| aside.stored.route == route) {
            let retrying = aside.next.is_some();
            match found.last_mut().filter(|last| last.seq == *seq) {
                Some(last) => last.retrying |= retrying,
                None => found.push(Exceptional { seq: *seq, retrying }),
            }
        }
        Ok(found)
    }
}
