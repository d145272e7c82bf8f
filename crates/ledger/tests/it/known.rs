//! What is known of the paths that are there, in both modes.

use std::collections::BTreeMap;

use ledger::{Entry, Fate, KnownRow};
use model::{Cause, Fingerprint, Kind, PathKey, Stamp};

use crate::house::{House, absent, admit, at, print, removed};

/// Sample, change time, and whether it was only taken over.
type Known = BTreeMap<Vec<u8>, (Fingerprint, Stamp, bool)>;

fn known(house: &House) -> Known {
    house.ledger.flush().unwrap();
    let mut known = Known::new();
    let mut each = |row: KnownRow<'_>| {
        assert_eq!((row.key, row.kind), (PathKey::of(row.path), Kind::File));
        assert_eq!(row.cause, Cause::Arrived);
        let before = known.insert(row.path.to_vec(), (row.sample, row.ctime, row.adopted));
        assert!(before.is_none(), "told twice");
    };
    house.ledger.known(house.source, &mut each).unwrap();
    known
}

fn sample(house: &House, path: &[u8], mtime: i64) -> Entry {
    let (source, key) = (house.source, PathKey::of(path));
    Entry::Sample { source, key, path: path.into(), sample: print(mtime), ctime: at(mtime + 1) }
}

#[test]
fn each_path_that_is_there_is_told_as_it_looks_now() {
    for house in [House::durable(), House::volatile()] {
        let fate = Fate::Announce(house.route(&[house.sink("s")]));
        let source = house.source;
        house.submit([
            admit(source, fate, b"touched", 1),
            sample(&house, b"touched", 77),
            admit(source, Fate::Adopt, b"adopted", 1),
            admit(source, fate, b"again", 1),
            sample(&house, b"again", 5),
            admit(source, fate, b"again", 2),
            admit(source, fate, b"absent", 1),
            absent(source, b"absent"),
            sample(&house, b"absent", 9),
            admit(source, fate, b"removed", 1),
            removed(source, fate, b"removed"),
            admit(source, Fate::Gone, b"vanished", 1),
        ]);
        let expected: Known = [
            (&b"touched"[..], print(77), at(78), false),
            (b"adopted", print(1), at(2), true),
            (b"again", print(2), at(3), false),
        ]
        .map(|(path, sample, ctime, adopted)| (path.to_vec(), (sample, ctime, adopted)))
        .into();
        assert_eq!(known(&house), expected);
        house.submit([admit(source, fate, b"absent", 1), absent(source, b"touched")]);
        let now: Vec<Vec<u8>> = known(&house).into_keys().collect();
        assert_eq!(now, [&b"absent"[..], b"adopted", b"again"]);
    }
}

#[test]
fn more_than_one_slice_is_told_and_whoever_is_told_may_ask_the_ledger() {
    let house = House::volatile();
    let paths: Vec<String> = (0..5_000).map(|number| format!("f{number}")).collect();
    house.submit(paths.iter().map(|path| admit(house.source, Fate::Adopt, path.as_bytes(), 1)));
    let mut told = 0;
    let mut each = |_: KnownRow<'_>| {
        told += 1;
        assert_eq!(house.ledger.end().unwrap(), 5_000);
    };
    house.ledger.known(house.source, &mut each).unwrap();
    assert_eq!(told, paths.len());
}
