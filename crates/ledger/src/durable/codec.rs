//! Values as columns, and back.

use model::{Cause, EventId, Fingerprint, Kind, Signal, SignalSet, Stamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

use crate::entry::{Fate, Moment};
use crate::options::RouteId;

/// A time as a column: nanoseconds where 64 bits hold them, else seconds and nanoseconds as a
/// blob, so that two different times stay different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Stamp);

/// Seconds whose nanoseconds certainly fit into 64 bits.
const NARROW: std::ops::Range<i64> = -9_223_372_036..9_223_372_036;

impl At {
    /// Its nanoseconds, if the column holds those.
    pub(crate) fn narrow(self) -> Option<i64> {
        NARROW.contains(&self.0.sec).then(|| self.0.as_nanos())
    }

    /// What the column holds otherwise.
    pub(crate) fn wide(self) -> Vec<u8> {
        let Stamp { sec, nsec } = self.0;
        let mut wide = Vec::with_capacity(12);
        wide.extend_from_slice(&sec.to_le_bytes());
        wide.extend_from_slice(&nsec.to_le_bytes());
        wide
    }
}

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.narrow() {
            Some(nanos) => Ok(nanos.into()),
            None => Ok(ToSqlOutput::Owned(Value::Blob(self.wide()))),
        }
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(nanos) => Ok(Self(Stamp::from_nanos(nanos))),
            ValueRef::Blob(wide) => {
                let (sec, nsec) = wide.split_first_chunk::<8>().ok_or(FromSqlError::InvalidType)?;
                let nsec: [u8; 4] = nsec.try_into().map_err(|_| FromSqlError::InvalidType)?;
                Ok(Self(Stamp::new(i64::from_le_bytes(*sec), u32::from_le_bytes(nsec))))
            }
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// An id as a column.
pub(crate) struct Id(pub(crate) EventId);

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        Ok(Self(EventId(bytes.try_into().map_err(|_| FromSqlError::InvalidType)?)))
    }
}

/// A fingerprint from three columns, the first of which has that number.
pub(crate) fn fingerprint(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Fingerprint> {
    Ok(Fingerprint {
        size: row.get::<_, i64>(first)? as u64,
        mtime: row.get::<_, At>(first + 1)?.0,
        inode: row.get::<_, i64>(first + 2)? as u64,
    })
}

pub(crate) fn signal_bits(signals: SignalSet) -> u32 {
    signals.iter().fold(0, |bits, signal| bits | 1 << signal as u8)
}

pub(crate) fn signals(bits: u32) -> SignalSet {
    let mut set = SignalSet::EMPTY;
    for signal in Signal::ALL {
        if bits & 1 << signal as u8 != 0 {
            set = set.with(signal);
        }
    }
    set
}

/// The columns `fate` and `route` of a class.
pub(crate) fn fate_columns(fate: Fate) -> (u8, u32) {
    match fate {
        Fate::Announce(route) => (0, route.0),
        Fate::Adopt => (1, 0),
        Fate::Gone => (2, 0),
    }
}

pub(crate) fn fate(number: u8, route: u32) -> Option<Fate> {
    match number {
        0 => Some(Fate::Announce(RouteId(route))),
        1 => Some(Fate::Adopt),
        2 => Some(Fate::Gone),
        _ => None,
    }
}

/// A column whose value this program never writes.
pub(crate) fn impossible(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Null, what.into())
}

pub(crate) fn kind(name: &str) -> rusqlite::Result<Kind> {
    Kind::from_name(name).ok_or_else(|| impossible("an unknown kind of unit"))
}

pub(crate) fn cause(number: u8) -> rusqlite::Result<Cause> {
    Cause::from_u8(number).ok_or_else(|| impossible("an unknown cause"))
}

/// Writes a timeline as lines: nanoseconds after `origin`, a space, what happened.
pub(crate) fn push_history(history: &[Moment], origin: Stamp, out: &mut String) {
    use std::fmt::Write as _;
    for moment in history {
        let after = moment.time.as_nanos().saturating_sub(origin.as_nanos());
        let _ = write!(out, "{after} ");
        for c in moment.what.chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\\' => out.push_str("\\\\"),
                c => out.push(c),
            }
        }
        out.push('\n');
    }
}

pub(crate) fn history(text: &str, origin: Stamp) -> Vec<Moment> {
    text.lines().filter_map(|line| moment(line, origin)).collect()
}

fn moment(line: &str, origin: Stamp) -> Option<Moment> {
    let (after, text) = line.split_once(' ')?;
    let nanos = origin.as_nanos().saturating_add(after.parse().ok()?);
    let mut what = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => what.push(if chars.next() == Some('n') { '\n' } else { '\\' }),
            c => what.push(c),
        }
    }
    Some(Moment { time: Stamp::from_nanos(nanos), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_survives_the_column() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        for (sec, nsec) in [
            (0, 0),
            (-1, 999_999_999),
            (1_795_226_343, 1),
            (9_223_372_035, 999_999_999),
            (9_223_372_036, 854_775_808),
            (-9_223_372_037, 0),
            (i64::MAX, 999_999_999),
            (i64::MIN, 0),
        ] {
            let stamp = Stamp::new(sec, nsec);
            let back: At = db.query_row("SELECT ?1", [At(stamp)], |row| row.get(0)).unwrap();
            assert_eq!(back.0, stamp);
        }
    }

    #[test]
    fn a_timeline_survives_the_column() {
        let origin = Stamp::new(100, 5);
        let moments = vec![
            Moment { time: Stamp::new(99, 0), what: "before\\n".into() },
            Moment { time: Stamp::new(100, 5), what: "two\nlines \\".into() },
            Moment { time: Stamp::new(3_000, 7), what: String::new() },
        ];
        let mut text = String::new();
        push_history(&moments, origin, &mut text);
        assert_eq!(history(&text, origin), moments);
    }

    #[test]
    fn signal_sets_survive_the_column() {
        for bits in 0..1 << Signal::ALL.len() {
            assert_eq!(signal_bits(signals(bits)), bits);
        }
    }
}
