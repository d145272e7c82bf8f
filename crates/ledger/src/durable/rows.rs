//! The few questions of the running numbers that need rows.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::options::{RouteId, SinkId};
use crate::tally::{Exceptional, Rows};

use super::shared::Shared;

/// Answers from the database, as the given connection sees it.
pub(crate) struct DbRows<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) shared: &'a Shared,
}

/// The classes whose events go to `sink`, as a list for SQL.
pub(crate) fn classes_of(shared: &Shared, sink: SinkId) -> String {
    let names = shared.names();
    let mut list = String::new();
    for (at, class) in names.classes.iter().enumerate() {
        let crate::entry::Fate::Announce(route) = class.fate else { continue };
        if names.leads_to(route, sink) {
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(&(at + 1).to_string());
        }
    }
    list
}

impl Rows for DbRows<'_> {
    type Error = rusqlite::Error;

    fn per_route(&mut self, after: u64, upto: u64) -> rusqlite::Result<HashMap<RouteId, u64>> {
        let sql = "SELECT c.route, count(*) FROM generation g JOIN class c ON c.id = g.class
                   WHERE g.seq > ?1 AND g.seq <= ?2 AND c.fate = 0 GROUP BY c.route";
        let mut ask = self.db.prepare_cached(sql)?;
        let rows = ask.query_map(params![after as i64, upto as i64], |row| {
            Ok((RouteId(row.get(0)?), row.get::<_, i64>(1)? as u64))
        })?;
        rows.collect()
    }

    fn nth_behind(&mut self, sink: SinkId, after: u64, nth: u64) -> rusqlite::Result<u64> {
        let classes = classes_of(self.shared, sink);
        let sql = format!(
            "SELECT seq FROM generation WHERE seq > ?1 AND class IN ({classes}) ORDER BY seq LIMIT ?2"
        );
        let mut ask = self.db.prepare(&sql)?;
        let rows = ask.query_map(params![after as i64, nth as i64], |row| row.get::<_, i64>(0))?;
        let mut last = after;
        for row in rows {
            last = row? as u64;
        }
        Ok(last)
    }

    fn exceptions(&mut self, route: RouteId) -> rusqlite::Result<Vec<Exceptional>> {
        let sql = "SELECT e.seq, max(e.letter = 0) FROM exception e JOIN generation g ON g.seq = e.seq
                   JOIN class c ON c.id = g.class WHERE c.fate = 0 AND c.route = ?1 GROUP BY e.seq";
        let mut ask = self.db.prepare_cached(sql)?;
        let rows = ask.query_map([route.0], |row| {
            Ok(Exceptional { seq: row.get::<_, i64>(0)? as u64, retrying: row.get(1)? })
        })?;
        rows.collect()
    }
}
