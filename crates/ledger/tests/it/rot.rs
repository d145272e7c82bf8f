//! Bits that flip and files that end too early, anywhere: the ledger starts, says what it found, and keeps the rest.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use ledger::Report;
use model::Parcel;
use tempfile::TempDir;
use testkit::chance::Chance;
use testkit::proof::{Row, size};

use crate::house::{House, backlog, delivered, mark_clean, open, parked};

const EVENTS: u64 = 3_000;
/// Up to here all were delivered, but one.
const SETTLED: u64 = 2_000;
const PARKED: u64 = 500;
/// More rows have no room on a page of 8192 bytes: each has an id, a path and times.
const PAGE_OF_ROWS: usize = 100;

/// So begins the name of a damage that cannot be overlooked.
const NOTICED_ALWAYS: &str = "a time that is a fraction";
/// In the bytes of this event a bit flips for certain: between two others that are owed.
const SPOILED: usize = 2_400;

/// The files of a store, and what was in it.
struct Store {
    dir: TempDir,
    /// The events that are owed, by their paths.
    owed: HashMap<Vec<u8>, Parcel>,
}

impl Store {
    /// As an orderly end leaves it.
    fn closed() -> Self {
        let (house, owed) = filled();
        house.ledger.close().unwrap();
        Self::of(house.path(), owed)
    }

    /// As a crash leaves it: half of it in the WAL.
    fn crashed() -> Self {
        let (house, owed) = filled();
        Self::of(house.path(), owed)
    }

    fn of(path: &Path, owed: HashMap<Vec<u8>, Parcel>) -> Self {
        let dir = image();
        copy(path, dir.path());
        Self { dir, owed }
    }

    /// The files that are there, and their sizes.
    fn files(&self) -> Vec<(PathBuf, u64)> {
        let entries = fs::read_dir(self.dir.path()).unwrap().map(Result::unwrap);
        let mut files: Vec<_> = entries
            .map(|entry| (PathBuf::from(entry.file_name()), entry.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    }

    /// Damages a copy of it, and looks at what is left.
    fn damaged(&self, what: &str, file: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> Found {
        let dir = image();
        copy(self.dir.path(), dir.path());
        let path = dir.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        self.look(dir.path(), what)
    }

    /// What a bit in a row's header may do: a time becomes a fraction, and all pages are in order.
    fn with_a_fraction(&self) -> Found {
        let dir = image();
        copy(self.dir.path(), dir.path());
        let db = rusqlite::Connection::open(dir.path().join("ledger.db")).unwrap();
        db.execute("UPDATE generation SET ctime = 1.5 WHERE seq = 2500", []).unwrap();
        drop(db);
        self.look(dir.path(), NOTICED_ALWAYS)
    }

    /// Flips a bit in the name that an event says, so that it goes on being well formed in every way.
    fn with_another_name(&self) -> Found {
        let said = format!("\"subject\":\"dir/f{SPOILED}\"").into_bytes();
        let spoil = |bytes: &mut Vec<u8>| {
            let at = bytes.windows(said.len()).rposition(|window| window == said).unwrap();
            bytes[at + said.len() - 2] ^= 1;
        };
        self.damaged("another name in an event that is owed", Path::new("ledger.db"), spoil)
    }

    fn look(&self, dir: &Path, what: &str) -> Found {
        let (ledger, report) = open(dir).unwrap_or_else(|error| panic!("it does not start: {what}: {error}"));
        let noticed = report.quarantined.is_some();
        assert!(noticed || !what.starts_with(NOTICED_ALWAYS), "damage that nobody was told of: {what}");
        let source = ledger.register_source("source", b"/root").unwrap();
        let sink = ledger.register_sink("s", "test").unwrap();
        let route = ledger.route(&[sink]).unwrap();
        let mut known = HashSet::new();
        ledger.known(source.id, &mut |row| known.extend([row.path.to_vec()])).unwrap();
        let owed: HashMap<Vec<u8>, Parcel> =
            backlog(&ledger, sink).into_iter().map(|parcel| (parcel.path.clone(), parcel)).collect();
        let waits = ledger.retries(sink).unwrap().iter().any(|row| row.parcel.seq == PARKED);
        let mended = report.quarantined.is_some_and(|quarantine| quarantine.mended > 0);
        let mut found = Found { noticed, mended, ..Found::default() };
        for number in 0..EVENTS {
            let path = format!("dir/f{number}").into_bytes();
            let is_owed = owed.contains_key(&path) || (number + 1 == PARKED && waits);
            let must = number >= SETTLED || number + 1 == PARKED;
            found.forgotten += usize::from(!known.contains(&path));
            found.lost += usize::from(must && known.contains(&path) && !is_owed);
        }
        let spoiled = |(path, parcel): &(&Vec<u8>, &Parcel)| {
            owed.get(*path).is_some_and(|now| now.event != parcel.event)
        };
        found.spoiled = self.owed.iter().filter(spoiled).count();
        let house = House { ledger, source: source.id, dir: None };
        let end = house.announce(route, ["new"]);
        assert!(
            backlog(&house.ledger, sink).iter().any(|parcel| parcel.seq == end),
            "it does not work: {what}"
        );
        house.ledger.close().unwrap();
        let (again, second) = open(dir).unwrap();
        assert_eq!(second.quarantined, None, "not healed for good: {what}");
        again.close().unwrap();
        found
    }
}

/// What is left of a damaged store.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// Put aside, and said so.
    noticed: bool,
    /// A flipped bit was put right.
    mended: bool,
    /// Records that are not known any more: the next scan finds their files, and announces them with the same ids.
    forgotten: usize,
    /// Events that are neither owed nor forgotten.
    lost: usize,
    /// Events that are owed with other bytes than before.
    spoiled: usize,
}

fn image() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A ledger with everything in it, the first half in the database and the rest in the WAL; and what is owed.
fn filled() -> (House, HashMap<Vec<u8>, Parcel>) {
    let house = House::durable();
    let route = house.route(&[house.sink("s")]);
    let announce = |house: &House, numbers: std::ops::Range<u64>| {
        for first in numbers.step_by(300) {
            house.announce(route, (first..first + 300).map(|number| format!("dir/f{number}")));
        }
    };
    announce(&house, 0..EVENTS / 2);
    let house = house.reopen();
    let sink = house.sink("s");
    announce(&house, EVENTS / 2..EVENTS);
    house.report(sink, Report { parked: vec![parked(PARKED, 2)], ..delivered(SETTLED, SETTLED - 1) });
    let owed = house.backlog(sink).into_iter().map(|parcel| (parcel.path.clone(), parcel)).collect();
    (house, owed)
}

/// What damages of one kind have cost.
#[derive(Debug, Default)]
struct Costs(Vec<Found>);

impl Costs {
    fn count(&self, which: impl Fn(&Found) -> bool) -> usize {
        self.0.iter().filter(|found| which(found)).count()
    }

    fn worst(&self, of: impl Fn(&Found) -> usize) -> usize {
        self.0.iter().map(of).max().unwrap_or_default()
    }

    fn told(&self) -> String {
        let (noticed, all) = (self.count(|found| found.noticed), self.0.len());
        let mended = self.count(|found| found.mended);
        let forgotten = self.worst(|found| found.forgotten);
        format!("{noticed} of {all} noticed, {mended} put right, at most {forgotten} records forgotten")
    }

    /// Nothing is lost, and nothing goes out with other bytes than it was written with.
    #[track_caller]
    fn check(&self, what: &str) {
        let lost: usize = self.0.iter().map(|found| found.lost).sum();
        assert_eq!(lost, 0, "{what}: events that nobody owes and nobody will find");
        let spoiled: usize = self.0.iter().map(|found| found.spoiled).sum();
        assert_eq!(spoiled, 0, "{what}: events go out spoiled");
    }
}

/// Flips one bit at a time, anywhere in a file.
fn flip(store: &Store, (file, length): &(PathBuf, u64), flips: usize, chance: &mut Chance) -> Costs {
    let flip = |_| {
        let bit = chance.below(*length as usize * 8);
        let what = format!("bit {bit} of {}", file.display());
        store.damaged(&what, file, |bytes| bytes[bit / 8] ^= 1 << (bit % 8))
    };
    Costs((0..flips).map(flip).collect())
}

/// Cuts a file off at 4096 bytes, at 8192, and so on; no more often than that.
fn cut(store: &Store, (file, length): &(PathBuf, u64), most: usize) -> Costs {
    let pages = (*length as usize).div_ceil(4096);
    let cut = |page: usize| {
        let what = format!("{} cut to {} of {length} bytes", file.display(), page * 4096);
        let found = store.damaged(&what, file, |bytes| bytes.truncate(page * 4096));
        let kept = EVENTS as usize - found.forgotten;
        // What lies in the first part of a database cannot be less than that, unless everything was given up.
        let rest = (EVENTS as usize * page / pages).saturating_sub(EVENTS as usize / 2) / 2;
        assert!(
            file.as_os_str() != "ledger.db" || kept >= rest,
            "{kept} records kept, {rest} were there: {what}"
        );
        found
    };
    Costs((0..pages).step_by(pages.div_ceil(most).max(1)).map(cut).collect())
}

/// How many damages of each kind a file gets: in a closed store the database is everything, in a crashed one the rest
/// of the files is what there is besides.
fn how_many(state: &str, file: &str) -> (usize, usize) {
    match (state, file) {
        ("closed", "ledger.db") => (size(30, 500), size(14, usize::MAX)),
        ("crashed", "ledger.db-wal") => (size(14, 500), size(8, usize::MAX)),
        _ => (size(3, 500), size(3, 100)),
    }
}

/// What flipped bits in the database cost: most of them the row that they are in.
#[track_caller]
fn figures(flipped: &Costs, row: Row) -> Row {
    let noticed = flipped.count(|found| found.noticed);
    let dear = flipped.count(|found| found.forgotten > PAGE_OF_ROWS);
    assert!(dear <= 2 + noticed / 4, "{dear} of {noticed} flips that were noticed cost more than a page");
    row.figure("bits flipped in the database", flipped.0.len())
        .figure("of these noticed", noticed)
        .figure("of these more than a page of records forgotten", dear)
        .figure(
            "of these put right, and nothing is lost",
            flipped.count(|found| found.mended && found.forgotten == 0),
        )
        .figure("an event goes out spoiled", flipped.count(|found| found.spoiled > 0))
}

/// A store that lay there after an orderly end, and rotted without anybody's writing to it, is believed at first as far
/// as nothing in it is owed.
#[test]
fn damage_that_a_reader_comes_across_is_mended_by_the_next_start() {
    let dir = image();
    copy(Store::closed().dir.path(), dir.path());
    let file = dir.path().join("ledger.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute("UPDATE generation SET ctime = 1.5 WHERE seq = 1500", []).unwrap();
    drop(db);
    mark_clean(dir.path());
    let (ledger, report) = open(dir.path()).unwrap();
    assert_eq!((report.quarantined, report.unclean), (None, false));
    let source = ledger.register_source("source", b"/root").unwrap();
    assert!(ledger.known(source.id, &mut |_| ()).is_err(), "it cannot be read");
    ledger.close().unwrap();
    let (ledger, report) = open(dir.path()).unwrap();
    assert_eq!(report.quarantined.map(|quarantine| quarantine.lost), Some(1));
    assert!(ledger.known(source.id, &mut |_| ()).is_ok());
    ledger.close().unwrap();
}

#[test]
fn a_flipped_bit_or_an_early_end_anywhere_costs_what_lay_there() {
    let mut chance = Chance::from_environment();
    let (mut row, mut damages) = (Row::new("C07").seed(chance.seed()), 0);
    let fraction = Store::closed().with_a_fraction();
    assert_eq!((fraction.forgotten, fraction.lost), (1, 0), "one row has the fraction");
    let renamed = Store::closed().with_another_name();
    assert_eq!((renamed.spoiled, renamed.lost), (0, 0), "events go out spoiled");
    assert_eq!((renamed.mended, renamed.forgotten), (true, 0), "the bit is put right");
    for (store, state) in [(Store::closed(), "closed"), (Store::crashed(), "crashed")] {
        for file in store.files().into_iter().filter(|(_, length)| *length > 0) {
            let name = file.0.display().to_string();
            let (flips, cuts) = how_many(state, &name);
            let (flipped, ended) = (flip(&store, &file, flips, &mut chance), cut(&store, &file, cuts));
            flipped.check(&format!("bits of {name}, {state}"));
            ended.check(&format!("cuts of {name}, {state}"));
            println!("{state}, {name}: bits {}; cuts {}", flipped.told(), ended.told());
            damages += flipped.0.len() + ended.0.len();
            if (state, &*name) == ("closed", "ledger.db") {
                assert!(
                    ended.0.iter().all(|found| found.noticed),
                    "damage that nobody was told of: an early end"
                );
                row = figures(&flipped, row);
            }
        }
    }
    row.figure("damages in all", damages).count("lost", 0).print();
}
