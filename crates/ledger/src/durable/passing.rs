//! Happenings that every sink of theirs has: cleared away by the writer itself, a little in each round. They are
//! many, nobody asks for them afterwards, and they would fill the ledger within days.

use std::collections::HashMap;
use std::fmt::Write as _;

use rusqlite::params;

use crate::entry::Fate;
use crate::names::Names;
use crate::options::{RouteId, SinkId};

use super::desk::Desk;

/// At least so many numbers are looked through in one round, so that a backlog shrinks too.
const LEAST: u64 = 1024;

/// How far the happenings of each route are cleared away.
///
/// Not stored: after a start, only routes that still have rows are looked through from the beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    upto: HashMap<RouteId, u64>,
    behind: bool,
}

impl Passed {
    /// Whether there is something to clear away that the last round had no time for.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }
}

/// A run of rows with one class for each.
struct Run {
    first: u64,
    last: u64,
}

impl Desk<'_> {
    /// Clears away what is settled, at the pace at which rows come.
    pub(super) fn clear_happenings(&mut self, entries: usize) -> rusqlite::Result<()> {
        self.passed.behind = false;
        let streams: Vec<RouteId> = self.tallies.streams().collect();
        for route in streams {
            let floor = self.tallies.floor(route).min(self.tallies.end);
            let from = self.passed.upto.get(&route).copied().unwrap_or(0);
            let upto = if self.tallies.total(route) == 0 {
                floor
            } else {
                let upto = floor.min(from + LEAST.max(2 * entries as u64));
                self.clear(route, from, upto)?;
                upto
            };
            self.passed.behind |= upto < floor;
            self.passed.upto.insert(route, upto.max(from));
        }
        Ok(())
    }

    /// Those that are set aside stay: the hourly clearing takes them when they are settled.
    fn clear(&mut self, route: RouteId, from: u64, upto: u64) -> rusqlite::Result<()> {
        if from >= upto {
            return Ok(());
        }
        let (classes, sinks) = lists(&self.shared.names(), route);
        let sql = format!(
            "SELECT g.seq, g.class FROM generation g WHERE g.seq > ?1 AND g.seq <= ?2 AND g.class IN ({classes})
             AND NOT EXISTS (SELECT 1 FROM exception e WHERE e.seq = g.seq)
             AND NOT EXISTS (SELECT 1 FROM pursuit p WHERE p.sink IN ({sinks}) AND p.seq = g.seq)"
        );
        let mut runs: Vec<Run> = Vec::new();
        let mut gone: HashMap<u32, u64> = HashMap::new();
        let mut ask = self.db.prepare_cached(&sql)?;
        let mut rows = ask.query(params![from as i64, upto as i64])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)? as u64;
            *gone.entry(row.get(1)?).or_insert(0) += 1;
            match runs.last_mut().filter(|run| run.last + 1 == seq) {
                Some(run) => run.last = seq,
                None => runs.push(Run { first: seq, last: seq }),
            }
        }
        drop(rows);
        for run in &runs {
            self.delete(run)?;
        }
        for (class, rows) in gone {
            let sql = "UPDATE class SET total = total - ?2 WHERE id = ?1";
            self.db.prepare_cached(sql)?.execute(params![class, rows as i64])?;
            self.tallies.forget(Some(route), false, rows);
        }
        Ok(())
    }

    fn delete(&self, run: &Run) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM generation WHERE seq BETWEEN ?1 AND ?2",
            "DELETE FROM body WHERE seq BETWEEN ?1 AND ?2",
            "DELETE FROM attempt WHERE seq BETWEEN ?1 AND ?2",
            "DELETE FROM late WHERE seq BETWEEN ?1 AND ?2",
            "DELETE FROM step WHERE seq BETWEEN ?1 AND ?2",
        ] {
            self.db.prepare_cached(sql)?.execute(params![run.first as i64, run.last as i64])?;
        }
        Ok(())
    }
}

/// The classes of a route and its sinks, as lists for SQL.
fn lists(names: &Names, route: RouteId) -> (String, String) {
    let (mut classes, mut sinks) = (String::new(), String::new());
    let add = |list: &mut String, number: u32| {
        let comma = if list.is_empty() { "" } else { "," };
        let _ = write!(list, "{comma}{number}");
    };
    for (number, class) in (1..).zip(&names.classes) {
        if class.fate == Fate::Announce(route) {
            add(&mut classes, number);
        }
    }
    for SinkId(number) in names.route(route).into_iter().flat_map(|route| route.iter()) {
        add(&mut sinks, *number);
    }
    (classes, sinks)
}
