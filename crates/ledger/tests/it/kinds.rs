//! Datasets, removals and gaps, in both modes.

use std::sync::Arc;
use std::time::Duration;

use ledger::{Admission, Entry, Fate};
use model::{Cause, EventId, Identity, Kind, Members, Parcel, State};
use serde_json::{Value, json};

use crate::house::{House, absent, admission, admit, admit_as, at, delivered, id, print, removed};

const REMOVAL: Kind = Kind::Removal { dataset: false };

fn both(check: impl Fn(House, Fate)) {
    for house in [House::durable(), House::volatile()] {
        let fate = Fate::Announce(house.route(&[house.sink("s")]));
        check(house, fate);
    }
}

fn told(house: &House) -> Vec<(Parcel, Value)> {
    house.ledger.flush().unwrap();
    let parcels = house.backlog(house.sink("s")).into_iter();
    parcels.map(|parcel| (parcel.clone(), serde_json::from_slice(&parcel.event.line(1)).unwrap())).collect()
}

fn types(told: &[(Parcel, Value)]) -> Vec<&str> {
    told.iter().map(|(_, value)| value["type"].as_str().unwrap()).collect()
}

fn id_of(kind: Kind, path: &[u8], mtime: i64, recurrence: u32) -> EventId {
    let fingerprint = print(mtime);
    Identity { site: "site", source: "source", path, kind, fingerprint, recurrence }.id()
}

fn known(house: &House) -> Vec<(Vec<u8>, Kind, Cause)> {
    house.ledger.flush().unwrap();
    let mut known = Vec::new();
    let each = &mut |row: ledger::KnownRow<'_>| known.push((row.path.to_vec(), row.kind, row.cause));
    house.ledger.known(house.source, each).unwrap();
    known
}

#[test]
fn what_comes_and_goes_twice_is_told_four_times() {
    both(|house, fate| {
        let source = house.source;
        let (come, gone) = (|| admit(source, fate, b"a", 1), || removed(source, fate, b"a"));
        house.submit([come(), gone(), gone(), come(), gone()]);
        let told = told(&house);
        assert_eq!(types(&told), ["staithe.file.complete", "staithe.file.removed"].repeat(2));
        let ids: Vec<EventId> = told.iter().map(|(parcel, _)| parcel.event.id).collect();
        let expected =
            [id(b"a", 1, 0), id_of(REMOVAL, b"a", 1, 0), id(b"a", 1, 1), id_of(REMOVAL, b"a", 1, 1)];
        assert_eq!(ids, expected);
        let generations: Vec<u32> = told.iter().map(|(parcel, _)| parcel.generation).collect();
        assert_eq!(generations, [1, 1, 2, 2], "a removal is no generation");
        let supersedes: Vec<&Value> = told.iter().map(|(_, value)| &value["data"]["supersedes"]).collect();
        let named = |at: usize| json!(ids[at].to_string());
        assert_eq!(supersedes, [&Value::Null, &named(0), &named(0), &named(2)]);
        let removal = &told[1].1;
        assert_eq!((&removal["data"]["kind"], &removal["data"]["size"]), (&json!("file"), &json!(10)));
        assert_eq!(removal["data"]["mtime"], at(1).to_string());
        assert_eq!(
            (&removal["time"], &removal["data"]["removed"]["rule"]),
            (&json!(at(60).to_string()), &json!("removals"))
        );
        let counts = house.ledger.counts().unwrap();
        assert_eq!((counts.get(State::Queued), counts.get(State::Seen)), (4, 4));
        assert_eq!(known(&house), []);
    });
}

#[test]
fn only_what_was_announced_and_is_there_is_removed_with_an_event() {
    both(|house, fate| {
        let source = house.source;
        house.submit([
            removed(source, fate, b"never"),
            admit(source, Fate::Adopt, b"adopted", 1),
            removed(source, fate, b"adopted"),
            admit(source, fate, b"absent", 1),
            absent(source, b"absent"),
            removed(source, fate, b"absent"),
            admit(source, Fate::Gone, b"vanished", 1),
            removed(source, fate, b"vanished"),
            admit(source, fate, b"quiet", 1),
            removed(source, Fate::Adopt, b"quiet"),
        ]);
        assert_eq!(types(&told(&house)), ["staithe.file.complete"; 2]);
        assert_eq!(known(&house), []);
        // What was adopted is not there any more: its return is news, and a recurrence.
        house.submit([Entry::Again(Box::new(admission(source, fate, b"adopted", 1)))]);
        assert_eq!(told(&house)[2].0.event.id, id(b"adopted", 1, 1));
    });
}

#[test]
fn a_removal_looks_at_what_was_announced_and_not_at_what_came_before() {
    both(|house, fate| {
        let source = house.source;
        house.submit([
            admit(source, fate, b"a", 2),
            admit(source, fate, b"a", 1),
            admit(source, Fate::Gone, b"b", 5),
            removed(source, fate, b"a"),
        ]);
        let told = told(&house);
        assert_eq!(told[2].0.event.id, id_of(REMOVAL, b"a", 1, 0));
        assert_eq!(
            (told[2].0.generation, &told[2].1["data"]["supersedes"]),
            (2, &json!(id(b"a", 1, 0).to_string()))
        );
    });
}

#[test]
fn gaps_are_events_without_a_past() {
    both(|house, fate| {
        let source = house.source;
        let gap = |closed, number: i64| admit_as(Kind::Gap { closed }, source, fate, b"", number);
        house.submit([
            gap(false, 1),
            gap(true, 1),
            gap(false, 2),
            admit_as(Kind::Dataset, source, fate, b"", 3),
        ]);
        house.submit([removed(source, fate, b""), gap(true, 2), removed(source, fate, b"")]);
        let told = told(&house);
        let (opened, closed) = ("staithe.gap.opened", "staithe.gap.closed");
        let (complete, gone) = ("staithe.dataset.complete", "staithe.file.removed");
        assert_eq!(types(&told), [opened, closed, opened, complete, gone, closed]);
        let mut ids: Vec<EventId> = told.iter().map(|(parcel, _)| parcel.event.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
        assert!(
            told.iter()
                .all(|(_, value)| value["data"].get("supersedes").is_some() == (value["type"] == gone))
        );
        assert_eq!(told[3].0.generation, 1, "a gap is no generation of the root");
        assert_eq!(
            told[0].1["data"]["gap"],
            json!({"number": 10, "opened": at(1).to_string(), "cause": "rule"})
        );
        assert_eq!(known(&house), []);
        assert_eq!(house.ledger.counts().unwrap().get(State::Queued), 6);
    });
}

#[test]
fn a_dataset_that_is_late_is_announced_twice() {
    both(|house, fate| {
        let source = house.source;
        let members = |count| Some(Arc::new(Members { count, listed: Vec::new(), key: None }));
        let of = |mtime, cause, count| {
            let admission = admission(source, fate, b"x.ms", mtime);
            Entry::Admit(Box::new(Admission {
                kind: Kind::Dataset,
                cause,
                members: members(count),
                ..admission
            }))
        };
        house.submit([of(1, Cause::Overdue, 7)]);
        if house.dir.is_some() {
            assert_eq!(known(&house), [(b"x.ms".to_vec(), Kind::Dataset, Cause::Overdue)]);
        }
        house.submit([of(2, Cause::Arrived, 12)]);
        if house.dir.is_some() {
            assert_eq!(known(&house), [(b"x.ms".to_vec(), Kind::Dataset, Cause::Arrived)]);
        }
        house.submit([removed(source, fate, b"x.ms")]);
        let told = told(&house);
        assert_eq!(
            types(&told),
            ["staithe.dataset.incomplete", "staithe.dataset.complete", "staithe.file.removed"]
        );
        assert_eq!(told[1].1["data"]["supersedes"], told[0].1["id"]);
        assert_eq!(told[1].1["data"]["members"]["count"], 12);
        assert_eq!(
            (told[2].0.kind, &told[2].1["data"]["kind"]),
            (Kind::Removal { dataset: true }, &json!("dataset"))
        );
        assert!(told[2].1["data"].get("members").is_none());
    });
}

#[test]
fn a_restart_remembers_what_is_to_be_removed_and_how_many_members_there_were() {
    let house = House::durable();
    let sink = house.sink("s");
    let fate = Fate::Announce(house.route(&[sink]));
    let source = house.source;
    house.submit([admit_as(Kind::Dataset, source, fate, b"d", 3), admit(source, fate, b"f", 1)]);
    let house = house.reopen();
    assert_eq!(known(&house).len(), 2);
    house.submit([removed(source, fate, b"d"), removed(source, fate, b"f")]);
    let house = house.reopen();
    let told = told(&house);
    assert_eq!(told[2].0.event.id, id_of(Kind::Removal { dataset: true }, b"d", 3, 0));
    assert_eq!(told[3].0.event.id, id_of(REMOVAL, b"f", 1, 0));
    house.report(sink, delivered(4, 4));
    house.ledger.prune(at(1_000), Duration::ZERO, Duration::from_hours(1)).unwrap();
    let records = house.ledger.records(source, b"d").unwrap();
    let counts: Vec<_> = records.iter().map(|record| (record.kind, record.members_count)).collect();
    assert_eq!(counts, [(Kind::Dataset, Some(3)), (Kind::Removal { dataset: true }, None)]);
    assert_eq!((records[0].absent, records[1].absent), (true, false));
    assert_eq!((records[0].absent_at, records[1].absent_at), (Some(at(60)), None));
    let pruned = house.ledger.prune(at(10_000), Duration::ZERO, Duration::from_hours(1)).unwrap();
    assert_eq!(pruned.rows, 4, "removals are kept no longer than what they removed");
    let db = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    let left: i64 = db.query_row("SELECT count(*) FROM dataset", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}
