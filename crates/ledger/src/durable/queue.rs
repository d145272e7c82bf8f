//! The embedded queue: entries with leases, acknowledgements that are kept for a while.

use std::collections::{HashMap, HashSet};

use model::{EventId, Parcel, Stamp};
use rusqlite::{OptionalExtension as _, params};

use crate::answer::QueueDepth;
use crate::error::LedgerError;
use crate::options::SinkId;

use super::Durable;
use super::ask::ask;
use super::codec::{At, Id};
use super::desk::Desk;
use super::parcels::{COLUMNS, WIDTH, sound_parcel};
use super::sums;

impl Durable {
    pub(crate) fn queue_put(&self, queue: SinkId, seqs: Vec<u64>) -> Result<(), LedgerError> {
        ask(&self.shared, false, move |desk| {
            let sql = "INSERT OR IGNORE INTO queue SELECT ?1, ?2, 0, NULL, ?3
                       WHERE NOT EXISTS (SELECT 1 FROM acked WHERE sink = ?1 AND seq = ?2)";
            for seq in &seqs {
                let sum = entry_sum(queue, *seq as i64, None)?;
                desk.db.prepare_cached(sql)?.execute(params![queue.0, *seq as i64, sum])?;
            }
            Ok(Ok(()))
        })
    }

    pub(crate) fn queue_take(
        &self,
        queue: SinkId,
        max: usize,
        lease_until: Option<Stamp>,
        now: Stamp,
    ) -> Result<Vec<Parcel>, LedgerError> {
        if !self.has_ready(queue, now)? {
            // An empty queue that is asked again and again costs no commit.
            return Ok(Vec::new());
        }
        let taken = ask(&self.shared, false, move |desk| Ok(Ok(take(desk, queue, max, lease_until, now)?)))?;
        self.shared.handed().remember(&taken);
        Ok(taken)
    }

    fn has_ready(&self, queue: SinkId, now: Stamp) -> Result<bool, LedgerError> {
        self.shared.readers.read("the queue", |db| {
            let sql = "SELECT 1 FROM queue WHERE sink = ?1 AND (lease IS NULL OR lease <= ?2) LIMIT 1";
            let found =
                db.prepare_cached(sql)?.query_row(params![queue.0, At(now)], |_| Ok(())).optional()?;
            Ok(found.is_some())
        })
    }

    /// Puts leased entries back at once, as if they had not been taken.
    pub(crate) fn queue_release(&self, queue: Option<SinkId>, ids: &[EventId]) -> Result<(), LedgerError> {
        let ids = ids.to_vec();
        ask(&self.shared, false, move |desk| {
            for (sink, seq, _) in entries_of(desk, queue, &ids)? {
                let sql = "UPDATE queue SET lease = NULL, attempts = max(attempts - 1, 0), sum = ?3
                           WHERE sink = ?1 AND seq = ?2";
                desk.db.prepare_cached(sql)?.execute(params![sink.0, seq, entry_sum(sink, seq, None)?])?;
            }
            Ok(Ok(()))
        })
    }

    pub(crate) fn queue_ack(
        &self,
        queue: Option<SinkId>,
        ids: &[EventId],
        now: Stamp,
    ) -> Result<Vec<EventId>, LedgerError> {
        let ids = ids.to_vec();
        ask(&self.shared, false, move |desk| {
            let mut unknown: HashSet<EventId> = ids.iter().copied().collect();
            for (sink, seq, id) in entries_of(desk, queue, &ids)? {
                let sql = "DELETE FROM queue WHERE sink = ?1 AND seq = ?2";
                desk.db.prepare_cached(sql)?.execute(params![sink.0, seq])?;
                let sum = sums::of(params![sink.0, seq, At(now)])?;
                let sql = "INSERT OR REPLACE INTO acked VALUES(?1, ?2, ?3, ?4)";
                desk.db.prepare_cached(sql)?.execute(params![sink.0, seq, At(now), sum])?;
                unknown.remove(&id);
            }
            // Acknowledging twice is harmless.
            for (_, _, id) in search(desk, "acked", queue, &unknown)? {
                unknown.remove(&id);
            }
            Ok(Ok(ids.iter().copied().filter(|id| unknown.contains(id)).collect()))
        })
    }

    pub(crate) fn queue_depth(&self, queue: SinkId) -> Result<QueueDepth, LedgerError> {
        self.shared.readers.read("the queue", |db| {
            let sql = "SELECT count(*), count(lease) FROM queue WHERE sink = ?1";
            let (all, leased): (i64, i64) =
                db.prepare_cached(sql)?.query_row([queue.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let sql = "SELECT count(*) FROM acked WHERE sink = ?1";
            let acked: i64 = db.prepare_cached(sql)?.query_row([queue.0], |row| row.get(0))?;
            Ok(QueueDepth { ready: (all - leased) as u64, leased: leased as u64, acked: acked as u64 })
        })
    }
}

/// How often it was tried is not in it.
fn entry_sum(queue: SinkId, seq: i64, lease: Option<Stamp>) -> rusqlite::Result<i64> {
    sums::of(params![queue.0, seq, lease.map(At)])
}

/// What is damaged stays where it is, and others are taken: who asks for one must not be given none for ever.
fn take(
    desk: &Desk<'_>,
    queue: SinkId,
    max: usize,
    lease_until: Option<Stamp>,
    now: Stamp,
) -> rusqlite::Result<Vec<Parcel>> {
    let sql = format!(
        "SELECT {COLUMNS}, q.attempts FROM queue q JOIN generation g ON g.seq = q.seq JOIN body b ON b.seq = q.seq
         WHERE q.sink = ?1 AND (q.lease IS NULL OR q.lease <= ?2) ORDER BY q.seq"
    );
    let mut ask = desk.db.prepare_cached(&sql)?;
    let mut rows = ask.query(params![queue.0, At(now)])?;
    let mut taken = Vec::new();
    while taken.len() < max {
        let Some(row) = rows.next()? else { break };
        let attempts: u32 = row.get(WIDTH)?;
        taken.extend(sound_parcel(desk.shared, row, attempts.saturating_add(1))?);
    }
    drop(rows);
    if let Some(until) = lease_until {
        for parcel in &taken {
            let seq = parcel.seq as i64;
            let sum = entry_sum(queue, seq, Some(until))?;
            let sql =
                "UPDATE queue SET lease = ?3, attempts = attempts + 1, sum = ?4 WHERE sink = ?1 AND seq = ?2";
            desk.db.prepare_cached(sql)?.execute(params![queue.0, seq, At(until), sum])?;
        }
    }
    Ok(taken)
}

/// The entries with these ids: those that this run has handed out are known by number; any other
/// (after a restart) is searched for.
fn entries_of(
    desk: &Desk<'_>,
    queue: Option<SinkId>,
    ids: &[EventId],
) -> rusqlite::Result<Vec<(SinkId, i64, EventId)>> {
    let mut found = Vec::new();
    let mut wanted: HashSet<EventId> = ids.iter().copied().collect();
    let sql = "SELECT sink FROM queue WHERE sink = ?1 AND seq = ?2";
    for id in ids {
        let Some(seq) = desk.shared.handed().get(*id) else { continue };
        for sink in desk.shared.names().sink_ids().filter(|sink| queue.is_none_or(|queue| queue == *sink)) {
            if desk.db.prepare_cached(sql)?.exists(params![sink.0, seq as i64])? {
                found.push((sink, seq as i64, *id));
                wanted.remove(id);
            }
        }
    }
    found.extend(search(desk, "queue", queue, &wanted)?);
    Ok(found)
}

/// Looks at every entry of a table for these ids.
fn search(
    desk: &Desk<'_>,
    table: &str,
    queue: Option<SinkId>,
    wanted: &HashSet<EventId>,
) -> rusqlite::Result<Vec<(SinkId, i64, EventId)>> {
    let mut found = Vec::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let sql = format!("SELECT q.sink, q.seq, g.id FROM {table} q JOIN generation g ON g.seq = q.seq");
    let mut ask = desk.db.prepare_cached(&sql)?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let (sink, id) = (SinkId(row.get(0)?), row.get::<_, Id>(2)?.0);
        if queue.is_none_or(|queue| queue == sink) && wanted.contains(&id) {
            found.push((sink, row.get(1)?, id));
        }
    }
    Ok(found)
}

/// Which entries were handed out in this run, so that their acknowledgement finds them at once.
#[derive(Debug, Default)]
pub(crate) struct Handed {
    seqs: HashMap<EventId, u64>,
}

impl Handed {
    /// Beyond so many it begins anew; what is forgotten is searched for.
    const LIMIT: usize = 65_536;

    fn remember(&mut self, taken: &[Parcel]) {
        if self.seqs.len() + taken.len() > Self::LIMIT {
            self.seqs.clear();
        }
        self.seqs.extend(taken.iter().map(|parcel| (parcel.event.id, parcel.seq)));
    }

    fn get(&self, id: EventId) -> Option<u64> {
        self.seqs.get(&id).copied()
    }
}
