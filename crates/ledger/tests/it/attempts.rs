//! The attempts that did not go through are remembered; those that did cost nothing.

use std::time::Duration;

use ledger::{Fate, Moment, Report};

use crate::house::{House, admit, at, dead, delivered, parked};

fn refused(house: &House, sink: ledger::SinkId, attempts: u32) {
    let report = Report { parked: vec![parked(1, attempts)], at: at(i64::from(attempts)), ..delivered(1, 0) };
    house.report(sink, report);
}

fn whats(history: &[Moment]) -> Vec<&str> {
    history.iter().map(|moment| moment.what.as_str()).collect()
}

fn rows(house: &House) -> i64 {
    let db = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    db.query_row("SELECT count(*) FROM attempt", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_event_tells_what_it_went_through_until_it_was_delivered() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a"]);
    refused(&house, sink, 0);
    refused(&house, sink, 1);
    house.report(sink, Report { dead: vec![dead(1)], at: at(3), ..Report::default() });
    house.ledger.dead_retry(sink, &[1], at(4)).unwrap();
    let house = house.reopen();
    house.report(sink, Report { unparked_delivered: vec![1], at: at(5), ..Report::default() });
    let record = house.ledger.records(house.source, b"a").unwrap().remove(0);
    let history = &record.sinks[0].history;
    assert_eq!(history.iter().map(|moment| moment.time).collect::<Vec<_>>(), [0, 1, 3, 4, 5].map(at));
    let expected = [
        "not now",
        "attempt 1 was refused: not now",
        "attempt 3 was rejected for good; a dead letter now: never",
        "an operator asked for another attempt",
        "attempt 4 was acknowledged",
    ];
    assert_eq!(whats(history), expected);
    assert_eq!(house.ledger.attempts(sink, 1).unwrap(), *history);
}

#[test]
fn an_event_that_goes_through_at_once_leaves_no_line() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), (0..500).map(|number| format!("f{number}")));
    house.report(sink, delivered(500, 500));
    assert_eq!(rows(&house), 0);
    assert_eq!(house.ledger.records(house.source, b"f7").unwrap()[0].sinks[0].history, []);
}

#[test]
fn both_modes_keep_the_first_and_the_latest_of_many() {
    for house in [House::durable(), House::volatile()] {
        let (sink, other) = (house.sink("s"), house.sink("other"));
        house.announce(house.route(&[sink, other]), ["a"]);
        (1..=40).for_each(|attempts| refused(&house, sink, attempts));
        refused(&house, other, 1);
        let history = house.ledger.attempts(sink, 1).unwrap();
        let numbers: Vec<i64> = history.iter().map(|moment| moment.time.sec - at(0).sec).collect();
        assert_eq!(numbers, (1..=8).chain(33..=40).collect::<Vec<i64>>());
        assert_eq!(history[8].what, "attempt 33 was refused: not now");
        assert_eq!(house.ledger.attempts(other, 1).unwrap().len(), 1);
        assert_eq!(house.ledger.attempts(sink, 2).unwrap(), []);
    }
}

#[test]
fn the_generation_before_keeps_its_attempts_until_it_is_cleared_away() {
    let house = House::durable();
    let sink = house.sink("s");
    let fate = Fate::Announce(house.route(&[sink]));
    house.submit([admit(house.source, fate, b"a", 1)]);
    refused(&house, sink, 1);
    house.report(sink, Report { unparked_delivered: vec![1], at: at(2), ..Report::default() });
    house.submit((2..=12).map(|mtime| admit(house.source, fate, b"a", mtime)));
    house.report(sink, Report { at: at(20), ..delivered(12, 11) });
    let recent = house.ledger.recent_records(house.source, b"a", 8).unwrap();
    assert_eq!(recent.iter().map(|record| record.seq).collect::<Vec<_>>(), [12, 11, 10, 9, 8, 7, 6, 5]);
    let all = house.ledger.recent_records(house.source, b"a", 100).unwrap();
    assert_eq!((all.len(), all[11].sinks[0].history.len()), (12, 2));
    let mut oldest_first = house.ledger.records(house.source, b"a").unwrap();
    oldest_first.reverse();
    assert_eq!(oldest_first, all);
    house.ledger.prune(at(9_000), Duration::ZERO, Duration::from_hours(1)).unwrap();
    assert_eq!(house.ledger.records(house.source, b"a").unwrap().len(), 1);
    assert_eq!(rows(&house), 0);
}
