//! What people ask: records, dead letters, numbers; and clearing away what nobody needs.

use model::{Kind, State};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::answer::{DeadRow, KnownRow, RetryRow};
use crate::entry::{Fate, Moment};
use crate::error::LedgerError;
use crate::options::{SinkId, SourceId};
use crate::record::{Counts, Record, SinkCounts, SinkRecord, least_advanced};
use crate::tally::Tallies;

use super::codec::{At, Id, cause, fingerprint, history, kind};
use super::parcels::{COLUMNS, WIDTH, sound_parcel};
use super::rows::{DbRows, classes_of};
use super::{Durable, index_key};

/// Long lists are read in slices, so that no reader keeps the log from being folded back.
const SLICE: i64 = 1000;

/// The columns that a [`Record`] is made from.
const RECORD: &str =
    "g.seq, g.class, g.path, g.id, g.size, g.mtime, g.inode, g.number, g.supersedes, g.waited_ms,
    g.first_seen, g.admitted, g.standing, g.history, g.absent_at";

impl Durable {
    pub(crate) fn known(
        &self,
        source: SourceId,
        each: &mut dyn FnMut(KnownRow<'_>),
    ) -> Result<(), LedgerError> {
        let sql =
            "SELECT g.path, coalesce(s.size, g.size), coalesce(s.mtime, g.mtime), coalesce(s.inode, g.inode),
                   coalesce(s.ctime, g.ctime), c.fate = 1, c.kind, c.cause FROM generation g JOIN class c ON c.id = g.class
                   LEFT JOIN sample s ON s.seq = g.seq WHERE c.source = ?1 AND (g.standing & 3) = 1";
        self.shared.readers.read("known files", |db| {
            let mut ask = db.prepare_cached(sql)?;
            let mut rows = ask.query([source.0])?;
            while let Some(row) = rows.next()? {
                let path = row.get_ref(0)?.as_blob()?;
                let key = model::PathKey::of(path);
                let (sample, ctime) = (fingerprint(row, 1)?, row.get::<_, At>(4)?.0);
                let (kind, cause) = (kind(row.get_ref(6)?.as_str()?)?, cause(row.get(7)?)?);
                each(KnownRow { path, key, kind, cause, sample, ctime, adopted: row.get(5)? });
            }
            Ok(())
        })
    }

    pub(crate) fn retries(&self, sink: SinkId) -> Result<Vec<RetryRow>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS}, e.attempts, e.next, e.error, e.letter FROM exception e
             JOIN generation g ON g.seq = e.seq JOIN body b ON b.seq = e.seq
             WHERE e.sink = ?1 AND e.next IS NOT NULL AND e.letter < 2 ORDER BY e.seq"
        );
        self.shared.readers.read("parked events", |db| {
            let mut ask = db.prepare_cached(&sql)?;
            let mut rows = ask.query([sink.0])?;
            let mut retries = Vec::new();
            while let Some(row) = rows.next()? {
                let attempts: u32 = row.get(WIDTH)?;
                let parcel = sound_parcel(&self.shared, row, attempts.saturating_add(1))?;
                let Some(parcel) = parcel else { continue };
                let (next, letter) = (row.get::<_, At>(WIDTH + 1)?.0, row.get::<_, i64>(WIDTH + 3)? == 1);
                retries.push(RetryRow { parcel, attempts, next, error: row.get(WIDTH + 2)?, letter });
            }
            Ok(retries)
        })
    }

    pub(crate) fn dead(&self, sink: Option<&str>) -> Result<Vec<DeadRow>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS}, e.attempts, e.error, e.rejected, e.at, e.next IS NOT NULL, k.name FROM exception e
             JOIN generation g ON g.seq = e.seq JOIN body b ON b.seq = e.seq JOIN sink k ON k.id = e.sink
             WHERE e.letter = 1 AND (?1 IS NULL OR k.name = ?1) ORDER BY e.seq"
        );
        self.shared.readers.read("dead letters", |db| {
            let mut ask = db.prepare_cached(&sql)?;
            let mut rows = ask.query([sink])?;
            let mut letters = Vec::new();
            while let Some(row) = rows.next()? {
                let attempts: u32 = row.get(WIDTH)?;
                let Some(parcel) = sound_parcel(&self.shared, row, attempts)? else { continue };
                letters.push(DeadRow {
                    sink: row.get(WIDTH + 5)?,
                    parcel,
                    attempts,
                    error: row.get(WIDTH + 1)?,
                    rejected: row.get(WIDTH + 2)?,
                    at: row.get::<_, At>(WIDTH + 3)?.0,
                    retrying: row.get(WIDTH + 4)?,
                });
            }
            Ok(letters)
        })
    }

    pub(crate) fn counts(&self) -> Result<Counts, LedgerError> {
        let tallies = self.shared.tallies().clone();
        self.shared.readers.read("the counts", |db| tallies.counts(&mut DbRows { db, shared: &self.shared }))
    }

    pub(crate) fn sink_counts(&self, sink: SinkId) -> Result<SinkCounts, LedgerError> {
        let tallies = self.shared.tallies().clone();
        let mut counts = tallies.sink_counts(sink).ok_or(LedgerError::UnknownSink(sink))?;
        let cursor = tallies.sink(sink).map_or(0, |tally| tally.cursor);
        if counts.queued + counts.in_flight + counts.retrying == 0 {
            return Ok(counts);
        }
        let classes = classes_of(&self.shared, sink);
        counts.oldest_admitted = self.shared.readers.read("the oldest event", |db| {
            let sql = format!(
                "SELECT admitted FROM generation WHERE seq > ?1 AND class IN ({classes}) ORDER BY seq LIMIT 1"
            );
            let mut ask = db.prepare_cached(&sql)?;
            let pending = ask.query_row([cursor as i64], |row| row.get::<_, At>(0)).optional()?;
            let sql = "SELECT g.admitted FROM exception e JOIN generation g ON g.seq = e.seq
                       WHERE e.sink = ?1 AND e.letter = 0 ORDER BY e.seq LIMIT 1";
            let parked = db.prepare_cached(sql)?.query_row([sink.0], |row| row.get::<_, At>(0)).optional()?;
            Ok(pending.into_iter().chain(parked).map(|at| at.0).min())
        })?;
        Ok(counts)
    }

    /// The newest first, at most so many.
    pub(crate) fn records(
        &self,
        source: SourceId,
        path: &[u8],
        limit: usize,
    ) -> Result<Vec<Record>, LedgerError> {
        let key = index_key(source, model::PathKey::of(path));
        // First what the index lacks: what moves into it meanwhile is found there then.
        let fresh = self.shared.arrears().rows(key).to_vec();
        let fresh: Vec<String> = fresh.iter().map(u64::to_string).collect();
        let sql = format!(
            "SELECT {RECORD} FROM generation g JOIN class c ON c.id = g.class
             WHERE (g.seq IN (SELECT seq FROM path_index WHERE key = ?1) OR g.seq IN ({}))
             AND g.path = ?2 AND c.source = ?3 ORDER BY g.seq DESC LIMIT ?4",
            fresh.join(",")
        );
        let tallies = self.shared.tallies().clone();
        self.shared.readers.read("the records of a path", |db| {
            let mut ask = db.prepare(&sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = ask.query(params![key, path, source.0, limit])?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                records.extend(self.record(db, &tallies, row)?);
            }
            Ok(records)
        })
    }

    pub(crate) fn each_record(
        &self,
        state: Option<State>,
        each: &mut dyn FnMut(Record) -> bool,
    ) -> Result<(), LedgerError> {
        let sql = format!("SELECT {RECORD} FROM generation g WHERE g.seq > ?1 ORDER BY g.seq LIMIT ?2");
        let mut after = 0i64;
        loop {
            let tallies = self.shared.tallies().clone();
            let slice = self.shared.readers.read("records", |db| {
                let mut ask = db.prepare_cached(&sql)?;
                let mut rows = ask.query(params![after, SLICE])?;
                let mut records = Vec::new();
                while let Some(row) = rows.next()? {
                    after = row.get(0)?;
                    records.extend(self.record(db, &tallies, row)?);
                }
                Ok(records)
            })?;
            if slice.is_empty() {
                return Ok(());
            }
            for record in slice {
                if state.is_none_or(|state| state == record.state) && !each(record) {
                    return Ok(());
                }
            }
        }
    }

    fn record(&self, db: &Connection, tallies: &Tallies, row: &Row<'_>) -> rusqlite::Result<Option<Record>> {
        let seq = row.get::<_, i64>(0)? as u64;
        let names = self.shared.names();
        // Happenings are no units.
        let Some(class) = names.class(row.get(1)?).filter(|class| class.is_indexed()).cloned() else {
            return Ok(None);
        };
        let source_name =
            names.source(class.source).map(|source| source.name.to_string()).unwrap_or_default();
        let route = match class.fate {
            Fate::Announce(route) => names.route(route).cloned(),
            Fate::Adopt | Fate::Gone => None,
        };
        drop(names);
        let mut sinks = Vec::new();
        for sink in route.iter().flat_map(|route| route.iter()) {
            sinks.push(self.sink_record(db, tallies, *sink, seq)?);
        }
        let state = match class.fate {
            Fate::Announce(_) => least_advanced(sinks.iter().map(|sink| sink.state)),
            Fate::Adopt => State::Adopted,
            Fate::Gone => State::Gone,
        };
        let first_seen = row.get::<_, At>(10)?.0;
        Ok(Some(Record {
            seq,
            source_name,
            path: row.get(2)?,
            id: row.get::<_, Id>(3)?.0,
            kind: class.kind,
            fingerprint: fingerprint(row, 4)?,
            generation: row.get(7)?,
            supersedes: row.get::<_, Option<Id>>(8)?.map(|id| id.0),
            state,
            rule: class.rule.to_string(),
            signals: class.signals,
            waited_ms: row.get::<_, i64>(9)? as u64,
            first_seen,
            admitted: row.get::<_, At>(11)?.0,
            absent: row.get::<_, i64>(12)? & 3 == 2,
            absent_at: row.get::<_, Option<At>>(14)?.map(|at| at.0),
            cause: class.cause,
            history: history(&row.get::<_, String>(13)?, first_seen),
            members_count: members_count(db, class.kind, seq)?,
            sinks,
        }))
    }

    fn sink_record(
        &self,
        db: &Connection,
        tallies: &Tallies,
        sink: SinkId,
        seq: u64,
    ) -> rusqlite::Result<SinkRecord> {
        let name = self.shared.names().sink(sink).map(|known| known.name.clone()).unwrap_or_default();
        let sql = "SELECT attempts, letter, error, rejected FROM exception WHERE seq = ?1 AND sink = ?2";
        let exception = db
            .prepare_cached(sql)?
            .query_row(params![seq as i64, sink.0], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get(3)?))
            })
            .optional()?;
        let history = attempts(db, sink, seq)?;
        if let Some((attempts, letter, error, rejected)) = exception {
            let state = if letter == 0 { State::Retrying } else { State::Dead };
            let last_error = Some(error);
            return Ok(SinkRecord {
                name,
                state,
                attempts,
                last_error,
                rejected,
                delivered_at: None,
                history,
            });
        }
        let cursor = tallies.sink(sink).map_or(0, |tally| tally.cursor);
        if seq > cursor {
            let edge = tallies.edge(sink, &mut DbRows { db, shared: &self.shared })?;
            let state = if seq <= edge { State::Delivering } else { State::Queued };
            return Ok(SinkRecord {
                name,
                state,
                attempts: 0,
                last_error: None,
                rejected: false,
                delivered_at: None,
                history,
            });
        }
        let sql = "SELECT at, attempts FROM late WHERE seq = ?1 AND sink = ?2";
        let late = db
            .prepare_cached(sql)?
            .query_row(params![seq as i64, sink.0], |row| Ok((row.get::<_, At>(0)?.0, row.get::<_, u32>(1)?)))
            .optional()?;
        let sql = "SELECT at FROM progress WHERE sink = ?1 AND upto >= ?2 ORDER BY upto LIMIT 1";
        let (delivered_at, attempts) = if let Some((at, attempts)) = late {
            (Some(at), attempts)
        } else {
            let mut ask = db.prepare_cached(sql)?;
            let at = ask.query_row(params![sink.0, seq as i64], |row| row.get::<_, At>(0)).optional()?;
            (at.map(|at| at.0), 1)
        };
        Ok(SinkRecord {
            name,
            state: State::Delivered,
            attempts,
            last_error: None,
            rejected: false,
            delivered_at,
            history,
        })
    }

    pub(crate) fn attempts(&self, sink: SinkId, seq: u64) -> Result<Vec<Moment>, LedgerError> {
        self.shared.readers.read("the attempts of an event", |db| attempts(db, sink, seq))
    }
}

fn attempts(db: &Connection, sink: SinkId, seq: u64) -> rusqlite::Result<Vec<Moment>> {
    let sql = "SELECT at, what FROM attempt WHERE seq = ?1 AND sink = ?2 ORDER BY number";
    let mut ask = db.prepare_cached(sql)?;
    let moment = |row: &Row<'_>| Ok(Moment { time: row.get::<_, At>(0)?.0, what: row.get(1)? });
    ask.query_map(params![seq as i64, sink.0], moment)?.collect()
}

fn members_count(db: &Connection, kind: Kind, seq: u64) -> rusqlite::Result<Option<u64>> {
    if kind != Kind::Dataset {
        return Ok(None);
    }
    let mut ask = db.prepare_cached("SELECT members FROM dataset WHERE seq = ?1")?;
    let count = ask.query_row([seq as i64], |row| row.get::<_, i64>(0)).optional()?;
    Ok(count.map(|count| count as u64))
}
