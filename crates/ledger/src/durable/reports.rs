//! What became of events at a sink, at the writer's desk: cursors, exceptions, dead letters.

use model::Stamp;
use rusqlite::types::{ToSql, Value};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::attempts;
use crate::entry::{Dead, Parked, Report};
use crate::options::{RouteId, SinkId};
use crate::tally::Trouble;

use super::codec::At;
use super::desk::Desk;
use super::rows::DbRows;
use super::sums;

impl Desk<'_> {
    pub(crate) fn report(&mut self, sink: SinkId, report: &Report) -> rusqlite::Result<()> {
        let before = self.tallies.sink(sink).map_or(0, |tally| tally.cursor);
        if let Some(cursor) = report.cursor {
            let mut rows = DbRows { db: self.db, shared: self.shared };
            self.tallies.settle(sink, cursor, &mut rows)?;
        }
        for parked in &report.parked {
            self.park(sink, parked, report.at)?;
        }
        for dead in &report.dead {
            self.bury(sink, dead, report.at)?;
        }
        let mut delivered = report.delivered;
        for seq in &report.unparked_delivered {
            delivered += u64::from(self.deliver_late(sink, *seq, report.at)?);
        }
        self.tallies.report(sink, report.in_flight, delivered);
        let after = self.tallies.sink(sink).map_or(0, |tally| tally.cursor);
        // It says when units were delivered; happenings are not asked for afterwards.
        if after > before && report.delivered > 0 && self.tallies.takes_units(sink) {
            let mut put = self.db.prepare_cached("INSERT OR REPLACE INTO progress VALUES(?1, ?2, ?3)")?;
            put.execute(params![sink.0, after as i64, At(report.at)])?;
        }
        Ok(())
    }

    fn trouble_of(&self, sink: SinkId, seq: u64) -> rusqlite::Result<Option<Trouble>> {
        let sql = "SELECT letter FROM exception WHERE seq = ?1 AND sink = ?2";
        let mut find = self.db.prepare_cached(sql)?;
        let letter: Option<i64> = find.query_row(params![seq as i64, sink.0], |row| row.get(0)).optional()?;
        Ok(letter.map(|letter| match letter {
            0 => Trouble::Parked,
            1 => Trouble::Letter,
            _ => Trouble::Purged,
        }))
    }

    pub(super) fn route_of(&self, seq: u64) -> rusqlite::Result<Option<RouteId>> {
        let sql =
            "SELECT c.route FROM generation g JOIN class c ON c.id = g.class WHERE g.seq = ?1 AND c.fate = 0";
        let mut find = self.db.prepare_cached(sql)?;
        Ok(find.query_row([seq as i64], |row| row.get::<_, u32>(0)).optional()?.map(RouteId))
    }

    /// Only what the cursor has passed can be an exception.
    fn is_passed(&self, sink: SinkId, seq: u64) -> bool {
        self.tallies.sink(sink).is_some_and(|tally| seq <= tally.cursor)
    }

    /// A letter that was thrown away while it was tried once more stays so: its bytes may be gone.
    fn park(&mut self, sink: SinkId, parked: &Parked, at: Stamp) -> rusqlite::Result<()> {
        let Some(route) = self.route_of(parked.seq)?.filter(|_| self.is_passed(sink, parked.seq)) else {
            return Ok(());
        };
        let before = self.trouble_of(sink, parked.seq)?;
        if before == Some(Trouble::Purged) {
            return Ok(());
        }
        // A letter that is tried again stays a letter until it is acknowledged.
        let letter = i64::from(before == Some(Trouble::Letter));
        let next = Some(At(parked.next));
        self.except(params![
            parked.seq as i64,
            sink.0,
            parked.attempts,
            next,
            letter,
            0,
            parked.error,
            At(at)
        ])?;
        let after = if letter == 1 { Trouble::Letter } else { Trouble::Parked };
        self.tallies.trouble(sink, route, before, Some(after));
        self.remember(sink, parked.seq, at, &attempts::parked(parked))?;
        Ok(())
    }

    fn bury(&mut self, sink: SinkId, dead: &Dead, at: Stamp) -> rusqlite::Result<()> {
        let Some(route) = self.route_of(dead.seq)?.filter(|_| self.is_passed(sink, dead.seq)) else {
            return Ok(());
        };
        let before = self.trouble_of(sink, dead.seq)?;
        if before == Some(Trouble::Purged) {
            return Ok(());
        }
        let (none, rejected) = (None::<At>, dead.rejected);
        self.except(params![dead.seq as i64, sink.0, dead.attempts, none, 1, rejected, dead.error, At(at)])?;
        self.tallies.trouble(sink, route, before, Some(Trouble::Letter));
        self.remember(sink, dead.seq, at, &attempts::dead(dead))?;
        Ok(())
    }

    /// Writes an exception, all of it, with its sum.
    fn except(&self, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
        let sum = sums::of(values)?;
        let sql = "INSERT OR REPLACE INTO exception VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let all: Vec<&dyn ToSql> = values.iter().copied().chain([&sum as &dyn ToSql]).collect();
        self.db.prepare_cached(sql)?.execute(&*all)?;
        Ok(())
    }

    fn deliver_late(&mut self, sink: SinkId, seq: u64, at: Stamp) -> rusqlite::Result<bool> {
        let (Some(before), Some(route)) = (self.trouble_of(sink, seq)?, self.route_of(seq)?) else {
            return Ok(false);
        };
        let sql = "INSERT OR REPLACE INTO late SELECT seq, sink, ?3, attempts + 1 FROM exception
                   WHERE seq = ?1 AND sink = ?2 RETURNING attempts";
        let mut put = self.db.prepare_cached(sql)?;
        let attempts: u32 = put.query_row(params![seq as i64, sink.0, At(at)], |row| row.get(0))?;
        self.remember(sink, seq, at, &attempts::delivered(attempts))?;
        let sql = "DELETE FROM exception WHERE seq = ?1 AND sink = ?2";
        self.db.prepare_cached(sql)?.execute(params![seq as i64, sink.0])?;
        self.tallies.trouble(sink, route, Some(before), None);
        Ok(true)
    }

    /// Adds a line to the event's history with the sink. What goes through at once has none.
    fn remember(&self, sink: SinkId, seq: u64, at: Stamp, what: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO attempt SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4 FROM attempt
                   WHERE seq = ?1 AND sink = ?2";
        self.db.prepare_cached(sql)?.execute(params![seq as i64, sink.0, At(at), what])?;
        let sql = "DELETE FROM attempt WHERE seq = ?1 AND sink = ?2
                   AND (SELECT count(*) FROM attempt WHERE seq = ?1 AND sink = ?2) > ?3
                   AND number = (SELECT number FROM attempt WHERE seq = ?1 AND sink = ?2
                                 ORDER BY number LIMIT 1 OFFSET ?4)";
        let (kept, first) = (attempts::KEPT as i64, attempts::FIRST as i64);
        self.db.prepare_cached(sql)?.execute(params![seq as i64, sink.0, kept, first])?;
        Ok(())
    }

    /// Sets the state of letters: tried again now, or purged.
    pub(crate) fn change_letters(
        &mut self,
        sink: SinkId,
        seqs: &[u64],
        retry_at: Option<Stamp>,
    ) -> rusqlite::Result<u64> {
        let mut changed = 0;
        for seq in seqs {
            let Some(route) = self.route_of(*seq)? else { continue };
            if self.trouble_of(sink, *seq)? != Some(Trouble::Letter) {
                continue;
            }
            let letter = if retry_at.is_some() { 1 } else { 2 };
            self.change_letter(sink, *seq, retry_at, letter)?;
            let after = if letter == 1 { Trouble::Letter } else { Trouble::Purged };
            self.tallies.trouble(sink, route, Some(Trouble::Letter), Some(after));
            if let Some(at) = retry_at {
                self.remember(sink, *seq, at, attempts::ASKED)?;
            }
            changed += 1;
        }
        Ok(changed)
    }

    fn change_letter(
        &self,
        sink: SinkId,
        seq: u64,
        next: Option<Stamp>,
        letter: i64,
    ) -> rusqlite::Result<()> {
        let sql = "SELECT attempts, rejected, error, at FROM exception WHERE seq = ?1 AND sink = ?2";
        let mut ask = self.db.prepare_cached(sql)?;
        let row = |row: &Row<'_>| -> rusqlite::Result<[Value; 4]> {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        };
        let [attempts, rejected, error, at] = ask.query_row(params![seq as i64, sink.0], row)?;
        self.except(params![seq as i64, sink.0, attempts, next.map(At), letter, rejected, error, at])
    }
}
