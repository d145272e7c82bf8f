//! What is found out beside a unit before its rule can be answered.

use std::sync::Arc;

use inspect::DicomHeader;
use settle::{Answer, Mono, Sample};

use crate::inspector::{Inspected, Memory};

/// One unit's questions and what came of them so far.
#[derive(Debug, Default)]
pub(super) struct Inquiry {
    /// For each of the rule's questions.
    pub(super) answers: Vec<Answer>,
    /// The job that is under way, and when it was given.
    pub(super) job: Option<(u64, Mono)>,
    /// What was read so far.
    pub(super) memory: Memory,
    /// How the file looked when the answers were asked for.
    pub(super) sample: Option<Sample>,
    /// What a member's header says, and how the member looked when it was asked for.
    pub(super) header: Option<Arc<DicomHeader>>,
    pub(super) header_sample: Option<Sample>,
    /// The data was written after the marker was seen.
    pub(super) marker_outdated: bool,
    /// A marker was seen for what is there now.
    pub(super) marker_seen: bool,
    /// Something has changed since the job was given: its answers are of what was.
    outdated: bool,
}

/// When a job counts as lost that nobody has answered. Hashing may take hours, and a server that hangs holds the
/// only one up who could answer; if that one ends before its time, its jobs are taken back at once.
const LOST: Mono = Mono::from_hours(24 * 7);

impl Inquiry {
    /// What was found out of a file holds as long as it looks the same.
    pub(super) fn is_about(&mut self, sample: Option<Sample>) {
        if std::mem::replace(&mut self.sample, sample) != sample {
            self.answers.clear();
            (self.job, self.outdated) = (None, false);
        }
    }

    /// A job was given.
    pub(super) fn begin(&mut self, number: u64, now: Mono) {
        (self.job, self.outdated) = (Some((number, now)), false);
    }

    /// Nobody will answer.
    pub(super) fn forget_job(&mut self) {
        (self.job, self.outdated) = (None, false);
    }

    /// Notes an answer.
    pub(super) fn put(&mut self, at: usize, answer: Answer) {
        if self.answers.len() <= at {
            self.answers.resize(at + 1, Answer::NotAsked);
        }
        self.answers[at] = answer;
    }

    /// What was found out holds no longer.
    pub(super) fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// What it is about has changed: also what is being found out just now is of what was.
    pub(super) fn outdate(&mut self) {
        self.answers.clear();
        self.outdated = self.job.is_some();
    }

    /// Whether what is being found out is of what was.
    pub(super) const fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// Whether somebody is looking.
    pub(super) fn is_pending(&self, now: Mono) -> bool {
        self.job.is_some_and(|(_, since)| now < since + LOST)
    }

    /// Takes in an answer of the inspector; says whether it is to the question that was asked last.
    pub(super) fn take(&mut self, inspected: &mut Inspected) -> bool {
        if self.job.is_none_or(|(number, _)| number != inspected.number) {
            return false;
        }
        self.job = None;
        self.memory = std::mem::take(&mut inspected.memory);
        if std::mem::take(&mut self.outdated) {
            return true;
        }
        for (at, answer) in std::mem::take(&mut inspected.answers) {
            self.put(at, answer);
        }
        true
    }

    /// The data was written to: a marker that is there already says nothing of that.
    pub(super) fn written(&mut self) {
        self.marker_outdated |= self.marker_seen;
        self.outdate();
    }

    /// A marker was made or written to.
    pub(super) fn marked(&mut self) {
        (self.marker_seen, self.marker_outdated) = (true, false);
        self.outdate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Signal;

    fn answer(number: u64) -> Inspected {
        Inspected {
            unit: Box::default(),
            number,
            asked: Mono::ZERO,
            survey: None,
            answers: vec![(0, Answer::Holds(Signal::Manifest))],
            header: None,
            stale: None,
            memory: Memory::default(),
        }
    }

    #[test]
    fn an_answer_about_what_was_is_no_answer() {
        let mut inquiry = Inquiry::default();
        inquiry.begin(1, Mono::ZERO);
        inquiry.outdate();
        assert!(inquiry.take(&mut answer(1)) && inquiry.answers.is_empty());
        inquiry.begin(2, Mono::ZERO);
        assert!(inquiry.take(&mut answer(2)));
        assert_eq!(inquiry.answers, [Answer::Holds(Signal::Manifest)]);
    }

    #[test]
    fn hashing_may_take_hours() {
        let mut inquiry = Inquiry::default();
        inquiry.begin(1, Mono::ZERO);
        assert!(inquiry.is_pending(Mono::from_hours(20)), "another job would undo what this one has done");
        assert!(inquiry.take(&mut answer(1)));
    }
}
