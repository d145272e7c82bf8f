//! The sums of rows: what tells a value that was written from one whose bits flipped since.
//!
//! A sum is a CRC-32 of a row's values, each behind a byte that says what it is and, where it has no fixed length, how
//! long it is. A CRC tells every single bit that flipped, for certain, and a longer damage but for one in four
//! thousand million. It is stored as a signed number of 32 bits: that takes four bytes of a row.

use rusqlite::Row;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::codec::{At, impossible};

/// What stands before a value.
const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// The values of a row, one after the other, as the sum takes them.
#[derive(Debug, Default)]
pub(super) struct Pad(Vec<u8>);

impl Pad {
    /// Begins another row.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn null(&mut self) {
        self.0.push(NULL);
    }

    pub(super) fn integer(&mut self, value: i64) {
        self.0.push(INTEGER);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn blob(&mut self, value: &[u8]) {
        self.long(BLOB, value);
    }

    pub(super) fn stamp(&mut self, value: At) {
        match value.narrow() {
            Some(nanos) => self.integer(nanos),
            None => self.blob(&value.wide()),
        }
    }

    fn long(&mut self, what: u8, value: &[u8]) {
        self.0.push(what);
        self.0.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.0.extend_from_slice(value);
    }

    /// A value as it is stored.
    pub(super) fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.null(),
            ValueRef::Integer(value) => self.integer(value),
            ValueRef::Real(value) => {
                self.0.push(REAL);
                self.0.extend_from_slice(&value.to_le_bytes());
            }
            ValueRef::Text(value) => self.long(TEXT, value),
            ValueRef::Blob(value) => self.long(BLOB, value),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn sum(&self) -> i64 {
        stored(crc32fast::hash(&self.0))
    }
}

/// How many bytes of a [`Pad`] stand before a value, and how many are the value.
pub(super) fn extent(value: ValueRef<'_>) -> (usize, usize) {
    match value {
        ValueRef::Null => (1, 0),
        ValueRef::Integer(_) | ValueRef::Real(_) => (1, 8),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => (5, bytes.len()),
    }
}

fn stored(crc: u32) -> i64 {
    i64::from(crc.cast_signed())
}

/// The sum of a few values that are about to be stored. Not for the rows of which there is one for each event.
pub(super) fn of(values: &[&dyn ToSql]) -> rusqlite::Result<i64> {
    let mut pad = Pad::default();
    for value in values {
        match value.to_sql()? {
            ToSqlOutput::Borrowed(value) => pad.value(value),
            ToSqlOutput::Owned(value) => pad.value((&value).into()),
            _ => return Err(impossible("a value of no known form")),
        }
    }
    Ok(pad.sum())
}

/// The sum of a row of `body`, without a copy of the bytes.
pub(super) fn of_body(seq: i64, body: &[u8]) -> i64 {
    let mut head = [0; 14];
    head[0] = INTEGER;
    head[1..9].copy_from_slice(&seq.to_le_bytes());
    head[9] = BLOB;
    head[10..].copy_from_slice(&(body.len() as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head);
    crc.update(body);
    stored(crc.finalize())
}

/// Whether a sum as it is stored is that one. A row of an earlier version has none: nobody knows.
fn is(stored: ValueRef<'_>, sum: impl FnOnce() -> i64) -> bool {
    switch::is_off("row-sums")
        || match stored {
            ValueRef::Null => true,
            ValueRef::Integer(stored) => stored == sum(),
            _ => false,
        }
}

/// Whether `count` columns from `first` on have the sum that the column behind them says.
pub(super) fn agree(row: &Row<'_>, first: usize, count: usize) -> rusqlite::Result<bool> {
    let sum = row.get_ref(first + count)?;
    let mut pad = Pad(Vec::with_capacity(320));
    for at in first..first + count {
        pad.value(row.get_ref(at)?);
    }
    Ok(is(sum, || pad.sum()))
}

/// Whether the event's bytes have the sum that was stored with them.
pub(super) fn body_agrees(seq: i64, body: ValueRef<'_>, sum: ValueRef<'_>) -> bool {
    match body {
        ValueRef::Blob(body) => is(sum, || of_body(seq, body)),
        // Whoever reads it says so.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_a_sum_gives_the_same() {
        let body = b"{\"id\":\"x\"}".repeat(60);
        assert_eq!(of_body(7, &body), of(rusqlite::params![7, body]).unwrap());
        let wide = At(model::Stamp::new(i64::MAX, 5));
        for at in [At(model::Stamp::new(-1, 999_999_999)), wide] {
            let mut pad = Pad::default();
            pad.stamp(at);
            pad.null();
            pad.blob(b"x");
            assert_eq!(pad.sum(), of(rusqlite::params![at, None::<i64>, b"x"]).unwrap());
        }
    }

    #[test]
    fn what_lies_where_counts() {
        let sums = [
            of(rusqlite::params!["ab", "c"]).unwrap(),
            of(rusqlite::params!["a", "bc"]).unwrap(),
            of(rusqlite::params![b"ab", b"c"]).unwrap(),
            of(rusqlite::params!["c", "ab"]).unwrap(),
        ];
        assert!((1..sums.len()).all(|at| !sums[..at].contains(&sums[at])), "{sums:?}");
    }
}
