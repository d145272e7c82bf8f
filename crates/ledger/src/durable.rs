//! The mode that remembers: one SQLite file, one writer, readers beside it.

mod arrears;
mod ask;
mod audit;
mod codec;
mod damage;
mod desk;
mod filter;
mod intake;
mod mending;
mod opening;
mod parcels;
mod passing;
mod prune;
mod questions;
mod queue;
mod readers;
mod reports;
mod rows;
mod salvage;
mod schema;
mod shared;
mod steps;
mod sums;
mod types;
mod writer;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use model::{PathKey, Stamp};
use rusqlite::params;

use crate::answer::{Fetch, Health, OpenReport, Pruned};
use crate::entry::{Entry, Report, SourceNote, SourceRecord};
use crate::error::{Closed, CommitError, LedgerError, OpenError};
use crate::hooks::Hooks;
use crate::names::{Sink, Source};
use crate::options::{Options, RouteId, SinkId, SourceId};
use crate::route::Route;

use ask::ask;
use codec::At;
use desk::Desk;
pub use opening::{CheckReport, check, repair};
use opening::{Lock, Opened};
use parcels::For;
use shared::Shared;

/// The key of a path of one source in the index: sources often hold the same relative paths, and
/// they must not share keys.
fn index_key(source: SourceId, key: PathKey) -> i64 {
    key.as_i64() ^ i64::from(source.0).wrapping_mul(-0x61c8_8646_80b5_83eb)
}

/// A ledger on disk.
pub(crate) struct Durable {
    shared: Arc<Shared>,
    closing: Mutex<Closing>,
}

struct Closing {
    thread: Option<JoinHandle<Result<(), CommitError>>>,
    /// Held as long as the ledger is open.
    lock: Option<Lock>,
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Durable({})", self.shared.path.display())
    }
}

impl Durable {
    pub(crate) fn open(options: &Options, dir: &std::path::Path) -> Result<(Self, OpenReport), OpenError> {
        let Opened { lock, db, parts, report } = opening::open(options, dir)?;
        let shared = Arc::new(Shared::new(parts));
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("staithe-ledger".into())
            .spawn(move || writer::run(&for_thread, db))
            .map_err(|source| OpenError::Unusable {
                doing: "start the writer for",
                path: dir.into(),
                source,
            })?;
        let closing = Mutex::new(Closing { thread: Some(thread), lock: Some(lock) });
        Ok((Self { shared, closing }, report))
    }

    pub(crate) fn close(&self) -> Result<(), CommitError> {
        self.shared.intake.close();
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = closing.thread.take().map(JoinHandle::join);
        self.shared.readers.close();
        let result = match ended {
            None => return Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(CommitError::Untidy("the writer has failed".into())),
        };
        if let Some(lock) = closing.lock.take() {
            // What could not be read is looked at when it is opened next, and mended.
            if result.is_ok() && self.shared.readers.are_well() {
                lock.mark_clean(&self.shared.tallies());
            }
            drop(lock);
        }
        result
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.shared.hooks
    }

    pub(crate) fn health(&self) -> Health {
        self.shared.health()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn submit(&self, batch: Vec<Entry>) -> Result<(), Closed> {
        self.shared.intake.submit(batch)
    }

    pub(crate) fn report(&self, sink: SinkId, report: Report) -> Result<(), Closed> {
        self.shared.intake.report(sink, report)
    }

    pub(crate) fn report_at_once(&self, sink: SinkId, report: Report) -> Option<Report> {
        self.shared.intake.report_at_once(sink, report)
    }

    pub(crate) fn flush(&self) -> Result<u64, Closed> {
        // Asks keep their place in the order of submission.
        ask(&self.shared, true, |desk: &mut Desk<'_>| Ok(Ok(desk.tallies.end))).map_err(|_| Closed)
    }

    pub(crate) fn register_source(&self, name: &str, root: &[u8]) -> Result<SourceRecord, LedgerError> {
        let (name, root) = (name.to_owned(), root.to_vec());
        ask(&self.shared, false, move |desk| {
            let known = desk.shared.names().source_named(&name);
            let id = if let Some(id) = known {
                id
            } else {
                let mut source = Source::new(&name);
                source.first_scan_done = desk.shared.started_over;
                desk.shared.names_mut().add_source(source)
            };
            let since = desk.tallies.end + 1;
            let mut names = desk.shared.names_mut();
            let Some(source) = names.source_mut(id) else { return Ok(Err(LedgerError::UnknownSource(id))) };
            source.root_is(&root, since);
            let (none, scanned) = (None::<i64>, source.first_scan_done);
            let sum = sums::of(params![id.0, name, scanned, none, none])?;
            let sql = "INSERT OR IGNORE INTO source VALUES(?1, ?2, ?3, NULL, NULL, ?4)";
            desk.db.prepare_cached(sql)?.execute(params![id.0, name, scanned, sum])?;
            for (since, root) in &source.roots {
                let sum = sums::of(params![id.0, *since as i64, &**root])?;
                let sql = "INSERT OR REPLACE INTO source_root VALUES(?1, ?2, ?3, ?4)";
                desk.db.prepare_cached(sql)?.execute(params![id.0, *since as i64, &**root, sum])?;
            }
            Ok(Ok(source.record(id)))
        })
    }

    pub(crate) fn note_source(&self, id: SourceId, note: SourceNote) -> Result<(), LedgerError> {
        ask(&self.shared, false, move |desk| {
            let mut names = desk.shared.names_mut();
            let Some(source) = names.source_mut(id) else { return Ok(Err(LedgerError::UnknownSource(id))) };
            source.note(note);
            let sql =
                "UPDATE source SET first_scan_done = ?2, inode_in_identity = ?3, armed_at = ?4, sum = ?5
                       WHERE id = ?1";
            let (scanned, inode) = (source.first_scan_done, source.inode_in_identity);
            let armed = source.armed_at.map(At);
            let sum = sums::of(params![id.0, &*source.name, scanned, inode, armed])?;
            desk.db.execute(sql, params![id.0, scanned, inode, armed, sum])?;
            if let SourceNote::Incarnation(number) = note {
                schema::set_meta(desk.db, &schema::incarnation(id.0), number)?;
            }
            Ok(Ok(()))
        })
    }

    pub(crate) fn register_sink(&self, name: &str, kind: &str) -> Result<SinkId, LedgerError> {
        let (name, kind) = (name.to_owned(), kind.to_owned());
        ask(&self.shared, false, move |desk| {
            let known = desk.shared.names().sink_named(&name);
            let id = match known {
                Some(id) => id,
                None => desk.shared.names_mut().add_sink(Sink { name: name.clone(), kind: kind.clone() }),
            };
            // A round that could not be committed may have left names without numbers.
            for missing in desk.tallies.sinks().len() as u32 + 1..=id.0 {
                let known = desk.shared.names().sink(SinkId(missing)).cloned();
                let Some(Sink { name, kind }) = known else { continue };
                let end = desk.tallies.end;
                desk.tallies.add_sink(end, 0);
                let sum = sums::of(params![missing, name, kind, end as i64, 0])?;
                let sql = "INSERT INTO sink VALUES(?1, ?2, ?3, ?4, 0, ?5)";
                desk.db.execute(sql, params![missing, name, kind, end as i64, sum])?;
            }
            Ok(Ok(id))
        })
    }

    pub(crate) fn route(&self, wanted: Route) -> Result<RouteId, LedgerError> {
        ask(&self.shared, false, move |desk| {
            if let Some(unknown) = wanted.iter().find(|id| desk.tallies.sink(**id).is_none()) {
                return Ok(Err(LedgerError::UnknownSink(*unknown)));
            }
            let known = desk.shared.names().route_of(&wanted);
            let id = match known {
                Some(id) => id,
                None => desk.shared.names_mut().add_route(wanted.clone()),
            };
            for missing in desk.tallies.routes() as u32 + 1..=id.0 {
                let named = desk.shared.names().route(RouteId(missing)).cloned();
                let route = named.unwrap_or_else(|| wanted.clone());
                let text = route.text();
                desk.tallies.add_route(route);
                let sum = sums::of(params![missing, text])?;
                desk.db.execute("INSERT INTO route VALUES(?1, ?2, ?3)", params![missing, text, sum])?;
            }
            Ok(Ok(id))
        })
    }

    pub(crate) fn orphan_sinks(&self, configured: &[SinkId]) -> Vec<(String, u64)> {
        self.shared.tallies().orphans(&self.shared.names(), configured)
    }

    pub(crate) fn end(&self) -> u64 {
        self.shared.tallies().end
    }

    pub(crate) fn cursor(&self, sink: SinkId) -> Result<u64, LedgerError> {
        let tallies = self.shared.tallies();
        Ok(tallies.sink(sink).ok_or(LedgerError::UnknownSink(sink))?.cursor)
    }

    pub(crate) fn fetch(&self, sink: SinkId, after: u64, limit: usize) -> Result<Fetch, LedgerError> {
        self.shared.readers.check_open()?;
        {
            let names = self.shared.names();
            let recent = self.shared.recent();
            if recent.covers(after) {
                return Ok(recent.fetch(after, limit, |route| names.leads_to(route, sink)));
            }
        }
        // The end first: a class that a later row brings must not be missing for an earlier one.
        let end = self.end();
        parcels::fetch(&self.shared, For::Sink(sink), (after, end), limit)
    }

    pub(crate) fn fetch_at_once(&self, sink: SinkId, after: u64, limit: usize) -> Option<Fetch> {
        self.shared.readers.check_open().ok()?;
        let (names, recent) = self.shared.newest_at_once()?;
        recent.covers(after).then(|| recent.fetch(after, limit, |route| names.leads_to(route, sink)))
    }

    pub(crate) fn tail(&self, after: u64, limit: usize) -> Result<Fetch, LedgerError> {
        self.shared.readers.check_open()?;
        {
            let recent = self.shared.recent();
            if recent.covers(after) {
                return Ok(recent.fetch(after, limit, |_| true));
            }
        }
        let end = self.end();
        parcels::fetch(&self.shared, For::Everybody, (after, end), limit)
    }

    pub(crate) fn change_letters(
        &self,
        sink: SinkId,
        seqs: &[u64],
        retry_at: Option<Stamp>,
    ) -> Result<u64, LedgerError> {
        let seqs = seqs.to_vec();
        ask(&self.shared, false, move |desk| Ok(Ok(desk.change_letters(sink, &seqs, retry_at)?)))
    }

    pub(crate) fn prune(
        &self,
        now: Stamp,
        retain_acked: Duration,
        retain_history: Duration,
    ) -> Result<Pruned, LedgerError> {
        let before = |period: Duration| {
            let period = i64::try_from(period.as_nanos()).unwrap_or(i64::MAX);
            Stamp::from_nanos(now.as_nanos().saturating_sub(period))
        };
        prune::prune(&self.shared, before(retain_acked), before(retain_history))
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
