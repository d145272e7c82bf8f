//! Whether each value in the tables is of the type that its column has.
//!
//! A bit that flips in a row's header makes a number a fraction, or bytes a text. Nothing in SQLite minds: its check of a
//! database looks at pages and their order. But whoever reads the row fails, and those who read all rows fail for all.

use rusqlite::Connection;

/// A table, and of each of its columns the name and the type: `i` a whole number, `t` text, `b` bytes, `s` a stamp; in
/// capitals where it may be missing.
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static str,
    /// The columns that the row's sum is made of, in its order; empty where rows have none.
    pub(super) summed: &'static str,
}

const fn table(name: &'static str, columns: &'static str) -> Table {
    Table { name, columns, summed: "" }
}

const fn summed(name: &'static str, columns: &'static str, summed: &'static str) -> Table {
    Table { name, columns, summed }
}

pub(super) const TABLES: [Table; 18] = [
    summed("meta", "name t, value i, sum I", "name, value"),
    summed(
        "source",
        "id i, name t, first_scan_done i, inode_in_identity I, armed_at S, sum I",
        "id, name, first_scan_done, inode_in_identity, armed_at",
    ),
    summed("source_root", "source i, since i, root b, sum I", "source, since, root"),
    summed("sink", "id i, name t, kind t, cursor i, delivered i, sum I", "id, name, kind, cursor, delivered"),
    summed("route", "id i, sinks t, sum I", "id, sinks"),
    summed(
        "class",
        "id i, source i, fate i, route i, kind t, cause i, signals i, rule t, backend t, total i, sum I",
        "id, source, fate, route, kind, cause, signals, rule, backend",
    ),
    summed(
        "generation",
        "class i, standing i, path b, id b, size i, mtime s, inode i, ctime s, number i, recurrence i, \
         supersedes B, first_seen s, admitted s, waited_ms i, absent_at S, history t, sum I",
        "seq, class, path, id, size, mtime, inode, ctime, number, recurrence, supersedes, first_seen, admitted, \
         waited_ms",
    ),
    summed("body", "body b, sum I", "seq, body"),
    table("sample", "size i, mtime s, inode i, ctime s"),
    summed(
        "exception",
        "seq i, sink i, attempts i, next S, letter i, rejected i, error t, at s, sum I",
        "seq, sink, attempts, next, letter, rejected, error, at",
    ),
    summed("queue", "sink i, seq i, attempts i, lease S, sum I", "sink, seq, lease"),
    table("progress", "sink i, upto i, at s"),
    table("late", "seq i, sink i, at s, attempts i"),
    summed("acked", "sink i, seq i, at s, sum I", "sink, seq, at"),
    table("attempt", "seq i, sink i, number i, at s, what t"),
    table("dataset", "members i"),
    summed("step", "seq i, sink i, number i, at s, what b, sum I", "seq, sink, number, at, what"),
    summed("pursuit", "sink i, seq i, what b, sum I", "sink, seq, what"),
];

/// The table of that name.
pub(super) fn table_named(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// What holds for a row with a value of another type.
    pub(super) fn is_strange(&self) -> String {
        let columns = self.columns.split(", ").filter_map(|column| column.split_once(' '));
        let terms = columns.map(|(name, kind)| {
            let wrong = match &*kind.to_ascii_lowercase() {
                "i" => format!("typeof({name}) <> 'integer'"),
                "t" => format!("typeof({name}) <> 'text'"),
                "b" => format!("typeof({name}) <> 'blob'"),
                _ => format!(
                    "typeof({name}) <> 'integer' AND (typeof({name}) <> 'blob' OR length({name}) <> 12)"
                ),
            };
            let may_miss = kind.starts_with(|kind: char| kind.is_ascii_uppercase());
            if may_miss { format!("({name} IS NOT NULL AND {wrong})") } else { format!("({wrong})") }
        });
        terms.collect::<Vec<_>>().join(" OR ")
    }

    /// Whether there is such a row.
    pub(super) fn has_strange(&self, db: &Connection) -> rusqlite::Result<bool> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {})", self.name, self.is_strange());
        db.query_row(&sql, [], |row| row.get(0))
    }
}

/// A table with a value of the wrong type.
pub(super) fn strange(db: &Connection) -> rusqlite::Result<Option<&'static str>> {
    for table in &TABLES {
        if table.has_strange(db)? {
            return Ok(Some(table.name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    fn fresh() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        schema::create(&db).unwrap();
        db
    }

    /// Every table is there, with every column that is no row id, under its name.
    #[test]
    fn the_list_is_the_schema() {
        let db = fresh();
        for table in &TABLES {
            let sql = format!("SELECT name FROM pragma_table_info('{}')", table.name);
            let mut ask = db.prepare(&sql).unwrap();
            let columns: Vec<String> =
                ask.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
            let listed: Vec<&str> =
                table.columns.split(", ").map(|column| column.split(' ').next().unwrap()).collect();
            let missing = columns.iter().filter(|column| !listed.contains(&column.as_str()));
            assert!(missing.clone().all(|column| column == "seq"), "{}: {columns:?}", table.name);
            assert!(listed.iter().all(|name| columns.iter().any(|column| column == name)), "{}", table.name);
            let known = |name: &&str| *name == "seq" || listed.contains(name);
            assert!(
                table.summed.is_empty() || table.summed.split(", ").all(|name| known(&name)),
                "{}",
                table.name
            );
            assert_eq!(
                table.summed.is_empty(),
                !columns.iter().any(|column| column == "sum"),
                "{}",
                table.name
            );
        }
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name <> 'path_index'";
        let tables: usize = db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
        assert_eq!(tables, TABLES.len(), "but for what is derived");
    }

    #[test]
    fn a_fraction_for_a_stamp_is_strange_and_a_wide_stamp_is_not() {
        let db = fresh();
        db.execute("INSERT INTO sample VALUES(1, 2, zeroblob(12), 3, 4)", []).unwrap();
        assert_eq!(strange(&db).unwrap(), None);
        db.execute("INSERT INTO source VALUES(1, 'a', 0, NULL, NULL, NULL)", []).unwrap();
        assert_eq!(strange(&db).unwrap(), None);
        db.execute("UPDATE sample SET mtime = 1.5", []).unwrap();
        assert_eq!(strange(&db).unwrap(), Some("sample"));
    }
}
