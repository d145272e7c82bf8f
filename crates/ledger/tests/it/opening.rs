//! Opening: the lock, the versions, what a restart finds.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use ledger::{Entry, Fate, OpenError, Pursuit, SourceNote, StepNote};
use model::{Kind, PathKey};
use tempfile::TempDir;

use crate::house::{
    House, absent, admit, admit_as, at, delivered, mark_clean, open, open_at_once, print, said,
};

#[test]
fn one_process_for_each_directory() {
    let house = House::durable();
    let Err(OpenError::Locked { pid, owner, dir }) = open_at_once(house.path()) else {
        panic!("opened twice")
    };
    assert_eq!((pid, owner.as_str(), dir.as_path()), (std::process::id(), "a test", house.path()));
    let text = open_at_once(house.path()).unwrap_err().to_string();
    assert!(text.contains("staithe status") && text.contains("a test"), "{text}");
    house.ledger.close().unwrap();
    open(house.path()).unwrap().0.close().unwrap();
}

#[test]
fn the_directory_is_made_for_its_owner_alone() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("not/there/yet");
    let (ledger, report) = open(&deep).unwrap();
    assert!(report.created);
    assert_eq!(std::fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
    ledger.close().unwrap();
    let (ledger, report) = open(&deep).unwrap();
    assert!(!report.created && !report.unclean && report.quarantined.is_none());
    ledger.close().unwrap();
}

#[test]
fn a_directory_that_cannot_be_used_is_an_error_that_says_so() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = open(&file.join("state")).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().contains("--state-dir"), "{error}");
}

#[test]
fn a_newer_schema_is_refused_and_not_touched() {
    let house = House::durable();
    let path = house.path().join("ledger.db");
    house.ledger.close().unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 6).unwrap();
    db.execute("UPDATE meta SET value = 6 WHERE name = 'schema'", []).unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let error = open(house.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 6, known: 5, .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let again = open(house.path()).unwrap_err();
    assert!(matches!(again, OpenError::Newer { .. }), "the lock was given back: {again:?}");
}

/// The columns of the fifth version; the fourth changed no table.
const SUMMED: [&str; 13] = [
    "meta",
    "source",
    "source_root",
    "sink",
    "route",
    "class",
    "generation",
    "body",
    "exception",
    "queue",
    "acked",
    "step",
    "pursuit",
];
const WITHOUT_THIRD: &str =
    "DROP TABLE step; DROP TABLE pursuit; UPDATE meta SET value = 2 WHERE name = 'schema';
    PRAGMA user_version = 2;";
const WITHOUT_SECOND: &str = "DROP TABLE attempt; DROP TABLE dataset;
    UPDATE meta SET value = 1 WHERE name = 'schema'; PRAGMA user_version = 1;";

fn older(file: &std::path::Path, without: &[&str]) {
    let db = rusqlite::Connection::open(file).unwrap();
    without_sums(&db);
    db.execute_batch(&without.concat()).unwrap();
}

/// As the fourth version wrote it.
fn without_sums(db: &rusqlite::Connection) {
    for table in SUMMED {
        db.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN sum")).unwrap();
    }
    db.execute_batch("UPDATE meta SET value = 4 WHERE name = 'schema'; PRAGMA user_version = 4").unwrap();
}

/// What the first version wrote has none of the tables that came since.
#[test]
fn a_store_of_the_first_version_is_brought_up_to_this_one() {
    let house = House::durable();
    let sink = house.sink("s");
    house.announce(house.route(&[sink]), ["a", "b"]);
    house.report(sink, ledger::Report { parked: vec![crate::house::parked(1, 3)], ..delivered(1, 0) });
    house.ledger.close().unwrap();
    older(&house.path().join("ledger.db"), &[WITHOUT_THIRD, WITHOUT_SECOND]);
    assert_eq!(
        ledger::check(house.path()).unwrap().damage,
        Vec::<String>::new(),
        "it can be checked as it is"
    );
    let house = house.reopen();
    let record = &house.ledger.records(house.source, b"a").unwrap()[0];
    assert_eq!((record.sinks[0].attempts, record.sinks[0].history.len()), (3, 0));
    assert_eq!(house.backlog(sink).len(), 1);
    house.submit([admit_as(Kind::Dataset, house.source, Fate::Announce(house.route(&[sink])), b"d", 4)]);
    house
        .report(sink, ledger::Report { unparked_delivered: vec![1], at: at(9), ..ledger::Report::default() });
    let house = house.reopen();
    assert_eq!(house.ledger.records(house.source, b"d").unwrap()[0].members_count, Some(4));
    assert_eq!(house.ledger.attempts(sink, 1).unwrap().len(), 1);
    house.ledger.note_steps(sink, vec![step(2)]).unwrap();
    assert_eq!(house.ledger.steps(sink, 2).unwrap().len(), 1);
}

fn step(seq: u64) -> StepNote {
    StepNote { seq, at: at(1), steps: vec![b"step".to_vec()], pursuit: Pursuit::Set(b"on".to_vec()) }
}

#[test]
fn a_store_of_the_second_version_is_brought_up_to_this_one() {
    for torn in [false, true] {
        let house = House::durable();
        let sink = house.sink("s");
        house.announce(house.route(&[sink]), ["a", "b"]);
        house.report(sink, ledger::Report { parked: vec![crate::house::parked(1, 3)], ..delivered(1, 0) });
        house.ledger.close().unwrap();
        let file = house.path().join("ledger.db");
        older(&file, &[WITHOUT_THIRD]);
        assert_eq!(ledger::check(house.path()).unwrap().damage, Vec::<String>::new());
        if torn {
            let _ = std::fs::remove_file(house.path().join("clean"));
            std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"half a page").unwrap();
        }
        let (ledger, report) = open(house.path()).unwrap();
        assert_eq!(report.quarantined.map(|quarantine| quarantine.salvaged), torn.then_some(2));
        assert_eq!(ledger.attempts(sink, 1).unwrap().len(), 1, "what was there stays");
        assert_eq!(ledger.steps(sink, 1).unwrap(), []);
        ledger.note_steps(sink, vec![step(1), step(2)]).unwrap();
        ledger.close().unwrap();
        let db = rusqlite::Connection::open(&file).unwrap();
        let schema = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(schema("SELECT value FROM meta WHERE name = 'schema'"), 5);
        assert_eq!(schema("PRAGMA user_version"), 5);
        drop(db);
        let (ledger, report) = open(house.path()).unwrap();
        assert_eq!(report.quarantined, None);
        assert_eq!((ledger.steps(sink, 2).unwrap().len(), ledger.pursuits_count(sink).unwrap()), (1, 2));
        ledger.close().unwrap();
    }
}

/// Its rows have no sums: nobody knows of any damage, and what is owed goes out. What is written since has them.
#[test]
fn a_store_of_the_fourth_version_opens_without_sums_and_has_them_from_then_on() {
    for unclean in [false, true] {
        let house = House::durable();
        let sink = house.sink("s");
        let route = house.route(&[sink]);
        house.announce(route, ["a", "b", "c"]);
        house.report(sink, ledger::Report { parked: vec![crate::house::parked(1, 3)], ..delivered(1, 0) });
        let owed = house.backlog(sink);
        house.ledger.note_steps(sink, vec![step(1)]).unwrap();
        house.ledger.close().unwrap();
        let file = house.path().join("ledger.db");
        older(&file, &[]);
        if !unclean {
            mark_clean(house.path());
        }
        let (ledger, report) = open(house.path()).unwrap();
        assert_eq!((report.quarantined, report.unclean), (None, unclean));
        assert_eq!(said(&crate::house::backlog(&ledger, sink)), said(&owed));
        assert_eq!((ledger.retries(sink).unwrap().len(), ledger.steps(sink, 1).unwrap().len()), (1, 1));
        let fate = Fate::Announce(route);
        ledger.submit(vec![admit(house.source, fate, b"d", 1)]).unwrap();
        ledger.close().unwrap();
        let db = rusqlite::Connection::open(&file).unwrap();
        let without = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table} WHERE sum IS NULL");
            db.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let counted = SUMMED.map(|table| (table, without(table)));
        let old = [("generation", 3), ("body", 3), ("exception", 1), ("step", 1), ("pursuit", 1)];
        let expected = SUMMED.map(|table| old.into_iter().find(|old| old.0 == table).unwrap_or((table, 0)));
        assert_eq!(counted, expected);
    }
}

/// It is all or nothing: a store that cannot be brought up is the older one as it was.
#[test]
fn an_upgrade_that_is_cut_short_leaves_the_older_store() {
    let house = House::durable();
    house.ledger.close().unwrap();
    let file = house.path().join("ledger.db");
    // In the way of the second of the new tables.
    older(&file, &[WITHOUT_THIRD, "CREATE INDEX pursuit ON queue(seq);"]);
    let db = rusqlite::Connection::open(&file).unwrap();
    let before = tables(&db);
    drop(db);
    // That is no store of ours: it is put aside, as it was found.
    let (ledger, report) = open(house.path()).unwrap();
    ledger.close().unwrap();
    let db = rusqlite::Connection::open(report.quarantined.unwrap().dir.join("ledger.db")).unwrap();
    assert_eq!(tables(&db), before);
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let schema: i64 =
        db.query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| row.get(0)).unwrap();
    assert_eq!((found, schema), (2, 2));
}

fn tables(db: &rusqlite::Connection) -> Vec<String> {
    let mut ask = db.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
    ask.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_restart_finds_names_notes_cursors_and_what_is_present() {
    let house = House::durable();
    let (one, two) = (house.sink("one"), house.sink("two"));
    let fate = Fate::Announce(house.route(&[one]));
    let source = house.source;
    house.ledger.note_source(source, SourceNote::FirstScanDone).unwrap();
    house.ledger.note_source(source, SourceNote::InodeInIdentity(false)).unwrap();
    house.ledger.note_source(source, SourceNote::ArmedAt(at(3))).unwrap();
    let touched = Entry::Sample {
        source,
        key: PathKey::of(b"touched"),
        path: (*b"touched").into(),
        sample: print(77),
        ctime: at(78),
    };
    house.submit([
        admit(source, fate, b"touched", 1),
        admit(source, Fate::Adopt, b"adopted", 1),
        admit(source, Fate::Gone, b"vanished", 1),
        admit(source, fate, b"absent", 1),
        admit(source, fate, b"again", 1),
        admit(source, fate, b"again", 2),
        admit(source, fate, b"gone later", 1),
        absent(source, b"absent"),
        touched,
        admit(source, Fate::Gone, b"gone later", 2),
    ]);
    house.report(one, crate::house::delivered(4, 2));
    let house = house.reopen();
    let record = house.ledger.register_source("source", b"/root").unwrap();
    assert_eq!(record.id, source);
    assert_eq!(
        (record.first_scan_done, record.inode_in_identity, record.armed_at),
        (true, Some(false), Some(at(3)))
    );
    assert_eq!((house.sink("one"), house.sink("two")), (one, two));
    assert_eq!((house.ledger.cursor(one).unwrap(), house.ledger.cursor(two).unwrap()), (4, 0));
    let mut known = Vec::new();
    let mut each = |row: ledger::KnownRow<'_>| {
        assert_eq!(row.key, PathKey::of(row.path));
        known.push((row.path.to_vec(), row.sample, row.ctime));
    };
    house.ledger.known(source, &mut each).unwrap();
    let expected = [
        (b"touched".to_vec(), print(77), at(78)),
        (b"adopted".to_vec(), print(1), at(2)),
        (b"again".to_vec(), print(2), at(3)),
    ];
    assert_eq!(known, expected);
}

#[test]
fn events_keep_the_directory_they_were_found_in() {
    let house = House::durable();
    let sink = house.sink("s");
    let route = house.route(&[sink]);
    house.announce(route, ["a"]);
    house.ledger.register_source("source", b"/elsewhere").unwrap();
    house.announce(route, ["b"]);
    let roots = |house: &House| -> Vec<Vec<u8>> {
        house.backlog(sink).iter().map(|parcel| parcel.root.to_vec()).collect()
    };
    assert_eq!(roots(&house), [b"/root".to_vec(), b"/elsewhere".to_vec()]);
    let house = house.reopen();
    assert_eq!(roots(&house), [b"/root".to_vec(), b"/elsewhere".to_vec()]);
}

#[test]
fn records_tell_a_path_from_its_beginning() {
    let house = House::durable();
    let sink = house.sink("s");
    let fate = Fate::Announce(house.route(&[sink]));
    let source = house.source;
    let name = b"n\xff\n\"\x1b".as_slice();
    house.submit([
        admit(source, Fate::Gone, name, 1),
        admit(source, fate, name, 1),
        admit(source, fate, name, 2),
        admit(source, fate, b"other", 2),
        absent(source, name),
    ]);
    house.report(
        sink,
        ledger::Report { parked: vec![crate::house::parked(2, 4)], ..crate::house::delivered(3, 1) },
    );
    for house in [house].map(House::reopen) {
        let records = house.ledger.records(source, name).unwrap();
        let states: Vec<&str> = records.iter().map(|record| record.state.name()).collect();
        assert_eq!(states, ["gone", "retrying", "delivered"]);
        let last = &records[2];
        assert_eq!((last.path.as_slice(), last.source_name.as_str(), last.absent), (name, "source", true));
        assert_eq!((last.generation, last.supersedes), (2, Some(records[1].id)));
        assert_eq!((last.rule.as_str(), last.waited_ms), ("rule", 2_000));
        assert_eq!(last.history, [ledger::Moment { time: at(2), what: "closed".into() }]);
        assert_eq!((last.sinks[0].name.as_str(), last.sinks[0].delivered_at), ("s", Some(at(100))));
        let waiting = &records[1].sinks[0];
        assert_eq!((waiting.attempts, waiting.last_error.as_deref()), (4, Some("not now")));
        assert!(house.ledger.records(source, b"never seen").unwrap().is_empty());
        let mut found = Vec::new();
        let each = &mut |record: ledger::Record| {
            found.push(record.seq);
            true
        };
        house.ledger.each_record(Some(model::State::Queued), each).unwrap();
        assert_eq!(found, [4]);
        let mut first = 0;
        house
            .ledger
            .each_record(None, &mut |_| {
                first += 1;
                first < 2
            })
            .unwrap();
        assert_eq!(first, 2, "it stops when told to");
    }
}
