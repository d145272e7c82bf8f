//! Judging datasets and groups: what is to be found out, whether they are complete, their admission.

use std::sync::Arc;

use ledger::Fate;
use model::{Cause, Kind, Members, PathKey, Reason, Signal, SignalSet};
use settle::{Answer, Ask, Beside, Late, Mono, Questions, Step, View};
use sys::Dir;

use super::Source;
use super::bundles::{Bundle, KnownBundle, News, Standing, What, view_print};
use super::companions::answer_beside;
use crate::inspector::{Inspected, Job, SurveyJob};
use crate::notice::Notice;

/// So many are judged before the kernel's queue is looked at again.
const BATCH: usize = 1024;
/// How soon a unit asks again that the inspector had no room for.
const NO_ROOM: Mono = Mono::from_millis(200);
/// When a unit is looked at whose answer does not come.
const OVERDUE_ANSWER: Mono = Mono::from_secs(30);
/// So many rounds of questions and answers at most; each asks for something that was not asked before.
const ROUNDS: usize = 6;
/// So many members are named in an event.
const LISTED: usize = 256;

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
            return;
        }
        // As for files: every close that belongs to what was surveyed is in the kernel's queue by now.
        if self.watcher.is_listening() {
            self.watcher.read_now();
            self.hear();
        }
        self.look(root);
        for path in ready {
            self.admit_ready(&path);
        }
        self.submit();
    }

    fn admit_ready(&mut self, path: &[u8]) {
        let Some(mut bundle) = self.bundles.take(path) else { return };
        let fresh = match &bundle.what {
            What::Tree(tree) => tree.is_fresh(),
            What::Group(_) => true,
        };
        match bundle.standing {
            Standing::Ready(signals) if fresh => self.admit_bundle(path, bundle, signals, false),
            Standing::Overdue(signals) if fresh => self.admit_bundle(path, bundle, signals, true),
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
        if self.whole_scans == 0 {
            return Some(self.keep(bundle, Reason::WaitingScan, self.now() + super::ROOT_CHECK));
        }
        if let What::Group(group) = &bundle.what
            && group.is_empty()
        {
            self.bundle_gone(path, &bundle);
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
                Step::Complete(signals) => {
                    bundle.standing = Standing::Ready(signals);
                    return Some(bundle);
                }
                Step::Overdue { evidence, reason, again, alert } => {
                    return Some(self.overdue(root, path, bundle, evidence, (reason, again, alert)));
                }
                Step::Wait { reason, again, alert } => {
                    self.alert(path, &reason, alert);
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
            bundle.history.note(self.berth.clock.wall(), reason.code());
        }
        (bundle.reason, bundle.next) = (reason, again);
        bundle
    }

    fn alert(&self, path: &[u8], reason: &Reason, alert: bool) {
        if alert {
            let (source, reason) = (self.berth.plan.name.as_str(), reason.code());
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
        self.alert(path, &reason, alert);
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
        let children = self.children(path, bundle.rule);
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
    fn children(&self, path: &[u8], rule: usize) -> Answer {
        let rules = &self.berth.plan.rules.rules;
        if !rules.iter().any(|inner| inner.shape.of == Some(rule)) {
            return Answer::NotAsked;
        }
        let inside = |(other, bundle): &(&[u8], &Bundle)| {
            let is_child = rules.get(bundle.rule).is_some_and(|inner| inner.shape.of == Some(rule));
            let unsettled = !matches!(bundle.standing, Standing::Settled | Standing::Checking);
            is_child && unsettled && !bundle.is_overdue() && self.is_inside(other, path)
        };
        let mut waiting: Vec<Box<[u8]>> =
            self.bundles.iter().filter(inside).map(|(path, _)| path.into()).collect();
        if waiting.is_empty() {
            return Answer::Holds(Signal::Children);
        }
        waiting.sort_unstable();
        let count = waiting.len() as u64;
        waiting.truncate(16);
        Answer::Missing(Reason::WaitingChildren { count, blocking: waiting })
    }

    /// Whether a unit lies in another one: below its directory, or with members in common.
    fn is_inside(&self, inner: &[u8], outer: &[u8]) -> bool {
        if !outer.ends_with(b"/") {
            return inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(b"/"));
        }
        self.outer_groups.get(inner).is_some_and(|path| **path == *outer)
    }

    /// Compares with what was announced.
    fn check(&mut self, path: &[u8], bundle: &Bundle) -> Checked {
        let view = match &bundle.what {
            What::Tree(tree) if bundle.surveyed => match tree.view() {
                // What is being written is certainly new; what cannot be read tells nothing.
                Some(view) if view.open > 0 => return Checked::News,
                Some(view) if view.unreadable > 0 || view.partial => return Checked::Unknown,
                Some(view) => view.clone(),
                None => return Checked::Unknown,
            },
            What::Tree(_) => return Checked::Unknown,
            What::Group(group) => group.view(self.with_inode),
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

    /// Somebody has taken members of an announced unit away: that is how it looks now.
    fn note_less(&mut self, path: &[u8], view: &View) {
        let (sample, ctime, scan) = (view_print(view), view.newest_ctime, self.scan_number);
        self.known_bundles.insert(path.into(), KnownBundle { print: sample, ctime, overdue: false, scan });
        let (source, key) = (self.berth.id, PathKey::of(path));
        self.outgoing.push(ledger::Entry::Sample { source, key, path: path.into(), sample, ctime });
    }

    /// There is nothing new about it.
    fn settle_down(&mut self, path: &[u8], mut bundle: Bundle) -> Option<Bundle> {
        self.wake_outer(path, bundle.rule);
        match bundle.what {
            What::Tree(_) => None,
            What::Group(_) => {
                bundle.standing = Standing::Settled;
                bundle.inquiry = super::inquiry::Inquiry::default();
                Some(bundle)
            }
        }
    }

    /// Finds out what it can at once and leaves the rest to the inspector; says whether all is known now.
    fn find_out(&mut self, root: &Dir, path: &[u8], bundle: &mut Bundle, questions: Questions) -> bool {
        let now = self.now();
        let Some(rule) = self.shared_rule(bundle.rule) else { return true };
        if bundle.inquiry.is_pending(now) {
            bundle.next = now + OVERDUE_ANSWER;
            bundle.reason = Reason::WaitingInspection;
            return false;
        }
        let slow = self.watcher.region_at(path).is_some_and(watch::Region::is_slow);
        let changed = self.changed_last(bundle);
        let mut asks = Vec::new();
        for at in questions.asked() {
            let Some(ask) = rule.completion.asks.get(at) else { continue };
            let own = match &bundle.what {
                What::Group(group) => group.answer(ask),
                What::Tree(_) => None,
            };
            let answer = match (own, ask) {
                (Some(answer), _) => answer,
                (None, Ask::Marker(_) | Ask::Lock(_)) if !slow => {
                    answer_beside(root, path, &rule, ask, changed, bundle.inquiry.marker_outdated)
                }
                (None, Ask::Count(_)) => Answer::Missing(Reason::WaitingCount { present: 0, expected: None }),
                (None, _) => {
                    asks.push(at);
                    Answer::Pending
                }
            };
            if answer == Answer::Holds(Signal::Marker) {
                bundle.inquiry.marker_seen = true;
            }
            bundle.inquiry.put(at, answer);
        }
        let survey =
            (questions.writer && matches!(bundle.what, What::Tree(_))).then(|| self.survey_job(path, bundle));
        if asks.is_empty() && survey.is_none() {
            return true;
        }
        self.next_job += 1;
        let number = self.next_job;
        let Some(same) = self.root.incarnation() else { return true };
        let job = Job {
            unit: path.into(),
            number,
            root: self.berth.plan.path.clone(),
            same,
            asked: now,
            rule,
            survey,
            asks,
            changed,
            header: false,
            checked: bundle.inquiry.checked.take().unwrap_or_default(),
        };
        let given = self.inspector.give(job);
        if given {
            bundle.inquiry.job = Some((number, now));
        } else {
            bundle.inquiry.forget_answers();
        }
        bundle.next = now + if given { OVERDUE_ANSWER } else { NO_ROOM };
        // What it waited for last is still the better answer to "why not yet?".
        if bundle.reason == Reason::WaitingLook || bundle.reason == Reason::WaitingScan {
            bundle.reason = Reason::WaitingInspection;
        }
        false
    }

    fn survey_job(&self, path: &[u8], bundle: &Bundle) -> SurveyJob {
        let filesystem = self.watcher.region_at(path).map(|region| region.filesystem);
        let leases = filesystem.is_none_or(|filesystem| filesystem.leases);
        let ask_first = match (&bundle.what, &bundle.reason) {
            (What::Tree(_), Reason::WaitingMembers { blocking, .. }) if leases => blocking.clone(),
            _ => Vec::new(),
        };
        SurveyJob { with_inode: self.with_inode, probe: leases, ask_first }
    }

    fn changed_last(&self, bundle: &Bundle) -> model::Stamp {
        match &bundle.what {
            What::Tree(tree) => tree.view().map(|view| view.newest_mtime).unwrap_or_default(),
            What::Group(group) => group.view(self.with_inode).newest_mtime,
        }
    }

    /// The inspector has an answer.
    pub(super) fn take_inspected(&mut self, mut inspected: Inspected) {
        let path = inspected.unit.clone();
        if inspected.header.is_some() {
            return self.take_header(inspected);
        }
        if let Some(mut bundle) = self.bundles.take(&path) {
            if !bundle.inquiry.take(&mut inspected) {
                return self.bundles.insert(path, bundle);
            }
            let survey = inspected.survey.take();
            if let Some(survey) = survey
                && !self.take_survey(&path, &mut bundle, survey, inspected.asked)
            {
                return self.bundle_gone(&path, &bundle);
            }
            bundle.next = bundle.next.min(self.now());
            return self.bundles.insert(path, bundle);
        }
        self.take_answers_for_file(&path, inspected);
    }

    /// Takes in a survey; says whether the dataset is there.
    fn take_survey(
        &mut self,
        path: &[u8],
        bundle: &mut Bundle,
        survey: Result<inspect::Survey, inspect::InspectError>,
        asked: Mono,
    ) -> bool {
        let leases = self.watcher.region_at(path).is_none_or(|region| region.filesystem.leases);
        match survey {
            Ok(survey) => {
                let view = view_of(&survey, leases);
                if !view.partial {
                    bundle.listed = survey.listed;
                    let sample = format!("{} members, {} bytes", view.count, view.size);
                    bundle.history.note(self.berth.clock.wall(), sample);
                }
                if let What::Tree(tree) = &mut bundle.what {
                    tree.look(view, asked);
                }
                bundle.surveyed = true;
                true
            }
            Err(inspect::InspectError::Absent { .. }) => !self.can_be_missed(path),
            Err(_) => {
                bundle.surveyed = false;
                bundle.next = self.now() + OVERDUE_ANSWER;
                bundle.reason = Reason::WaitingPermission;
                true
            }
        }
    }

    fn admit_bundle(&mut self, path: &[u8], mut bundle: Bundle, signals: SignalSet, overdue: bool) {
        let view = match &bundle.what {
            What::Tree(tree) => tree.view().cloned().unwrap_or_default(),
            What::Group(group) => group.view(self.with_inode),
        };
        let rule = self.shared_rule(bundle.rule);
        let late = rule.as_ref().map_or(Late::Generation, |rule| rule.shape.late);
        let known = self.known_bundles.get(path).copied();
        let known_complete = known.filter(|known| !known.overdue);
        let news = known_complete.map_or(News::Changed, |known| known.compare(&view));
        let ignored = news == News::Less || (late == Late::Ignore && known_complete.is_some());
        if ignored {
            self.note_less(path, &view);
        } else if news == News::Changed {
            let (print, ctime, scan) = (view_print(&view), view.newest_ctime, self.scan_number);
            self.known_bundles.insert(path.into(), KnownBundle { print, ctime, overdue, scan });
            let key = PathKey::of(path);
            let admission = self.bundle_admission(path, key, &bundle, &view, signals, overdue);
            self.outgoing.push(ledger::Entry::Admit(Box::new(admission)));
            self.spend_markers(bundle.rule, path);
        }
        if overdue {
            match &mut bundle.what {
                What::Tree(tree) => tree.mark_overdue(),
                What::Group(group) => group.mark_overdue(),
            }
            bundle.standing = Standing::Waiting;
            bundle.surveyed = false;
            bundle.inquiry.forget_answers();
            self.bundles.insert(path.into(), bundle);
        } else if let Some(mut bundle) = self.settle_down(path, bundle) {
            bundle.history = super::waiting::History::default();
            self.bundles.insert(path.into(), bundle);
        }
    }

    fn bundle_admission(
        &self,
        path: &[u8],
        key: PathKey,
        bundle: &Bundle,
        view: &View,
        signals: SignalSet,
        overdue: bool,
    ) -> ledger::Admission {
        let (first_seen, first_seen_wall) = bundle.first_seen();
        let listed = match &bundle.what {
            What::Tree(_) => bundle.listed.clone(),
            What::Group(group) => group.listed(LISTED),
        };
        let name = path.strip_suffix(b"/").map(|path| crate::explain::split(path).1);
        let group_key = name.map(|key| String::from_utf8_lossy(key).into_owned());
        let members = Members { count: view.count, listed, key: group_key };
        let history = bundle.history.clone().into_moments();
        let now = self.now();
        let route = self.berth.routes.rules.get(bundle.rule).copied().map_or(Fate::Adopt, Fate::Announce);
        let fate = if bundle.initial {
            self.initial_fate(route, view.newest_ctime, view.newest_mtime)
        } else {
            route
        };
        ledger::Admission {
            source: self.berth.id,
            key,
            path: path.into(),
            fate,
            kind: Kind::Dataset,
            fingerprint: view_print(view),
            ctime: view.newest_ctime,
            mode: 0,
            rule: self.rule_names.get(bundle.rule).map_or_else(|| "".into(), Arc::clone),
            signals,
            backend: self.watcher.backend(self.watcher.tree().at(path).unwrap_or(watch::DirId::ROOT)),
            first_seen: first_seen_wall,
            time: self.berth.clock.wall(),
            waited_ms: now.saturating_sub(first_seen).as_millis() as u64,
            cause: if overdue { Cause::Overdue } else { bundle.cause() },
            history: history.map(|(time, what)| ledger::Moment { time, what }).collect(),
            members: Some(Arc::new(members)),
        }
    }

    /// It went away before it was complete.
    pub(super) fn set_down_gone_bundle(&mut self, path: &[u8], key: PathKey, bundle: &Bundle) {
        let view = match &bundle.what {
            What::Tree(tree) => tree.view().cloned().unwrap_or_default(),
            What::Group(group) => group.view(self.with_inode),
        };
        let admission = self.bundle_admission(path, key, bundle, &view, SignalSet::EMPTY, false);
        let admission = ledger::Admission { fate: Fate::Gone, ..admission };
        self.outgoing.push(ledger::Entry::Admit(Box::new(admission)));
        self.wake_outer(path, bundle.rule);
    }

    /// The units in which this one lies wait for it no longer.
    fn wake_outer(&mut self, path: &[u8], rule: usize) {
        let Some(outer) = self.berth.plan.rules.rules.get(rule).and_then(|rule| rule.shape.of) else {
            return;
        };
        let is_outer = |(other, bundle): &(&[u8], &Bundle)| {
            bundle.rule == outer && bundle.standing != Standing::Settled && self.is_inside(path, other)
        };
        let above: Vec<Box<[u8]>> =
            self.bundles.iter().filter(is_outer).map(|(path, _)| path.into()).collect();
        let now = self.now();
        for path in above {
            if let Some(mut bundle) = self.bundles.take(&path) {
                bundle.stir(false);
                bundle.look_at(now);
                self.bundles.insert(path, bundle);
            }
        }
    }
}

/// What a comparison with what was announced has shown.
enum Checked {
    Same,
    News,
    Unknown,
}

/// Everything is read for a manifest, so everything else must hold first; and a survey of a dataset is dear, too.
pub(super) fn dear(asks: &[Ask]) -> Questions {
    let manifests = asks.iter().enumerate().filter(|(_, ask)| matches!(ask, Ask::Manifest(_)));
    let asks = manifests.fold(0, |bits, (at, _)| bits | 1u32.checked_shl(at as u32).unwrap_or(0));
    Questions { writer: true, asks }
}

fn view_of(survey: &inspect::Survey, leases: bool) -> View {
    let names = survey.open.names.iter().chain(&survey.unreadable.names);
    View {
        count: survey.count,
        size: survey.size,
        newest_mtime: survey.newest_mtime,
        newest_ctime: survey.newest_ctime,
        fold: survey.fold,
        open: survey.open.count,
        unreadable: survey.unreadable.count,
        blocking: names.take(16).cloned().collect(),
        writers_unknown: survey.writers_unknown || !leases,
        partial: survey.stopped_early,
    }
}
