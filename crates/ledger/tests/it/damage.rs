//! Damaged files: the ledger always opens, says what it found, and keeps what can be read.

use std::collections::HashSet;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use ledger::{Fate, OpenReport, Pursuit, Report, StepNote};
use model::Kind;
use tempfile::TempDir;

use crate::house::{Dice, House, admit, admit_as, at, backlog, delivered, open, parked};

const EVENTS: u64 = 3_000;
const SETTLED: u64 = 2_000;

/// A ledger with settled and pending events and one that is parked, closed in order.
fn example() -> TempDir {
    let house = House::durable();
    let sink = house.sink("s");
    let route = house.route(&[sink]);
    for part in 0..10 {
        let first = part * EVENTS / 10;
        house.announce(route, (first..first + EVENTS / 10).map(|number| format!("dir/f{number}")));
    }
    house.report(sink, Report { parked: vec![parked(500, 2)], ..delivered(SETTLED, SETTLED - 1) });
    house.ledger.close().unwrap();
    let dir = TempDir::new().unwrap();
    copy(house.path(), dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Whatever happened to the files: it opens, works, and no pending event is lost silently: it is
/// still owed to the sink, or its path is unknown and the next scan announces it again.
fn opens_and_loses_nothing(dir: &Path, what: &str) -> OpenReport {
    let (ledger, report) = open(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
    let source = ledger.register_source("source", b"/root").unwrap();
    let sink = ledger.register_sink("s", "test").unwrap();
    let fate = Fate::Announce(ledger.route(&[sink]).unwrap());
    if let Some(quarantine) = &report.quarantined {
        assert!(!quarantine.damage.is_empty() && quarantine.dir.is_dir(), "{what}");
        assert!(
            source.first_scan_done || quarantine.salvaged > 0 || report.created,
            "{what}: nothing is adopted"
        );
    }
    let mut known = HashSet::new();
    ledger.known(source.id, &mut |row| assert!(known.insert(row.path.to_vec()))).unwrap();
    let owed: HashSet<Vec<u8>> = backlog(&ledger, sink).into_iter().map(|parcel| parcel.path).collect();
    let parked: Vec<u64> = ledger.retries(sink).unwrap().iter().map(|row| row.parcel.seq).collect();
    for number in SETTLED..EVENTS {
        let path = format!("dir/f{number}").into_bytes();
        assert!(owed.contains(&path) || !known.contains(&path), "{what}: event {number} is lost");
    }
    assert!(
        parked.contains(&500) || !known.contains(b"dir/f499".as_slice()),
        "{what}: the parked one is lost"
    );
    ledger.submit(vec![admit(source.id, fate, b"new", 1)]).unwrap();
    let end = ledger.flush().unwrap();
    assert!(backlog(&ledger, sink).iter().any(|parcel| parcel.seq == end), "{what}: it works");
    ledger.close().unwrap();
    let damage = ledger::check(dir).unwrap().damage;
    assert!(damage.is_empty(), "{what}: {damage:?}");
    let (again, second) = open(dir).unwrap();
    assert_eq!(second.quarantined, None, "{what}: healed for good");
    again.close().unwrap();
    report
}

fn on_a_copy(example: &TempDir, what: &str, spoil: impl FnOnce(&Path)) -> OpenReport {
    let dir = TempDir::new().unwrap();
    copy(example.path(), dir.path());
    spoil(&dir.path().join("ledger.db"));
    opens_and_loses_nothing(dir.path(), what)
}

fn overwrite(file: &Path, offset: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn an_undamaged_one_is_trusted() {
    let report = on_a_copy(&example(), "untouched", |_| {});
    assert_eq!(report.quarantined, None);
}

#[test]
fn torn_pages_anywhere() {
    let example = example();
    let size = std::fs::metadata(example.path().join("ledger.db")).unwrap().len();
    let mut dice = Dice(11);
    let (mut found, mut salvaged) = (0, 0);
    for _ in 0..40 {
        let offset = dice.below(size);
        let length = 1 + dice.below(6_000) as usize;
        let bytes: Vec<u8> = (0..length).map(|_| dice.below(256) as u8).collect();
        let what = format!("{length} bytes of noise at {offset} of {size}");
        let report = on_a_copy(&example, &what, |file| overwrite(file, offset, &bytes));
        if let Some(quarantine) = report.quarantined {
            found += 1;
            salvaged += u64::from(quarantine.salvaged > 0);
        }
    }
    assert!(found > 20, "noise is mostly noticed: {found}");
    assert!(salvaged * 4 > found * 3, "and mostly something is saved: {salvaged} of {found}");
}

#[test]
fn a_file_cut_off_anywhere() {
    let example = example();
    let size = std::fs::metadata(example.path().join("ledger.db")).unwrap().len();
    let mut cuts = vec![0, 1, 15, 16, 99, 100, 4095, 4096, 8192, 8193, size - 1, size - 8192];
    let mut dice = Dice(5);
    cuts.extend((0..12).map(|_| dice.below(size)));
    for cut in cuts {
        let what = format!("cut to {cut} of {size}");
        let report = on_a_copy(&example, &what, |file| {
            std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(cut).unwrap();
        });
        assert!(report.quarantined.is_some(), "{what}: it is noticed");
    }
}

#[test]
fn something_else_in_its_place() {
    let example = example();
    for (what, content) in [("text", b"hello world\n".repeat(2_000)), ("zeroes", vec![0; 50_000])] {
        let report = on_a_copy(&example, what, |file| std::fs::write(file, &content).unwrap());
        let quarantine = report.quarantined.unwrap();
        assert_eq!(quarantine.salvaged, 0);
        assert_eq!(std::fs::read(quarantine.dir.join("ledger.db")).ok(), None, "the directory was temporary");
    }
}

#[test]
fn a_wal_of_noise_is_no_wal() {
    let example = example();
    let report = on_a_copy(&example, "noise in the WAL", |file| {
        let wal = file.with_file_name("ledger.db-wal");
        std::fs::write(wal, b"noise".repeat(9_000)).unwrap();
    });
    assert_eq!(report.quarantined, None, "SQLite ignores it");
}

#[test]
fn the_damaged_files_are_kept() {
    let dir = example();
    let file = dir.path().join("ledger.db");
    overwrite(&file, 0, b"garbage");
    let spoiled = std::fs::read(&file).unwrap();
    let report = opens_and_loses_nothing(dir.path(), "a spoiled header");
    let kept = report.quarantined.unwrap().dir.join("ledger.db");
    assert_eq!(std::fs::read(kept).unwrap(), spoiled);
}

#[test]
fn check_names_damage_beside_a_running_ledger_and_repair_mends_it() {
    let dir = example();
    assert_eq!(ledger::check(dir.path()).unwrap().damage, Vec::<String>::new());
    let (running, _) = open(dir.path()).unwrap();
    let report = ledger::check(dir.path()).unwrap();
    assert!(report.damage.is_empty() && report.records == EVENTS, "{:?}", report.damage);
    assert!(ledger::repair(dir.path()).is_err(), "not under somebody's hands");
    running.close().unwrap();
    let file = dir.path().join("ledger.db");
    let size = std::fs::metadata(&file).unwrap().len();
    overwrite(&file, size / 2, &[0xa5; 9_000]);
    let found = ledger::check(dir.path()).unwrap();
    assert!(!found.damage.is_empty() && found.is_heeded);
    let report = ledger::repair(dir.path()).unwrap();
    assert!(report.quarantined.is_some());
    let report = opens_and_loses_nothing(dir.path(), "repaired");
    assert_eq!(report.quarantined, None);
}

#[test]
fn a_start_that_was_killed_while_it_salvaged_is_gone_on_with() {
    // Killed before the damaged file was out of the way: what was salvaged is made again.
    let dir = example();
    let file = dir.path().join("ledger.db");
    std::fs::write(dir.path().join("ledger.saved"), b"half").unwrap();
    std::fs::write(dir.path().join("ledger.new"), b"half").unwrap();
    let report = opens_and_loses_nothing(dir.path(), "left over");
    assert_eq!(report.quarantined, None);
    // Killed after it: what was salvaged takes its place.
    std::fs::rename(&file, dir.path().join("ledger.saved")).unwrap();
    let report = opens_and_loses_nothing(dir.path(), "in between");
    assert!(!report.created);
    assert!(!dir.path().join("ledger.saved").exists());
}

/// What somebody else holds, or what cannot be opened just now, is not damaged.
#[test]
fn a_ledger_that_is_busy_is_not_put_aside() {
    let example = example();
    let file = example.path().join("ledger.db");
    let holder = rusqlite::Connection::open(&file).unwrap();
    holder.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE; UPDATE meta SET value = value; COMMIT").unwrap();
    let refused = open(example.path());
    assert!(matches!(refused, Err(ledger::OpenError::Database { .. })), "{refused:?}");
    drop(holder);
    let (ledger, report) = open(example.path()).unwrap();
    assert_eq!(report.quarantined, None);
    assert_eq!(ledger.end().unwrap(), EVENTS);
    ledger.close().unwrap();
}

/// The page on which a table begins.
fn root_page(file: &Path, table: &str) -> u64 {
    let db = rusqlite::Connection::open(file).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    db.query_row(sql, [table], |row| row.get::<_, i64>(0)).unwrap() as u64
}

/// Which of the events were settled is in `exception`: without it they are all told again, and a
/// first scan that was not at its end must not adopt them.
#[test]
fn where_rows_are_left_out_nothing_is_adopted() {
    let example = example();
    let report = on_a_copy(&example, "no exceptions", |file| {
        let page = root_page(file, "exception");
        overwrite(file, (page - 1) * 8192, &[0xa5; 8192]);
    });
    assert_eq!(report.quarantined.map(|quarantine| quarantine.salvaged), Some(0));
}

fn steps(seq: u64, number: usize) -> StepNote {
    let steps = (0..number).map(|number| format!("step {number}").into_bytes()).collect();
    StepNote { seq, at: at(7), steps, pursuit: Pursuit::Set(b"follow".to_vec()) }
}

#[test]
fn of_damaged_steps_the_first_ones_are_saved_and_none_behind_a_gap() {
    let house = House::durable();
    let sink = house.sink("s");
    let route = house.route(&[sink]);
    house.announce(route, ["a", "b", "c"]);
    house.ledger.note_steps(sink, (1..=3).map(|seq| steps(seq, 2_000)).collect()).unwrap();
    house.ledger.close().unwrap();
    let file = house.path().join("ledger.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute("UPDATE step SET what = 'no bytes' WHERE seq = 1 AND number = 30", []).unwrap();
    db.execute("UPDATE step SET at = 'no time' WHERE seq = 2 AND number = 1", []).unwrap();
    // A page of the third event's steps, but not the first of them.
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    drop(db);
    let content = std::fs::read(&file).unwrap();
    let page = (0..pages as usize).rev().find(|page| {
        let of = &content[page * 8192..(page + 1) * 8192];
        of.windows(9).any(|bytes| bytes == b"step 1500") && of[0] == 10
    });
    overwrite(&file, page.unwrap() as u64 * 8192, &[0xa5; 8192]);
    let (ledger, report) = open(house.path()).unwrap();
    assert!(report.quarantined.is_some());
    let saved = |seq| ledger.steps(sink, seq).unwrap();
    assert_eq!((saved(1).len(), saved(2).len()), (29, 0));
    let third = saved(3);
    assert!((1..1_501).contains(&third.len()), "{}", third.len());
    let whole =
        third.iter().zip(0..).all(|(step, number)| step.what == format!("step {number}").into_bytes());
    assert!(whole && third[0].number == 1);
    assert_eq!(ledger.pursuits(sink, 0, 9).unwrap(), [1, 2, 3].map(|seq| (seq, b"follow".to_vec())));
    ledger.close().unwrap();
    assert_eq!(ledger::check(house.path()).unwrap().damage, Vec::<String>::new());
}

#[test]
fn what_is_saved_keeps_its_attempts_its_members_and_its_steps() {
    let house = House::durable();
    let sink = house.sink("s");
    let fate = Fate::Announce(house.route(&[sink]));
    house.submit([admit_as(Kind::Dataset, house.source, fate, b"d", 3)]);
    house.report(sink, Report { parked: vec![parked(1, 2)], ..delivered(1, 0) });
    house.ledger.note_steps(sink, vec![steps(1, 3)]).unwrap();
    let noted = house.ledger.steps(sink, 1).unwrap();
    house.ledger.close().unwrap();
    let dir = TempDir::new().unwrap();
    copy(house.path(), dir.path());
    std::fs::remove_file(dir.path().join("clean")).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(dir.path().join("ledger.db")).unwrap();
    file.write_all(b"half a page").unwrap();
    let (ledger, report) = open(dir.path()).unwrap();
    assert_eq!(report.quarantined.map(|quarantine| quarantine.salvaged), Some(1));
    let record = ledger.records(house.source, b"d").unwrap().remove(0);
    assert_eq!((record.members_count, record.sinks[0].history.len()), (Some(3), 1));
    assert_eq!((noted.len(), ledger.steps(sink, 1).unwrap()), (3, noted));
    assert_eq!(ledger.pursuits(sink, 0, 9).unwrap(), [(1, b"follow".to_vec())]);
    ledger.close().unwrap();
}
