//! Whether what is stored is what was written: each row against its sum, and what is owed against what must be there.

use rusqlite::Connection;
use rusqlite::types::{ToSql, Value, ValueRef};

use crate::entry::Fate;
use crate::names::Names;
use crate::tally::Tallies;

use super::damage::Damage;
use super::parcels::{COLUMNS, SUMMED, WIDTH, damage_of, has_body};
use super::sums;
use super::types::{Table, table_named};

/// What few rows say about many.
const NAMES: [&str; 6] = ["meta", "source", "source_root", "sink", "route", "class"];
/// Who still has to get what.
const OWED: [&str; 2] = ["exception", "queue"];
/// What is looked at when it is read, and all of it only where there is reason to doubt.
const REST: [&str; 3] = ["acked", "step", "pursuit"];

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The names, and what is owed.
    Owed,
    /// Every row that has a sum.
    Everything,
}

/// The first damage that is found.
pub(super) fn audit(
    db: &Connection,
    names: &Names,
    tallies: &Tallies,
    reach: Reach,
) -> rusqlite::Result<Option<Damage>> {
    let all = reach == Reach::Everything;
    let tables = NAMES.iter().chain(&OWED).chain(REST.iter().filter(|_| all));
    for table in tables.filter_map(|name| table_named(name)) {
        if !has_true_sums(db, table)? {
            return Ok(Some(Damage::OfTable(table.name)));
        }
    }
    let slowest = tallies.sinks().iter().map(|sink| sink.cursor).min().unwrap_or(tallies.end);
    let events = Events { db, names, tallies };
    if let Some(damage) = events.behind(if all { 0 } else { slowest })? {
        return Ok(Some(damage));
    }
    for waiting in ["SELECT seq FROM exception WHERE letter < 2", "SELECT seq FROM queue"] {
        if let Some(damage) = events.waiting(waiting)? {
            return Ok(Some(damage));
        }
    }
    Ok(None)
}

fn has_true_sums(db: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let mut ask = db.prepare(&format!("SELECT {}, sum FROM {}", table.summed, table.name))?;
    let count = ask.column_count() - 1;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        if !sums::agree(row, 0, count)? {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Events<'a> {
    db: &'a Connection,
    names: &'a Names,
    tallies: &'a Tallies,
}

impl Events<'_> {
    /// Looks at the rows of events and their bytes as they lie. There is no upper bound: a number that is too high
    /// would end the search.
    fn behind(&self, after: u64) -> rusqlite::Result<Option<Damage>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM generation g LEFT JOIN body b ON b.seq = g.seq WHERE g.seq > ?1 ORDER BY g.seq"
        );
        let mut ask = self.db.prepare(&sql)?;
        let mut rows = ask.query([after as i64])?;
        while let Some(row) = rows.next()? {
            if let Some(damage) = damage_of(row, 0)? {
                return Ok(Some(damage));
            }
            let seq = row.get::<_, i64>(0)? as u64;
            if self.is_owed(row.get(1)?, seq) && !has_body(row, 0)? && !switch::is_off("row-sums") {
                return Ok(Some(Damage::NoBody(seq)));
            }
        }
        Ok(None)
    }

    /// Whether some sink's cursor has not passed it.
    fn is_owed(&self, class: u32, seq: u64) -> bool {
        let fate = self.names.class(class).map(|class| class.fate);
        matches!(fate, Some(Fate::Announce(route)) if seq > self.tallies.floor(route))
    }

    /// The same for events that are not where the cursors say, but that a sink or a queue still has to get.
    fn waiting(&self, numbers: &str) -> rusqlite::Result<Option<Damage>> {
        let sql = format!(
            "SELECT {COLUMNS}, w.seq FROM ({numbers}) w LEFT JOIN generation g ON g.seq = w.seq
             LEFT JOIN body b ON b.seq = w.seq"
        );
        let mut ask = self.db.prepare(&sql)?;
        let mut rows = ask.query([])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(WIDTH)? as u64;
            let missing = if row.get::<_, Option<i64>>(0)?.is_none() {
                Some(Damage::NoRow(seq))
            } else if has_body(row, 0)? {
                damage_of(row, 0)?
            } else {
                // Earlier versions let a letter come back that had been thrown away and cleared.
                let old = row.get_ref(SUMMED)? == ValueRef::Null;
                (!old).then_some(Damage::NoBody(seq))
            };
            if missing.is_some() && !switch::is_off("row-sums") {
                return Ok(missing);
            }
        }
        Ok(None)
    }
}

/// Gives the rows of names their sums, as they are: those of an earlier version, and those that were changed as a whole.
pub(super) fn sum_names(db: &Connection) -> rusqlite::Result<()> {
    for table in NAMES.iter().filter_map(|name| table_named(name)) {
        let mut ask = db.prepare(&format!("SELECT {} FROM {}", table.summed, table.name))?;
        let columns = ask.column_count();
        let read = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
        let rows: Vec<Vec<Value>> = ask.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
        let same = table.summed.split(", ").zip(1..).map(|(name, at)| format!("{name} IS ?{at}"));
        let same: Vec<String> = same.collect();
        let sum = columns + 1;
        let mut put =
            db.prepare(&format!("UPDATE {} SET sum = ?{sum} WHERE {}", table.name, same.join(" AND ")))?;
        for row in rows {
            let mut values: Vec<&dyn ToSql> = row.iter().map(|value| value as &dyn ToSql).collect();
            let sum = sums::of(&values)?;
            values.push(&sum);
            put.execute(&*values)?;
        }
    }
    Ok(())
}
