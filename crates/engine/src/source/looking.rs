//! Looking at what was heard of: which rule takes it, is it known, is it complete?

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use config::Announce;
use model::{Kind, PathKey, Reason, SignalSet, Stamp};
use settle::select::UnitAbove;
use settle::{
    Beside, Late, Mono, Questions, RuleMask, Rules, Sample, Selection, Step, Unit, What, WriterFact,
};
use sys::filesystem::Trust;
use sys::{Dir, EntryKind, Errno, Links, Look, Writer};
use watch::{Departed, DirId};

use super::admitting::{is_absent, may_be_complete};
use super::dirty::{Entry, Heard};
use super::known::{Compared, fingerprint};
use super::waiting::{History, Waiting};
use super::{Ignored, Source};
use crate::explain::reason_line;
use crate::notice::Notice;

/// So many entries are looked at before what is complete among them is admitted.
const BATCH: usize = 2048;
/// So many directories are held open during a batch, where there are descriptors enough.
const OPEN_DIRECTORIES: u64 = 256;
/// One source takes at most this part of them: with none left its files could not be looked at at all.
const DESCRIPTORS_SHARE: u64 = 8;
/// When an entry is asked for again that a scanner was sent to look at.
const ERRAND: std::time::Duration = std::time::Duration::from_secs(30);
/// So many links that lead nowhere, FIFOs and the like are told of.
const LEFT_OUT: u32 = 20;
/// How many names of ignored files are kept for `explain` and `ls`; beyond it they are not listed.
const IGNORED_NAMES: usize = 200_000;

/// A unit that its rule has found complete, before the last check.
pub(super) struct Candidate {
    pub(super) path: Box<[u8]>,
    pub(super) key: PathKey,
    pub(super) name: Box<[u8]>,
    pub(super) kind: Kind,
    pub(super) sample: Sample,
    pub(super) mode: u32,
    pub(super) signals: SignalSet,
    pub(super) waiting: Waiting,
}

/// A known file with new times, before the last check.
pub(super) struct Redated {
    pub(super) dir: DirId,
    pub(super) name: Box<[u8]>,
    pub(super) path: Box<[u8]>,
    pub(super) key: PathKey,
    pub(super) sample: Sample,
}

/// A directory as long as a batch lasts. Open directories keep a file system from being
/// unmounted, so none is kept longer.
pub(super) struct OpenDir<'a> {
    pub(super) root: &'a Dir,
    /// Opened when it is needed first, or why it cannot be opened.
    dir: OnceCell<Result<Dir, Errno>>,
    path: Vec<u8>,
    mask: RuleMask,
    /// System calls in it are left to scanners.
    pub(super) slow: bool,
    /// The datasets that it is or lies in.
    units: OnceCell<Vec<UnitAbove>>,
}

/// The open directories of one batch.
pub(super) struct OpenDirs<'a> {
    root: &'a Dir,
    /// Where the directories were that are gone since the entries were heard of.
    departed: &'a Departed,
    open: HashMap<DirId, Rc<OpenDir<'a>>>,
}

impl<'a> OpenDirs<'a> {
    fn new(root: &'a Dir, departed: &'a Departed) -> Self {
        Self { root, departed, open: HashMap::new() }
    }

    /// The directory, or nothing if it hangs nowhere any more.
    fn get(&mut self, source: &Source, id: DirId) -> Option<Rc<OpenDir<'a>>> {
        if let Some(open) = self.open.get(&id) {
            return Some(Rc::clone(open));
        }
        let tree = source.watcher.tree();
        let (dir, path, mask) = match (tree.path(id), self.departed.get(&id)) {
            (Some(path), _) => (OnceCell::new(), path, tree.mask(id)),
            (None, Some((path, mask))) => (OnceCell::from(Err(Errno::NOENT)), path.clone(), *mask),
            (None, None) => return None,
        };
        let slow = source.watcher.is_slow(id);
        let open = Rc::new(OpenDir { root: self.root, dir, path, mask, slow, units: OnceCell::new() });
        if self.open.len() >= open_directories() {
            self.open.clear();
        }
        self.open.insert(id, Rc::clone(&open));
        Some(open)
    }
}

/// The limit does not change while the program runs.
fn open_directories() -> usize {
    static MOST: OnceLock<u64> = OnceLock::new();
    let most = || (sys::limits::descriptors().soft / DESCRIPTORS_SHARE).clamp(1, OPEN_DIRECTORIES);
    *MOST.get_or_init(most) as usize
}

impl OpenDir<'_> {
    fn dir(&self) -> Result<&Dir, Errno> {
        let open = || self.root.reach_below(&self.path);
        self.dir.get_or_init(open).as_ref().map_err(|error| *error)
    }

    /// The datasets that it is or lies in, the outermost first.
    pub(super) fn units(&self, rules: &Rules) -> &[UnitAbove] {
        self.units.get_or_init(|| rules.units_above(&self.path))
    }

    fn join(&self, name: &[u8]) -> Box<[u8]> {
        if self.path.is_empty() {
            return name.into();
        }
        let mut path = Vec::with_capacity(self.path.len() + 1 + name.len());
        path.extend_from_slice(&self.path);
        path.push(b'/');
        path.extend_from_slice(name);
        path.into()
    }

    fn look_at(&self, name: &[u8]) -> Result<Look, Errno> {
        match self.dir() {
            Ok(dir) => dir.look_at(name),
            // Another thing has taken the directory's place.
            Err(Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Err(Errno::NOENT),
            Err(error) => Err(error),
        }
    }
}

impl Source {
    /// Looks at everything that was heard of, and at everything whose time has come.
    pub(super) fn look(&mut self, root: &Dir) {
        let mut entries = self.dirty.take();
        entries.extend(self.due_entries(root));
        let departed = self.watcher.take_departed();
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut dirs = OpenDirs::new(root, &departed);
            let mut candidates = Vec::new();
            for entry in entries.by_ref().take(BATCH) {
                self.look_at_entry(&mut dirs, &entry, &mut candidates);
            }
            drop(dirs);
            self.run_errands();
            self.wake_those_beside();
            self.settle_candidates(candidates);
        }
        if !departed.is_empty() {
            self.hear_of_departed(&departed);
            self.drop_departed_bundles(root);
        }
    }

    fn due_entries(&mut self, root: &Dir) -> Vec<Entry> {
        let due = self.waiting.due(self.now(), BATCH);
        let entry = |path: Box<[u8]>| {
            let dir = self.waiting.get(&path)?.dir;
            let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(&path);
            Some((
                path.clone(),
                Entry { dir, name: name.into(), heard: Heard::default(), look: None, asked: None },
            ))
        };
        let due: Vec<_> = due.into_iter().filter_map(entry).collect();
        let mut entries = Vec::with_capacity(due.len());
        for (path, entry) in due {
            // A unit whose directory was renamed is no longer at the path by which it is known.
            let there = self.watcher.tree().path(entry.dir).is_some_and(|dir| {
                path.strip_suffix(&*entry.name).map(|rest| rest.strip_suffix(b"/").unwrap_or(rest))
                    == Some(&dir)
            });
            if there {
                entries.push(entry);
            } else {
                self.look_for_lost(root, path);
            }
        }
        entries
    }

    /// The directory by which a waiting unit was known is not at its path any more. Perhaps another
    /// one is, or the same under another number: then the scan that is due finds the unit.
    fn look_for_lost(&mut self, root: &Dir, path: Box<[u8]>) {
        if self.can_be_missed(&path) && is_absent(root, &path) {
            return self.gone(&path, PathKey::of(&path));
        }
        let Some(mut waiting) = self.waiting.take(&path) else { return };
        if self.is_selected(&path) {
            let again = self.now() + super::ROOT_CHECK;
            waiting.next = again;
            self.waiting.insert(path, waiting);
            self.next_whole_scan = Some(self.next_whole_scan.map_or(again, |next| next.min(again)));
        }
    }

    fn look_at_entry(&mut self, dirs: &mut OpenDirs<'_>, entry: &Entry, candidates: &mut Vec<Candidate>) {
        let Some(open) = dirs.get(self, entry.dir) else { return };
        let path = open.join(&entry.name);
        if entry.heard == Heard::default() && !self.waiting.contains(&path) {
            // Its time has come, but it was heard of as well and has been looked at for that.
            return;
        }
        let rule = match self.berth.plan.rules.select(&path, open.mask) {
            Selection::Taken(rule) => rule,
            Selection::Member { .. } => return self.hear_member(&open, entry, &path),
            Selection::Ignored(reason) => {
                if matches!(reason, Reason::IgnoredMarker { .. }) {
                    self.hear_companion(&path, entry.heard);
                }
                return match self.rule_of_link(&path) {
                    Some(rule) => self.look_at_link(&open, entry, path, rule, reason, candidates),
                    None => self.ignore(path, reason, entry.heard),
                };
            }
        };
        let Some(look) = self.look_of(&open, entry, &path) else { return };
        match look {
            Ok(look) => match self.kind_of(&open, &entry.name, look) {
                (EntryKind::File, look) => self.look_at_file(&open, entry, path, rule, &look, candidates),
                // What was a file there is no more.
                (EntryKind::Directory, _) => {
                    self.ignored.remove(&path);
                    self.gone(&path, PathKey::of(&path));
                }
                (kind, look) => match self.dataset_behind(&open, &entry.name, &path, look) {
                    Some(look) => self.look_at_file(&open, entry, path, rule, &look, candidates),
                    None => self.look_at_odd(&open, entry, path, rule, kind, &look, candidates),
                },
            },
            // A scanner's word that may be past; whole scans tell whether it is gone.
            Err(Errno::NOENT | Errno::NOTDIR) if open.slow && !self.waiting.contains(&path) => {}
            Err(Errno::NOENT | Errno::NOTDIR) => self.vanished(entry, path, rule, candidates),
            Err(_) => self.wait_for_permission(entry, path, rule),
        }
    }

    /// How the entry looks: as a scanner saw it, or as it looks now. Nothing if there is no need to
    /// know, or if a scanner is sent to look.
    fn look_of(&mut self, open: &OpenDir<'_>, entry: &Entry, path: &[u8]) -> Option<Result<Look, Errno>> {
        if let Some(look) = entry.look.as_deref() {
            // What a scanner saw may be past. Where looking again is cheap, only news is taken from it.
            let is_news = look.is_ok() && !self.waiting.contains(path);
            return Some(if open.slow || is_news { *look } else { open.look_at(&entry.name) });
        }
        if entry.heard.named && !self.waiting.contains(path) {
            let key = PathKey::of(path);
            if self.known.seen_by_scan(key, self.scan_number) {
                return None;
            }
        }
        if open.slow {
            self.errands.entry(entry.dir).or_default().push(entry.name.clone());
            // What is to be announced again must not be forgotten on the way.
            let waits = self.waiting.take(path);
            let new = || entry.heard.forced.then(|| self.new_unit(entry, &NOTHING_SEEN));
            if let Some(mut waiting) = waits.or_else(new) {
                waiting.forced |= entry.heard.forced;
                waiting.next = self.now() + ERRAND;
                self.waiting.insert(path.into(), waiting);
            }
            return None;
        }
        Some(open.look_at(&entry.name))
    }

    /// Sends scanners to look at what lies in slow regions.
    fn run_errands(&mut self) {
        for (dir, names) in std::mem::take(&mut self.errands) {
            self.watcher.look(dir, names);
        }
    }

    /// No rule takes it. Nothing is asked of the file system for it.
    fn ignore(&mut self, path: Box<[u8]>, reason: Reason, heard: Heard) {
        self.waiting.take(&path);
        if heard.gone {
            self.ignored.remove(&path);
        } else if self.ignored.len() < IGNORED_NAMES || self.ignored.contains_key(&path) {
            self.ignored.insert(path, Ignored { reason, scan: self.scan_number });
        }
    }

    /// What an entry is for this source. Where links are followed, they are as far as files; a link
    /// to a directory could lead in circles.
    fn kind_of(&self, open: &OpenDir<'_>, name: &[u8], look: Look) -> (EntryKind, Look) {
        let follows = self.berth.plan.follow_symlinks && !self.announces_arrivals();
        if look.kind() == EntryKind::Symlink
            && follows
            && !open.slow
            && let Some(through) = open.dir().ok().and_then(|dir| dir.look_through(name).ok())
            && through.kind() == EntryKind::File
        {
            return (EntryKind::File, through);
        }
        (look.kind(), look)
    }

    /// What a link leads to, if that is a directory, links are followed, and a rule about datasets takes directories of
    /// this name: then the link is one unit. It is looked at from outside only, for inside it could lead in circles.
    ///
    /// In slow regions scanners look through links to files only, so another one is believed to lead to a directory.
    fn dataset_behind(&self, open: &OpenDir<'_>, name: &[u8], path: &[u8], look: Look) -> Option<Look> {
        let rules = &self.berth.plan.rules;
        let follows = self.berth.plan.follow_symlinks && !self.announces_arrivals() && rules.has_datasets();
        if !follows || look.kind() != EntryKind::Symlink {
            return None;
        }
        rules.units_above(path).first().filter(|unit| unit.len == path.len())?;
        if open.slow {
            return Some(look);
        }
        let through = open.dir().ok().and_then(|dir| dir.look_through(name).ok())?;
        (through.kind() == EntryKind::Directory).then_some(through)
    }

    /// The dataset rule that takes a link of this name, though no rule takes a file of it.
    fn rule_of_link(&self, path: &[u8]) -> Option<usize> {
        let rules = &self.berth.plan.rules;
        let follows = self.berth.plan.follow_symlinks && !self.announces_arrivals() && rules.has_datasets();
        let unit = follows.then(|| rules.units_above(path).first().copied()).flatten()?;
        (unit.len == path.len()).then_some(unit.rule)
    }

    /// What only a rule about datasets would take: a link to a directory is a unit, everything else is ignored.
    fn look_at_link(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        path: Box<[u8]>,
        rule: usize,
        reason: Reason,
        candidates: &mut Vec<Candidate>,
    ) {
        let is_unit = self.waiting.contains(&path) || self.known.turn(PathKey::of(&path)).is_some();
        match self.look_of(open, entry, &path) {
            None => {}
            Some(Ok(look)) => match self.dataset_behind(open, &entry.name, &path, look) {
                Some(look) => self.look_at_file(open, entry, path, rule, &look, candidates),
                None => self.ignore(path, reason, entry.heard),
            },
            Some(Err(Errno::NOENT | Errno::NOTDIR)) if is_unit => {
                self.vanished(entry, path, rule, candidates);
            }
            Some(Err(_)) => self.ignore(path, reason, entry.heard),
        }
    }

    pub(super) const fn links(&self) -> Links {
        if self.berth.plan.follow_symlinks { Links::Follow } else { Links::Refuse }
    }

    /// Whether each appearance of a name is announced, known or not.
    pub(super) fn announces_arrivals(&self) -> bool {
        self.berth.plan.announce == Announce::Arrivals
    }

    fn look_at_file(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        path: Box<[u8]>,
        rule: usize,
        look: &Look,
        candidates: &mut Vec<Candidate>,
    ) {
        let key = PathKey::of(&path);
        let sample = sample(look);
        let heard = entry.heard;
        if heard.scanned {
            self.known.seen_by_scan(key, self.scan_number);
        }
        let is_member = self.is_group_rule(rule);
        if is_member && !self.is_member_worth_judging(entry, &path, &sample) {
            return;
        }
        if !is_member && !self.is_worth_judging(open, entry, (&path, rule), key, &sample) {
            return;
        }
        let mut waiting = self.take_unit(entry, &path, rule, &sample);
        if is_member && !std::mem::replace(&mut waiting.member, true) {
            self.member_waits(rule, &path);
        }
        waiting.unit.look(sample, self.now());
        let now = self.judged_at(open, entry, &waiting);
        match self.judge(open, entry, &path, &mut waiting, now) {
            Step::Complete(_) if is_member => {
                let sample = waiting.unit.sample().unwrap_or(sample);
                if let Some((waiting, reason, again)) = self.member_is_complete(&path, sample, waiting) {
                    self.keep_waiting(path, waiting, reason, again, false);
                }
            }
            Step::Complete(signals) => {
                let sample = waiting.unit.sample().unwrap_or(sample);
                if entry.look.is_some() && !waiting.forced && self.is_known(key, &sample) {
                    // What the scanner saw is past; what is there now was announced meanwhile.
                    return;
                }
                let kind = if look.kind() == EntryKind::File { Kind::File } else { Kind::Symlink };
                let (name, mode) = (entry.name.clone(), look.mode);
                candidates.push(Candidate { path, key, name, kind, sample, mode, signals, waiting });
            }
            Step::Wait { reason, again, alert } => self.keep_waiting(path, waiting, reason, again, alert),
            Step::Ask(_) => {
                self.keep_waiting(path, waiting, Reason::WaitingInspection, now + super::ROOT_CHECK, false);
            }
            // Files are not announced as incomplete; the configuration says so.
            Step::Overdue { reason, again, alert, .. } => {
                self.keep_waiting(path, waiting, reason, again, alert);
            }
        }
    }

    /// As of when a look counts: what a scanner saw counts from when it was asked for, so that two looks
    /// are never taken for further apart than they were. If it was not asked for, it proves no quiet.
    fn judged_at(&self, open: &OpenDir<'_>, entry: &Entry, waiting: &Waiting) -> Mono {
        let now = self.now();
        if !open.slow || entry.look.is_none() {
            return now;
        }
        entry.asked.or_else(|| waiting.unit.looks_so_since()).map_or(now, |at| at.min(now))
    }

    pub(super) fn is_known(&self, key: PathKey, sample: &Sample) -> bool {
        let print = fingerprint(sample, self.with_inode);
        matches!(self.known.compare(key, &print, sample.ctime), Compared::Same { .. })
    }

    /// Compares with what is known: whether there is anything new about the file.
    fn is_worth_judging(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        (path, rule): (&[u8], usize),
        key: PathKey,
        sample: &Sample,
    ) -> bool {
        let heard = entry.heard;
        let waits = self.waiting.contains(path);
        if self.announces_arrivals() && heard.by_event() {
            // Rewriting in place and new times are no arrivals.
            return waits || heard.created || heard.moved_in || heard.forced;
        }
        if heard.was_absent && !self.has_stayed(heard, key, sample) {
            self.forget(path, key);
        }
        if heard.forced {
            return true;
        }
        let print = fingerprint(sample, self.with_inode);
        let appeared = waits || heard.created || heard.moved_in;
        match self.known.compare(key, &print, sample.ctime) {
            // What was announced and only changes is none of the rule's business.
            Compared::Changed | Compared::Redated | Compared::Same { touched: true }
                if !appeared && self.ignores_changes(rule) =>
            {
                false
            }
            Compared::New | Compared::Changed => true,
            Compared::Same { touched } if touched && heard.closed => true,
            Compared::Same { .. } => {
                let forced = self.waiting.get(path).is_some_and(|waiting| waiting.forced);
                if !forced {
                    self.waiting.take(path);
                }
                forced
            }
            Compared::Redated if switch::is_off("new-times-are-no-news") => true,
            Compared::Redated => {
                let only_redated =
                    heard.attrib && !heard.closed && !heard.created && !heard.moved_in && !waits;
                !(only_redated && self.redate(open, entry, path, key, sample))
            }
        }
    }

    fn ignores_changes(&self, rule: usize) -> bool {
        switch::is_off("comparing-with-what-is-known")
            || self.berth.plan.rules.rules.get(rule).is_some_and(|rule| rule.shape.late == Late::Ignore)
    }

    /// New times without a write in between (cp -p, tar, unzip set them last) are no new generation.
    /// Only if nobody writes: otherwise the new time may be that of a change that is under way. And
    /// only if the last look into the kernel's queue shows no close: a writer may have set the times
    /// before it closed.
    fn redate(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        path: &[u8],
        key: PathKey,
        sample: &Sample,
    ) -> bool {
        let writer = open.dir().map_or(Writer::Unknown, |dir| dir.probe_writer(&entry.name, self.links()));
        if writer != Writer::Gone {
            return false;
        }
        let (dir, name, path, sample) = (entry.dir, entry.name.clone(), path.into(), *sample);
        self.redated.push(Redated { dir, name, path, key, sample });
        true
    }

    /// The unit that waits under the path, or a new one, with what was heard of it.
    fn take_unit(&mut self, entry: &Entry, path: &[u8], rule: usize, sample: &Sample) -> Waiting {
        let mut waiting = self.waiting.take(path).unwrap_or_else(|| self.new_unit(entry, sample));
        // The directory at its path may be another one than when it was heard of first.
        waiting.dir = entry.dir;
        waiting.rule = rule;
        waiting.forced |= entry.heard.forced;
        if entry.heard.scanned && self.gap_since.is_some() {
            waiting.unit.miss();
        }
        if entry.heard.gone && !self.announces_arrivals() {
            // Yet it is there: a new file, whose creation is heard of next. What was heard so far
            // says nothing of it.
            waiting.unit.hear(What::Created);
        } else {
            entry.heard.events().for_each(|what| waiting.unit.hear(what));
        }
        waiting
    }

    fn new_unit(&self, entry: &Entry, sample: &Sample) -> Waiting {
        let (now, wall) = (self.now(), self.berth.clock.wall());
        let by_event = entry.heard.by_event();
        let unit = if by_event { Unit::heard(now, wall) } else { Unit::scanned(now, wall) };
        Waiting {
            unit,
            dir: entry.dir,
            rule: 0,
            reason: Reason::WaitingLook,
            next: now,
            initial: !by_event && self.adopts() && sample.ctime < self.armed_at,
            unheard: !by_event && self.should_be_heard(entry.dir),
            forced: false,
            member: false,
            inquiry: None,
            noted_size: None,
            noted_close: false,
            history: History::default(),
        }
    }

    /// A member of a group is known by that.
    fn is_member_worth_judging(&mut self, entry: &Entry, path: &[u8], sample: &Sample) -> bool {
        let heard = entry.heard;
        self.see_member(path);
        if self.waiting.contains(path) || heard.closed || heard.created || heard.moved_in {
            return true;
        }
        !self.is_known_member(path, sample)
    }

    fn judge(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        path: &[u8],
        waiting: &mut Waiting,
        now: Mono,
    ) -> Step {
        let Some(rule) = self.berth.plan.rules.rules.get(waiting.rule) else {
            return Step::Wait { reason: Reason::WaitingLook, again: now + super::ROOT_CHECK, alert: false };
        };
        let wall = self.berth.clock.wall();
        let completion = if waiting.member { &self.member_completion } else { &rule.completion };
        if !completion.asks.is_empty() {
            return self.judge_with_questions(open, entry, path, waiting, now);
        }
        let step = waiting.unit.judge(completion, WriterFact::NotAsked, Beside::NOTHING, now, wall);
        if step != Step::Ask(Questions::WRITER) {
            return step;
        }
        let writer = self.ask_writer(open, &entry.name, waiting, now);
        waiting.unit.judge(completion, writer, Beside::NOTHING, now, wall)
    }

    /// Where closes are heard, a change after the look is heard as well (see `settle_candidates`);
    /// where they are not, the file is looked at again while the probe keeps writers out.
    ///
    /// On an overlay a lease tells of writers that came by this mount; of one that writes into the upper
    /// layer it knows nothing. So there it is asked only for a file of which events told.
    pub(super) fn ask_writer(
        &self,
        open: &OpenDir<'_>,
        name: &[u8],
        waiting: &mut Waiting,
        now: Mono,
    ) -> WriterFact {
        let filesystem = self.watcher.region(waiting.dir).map(|region| region.filesystem);
        let tells = filesystem.is_none_or(|filesystem| {
            filesystem.leases && (filesystem.trust == Trust::Events || came_by_this_mount(&waiting.unit))
        });
        if !tells {
            return WriterFact::Unknown;
        }
        let Ok(dir) = open.dir() else { return WriterFact::Unknown };
        let is_heard = self.watcher.tree().is_watched(waiting.dir) && !self.watcher.is_polled(waiting.dir);
        let writer = if is_heard && closes_are_heard(&waiting.unit) {
            dir.probe_writer(name, self.links())
        } else {
            let (writer, look) = dir.probe(name, self.links());
            if let Some(look) = look {
                waiting.unit.look(sample(&look), now);
            }
            writer
        };
        match writer {
            Writer::Gone => WriterFact::Gone,
            Writer::Open => WriterFact::Open,
            Writer::Unknown => WriterFact::Unknown,
        }
    }

    pub(super) fn keep_waiting(
        &mut self,
        path: Box<[u8]>,
        mut waiting: Waiting,
        reason: Reason,
        again: Mono,
        alert: bool,
    ) {
        if alert {
            // That it is held says less than what it was held for.
            let held = reason == Reason::WaitingDeadline;
            let reason = &reason_line(if held { &waiting.reason } else { &reason });
            let source = self.berth.plan.name.as_str();
            self.berth.observer.notice(&Notice::DeadlinePassed { source, path: &path, reason });
        }
        let wall = self.berth.clock.wall();
        waiting.initial &= may_be_complete(&reason);
        waiting.note_progress(wall);
        waiting.history.note(wall, reason_line(&reason));
        let found = matches!(
            waiting.reason,
            Reason::WaitingManifest(_) | Reason::WaitingMetadata { .. } | Reason::WaitingWhole { .. }
        );
        // What was found when it was read last is the better answer while it is read again.
        if !(found && reason == Reason::WaitingInspection) {
            waiting.reason = reason;
        }
        waiting.next = again;
        self.waiting.insert(path, waiting);
    }

    fn wait_for_permission(&mut self, entry: &Entry, path: Box<[u8]>, rule: usize) {
        let waiting = self.take_unit(entry, &path, rule, &NOTHING_SEEN);
        let again = self.now() + std::time::Duration::from_secs(5);
        self.keep_waiting(path, waiting, Reason::WaitingPermission, again, false);
    }

    /// A link, FIFO, socket or device: announced only where arrivals are, ignored otherwise.
    #[expect(clippy::too_many_arguments, reason = "one look and its whole context")]
    fn look_at_odd(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        path: Box<[u8]>,
        rule: usize,
        kind: EntryKind,
        look: &Look,
        candidates: &mut Vec<Candidate>,
    ) {
        let symlink = kind == EntryKind::Symlink;
        if !self.announces_arrivals() {
            let reason = if symlink { Reason::IgnoredSymlink } else { Reason::IgnoredSpecialFile };
            // It has taken the place of what was one.
            self.member_is_gone(&path);
            self.tell_left_out(&path, symlink);
            return self.ignore(path, reason, entry.heard);
        }
        let forced = entry.heard.forced || self.waiting.get(&path).is_some_and(|waiting| waiting.forced);
        let appeared = entry.heard.created || entry.heard.moved_in;
        if !(appeared || forced || entry.heard.scanned) {
            return;
        }
        let leads_to_directory = symlink
            && !open.slow
            && open.dir().and_then(|dir| dir.look_through(&entry.name)).map(|look| look.kind())
                == Ok(EntryKind::Directory);
        if leads_to_directory {
            return;
        }
        let (key, sample) = (PathKey::of(&path), sample(look));
        let known = self.known.compare(key, &fingerprint(&sample, self.with_inode), sample.ctime);
        if !appeared && !forced && known != Compared::New && known != Compared::Changed {
            return;
        }
        let mut waiting = self.take_unit(entry, &path, rule, &sample);
        waiting.forced = forced;
        let signals = waiting.unit.heard_signals();
        let kind = if symlink { Kind::Symlink } else { Kind::Special };
        let (name, mode) = (entry.name.clone(), look.mode);
        candidates.push(Candidate { path, key, name, kind, sample, mode, signals, waiting });
    }

    /// Where links are followed, somebody counts on what lies behind them. A tree may have a million of them:
    /// the first few are told, `explain` knows the others.
    fn tell_left_out(&mut self, path: &[u8], link: bool) {
        if self.left_out < LEFT_OUT && self.berth.plan.follow_symlinks && !self.ignored.contains_key(path) {
            self.left_out += 1;
            let source = &self.berth.plan.name;
            self.berth.observer.notice(&Notice::LeftOut { source, path, link });
        }
    }

    /// It is not there (any more).
    fn vanished(&mut self, entry: &Entry, path: Box<[u8]>, rule: usize, candidates: &mut Vec<Candidate>) {
        let key = PathKey::of(&path);
        self.check_mounts();
        if !self.can_be_missed(&path) && !self.was_here(entry, key) {
            // Its file system is not mounted.
            return self.wait_for_permission(entry, path, rule);
        }
        self.ignored.remove(&path);
        if !self.announces_arrivals() || self.is_group_rule(rule) {
            return self.gone(&path, key);
        }
        let heard = entry.heard;
        let fresh = heard.created || heard.moved_in;
        if !fresh && !self.waiting.contains(&path) {
            return self.forget(&path, key);
        }
        let waiting = self.take_unit(entry, &path, rule, &NOTHING_SEEN);
        if !waiting.unit.has_evidence() && !self.announces_at_once(rule) {
            if heard.by_event() && !heard.gone {
                // The look was ahead of the kernel's queue: how it went, and whether it was closed before, is in there.
                let again = self.now() + super::ROOT_CHECK;
                return self.keep_waiting(path, waiting, Reason::WaitingLook, again, false);
            }
            self.waiting.insert(path.clone(), waiting);
            return self.gone(&path, key);
        }
        let sample = waiting.unit.sample().unwrap_or(NOTHING_SEEN);
        let signals = waiting.unit.heard_signals();
        let (name, kind, mode) = (entry.name.clone(), Kind::File, 0);
        candidates.push(Candidate { path, key, name, kind, sample, mode, signals, waiting });
    }

    /// Whether an event tells of a file that came and went since the mounts are as they are now, as in the
    /// directory below a mount point.
    fn was_here(&self, entry: &Entry, key: PathKey) -> bool {
        entry.heard.gone && (self.known.turn(key).is_none() || self.known.last_scan(key) > 0)
    }

    fn announces_at_once(&self, rule: usize) -> bool {
        let expr = self.berth.plan.rules.rules.get(rule).map(|rule| &rule.completion.expr);
        expr == Some(&settle::Expr::Clause(settle::Clause::Appeared))
    }
}

/// Whether whoever has the file open will be heard under this name when it is closed: a close was. Who opened it by
/// another name, or before it had any (`O_TMPFILE`), is heard there or nowhere.
fn closes_are_heard(unit: &Unit) -> bool {
    unit.is_closed() && unit.sample().is_some_and(|sample| sample.links == 1)
}

/// Whether events told of the file: then whoever made it did so by the mount that is watched, and a lease knows
/// of its writers.
fn came_by_this_mount(unit: &Unit) -> bool {
    unit.has_evidence() || unit.was_heard()
}

/// What is known of a file that nobody could look at.
pub(super) const NOTHING_SEEN: Sample =
    Sample { size: 0, mtime: Stamp::new(0, 0), ctime: Stamp::new(0, 0), inode: 0, links: 0 };

pub(crate) fn sample(look: &Look) -> Sample {
    Sample {
        size: look.size,
        mtime: Stamp::new(look.mtime.0, look.mtime.1),
        ctime: Stamp::new(look.ctime.0, look.ctime.1),
        inode: look.inode,
        links: look.links,
    }
}
