//! Rows that are not as they were written: found at the start where they are owed, never delivered, put right or told of.

use std::path::Path;

use ledger::{Health, LedgerError, Pursuit, Report, StepNote};
use tempfile::TempDir;

use crate::house::{House, at, backlog, delivered, mark_clean, open, parked, said};

/// A ledger of ten events, the first of which is parked and the second dead, and the rest are owed; all of them in a
/// queue, too.
fn example() -> House {
    let house = House::durable();
    let (sink, queue) = (house.sink("s"), house.ledger.register_sink("q", "queue").unwrap());
    house.announce(house.route(&[sink, queue]), (0..10).map(|number| format!("f{number}")));
    let dead = ledger::Dead { seq: 2, attempts: 5, error: "no".into(), rejected: true };
    house.report(sink, Report { parked: vec![parked(1, 2)], dead: vec![dead], ..delivered(2, 0) });
    house.ledger.queue_put(queue, (1..=10).collect()).unwrap();
    house.report(queue, delivered(10, 10));
    // What was admitted before this run is read from the disk.
    house.reopen()
}

/// Changes a value behind the ledger's back.
fn spoil(dir: &Path, sql: &str) {
    let db = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    assert_eq!(db.execute(sql, []).unwrap(), 1, "{sql}");
}

/// Another letter in the name that the event says: one bit.
fn one_bit_of_body(seq: u64) -> String {
    format!(
        "UPDATE body SET body = CAST(replace(CAST(body AS TEXT), '\"subject\":\"f', '\"subject\":\"g') AS BLOB)
         WHERE seq = {seq}"
    )
}

#[test]
fn what_is_spoiled_while_it_runs_is_not_delivered_and_the_next_start_puts_it_right() {
    let house = example();
    let (sink, queue) = (house.sink("s"), house.sink("q"));
    let owed = said(&house.backlog(sink));
    assert_eq!((owed.len(), house.ledger.health()), (8, Health::Ok));
    for seq in [1, 2, 5] {
        spoil(house.path(), &one_bit_of_body(seq));
    }
    // What lies before it goes out; then the sink waits, and says why and what helps.
    let before = house.ledger.fetch(sink, 2, 100).unwrap();
    assert_eq!((said(&before.parcels).as_slice(), before.scanned_to), (&owed[..2], 4));
    let refused = house.ledger.fetch(sink, 4, 100).unwrap_err();
    assert!(matches!(refused, LedgerError::Damaged(_)), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("event 5") && text.contains("restart staithe"), "{text}");
    assert!(matches!(house.ledger.health(), Health::Damaged(what) if what.contains("event 5")));
    // Others do not wait for what is parked, dead or in a queue.
    assert!(house.ledger.retries(sink).unwrap().is_empty() && house.ledger.dead(None).unwrap().is_empty());
    let taken = house.ledger.queue_take(queue, 3, Some(at(1_000)), at(500)).unwrap();
    assert_eq!(taken.iter().map(|parcel| parcel.seq).collect::<Vec<_>>(), [3, 4, 6]);
    house.ledger.close().unwrap();
    let (ledger, report) = open(house.path()).unwrap();
    let quarantine = report.quarantined.unwrap();
    assert_eq!((quarantine.mended, quarantine.lost), (3, 0));
    assert_eq!((said(&backlog(&ledger, sink)), ledger.health()), (owed, Health::Ok));
    let waiting = (ledger.retries(sink).unwrap().len(), ledger.dead(None).unwrap().len());
    assert_eq!((waiting, ledger.queue_depth(queue).unwrap().ready), ((1, 1), 7));
    ledger.close().unwrap();
}

#[test]
fn what_is_missing_while_it_runs_is_not_passed_over() {
    let house = example();
    let sink = house.sink("s");
    spoil(house.path(), "DELETE FROM body WHERE seq = 3");
    let refused = house.ledger.fetch(sink, 2, 100);
    assert!(matches!(refused, Err(LedgerError::Damaged(_))), "{refused:?}");
    // Whoever listens to everything has seen that some is cleared away.
    assert_eq!(house.ledger.tail(0, 100).unwrap().parcels.len(), 9);
}

/// What each damage is, the number of rows that it costs, and whether the next start finds it though all looks well.
const DAMAGES: [(&str, u64); 12] = [
    ("UPDATE body SET body = x'7b7d' WHERE seq = 7", 1),
    ("DELETE FROM body WHERE seq = 7", 1),
    ("DELETE FROM body WHERE seq = 1", 1),
    ("UPDATE generation SET size = size + 1 WHERE seq = 7", 0),
    ("UPDATE generation SET path = x'6638' WHERE seq = 7", 1),
    ("UPDATE generation SET class = 9 WHERE seq = 8", 0),
    ("UPDATE sink SET cursor = cursor + 4 WHERE name = 's'", 0),
    ("UPDATE exception SET seq = 0 WHERE seq = 1", 0),
    ("UPDATE queue SET lease = 1152921504606846976 WHERE seq = 4", 1),
    ("UPDATE class SET route = 3 WHERE id = 1", 0),
    ("UPDATE meta SET value = value + 16 WHERE name = 'end'", 0),
    ("UPDATE source SET name = 'sourcd'", 0),
];

#[test]
fn what_is_owed_is_looked_at_after_an_orderly_end_too() {
    for (sql, lost) in DAMAGES {
        let house = example();
        let sink = house.sink("s");
        let owed = said(&house.backlog(sink));
        house.ledger.close().unwrap();
        spoil(house.path(), sql);
        assert_ne!(ledger::check(house.path()).unwrap().damage, Vec::<String>::new(), "{sql}");
        mark_clean(house.path());
        let (ledger, report) = open(house.path()).unwrap();
        let found = report.quarantined.map(|quarantine| quarantine.lost);
        assert_eq!((found, report.unclean), (Some(lost), false), "{sql}");
        let now = said(&backlog(&ledger, sink));
        assert!(now.iter().all(|parcel| owed.contains(parcel)), "{sql}: {now:?}");
        let source = ledger.register_source("source", b"/root").unwrap();
        assert_eq!(source.id, house.source, "{sql}");
        let mut known = 0;
        ledger.known(source.id, &mut |_| known += 1).unwrap();
        let waiting = ledger.retries(sink).unwrap().len() + ledger.dead(None).unwrap().len() + now.len();
        assert_eq!((known, waiting), (10 - lost, 10 - lost as usize), "{sql}: the rest is there");
        ledger.close().unwrap();
        assert_eq!(ledger::check(house.path()).unwrap().damage, Vec::<String>::new(), "{sql}");
    }
}

/// Rot does not change the time of a file: an orderly end still counts, and settled history is not looked at.
#[test]
fn what_a_check_found_in_settled_history_is_mended_by_the_next_start() {
    for is_checked in [false, true] {
        let house = House::durable();
        let sink = house.sink("s");
        house.announce(house.route(&[sink]), (0..10).map(|number| format!("f{number}")));
        house.report(sink, delivered(10, 10));
        house.ledger.close().unwrap();
        let owed = std::fs::read_to_string(house.path().join("clean")).unwrap();
        spoil(house.path(), "UPDATE generation SET size = size + 1 WHERE seq = 7");
        mark_clean(house.path());
        let look = std::fs::read_to_string(house.path().join("clean")).unwrap();
        let owed = owed.lines().nth(1).unwrap();
        std::fs::write(house.path().join("clean"), format!("{look}{owed}\n")).unwrap();
        if is_checked {
            let report = ledger::check(house.path()).unwrap();
            assert!(!report.damage.is_empty() && report.is_heeded, "{report:?}");
        }
        let (ledger, report) = open(house.path()).unwrap();
        assert_eq!(report.quarantined.is_some(), is_checked, "checked: {is_checked}");
        if !is_checked {
            let beside = ledger::check(house.path()).unwrap();
            assert!(!beside.damage.is_empty() && !beside.is_heeded, "it is in use: {beside:?}");
        }
        ledger.close().unwrap();
    }
}

/// A row that is not there has no sum that could tell.
#[test]
fn an_orderly_end_says_how_much_is_owed() {
    let house = example();
    house.ledger.close().unwrap();
    let said = std::fs::read_to_string(house.path().join("clean")).unwrap();
    let owed = said.split_once('\n').unwrap().1.to_owned();
    assert_eq!(owed, "8/1/1 0/0/0\n");
    let mark = |said: &str| {
        mark_clean(house.path());
        let mark = std::fs::read_to_string(house.path().join("clean")).unwrap();
        std::fs::write(house.path().join("clean"), mark + said).unwrap();
    };
    // Nobody would find that in any row that is left.
    spoil(house.path(), "DELETE FROM generation WHERE seq = 10");
    spoil(house.path(), "DELETE FROM queue WHERE seq = 10");
    spoil(house.path(), "DELETE FROM body WHERE seq = 10");
    mark(&owed);
    let (ledger, report) = open(house.path()).unwrap();
    ledger.close().unwrap();
    assert_eq!(report.quarantined, None, "looked over, and it is as good as it can be");
    assert!(!report.unclean);
}

/// A path whose row is damaged is judged as if it were new: announced once more rather than taken for known.
#[test]
fn a_damaged_row_says_nothing_about_its_path() {
    let house = example();
    let route = house.route(&[house.sink("s"), house.sink("q")]);
    spoil(house.path(), "UPDATE generation SET size = 9, mtime = 5 WHERE seq = 4");
    let end = house.announce(route, ["f3"]);
    let record = house.ledger.records(house.source, b"f3").unwrap().pop().unwrap();
    assert_eq!((record.seq, record.generation), (end, 1));
    assert!(matches!(house.ledger.health(), Health::Damaged(what) if what.contains("event 4")));
}

#[test]
fn a_damaged_step_is_no_answer_that_was_noted() {
    let house = example();
    let sink = house.sink("s");
    let steps = vec![b"one".to_vec(), b"two".to_vec()];
    let note = StepNote { seq: 3, at: at(1), steps, pursuit: Pursuit::Set(b"follow".to_vec()) };
    house.ledger.note_steps(sink, vec![note]).unwrap();
    spoil(house.path(), "UPDATE step SET what = x'74776e' WHERE number = 2");
    spoil(house.path(), "UPDATE pursuit SET what = x'01'");
    assert!(matches!(house.ledger.steps(sink, 3), Err(LedgerError::Damaged(_))));
    assert!(matches!(house.ledger.pursuits(sink, 0, 9), Err(LedgerError::Damaged(_))));
    house.ledger.close().unwrap();
    let (ledger, report) = open(house.path()).unwrap();
    assert_eq!(report.quarantined.map(|quarantine| quarantine.mended), Some(1));
    let steps: Vec<Vec<u8>> = ledger.steps(sink, 3).unwrap().into_iter().map(|step| step.what).collect();
    assert_eq!(
        (steps, ledger.pursuits(sink, 0, 9).unwrap()),
        (vec![b"one".to_vec(), b"two".to_vec()], vec![])
    );
    ledger.close().unwrap();
}

/// An event that takes up more than a page, a path of any bytes, times that no 64 bits hold.
#[test]
fn sums_of_strange_rows_are_true() {
    let dir = TempDir::new().unwrap();
    let house = House::at(dir);
    let fate = ledger::Fate::Announce(house.route(&[house.sink("s")]));
    let mut strange = crate::house::admission(house.source, fate, &[0xff, b'\n', 0x80], 1);
    strange.fingerprint.mtime = model::Stamp::new(i64::MAX, 7);
    strange.fingerprint.size = u64::MAX;
    strange.ctime = model::Stamp::new(i64::MIN, 0);
    let members = crate::house::admit_as(model::Kind::Dataset, house.source, fate, b"d", 9_000);
    house.submit([ledger::Entry::Admit(Box::new(strange)), members]);
    house.ledger.close().unwrap();
    assert_eq!(ledger::check(house.path()).unwrap().damage, Vec::<String>::new());
    let house = house.reopen();
    assert_eq!(house.backlog(house.sink("s")).len(), 2);
}
