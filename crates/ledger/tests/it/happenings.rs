//! Happenings of event streams: delivered as every event is, remembered as none.

use ledger::{Admission, Entry, Fate, Report, RouteId, SinkId};
use model::{Detail, Fingerprint, Happening, Kind, PathKey};

use crate::house::{House, admission, at, backlog, dead, delivered, open, parked, wait};

/// One happening of each number.
fn happening(house: &House, route: RouteId, number: u64) -> Entry {
    let what = Happening::ALL[number as usize % Happening::ALL.len()];
    let detail = Detail { cookie: 3, ..Detail::default() };
    let path = format!("p{}", number % 3);
    Entry::Admit(Box::new(Admission {
        kind: Kind::Happening(what),
        key: PathKey(0),
        fingerprint: Fingerprint { size: detail.pack(), mtime: at(1), inode: number },
        ..admission(house.source, Fate::Announce(route), path.as_bytes(), 1)
    }))
}

fn tell(house: &House, route: RouteId, numbers: std::ops::Range<u64>) -> u64 {
    house.submit(numbers.map(|number| happening(house, route, number)));
    house.ledger.flush().unwrap()
}

fn stream(house: &House, sinks: &[SinkId]) -> RouteId {
    house.ledger.stream_route(sinks).unwrap()
}

/// How many rows of a table the file has.
fn rows(house: &House, table: &str) -> i64 {
    let db = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_happening_is_delivered_and_is_no_unit() {
    for house in [House::durable(), House::volatile()] {
        let sink = house.sink("s");
        let route = stream(&house, &[sink]);
        assert_ne!(route, house.route(&[sink]), "generations are counted, happenings are not");
        assert_eq!(stream(&house, &[sink]), route);
        house.announce(house.route(&[sink]), ["p0"]);
        let before = house.ledger.counts().unwrap();
        tell(&house, route, 0..20);
        assert_eq!(house.ledger.counts().unwrap(), before);
        assert_eq!(house.ledger.sink_counts(sink).unwrap().queued, 21);
        let all = house.backlog(sink);
        let ids: std::collections::HashSet<_> = all.iter().map(|parcel| parcel.event.id).collect();
        assert_eq!((all.len(), ids.len()), (21, 21));
        assert_eq!(all[5].kind, Kind::Happening(Happening::Attrib));
        if house.dir.is_some() {
            let mut known = 0;
            house.ledger.known(house.source, &mut |_| known += 1).unwrap();
            let mut listed = 0;
            house
                .ledger
                .each_record(None, &mut |_| {
                    listed += 1;
                    true
                })
                .unwrap();
            assert_eq!((known, listed), (1, 1));
            assert_eq!(house.ledger.records(house.source, b"p0").unwrap().len(), 1);
        }
    }
}

#[test]
fn what_every_sink_has_is_cleared_away_at_once_and_nothing_else() {
    let house = House::durable();
    let (quick, slow) = (house.sink("quick"), house.sink("slow"));
    let (both, one) = (stream(&house, &[quick, slow]), stream(&house, &[quick]));
    let first = tell(&house, both, 0..100);
    house.announce(house.route(&[quick]), ["file"]);
    let end = tell(&house, one, 100..200);
    house.report(quick, delivered(end, 201));
    assert_eq!((rows(&house, "generation"), rows(&house, "body")), (101, 101), "those of one sink are gone");
    assert_eq!(house.backlog(slow).len(), 100);
    house.report(slow, delivered(first - 50, 50));
    assert_eq!(rows(&house, "generation"), 51);
    let house = house.reopen();
    assert_eq!(house.backlog(slow).len(), 50, "they are there after a restart");
    house.report(slow, delivered(first, 50));
    wait("the rest", || rows(&house, "generation") == 1 && rows(&house, "body") == 1);
    assert_eq!(house.ledger.records(house.source, b"file").unwrap().len(), 1);
    assert_eq!(house.ledger.counts().unwrap().get(model::State::Delivered), 1);
}

#[test]
fn happenings_leave_no_trace_where_paths_are_looked_for() {
    let house = House::durable();
    let sink = house.sink("s");
    let route = stream(&house, &[sink]);
    for round in 0..5 {
        let end = tell(&house, route, round * 8000..(round + 1) * 8000);
        house.report(sink, delivered(end, 8000));
    }
    // As many units would long have been merged into the index.
    assert_eq!(rows(&house, "path_index"), 0);
    assert_eq!(rows(&house, "progress"), 0);
    wait("all of them", || rows(&house, "generation") == 0);
    let size = std::fs::metadata(house.path().join("ledger.db")).unwrap().len();
    assert!(size < 32 << 20, "{size}: room is used again");
    assert_eq!(backlog(&house.ledger, sink).len(), 0);
    assert_eq!(house.ledger.sink_counts(sink).unwrap().delivered, 40_000);
}

#[test]
fn what_a_sink_refused_stays_until_it_is_settled() {
    let house = House::durable();
    let sink = house.sink("s");
    let route = stream(&house, &[sink]);
    let end = tell(&house, route, 0..10);
    let report = Report { parked: vec![parked(3, 1)], dead: vec![dead(4), dead(5)], ..delivered(end, 7) };
    house.report(sink, report);
    assert_eq!(rows(&house, "generation"), 3);
    assert_eq!(house.ledger.retries(sink).unwrap().len(), 1);
    let letters = house.ledger.dead(None).unwrap();
    assert_eq!(letters.len(), 2);
    assert!(letters[0].parcel.event.line(1).ends_with(b"}}}"));
    let house = house.reopen();
    house.report(sink, Report { unparked_delivered: vec![3], at: at(300), ..Report::default() });
    assert_eq!(house.ledger.dead_purge(sink, &[4]).unwrap(), 1);
    let year = std::time::Duration::from_hours(365 * 24);
    house.ledger.prune(at(400), year, year).unwrap();
    assert_eq!((rows(&house, "generation"), rows(&house, "exception")), (1, 1), "the letter is left");
    assert_eq!(house.ledger.dead(None).unwrap().len(), 1);
    assert_eq!(house.ledger.counts().unwrap(), ledger::Counts::default());
}

#[test]
fn in_memory_they_are_forgotten_when_they_are_delivered() {
    let house = House::volatile();
    let sink = house.sink("s");
    let route = stream(&house, &[sink]);
    // More than may be pending: whoever submits would wait for ever if they stayed.
    for round in 0..4 {
        let end = tell(&house, route, round * 8000..(round + 1) * 8000);
        house.report(sink, delivered(end, 8000));
    }
    assert_eq!(house.ledger.sink_counts(sink).unwrap().delivered, 32_000);
}

#[test]
fn what_was_cleared_away_is_no_loss_when_the_ledger_is_damaged() {
    let house = House::durable();
    let sink = house.sink("s");
    let end = tell(&house, stream(&house, &[sink]), 0..50);
    house.report(sink, delivered(end, end));
    wait("all of them to be cleared away", || rows(&house, "generation") == 0);
    let end = house.announce(house.route(&[sink]), ["owed", "spoiled"]);
    house.ledger.close().unwrap();
    let db = rusqlite::Connection::open(house.path().join("ledger.db")).unwrap();
    db.execute("UPDATE body SET body = x'7b7d' WHERE seq = ?1", [end as i64]).unwrap();
    drop(db);
    let (ledger, report) = open(house.path()).unwrap();
    let quarantine = report.quarantined.expect("the damage is found");
    assert_eq!((quarantine.salvaged, quarantine.lost), (1, 1));
    ledger.close().unwrap();
}
