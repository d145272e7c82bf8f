//! Opening: the lock, the version, the damage, the numbers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use model::Stamp;
use rusqlite::{Connection, OptionalExtension as _};
use rustix::fs::FlockOperation;

use crate::answer::{OpenReport, Quarantine};
use crate::error::{LedgerError, OpenError};
use crate::names::{Class, Names, Sink, Source};
use crate::options::{Durability, Options, SourceId};
use crate::route::Route;
use crate::tally::Tallies;

use super::arrears::Arrears;
use super::audit::{Reach, audit};
use super::codec::{At, cause, fate, impossible, kind, signals};
use super::filter::Filter;
use super::salvage::{Saved, salvage};
use super::schema;
use super::shared::{Parts, Shared};
use super::types;

/// The database file.
pub(super) const FILE: &str = "ledger.db";
/// A new database in the making; worth nothing until it is renamed.
const BUILDING: &str = "ledger.new";
/// A salvaged database, whole, on its way into the place of the damaged one.
const SAVED: &str = "ledger.saved";
/// Says that the last holder closed in order.
const CLEAN: &str = "clean";

/// An opened ledger.
pub(super) struct Opened {
    pub(super) lock: Lock,
    pub(super) db: Connection,
    pub(super) parts: Parts,
    pub(super) report: OpenReport,
}

/// The hold on a state directory: ends with the process, however it ends.
pub(super) struct Lock {
    _file: File,
    dir: PathBuf,
}

impl Lock {
    fn take(dir: &Path, owner: &str) -> Result<Self, OpenError> {
        let path = dir.join("lock");
        let unusable = |source| OpenError::Unusable { doing: "write", path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            let (pid, owner) = text.split_once('\n').unwrap_or((text.trim(), ""));
            let (pid, owner) = (pid.parse().unwrap_or(0), owner.trim().to_owned());
            return Err(OpenError::Locked { dir: dir.into(), pid, owner });
        }
        file.set_len(0).map_err(unusable)?;
        file.rewind().map_err(unusable)?;
        file.write_all(format!("{}\n{owner}\n", std::process::id()).as_bytes()).map_err(unusable)?;
        Ok(Self { _file: file, dir: dir.into() })
    }

    /// Whether the last holder closed in order and nobody touched the file since; and then what it said was owed. The
    /// mark is taken away: from now on the ledger is in use.
    fn was_clean(&self) -> Option<String> {
        let path = self.dir.join(CLEAN);
        let said = fs::read_to_string(&path);
        let _ = fs::remove_file(&path);
        let said = said.ok()?;
        let (file, owed) = said.split_once('\n')?;
        (file == look(&self.dir)?).then(|| owed.trim_end().to_owned())
    }

    /// The ledger was closed in order, and so much was owed.
    pub(super) fn mark_clean(&self, tallies: &Tallies) {
        if let Some(look) = look(&self.dir) {
            let _ = fs::write(self.dir.join(CLEAN), format!("{look}\n{}\n", owed(tallies)));
        }
    }
}

fn look(dir: &Path) -> Option<String> {
    let meta = fs::metadata(dir.join(FILE)).ok()?;
    Some(format!("{} {}.{}", meta.size(), meta.mtime(), meta.mtime_nsec()))
}

/// How much each sink has to get: rows that vanish have no sum that could tell.
fn owed(tallies: &Tallies) -> String {
    let sinks = tallies.sinks().iter();
    let counts: Vec<String> =
        sinks.map(|sink| format!("{}/{}/{}", sink.pending, sink.retrying, sink.letters)).collect();
    counts.join(" ")
}

/// How far an existing ledger is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// It was made just now.
    Made,
    /// It was closed in order, and nobody has touched it since: what is owed is looked at all the same.
    Closed,
    /// Everything is looked at.
    Nothing,
}

/// Opens the ledger in `dir`; damage is put aside, not a reason to fail.
pub(super) fn open(options: &Options, dir: &Path) -> Result<Opened, OpenError> {
    let create = |source| OpenError::Unusable { doing: "create", path: dir.into(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(create)?;
    let lock = Lock::take(dir, &options.owner)?;
    let clean = lock.was_clean();
    let path = dir.join(FILE);
    finish_salvage(dir)?;
    let existed = path.exists();
    let mut report = OpenReport { created: !existed, unclean: existed && clean.is_none(), quarantined: None };
    let loaded = if existed { load_existing(options, &path, clean) } else { fresh(options, dir) };
    let (db, parts) = match loaded {
        Ok(loaded) => loaded,
        Err(Failed::Newer(found)) => {
            return Err(OpenError::Newer { path, found, known: schema::VERSION });
        }
        Err(failed @ Failed::Unusable(_)) => return Err(database(&path, failed)),
        Err(Failed::Damaged(damage)) => {
            report.quarantined = Some(quarantine(dir, damage, options.durability)?);
            load(options, &path, Trust::Made).map_err(|failed| database(&path, failed))?
        }
    };
    let parts = Parts { started_over: report.quarantined.is_some(), ..parts };
    Ok(Opened { lock, db, parts, report })
}

fn database(path: &Path, failed: Failed) -> OpenError {
    let source = match failed {
        Failed::Newer(_) => impossible("a newer schema in a new file"),
        Failed::Damaged(text) => rusqlite::Error::InvalidParameterName(text),
        Failed::Unusable(error) => error,
    };
    OpenError::Database { path: path.into(), source }
}

/// Why an existing ledger cannot be used as it is.
enum Failed {
    Newer(i64),
    Damaged(String),
    /// It may be as good as ever: the disk is full, somebody holds it, it may not be read.
    Unusable(rusqlite::Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(
                Code::DiskFull
                | Code::CannotOpen
                | Code::DatabaseBusy
                | Code::DatabaseLocked
                | Code::FileLockingProtocolFailed
                | Code::OutOfMemory
                | Code::PermissionDenied
                | Code::ReadOnly,
            ) => Self::Unusable(error),
            _ => Self::Damaged(error.to_string()),
        }
    }
}

type Loaded = (Connection, Parts);

/// Makes an empty ledger under another name first: an empty file is never ours.
fn fresh(options: &Options, dir: &Path) -> Result<Loaded, Failed> {
    let (building, path) = (dir.join(BUILDING), dir.join(FILE));
    remove_database(dir, BUILDING);
    let db = schema::open_writer(&building, options.durability, true)?;
    schema::create(&db)?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    drop(db);
    fs::rename(&building, &path).map_err(|error| Failed::Damaged(error.to_string()))?;
    load(options, &path, Trust::Made)
}

/// `said`: what was owed when it was closed, if it was closed in order. Where something else is found, nothing is believed.
fn load_existing(options: &Options, path: &Path, said: Option<String>) -> Result<Loaded, Failed> {
    let Some(said) = said else { return load(options, path, Trust::Nothing) };
    let loaded = load(options, path, Trust::Closed)?;
    if said.is_empty() || said == owed(&loaded.1.tallies) {
        return Ok(loaded);
    }
    drop(loaded);
    load(options, path, Trust::Nothing)
}

fn load(options: &Options, path: &Path, trust: Trust) -> Result<Loaded, Failed> {
    let durability = options.durability;
    if fs::metadata(path).is_ok_and(|meta| meta.len() == 0) {
        return Err(Failed::Damaged("the file is empty".into()));
    }
    let db = schema::open_writer(path, durability, false)?;
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > schema::VERSION {
        let confirmed = schema::meta(&db, "schema").is_ok_and(|schema| schema == found);
        return Err(if confirmed { Failed::Newer(found) } else { Failed::Damaged("a false version".into()) });
    }
    let checked = !switch::is_off("check-on-opening");
    if trust == Trust::Nothing && checked {
        whole_pages(&db, path)?;
        let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(Failed::Damaged(verdict));
        }
        if found == schema::VERSION
            && let Some(table) = types::strange(&db)?
        {
            return Err(Failed::Damaged(format!("a value of the wrong type in table `{table}`")));
        }
    }
    if found < schema::VERSION {
        schema::upgrade(&db)?;
    }
    let names = names(&db)?;
    let mut tallies = Tallies::at(schema::meta(&db, "end")? as u64);
    count(&db, &names, &mut tallies)?;
    if trust != Trust::Made && checked {
        let reach = if trust == Trust::Closed { Reach::Owed } else { Reach::Everything };
        if let Some(damage) = audit(&db, &names, &tallies, reach)? {
            return Err(Failed::Damaged(damage.to_string()));
        }
    }
    let parts = Parts {
        site: options.site.as_str().into(),
        path: path.into(),
        durability,
        started_over: false,
        arrears: arrears(&db, &names)?,
        filter: filter(&db)?,
        names,
        tallies,
    };
    Ok((db, with_pending(parts)?))
}

/// A file that was cut off within its last page: SQLite fills up what is missing and goes on.
fn whole_pages(db: &Connection, path: &Path) -> Result<(), Failed> {
    let page: u64 = db.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0))? as u64;
    let size = || fs::metadata(path).map_or(0, |meta| meta.len());
    if page == 0 || size().is_multiple_of(page) {
        return Ok(());
    }
    // A power cut may end the write of a page while the WAL is folded back: then the WAL has that page, whole.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    match size() {
        size if size.is_multiple_of(page) => Ok(()),
        size => Err(Failed::Damaged(format!("the file ends within a page: {size} bytes"))),
    }
}

fn names(db: &Connection) -> rusqlite::Result<Names> {
    let mut names = Names::default();
    let mut ask =
        db.prepare("SELECT name, first_scan_done, inode_in_identity, armed_at FROM source ORDER BY id")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let mut source = Source::new(&row.get::<_, String>(0)?);
        source.first_scan_done = row.get(1)?;
        source.inode_in_identity = row.get(2)?;
        source.armed_at = row.get::<_, Option<At>>(3)?.map(|at| at.0);
        let number = names.add_source(source);
        if let Some(source) = names.source_mut(number) {
            let noted = schema::meta(db, &schema::incarnation(number.0)).optional()?;
            // A ledger that was saved from damage has zero here.
            source.incarnation = noted.filter(|noted| *noted != 0);
        }
    }
    let mut ask = db.prepare("SELECT source, since, root FROM source_root ORDER BY source, since")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let source =
            names.source_mut(SourceId(row.get(0)?)).ok_or_else(|| impossible("a root without a source"))?;
        source.root_is(&row.get::<_, Vec<u8>>(2)?, row.get::<_, i64>(1)? as u64);
    }
    let mut ask = db.prepare("SELECT name, kind FROM sink ORDER BY id")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        names.add_sink(Sink { name: row.get(0)?, kind: row.get(1)? });
    }
    let mut ask = db.prepare("SELECT sinks FROM route ORDER BY id")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let route = Route::parse(&row.get::<_, String>(0)?);
        names.add_route(route.ok_or_else(|| impossible("a route that is no list of sinks"))?);
    }
    classes(db, &mut names)?;
    Ok(names)
}

fn classes(db: &Connection, names: &mut Names) -> rusqlite::Result<()> {
    let sql = "SELECT id, source, fate, route, kind, cause, signals, rule, backend FROM class ORDER BY id";
    let mut ask = db.prepare(sql)?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let class = Class {
            source: SourceId(row.get(1)?),
            fate: fate(row.get(2)?, row.get(3)?).ok_or_else(|| impossible("an unknown fate"))?,
            kind: kind(&row.get::<_, String>(4)?)?,
            cause: cause(row.get(5)?)?,
            signals: signals(row.get(6)?),
            rule: row.get::<_, String>(7)?.into(),
            backend: row.get::<_, String>(8)?.into(),
        };
        if names.add_class(class) != row.get::<_, u32>(0)? {
            return Err(impossible("a gap in the classes"));
        }
    }
    Ok(())
}

/// The numbers that are stored, and the exceptions counted one by one. What is behind cursors is
/// counted by [`with_pending`].
fn count(db: &Connection, names: &Names, tallies: &mut Tallies) -> rusqlite::Result<()> {
    use crate::entry::Fate;
    use crate::options::{RouteId, SinkId};
    use crate::tally::Trouble;
    let mut ask = db.prepare("SELECT cursor, delivered FROM sink ORDER BY id")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let cursor = row.get::<_, i64>(0)? as u64;
        let cursor = if switch::is_off("go-on-with-the-backlog") { tallies.end } else { cursor };
        tallies.add_sink(cursor, row.get::<_, i64>(1)? as u64);
    }
    for route in &names.routes {
        tallies.add_route(route.clone());
    }
    let mut ask = db.prepare("SELECT id, total FROM class")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let class = names.class(row.get(0)?).ok_or_else(|| impossible("a class without a number"))?;
        let route = match class.fate {
            Fate::Announce(route) => Some(route),
            Fate::Adopt | Fate::Gone => None,
        };
        tallies.count_old(route, class.fate == Fate::Adopt, row.get::<_, i64>(1)? as u64);
    }
    let sql = "SELECT e.sink, c.route, e.letter FROM exception e JOIN generation g ON g.seq = e.seq
               JOIN class c ON c.id = g.class";
    let mut ask = db.prepare(sql)?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        let trouble = match row.get::<_, i64>(2)? {
            0 => Trouble::Parked,
            1 => Trouble::Letter,
            _ => Trouble::Purged,
        };
        tallies.trouble(SinkId(row.get(0)?), RouteId(row.get(1)?), None, Some(trouble));
    }
    Ok(())
}

/// The rows that the path index does not have yet.
fn arrears(db: &Connection, names: &Names) -> rusqlite::Result<Arrears> {
    let mut arrears = Arrears::default();
    let mut ask = db.prepare("SELECT seq, class, path FROM generation WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = ask.query([schema::meta(db, "indexed_to")?])?;
    while let Some(row) = rows.next()? {
        let class = names.class(row.get(1)?).ok_or_else(|| impossible("a row without a class"))?;
        if !class.is_indexed() {
            continue;
        }
        let key = super::index_key(class.source, model::PathKey::of(row.get_ref(2)?.as_blob()?));
        arrears.add(key, row.get::<_, i64>(0)? as u64);
    }
    Ok(arrears)
}

/// The keys of the path index. Those in arrears need none: they are looked for in the arrears first.
fn filter(db: &Connection) -> rusqlite::Result<Filter> {
    let keys: i64 = db.query_row("SELECT count(*) FROM path_index", [], |row| row.get(0))?;
    let mut filter = Filter::for_keys(keys as usize);
    let mut ask = db.prepare("SELECT key FROM path_index")?;
    let mut rows = ask.query([])?;
    while let Some(row) = rows.next()? {
        filter.add(row.get(0)?);
    }
    Ok(filter)
}

/// Counts what is behind the cursors.
fn with_pending(parts: Parts) -> Result<Parts, Failed> {
    let shared = Shared::new(parts);
    let counted = shared.readers.read("what is pending", |db| {
        let mut tallies = shared.tallies().clone();
        tallies.count_pending(&mut super::rows::DbRows { db, shared: &shared })?;
        Ok(tallies)
    });
    let tallies = counted.map_err(|error| match error {
        LedgerError::Read { source, .. } => source.into(),
        LedgerError::Damaged(damage) => Failed::Damaged(damage),
        error => Failed::Damaged(error.to_string()),
    })?;
    Ok(shared.into_parts(tallies))
}

/// Makes a new ledger of what can be read, moves the damaged files aside and puts the new one in
/// their place, in this order: killed in between, the next start goes on with what is there.
fn quarantine(dir: &Path, damage: String, durability: Durability) -> Result<Quarantine, OpenError> {
    let unusable = |doing, path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| OpenError::Unusable { doing, path, source }
    };
    let (building, whole) = (dir.join(BUILDING), dir.join(SAVED));
    remove_database(dir, BUILDING);
    let made = salvage(&dir.join(FILE), &building, durability);
    let saved = made.map_err(|source| OpenError::Database { path: building.clone(), source })?;
    let aside = free_name(dir);
    fs::create_dir(&aside).map_err(unusable("create", &aside))?;
    fs::rename(&building, &whole).map_err(unusable("rename", &building))?;
    // The file itself last: as long as it is there, the start begins again.
    for name in [format!("{FILE}-wal"), format!("{FILE}-shm"), FILE.to_owned()] {
        let from = dir.join(&name);
        if from.exists() {
            fs::rename(&from, aside.join(&name)).map_err(unusable("move aside", &from))?;
        }
    }
    finish_salvage(dir)?;
    let Saved { salvaged, mended, lost } = saved;
    Ok(Quarantine { dir: aside, damage, salvaged, mended, lost })
}

/// Puts a salvaged ledger into the place of the damaged one, once that is out of the way.
fn finish_salvage(dir: &Path) -> Result<(), OpenError> {
    let (saved, path) = (dir.join(SAVED), dir.join(FILE));
    if path.exists() {
        let _ = fs::remove_file(&saved);
        return Ok(());
    }
    if saved.exists() {
        let unusable = |source| OpenError::Unusable { doing: "rename", path: saved.clone(), source };
        fs::rename(&saved, &path).map_err(unusable)?;
    }
    Ok(())
}

fn remove_database(dir: &Path, name: &str) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(dir.join(format!("{name}{end}")));
    }
}

fn free_name(dir: &Path) -> PathBuf {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let stamp = Stamp::new(now.as_secs() as i64, 0).to_string().replace(':', "");
    let plain = dir.join(format!("quarantine-{stamp}"));
    let numbered = (2..).map(|number| dir.join(format!("quarantine-{stamp}-{number}")));
    std::iter::once(plain.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(plain)
}

/// What a check of a ledger found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong, in words; empty when all is well.
    pub damage: Vec<String>,
    /// How many records there are.
    pub records: u64,
    /// There is damage, and the next start will look everything over.
    pub is_heeded: bool,
}

/// Checks the ledger in `state_dir` without changing it; works beside a running daemon. Where there is damage, and no daemon
/// runs, an orderly end before it counts no longer: what has rotted since is not to be passed over by the next start.
pub fn check(state_dir: &Path) -> Result<CheckReport, OpenError> {
    let path = state_dir.join(FILE);
    if let Err(source) = fs::metadata(&path) {
        return Err(OpenError::Unusable { doing: "read", path, source });
    }
    let mut report = CheckReport::default();
    if let Err(error) = look_over(&path, &mut report) {
        report.damage.push(error.to_string());
    }
    report.is_heeded = !report.damage.is_empty() && distrust(state_dir);
    Ok(report)
}

/// Takes away the mark of an orderly close, so that the next start looks everything over. Whether that is so: who has the
/// ledger in use makes a new one when it ends.
fn distrust(dir: &Path) -> bool {
    // Opened for reading: whoever runs it from now on finds the lock's words as they were.
    let Ok(lock) = File::open(dir.join("lock")) else { return false };
    if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return false;
    }
    match fs::remove_file(dir.join(CLEAN)) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn look_over(path: &Path, report: &mut CheckReport) -> rusqlite::Result<()> {
    let db = schema::open_reader(path)?;
    let mut ask = db.prepare("PRAGMA integrity_check(20)")?;
    let found = ask.query_map([], |row| row.get::<_, String>(0))?;
    for line in found {
        let line = line?;
        if line != "ok" {
            report.damage.push(line);
        }
    }
    // One view of it all: what is settled meanwhile may be cleared away.
    let db = db.unchecked_transaction()?;
    let names = names(&db)?;
    let mut tallies = Tallies::at(schema::meta(&db, "end")? as u64);
    count(&db, &names, &mut tallies)?;
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version >= schema::SUMS_SINCE {
        let damage = audit(&db, &names, &tallies, Reach::Everything)?;
        report.damage.extend(damage.map(|damage| damage.to_string()));
    }
    report.records = db.query_row("SELECT count(*) FROM generation", [], |row| row.get::<_, i64>(0))? as u64;
    Ok(())
}

/// Puts a damaged ledger aside and keeps what can be read; a good one is left alone.
pub fn repair(state_dir: &Path) -> Result<OpenReport, OpenError> {
    let options = Options {
        state_dir: Some(state_dir.into()),
        site: String::new(),
        durability: Durability::Process,
        owner: "staithe store repair".into(),
    };
    // The mark of an orderly close is taken away first, so that everything is looked over.
    let _ = fs::remove_file(state_dir.join(CLEAN));
    let Opened { lock, db, parts, report } = open(&options, state_dir)?;
    drop(db);
    lock.mark_clean(&parts.tallies);
    Ok(report)
}
