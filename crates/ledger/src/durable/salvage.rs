//! Saving what can be read of a damaged ledger.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode};

use crate::options::Durability;

use super::codec::impossible;
use super::{schema, types};

/// Without these nothing else has a meaning: all of them, or nothing.
const NAMES: [&str; 5] = ["source", "source_root", "sink", "route", "class"];
/// Tables keyed by `seq`, in ranges around what cannot be read.
const ROWS: [&str; 2] = ["generation", "body"];
/// Tables that say who still has to get what.
const OWED: [&str; 2] = ["exception", "queue"];
/// Tables whose loss costs a repetition or a word of history, never an event.
const REST: [&str; 8] = ["sample", "progress", "late", "acked", "attempt", "dataset", "step", "pursuit"];
/// So many rows are copied at a time.
const RANGE: i64 = 4096;

/// Makes a new ledger at `target` with what `damaged` still gives; says how many generations were
/// copied and how many are known to be lost.
pub(super) fn salvage(damaged: &Path, target: &Path, durability: Durability) -> rusqlite::Result<(u64, u64)> {
    let db = schema::open_writer(target, durability, true)?;
    schema::create(&db)?;
    let copied = copy(&db, damaged);
    if copied.is_err() || switch::is_off("keep-the-rest") {
        // Half of the names are worse than none: start with an empty ledger.
        wipe(&db)?;
    }
    let counted = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let saved = counted("SELECT count(*) FROM generation")?;
    let end = counted("SELECT value FROM meta WHERE name = 'end'")?;
    let lost = (end - saved).max(0);
    if lost > 0 {
        // What was owed may be unknown now, and a first scan must not adopt it in silence.
        db.execute_batch("UPDATE source SET first_scan_done = 1")?;
    }
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(db);
    Ok((saved as u64, lost as u64))
}

fn wipe(db: &Connection) -> rusqlite::Result<()> {
    for table in NAMES.iter().chain(&ROWS).chain(&OWED).chain(&REST).chain(&["path_index"]) {
        db.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    db.execute_batch("UPDATE meta SET value = 0 WHERE name <> 'schema'")
}

fn copy(db: &Connection, damaged: &Path) -> rusqlite::Result<()> {
    // For reading only: the damaged file is put aside as it was found. And on a connection of its
    // own: an error within a statement that also writes would spoil those that follow.
    let old = schema::open_damaged(damaged)?;
    db.execute_batch("BEGIN")?;
    let result = copy_all(&Hands { old: &old, new: db });
    db.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result
}

fn copy_all(hands: &Hands<'_>) -> rusqlite::Result<()> {
    let db = hands.new;
    for table in NAMES {
        hands.whole(table)?.map_or(Ok(()), Err)?;
    }
    let end: i64 = hands.old.query_row("SELECT value FROM meta WHERE name = 'end'", [], |row| row.get(0))?;
    db.execute("UPDATE meta SET value = ?1 WHERE name = 'end'", [end])?;
    for table in ROWS {
        hands.rows(&Part { table, sink: None }, end, &mut |_, _| Ok(()))?;
    }
    // Whether such an event was ever settled cannot be known: it is announced again.
    let doubtful = &mut |from: i64, to: i64| {
        db.execute("DELETE FROM generation WHERE seq BETWEEN ?1 AND ?2", [from, to]).map(drop)
    };
    hands.rows(&Part { table: "exception", sink: None }, end, doubtful)?;
    let mut ask = db.prepare("SELECT id FROM sink WHERE kind = 'queue'")?;
    let queues: Vec<i64> = ask.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for queue in queues {
        hands.rows(&Part { table: "queue", sink: Some(queue) }, end, doubtful)?;
    }
    for table in REST {
        let _stopped_at = hands.whole(table)?;
    }
    drop_strange(db)?;
    drop_unannounced(db)?;
    drop_behind_gaps(db)?;
    rebuild(db)
}

/// The damaged ledger and the new one.
struct Hands<'a> {
    old: &'a Connection,
    new: &'a Connection,
}

/// A table, or the part of it that belongs to one sink, in order of `seq`.
struct Part {
    table: &'static str,
    sink: Option<i64>,
}

/// Told of each range that cannot be read.
type Lost<'a> = &'a mut dyn FnMut(i64, i64) -> rusqlite::Result<()>;

impl Hands<'_> {
    /// Copies a table up to what cannot be read, and says what stood in the way.
    fn whole(&self, table: &str) -> rusqlite::Result<Option<rusqlite::Error>> {
        let (rows, stopped) = self.read(&format!("SELECT * FROM {table}"), &[]);
        self.write(table, &rows)?;
        Ok(stopped)
    }

    fn rows(&self, part: &Part, end: i64, lost: Lost<'_>) -> rusqlite::Result<()> {
        let mut at = 1;
        while at <= end {
            self.range(part, (at, (at + RANGE - 1).min(end)), lost)?;
            at += RANGE;
        }
        Ok(())
    }

    /// Copies a range; one that cannot be read is halved down to one row.
    fn range(&self, part: &Part, (from, to): (i64, i64), lost: Lost<'_>) -> rusqlite::Result<()> {
        let mine = part.sink.map_or(String::new(), |sink| format!("sink = {sink} AND"));
        let sql = format!("SELECT * FROM {} WHERE {mine} seq BETWEEN ?1 AND ?2", part.table);
        let (rows, stopped) = self.read(&sql, &[from, to]);
        if stopped.is_none() {
            return self.write(part.table, &rows);
        }
        if from == to {
            return lost(from, to);
        }
        let middle = from + (to - from) / 2;
        self.range(part, (from, middle), lost)?;
        self.range(part, (middle + 1, to), lost)
    }

    /// Rows up to the first that cannot be read.
    fn read(&self, sql: &str, bounds: &[i64]) -> (Vec<Vec<Value>>, Option<rusqlite::Error>) {
        let mut found = Vec::new();
        let mut read = || -> rusqlite::Result<()> {
            let mut ask = self.old.prepare_cached(sql)?;
            let columns = ask.column_count();
            let mut rows = ask.query(rusqlite::params_from_iter(bounds))?;
            while let Some(row) = rows.next()? {
                found.push((0..columns).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?);
            }
            Ok(())
        };
        let stopped = read().err();
        (found, stopped)
    }

    /// A row that does not fit (its neighbour's bytes, read as its own) is left out; an error of
    /// the new file itself is not: half a copy must not pass for a whole one.
    fn write(&self, table: &str, rows: &[Vec<Value>]) -> rusqlite::Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        let marks = vec!["?"; first.len()].join(",");
        let mut put = self.new.prepare_cached(&format!("INSERT OR IGNORE INTO {table} VALUES({marks})"))?;
        for row in rows {
            match put.execute(rusqlite::params_from_iter(row)) {
                Err(error) if error.sqlite_error_code() != Some(ErrorCode::TypeMismatch) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Rows with a value of another type than their column's, which nobody could read, and those whose end is missing: where
/// the file ends within a page, its rest is read as zeroes, which are in no text of ours.
fn drop_strange(db: &Connection) -> rusqlite::Result<()> {
    for table in &types::TABLES {
        let (name, strange) = (table.name, table.is_strange());
        if NAMES.contains(&name) && table.has_strange(db)? {
            return Err(impossible("a name of the wrong type"));
        }
        if OWED.contains(&name) {
            // Whether such an event was ever settled cannot be known: it is announced again.
            let doubtful = format!("SELECT seq FROM {name} WHERE {strange}");
            db.execute_batch(&format!("DELETE FROM generation WHERE seq IN ({doubtful})"))?;
        }
        db.execute_batch(&format!("DELETE FROM {name} WHERE {strange}"))?;
    }
    db.execute_batch(
        "DELETE FROM body WHERE instr(body, x'00') > 0;
         DELETE FROM generation WHERE instr(CAST(history AS BLOB), x'00') > 0;",
    )
}

/// A row that a sink or a queue still waits for and whose bytes are lost is not kept: the next scan
/// finds the file unknown and announces it again, under the same id.
fn drop_unannounced(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "DELETE FROM generation WHERE class NOT IN (SELECT id FROM class)
             OR typeof(path) <> 'blob' OR typeof(id) <> 'blob' OR length(id) <> 16;
         DELETE FROM generation WHERE seq IN (
             SELECT g.seq FROM generation g JOIN class c ON c.id = g.class
             WHERE c.fate = 0 AND NOT EXISTS (SELECT 1 FROM body b WHERE b.seq = g.seq)
             AND (g.seq > (SELECT coalesce(min(cursor), 0) FROM sink)
                  OR EXISTS (SELECT 1 FROM queue q WHERE q.seq = g.seq)
                  OR EXISTS (SELECT 1 FROM exception e WHERE e.seq = g.seq)));
         DELETE FROM body WHERE seq NOT IN (SELECT seq FROM generation);
         DELETE FROM queue WHERE seq NOT IN (SELECT seq FROM body);
         DELETE FROM exception WHERE seq NOT IN (SELECT seq FROM body);
         DELETE FROM attempt WHERE seq NOT IN (SELECT seq FROM generation);
         DELETE FROM dataset WHERE seq NOT IN (SELECT seq FROM generation);
         DELETE FROM step WHERE seq NOT IN (SELECT seq FROM generation) OR typeof(what) <> 'blob'
             OR (typeof(at) <> 'integer' AND (typeof(at) <> 'blob' OR length(at) <> 12));
         DELETE FROM pursuit WHERE typeof(what) <> 'blob' OR seq NOT IN (SELECT seq FROM generation);",
    )
}

/// Whoever finds a step takes those before it for done: behind the first that is lost none counts.
fn drop_behind_gaps(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "DELETE FROM step WHERE (seq, sink, number) IN (SELECT seq, sink, number FROM
             (SELECT seq, sink, number, row_number() OVER (PARTITION BY seq, sink ORDER BY number) AS place
              FROM step) WHERE place <> number)",
    )
}

/// What is derived is made anew.
fn rebuild(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "UPDATE class SET total = (SELECT count(*) FROM generation g WHERE g.class = class.id)",
    )?;
    let mut ask = db.prepare(
        "SELECT g.seq, c.source, g.path FROM generation g JOIN class c ON c.id = g.class
         WHERE c.kind NOT LIKE 'on-%' ORDER BY g.seq",
    )?;
    let mut rows = ask.query([])?;
    let mut put = db.prepare("INSERT INTO path_index VALUES(?1, ?2)")?;
    while let Some(row) = rows.next()? {
        let source = crate::options::SourceId(row.get(1)?);
        let key = super::index_key(source, model::PathKey::of(row.get_ref(2)?.as_blob()?));
        put.execute([key, row.get::<_, i64>(0)?])?;
    }
    db.execute_batch(
        "UPDATE meta SET value = (SELECT value FROM meta WHERE name = 'end') WHERE name = 'indexed_to'",
    )?;
    Ok(())
}
