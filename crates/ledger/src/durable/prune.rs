//! Clearing away what nobody needs any more. What may go is found by a reader; the writer only
//! deletes, a slice at a time, so that nobody waits long. What may go once may go later too: a
//! settled event never becomes unsettled. Only a pursuit may begin in between: it is asked for again.

use std::fmt::Write as _;

use model::Stamp;
use rusqlite::{Connection, params};

use crate::answer::Pruned;
use crate::entry::Fate;
use crate::error::LedgerError;
use crate::names::Names;
use crate::options::{RouteId, SinkId};
use crate::tally::{Tallies, Trouble};

use super::ask::ask;
use super::codec::At;
use super::desk::Desk;
use super::index_key;
use super::shared::Shared;

/// So many rows are deleted in one round.
const SLICE: i64 = 4000;

pub(super) fn prune(shared: &Shared, acked: Stamp, history: Stamp) -> Result<Pruned, LedgerError> {
    let mut pruned = Pruned::default();
    let found = |sql: &str, after: i64, before: Option<Stamp>| {
        shared.readers.read("what can be cleared away", |db| pairs(db, sql, after, before))
    };
    loop {
        let sql = "SELECT sink, seq FROM acked WHERE ?1 = 0 AND at < ?2 LIMIT ?3";
        let slice = found(sql, 0, Some(acked))?;
        if slice.is_empty() {
            break;
        }
        pruned.acked += slice.len() as u64;
        delete(shared, "DELETE FROM acked WHERE sink = ?1 AND seq = ?2", slice)?;
    }
    let (settled, held, followed) = (settled(shared), held(&shared.names()), followed(&shared.names()));
    let sql = format!(
        "SELECT g.class, b.seq FROM body b JOIN generation g ON g.seq = b.seq JOIN class c ON c.id = g.class
         WHERE b.seq > ?1 AND ?2 IS NULL AND ({settled}) {held} ORDER BY b.seq LIMIT ?3"
    );
    let mut after = 0;
    loop {
        let slice = found(&sql, after, None)?;
        let Some((_, last)) = slice.last() else { break };
        after = *last;
        pruned.bodies += slice.len() as u64;
        delete(shared, "DELETE FROM body WHERE ?1 > 0 AND seq = ?2", slice)?;
    }
    pruned.rows = rows(shared, history, &format!("({settled}) {followed}"))?;
    ask(shared, false, move |desk| {
        desk.db.execute("DELETE FROM progress WHERE at < ?1", [At(history)])?;
        desk.db.execute("DELETE FROM late WHERE at < ?1", [At(history)])?;
        Ok(Ok(()))
    })?;
    Ok(pruned)
}

/// Generations whose path has another one, or none, for so long; and happenings that were refused before they
/// were delivered or thrown away: the others went when they were delivered.
fn rows(shared: &Shared, history: Stamp, done: &str) -> Result<u64, LedgerError> {
    let sql = format!(
        "SELECT g.class, g.seq FROM generation g JOIN class c ON c.id = g.class
         WHERE g.seq > ?1 AND {done} AND NOT EXISTS (SELECT 1 FROM body b WHERE b.seq = g.seq)
         AND ((c.kind LIKE 'on-%' AND NOT EXISTS (SELECT 1 FROM exception e WHERE e.seq = g.seq AND e.letter < 2))
           OR ((g.standing & 3) <> 1 AND coalesce(g.absent_at, g.admitted) < ?2
             AND NOT EXISTS (SELECT 1 FROM exception e WHERE e.seq = g.seq))) ORDER BY g.seq LIMIT ?3"
    );
    let (mut pruned, mut after) = (0, 0);
    loop {
        let read = |db: &Connection| pairs(db, &sql, after, Some(history));
        let slice = shared.readers.read("what can be cleared away", read)?;
        let Some((_, last)) = slice.last() else { return Ok(pruned) };
        after = *last;
        pruned += ask(shared, false, move |desk| {
            let mut gone = 0;
            for (_, seq) in &slice {
                gone += u64::from(forget(desk, *seq)?);
            }
            Ok(Ok(gone))
        })?;
    }
}

fn pairs(db: &Connection, sql: &str, after: i64, before: Option<Stamp>) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut ask = db.prepare_cached(sql)?;
    let rows = ask.query_map(params![after, before.map(At), SLICE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn delete(shared: &Shared, sql: &'static str, slice: Vec<(i64, i64)>) -> Result<(), LedgerError> {
    ask(shared, false, move |desk| {
        let mut delete = desk.db.prepare_cached(sql)?;
        for (first, second) in &slice {
            delete.execute(params![first, second])?;
        }
        Ok(Ok(()))
    })
}

/// Takes one generation away; returns whether it was there.
fn forget(desk: &mut Desk<'_>, seq: i64) -> rusqlite::Result<bool> {
    if is_followed(desk, seq)? {
        return Ok(false);
    }
    let sql = "SELECT class, path FROM generation WHERE seq = ?1";
    let mut find = desk.db.prepare_cached(sql)?;
    let mut rows = find.query([seq])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    let number: u32 = row.get(0)?;
    let Some(class) = desk.shared.names().class(number).cloned() else { return Ok(false) };
    let key = index_key(class.source, model::PathKey::of(row.get_ref(1)?.as_blob()?));
    drop(rows);
    desk.db.prepare_cached("DELETE FROM generation WHERE seq = ?1")?.execute([seq])?;
    desk.db.prepare_cached("DELETE FROM sample WHERE seq = ?1")?.execute([seq])?;
    desk.db.prepare_cached("DELETE FROM attempt WHERE seq = ?1")?.execute([seq])?;
    desk.db.prepare_cached("DELETE FROM dataset WHERE seq = ?1")?.execute([seq])?;
    desk.db.prepare_cached("DELETE FROM step WHERE seq = ?1")?.execute([seq])?;
    desk.db.prepare_cached("DELETE FROM path_index WHERE key = ?1 AND seq = ?2")?.execute([key, seq])?;
    desk.db.prepare_cached("UPDATE class SET total = total - 1 WHERE id = ?1")?.execute([number])?;
    let route = match class.fate {
        Fate::Announce(route) => Some(route),
        Fate::Adopt | Fate::Gone => None,
    };
    if let Some(route) = route {
        forget_letters(desk, seq, route)?;
    }
    desk.tallies.forget(route, class.fate == Fate::Adopt, 1);
    Ok(true)
}

/// Takes away the letters of it that were thrown away.
fn forget_letters(desk: &mut Desk<'_>, seq: i64, route: RouteId) -> rusqlite::Result<()> {
    let sql = "DELETE FROM exception WHERE seq = ?1 AND letter = 2 RETURNING sink";
    let mut delete = desk.db.prepare_cached(sql)?;
    let sinks: Vec<u32> = delete.query_map([seq], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for sink in sinks {
        desk.tallies.trouble(SinkId(sink), route, Some(Trouble::Purged), None);
    }
    Ok(())
}

/// The rows that are settled at every sink of their route, as a condition on `c` and `g`.
fn settled(shared: &Shared) -> String {
    let tallies: Tallies = shared.tallies().clone();
    let mut condition = "c.fate <> 0".to_owned();
    for number in 1..=tallies.routes() as u32 {
        // A route that leads nowhere is settled without end.
        let floor = i64::try_from(tallies.floor(RouteId(number))).unwrap_or(i64::MAX);
        let _ = write!(condition, " OR (c.route = {number} AND g.seq <= {floor})");
    }
    condition
}

/// That no queue has, or had until a while ago, the row, and no sink owes it.
fn held(names: &Names) -> String {
    let sinks = sinks(names);
    format!(
        "AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.sink IN ({sinks}) AND q.seq = b.seq)
         AND NOT EXISTS (SELECT 1 FROM acked a WHERE a.sink IN ({sinks}) AND a.seq = b.seq)
         AND NOT EXISTS (SELECT 1 FROM exception e WHERE e.seq = b.seq AND e.letter < 2)"
    )
}

/// That no sink goes on following something after the row was delivered.
fn followed(names: &Names) -> String {
    format!("AND NOT EXISTS (SELECT 1 FROM pursuit p WHERE p.sink IN ({}) AND p.seq = g.seq)", sinks(names))
}

/// Whether a sink does, by now.
fn is_followed(desk: &Desk<'_>, seq: i64) -> rusqlite::Result<bool> {
    let mut ask = desk.db.prepare_cached("SELECT 1 FROM pursuit WHERE sink = ?1 AND seq = ?2")?;
    for SinkId(number) in desk.shared.names().sink_ids() {
        if ask.exists(params![number, seq])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// All of them, those that are configured no more too, as a list for SQL.
fn sinks(names: &Names) -> String {
    let sinks: Vec<String> = names.sink_ids().map(|SinkId(number)| number.to_string()).collect();
    sinks.join(",")
}
