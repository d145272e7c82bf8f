//! Saving what can be read of a damaged ledger.

use std::path::Path;

use rusqlite::Connection;

use crate::options::Durability;

use super::schema;

/// Without these nothing else has a meaning: all of them, or nothing.
const NAMES: [&str; 5] = ["source", "source_root", "sink", "route", "class"];
/// Tables keyed by `seq`, in ranges around what cannot be read.
const ROWS: [&str; 2] = ["generation", "body"];
/// Small tables, whole or not at all.
const SMALL: [&str; 6] = ["sample", "exception", "progress", "late", "queue", "acked"];
/// So many rows are copied at a time; a range that cannot be read is halved down to one row.
const RANGE: i64 = 4096;

/// Makes a new ledger at `target` with what `damaged` still gives; says how many generations were
/// copied and how many are known to be lost.
pub(super) fn salvage(damaged: &Path, target: &Path, durability: Durability) -> rusqlite::Result<(u64, u64)> {
    let db = schema::open_writer(target, durability, true)?;
    schema::create(&db)?;
    let copied = copy(&db, damaged);
    let _ = db.execute_batch("DETACH old");
    if copied.is_err() {
        // Half of the names are worse than none: start with an empty ledger.
        wipe(&db)?;
    }
    let counted = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let saved = counted("SELECT count(*) FROM generation")?;
    let end = counted("SELECT value FROM meta WHERE name = 'end'")?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(db);
    Ok((saved as u64, (end - saved).max(0) as u64))
}

fn wipe(db: &Connection) -> rusqlite::Result<()> {
    for table in NAMES.iter().chain(&ROWS).chain(&SMALL).chain(&["path_index"]) {
        db.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    db.execute_batch("UPDATE meta SET value = 0 WHERE name = 'end'")
}

fn copy(db: &Connection, damaged: &Path) -> rusqlite::Result<()> {
    db.execute("ATTACH ?1 AS old", [damaged.to_string_lossy()])?;
    db.execute_batch("BEGIN")?;
    let result = copy_all(db);
    db.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result
}

fn copy_all(db: &Connection) -> rusqlite::Result<()> {
    for table in NAMES {
        db.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM old.{table}"))?;
    }
    let end: i64 = db.query_row("SELECT value FROM old.meta WHERE name = 'end'", [], |row| row.get(0))?;
    db.execute("UPDATE main.meta SET value = ?1 WHERE name = 'end'", [end])?;
    for table in ROWS {
        let mut at = 1;
        while at <= end {
            copy_range(db, table, at, (at + RANGE - 1).min(end));
            at += RANGE;
        }
    }
    for table in SMALL {
        // What cannot be read here costs a repetition or a word of history, never an event.
        let _ = db.execute_batch(&format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table}"));
    }
    drop_unannounced(db)?;
    rebuild(db)
}

fn copy_range(db: &Connection, table: &str, from: i64, to: i64) {
    let sql =
        format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table} WHERE seq BETWEEN ?1 AND ?2");
    if db.execute(&sql, [from, to]).is_ok() || from == to {
        return;
    }
    let middle = from + (to - from) / 2;
    copy_range(db, table, from, middle);
    copy_range(db, table, middle + 1, to);
}

/// A row that a sink or a queue still waits for and whose bytes are lost is not kept: the next scan
/// finds the file unknown and announces it again, under the same id.
fn drop_unannounced(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "DELETE FROM main.generation WHERE seq IN (
             SELECT g.seq FROM main.generation g JOIN main.class c ON c.id = g.class
             WHERE c.fate = 0 AND NOT EXISTS (SELECT 1 FROM main.body b WHERE b.seq = g.seq)
             AND (g.seq > (SELECT coalesce(min(cursor), 0) FROM main.sink)
                  OR EXISTS (SELECT 1 FROM main.queue q WHERE q.seq = g.seq)
                  OR EXISTS (SELECT 1 FROM main.exception e WHERE e.seq = g.seq)));
         DELETE FROM main.body WHERE seq NOT IN (SELECT seq FROM main.generation);
         DELETE FROM main.queue WHERE seq NOT IN (SELECT seq FROM main.body);
         DELETE FROM main.exception WHERE seq NOT IN (SELECT seq FROM main.body);",
    )
}

/// What is derived is made anew.
fn rebuild(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "UPDATE main.class SET total = (SELECT count(*) FROM main.generation g WHERE g.class = main.class.id)",
    )?;
    let mut ask = db.prepare(
        "SELECT g.seq, c.source, g.path FROM main.generation g JOIN main.class c ON c.id = g.class ORDER BY g.seq",
    )?;
    let mut rows = ask.query([])?;
    let mut put = db.prepare("INSERT INTO main.path_index VALUES(?1, ?2)")?;
    while let Some(row) = rows.next()? {
        let source = crate::options::SourceId(row.get(1)?);
        let key = super::index_key(source, model::PathKey::of(row.get_ref(2)?.as_blob()?));
        put.execute([key, row.get::<_, i64>(0)?])?;
    }
    Ok(())
}
