//! The tables, and how connections are set up.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use crate::options::Durability;

use super::{audit, sums};

/// The schema that this program writes.
pub(crate) const VERSION: i64 = 5;

/// The first one in which rows have sums.
pub(crate) const SUMS_SINCE: i64 = 5;

/// "STAI": marks the file as ours.
pub(crate) const APPLICATION_ID: i64 = 0x5354_4149;

/// Larger than the default: rows are mostly appended, and each page costs a frame in the WAL.
const PAGE_SIZE: u32 = 8192;

const TABLES: &str = "
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE source(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_scan_done INTEGER NOT NULL,
    inode_in_identity INTEGER, armed_at);
CREATE TABLE source_root(source INTEGER NOT NULL, since INTEGER NOT NULL, root BLOB NOT NULL,
    PRIMARY KEY(source, since)) WITHOUT ROWID;
CREATE TABLE sink(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    cursor INTEGER NOT NULL, delivered INTEGER NOT NULL);
CREATE TABLE route(id INTEGER PRIMARY KEY, sinks TEXT NOT NULL UNIQUE);
CREATE TABLE class(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, fate INTEGER NOT NULL,
    route INTEGER NOT NULL, kind TEXT NOT NULL, cause INTEGER NOT NULL, signals INTEGER NOT NULL,
    rule TEXT NOT NULL, backend TEXT NOT NULL, total INTEGER NOT NULL);
CREATE TABLE generation(seq INTEGER PRIMARY KEY, class INTEGER NOT NULL, standing INTEGER NOT NULL,
    path BLOB NOT NULL, id BLOB NOT NULL, size INTEGER NOT NULL, mtime NOT NULL, inode INTEGER NOT NULL,
    ctime NOT NULL, number INTEGER NOT NULL, recurrence INTEGER NOT NULL, supersedes BLOB,
    first_seen NOT NULL, admitted NOT NULL, waited_ms INTEGER NOT NULL, absent_at, history TEXT NOT NULL);
CREATE TABLE body(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE sample(seq INTEGER PRIMARY KEY, size INTEGER NOT NULL, mtime NOT NULL,
    inode INTEGER NOT NULL, ctime NOT NULL);
CREATE TABLE path_index(key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(key, seq)) WITHOUT ROWID;
CREATE TABLE exception(seq INTEGER NOT NULL, sink INTEGER NOT NULL, attempts INTEGER NOT NULL, next,
    letter INTEGER NOT NULL, rejected INTEGER NOT NULL, error TEXT NOT NULL, at NOT NULL,
    PRIMARY KEY(seq, sink)) WITHOUT ROWID;
CREATE TABLE progress(sink INTEGER NOT NULL, upto INTEGER NOT NULL, at NOT NULL,
    PRIMARY KEY(sink, upto)) WITHOUT ROWID;
CREATE TABLE late(seq INTEGER NOT NULL, sink INTEGER NOT NULL, at NOT NULL, attempts INTEGER NOT NULL,
    PRIMARY KEY(seq, sink)) WITHOUT ROWID;
CREATE TABLE queue(sink INTEGER NOT NULL, seq INTEGER NOT NULL, attempts INTEGER NOT NULL, lease,
    PRIMARY KEY(sink, seq)) WITHOUT ROWID;
CREATE INDEX queue_leases ON queue(sink, lease) WHERE lease IS NOT NULL;
CREATE TABLE acked(sink INTEGER NOT NULL, seq INTEGER NOT NULL, at NOT NULL,
    PRIMARY KEY(sink, seq)) WITHOUT ROWID;
";

/// What version 2 brought: both stay empty as long as every file goes through at once.
const SECOND: &str = "
CREATE TABLE IF NOT EXISTS attempt(seq INTEGER NOT NULL, sink INTEGER NOT NULL, number INTEGER NOT NULL,
    at NOT NULL, what TEXT NOT NULL, PRIMARY KEY(seq, sink, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dataset(seq INTEGER PRIMARY KEY, members INTEGER NOT NULL);
";

/// What version 3 brought: both stay empty without a sink that takes several requests for an event.
const THIRD: &str = "
CREATE TABLE IF NOT EXISTS step(seq INTEGER NOT NULL, sink INTEGER NOT NULL, number INTEGER NOT NULL,
    at NOT NULL, what BLOB NOT NULL, PRIMARY KEY(seq, sink, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pursuit(sink INTEGER NOT NULL, seq INTEGER NOT NULL, what BLOB NOT NULL,
    PRIMARY KEY(sink, seq)) WITHOUT ROWID;
";

/// What version 5 brought: a sum with each row whose silent change would be one of what is delivered, or of how a path
/// is judged. Rows from before have none.
const FIFTH: &str = "
ALTER TABLE meta ADD COLUMN sum INTEGER;
ALTER TABLE source ADD COLUMN sum INTEGER;
ALTER TABLE source_root ADD COLUMN sum INTEGER;
ALTER TABLE sink ADD COLUMN sum INTEGER;
ALTER TABLE route ADD COLUMN sum INTEGER;
ALTER TABLE class ADD COLUMN sum INTEGER;
ALTER TABLE generation ADD COLUMN sum INTEGER;
ALTER TABLE body ADD COLUMN sum INTEGER;
ALTER TABLE exception ADD COLUMN sum INTEGER;
ALTER TABLE queue ADD COLUMN sum INTEGER;
ALTER TABLE acked ADD COLUMN sum INTEGER;
ALTER TABLE step ADD COLUMN sum INTEGER;
ALTER TABLE pursuit ADD COLUMN sum INTEGER;
";

// Version 4 brought no table: kinds of events (`on-create`) and routes (`stream:1,3`) that an earlier program would
// take for damage.

/// Makes the tables in an empty database.
pub(crate) fn create(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "page_size", PAGE_SIZE)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    db.execute_batch(TABLES)?;
    db.execute_batch(SECOND)?;
    db.execute_batch(THIRD)?;
    db.execute("INSERT INTO meta VALUES('schema', ?1), ('end', 0), ('indexed_to', 0)", [VERSION])?;
    db.execute_batch(FIFTH)?;
    audit::sum_names(db)?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", VERSION)?;
    db.execute_batch("COMMIT")
}

/// Brings the database of an earlier version up to this one, or leaves it as it was.
pub(crate) fn upgrade(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let upgraded = upgrade_tables(db).and_then(|()| db.execute_batch("COMMIT"));
    if upgraded.is_err() {
        // Nothing to roll back where SQLite has done it already.
        let _ = db.execute_batch("ROLLBACK");
    }
    upgraded
}

fn upgrade_tables(db: &Connection) -> rusqlite::Result<()> {
    // First: a file without this table is not ours, and stays as it is.
    db.execute("UPDATE meta SET value = ?1 WHERE name = 'schema'", [VERSION])?;
    db.execute_batch(SECOND)?;
    db.execute_batch(THIRD)?;
    db.execute_batch(FIFTH)?;
    audit::sum_names(db)?;
    db.pragma_update(None, "user_version", VERSION)
}

/// Opens for writing; `create` makes the file when it is missing.
pub(crate) fn open_writer(path: &Path, durability: Durability, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let db = Connection::open_with_flags(path, flags)?;
    settings(&db)?;
    let durability = if switch::is_off("sync-commits") { Durability::Process } else { durability };
    db.pragma_update(None, "synchronous", if durability == Durability::Power { "FULL" } else { "NORMAL" })?;
    // 4000 pages (32 MiB): pages that every round touches are folded back once for many rounds.
    db.pragma_update(None, "wal_autocheckpoint", 4000)?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    db.pragma_update(None, "cache_size", -8000)?;
    Ok(db)
}

/// Opens for reading only.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, reading())?;
    settings(&db)?;
    db.pragma_update(None, "cache_size", -2000)?;
    Ok(db)
}

/// Opens for reading what can be read of a damaged file.
pub(crate) fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, reading())?;
    // Without this a file that ends early is refused as a whole; nothing is written to it.
    db.pragma_update(None, "writable_schema", true)?;
    settings(&db)?;
    Ok(db)
}

fn reading() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn settings(db: &Connection) -> rusqlite::Result<()> {
    // With the statistics that the bundled build has, SQLite would otherwise plan a statement
    // anew each time a parameter changes: measured, 40 % of the cost of an admission.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Nobody else writes; somebody with the `sqlite3` shell may.
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "foreign_keys", false)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Under which name the incarnation of a source's root stands in `meta`.
pub(crate) fn incarnation(source: u32) -> String {
    format!("incarnation:{source}")
}

/// A value of table `meta`.
pub(crate) fn meta(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    db.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
}

/// Sets such a value, and its sum.
pub(crate) fn set_meta(db: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    let sum = sums::of(params![name, value])?;
    let sql = "INSERT OR REPLACE INTO meta VALUES(?1, ?2, ?3)";
    db.prepare_cached(sql)?.execute(params![name, value, sum]).map(drop)
}
