//! Datasets and groups: units of more than one file. What is heard of their members, and what is known of
//! those that were announced.

use std::sync::Arc;

use ledger::KnownRow;
use model::{Cause, Fingerprint, PathKey, Reason, SignalSet, Stamp};
use settle::select::UnitAbove;
use settle::{Group, Mono, Stir, Tree, View};
use watch::DirId;

use super::Source;
use super::agenda::Appointed;
use super::dirty::Entry;
use super::inquiry::Inquiry;
use super::looking::OpenDir;
use super::waiting::History;
use crate::explain::split;

/// A unit of more than one file.
#[derive(Debug)]
pub(super) enum What {
    /// A directory with all in it.
    Tree(Tree),
    /// Files with a common key.
    Group(Group),
}

/// How a bundle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not complete.
    Waiting,
    /// It is known, and it is not clear yet whether there is anything new about it.
    Checking,
    /// Its rule was satisfied by these; one more look into the kernel's queue is to come.
    Ready(SignalSet),
    /// The same at its deadline, though it is not complete.
    Overdue(SignalSet),
    /// It is announced, and nothing about it is new. Only groups stay in memory so.
    Settled,
}

/// A bundle and what goes with it.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) what: What,
    pub(super) standing: Standing,
    pub(super) rule: usize,
    pub(super) reason: Reason,
    pub(super) next: Mono,
    /// Found by the first scan ever.
    pub(super) initial: bool,
    /// The last survey is of what is there now; of a group: its members were compared with what they were.
    pub(super) surveyed: bool,
    /// No survey before: one that was overtaken is not repeated at once.
    pub(super) rests_until: Mono,
    /// The names of the first members, as the last survey has shown them.
    pub(super) listed: Vec<Box<[u8]>>,
    pub(super) inquiry: Inquiry,
    pub(super) history: History,
    /// In which round of hearing the directory's rename to this name was heard.
    renamed_in: Option<u64>,
}

impl Appointed for Bundle {
    fn next(&self) -> Option<Mono> {
        (self.standing != Standing::Settled).then_some(self.next)
    }

    fn counts(&self) -> bool {
        !matches!(self.standing, Standing::Settled | Standing::Checking)
    }
}

/// An announced bundle.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownBundle {
    pub(super) print: Fingerprint,
    pub(super) ctime: Stamp,
    /// It was announced as incomplete and still waits.
    pub(super) overdue: bool,
    /// The last scan that came by, or the last one when something was heard; 0: nobody has seen it on the
    /// mounts as they are.
    pub(super) scan: u32,
}

/// How a bundle compares with what was announced of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is as it was.
    None,
    /// Members went away, and that is all.
    Less,
    /// It was never announced, or has other members.
    Changed,
}

/// How long after an event that need not be a change a known dataset is walked: many may come together.
const CHECK_PAUSE: Mono = Mono::from_secs(1);

impl KnownBundle {
    pub(super) fn of(row: &KnownRow<'_>) -> Self {
        let overdue = row.cause == Cause::Overdue;
        Self { print: row.sample, ctime: row.ctime, overdue, scan: 0 }
    }

    pub(super) fn compare(&self, view: &View) -> News {
        let print = view_print(view);
        if self.print == print {
            return News::None;
        }
        // A consumer that takes members away changes no other member's inode.
        let less = print.size <= self.print.size && view.newest_ctime <= self.ctime;
        if less { News::Less } else { News::Changed }
    }
}

/// What a bundle's identity is made from: the fold stands in the inode's place.
pub(super) const fn view_print(view: &View) -> Fingerprint {
    Fingerprint { size: view.size, mtime: view.newest_mtime, inode: view.fold }
}

impl Bundle {
    pub(super) fn tree(tree: Tree, rule: usize, standing: Standing, now: Mono) -> Self {
        Self::new(What::Tree(tree), rule, standing, now)
    }

    pub(super) fn new(what: What, rule: usize, standing: Standing, now: Mono) -> Self {
        Self {
            what,
            standing,
            rule,
            reason: Reason::WaitingLook,
            next: now,
            initial: false,
            surveyed: false,
            rests_until: Mono::ZERO,
            listed: Vec::new(),
            inquiry: Inquiry::default(),
            history: History::default(),
            renamed_in: None,
        }
    }

    pub(super) fn first_seen(&self) -> (Mono, Stamp) {
        match &self.what {
            What::Tree(tree) => (tree.first_seen, tree.first_seen_wall),
            What::Group(group) => (group.first_seen, group.first_seen_wall),
        }
    }

    pub(super) const fn cause(&self) -> Cause {
        match &self.what {
            What::Tree(tree) => tree.cause,
            What::Group(group) => group.cause,
        }
    }

    /// All its members as one, as far as they were seen.
    pub(super) fn view(&self, with_inode: bool) -> View {
        match &self.what {
            What::Tree(tree) => tree.view().cloned().unwrap_or_default(),
            What::Group(group) => group.view(with_inode),
        }
    }

    /// It is looked at then, or earlier if it is to be already.
    pub(super) fn look_at(&mut self, at: Mono) {
        self.next = if self.standing == Standing::Settled { at } else { self.next.min(at) };
    }

    /// Something beside it has changed.
    pub(super) fn stir(&mut self, marked: bool) {
        match &mut self.what {
            What::Tree(tree) => tree.stir(),
            What::Group(group) => group.stir(),
        }
        if marked {
            self.inquiry.marked();
        }
    }

    fn note_rename(&mut self, stir: Stir, round: u64, wall: Stamp) {
        if stir == Stir::MovedIn {
            self.renamed_in = Some(round);
            self.history.note(wall, "renamed in");
        }
    }

    /// What was heard together with the rename may have been before it: a round has no order.
    fn in_order(&self, stir: Stir, round: u64) -> Stir {
        if stir == Stir::Changed && self.renamed_in == Some(round) { Stir::Earlier } else { stir }
    }

    /// What is new about it must be judged anew.
    pub(super) fn unsettle(&mut self, standing: Standing) {
        self.standing = match (self.standing, standing) {
            (Standing::Waiting, Standing::Checking) => Standing::Waiting,
            _ => standing,
        };
        self.surveyed = false;
    }

    pub(super) fn is_overdue(&self) -> bool {
        match &self.what {
            What::Tree(tree) => tree.is_overdue(),
            What::Group(group) => group.is_overdue(),
        }
    }

    pub(super) fn announce(&mut self) {
        match &mut self.what {
            What::Tree(tree) => tree.announce(),
            What::Group(group) => group.announce(),
        }
    }
}

impl Source {
    /// An entry inside a dataset was heard of, or a scan came by it.
    pub(super) fn hear_member(&mut self, open: &OpenDir<'_>, entry: &Entry, path: &[u8]) {
        // It may have been a unit by itself under other rules.
        self.waiting.take(path);
        self.ignored.remove(path);
        let stir = if entry.heard.by_event() { Stir::Changed } else { Stir::Scanned };
        for UnitAbove { rule, len } in open.units(&self.berth.plan.rules).to_vec() {
            let inside = path.get(len + 1..).unwrap_or_default();
            let is_marker = |rule: &settle::Rule| rule.is_marker_inside(inside);
            if self.berth.plan.rules.rules.get(rule).is_some_and(is_marker) {
                let made = entry.heard.created || entry.heard.moved_in || entry.heard.closed;
                self.hear_marker_inside(&path[..len], rule, made);
            } else {
                let quietly = stir == Stir::Scanned || entry.heard.adds_nothing();
                self.hear_dataset(&path[..len], rule, stir, quietly);
            }
        }
    }

    fn hear_marker_inside(&mut self, path: &[u8], rule: usize, made: bool) {
        if !self.bundles.contains(path) {
            return self.hear_dataset(path, rule, Stir::Scanned, true);
        }
        let now = self.now();
        if let Some(mut bundle) = self.bundles.take(path) {
            bundle.stir(made);
            bundle.look_at(now);
            self.bundles.insert(path.into(), bundle);
        }
    }

    /// Something was heard of a dataset. `quietly`: it need not be a change of what it consists of.
    pub(super) fn hear_dataset(&mut self, path: &[u8], rule: usize, stir: Stir, quietly: bool) {
        let (now, wall) = (self.now(), self.berth.clock.wall());
        let number = self.scan_number;
        let known = self.known_bundles.get_mut(path);
        let is_known = known.is_some();
        if let Some(known) = known
            && std::mem::replace(&mut known.scan, number) == number
            && stir == Stir::Scanned
        {
            // One look for each scan will do.
            return;
        }
        let Some(mut bundle) = self.bundles.take(path) else {
            let tree = Tree::new(stir, now, wall);
            let checking = is_known && quietly;
            let standing = if checking { Standing::Checking } else { Standing::Waiting };
            let mut bundle = Bundle::tree(tree, rule, standing, now);
            bundle.initial = stir == Stir::Scanned && self.adopts();
            if let (What::Tree(tree), Some(known)) = (&mut bundle.what, self.known_bundles.get(path))
                && known.overdue
            {
                tree.mark_overdue();
                bundle.standing = Standing::Waiting;
            }
            bundle.note_rename(stir, self.hearings, wall);
            self.bundles.insert(path.into(), bundle);
            return;
        };
        bundle.rule = rule;
        bundle.note_rename(stir, self.hearings, wall);
        let stir = bundle.in_order(stir, self.hearings);
        if let What::Tree(tree) = &mut bundle.what {
            tree.hear(stir, now);
        }
        if stir != Stir::Scanned {
            let checking = quietly && is_known;
            bundle.unsettle(if checking { Standing::Checking } else { Standing::Waiting });
            bundle.inquiry.written();
            bundle.look_at(if checking { now + CHECK_PAUSE } else { now });
        }
        self.bundles.insert(path.into(), bundle);
    }

    /// A directory appeared at its place (or a scan came by it): perhaps it is a dataset, perhaps it lies in one.
    pub(super) fn hear_directory(&mut self, path: &[u8], stir: Stir) {
        if !self.berth.plan.rules.has_datasets() {
            return;
        }
        for UnitAbove { rule, len } in self.berth.plan.rules.units_above(path) {
            // What is renamed into a dataset is a change of that.
            let stir = match stir {
                Stir::MovedIn if len < path.len() => Stir::Changed,
                // A poller has listed it: that it was not renamed nobody knows.
                Stir::Changed if len == path.len() && !self.is_told_of_names_beside(path) => Stir::Scanned,
                stir => stir,
            };
            self.hear_dataset(&path[..len], rule, stir, stir == Stir::Scanned);
        }
    }

    /// Whether events tell what becomes of the names in the directory in which the path lies.
    fn is_told_of_names_beside(&self, path: &[u8]) -> bool {
        let tree = self.watcher.tree();
        tree.at(split(path).0).is_some_and(|dir| tree.is_watched(dir))
    }

    /// Something may have happened unheard to any of them.
    pub(super) fn miss_bundles(&mut self) {
        let now = self.now();
        self.bundles.change_all(|bundle| {
            bundle.surveyed = false;
            bundle.inquiry.outdate();
            if let What::Tree(tree) = &mut bundle.what {
                tree.miss(now);
            }
        });
    }

    /// The rules are others now: datasets are asked about anew, groups are put together anew by the scan that
    /// follows.
    pub(super) fn replan_bundles(&mut self) {
        self.member_of.clear();
        self.outer_groups.clear();
        self.groups_since = self.scan_number;
        for path in self.bundles.all_paths() {
            let Some(mut bundle) = self.bundles.take(&path) else { continue };
            if let (What::Tree(_), Some(rule)) = (&bundle.what, self.rule_of_dataset(&path)) {
                (bundle.rule, bundle.next) = (rule, Mono::ZERO);
                bundle.inquiry = Inquiry::default();
                self.bundles.insert(path, bundle);
            }
        }
    }

    /// Datasets that were seen under this root and that a whole scan has not come by: the inspector looks whether they are there.
    pub(super) fn check_missing_bundles(&mut self, scan: u32) {
        let missing = self.known_bundles.iter().filter(|(path, known)| {
            let missed = known.scan >= self.root_since && known.scan < scan;
            missed && !path.ends_with(b"/") && !self.bundles.contains(path)
        });
        let missing: Vec<Box<[u8]>> = missing.map(|(path, _)| path.clone()).collect();
        for path in missing {
            let rule = self.rule_of_dataset(&path).filter(|_| self.can_be_missed(&path));
            if let Some(rule) = rule {
                let (now, wall) = (self.now(), self.berth.clock.wall());
                let tree = Tree::new(Stir::Scanned, now, wall);
                self.bundles.insert(path, Bundle::tree(tree, rule, Standing::Checking, now));
            }
        }
    }

    /// The rule whose dataset the directory is.
    pub(super) fn rule_of_dataset(&self, path: &[u8]) -> Option<usize> {
        let units = self.berth.plan.rules.units_above(path);
        units.into_iter().find(|unit| unit.len == path.len()).map(|unit| unit.rule)
    }

    /// The bundle is not there any more.
    pub(super) fn bundle_gone(&mut self, path: &[u8], bundle: &Bundle) {
        let key = PathKey::of(path);
        let known = self.known_bundles.get(path).map(|known| known.scan >= self.root_since);
        if known == Some(true) {
            self.known_bundles.remove(path);
            self.submit_removed(path, key, bundle.rule, true);
        } else if known.is_none() && bundle.standing != Standing::Checking {
            self.set_down_gone_bundle(path, key, bundle);
        }
    }

    /// The inspector has ended before its time.
    pub(super) fn forget_jobs(&mut self) {
        self.headers_pending = 0;
        self.bundles.change_all(|bundle| bundle.inquiry.forget_job());
        self.waiting.change_all(|waiting| {
            if let Some(inquiry) = &mut waiting.inquiry {
                inquiry.forget_job();
            }
        });
    }

    /// A rule, to be kept while the plan may change or another thread reads it.
    pub(super) fn shared_rule(&self, rule: usize) -> Option<Arc<settle::Rule>> {
        self.shared_rules.get(rule).map(Arc::clone)
    }

    /// Whether whatever changes below a directory is heard.
    pub(super) fn is_told_of(&self, path: &[u8]) -> bool {
        let Some(dir) = self.watcher.tree().at(path) else { return false };
        self.gap_since.is_none() && self.is_heard_in(dir) && self.watcher.refused().is_empty()
    }

    fn is_heard_in(&self, dir: DirId) -> bool {
        let trusted = self
            .watcher
            .region(dir)
            .is_some_and(|region| region.filesystem.trust == sys::filesystem::Trust::Events);
        trusted && self.watcher.tree().is_watched(dir) && !self.watcher.is_polled(dir)
    }
}
