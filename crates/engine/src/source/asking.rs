//! Judging a file whose rule asks for more than the file itself: markers, locks, manifests, metadata.

use std::sync::Arc;

use model::{Reason, Signal, Stamp};
use settle::{Answer, Ask, Beside, Mono, Questions, Rule, Step, WriterFact};

use super::Source;
use super::bundling::dear;
use super::companions::answer_beside;
use super::dirty::Entry;
use super::inquiry::Inquiry;
use super::looking::OpenDir;
use super::waiting::Waiting;
use crate::inspector::{Inspected, Job, Memory};

/// A look at a file and what its rule asks.
struct Look<'a> {
    open: &'a OpenDir<'a>,
    path: &'a [u8],
    rule: Arc<Rule>,
    /// When the content was changed last.
    changed: Stamp,
    now: Mono,
}

impl Source {
    /// Asks the rule, finds out what it wants to know, and asks again.
    pub(super) fn judge_with_questions(
        &mut self,
        open: &OpenDir<'_>,
        entry: &Entry,
        path: &[u8],
        waiting: &mut Waiting,
        now: Mono,
    ) -> Step {
        let wall = self.berth.clock.wall();
        let Some(rule) = self.shared_rule(waiting.rule) else { return look_again(now) };
        let mut inquiry = waiting.inquiry.take().unwrap_or_default();
        if entry.heard.closed || entry.heard.created || entry.heard.moved_in {
            inquiry.written();
        }
        inquiry.is_about(waiting.unit.sample());
        let dear = Questions { writer: false, ..dear(&rule.completion.asks) };
        let changed = waiting.unit.sample().map(|sample| sample.mtime).unwrap_or_default();
        let look = Look { open, path, rule, changed, now };
        let mut writer = WriterFact::NotAsked;
        let step = loop {
            let beside = Beside { answers: &inquiry.answers, children: &Answer::NotAsked, dear };
            let step = waiting.unit.judge(&look.rule.completion, writer, beside, now, wall);
            let Step::Ask(questions) = step else { break step };
            if questions.writer && writer == WriterFact::NotAsked {
                writer = self.ask_writer(open, &entry.name, waiting, now);
            } else if !self.find_out_of_file(&look, &mut inquiry, questions) {
                break look_again(now);
            }
        };
        if !inquiry.is_pending(now) {
            // The next look asks anew.
            inquiry.forget_answers();
        }
        waiting.inquiry = Some(inquiry);
        step
    }

    /// Answers what is quickly found out, and leaves the rest to the inspector; says whether there are new
    /// answers.
    fn find_out_of_file(&mut self, look: &Look<'_>, inquiry: &mut Inquiry, questions: Questions) -> bool {
        let mut asks = Vec::new();
        for at in questions.asked() {
            match look.rule.completion.asks.get(at) {
                Some(ask @ (Ask::Marker(_) | Ask::Lock(_))) if !look.open.slow => {
                    let outdated = inquiry.marker_outdated;
                    let answer =
                        answer_beside(look.open.root, look.path, &look.rule, ask, look.changed, outdated);
                    inquiry.marker_seen |= answer == Answer::Holds(Signal::Marker);
                    inquiry.put(at, answer);
                }
                _ => asks.push(at),
            }
        }
        if asks.is_empty() {
            return !questions.is_none();
        }
        if let Some(job) = self.file_job(look, inquiry, asks) {
            let number = job.number;
            if self.inspector.give(job) {
                inquiry.begin(number, look.now);
            }
        }
        false
    }

    fn file_job(&mut self, look: &Look<'_>, inquiry: &mut Inquiry, asks: Vec<usize>) -> Option<Job> {
        if inquiry.is_pending(look.now) {
            return None;
        }
        let job = self.job(look.path, Arc::clone(&look.rule), look.changed)?;
        Some(Job { asks, memory: std::mem::take(&mut inquiry.memory), ..job })
    }

    /// A job that asks for nothing yet.
    pub(super) fn job(&mut self, unit: &[u8], rule: Arc<Rule>, changed: Stamp) -> Option<Job> {
        let same = self.root.incarnation()?;
        self.next_job += 1;
        Some(Job {
            unit: unit.into(),
            number: self.next_job,
            root: self.berth.plan.path.clone(),
            same,
            asked: self.now(),
            rule,
            survey: None,
            members: None,
            asks: Vec::new(),
            changed,
            header: false,
            files: Vec::new(),
            memory: Memory::default(),
        })
    }

    /// The inspector has answers for a file.
    pub(super) fn take_answers_for_file(&mut self, path: &[u8], mut inspected: Inspected) {
        let Some(mut waiting) = self.waiting.take(path) else { return };
        if let Some(inquiry) = waiting.inquiry.as_mut()
            && inquiry.take(&mut inspected)
        {
            waiting.next = self.now();
        }
        self.waiting.insert(path.into(), waiting);
    }
}

fn look_again(now: Mono) -> Step {
    Step::Wait { reason: Reason::WaitingInspection, again: now + super::ROOT_CHECK, alert: false }
}
