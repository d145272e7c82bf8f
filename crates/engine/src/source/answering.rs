//! Answers about units that the ledger does not hold: waiting, ignored, never seen.

use model::{Stamp, State};
use settle::{RuleMask, Selection};

use super::Source;
use super::agenda::Appointed as _;
use super::waiting::Waiting;
use crate::answer::{LiveExplain, LiveUnit, Selected};

impl Source {
    pub(super) fn explain(&self, path: &[u8]) -> LiveExplain {
        let within = self.unit_around(path);
        if let Some(within) = within {
            let member = self.waiting.get(path).map(|waiting| self.live(path, waiting));
            let unit = member.or_else(|| self.live_bundle(&within));
            return LiveExplain { unit, within: Some(within), selection: self.selected(path) };
        }
        let waiting = self.waiting.get(path).map(|waiting| self.live(path, waiting));
        let ignored = || {
            let reason = self.ignored.get(path)?.reason.clone();
            Some(ignored_unit(path, reason))
        };
        LiveExplain { unit: waiting.or_else(ignored), within: None, selection: self.selected(path) }
    }

    pub(super) fn list(&self) -> Vec<LiveUnit> {
        let files = self.waiting.iter().filter(|(_, waiting)| !waiting.member);
        let waiting = files.map(|(path, waiting)| self.live(path, waiting));
        let bundles = self.bundles.iter().filter_map(|(path, _)| self.live_bundle(path));
        let ignored = self.ignored.iter().map(|(path, ignored)| ignored_unit(path, ignored.reason.clone()));
        waiting.chain(bundles).chain(ignored).collect()
    }

    fn live(&self, path: &[u8], waiting: &Waiting) -> LiveUnit {
        LiveUnit {
            path: path.to_vec(),
            state: State::Waiting,
            reason: waiting.reason.clone(),
            rule: self.rule_names.get(waiting.rule).map(|name| name.as_ref().to_owned()),
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
        let rules = &self.berth.plan.rules;
        let is_marker = |rule: usize, len: usize| {
            let inside = path.get(len + 1..).unwrap_or_default();
            rules.rules.get(rule).is_some_and(|rule| rule.is_marker_inside(inside))
        };
        match self.selection(path) {
            Selection::Member { rule, len } if is_marker(rule, len) => None,
            Selection::Member { .. } | Selection::Ignored(_) | Selection::Taken(_) => {
                let units = rules.units_above(path);
                units.last().map(|unit| path[..unit.len].to_vec())
            }
        }
    }

    /// A bundle that waits.
    fn live_bundle(&self, path: &[u8]) -> Option<LiveUnit> {
        let bundle = self.bundles.get(path).filter(|bundle| bundle.counts())?;
        Some(LiveUnit {
            path: path.to_vec(),
            state: State::Waiting,
            reason: bundle.reason.clone(),
            rule: self.rule_names.get(bundle.rule).map(|name| name.as_ref().to_owned()),
            first_seen: Some(bundle.first_seen().1),
            next_check: Some(self.at(bundle.next)),
            history: bundle.history.moments().map(|(time, what)| (time, what.to_owned())).collect(),
        })
    }

    /// A time on the wall clock.
    fn at(&self, mono: settle::Mono) -> Stamp {
        let ahead = mono.saturating_sub(self.now());
        Stamp::from_nanos(self.berth.clock.wall().as_nanos().saturating_add(ahead.as_nanos() as i64))
    }

    /// What the rules say of a path, whether or not its directories are known.
    pub(super) fn selection(&self, path: &[u8]) -> Selection {
        let rules = &self.berth.plan.rules;
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mask = slashes.fold(RuleMask::EMPTY, |mask, (at, _)| rules.directory_mask(&path[..at], mask));
        rules.select(path, mask)
    }

    pub(super) fn is_selected(&self, path: &[u8]) -> bool {
        matches!(self.selection(path), Selection::Taken(_))
    }

    pub(super) fn selected(&self, path: &[u8]) -> Selected {
        let rules = &self.berth.plan.rules;
        match self.selection(path) {
            Selection::Taken(rule) => {
                Selected::Rule(rules.rules.get(rule).map(|rule| rule.name.clone()).unwrap_or_default())
            }
            Selection::Member { rule, .. } => {
                Selected::Rule(rules.rules.get(rule).map(|rule| rule.name.clone()).unwrap_or_default())
            }
            Selection::Ignored(reason) => Selected::Ignored(reason),
        }
    }
}

fn ignored_unit(path: &[u8], reason: model::Reason) -> LiveUnit {
    LiveUnit {
        path: path.to_vec(),
        state: State::Ignored,
        reason,
        rule: None,
        first_seen: None,
        next_check: None,
        history: Vec::new(),
    }
}
