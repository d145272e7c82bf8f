//! From "complete" to "remembered": the last check, the admission, the memory of what is known.

use std::sync::Arc;
use std::time::Duration;

use config::{Announce, Initial};
use ledger::{Admission, Fate, Moment};
use model::{Cause, Fingerprint, Kind, PathKey, Reason, SignalSet, Stamp};
use settle::{Sample, Selection};
use sys::{Dir, EntryKind, Errno};
use watch::DirId;

use super::Source;
use super::known::{ADOPTED, Known, fingerprint};
use super::looking::{Candidate, NOTHING_SEEN, Redated};
use super::waiting::Waiting;
use crate::explain::split;
use crate::notice::Notice;

/// Whether certainly no file of the name is there; a directory that cannot be opened proves nothing.
pub(super) fn is_absent(root: &Dir, path: &[u8]) -> bool {
    let (dir, name) = split(path);
    let look = root.reach_below(dir).and_then(|dir| dir.look_at(name));
    match look {
        Ok(look) => look.kind() == EntryKind::Directory,
        Err(error) => matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV),
    }
}

/// Whether what waits for this may have been complete all the time. What was not when the first scan found it is
/// no unit from before.
pub(super) const fn may_be_complete(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::WaitingLook
            | Reason::WaitingScan
            | Reason::WaitingInspection
            | Reason::WaitingQuiet
            | Reason::WaitingMinAge
            | Reason::WaitingPermission
    )
}

impl Source {
    /// Admits what is still complete after one more look into the kernel's queue.
    ///
    /// The kernel queues a close before it lets go of the file, so when a probe has found no writer,
    /// every close that belongs to the content seen is in the queue by now. Whatever is in the queue
    /// for a candidate happened after its entry was taken: it is judged again with that in mind.
    /// What stays was complete when it was looked at and untouched until after the probe.
    pub(super) fn settle_candidates(&mut self, candidates: Vec<Candidate>) {
        let moves = self.watcher.tree().moves();
        let looks = self.watcher.is_listening() && !switch::is_off("last-look");
        if looks && !(candidates.is_empty() && self.redated.is_empty()) {
            self.watcher.read_now();
            self.hear();
        }
        self.settle_redated();
        // Where directories were renamed meanwhile, another one may lie at a candidate's path.
        let stirred = self.watcher.tree().moves() != moves;
        for candidate in candidates {
            if self.is_overtaken(&candidate) || (stirred && self.is_elsewhere(&candidate)) {
                let mut waiting = candidate.waiting;
                waiting.next = self.now();
                waiting.reason = Reason::WaitingLook;
                self.waiting.insert(candidate.path, waiting);
            } else {
                self.admit(candidate);
            }
        }
        self.submit();
    }

    fn is_overtaken(&self, candidate: &Candidate) -> bool {
        // An arrival that was heard in full is announced whatever came after it.
        let arrivals = self.berth.plan.announce == Announce::Arrivals;
        let told = arrivals && (candidate.waiting.unit.has_evidence() || candidate.kind != Kind::File);
        !told && self.dirty.contains(candidate.waiting.dir, &candidate.name)
    }

    fn is_elsewhere(&self, candidate: &Candidate) -> bool {
        let dir = candidate.path.strip_suffix(&*candidate.name).unwrap_or_default();
        let dir = dir.strip_suffix(b"/").unwrap_or(dir);
        self.watcher.tree().path(candidate.waiting.dir).is_none_or(|path| path != dir)
    }

    /// New times of known files, unless more was heard: then they are looked at again.
    fn settle_redated(&mut self) {
        for Redated { dir, name, path, key, sample } in std::mem::take(&mut self.redated) {
            if self.dirty.contains(dir, &name) {
                continue;
            }
            self.remember(key, &sample);
            self.outgoing.push(ledger::Entry::Sample {
                source: self.berth.id,
                key,
                path,
                sample: fingerprint(&sample, self.with_inode),
                ctime: sample.ctime,
            });
        }
    }

    fn admit(&mut self, candidate: Candidate) {
        let Candidate { path, key, kind, sample, mode, signals, waiting, .. } = candidate;
        if std::mem::replace(&mut self.hidden, false) {
            // Something is in use there after all; a comparison will tell what the root is.
            self.next_whole_scan = Some(self.now());
        }
        let fate = self.fate(&waiting, &sample);
        // It is told once more; nothing about it is new.
        let again = waiting.forced && !waiting.unit.has_evidence() && self.is_known(key, &sample);
        let cause = match waiting.unit.cause {
            Cause::Found if again => Cause::Reannounced,
            cause => cause,
        };
        if waiting.unit.has_evidence() {
            self.note_heard(waiting.dir);
        } else if waiting.unheard && cause != Cause::Arrived && !waiting.forced {
            self.note_unheard(waiting.dir);
        }
        if sample != NOTHING_SEEN {
            self.remember(key, &sample);
            let turn = if fate == Fate::Adopt { ADOPTED } else { self.listing.turn() };
            self.known.announced_in(key, turn);
        }
        self.ignored.remove(&path);
        self.spend_markers(waiting.rule, &path);
        let admission = self.admission(path, key, kind, &sample, mode, signals, waiting, fate, cause);
        let admission = Box::new(admission);
        self.outgoing.push(if again {
            ledger::Entry::Again(admission)
        } else {
            ledger::Entry::Admit(admission)
        });
    }

    fn fate(&self, waiting: &Waiting, sample: &Sample) -> Fate {
        let route = self.berth.routes.rules.get(waiting.rule).copied();
        let announce = route.map_or(Fate::Adopt, Fate::Announce);
        if waiting.initial { self.initial_fate(announce, sample.ctime, sample.mtime) } else { announce }
    }

    /// What becomes of a unit that the first scan ever has found.
    pub(super) fn initial_fate(&self, announce: Fate, ctime: Stamp, mtime: Stamp) -> Fate {
        if ctime >= self.armed_at {
            return announce;
        }
        match self.berth.plan.initial {
            Initial::Deliver => announce,
            Initial::Adopt => Fate::Adopt,
            Initial::NewerThan(period) => {
                let age = self.berth.clock.wall().as_nanos().saturating_sub(mtime.as_nanos());
                let age = Duration::from_nanos(u64::try_from(age).unwrap_or(0));
                if age <= period { announce } else { Fate::Adopt }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an admission has many parts")]
    fn admission(
        &self,
        path: Box<[u8]>,
        key: PathKey,
        kind: Kind,
        sample: &Sample,
        mode: u32,
        signals: SignalSet,
        waiting: Waiting,
        fate: Fate,
        cause: Cause,
    ) -> Admission {
        let waited = self.now().saturating_sub(waiting.unit.first_seen);
        let backend = self.watcher.backend(waiting.dir);
        let history = waiting.history.into_moments();
        Admission {
            source: self.berth.id,
            key,
            path,
            fate,
            kind,
            fingerprint: fingerprint(sample, self.with_inode),
            ctime: sample.ctime,
            mode,
            rule: self.rule_names.get(waiting.rule).map_or_else(|| "".into(), Arc::clone),
            signals,
            backend,
            first_seen: waiting.unit.first_seen_wall,
            time: self.berth.clock.wall(),
            waited_ms: waited.as_millis() as u64,
            cause,
            history: history.map(|(time, what)| Moment { time, what }).collect(),
            members: None,
            moved: None,
        }
    }

    pub(super) fn remember(&mut self, key: PathKey, sample: &Sample) {
        let print = fingerprint(sample, self.with_inode);
        self.known.insert(key, Known::of(&print, sample.ctime, self.scan_number));
    }

    /// The path is away: if it was known, the ledger learns of it, so that its return is news.
    pub(super) fn forget(&mut self, path: &[u8], key: PathKey) {
        if self.known.remove(key) {
            match self.rule_of_file(path).filter(|rule| self.announces_removals(*rule)) {
                Some(rule) => self.submit_removed(path, key, rule, false),
                None => self.submit_absent(path, key),
            }
        }
    }

    fn rule_of_file(&self, path: &[u8]) -> Option<usize> {
        match self.selection(path) {
            Selection::Taken(rule) => Some(rule),
            Selection::Member { .. } | Selection::Ignored(_) => None,
        }
    }

    pub(super) fn announces_removals(&self, rule: usize) -> bool {
        self.route_of_removals(rule).is_some()
    }

    fn route_of_removals(&self, rule: usize) -> Option<ledger::RouteId> {
        self.berth.routes.removals.get(rule).copied().flatten()
    }

    /// What was announced is gone, and that may be an event of its own.
    pub(super) fn submit_removed(&mut self, path: &[u8], key: PathKey, rule: usize, dataset: bool) {
        if !self.announces_removals(rule) {
            return self.submit_absent(path, key);
        }
        let now = self.berth.clock.wall();
        let admission = Admission {
            source: self.berth.id,
            key,
            path: path.into(),
            fate: self.route_of_removals(rule).map_or(Fate::Adopt, Fate::Announce),
            kind: Kind::Removal { dataset },
            // What is gone, the ledger knows.
            fingerprint: Fingerprint::default(),
            ctime: now,
            mode: 0,
            rule: self.rule_names.get(rule).map_or_else(|| "".into(), Arc::clone),
            signals: SignalSet::EMPTY,
            backend: self.watcher.backend(DirId::ROOT),
            first_seen: now,
            time: now,
            waited_ms: 0,
            cause: Cause::Arrived,
            history: Vec::new(),
            members: None,
            moved: None,
        };
        self.outgoing.push(ledger::Entry::Removed(Box::new(admission)));
    }

    fn submit_absent(&mut self, path: &[u8], key: PathKey) {
        let (source, at) = (self.berth.id, self.berth.clock.wall());
        self.outgoing.push(ledger::Entry::Absent { source, key, path: path.into(), at });
    }

    /// The path is away; a unit that was waiting there will never be complete.
    pub(super) fn gone(&mut self, path: &[u8], key: PathKey) {
        self.forget(path, key);
        self.member_is_gone(path);
        let Some(waiting) = self.waiting.take(path).filter(|waiting| !waiting.member) else { return };
        let sample = waiting.unit.sample().unwrap_or(NOTHING_SEEN);
        let cause = waiting.unit.cause;
        let admission = self.admission(
            path.into(),
            key,
            Kind::File,
            &sample,
            0,
            SignalSet::EMPTY,
            waiting,
            Fate::Gone,
            cause,
        );
        self.outgoing.push(ledger::Entry::Admit(Box::new(admission)));
    }

    /// A whole scan has not come by these: they went away unheard, or cannot be seen just now. Only
    /// what was seen under this very root and mount and is not there now is gone. In a slow region
    /// nobody goes there to look; there two scans must have missed it.
    pub(super) fn forget_missing(&mut self, root: &Dir, scan: u32) {
        let since = if switch::is_off("removal-by-evidence-only") { 0 } else { self.root_since };
        let mut missing = self.known.missing(since, scan);
        if missing.is_empty() {
            return;
        }
        missing.sort_unstable();
        let mut gone = Vec::new();
        let read = self.berth.ledger.known(self.berth.id, &mut |row| {
            let missed_twice = || self.known.last_scan(row.key) < self.last_whole_scan;
            let evident = || {
                let slow = self.watcher.region_at(row.path).is_some_and(watch::Region::is_slow);
                if slow { missed_twice() } else { is_absent(root, row.path) }
            };
            if missing.binary_search(&row.key).is_ok() && self.can_be_missed(row.path) && evident() {
                gone.push((row.key, row.path.to_vec()));
            }
        });
        if let Err(error) = read {
            self.berth.observer.notice(&Notice::LedgerTrouble { error: &error.to_string() });
        }
        for (key, path) in gone {
            self.forget(&path, key);
        }
    }

    /// Hands everything to the ledger. Waits while the ledger's channel is full: meanwhile the
    /// kernel's events gather in the backlog, and beyond that in the tree itself.
    pub(super) fn submit(&mut self) {
        if self.outgoing.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.outgoing);
        if self.berth.ledger.submit(batch).is_err() {
            // The ledger is closed: the program ends. What was in hand lies in the tree.
            self.stopping = true;
        }
    }
}
