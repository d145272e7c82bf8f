//! What is found out about datasets and groups, at once or by the inspector, and what comes of it.

use model::{Reason, Signal, Stamp};
use settle::{Answer, Ask, Mono, Questions, Rule, View};
use sys::Dir;

use super::Source;
use super::bundles::{Bundle, What};
use super::companions::answer_beside;
use crate::inspector::{Inspected, Job, MembersJob, SurveyJob};

/// How soon a unit asks again that the inspector had no room for.
pub(super) const NO_ROOM: Mono = Mono::from_millis(200);
/// When a unit is looked at whose answer does not come.
const OVERDUE_ANSWER: Mono = Mono::from_secs(30);

/// When a dataset is tried again that cannot be read.
pub(super) const UNREADABLE: Mono = Mono::from_secs(5);

/// How long a dataset rests at most that changes while it is surveyed.
const LONGEST_REST: Mono = Mono::from_secs(30);

impl Source {
    /// Finds out what it can at once and leaves the rest to the inspector; says whether all is known now.
    pub(super) fn find_out(
        &mut self,
        root: &Dir,
        path: &[u8],
        bundle: &mut Bundle,
        questions: Questions,
    ) -> bool {
        let now = self.now();
        let Some(rule) = self.shared_rule(bundle.rule) else { return true };
        if bundle.inquiry.is_pending(now) {
            bundle.next = now + OVERDUE_ANSWER;
            return false;
        }
        let changed = bundle.view(self.with_inode).newest_mtime;
        if questions.writer && now < bundle.rests_until {
            bundle.next = bundle.rests_until;
            return false;
        }
        let asks = self.answer_at_once(root, path, &rule, bundle, questions, changed);
        let is_tree = matches!(bundle.what, What::Tree(_));
        let survey = (questions.writer && is_tree).then(|| self.survey_job(path, bundle));
        if asks.is_empty() && survey.is_none() {
            return true;
        }
        let Some(job) = self.job(path, rule, changed) else { return true };
        let files = match &bundle.what {
            What::Group(group) if !asks.is_empty() => group.members().map(Into::into).collect(),
            What::Group(_) | What::Tree(_) => Vec::new(),
        };
        let memory = std::mem::take(&mut bundle.inquiry.memory);
        self.give_job(bundle, Job { survey, asks, files, memory, ..job });
        // What it waited for last is still the better answer to "why not yet?".
        if bundle.reason == Reason::WaitingLook || bundle.reason == Reason::WaitingScan {
            bundle.reason = Reason::WaitingInspection;
        }
        false
    }

    fn give_job(&mut self, bundle: &mut Bundle, job: Job) {
        let (now, number) = (self.now(), job.number);
        let given = self.inspector.give(job);
        if given {
            bundle.inquiry.begin(number, now);
        } else {
            bundle.inquiry.forget_answers();
        }
        bundle.next = now + if given { OVERDUE_ANSWER } else { NO_ROOM };
    }

    /// A group is complete as far as is known. But a member may have been opened again, of which nothing is heard
    /// before it is closed: all are looked at once more.
    pub(super) fn compare_members(&mut self, path: &[u8], bundle: &mut Bundle) {
        let now = self.now();
        let What::Group(group) = &bundle.what else { return };
        if bundle.inquiry.is_pending(now) {
            bundle.next = now + OVERDUE_ANSWER;
            return;
        }
        let leases = self.watcher.region_at(path).is_none_or(|region| region.filesystem.leases);
        let members = MembersJob { probe: leases, links: self.links(), samples: group.samples() };
        let changed = bundle.view(self.with_inode).newest_mtime;
        let job = self.shared_rule(bundle.rule).and_then(|rule| self.job(path, rule, changed));
        match job {
            Some(job) => self.give_job(bundle, Job { members: Some(members), ..job }),
            None => bundle.next = now + NO_ROOM,
        }
    }

    /// Answers what is quickly found out; what comes back is for the inspector.
    fn answer_at_once(
        &self,
        root: &Dir,
        path: &[u8],
        rule: &Rule,
        bundle: &mut Bundle,
        questions: Questions,
        changed: Stamp,
    ) -> Vec<usize> {
        let slow = self.watcher.region_at(path).is_some_and(watch::Region::is_slow);
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
                    answer_beside(root, path, rule, ask, changed, bundle.inquiry.marker_outdated)
                }
                (None, Ask::Count(_)) => Answer::Missing(Reason::WaitingCount { present: 0, expected: None }),
                (None, _) => {
                    asks.push(at);
                    Answer::Pending
                }
            };
            bundle.inquiry.marker_seen |= answer == Answer::Holds(Signal::Marker);
            bundle.inquiry.put(at, answer);
        }
        asks
    }

    fn survey_job(&self, path: &[u8], bundle: &Bundle) -> SurveyJob {
        let filesystem = self.watcher.region_at(path).map(|region| region.filesystem);
        let leases = filesystem.is_none_or(|filesystem| filesystem.leases);
        // Who was surveyed a moment ago and asks again wants to see everything.
        let ask_first = match &bundle.reason {
            Reason::WaitingMembers { blocking, .. } if leases && !bundle.surveyed => blocking.clone(),
            _ => Vec::new(),
        };
        SurveyJob { with_inode: self.with_inode, probe: leases, ask_first }
    }

    /// The inspector has an answer.
    pub(super) fn take_inspected(&mut self, mut inspected: Inspected) {
        let path = inspected.unit.clone();
        if inspected.header.is_some() {
            return self.take_header(inspected);
        }
        if let Some(mut bundle) = self.bundles.take(&path) {
            let outdated = bundle.inquiry.is_outdated();
            if !bundle.inquiry.take(&mut inspected) {
                return self.bundles.insert(path, bundle);
            }
            bundle.next = bundle.next.min(self.now());
            let stale = inspected.stale.take().filter(|_| !outdated);
            bundle.surveyed |= stale.as_ref().is_some_and(Vec::is_empty);
            let survey = inspected.survey.take();
            if let Some(survey) = survey
                && !self.take_survey(&path, &mut bundle, survey, inspected.asked)
            {
                return self.bundle_gone(&path, &bundle);
            }
            let rule = bundle.rule;
            self.bundles.insert(path, bundle);
            return stale.into_iter().flatten().for_each(|member| self.member_is_stale(&member, rule));
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
                    let plural = if view.count == 1 { "" } else { "s" };
                    let sample = format!("{} member{plural}, {} bytes", view.count, view.size);
                    bundle.history.note(self.berth.clock.wall(), sample);
                }
                if let What::Tree(tree) = &mut bundle.what {
                    let view = with_what_was_seen(view, tree.view());
                    tree.look(view, asked);
                    if !tree.is_current() {
                        let now = self.now();
                        bundle.rests_until = now + (now.saturating_sub(asked) * 4).min(LONGEST_REST);
                    }
                }
                bundle.surveyed = true;
                true
            }
            Err(inspect::InspectError::Absent { .. }) if self.can_be_missed(path) => false,
            // It cannot be read, or lies on a file system that is not mounted.
            Err(_) => {
                bundle.surveyed = false;
                bundle.next = self.now() + UNREADABLE;
                bundle.reason = Reason::WaitingPermission;
                true
            }
        }
    }
}

/// A look at a few members, those that were being written before, tells nothing new of the others.
fn with_what_was_seen(view: View, last: Option<&View>) -> View {
    let Some(last) = last.filter(|_| view.partial) else { return view };
    let asked = (last.blocking.len() as u64).min(last.open);
    let open = last.open.saturating_sub(asked).saturating_add(view.open);
    View { count: last.count.max(open), open, unreadable: last.unreadable, ..view }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_a_few_members_keeps_what_was_seen_of_the_others() {
        let names = |count: usize| vec![Box::from(&b"x"[..]); count];
        let last = View { count: 100, open: 40, unreadable: 1, blocking: names(16), ..View::default() };
        let few = View { open: 10, blocking: names(10), partial: true, ..View::default() };
        let now = with_what_was_seen(few, Some(&last));
        assert_eq!((now.count, now.open, now.unreadable, now.blocking.len()), (100, 34, 1, 10));
        let whole = View { count: 3, ..View::default() };
        assert_eq!(with_what_was_seen(whole.clone(), Some(&last)), whole);
    }
}
