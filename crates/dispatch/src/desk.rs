//! The lane's dealings with the ledger, one errand at a time and in order. What can be done without waiting for
//! a disk or for anybody is done at once; the rest blocks, so it runs on the blocking pool, and the lane delivers
//! meanwhile.

use std::collections::VecDeque;

use ledger::{Closed, Fetch, Ledger, LedgerError, Report, RetryRow, SinkId};
use model::{Parcel, Stamp};
use tokio::task::{JoinHandle, spawn_blocking};

/// In place of a number of commits: nobody knows yet when the ledger took the report.
const ON_ITS_WAY: u64 = u64::MAX;
/// So many rows of others passed are worth a report of their own.
const WORTH_TELLING: u64 = 4096;

/// What one errand is to do, in this order.
#[derive(Debug, Default)]
struct Errand {
    report: Option<Report>,
    /// Read the waiting events anew, after everything reported so far is committed.
    retries: bool,
    /// Fetch behind this, at most so many.
    fetch: Option<(u64, usize)>,
}

/// An errand under way.
#[derive(Debug)]
struct Out {
    handle: JoinHandle<Result<Brought, ErrandError>>,
    /// It is to read the waiting events.
    reads_retries: bool,
}

/// What an errand brought back.
#[derive(Debug)]
struct Brought {
    /// The ledger's commits when it had taken the report.
    reported: Option<u64>,
    retries: Option<Vec<RetryRow>>,
    fetched: Option<(u64, Fetch)>,
}

/// Why an errand failed.
#[derive(Debug)]
pub(crate) enum ErrandError {
    /// The ledger is closed: the lane ends.
    Closed,
    /// It cannot be read now: why, and what that means.
    Ledger(String),
}

impl From<LedgerError> for ErrandError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Closed(_) => ErrandError::Closed,
            damaged @ LedgerError::Damaged(_) => ErrandError::Ledger(damaged.to_string()),
            other => ErrandError::Ledger(format!("{other}; nothing is lost")),
        }
    }
}

impl From<Closed> for ErrandError {
    fn from(_: Closed) -> Self {
        ErrandError::Closed
    }
}

/// The lane's desk: events fetched ahead, the report in the making, the errand under way.
#[derive(Debug)]
pub(crate) struct Desk {
    ledger: Ledger,
    sink: SinkId,
    /// Fetched and not offered yet, in order. At most two batches: it is refilled only below one.
    pub(crate) ahead: VecDeque<Parcel>,
    /// Everything up to here was fetched or belongs to others.
    scanned_to: u64,
    /// The last fetch got further, so there may be more.
    more: bool,
    report: Report,
    /// The report says something new.
    dirty: bool,
    reload: bool,
    /// What is committed, as far as is known.
    pub(crate) committed: u64,
    /// The ledger's commits when it had taken the last report; nothing: it is committed.
    unrecorded: Option<u64>,
    /// The in-flight number of the last report that was sent.
    told_in_flight: u64,
    /// The cursor of the last report that was sent.
    told_cursor: u64,
    out: Option<Out>,
    /// The waiting events, as read, until the lane takes them.
    retries: Option<Vec<RetryRow>>,
    /// Why the last errand failed, until the lane asks.
    error: Option<ErrandError>,
}

impl Desk {
    pub(crate) fn new(ledger: Ledger, sink: SinkId) -> Self {
        Self {
            ledger,
            sink,
            ahead: VecDeque::new(),
            scanned_to: 0,
            more: true,
            report: Report::default(),
            dirty: false,
            reload: true,
            committed: 0,
            unrecorded: None,
            told_in_flight: 0,
            told_cursor: 0,
            out: None,
            retries: None,
            error: None,
        }
    }

    /// Asks where the sink stands. Before anything else. `settle_first`: another task reported for
    /// this sink just now.
    pub(crate) async fn open(&mut self, settle_first: bool) -> Result<(), ErrandError> {
        let (ledger, sink) = (self.ledger.clone(), self.sink);
        let ask = move || -> Result<u64, LedgerError> {
            if settle_first {
                ledger.flush()?;
            }
            ledger.cursor(sink)
        };
        self.scanned_to = spawn_blocking(ask).await.map_err(|_| ErrandError::Closed)??;
        self.told_cursor = self.scanned_to;
        Ok(())
    }

    /// The report in the making; whoever changes it says that it is new.
    pub(crate) fn report(&mut self) -> &mut Report {
        self.dirty = true;
        &mut self.report
    }

    /// The same, and the events ahead.
    pub(crate) fn report_and_ahead(&mut self) -> (&mut Report, &mut VecDeque<Parcel>) {
        self.dirty = true;
        (&mut self.report, &mut self.ahead)
    }

    /// How many of the next events behind the cursor are in hand. It is told with the next report;
    /// only taking it back, when it was told, is news of its own.
    pub(crate) fn in_hand(&mut self, count: u64) {
        self.report.in_flight = count;
        self.dirty |= count == 0 && self.told_in_flight != 0;
    }

    /// Nothing is ahead or in hand: rows of others that were passed count as settled here, or they
    /// would be looked at again after a restart.
    pub(crate) fn pass_others(&mut self) {
        if self.ahead.is_empty() && self.scanned_to >= self.told_cursor + WORTH_TELLING {
            self.report().cursor = Some(self.scanned_to);
        }
    }

    /// The waiting events in the ledger were changed by another hand, or there are more than were taken.
    pub(crate) fn read_retries_again(&mut self) {
        self.reload = true;
    }

    /// Whether the waiting events are being read, or must be, before anything is offered.
    pub(crate) fn is_reading_retries(&self) -> bool {
        self.reload || self.out.as_ref().is_some_and(|out| out.reads_retries)
    }

    /// The waiting events, when they were read since the last call.
    pub(crate) fn take_retries(&mut self) -> Option<Vec<RetryRow>> {
        self.retries.take()
    }

    /// Why an errand failed, when one did since the last call.
    pub(crate) fn take_error(&mut self) -> Option<ErrandError> {
        self.error.take()
    }

    /// Whether there is something to tell or to ask, or an errand is under way.
    pub(crate) fn is_busy(&self, want: usize) -> bool {
        self.is_out() || self.has_business(want)
    }

    fn has_business(&self, want: usize) -> bool {
        self.dirty || self.reload || self.wants_events(want)
    }

    /// Whether an errand has ended that nobody has waited for yet.
    pub(crate) fn is_back(&self) -> bool {
        self.out.as_ref().is_some_and(|out| out.handle.is_finished())
    }

    /// Whether an errand is under way.
    pub(crate) fn is_out(&self) -> bool {
        self.out.is_some()
    }

    fn wants_events(&self, want: usize) -> bool {
        self.ahead.len() < want && (self.more || self.committed > self.scanned_to)
    }

    /// Sees to the business, if there is any and no errand is under way: at once as far as nobody need be waited
    /// for, and what is left is sent off. `want`: below so many events ahead, more are fetched.
    pub(crate) fn send(&mut self, want: usize, at: Stamp) {
        let want = if switch::is_off("leave-the-backlog-in-the-ledger") { 1 << 20 } else { want };
        if self.out.is_some() || !self.has_business(want) {
            return;
        }
        let fetch = self.wants_events(want).then(|| (self.scanned_to, want * 2 - self.ahead.len()));
        let errand = Errand {
            report: std::mem::take(&mut self.dirty).then(|| self.take_report(at)),
            retries: std::mem::take(&mut self.reload),
            fetch,
        };
        if errand.report.is_some() {
            self.unrecorded = Some(ON_ITS_WAY);
        }
        let Some(errand) = self.do_at_once(errand) else { return };
        let reads_retries = errand.retries;
        let (ledger, sink) = (self.ledger.clone(), self.sink);
        let handle = spawn_blocking(move || run(&ledger, sink, errand));
        self.out = Some(Out { handle, reads_retries });
    }

    /// Does what can be done without waiting, in the errand's order; gives what is left of it. Two threads fewer have
    /// to be woken for an event that comes alone.
    fn do_at_once(&mut self, mut errand: Errand) -> Option<Errand> {
        if let Some(report) = errand.report.take() {
            errand.report = self.ledger.report_at_once(self.sink, report);
            if errand.report.is_none() {
                self.unrecorded = Some(self.ledger.commits());
            }
        }
        if errand.report.is_some() || errand.retries {
            return Some(errand);
        }
        let (after, limit) = errand.fetch?;
        let Some(fetch) = self.ledger.fetch_at_once(self.sink, after, limit) else { return Some(errand) };
        self.unpack(Brought { reported: None, retries: None, fetched: Some((after, fetch)) });
        None
    }

    /// Whether a report is in the making, or was sent and may not be committed yet.
    pub(crate) fn is_unrecorded(&self) -> bool {
        // The round that ran when the report was taken may have been without it; the next one had it.
        let committed = |before: u64| self.ledger.commits() >= before.saturating_add(2);
        self.dirty || self.unrecorded.is_some_and(|before| self.is_out() || !committed(before))
    }

    /// Waits until everything reported is committed. Then a kill repeats at most what is in hand. Where an errand
    /// failed, its report may have been taken before: that is waited for as well.
    pub(crate) async fn record(&mut self, at: Stamp) {
        self.back().await;
        if self.dirty {
            self.send(0, at);
            self.back().await;
        }
        if self.is_unrecorded() {
            let ledger = self.ledger.clone();
            match spawn_blocking(move || ledger.flush()).await {
                Ok(Ok(_)) => self.unrecorded = None,
                Ok(Err(error)) => self.error = Some(error.into()),
                Err(_) => self.error = Some(ErrandError::Closed),
            }
        }
    }

    /// Sends off the report alone, the last of all.
    pub(crate) fn send_report(&mut self, at: Stamp) {
        self.reload = false;
        self.send(0, at);
    }

    fn take_report(&mut self, at: Stamp) -> Report {
        let in_flight = self.report.in_flight;
        let next = Report { in_flight, ..Report::default() };
        let report = Report { at, ..std::mem::replace(&mut self.report, next) };
        self.told_in_flight = in_flight;
        self.told_cursor = report.cursor.unwrap_or(self.told_cursor);
        report
    }

    /// Waits for the errand under way; what it fetched lies ahead then. Dropping this loses nothing.
    pub(crate) async fn back(&mut self) {
        let Some(out) = &mut self.out else { return };
        let result = (&mut out.handle).await;
        let reads_retries = out.reads_retries;
        self.out = None;
        match result {
            Ok(Ok(brought)) => self.unpack(brought),
            Ok(Err(error)) => {
                self.reload |= reads_retries;
                self.error = Some(error);
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => self.error = Some(ErrandError::Closed),
        }
    }

    fn unpack(&mut self, brought: Brought) {
        if brought.reported.is_some() {
            self.unrecorded = brought.reported;
        }
        if let Some((after, fetch)) = brought.fetched {
            // As long as nothing was committed in this run, the end is known only by reaching it.
            self.more =
                fetch.scanned_to > after && (self.committed == 0 || fetch.scanned_to < self.committed);
            self.scanned_to = fetch.scanned_to;
            self.ahead.extend(fetch.parcels);
        }
        if brought.retries.is_some() {
            self.retries = brought.retries;
        }
    }
}

fn run(ledger: &Ledger, sink: SinkId, errand: Errand) -> Result<Brought, ErrandError> {
    let mut brought = Brought { reported: None, retries: None, fetched: None };
    if let Some(report) = errand.report {
        ledger.report(sink, report)?;
        // Not before: rounds that were committed while this thread waited for its turn were without it.
        brought.reported = Some(ledger.commits());
    }
    if errand.retries {
        // Or events that were just reported would be read as still waiting.
        ledger.flush()?;
        brought.retries = Some(ledger.retries(sink)?);
    }
    if let Some((after, limit)) = errand.fetch {
        brought.fetched = Some((after, ledger.fetch(sink, after, limit)?));
    }
    Ok(brought)
}
