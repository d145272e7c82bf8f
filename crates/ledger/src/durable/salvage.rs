//! Saving what can be read of a damaged ledger.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rusqlite::Connection;

use crate::options::Durability;

use super::schema;

/// Without these nothing else has a meaning: all of them, or nothing.
const NAMES: [&str; 5] = ["source", "source_root", "sink", "route", "class"];
/// Tables keyed by `seq`, in ranges around what cannot be read.
const ROWS: [&str; 2] = ["generation", "body"];
/// Tables that say who still has to get what.
const OWED: [&str; 2] = ["exception", "queue"];
/// Tables whose loss costs a repetition or a word of history, never an event.
const REST: [&str; 4] = ["sample", "progress", "late", "acked"];
/// So many rows are copied at a time.
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
    for table in NAMES.iter().chain(&ROWS).chain(&OWED).chain(&REST).chain(&["path_index"]) {
        db.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    db.execute_batch("UPDATE meta SET value = 0 WHERE name <> 'schema'")
}

fn copy(db: &Connection, damaged: &Path) -> rusqlite::Result<()> {
    // For reading only: the damaged file is put aside as it was found.
    let mut uri = b"file:".to_vec();
    model::text::push_percent(&mut uri, damaged.as_os_str().as_bytes(), b"/");
    uri.extend_from_slice(b"?mode=ro");
    db.execute("ATTACH ?1 AS old", [String::from_utf8_lossy(&uri)])?;
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
        copy_rows(db, &Part { table, sink: None }, end, &mut |_| Ok(()))?;
    }
    // Whether such an event was ever settled cannot be known: it is announced again.
    let doubtful = &mut |seq: i64| db.execute("DELETE FROM main.generation WHERE seq = ?1", [seq]).map(drop);
    copy_rows(db, &Part { table: "exception", sink: None }, end, doubtful)?;
    let mut ask = db.prepare("SELECT id FROM main.sink WHERE kind = 'queue'")?;
    let queues: Vec<i64> = ask.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for queue in queues {
        copy_rows(db, &Part { table: "queue", sink: Some(queue) }, end, doubtful)?;
    }
    for table in REST {
        let _ = db.execute_batch(&format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table}"));
    }
    drop_unannounced(db)?;
    rebuild(db)
}

/// A table, or the part of it that belongs to one sink, in order of `seq`.
struct Part {
    table: &'static str,
    sink: Option<i64>,
}

type Lost<'a> = &'a mut dyn FnMut(i64) -> rusqlite::Result<()>;

fn copy_rows(db: &Connection, part: &Part, end: i64, lost: Lost<'_>) -> rusqlite::Result<()> {
    let mut at = 1;
    while at <= end {
        copy_range(db, part, (at, (at + RANGE - 1).min(end)), lost)?;
        at += RANGE;
    }
    Ok(())
}

/// Copies rows; a range that cannot be read is halved down to one row, and that is `lost`.
fn copy_range(db: &Connection, part: &Part, (from, to): (i64, i64), lost: Lost<'_>) -> rusqlite::Result<()> {
    let table = part.table;
    let mine = part.sink.map_or(String::new(), |sink| format!("sink = {sink} AND"));
    let sql = format!(
        "INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table} WHERE {mine} seq BETWEEN ?1 AND ?2"
    );
    match db.prepare_cached(&sql).and_then(|mut copy| copy.execute([from, to])) {
        Ok(_) => Ok(()),
        // The new file's disk is full, or worse: half a copy must not pass for a whole one.
        Err(error) if !is_damage(&error) => Err(error),
        Err(_) if from == to => lost(from),
        Err(_) => {
            let middle = from + (to - from) / 2;
            copy_range(db, part, (from, middle), lost)?;
            copy_range(db, part, (middle + 1, to), lost)
        }
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DiskFull | Code::OutOfMemory | Code::ReadOnly | Code::PermissionDenied) => false,
        Some(_) => true,
        None => false,
    }
}

/// A row that a sink or a queue still waits for and whose bytes are lost is not kept: the next scan
/// finds the file unknown and announces it again, under the same id.
fn drop_unannounced(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "DELETE FROM main.generation WHERE class NOT IN (SELECT id FROM main.class)
             OR typeof(path) <> 'blob' OR typeof(id) <> 'blob' OR length(id) <> 16;
         DELETE FROM main.generation WHERE seq IN (
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
    db.execute_batch(
        "UPDATE main.meta SET value = (SELECT value FROM main.meta WHERE name = 'end') WHERE name = 'indexed_to'",
    )?;
    Ok(())
}
