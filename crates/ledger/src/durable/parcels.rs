//! Rows as parcels.

use std::sync::Arc;

use model::{Frozen, Parcel};
use rusqlite::{Row, params};

use crate::answer::Fetch;
use crate::error::LedgerError;

use super::codec::{At, Id};
use super::shared::Shared;

/// The columns that [`parcel`] reads, for a query over `generation g` and `body b`.
pub(super) const COLUMNS: &str =
    "g.seq, g.class, g.path, g.id, g.size, g.mtime, g.admitted, g.number, b.body";

/// Makes a parcel of a row with [`COLUMNS`]; nothing if its class is unknown.
pub(super) fn parcel(shared: &Shared, row: &Row<'_>, attempt: u32) -> rusqlite::Result<Option<Parcel>> {
    let seq = row.get::<_, i64>(0)? as u64;
    let names = shared.names();
    let Some(class) = names.class(row.get(1)?) else { return Ok(None) };
    let Some(source) = names.source(class.source) else { return Ok(None) };
    Ok(Some(Parcel {
        seq,
        attempt,
        event: Frozen { id: row.get::<_, Id>(3)?.0, body: row.get(8)? },
        source: Arc::clone(&source.name),
        root: source.root_at(seq),
        path: row.get(2)?,
        cause: class.cause,
        admitted: row.get::<_, At>(6)?.0,
        kind: class.kind,
        size: row.get::<_, i64>(4)? as u64,
        mtime: row.get::<_, At>(5)?.0,
        generation: row.get(7)?,
    }))
}

/// Up to `limit` announced events behind `after` whose class is in the list. `end` is what was
/// committed before the list was made: a reader may see more, and must not skip it.
pub(super) fn fetch(
    shared: &Shared,
    classes: &str,
    (after, end): (u64, u64),
    limit: usize,
) -> Result<Fetch, LedgerError> {
    let end = end.max(after);
    let sql = format!(
        "SELECT {COLUMNS} FROM generation g JOIN body b ON b.seq = g.seq
         WHERE g.seq > ?1 AND g.seq <= ?2 AND g.class IN ({classes}) ORDER BY g.seq LIMIT ?3"
    );
    let parcels = shared.readers.read("events", |db| {
        let mut ask = db.prepare_cached(&sql)?;
        let mut rows = ask.query(params![after as i64, end as i64, limit as i64])?;
        let mut parcels = Vec::new();
        while let Some(row) = rows.next()? {
            parcels.extend(parcel(shared, row, 1)?);
        }
        Ok(parcels)
    })?;
    let scanned_to = if parcels.len() == limit { parcels.last().map_or(end, |last| last.seq) } else { end };
    Ok(Fetch { parcels, scanned_to })
}
