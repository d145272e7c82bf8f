//! Comparing the tree with what is known: at the start, after a gap, and from time to time.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use settle::{Mono, RuleMask, Rules, Stir};
use sys::{Dir, Errno};
use watch::scan::Step;
use watch::{DirId, Hint, RootChange, Scan};

use super::rooting::Root;
use super::{Scanning, Source};
use crate::notice::Notice;

/// After so many entries a walk pauses, so that events are heard and complete files leave.
const SLICE_ENTRIES: u64 = 4096;
/// And after so many directories.
const SLICE_DIRECTORIES: u32 = 512;
/// How soon everything is compared because a directory was renamed away, or can or cannot be read now.
const SOON: Duration = Duration::from_secs(2);

/// How soon directories are tried again that could not be read for another reason than permission.
const RETRY: Duration = Duration::from_mins(1);

/// Whether a directory could not be read for a reason that may pass unheard. (A change of
/// permissions is heard.)
fn retry(walk: &Scan) -> bool {
    walk.unreadable().0.iter().any(|(_, error)| !matches!(*error, Errno::ACCESS | Errno::PERM))
}

/// Who waits for a rescan to be through: each is told by the drop of its sender.
#[derive(Debug, Default)]
pub(super) struct Rescans {
    /// Waits for a scan to begin.
    ordered: Vec<SyncSender<()>>,
    /// Waits for the scan that runs.
    running: Vec<SyncSender<()>>,
}

/// What one batch of events said of directories and of the tree.
#[derive(Default)]
struct Heard {
    directories: Vec<DirId>,
    /// Directories that scanners have listed, with the names of those in them.
    listed: Vec<(DirId, Vec<Box<[u8]>>)>,
    refused: Vec<(DirId, Errno)>,
    /// Entries that scanners came by.
    entries: u64,
    moved_away: bool,
    overflow: bool,
    root: Option<RootChange>,
    anything: bool,
}

/// The mask of a directory that is walked; nothing if no rule wants to hear of it.
fn walked(rules: &Rules, path: &[u8], parent: RuleMask) -> Option<RuleMask> {
    let mask = rules.directory_mask(path, parent);
    (!rules.prunes(mask)).then_some(mask)
}

impl Source {
    /// Folds everything that was read from the kernel into the dirty set.
    pub(super) fn hear(&mut self) {
        let pieces = self.backlog.take();
        self.hearings += 1;
        let mut heard = Heard::default();
        let arrivals = self.announces_arrivals();
        let (dirty, canaries, listing) = (&mut self.dirty, &mut self.canaries, &mut self.listing);
        let mut each = |hint: Hint<'_>| match hint {
            Hint::Entry { dir, name, what } => {
                heard.anything = true;
                canaries.hear(name);
                dirty.hear(dir, name, what);
                if switch::is_off("looking-at-names-only") {
                    heard.directories.push(dir);
                }
            }
            Hint::Seen { dir, name, look, asked, .. } => {
                heard.entries += 1;
                // A scanner that hangs holds up the listing, but nothing that is new.
                if !(listing.collect_seen(dir, name, look) && arrivals) {
                    dirty.seen(dir, name, look, asked);
                }
            }
            Hint::Listed { dir, below } => heard.listed.push((dir, below.to_vec())),
            Hint::Refused { dir, error } => heard.refused.push((dir, error)),
            Hint::Directory(dir) => heard.directories.push(dir),
            Hint::DirectoryGone => heard.moved_away = true,
            Hint::Root(change) => heard.root = heard.root.or(Some(change)),
            Hint::Overflow => heard.overflow = true,
        };
        for piece in &pieces {
            self.watcher.fold(piece, &mut |_, hint| each(hint));
        }
        if self.watcher.has_moves() {
            self.watcher.finish_batch(&mut |_, hint| each(hint));
        }
        self.hear_directories(&heard);
        self.act_on(heard);
        if let Some(error) = self.backlog.failure() {
            self.lose_ear(&error);
        }
    }

    /// Directories that appeared may be datasets, or lie in some. One that was renamed to its place is all there.
    fn hear_directories(&mut self, heard: &Heard) {
        let moved = self.watcher.take_moved_in();
        let made = heard.directories.iter().filter(|dir| !moved.contains(dir));
        let made: Vec<_> = made.map(|dir| (*dir, Stir::Changed)).collect();
        for (dir, stir) in moved.into_iter().map(|dir| (dir, Stir::MovedIn)).chain(made) {
            if let Some(path) = self.watcher.tree().path(dir) {
                self.hear_directory(&path, stir);
            }
        }
    }

    fn act_on(&mut self, heard: Heard) {
        if heard.anything {
            let now = self.now();
            self.berth.standing.update(|row| row.last_event = now);
        }
        self.take_answers(&heard);
        if !heard.directories.is_empty() {
            // One that was renamed has brought its mounts along: they are not to be walked as if they were not.
            self.check_mounts();
        }
        for dir in heard.directories {
            self.walk_directory(dir);
        }
        if heard.moved_away && !switch::is_off("comparing-after-renames") {
            self.compare_soon();
        }
        if heard.overflow {
            self.open_gap();
        }
        if let Some(change) = heard.root {
            self.root_changed(change);
        }
    }

    /// The walk that is under way learns what scanners have found for it.
    fn take_answers(&mut self, heard: &Heard) {
        let Some(scanning) = &mut self.scan else { return };
        if heard.listed.is_empty() && heard.refused.is_empty() && heard.entries == 0 {
            return;
        }
        // There may be more to walk, or nothing any more.
        scanning.progress = Step::More;
        scanning.walk.count(heard.entries);
        let rules = &self.berth.plan.rules;
        for (dir, below) in &heard.listed {
            scanning
                .walk
                .answered(&mut self.watcher, *dir, below, &mut |path, mask| walked(rules, path, mask));
        }
        for (dir, error) in &heard.refused {
            scanning.walk.was_refused(&self.watcher, *dir, *error);
        }
    }

    /// The kernel's queue cannot be read any more: everything begins anew with another one.
    fn lose_ear(&mut self, error: &str) {
        self.open_gap();
        self.lose_root_quietly();
        self.berth.observer.notice(&Notice::EarLost { source: &self.berth.plan.name, error });
    }

    fn compare_soon(&mut self) {
        // A tenth of the time at most, also where directories are renamed all the time.
        let soon = (self.now() + SOON).max(self.last_scan_ended + self.last_scan_took * 10);
        self.next_whole_scan = Some(self.next_whole_scan.map_or(soon, |next| next.min(soon)));
    }

    pub(super) fn walk_directory(&mut self, dir: DirId) {
        if switch::is_off("walk-new-directories") {
            return;
        }
        let Some(path) = self.watcher.tree().path(dir) else { return };
        if self.unreadable.contains(&path) {
            // Perhaps it can be read now. How many are left only a whole walk tells.
            self.compare_soon();
        }
        let parent = self.watcher.tree().parent_mask(dir);
        let mask = self.berth.plan.rules.directory_mask(&path, parent);
        self.watcher.set_mask(dir, mask);
        if self.berth.plan.rules.prunes(mask) {
            // It may have been renamed to here with watches on all below.
            self.watcher.forget_directory(dir);
            return;
        }
        if let Some(scanning) = &mut self.scan {
            scanning.walk.add(dir);
            scanning.progress = Step::More;
            return;
        }
        self.scan_number += 1;
        let walk = Scan::below(self.scan_number, dir);
        self.scan = Some(Scanning { walk, since: self.now(), progress: Step::More });
    }

    /// Something was missed: counted, shown, and closed by a complete comparison.
    fn open_gap(&mut self) {
        if switch::is_off("comparing-after-overflows") {
            return;
        }
        // The latest loss counts: only a comparison that begins after it can close the gap.
        let was_open = self.gap_since.replace(self.now()).is_some();
        if !was_open {
            self.gaps += 1;
            self.gap_since_wall = Some(self.berth.clock.wall());
            self.announce_gap(false);
        }
        // What was heard so far may be of files that others have replaced.
        self.waiting.change_all(|waiting| waiting.unit.miss());
        self.miss_bundles();
        self.berth.standing.update(|row| row.overflows += 1);
        let directories = self.watcher.tree().len() as u64;
        let waits_already = self.backoff.is_waiting(self.now());
        let comparing_in = self.backoff.overflow(self.now());
        if !waits_already {
            let source = self.berth.plan.name.as_str();
            self.berth.observer.notice(&Notice::Overflow { source, directories, comparing_in });
        }
        let due = self.now() + comparing_in;
        self.next_whole_scan = Some(self.next_whole_scan.map_or(due, |next| next.min(due)));
    }

    pub(super) fn rescan_for(&mut self, done: Option<SyncSender<()>>) {
        self.next_whole_scan = Some(self.now());
        self.rescans.ordered.extend(done);
    }

    /// Begins a whole scan if one is due and none runs.
    pub(super) fn begin_due_scans(&mut self) {
        if !self.may_list {
            return;
        }
        self.begin_due_listing();
        let whole_runs = self.scan.as_ref().is_some_and(|scanning| scanning.walk.is_whole());
        if !whole_runs && self.next_whole_scan.is_some_and(|next| next <= self.now()) {
            self.begin_whole_scan();
        }
    }

    pub(super) fn begin_whole_scan(&mut self) {
        self.scan_number += 1;
        self.next_whole_scan = None;
        self.rescans.running.append(&mut self.rescans.ordered);
        let walk = Scan::whole(self.scan_number);
        // A partial walk that was under way is part of the whole one.
        self.scan = Some(Scanning { walk, since: self.now(), progress: Step::More });
    }

    /// Walks a slice.
    pub(super) fn walk(&mut self, root: &Dir) {
        let now = self.now();
        let Some(scanning) = &mut self.scan else { return };
        let rules = &self.berth.plan.rules;
        let mask = |path: &[u8], parent: RuleMask| walked(rules, path, parent);
        let has_datasets = rules.has_datasets();
        let mut datasets: Vec<Vec<u8>> = Vec::new();
        let mut mask = |path: &[u8], parent: RuleMask| {
            if has_datasets && rules.units_above(path).last().is_some_and(|unit| unit.len == path.len()) {
                datasets.push(path.to_vec());
            }
            mask(path, parent)
        };
        let dirty = &mut self.dirty;
        let listing = &mut self.listing;
        let limit = scanning.walk.entries() + SLICE_ENTRIES;
        for _ in 0..SLICE_DIRECTORIES {
            let step = scanning.walk.step(&mut self.watcher, root, now, &mut mask, &mut |found| {
                if !listing.collect(found.dir, found.name, found.open) {
                    dirty.found(found.dir, found.name);
                }
            });
            scanning.progress = step;
            if step != Step::More || scanning.walk.entries() >= limit {
                break;
            }
        }
        let done = scanning.progress == Step::Done;
        for path in datasets {
            // Also one in which nothing lies.
            self.hear_directory(&path, Stir::Scanned);
        }
        if done {
            self.take_listing();
        }
    }

    /// When everything walked has been looked at as well: draws the conclusions.
    pub(super) fn finish_scan(&mut self, root: &Dir) {
        if self.scan.as_ref().is_none_or(|scanning| scanning.progress != Step::Done)
            || !matches!(self.root, Root::Present { .. })
        {
            return;
        }
        let Some(scanning) = self.scan.take() else { return };
        self.tell_of_refusals(&scanning);
        if !scanning.walk.is_whole() {
            return self.look_after_a_part(&scanning);
        }
        scanning.walk.forget_missing(&mut self.watcher);
        if scanning.walk.unreadable().1 == 0 {
            self.forget_missing(root, scanning.walk.number());
            self.forget_missing_members(root, scanning.walk.number());
            self.check_missing_bundles(scanning.walk.number());
            self.drop_departed_bundles(root);
            self.look_for_departed_files(root);
            self.ignored.retain(|_, ignored| ignored.scan >= scanning.walk.number());
        }
        self.last_whole_scan = scanning.walk.number();
        self.whole_scans += 1;
        self.submit();
        self.judge_regions();
        self.judge_root(root, scanning.walk.entries());
        if self.whole_scans == 1 {
            self.fly_canaries();
        }
        let took = self.now().saturating_sub(scanning.since);
        (self.last_scan_ended, self.last_scan_took) = (self.now(), took);
        self.note_whole_scan(&scanning, took);
        self.close_gap(scanning.since);
        self.schedule_next_scan(took, retry(&scanning.walk));
    }

    /// What a walk over a part could not watch or read is scanned soon.
    fn look_after_a_part(&mut self, scanning: &Scanning) {
        if scanning.walk.unreadable().1 > 0 {
            self.compare_soon();
        }
        let retried = retry(&scanning.walk).then_some(self.now() + RETRY);
        self.next_whole_scan = [self.next_whole_scan, retried].into_iter().flatten().min();
    }

    fn note_whole_scan(&mut self, scanning: &Scanning, took: Duration) {
        self.listing.started();
        self.rescans.running.clear();
        let wall = self.berth.clock.wall();
        // Whoever is told so is told the state with it, at the end of this round.
        let was_ready = std::mem::replace(&mut self.ready, true);
        self.berth.standing.update(|row| row.last_scan = Some(wall));
        if !self.first_scan_done {
            self.first_scan_done = true;
            self.note(ledger::SourceNote::FirstScanDone);
        }
        if !was_ready {
            let (directories, _) = scanning.walk.progress();
            let entries = scanning.walk.entries();
            let source = &self.berth.plan.name;
            self.berth.observer.notice(&Notice::FirstScan { source, directories, entries, took });
        }
    }

    /// A scan closes the gap only if it began after the gap was opened.
    fn close_gap(&mut self, scan_since: Mono) {
        if let Some(since) = self.gap_since.filter(|since| *since <= scan_since) {
            self.gap_since = None;
            self.announce_gap(true);
            let after = self.now().saturating_sub(since);
            let source = &self.berth.plan.name;
            self.berth.observer.notice(&Notice::GapClosed { source, after });
        }
    }

    fn schedule_next_scan(&mut self, took: Duration, retry: bool) {
        let now = self.now();
        let plan = &self.berth.plan;
        // Where nothing is heard, whole scans are the full passes of polling.
        let deaf = self.watcher.tree().watched() == 0;
        let polled = deaf.then(|| now + self.watcher.full_pause(took));
        // A tenth of the time at most goes into scanning.
        let regular = plan.rescan.map(|period| now + period.max(took * 10));
        let gap = self.gap_since.is_some().then(|| self.backoff.due(now));
        let retried = retry.then(|| now + RETRY.max(took * 10));
        let due = [self.next_whole_scan, polled, regular, gap, retried];
        self.next_whole_scan = due.into_iter().flatten().min();
    }

    fn tell_of_refusals(&mut self, scanning: &Scanning) {
        let source = self.berth.plan.name.as_str();
        let (named, count) = scanning.walk.unreadable();
        let before = self.berth.standing.row();
        if scanning.walk.is_whole() {
            self.berth.standing.update(|row| row.unreadable = count);
            self.unreadable = named.iter().map(|(path, _)| path.clone()).collect();
        }
        if let Some((path, error)) = named.first()
            && count != before.unreadable
        {
            let (first, error) = (path.clone(), error.to_string());
            self.berth.observer.notice(&Notice::Unreadable { source, count, first, error });
        }
    }
}
