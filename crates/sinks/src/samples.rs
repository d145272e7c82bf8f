//! Parcels for tests.

use model::{Cause, Event, Fingerprint, Identity, Kind, Members, Moved, Parcel, Signal, SignalSet, Stamp};
#[cfg(test)]
use model::{Detail, Happening};

/// A parcel as the ledger would hand it out, for a file at `path`.
#[cfg(test)]
pub(crate) fn parcel(path: &[u8]) -> Parcel {
    numbered(1, path)
}

/// The same with its place in the ledger.
pub(crate) fn numbered(seq: u64, path: &[u8]) -> Parcel {
    made(seq, path, Kind::File, SIZE, None, None)
}

/// A dataset with these members.
#[cfg(test)]
pub(crate) fn dataset(members: &Members) -> Parcel {
    made(1, b"x.ms", Kind::Dataset, SIZE, Some(members), None)
}

/// Something of an event stream.
#[cfg(test)]
pub(crate) fn happening(
    seq: u64,
    what: Happening,
    path: &[u8],
    detail: Detail,
    moved: Option<&Moved>,
) -> Parcel {
    made(seq, path, Kind::Happening(what), detail.pack(), None, moved)
}

const SIZE: u64 = 1234;

fn made(
    seq: u64,
    path: &[u8],
    kind: Kind,
    size: u64,
    members: Option<&Members>,
    moved: Option<&Moved>,
) -> Parcel {
    let admitted = Stamp::new(1_795_226_344, 123_456_789);
    let fingerprint = Fingerprint { size, mtime: Stamp::new(1_795_226_343, 900_000_000), inode: 1311 };
    let event = Event {
        identity: Identity {
            site: "obs1",
            source: "stage1",
            path,
            kind,
            fingerprint,
            recurrence: seq as u32,
        },
        root: b"/data/stage1",
        time: admitted,
        generation: 1,
        supersedes: None,
        mode: 0o100_644,
        rule: "bulletins",
        signals: SignalSet::EMPTY.with(Signal::Closed).with(Signal::WriterGone),
        waited_ms: 3,
        backend: "inotify",
        cause: Cause::Arrived,
        members,
        moved,
    };
    Parcel {
        seq,
        attempt: 1,
        event: event.freeze(),
        source: "stage1".into(),
        root: b"/data/stage1".as_slice().into(),
        path: path.to_vec(),
        cause: Cause::Arrived,
        admitted,
        kind,
        size,
        mtime: fingerprint.mtime,
        generation: 1,
    }
}

/// `count` parcels with names `f1`, `f2`, …
#[cfg(test)]
pub(crate) fn batch(first: u64, count: u64) -> Vec<Parcel> {
    (first..first + count).map(|seq| numbered(seq, format!("f{seq}").as_bytes())).collect()
}
