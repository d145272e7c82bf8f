//! Answers about units that the ledger does not hold: waiting, ignored, never seen.

use model::{Stamp, State};
use settle::{RuleMask, Selection};

use super::Source;
use super::waiting::Waiting;
use crate::answer::{LiveExplain, LiveUnit, Selected};

impl Source {
    pub(super) fn explain(&self, path: &[u8]) -> LiveExplain {
        let waiting = self.waiting.get(path).map(|waiting| self.live(path, waiting));
        let ignored = || {
            let reason = self.ignored.get(path)?.reason.clone();
            Some(ignored_unit(path, reason))
        };
        LiveExplain { unit: waiting.or_else(ignored), selection: self.selected(path) }
    }

    pub(super) fn list(&self) -> Vec<LiveUnit> {
        let waiting = self.waiting.iter().map(|(path, waiting)| self.live(path, waiting));
        let ignored = self.ignored.iter().map(|(path, ignored)| ignored_unit(path, ignored.reason.clone()));
        waiting.chain(ignored).collect()
    }

    fn live(&self, path: &[u8], waiting: &Waiting) -> LiveUnit {
        let ahead = waiting.next.saturating_sub(self.now());
        let next = self.berth.clock.wall().as_nanos().saturating_add(ahead.as_nanos() as i64);
        LiveUnit {
            path: path.to_vec(),
            state: State::Waiting,
            reason: waiting.reason.clone(),
            rule: self.rule_names.get(waiting.rule).map(|name| name.as_ref().to_owned()),
            first_seen: Some(waiting.unit.first_seen_wall),
            next_check: Some(Stamp::from_nanos(next)),
            history: waiting.history.iter().map(|(time, what)| (*time, (*what).to_owned())).collect(),
        }
    }

    /// What the rules say of a path, whether or not its directories are known.
    fn selection(&self, path: &[u8]) -> Selection {
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
