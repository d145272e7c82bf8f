//! Parcels for tests.

use model::{Cause, EventId, Frozen, Kind, Parcel, Stamp};

/// A parcel without much in it.
pub(crate) fn parcel(seq: u64, path: &str) -> Parcel {
    Parcel {
        seq,
        attempt: 1,
        event: Frozen { id: EventId([seq as u8; 16]), body: [].into() },
        source: "s".into(),
        root: b"/r".as_slice().into(),
        path: path.as_bytes().to_vec(),
        cause: Cause::Arrived,
        admitted: Stamp::new(1, 0),
        kind: Kind::File,
        size: 1,
        mtime: Stamp::new(1, 0),
        generation: 1,
    }
}
