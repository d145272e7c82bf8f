//! Files that are members of groups: which group, and what becomes of it when they come, change and go.

use std::collections::HashSet;
use std::sync::Arc;

use inspect::DicomHeader;
use model::{Cause, Reason};
use settle::group::group_path;
use settle::{DicomKey, Group, Grouping, Mono, Sample, Take};
use sys::Dir;

use super::Source;
use super::admitting::is_absent;
use super::bundles::{Bundle, Standing, What};
use super::inquiry::Inquiry;
use super::waiting::Waiting;
use crate::explain::split;
use crate::inspector::{Inspected, Job};

/// Where a member belongs.
#[derive(Debug)]
pub(super) struct MemberOf {
    /// Its innermost group; `Source::outer_groups` has those around it.
    group: Arc<[u8]>,
    /// The last scan that came by.
    scan: u32,
}

impl MemberOf {
    pub(super) fn group(&self) -> &[u8] {
        &self.group
    }
}

/// A member's keys: the paths of its groups with their rules, the innermost first, and how many members
/// each is said to have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    path: Box<[u8]>,
    rule: usize,
    expected: Option<u64>,
}

/// How soon the inspector is asked again that had no room.
const NO_ROOM: Mono = Mono::from_millis(200);

impl Source {
    fn grouping(&self, rule: usize) -> Option<&Grouping> {
        match &self.berth.plan.rules.rules.get(rule)?.shape.take {
            Take::Group(grouping) => Some(grouping),
            Take::File | Take::Dataset(_) => None,
        }
    }

    pub(super) fn is_group_rule(&self, rule: usize) -> bool {
        self.grouping(rule).is_some()
    }

    /// The rule and those around it.
    fn chain(&self, rule: usize) -> Vec<usize> {
        let rules = &self.berth.plan.rules.rules;
        let next = |rule: &usize| rules.get(*rule).and_then(|rule| rule.shape.of);
        std::iter::successors(Some(rule), next).take(rules.len()).collect()
    }

    fn needs_header(&self, rule: usize) -> bool {
        self.chain(rule).into_iter().any(|rule| matches!(self.grouping(rule), Some(Grouping::Dicom(_))))
    }

    /// The groups of a member; `header` is what was read of it, if its rules ask for that.
    fn places(&self, rule: usize, path: &[u8], header: Option<&DicomHeader>) -> Vec<Place> {
        let (dir, name) = split(path);
        let place = |rule: usize| {
            let (key, expected) = match self.grouping(rule)? {
                Grouping::Name(pattern) => {
                    let (key, total) = pattern.key(name)?;
                    (key.to_vec(), total)
                }
                Grouping::Dicom(which) => {
                    let header = header?;
                    let (uid, expected) = match which {
                        DicomKey::Series => (&header.series, header.expected_in_series),
                        DicomKey::Study => (&header.study, header.expected_in_study),
                    };
                    // A header that does not say is a group of its own, and blocks nobody.
                    let key = uid.as_ref().map_or_else(|| name.to_vec(), |uid| uid.as_bytes().to_vec());
                    (key, expected)
                }
            };
            Some(Place { path: group_path(dir, &key), rule, expected })
        };
        let mut places: Vec<Place> = Vec::new();
        for place in self.chain(rule).into_iter().filter_map(place) {
            // Two keys that are the same (as where a header says neither) name one group, not one inside itself.
            if !places.iter().any(|inner| inner.path == place.path) {
                places.push(place);
            }
        }
        places
    }

    /// Whether a member is there as its group knows it.
    pub(super) fn is_known_member(&self, path: &[u8], sample: &Sample) -> bool {
        let group = self.member_of.get(path).and_then(|of| self.bundles.get(&of.group));
        match group.map(|bundle| &bundle.what) {
            Some(What::Group(group)) => group.member(path) == Some(*sample),
            _ => false,
        }
    }

    pub(super) fn see_member(&mut self, path: &[u8]) {
        let number = self.scan_number;
        let Some(of) = self.member_of.get_mut(path) else { return };
        of.scan = number;
        for group in self.groups_of(path) {
            self.see_group(&group);
        }
    }

    /// One of its members is there.
    fn see_group(&mut self, group: &[u8]) {
        if let Some(known) = self.known_bundles.get_mut(group) {
            known.scan = self.scan_number;
        }
    }

    /// Of what lies there no scan has seen anything on the mounts as they are now.
    pub(super) fn unsee_members(&mut self, below: impl Fn(&[u8]) -> bool) {
        self.member_of.iter_mut().filter(|(path, _)| below(path)).for_each(|(_, of)| of.scan = 0);
    }

    /// The groups that a member is known to be in, the innermost first.
    fn groups_of(&self, path: &[u8]) -> Vec<Box<[u8]>> {
        let first = self.member_of.get(path).map(|of| Box::from(&*of.group));
        let groups = std::iter::successors(first, |group| self.outer_groups.get(group).cloned());
        // Headers can be written so that two groups lie in each other.
        groups.take(self.berth.plan.rules.rules.len()).collect()
    }

    /// The groups that lie in this one: those around its members.
    pub(super) fn groups_inside<'a>(&'a self, group: &'a Group, path: &[u8]) -> HashSet<&'a [u8]> {
        let inner = |member: &[u8]| {
            let mut inner = self.member_of.get(member)?.group();
            // Headers can be written so that two groups lie in each other.
            for _ in 0..self.berth.plan.rules.rules.len() {
                let outer = self.outer_groups.get(inner)?;
                if **outer == *path {
                    return Some(inner);
                }
                inner = outer;
            }
            None
        };
        group.members().filter_map(inner).collect()
    }

    /// A member was heard of and is not complete.
    pub(super) fn member_waits(&mut self, rule: usize, path: &[u8]) {
        if self.needs_header(rule) {
            // Which group it is of is known only when its header can be read; if it was in one, it is again.
            let change = |group: &mut Group, now| group.member_waits(path, now);
            self.change_groups_of(path, Standing::Waiting, change);
            return;
        }
        let places = self.places(rule, path, None);
        self.enter(path, &places, |group, now| group.member_waits(path, now));
    }

    /// A member is complete. Nothing comes back, or the member with what it still waits for.
    pub(super) fn member_is_complete(
        &mut self,
        path: &[u8],
        sample: Sample,
        mut waiting: Waiting,
    ) -> Option<(Waiting, Reason, Mono)> {
        let rule = waiting.rule;
        let header = if self.needs_header(rule) {
            let inquiry = waiting.inquiry.get_or_insert_default();
            match inquiry.header_of(&sample) {
                Some(header) => Some(header),
                None => return Some(self.ask_header(path, sample, waiting)),
            }
        } else {
            None
        };
        let places = self.places(rule, path, header.as_deref());
        let initial = waiting.initial;
        let before = self.member_of.get(path).map(|of| Arc::clone(&of.group));
        if before.is_some_and(|before| places.first().is_none_or(|place| *place.path != *before)) {
            // Its content says now that it is of another group.
            self.member_is_gone(path);
        }
        self.enter(path, &places, |group, now| group.member_is_complete(path, sample, now));
        for place in &places {
            if let Some(mut bundle) = self.bundles.take(&place.path) {
                bundle.initial &= initial;
                self.bundles.insert(place.path.clone(), bundle);
            }
        }
        None
    }

    fn ask_header(&mut self, path: &[u8], sample: Sample, mut waiting: Waiting) -> (Waiting, Reason, Mono) {
        let now = self.now();
        let rule = self.shared_rule(waiting.rule);
        let pending = waiting.inquiry.as_ref().is_some_and(|inquiry| inquiry.is_pending(now));
        let job = rule.filter(|_| !pending).and_then(|rule| self.job(path, rule, sample.mtime));
        let Some(job) = job else {
            return (waiting, Reason::WaitingInspection, now + super::ROOT_CHECK);
        };
        let number = job.number;
        let given = self.inspector.give(Job { header: true, ..job });
        let inquiry = waiting.inquiry.get_or_insert_default();
        if given {
            inquiry.begin(number, now);
            inquiry.header_sample = Some(sample);
            self.headers_pending += 1;
        }
        if !given {
            self.headers_refused = now + NO_ROOM * 3;
        }
        let again = now + if given { super::ROOT_CHECK * 30 } else { NO_ROOM };
        (waiting, Reason::WaitingInspection, again)
    }

    /// A header was read, or cannot be.
    pub(super) fn take_header(&mut self, mut inspected: Inspected) {
        self.headers_pending = self.headers_pending.saturating_sub(1);
        let path = inspected.unit.clone();
        let Some(mut waiting) = self.waiting.take(&path) else { return };
        let header = inspected.header.take();
        if let Some(inquiry) = waiting.inquiry.as_mut()
            && inquiry.take(&mut inspected)
        {
            let header = header.and_then(Result::ok).unwrap_or_default();
            inquiry.header = Some(Arc::new(header));
            waiting.next = self.now();
        }
        self.waiting.insert(path, waiting);
    }

    /// Puts a member into its groups.
    fn enter(&mut self, path: &[u8], places: &[Place], change: impl Fn(&mut Group, Mono)) {
        let (now, wall) = (self.now(), self.berth.clock.wall());
        for (at, place) in places.iter().enumerate() {
            let mut bundle = self.bundles.take(&place.path).unwrap_or_else(|| {
                let known = self.known_bundles.get(&place.path);
                let mut group = Group::new(Cause::Arrived, now, wall);
                let standing = match known {
                    Some(known) if known.overdue => {
                        group.mark_overdue();
                        Standing::Waiting
                    }
                    Some(_) => Standing::Checking,
                    None => Standing::Waiting,
                };
                let mut bundle = Bundle::new(What::Group(group), place.rule, standing, now);
                bundle.initial = self.adopts();
                bundle
            });
            bundle.rule = place.rule;
            if let What::Group(group) = &mut bundle.what {
                change(group, now);
                if let Some(expected) = place.expected {
                    group.expect(expected);
                }
            }
            let standing = bundle.standing;
            self.reopen(&mut bundle, standing, now);
            self.bundles.insert(place.path.clone(), bundle);
            self.see_group(&place.path);
            if let Some(outer) = places.get(at + 1) {
                self.outer_groups.insert(place.path.clone(), outer.path.clone());
            }
        }
        if let Some(place) = places.first() {
            let group = Arc::from(&*place.path);
            self.member_of.insert(path.into(), MemberOf { group, scan: self.scan_number });
        }
    }

    /// Something about its members has changed.
    fn reopen(&self, bundle: &mut Bundle, standing: Standing, now: Mono) {
        let standing = if standing == Standing::Checking { standing } else { Standing::Waiting };
        if bundle.standing == Standing::Settled
            && let What::Group(group) = &mut bundle.what
        {
            group.begin_again(now, self.berth.clock.wall());
        }
        bundle.look_at(now);
        bundle.unsettle(standing);
        bundle.inquiry.outdate();
    }

    /// Changes the groups that a member is known to be in.
    fn change_groups_of(&mut self, path: &[u8], standing: Standing, change: impl Fn(&mut Group, Mono)) {
        let now = self.now();
        for at in self.groups_of(path) {
            let Some(mut bundle) = self.bundles.take(&at) else { continue };
            if let What::Group(group) = &mut bundle.what {
                change(group, now);
            }
            self.reopen(&mut bundle, standing, now);
            self.bundles.insert(at, bundle);
        }
    }

    /// A complete member is not as it was: it is judged anew.
    pub(super) fn member_is_stale(&mut self, path: &[u8], rule: usize) {
        let (dir, _) = split(path);
        let Some(dir) = self.watcher.tree().at(dir) else { return };
        self.change_groups_of(path, Standing::Waiting, |group, now| group.member_waits(path, now));
        let waiting = Waiting { rule, member: true, next: self.now(), ..self.unheard_unit(dir) };
        self.waiting.insert(path.into(), waiting);
    }

    /// A member went away.
    pub(super) fn member_is_gone(&mut self, path: &[u8]) {
        if self.member_of.contains_key(path) {
            self.change_groups_of(path, Standing::Checking, |group, now| {
                group.member_is_gone(path, now);
            });
            self.member_of.remove(path);
        }
    }

    /// Members that a whole scan has not come by and that are not there.
    pub(super) fn forget_missing_members(&mut self, root: &Dir, scan: u32) {
        let missing = self.member_of.iter().filter(|(_, of)| of.scan >= self.root_since && of.scan < scan);
        let missing: Vec<Box<[u8]>> = missing.map(|(path, _)| path.clone()).collect();
        for path in missing {
            if self.can_be_missed(&path) && is_absent(root, &path) {
                self.member_is_gone(&path);
            }
        }
    }

    /// Whether a file may turn out to be of this group whose header is being read.
    pub(super) fn may_grow(&self, rule: usize) -> bool {
        let coming = self.headers_pending > 0 || self.now() < self.headers_refused;
        coming && matches!(self.grouping(rule), Some(Grouping::Dicom(_)))
    }
}

impl Inquiry {
    /// What was read of the header, if the file still looks as it did then.
    fn header_of(&self, sample: &Sample) -> Option<Arc<DicomHeader>> {
        self.header.clone().filter(|_| self.header_sample == Some(*sample))
    }
}
