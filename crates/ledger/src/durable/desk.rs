//! One round at the writer's desk: messages become rows of one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use model::{EventId, Kind, PathKey, Stamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use crate::entry::{Admission, Entry, Fate, Moment};
use crate::lineage::{Earlier, Lineage, Place};
use crate::names::Class;
use crate::options::{RouteId, SinkId, SourceId};
use crate::recent::Stored;
use crate::seal::{self, Origin};
use crate::tally::{SinkTally, Tallies};

use super::codec::{At, Id, fate_columns, fingerprint, impossible, push_history, signal_bits};
use super::damage::Damage;
use super::parcels::{ROW, SUMMED};
use super::passing::Passed;
use super::schema;
use super::shared::Shared;
use super::sums::{self, Pad};

/// `standing` of a row that is the newest of its path and still there.
const PRESENT: i64 = 1;
/// `standing` of a row whose path is gone.
const ABSENT: i64 = 2;
/// The bit of `standing` that says: no earlier row of the path has a later mtime.
const TOPMOST: i64 = 4;

/// Nothing is added to a history of so many characters.
const LONGEST_HISTORY: u32 = 16 * 1024;

/// So many classes are remembered within a round: the events of a stream are of some ten kinds by turns.
const LAST_CLASSES: usize = 16;

/// At least so many rows of a merge of the path index go into one round.
const LEAST_MERGE: usize = 64;

/// The round's working copy. Nothing of it is seen by others before the commit.
pub(crate) struct Desk<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) shared: &'a Shared,
    pub(crate) tallies: Tallies,
    /// Events admitted in this round.
    pub(crate) fresh: Vec<Stored>,
    /// Rows added to classes in this round.
    totals: HashMap<u32, u64>,
    /// The classes of the last admissions: most often the next one's, too.
    last_classes: Vec<(Class, u32)>,
    /// Admissions in this round.
    entries: usize,
    /// How far happenings are cleared away when this round is committed.
    pub(super) passed: Passed,
    /// The timeline being written; kept for its room.
    history: String,
    /// What the sum of a row is being made of; kept for its room.
    pad: Pad,
    sql: Sql<'a>,
}

/// The statements that run for each admission, looked up once for each round.
struct Sql<'a> {
    insert: CachedStatement<'a>,
    body: CachedStatement<'a>,
    row: CachedStatement<'a>,
    indexed: CachedStatement<'a>,
}

impl<'a> Sql<'a> {
    fn new(db: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            insert: db.prepare_cached(
                "INSERT INTO generation VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                 NULL, ?16, ?17)",
            )?,
            body: db.prepare_cached("INSERT INTO body VALUES(?1, ?2, ?3)")?,
            row: db.prepare_cached(&format!("SELECT {ROW}, g.standing FROM generation g WHERE g.seq = ?1"))?,
            indexed: db
                .prepare_cached("SELECT seq FROM path_index WHERE key = ?1 AND seq < ?2 ORDER BY seq DESC")?,
        })
    }
}

/// An earlier row of a path.
#[derive(Clone, Copy)]
struct Found {
    seq: u64,
    standing: i64,
    /// `None`: a unit that vanished before it was complete, or no unit.
    earlier: Option<Earlier>,
}

/// Reads a row, if it exists and is about that path. A damaged one is passed over: what it says about the path is not
/// to be believed, and the next start mends it or tells the file again.
fn find(
    ask: &mut CachedStatement<'_>,
    shared: &Shared,
    seq: u64,
    source: SourceId,
    path: &[u8],
) -> rusqlite::Result<Option<Found>> {
    let mut rows = ask.query([seq as i64])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let names = shared.names();
    let class = names.class(row.get(1)?).ok_or_else(|| impossible("a row without a class"))?;
    if class.source != source || row.get_ref(2)?.as_blob()? != path {
        return Ok(None);
    }
    if !sums::agree(row, 0, SUMMED)? {
        shared.readers.note_damage(&Damage::OfRow(seq).into());
        return Ok(None);
    }
    let standing: i64 = row.get(SUMMED + 1)?;
    let announced = matches!(class.fate, Fate::Announce(_));
    let counts = class.kind.is_unit() && (announced || class.fate == Fate::Adopt);
    let earlier = counts.then_some(Earlier {
        announced,
        kind: class.kind,
        fingerprint: fingerprint(row, 4)?,
        number: row.get(8)?,
        recurrence: row.get(9)?,
        id: row.get::<_, Id>(3)?.0,
        topmost: standing & TOPMOST != 0,
    });
    Ok(Some(Found { seq, standing, earlier }))
}

impl<'a> Desk<'a> {
    pub(crate) fn new(db: &'a Connection, shared: &'a Shared) -> rusqlite::Result<Self> {
        let tallies = shared.tallies().clone();
        let sql = Sql::new(db)?;
        let (fresh, totals, history) = (Vec::new(), HashMap::new(), String::with_capacity(256));
        let passed = shared.passed().clone();
        let (last_classes, pad) = (Vec::new(), Pad::default());
        Ok(Self { db, shared, tallies, fresh, totals, last_classes, entries: 0, passed, history, pad, sql })
    }

    pub(crate) fn enter(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        match entry {
            Entry::Again(admission) if !self.may_go_again(admission)? => Ok(()),
            Entry::Admit(admission) | Entry::Again(admission) => self.admit(admission),
            Entry::Sample { source, key, path, sample, ctime } => {
                let Some(found) = self.latest_present(*source, *key, path)? else { return Ok(()) };
                let mut put =
                    self.db.prepare_cached("INSERT OR REPLACE INTO sample VALUES(?1, ?2, ?3, ?4, ?5)")?;
                let (size, inode) = (sample.size as i64, sample.inode as i64);
                put.execute(params![found.seq as i64, size, At(sample.mtime), inode, At(*ctime)])?;
                Ok(())
            }
            Entry::Remark { source, key, path, at, what } => {
                let Some(found) = self.latest_present(*source, *key, path)? else { return Ok(()) };
                self.remark(found.seq, &Moment { time: *at, what: what.clone() })
            }
            Entry::Absent { source, key, path, at } => {
                let Some(found) = self.latest_present(*source, *key, path)? else { return Ok(()) };
                self.stand(found.seq, ABSENT, Some(*at))
            }
            Entry::Removed(admission) => self.remove(admission),
        }
    }

    /// Adds a line to the history of a generation, unless it is long already.
    fn remark(&self, seq: u64, moment: &Moment) -> rusqlite::Result<()> {
        let sql = "SELECT first_seen FROM generation WHERE seq = ?1 AND length(history) < ?2";
        let mut ask = self.db.prepare_cached(sql)?;
        let first_seen: Option<At> =
            ask.query_row(params![seq as i64, LONGEST_HISTORY], |row| row.get(0)).optional()?;
        let Some(At(first_seen)) = first_seen else { return Ok(()) };
        let mut line = String::new();
        push_history(std::slice::from_ref(moment), first_seen, &mut line);
        let mut put =
            self.db.prepare_cached("UPDATE generation SET history = history || ?2 WHERE seq = ?1")?;
        put.execute(params![seq as i64, line])?;
        Ok(())
    }

    fn stand(&self, seq: u64, standing: i64, absent_at: Option<Stamp>) -> rusqlite::Result<()> {
        let sql = "UPDATE generation SET standing = (standing & 4) | ?2, absent_at = ?3 WHERE seq = ?1";
        let mut update = self.db.prepare_cached(sql)?;
        update.execute(params![seq as i64, standing, absent_at.map(At)])?;
        Ok(())
    }

    fn latest_present(
        &mut self,
        source: SourceId,
        key: PathKey,
        path: &[u8],
    ) -> rusqlite::Result<Option<Found>> {
        let mut present = None;
        self.walk(source, key, path, &mut |row| {
            // Only the newest that was not just a vanishing can be present.
            present = (row.standing & 3 == PRESENT).then_some(*row);
            row.earlier.is_none()
        })?;
        Ok(present)
    }

    /// Shows the rows of a path, newest first, until `visit` has seen enough.
    fn walk(
        &mut self,
        source: SourceId,
        key: PathKey,
        path: &[u8],
        visit: &mut dyn FnMut(&Found) -> bool,
    ) -> rusqlite::Result<()> {
        let key = super::index_key(source, key);
        let fresh = self.shared.arrears().rows(key).to_vec();
        for seq in fresh.iter().rev() {
            let found = find(&mut self.sql.row, self.shared, *seq, source, path)?;
            if found.is_some_and(|found| !visit(&found)) {
                return Ok(());
            }
        }
        if !self.shared.filter().may_hold(key) {
            return Ok(());
        }
        // While a merge is under way its rows are in both.
        let before = fresh.first().map_or(i64::MAX, |seq| *seq as i64);
        let mut indexed = self.sql.indexed.query(params![key, before])?;
        while let Some(row) = indexed.next()? {
            let found = find(&mut self.sql.row, self.shared, row.get::<_, i64>(0)? as u64, source, path)?;
            if found.is_some_and(|found| !visit(&found)) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn admit(&mut self, admission: &Admission) -> rusqlite::Result<()> {
        if !admission.kind.is_unit() {
            return self.write(admission, &Place::ALONE);
        }
        let (place, previous) = self.place(admission)?;
        if let Some(previous) = previous {
            self.stand(previous, 0, None)?;
        }
        self.write(admission, &place)
    }

    /// What lay there is gone; the event says so only where another one said that it came.
    fn remove(&mut self, admission: &Admission) -> rusqlite::Result<()> {
        let found = self.latest_present(admission.source, admission.key, &admission.path)?;
        let Some((found, gone)) = found.and_then(|found| Some((found, found.earlier?))) else {
            return Ok(());
        };
        self.stand(found.seq, ABSENT, Some(admission.time))?;
        if gone.announced && matches!(admission.fate, Fate::Announce(_)) {
            self.write(&admission.of_removal(&gone), &Place::of_removal(&gone))?;
        }
        Ok(())
    }

    fn write(&mut self, admission: &Admission, place: &Place) -> rusqlite::Result<()> {
        self.entries += 1;
        let Some(origin) = self.origin(admission.source) else { return Ok(()) };
        let class = self.class(admission)?;
        let (seq, frozen, route) = match admission.fate {
            Fate::Announce(route) => {
                let frozen = seal::freeze(&origin, admission, place);
                (self.tallies.admit(route), Some(frozen), Some(route))
            }
            Fate::Adopt => (self.tallies.set_down(true), None, None),
            Fate::Gone => (self.tallies.set_down(false), None, None),
        };
        let id = frozen.as_ref().map_or_else(|| seal::id(&origin, admission, place), |frozen| frozen.id);
        self.insert(seq, class, admission, place, id)?;
        self.count_members(seq, admission)?;
        if let (Some(frozen), Some(route)) = (frozen, route) {
            let sum = sums::of_body(seq as i64, &frozen.body);
            self.sql.body.execute(params![seq as i64, frozen.body, sum])?;
            self.fresh.push(seal::stored(&origin, admission, place, route, seq, frozen));
        }
        Ok(())
    }

    /// Whether nothing of the same content is on its way or set aside.
    fn may_go_again(&mut self, admission: &Admission) -> rusqlite::Result<bool> {
        let Some(found) = self.latest_present(admission.source, admission.key, &admission.path)? else {
            return Ok(true);
        };
        let seq = found.seq;
        let sql =
            "SELECT c.fate, c.route, EXISTS(SELECT 1 FROM exception e WHERE e.seq = g.seq) FROM generation g
                   JOIN class c ON c.id = g.class LEFT JOIN sample s ON s.seq = g.seq
                   WHERE g.seq = ?1 AND coalesce(s.size, g.size) = ?2 AND coalesce(s.mtime, g.mtime) = ?3
                     AND coalesce(s.inode, g.inode) = ?4 AND c.kind = ?5";
        let mut ask = self.db.prepare_cached(sql)?;
        let print = admission.fingerprint;
        let same = params![
            seq as i64,
            print.size as i64,
            At(print.mtime),
            print.inode as i64,
            admission.kind.name()
        ];
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, bool>(2)?));
        let Some((fate, route, exceptional)) = ask.query_row(same, row).optional()? else { return Ok(true) };
        let settled = seq <= self.tallies.floor(RouteId(route));
        Ok(fate == 0 && settled && !exceptional)
    }

    fn origin(&self, source: SourceId) -> Option<Origin> {
        let names = self.shared.names();
        let known = names.source(source)?;
        let root = known.root_at(self.tallies.end + 1);
        Some(Origin { site: Arc::clone(&self.shared.site), source: Arc::clone(&known.name), root })
    }

    /// The place among the path's generations, and the row that was its newest until now.
    fn place(&mut self, admission: &Admission) -> rusqlite::Result<(Place, Option<u64>)> {
        let mut lineage = Lineage::of(admission.kind, admission.fingerprint);
        let (mut previous, mut wants_more) = (None, true);
        self.walk(admission.source, admission.key, &admission.path, &mut |row| {
            if let Some(earlier) = &row.earlier {
                // Only the newest that was not just a vanishing can be present.
                previous = previous.or((row.standing & 3 == PRESENT).then_some(row.seq));
                wants_more = lineage.look(earlier);
            }
            wants_more
        })?;
        Ok((lineage.place(), previous))
    }

    fn insert(
        &mut self,
        seq: u64,
        class: u32,
        admission: &Admission,
        place: &Place,
        id: EventId,
    ) -> rusqlite::Result<()> {
        let print = admission.fingerprint;
        let present = admission.fate != Fate::Gone && admission.kind.is_unit();
        let standing = i64::from(present) * PRESENT + i64::from(place.topmost) * TOPMOST;
        self.history.clear();
        push_history(&admission.history, admission.first_seen, &mut self.history);
        let sum = self.sum(seq, class, admission, place, id);
        let put = &mut self.sql.insert;
        put.execute(params![
            seq as i64,
            class,
            standing,
            &*admission.path,
            id.0.as_slice(),
            print.size as i64,
            At(print.mtime),
            print.inode as i64,
            At(admission.ctime),
            place.number,
            place.recurrence,
            place.supersedes.as_ref().map(|id| id.0.as_slice()),
            At(admission.first_seen),
            At(admission.time),
            admission.waited_ms as i64,
            self.history,
            sum,
        ])?;
        if !matches!(admission.kind, Kind::Happening(_)) {
            self.shared.arrears().add(super::index_key(admission.source, admission.key), seq);
        }
        Ok(())
    }

    /// The sum of the row, in the order of [`ROW`].
    fn sum(&mut self, seq: u64, class: u32, admission: &Admission, place: &Place, id: EventId) -> i64 {
        let (print, pad) = (admission.fingerprint, &mut self.pad);
        pad.clear();
        pad.integer(seq as i64);
        pad.integer(class.into());
        pad.blob(&admission.path);
        pad.blob(&id.0);
        pad.integer(print.size as i64);
        pad.stamp(At(print.mtime));
        pad.integer(print.inode as i64);
        pad.stamp(At(admission.ctime));
        pad.integer(place.number.into());
        pad.integer(place.recurrence.into());
        match &place.supersedes {
            Some(id) => pad.blob(&id.0),
            None => pad.null(),
        }
        pad.stamp(At(admission.first_seen));
        pad.stamp(At(admission.time));
        pad.integer(admission.waited_ms as i64);
        pad.sum()
    }

    /// The frozen bytes say it too, but they are cleared away once every sink has them.
    fn count_members(&self, seq: u64, admission: &Admission) -> rusqlite::Result<()> {
        if let Some(members) = admission.members.as_ref().filter(|_| admission.kind == Kind::Dataset) {
            let mut put = self.db.prepare_cached("INSERT INTO dataset VALUES(?1, ?2)")?;
            put.execute(params![seq as i64, members.count as i64])?;
        }
        Ok(())
    }

    fn class(&mut self, admission: &Admission) -> rusqlite::Result<u32> {
        let same = |class: &Class| {
            class.source == admission.source
                && class.fate == admission.fate
                && class.kind == admission.kind
                && class.cause == admission.cause
                && class.signals == admission.signals
                && class.rule == admission.rule
                && &*class.backend == admission.backend
        };
        let number = match self.last_classes.iter().find(|(class, _)| same(class)) {
            Some((_, number)) => *number,
            None => self.other_class(admission)?,
        };
        *self.totals.entry(number).or_insert(0) += 1;
        Ok(number)
    }

    fn other_class(&mut self, admission: &Admission) -> rusqlite::Result<u32> {
        let class = Class {
            source: admission.source,
            fate: admission.fate,
            kind: admission.kind,
            cause: admission.cause,
            signals: admission.signals,
            rule: Arc::clone(&admission.rule),
            backend: admission.backend.into(),
        };
        let known = self.shared.names().class_number(&class);
        // What a failed round has named is forgotten with it: whatever has a number is written.
        let number = match known {
            Some(number) => number,
            None => self.new_class(&class)?,
        };
        if self.last_classes.len() == LAST_CLASSES {
            self.last_classes.remove(0);
        }
        self.last_classes.push((class, number));
        Ok(number)
    }

    fn new_class(&mut self, class: &Class) -> rusqlite::Result<u32> {
        let number = self.shared.names_mut().add_class(class.clone());
        let (fate, route) = fate_columns(class.fate);
        let (kind, cause, signals) = (class.kind.name(), class.cause as u8, signal_bits(class.signals));
        let (source, rule, backend) = (class.source.0, &*class.rule, &*class.backend);
        let sum = sums::of(params![number, source, fate, route, kind, cause, signals, rule, backend])?;
        let sql = "INSERT OR IGNORE INTO class VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10)";
        let mut put = self.db.prepare_cached(sql)?;
        put.execute(params![number, source, fate, route, kind, cause, signals, rule, backend, sum])?;
        Ok(number)
    }

    /// Writes what is counted once for each round. Call it before the commit.
    pub(crate) fn finish(&mut self) -> rusqlite::Result<()> {
        for (class, added) in self.totals.drain() {
            let mut update = self.db.prepare_cached("UPDATE class SET total = total + ?2 WHERE id = ?1")?;
            update.execute(params![class, added as i64])?;
        }
        let before = self.shared.tallies().sinks().to_vec();
        for (at, sink) in self.tallies.sinks().iter().enumerate() {
            let moved =
                |old: &crate::tally::SinkTally| old.cursor != sink.cursor || old.delivered != sink.delivered;
            if before.get(at).is_none_or(moved) && !switch::is_off("record-deliveries") {
                self.write_sink(SinkId(at as u32 + 1), sink)?;
            }
        }
        if self.tallies.end != self.shared.tallies().end {
            schema::set_meta(self.db, "end", self.tallies.end as i64)?;
        }
        self.clear_happenings(self.entries)?;
        self.merge_index()
    }

    fn write_sink(&self, id: SinkId, tally: &SinkTally) -> rusqlite::Result<()> {
        let names = self.shared.names();
        let Some(sink) = names.sink(id) else { return Ok(()) };
        let (cursor, delivered) = (tally.cursor as i64, tally.delivered as i64);
        let sum = sums::of(params![id.0, sink.name, sink.kind, cursor, delivered])?;
        let sql = "UPDATE sink SET cursor = ?2, delivered = ?3, sum = ?4 WHERE id = ?1";
        self.db.prepare_cached(sql)?.execute(params![id.0, cursor, delivered, sum])?;
        Ok(())
    }

    /// Brings the path index a little further, at the pace at which rows come.
    fn merge_index(&mut self) -> rusqlite::Result<()> {
        let mut arrears = self.shared.arrears();
        let slice = arrears.slice(LEAST_MERGE.max(2 * self.entries));
        if !slice.is_empty() {
            let mut put = self.db.prepare_cached("INSERT OR IGNORE INTO path_index VALUES(?1, ?2)")?;
            let mut filter = self.shared.filter();
            for (key, seq) in arrears.merging(slice) {
                filter.add(*key);
                put.execute(params![key, *seq as i64])?;
            }
        }
        if let Some(end) = arrears.finished() {
            schema::set_meta(self.db, "indexed_to", end as i64)?;
        }
        Ok(())
    }
}
