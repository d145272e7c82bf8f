//! Saving what can be read of a damaged ledger.

use std::cell::Cell;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode};

use crate::options::Durability;

use super::codec::impossible;
use super::damage::Damage;
use super::{audit, mending, schema, types};

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

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Saved {
    /// Generations that were copied.
    pub(super) salvaged: u64,
    /// Rows in which a flipped bit was put right.
    pub(super) mended: u64,
    /// Generations that are known to be lost.
    pub(super) lost: u64,
}

/// Makes a new ledger at `target` with what `damaged` still gives.
pub(super) fn salvage(damaged: &Path, target: &Path, durability: Durability) -> rusqlite::Result<Saved> {
    let db = schema::open_writer(target, durability, true)?;
    schema::create(&db)?;
    let copied = copy(&db, damaged);
    let mended = *copied.as_ref().unwrap_or(&0);
    if copied.is_err() || switch::is_off("keep-the-rest") {
        // Half of the names are worse than none: start with an empty ledger.
        wipe(&db)?;
    }
    let counted = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let saved = counted("SELECT count(*) FROM generation")?;
    let end = counted("SELECT value FROM meta WHERE name = 'end'")?;
    // A number without a row is no loss by itself: old rows are pruned, those of happenings are cleared away.
    let lost = (rows_of(damaged).unwrap_or(end) - saved).max(0);
    if end > saved {
        // But it may be one: what was owed may be unknown now, and a first scan must not adopt it in silence.
        db.execute_batch("UPDATE source SET first_scan_done = 1")?;
    }
    audit::sum_names(&db)?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(db);
    Ok(Saved { salvaged: saved as u64, mended, lost: lost as u64 })
}

/// How many rows of events the damaged ledger has, if they can be counted.
fn rows_of(damaged: &Path) -> Option<i64> {
    let old = schema::open_damaged(damaged).ok()?;
    old.query_row("SELECT count(*) FROM generation", [], |row| row.get(0)).ok()
}

fn wipe(db: &Connection) -> rusqlite::Result<()> {
    for table in NAMES.iter().chain(&ROWS).chain(&OWED).chain(&REST).chain(&["path_index"]) {
        db.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    db.execute_batch("UPDATE meta SET value = 0 WHERE name <> 'schema'")
}

/// Gives how many rows were put right.
fn copy(db: &Connection, damaged: &Path) -> rusqlite::Result<u64> {
    // For reading only: the damaged file is put aside as it was found. And on a connection of its
    // own: an error within a statement that also writes would spoil those that follow.
    let old = schema::open_damaged(damaged)?;
    db.execute_batch("BEGIN")?;
    let hands = Hands { old: &old, new: db, mended: Cell::new(0) };
    let result = copy_all(&hands);
    db.execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result.map(|()| hands.mended.get())
}

fn copy_all(hands: &Hands<'_>) -> rusqlite::Result<()> {
    let db = hands.new;
    for table in NAMES {
        hands.whole(table)?.map_or(Ok(()), Err)?;
    }
    let end = hands.end()?;
    schema::set_meta(db, "end", end)?;
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
    /// Rows that were put right.
    mended: Cell<u64>,
}

/// A table, or the part of it that belongs to one sink, in order of `seq`.
struct Part {
    table: &'static str,
    sink: Option<i64>,
}

impl Part {
    /// The rows from one number to another.
    fn sql(&self) -> String {
        let mine = self.sink.map_or(String::new(), |sink| format!("sink = {sink} AND"));
        format!("SELECT * FROM {} WHERE {mine} seq BETWEEN ?1 AND ?2", self.table)
    }
}

/// Told of each range that cannot be read.
type Lost<'a> = &'a mut dyn FnMut(i64, i64) -> rusqlite::Result<()>;

impl Hands<'_> {
    /// Copies a table up to what cannot be read, and says what stood in the way. A name that is not as it was written
    /// stands in the way as well.
    fn whole(&self, table: &'static str) -> rusqlite::Result<Option<rusqlite::Error>> {
        let (rows, stopped) = self.read(&format!("SELECT * FROM {table}"), &[]);
        let false_rows = self.write(table, rows)?;
        let is_name = NAMES.contains(&table);
        Ok(stopped.or_else(|| (is_name && !false_rows.is_empty()).then(|| Damage::OfTable(table).into())))
    }

    /// The last number that was given. Where that is not as it was written: no row and no cursor knows a later one.
    fn end(&self) -> rusqlite::Result<i64> {
        let (rows, _) = self.read("SELECT * FROM meta", &[]);
        let layout = Layout::of(self.new, "meta")?;
        for mut row in rows {
            let sound = layout.judge(&mut row) != Sum::False;
            if let (Some(Value::Text(name)), Some(Value::Integer(end))) = (row.first(), row.get(1))
                && sound
                && name == "end"
            {
                return Ok(*end);
            }
        }
        let last = |sql: &str| self.old.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).ok().flatten();
        let ends = [
            last("SELECT max(seq) FROM generation"),
            last("SELECT max(seq) FROM body"),
            last("SELECT max(cursor) FROM sink"),
        ];
        ends.into_iter().flatten().max().ok_or_else(|| impossible("no end"))
    }

    fn rows(&self, part: &Part, end: i64, lost: Lost<'_>) -> rusqlite::Result<()> {
        let mut at = 1;
        while at <= end {
            self.range(part, (at, (at + RANGE - 1).min(end)), lost)?;
            at += RANGE;
        }
        // No row was ever given such a number; one that has it had another, and may be put right.
        for (from, to) in [(i64::MIN, 0), (end.saturating_add(1), i64::MAX)] {
            let (rows, _) = self.read(&part.sql(), &[from, to]);
            self.write_rows(part, rows, lost)?;
        }
        Ok(())
    }

    fn write_rows(&self, part: &Part, rows: Vec<Vec<Value>>, lost: Lost<'_>) -> rusqlite::Result<()> {
        for seq in self.write(part.table, rows)? {
            lost(seq, seq)?;
        }
        Ok(())
    }

    /// Copies a range; one that cannot be read is halved down to one row.
    fn range(&self, part: &Part, (from, to): (i64, i64), lost: Lost<'_>) -> rusqlite::Result<()> {
        let (rows, stopped) = self.read(&part.sql(), &[from, to]);
        if stopped.is_none() {
            return self.write_rows(part, rows, lost);
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

    /// A row that does not fit (its neighbour's bytes, read as its own) is left out, and so is one that is not as it was
    /// written and cannot be put right: their numbers are given. An error of the new file itself is one: half a copy
    /// must not pass for a whole one.
    fn write(&self, table: &str, rows: Vec<Vec<Value>>) -> rusqlite::Result<Vec<i64>> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let layout = Layout::of(self.new, table)?;
        let mut put = self.new.prepare_cached(&layout.insert(table, first.len()))?;
        let mut left_out = Vec::new();
        for mut row in rows {
            match layout.judge(&mut row) {
                Sum::False => {
                    left_out.extend(layout.seq_of(&row));
                    continue;
                }
                Sum::Mended => self.mended.set(self.mended.get() + 1),
                Sum::True => {}
            }
            match put.execute(rusqlite::params_from_iter(&row)) {
                Err(error) if error.sqlite_error_code() != Some(ErrorCode::TypeMismatch) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(left_out)
    }
}

/// What a row's sum says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sum {
    /// It is as it was written; or nobody knows, as it is of an earlier version.
    True,
    /// One bit had flipped.
    Mended,
    /// It is not as it was written.
    False,
}

/// Where what lies in the rows of a table. Rows of an earlier version end sooner.
struct Layout {
    columns: Vec<String>,
    /// What the sum is made of, in its order.
    summed: Vec<usize>,
    sum: Option<usize>,
}

impl Layout {
    fn of(db: &Connection, table: &str) -> rusqlite::Result<Self> {
        let mut ask = db.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns: Vec<String> =
            ask.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let place = |name: &str| columns.iter().position(|column| column == name);
        let listed = types::table_named(table).map_or("", |table| table.summed);
        let summed = listed.split(", ").filter_map(place).collect();
        Ok(Self { summed, sum: place("sum"), columns })
    }

    fn insert(&self, table: &str, width: usize) -> String {
        let columns = self.columns.get(..width).unwrap_or(&self.columns).join(", ");
        let marks = vec!["?"; width].join(",");
        format!("INSERT OR IGNORE INTO {table}({columns}) VALUES({marks})")
    }

    fn seq_of(&self, row: &[Value]) -> Option<i64> {
        let at = self.columns.iter().position(|column| column == "seq")?;
        if let Some(Value::Integer(seq)) = row.get(at) { Some(*seq) } else { None }
    }

    /// Compares a row with its sum, and puts it right where that can be done.
    fn judge(&self, row: &mut [Value]) -> Sum {
        let Some(place) = self.sum.filter(|_| !switch::is_off("row-sums")) else { return Sum::True };
        let stored = match row.get(place) {
            None | Some(Value::Null) => return Sum::True,
            Some(Value::Integer(stored)) => *stored,
            Some(_) => return Sum::False,
        };
        let values = self.summed.iter().filter_map(|at| row.get(*at).cloned());
        let mut values: Vec<Value> = values.collect();
        if mending::sum_of(&values) == stored {
            return Sum::True;
        }
        if !mending::mend(&mut values, stored) {
            return Sum::False;
        }
        row[place] = Value::Integer(mending::sum_of(&values));
        for (at, value) in self.summed.iter().zip(values) {
            row[*at] = value;
        }
        Sum::Mended
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
    schema::set_meta(db, "indexed_to", schema::meta(db, "end")?)
}
