//! The steps of deliveries, and what sinks follow after them.

use rusqlite::{Connection, Row, params};

use crate::error::LedgerError;
use crate::options::SinkId;
use crate::step::{Pursuit, Step, StepNote};

use super::Durable;
use super::ask::ask;
use super::codec::At;
use super::damage::Damage;
use super::desk::Desk;
use super::sums;

impl Durable {
    /// A request like any other: whatever came while the last round was committed is in the next.
    pub(crate) fn note_steps(&self, sink: SinkId, notes: Vec<StepNote>) -> Result<(), LedgerError> {
        ask(&self.shared, false, move |desk| {
            if desk.tallies.sink(sink).is_none() {
                return Ok(Err(LedgerError::UnknownSink(sink)));
            }
            for note in &notes {
                desk.note(sink, note)?;
            }
            Ok(Ok(()))
        })
    }

    pub(crate) fn steps(&self, sink: SinkId, seq: u64) -> Result<Vec<Step>, LedgerError> {
        self.shared.readers.read("the steps of a delivery", |db| between(db, sink, seq, (1, u32::MAX)))
    }

    pub(crate) fn steps_outline(
        &self,
        sink: SinkId,
        seq: u64,
        head: usize,
        tail: usize,
    ) -> Result<(Vec<Step>, u64), LedgerError> {
        self.shared.readers.read("the steps of a delivery", |db| {
            // One view for all the questions: steps may be added in between.
            let view = db.unchecked_transaction()?;
            let sql = "SELECT coalesce(max(number), 0) FROM step WHERE seq = ?1 AND sink = ?2";
            let last: u32 = view.prepare_cached(sql)?.query_row(key(sink, seq), |row| row.get(0))?;
            let head = u32::try_from(head).unwrap_or(u32::MAX);
            let tail = u32::try_from(tail).unwrap_or(u32::MAX);
            let mut steps = between(&view, sink, seq, (1, head))?;
            let rest = last.saturating_sub(tail).max(head);
            steps.extend(between(&view, sink, seq, (rest.saturating_add(1), last))?);
            Ok((steps, u64::from(last)))
        })
    }

    pub(crate) fn pursuits(
        &self,
        sink: SinkId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let sql =
            "SELECT sink, seq, what, sum FROM pursuit WHERE sink = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.shared.readers.read("what a sink follows", |db| {
            let mut ask = db.prepare_cached(sql)?;
            let pursuit = |row: &Row<'_>| {
                let seq = row.get::<_, i64>(1)? as u64;
                if sums::agree(row, 0, 3)? {
                    Ok((seq, row.get(2)?))
                } else {
                    Err(Damage::OfPursuit(seq).into())
                }
            };
            ask.query_map(params![sink.0, after as i64, limit], pursuit)?.collect()
        })
    }

    pub(crate) fn pursuits_count(&self, sink: SinkId) -> Result<u64, LedgerError> {
        self.shared.readers.read("what a sink follows", |db| {
            let mut ask = db.prepare_cached("SELECT count(*) FROM pursuit WHERE sink = ?1")?;
            ask.query_row([sink.0], |row| Ok(row.get::<_, i64>(0)? as u64))
        })
    }
}

fn key(sink: SinkId, seq: u64) -> (i64, u32) {
    (seq as i64, sink.0)
}

/// The steps from one number to another, both included.
fn between(db: &Connection, sink: SinkId, seq: u64, (from, to): (u32, u32)) -> rusqlite::Result<Vec<Step>> {
    let sql = "SELECT seq, sink, number, at, what, sum FROM step
               WHERE seq = ?1 AND sink = ?2 AND number BETWEEN ?3 AND ?4 ORDER BY number";
    let mut ask = db.prepare_cached(sql)?;
    let step = |row: &Row<'_>| {
        if !sums::agree(row, 0, 5)? {
            return Err(Damage::OfStep(seq).into());
        }
        Ok(Step { number: row.get(2)?, at: row.get::<_, At>(3)?.0, what: row.get(4)? })
    };
    ask.query_map(params![seq as i64, sink.0, from, to], step)?.collect()
}

impl Desk<'_> {
    /// Of what never was this sink's, or was cleared away, nothing is noted: nothing would take it
    /// away again.
    fn note(&self, sink: SinkId, note: &StepNote) -> rusqlite::Result<()> {
        let Some(route) = self.route_of(note.seq)? else { return Ok(()) };
        if !self.shared.names().leads_to(route, sink) {
            return Ok(());
        }
        self.add_steps(sink, note)?;
        match &note.pursuit {
            Pursuit::Keep => {}
            Pursuit::Set(what) => {
                let sum = sums::of(params![sink.0, note.seq as i64, what])?;
                let sql = "INSERT OR REPLACE INTO pursuit VALUES(?1, ?2, ?3, ?4)";
                self.db.prepare_cached(sql)?.execute(params![sink.0, note.seq as i64, what, sum])?;
            }
            Pursuit::Clear => {
                let mut delete =
                    self.db.prepare_cached("DELETE FROM pursuit WHERE sink = ?1 AND seq = ?2")?;
                delete.execute(params![sink.0, note.seq as i64])?;
            }
        }
        Ok(())
    }

    fn add_steps(&self, sink: SinkId, note: &StepNote) -> rusqlite::Result<()> {
        if note.steps.is_empty() {
            return Ok(());
        }
        let (seq, at) = (note.seq as i64, At(note.at));
        // The last number is looked up for each note: within one round several callers may add to one event.
        let sql = "SELECT coalesce(max(number), 0) FROM step WHERE seq = ?1 AND sink = ?2";
        let last: i64 = self.db.prepare_cached(sql)?.query_row(params![seq, sink.0], |row| row.get(0))?;
        let mut put = self.db.prepare_cached("INSERT INTO step VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?;
        for (number, what) in (last + 1..).zip(&note.steps) {
            let sum = sums::of(params![seq, sink.0, number, at, what])?;
            put.execute(params![seq, sink.0, number, at, what, sum])?;
        }
        Ok(())
    }
}
