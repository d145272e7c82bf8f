//! Rows as parcels.

use std::sync::Arc;

use model::{Frozen, Parcel};
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};

use crate::answer::Fetch;
use crate::error::LedgerError;
use crate::options::SinkId;

use super::codec::{At, Id};
use super::damage::{self, Damage};
use super::shared::Shared;
use super::sums;

macro_rules! row {
    () => {
        "g.seq, g.class, g.path, g.id, g.size, g.mtime, g.inode, g.ctime, g.number, g.recurrence, g.supersedes, \
         g.first_seen, g.admitted, g.waited_ms, g.sum"
    };
}

/// What the sum of a row of `generation g` is made of, and the sum.
pub(super) const ROW: &str = row!();
/// How many columns that are, without the sum.
pub(super) const SUMMED: usize = 14;
/// The columns that [`parcel`] reads, for a query over `generation g` and `body b`.
pub(super) const COLUMNS: &str = concat!(row!(), ", b.body, b.sum");
/// How many they are: the first column behind them.
pub(super) const WIDTH: usize = SUMMED + 3;

/// What is damaged of a row with [`COLUMNS`] from `first` on. That it has no bytes is no damage: they may be cleared away.
pub(super) fn damage_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Damage>> {
    let seq = row.get::<_, i64>(first)?;
    if !sums::agree(row, first, SUMMED)? {
        return Ok(Some(Damage::OfRow(seq as u64)));
    }
    let (body, sum) = (row.get_ref(first + SUMMED + 1)?, row.get_ref(first + SUMMED + 2)?);
    Ok((!sums::body_agrees(seq, body, sum)).then_some(Damage::OfBody(seq as u64)))
}

/// Whether a row with [`COLUMNS`] has the event's bytes.
pub(super) fn has_body(row: &Row<'_>, first: usize) -> rusqlite::Result<bool> {
    Ok(row.get_ref(first + SUMMED + 1)? != ValueRef::Null)
}

/// Makes a parcel of a row with [`COLUMNS`]; nothing if its class is unknown. What is damaged makes none.
pub(super) fn parcel(shared: &Shared, row: &Row<'_>, attempt: u32) -> rusqlite::Result<Option<Parcel>> {
    if let Some(damage) = damage_of(row, 0)? {
        return Err(damage.into());
    }
    looked_at(shared, row, attempt)
}

/// The same of a row that was looked at.
fn looked_at(shared: &Shared, row: &Row<'_>, attempt: u32) -> rusqlite::Result<Option<Parcel>> {
    let seq = row.get::<_, i64>(0)? as u64;
    let names = shared.names();
    let Some(class) = names.class(row.get(1)?) else { return Ok(None) };
    let Some(source) = names.source(class.source) else { return Ok(None) };
    Ok(Some(Parcel {
        seq,
        attempt,
        event: Frozen { id: row.get::<_, Id>(3)?.0, body: row.get(SUMMED + 1)? },
        source: Arc::clone(&source.name),
        root: source.root_at(seq),
        path: row.get(2)?,
        cause: class.cause,
        admitted: row.get::<_, At>(12)?.0,
        kind: class.kind,
        size: row.get::<_, i64>(4)? as u64,
        mtime: row.get::<_, At>(5)?.0,
        generation: row.get(8)?,
    }))
}

/// The same where others need not wait for what is damaged: it is passed over and stays where it is, and the health says so.
pub(super) fn sound_parcel(shared: &Shared, row: &Row<'_>, attempt: u32) -> rusqlite::Result<Option<Parcel>> {
    match parcel(shared, row, attempt) {
        Err(error) if damage::told(&error).is_some() => {
            shared.readers.note_damage(&error);
            Ok(None)
        }
        parcel => parcel,
    }
}

/// Whose events are fetched.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    /// Those of one sink: none of them is passed over.
    Sink(SinkId),
    /// All whose bytes are still there.
    Everybody,
}

impl For {
    fn wants(self, shared: &Shared) -> impl Fn(u32) -> bool + use<> {
        let names = shared.names();
        let wanted = names.classes.iter().map(|class| match (self, class.fate) {
            (For::Everybody, _) => true,
            (For::Sink(sink), crate::entry::Fate::Announce(route)) => names.leads_to(route, sink),
            (For::Sink(_), _) => false,
        });
        let wanted: Vec<bool> = wanted.collect();
        move |class| wanted.get(crate::names::slot(class)).copied().unwrap_or(false)
    }

    /// Whether the bytes of that row must be there. Asked after the row was read: what was not settled by now was not then.
    fn owes(self, shared: &Shared, seq: u64) -> bool {
        match self {
            For::Sink(sink) => shared.tallies().sink(sink).is_some_and(|tally| seq > tally.cursor),
            For::Everybody => false,
        }
    }
}

/// Up to `limit` announced events behind `after`. `end` is what was committed before the names were looked at: a reader
/// may see more, and must not skip it.
///
/// Rows of others are looked at, too: which class a damaged row has is not to be believed, and behind one that was passed
/// over the cursor would never come back. What lies before it is given; then there is an error.
pub(super) fn fetch(
    shared: &Shared,
    whose: For,
    (after, end): (u64, u64),
    limit: usize,
) -> Result<Fetch, LedgerError> {
    let end = end.max(after);
    let wants = whose.wants(shared);
    let sql = format!(
        "SELECT {COLUMNS} FROM generation g LEFT JOIN body b ON b.seq = g.seq
         WHERE g.seq > ?1 AND g.seq <= ?2 ORDER BY g.seq"
    );
    shared.readers.read("events", |db| {
        let mut ask = db.prepare_cached(&sql)?;
        let mut rows = ask.query(params![after as i64, end as i64])?;
        let mut parcels: Vec<Parcel> = Vec::new();
        while let Some(row) = rows.next()? {
            let so_far = parcels.last().map_or(after, |last| last.seq);
            if parcels.len() == limit {
                return Ok(Fetch { parcels, scanned_to: so_far });
            }
            match next(shared, whose, row, &wants) {
                Err(error) if damage::told(&error).is_some() && !parcels.is_empty() => {
                    shared.readers.note_damage(&error);
                    return Ok(Fetch { parcels, scanned_to: so_far });
                }
                found => parcels.extend(found?),
            }
        }
        Ok(Fetch { parcels, scanned_to: end })
    })
}

/// A row as a parcel, if it is one of those.
fn next(
    shared: &Shared,
    whose: For,
    row: &Row<'_>,
    wants: impl Fn(u32) -> bool,
) -> rusqlite::Result<Option<Parcel>> {
    if let Some(damage) = damage_of(row, 0)? {
        return Err(damage.into());
    }
    if !wants(row.get(1)?) {
        return Ok(None);
    }
    if has_body(row, 0)? {
        return looked_at(shared, row, 1);
    }
    let seq = row.get::<_, i64>(0)? as u64;
    if whose.owes(shared, seq) { Err(Damage::NoBody(seq).into()) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::super::types::table_named;
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_sum() {
        let listed = table_named("generation").unwrap().summed;
        assert_eq!(ROW.replace("g.", ""), format!("{listed}, sum"));
        assert_eq!(listed.split(", ").count(), SUMMED);
    }
}
