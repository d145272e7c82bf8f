//! Answers about units that the ledger does not hold: waiting, ignored, never seen.

use model::{Kind, Reason, Stamp, State};
use settle::{RuleMask, Selection};

use super::Source;
use super::agenda::Appointed as _;
use super::bundles::What;
use super::waiting::Waiting;
use crate::answer::{LiveExplain, LiveUnit, Selected};

impl Source {
    pub(super) fn explain(&self, path: &[u8]) -> LiveExplain {
        let within = self.unit_around(path);
        let waiting = self.waiting.get(path).map(|waiting| self.live(path, waiting));
        let ignored = || Some(ignored_unit(path, self.ignored.get(path)?.reason.clone()));
        let unit = match &within {
            Some(within) => {
                let unit = waiting.or_else(|| self.live_bundle(within));
                // A directory of this name would be a unit; what lies there is none.
                unit.or_else(|| if within.as_slice() == path { ignored() } else { None })
            }
            None => waiting.or_else(ignored),
        };
        let pruned = self.berth.plan.rules.prunes(self.mask_of(&[path, b"/"].concat()));
        let too_deep = !self.berth.plan.recursive && path.contains(&b'/');
        LiveExplain { unit, within, selection: self.selected(path), pruned, too_deep }
    }

    pub(super) fn list(&self) -> Vec<LiveUnit> {
        let files = self.waiting.iter().filter(|(_, waiting)| !waiting.member);
        let waiting = files.map(|(path, waiting)| self.live(path, waiting));
        let bundles = self.bundles.iter().filter_map(|(path, _)| self.live_bundle(path));
        let ignored = self.ignored.iter().map(|(path, ignored)| ignored_unit(path, ignored.reason.clone()));
        waiting.chain(bundles).chain(ignored).collect()
    }

    fn live(&self, path: &[u8], waiting: &Waiting) -> LiveUnit {
        let now = self.now();
        LiveUnit {
            path: path.to_vec(),
            state: State::Waiting,
            reason: waiting.reason.clone(),
            rule: self.rule_name(waiting.rule),
            kind: Some(Kind::File),
            members: None,
            reading: waiting.inquiry.as_ref().is_some_and(|inquiry| inquiry.is_pending(now)),
            first_seen: Some(waiting.unit.first_seen_wall),
            next_check: Some(self.at(waiting.next)),
            history: waiting.history.moments().map(|(time, what)| (time, what.to_owned())).collect(),
        }
    }

    /// The dataset or group that is asked about when this path is: the one that it is, or is in.
    fn unit_around(&self, path: &[u8]) -> Option<Vec<u8>> {
        if let Some(of) = self.member_of.get(path) {
            return Some(of.group().to_vec());
        }
        let group = [path, b"/"].concat();
        if self.bundles.contains(&group) || self.known_bundles.contains_key(&*group) {
            return Some(group);
        }
        let unit = self.berth.plan.rules.units_above(path).pop()?;
        // What is excluded in a dataset, its markers and its locks are no members.
        let belongs = unit.len == path.len() || (self.is_member(path) && self.marker_inside(path).is_none());
        belongs.then(|| path[..unit.len].to_vec())
    }

    /// A bundle that waits.
    fn live_bundle(&self, path: &[u8]) -> Option<LiveUnit> {
        let bundle = self.bundles.get(path).filter(|bundle| bundle.counts())?;
        let members = match &bundle.what {
            What::Tree(tree) => tree.view().map(|view| view.count),
            What::Group(group) => Some(group.len() as u64),
        };
        Some(LiveUnit {
            path: path.to_vec(),
            state: State::Waiting,
            reason: bundle.reason.clone(),
            rule: self.rule_name(bundle.rule),
            kind: Some(Kind::Dataset),
            members,
            reading: bundle.inquiry.is_pending(self.now()),
            first_seen: Some(bundle.first_seen().1),
            next_check: Some(self.at(bundle.next)),
            history: bundle.history.moments().map(|(time, what)| (time, what.to_owned())).collect(),
        })
    }

    fn rule_name(&self, rule: usize) -> Option<String> {
        self.rule_names.get(rule).map(|name| name.as_ref().to_owned())
    }

    /// A time on the wall clock.
    fn at(&self, mono: settle::Mono) -> Stamp {
        let ahead = mono.saturating_sub(self.now());
        Stamp::from_nanos(self.berth.clock.wall().as_nanos().saturating_add(ahead.as_nanos() as i64))
    }

    /// Which rules exclude a directory above the path.
    fn mask_of(&self, path: &[u8]) -> RuleMask {
        let rules = &self.berth.plan.rules;
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes.fold(RuleMask::EMPTY, |mask, (at, _)| rules.directory_mask(&path[..at], mask))
    }

    /// What the rules say of a path, whether or not its directories are known.
    pub(super) fn selection(&self, path: &[u8]) -> Selection {
        self.berth.plan.rules.select(path, self.mask_of(path))
    }

    pub(super) fn is_selected(&self, path: &[u8]) -> bool {
        matches!(self.selection(path), Selection::Taken(_))
    }

    pub(super) fn selected(&self, path: &[u8]) -> Selected {
        let rules = &self.berth.plan.rules;
        let name = |rule: usize| rules.rules.get(rule).map(|rule| rule.name.clone()).unwrap_or_default();
        match self.selection(path) {
            Selection::Taken(rule) => Selected::Rule(name(rule)),
            Selection::Member { rule, .. } => match self.marker_inside(path) {
                Some(rule) => Selected::Ignored(Reason::IgnoredMarker { rule: name(rule) }),
                None => Selected::Rule(name(rule)),
            },
            Selection::Ignored(reason) => Selected::Ignored(reason),
        }
    }

    fn is_member(&self, path: &[u8]) -> bool {
        matches!(self.selection(path), Selection::Member { .. })
    }

    /// The rule that a file in a dataset is a marker or a lock of.
    fn marker_inside(&self, path: &[u8]) -> Option<usize> {
        let rules = &self.berth.plan.rules;
        let unit = rules.units_above(path).pop()?;
        let inside = path.get(unit.len + 1..)?;
        rules.rules.get(unit.rule).is_some_and(|rule| rule.is_marker_inside(inside)).then_some(unit.rule)
    }
}

fn ignored_unit(path: &[u8], reason: Reason) -> LiveUnit {
    let kind = match reason {
        Reason::IgnoredSymlink => Some(Kind::Symlink),
        Reason::IgnoredSpecialFile => Some(Kind::Special),
        // Nothing was asked of the file system.
        _ => None,
    };
    LiveUnit {
        path: path.to_vec(),
        state: State::Ignored,
        reason,
        rule: None,
        kind,
        members: None,
        reading: false,
        first_seen: None,
        next_check: None,
        history: Vec::new(),
    }
}
