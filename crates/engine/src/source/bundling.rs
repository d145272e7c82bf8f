//! Judging datasets and groups: what is to be found out, whether they are complete, their admission.

use model::{Reason, Signal, SignalSet};
use settle::{Answer, Ask, Beside, Mono, Questions, Step, Stir};
use sys::Dir;

use super::Source;
use super::admitting::may_be_complete;
use super::bundles::{Bundle, News, Standing, What};
use super::surveying::{NO_ROOM, UNREADABLE};
use crate::explain::reason_line;
use crate::notice::Notice;

/// So many are judged before the kernel's queue is looked at again.
const BATCH: usize = 1024;
/// So many rounds of questions and answers at most; each asks for something that was not asked before.
const ROUNDS: usize = 6;

impl Source {
    /// Looks at every bundle whose time has come, and admits what is complete.
    pub(super) fn look_at_bundles(&mut self, root: &Dir) {
        let due = self.bundles.due(self.now(), BATCH);
        let mut ready = Vec::new();
        for path in due {
            let Some(bundle) = self.bundles.take(&path) else { continue };
            if let Some(bundle) = self.judge_bundle(root, &path, bundle) {
                if matches!(bundle.standing, Standing::Ready(_) | Standing::Overdue(_)) {
                    ready.push(path.clone());
                }
                self.bundles.insert(path, bundle);
            }
        }
        if ready.is_empty() {
            // What went away, or has fewer members, is told all the same.
            return self.submit();
        }
        // As for files: every close that belongs to what was surveyed is in the kernel's queue by now.
        if self.watcher.is_listening() {
            self.watcher.read_now();
            self.hear();
        }
        self.look(root);
        for path in ready {
            self.admit_ready(root, &path);
        }
        self.submit();
    }

    fn admit_ready(&mut self, root: &Dir, path: &[u8]) {
        let Some(mut bundle) = self.bundles.take(path) else { return };
        let fresh = match &bundle.what {
            What::Tree(tree) => tree.is_fresh(),
            // Something may have been missed since its members were compared.
            What::Group(_) => bundle.surveyed || matches!(bundle.standing, Standing::Overdue(_)),
        };
        match bundle.standing {
            Standing::Ready(signals) if fresh => self.admit_bundle(root, path, bundle, signals, false),
            Standing::Overdue(signals) if fresh => self.admit_bundle(root, path, bundle, signals, true),
            _ => {
                if matches!(bundle.standing, Standing::Ready(_) | Standing::Overdue(_)) {
                    bundle.standing = Standing::Waiting;
                }
                bundle.next = self.now();
                self.bundles.insert(path.into(), bundle);
            }
        }
    }

    /// Asks the rule. Nothing comes back if there is nothing (more) to wait for.
    fn judge_bundle(&mut self, root: &Dir, path: &[u8], mut bundle: Bundle) -> Option<Bundle> {
        let is_group = matches!(bundle.what, What::Group(_));
        if self.whole_scans == 0 || (is_group && self.last_whole_scan <= self.groups_since) {
            return Some(self.keep(bundle, Reason::WaitingScan, self.now() + super::ROOT_CHECK));
        }
        if let What::Group(group) = &bundle.what
            && group.is_empty()
        {
            self.bundle_gone(path, &bundle);
            self.outer_groups.remove(path);
            return None;
        }
        if self.may_grow(bundle.rule) {
            return Some(self.keep(bundle, Reason::WaitingInspection, self.now() + NO_ROOM));
        }
        if bundle.standing == Standing::Checking {
            match self.check(path, &bundle) {
                Checked::Same => return self.settle_down(path, bundle),
                Checked::Unknown => {
                    self.find_out(root, path, &mut bundle, Questions::WRITER);
                    return Some(bundle);
                }
                Checked::Later => {
                    bundle.surveyed = false;
                    let (reason, again) = (bundle.reason.clone(), self.now() + UNREADABLE);
                    return Some(self.keep(bundle, reason, again));
                }
                Checked::News => bundle.standing = Standing::Waiting,
            }
        }
        for _ in 0..ROUNDS {
            match self.ask_rule(path, &mut bundle) {
                Step::Ask(questions) => {
                    if !self.find_out(root, path, &mut bundle, questions) {
                        return Some(bundle);
                    }
                }
                Step::Complete(_) if is_group && !bundle.surveyed => {
                    self.compare_members(path, &mut bundle);
                    return Some(bundle);
                }
                // At its deadline, though it goes on changing: a last look would find that it does.
                Step::Complete(signals) if is_changing(&bundle) => {
                    let rule = bundle.rule;
                    self.admit_bundle(root, path, bundle, signals, false);
                    // What was heard since then is the beginning of the next generation.
                    self.hear_dataset(path, rule, Stir::Changed, false);
                    return None;
                }
                Step::Overdue { evidence, reason, again, alert } if is_changing(&bundle) => {
                    self.alert(path, &bundle, &reason, alert);
                    bundle = self.keep(bundle, reason, again);
                    self.admit_bundle(root, path, bundle, evidence, true);
                    return None;
                }
                Step::Complete(signals) => {
                    bundle.standing = Standing::Ready(signals);
                    return Some(bundle);
                }
                Step::Overdue { evidence, reason, again, alert } => {
                    return Some(self.overdue(root, path, bundle, evidence, (reason, again, alert)));
                }
                Step::Wait { reason, again, alert } => {
                    self.alert(path, &bundle, &reason, alert);
                    return Some(self.begin_anew(bundle, reason, again));
                }
            }
        }
        let again = self.now() + super::ROOT_CHECK;
        Some(self.begin_anew(bundle, Reason::WaitingLook, again))
    }

    /// Not yet: the next round asks everything again.
    fn begin_anew(&self, mut bundle: Bundle, reason: Reason, again: Mono) -> Bundle {
        bundle.surveyed = false;
        bundle.inquiry.forget_answers();
        self.keep(bundle, reason, again)
    }

    fn keep(&self, mut bundle: Bundle, reason: Reason, again: Mono) -> Bundle {
        if bundle.standing == Standing::Waiting {
            bundle.history.note(self.berth.clock.wall(), reason_line(&reason));
            // Members and units inside know by themselves whether they were complete.
            let by_others = matches!(bundle.what, What::Group(_))
                && matches!(reason, Reason::WaitingMembers { .. })
                || matches!(reason, Reason::WaitingChildren { .. });
            // An empty directory may be all that there is to it; what comes into it later has a later time.
            let is_empty = matches!(reason, Reason::WaitingMembers { present: 0, expected: None, .. });
            bundle.initial &= is_empty || by_others || may_be_complete(&reason);
        }
        (bundle.reason, bundle.next) = (reason, again);
        bundle
    }

    fn alert(&self, path: &[u8], bundle: &Bundle, reason: &Reason, alert: bool) {
        if alert {
            // That it is held says less than what it was held for.
            let held = *reason == Reason::WaitingDeadline;
            let (source, reason) =
                (self.berth.plan.name.as_str(), if held { &bundle.reason } else { reason });
            let reason = &reason_line(reason);
            self.berth.observer.notice(&Notice::DeadlinePassed { source, path, reason });
        }
    }

    /// At its deadline: what is announced as incomplete is what a survey has shown.
    fn overdue(
        &mut self,
        root: &Dir,
        path: &[u8],
        mut bundle: Bundle,
        evidence: SignalSet,
        (reason, again, alert): (Reason, Mono, bool),
    ) -> Bundle {
        self.alert(path, &bundle, &reason, alert);
        let seen = match &bundle.what {
            What::Tree(_) => bundle.surveyed,
            What::Group(_) => true,
        };
        if !seen {
            self.find_out(root, path, &mut bundle, Questions::WRITER);
            return bundle;
        }
        bundle = self.keep(bundle, reason, again);
        bundle.standing = Standing::Overdue(evidence);
        bundle
    }

    fn ask_rule(&self, path: &[u8], bundle: &mut Bundle) -> Step {
        let now = self.now();
        let Some(rule) = self.berth.plan.rules.rules.get(bundle.rule) else {
            return Step::Wait { reason: Reason::WaitingLook, again: now + super::ROOT_CHECK, alert: false };
        };
        let children = self.children(path, bundle);
        let answers = &bundle.inquiry.answers;
        let dear = dear(&rule.completion.asks);
        let beside = Beside { answers, children: &children, dear };
        let wall = self.berth.clock.wall();
        match &mut bundle.what {
            What::Tree(tree) => {
                let told = self.is_told_of(path);
                let surveyed = bundle.surveyed && tree.is_current();
                tree.judge(&rule.completion, told, surveyed, beside, now, wall)
            }
            What::Group(group) => group.judge(&rule.completion, beside, now, wall),
        }
    }

    /// Whether the units inside are complete, if there are to be any.
    fn children(&self, path: &[u8], bundle: &Bundle) -> Answer {
        let rules = &self.berth.plan.rules.rules;
        if !rules.iter().any(|inner| inner.shape.of == Some(bundle.rule)) {
            return Answer::NotAsked;
        }
        let is_waiting = |inner: &Bundle| {
            let is_child = rules.get(inner.rule).is_some_and(|rule| rule.shape.of == Some(bundle.rule));
            is_child && inner.standing != Standing::Settled && !inner.is_overdue()
        };
        let mut waiting: Vec<Box<[u8]>> = match &bundle.what {
            What::Tree(_) => {
                let is_inside =
                    |inner: &[u8]| inner.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/"));
                let inside =
                    self.bundles.iter().filter(|(inner, bundle)| is_waiting(bundle) && is_inside(inner));
                inside.map(|(inner, _)| inner.into()).collect()
            }
            What::Group(group) => {
                let inside = self.groups_inside(group, path).into_iter();
                inside
                    .filter(|inner| self.bundles.get(inner).is_some_and(is_waiting))
                    .map(Into::into)
                    .collect()
            }
        };
        if waiting.is_empty() {
            return Answer::Holds(Signal::Children);
        }
        waiting.sort_unstable();
        let count = waiting.len() as u64;
        waiting.truncate(16);
        Answer::Missing(Reason::WaitingChildren { count, blocking: waiting })
    }

    /// Compares with what was announced.
    fn check(&mut self, path: &[u8], bundle: &Bundle) -> Checked {
        let view = match &bundle.what {
            What::Tree(tree) if bundle.surveyed && tree.is_current() => match tree.view() {
                // What is being written is certainly new; what cannot be read tells nothing.
                Some(view) if view.open > 0 => return Checked::News,
                Some(view) if view.unreadable > 0 || view.partial => return Checked::Later,
                Some(view) => view.clone(),
                None => return Checked::Unknown,
            },
            What::Tree(_) => return Checked::Unknown,
            What::Group(group) => match group.view(self.with_inode) {
                // What is missing is perhaps as it was: it tells nothing until it is complete.
                view if view.open > 0 => return Checked::Later,
                view => view,
            },
        };
        match self.known_bundles.get(path).map(|known| (known.overdue, known.compare(&view))) {
            Some((false, News::None)) => Checked::Same,
            Some((false, News::Less)) => {
                self.note_less(path, &view);
                Checked::Same
            }
            _ => Checked::News,
        }
    }

    /// There is nothing new about it.
    pub(super) fn settle_down(&mut self, path: &[u8], mut bundle: Bundle) -> Option<Bundle> {
        self.wake_outer(path, bundle.initial);
        match bundle.what {
            What::Tree(_) => None,
            What::Group(_) => {
                bundle.standing = Standing::Settled;
                bundle.inquiry = super::inquiry::Inquiry::default();
                Some(bundle)
            }
        }
    }

    /// The unit in which this one lies waits for it no longer.
    pub(super) fn wake_outer(&mut self, path: &[u8], initial: bool) {
        let Some(outer) = self.outer_of(path) else { return };
        let now = self.now();
        if let Some(mut bundle) = self.bundles.take(&outer) {
            bundle.initial &= initial;
            if bundle.standing != Standing::Settled {
                bundle.stir(false);
                bundle.look_at(now);
            }
            self.bundles.insert(outer, bundle);
        }
    }

    fn outer_of(&self, path: &[u8]) -> Option<Box<[u8]>> {
        if path.ends_with(b"/") {
            return self.outer_groups.get(path).cloned();
        }
        let units = self.berth.plan.rules.units_above(path);
        let outer = units.iter().rfind(|unit| unit.len < path.len())?;
        Some(path[..outer.len].into())
    }
}

/// Something was heard of it since it was surveyed.
fn is_changing(bundle: &Bundle) -> bool {
    matches!(&bundle.what, What::Tree(tree) if !tree.is_fresh())
}

/// What a comparison with what was announced has shown.
enum Checked {
    Same,
    News,
    /// A survey tells.
    Unknown,
    /// Nobody can tell just now.
    Later,
}

/// Everything is read for a manifest, and of each file the beginning to tell whether it is whole: so everything else must
/// hold first. A survey of a dataset is dear, too.
pub(super) fn dear(asks: &[Ask]) -> Questions {
    let read = asks.iter().enumerate().filter(|(_, ask)| matches!(ask, Ask::Manifest(_) | Ask::Whole));
    let asks = read.fold(0, |bits, (at, _)| bits | 1u32.checked_shl(at as u32).unwrap_or(0));
    Questions { writer: true, asks }
}
