//! One unit on its way from "noticed" to "complete": what was heard of it, how it looked, since when.

use std::time::Duration;

use model::{Cause, Reason, SignalSet, Stamp};

use crate::rule::{Completion, OnDeadline};
use crate::verdict::{Facts, Heard, SUBSTITUTE_QUIET, Verdict, WriterFact, judge};

/// Monotonic time since the engine started.
pub type Mono = Duration;

/// What the kernel said of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The name appeared (open with create, link, mknod).
    Created,
    /// A descriptor open for writing was closed.
    Closed,
    /// A file was renamed to this name.
    MovedIn,
    /// The file was renamed away from this name.
    MovedOut,
    /// The name was removed.
    Deleted,
    /// Times, permissions or link count changed.
    Attrib,
}

/// What one look at a regular file showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Bytes.
    pub size: u64,
    /// Time of the last change of content.
    pub mtime: Stamp,
    /// Time of the last change of the inode.
    pub ctime: Stamp,
    /// The inode number.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
}

/// What became of a unit when it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The rule is satisfied by these signals.
    Complete(SignalSet),
    /// Probe the writer and judge again.
    AskWriter,
    /// Not yet.
    Wait {
        /// What is missing.
        reason: Reason,
        /// When to look again, on the monotonic clock.
        again: Mono,
        /// Whether the deadline has passed just now and somebody should be told.
        alert: bool,
    },
}

/// How a unit came to our notice; it decides what could still be heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Birth {
    /// The kernel told of the name's appearance: a close would be heard, too.
    Heard,
    /// A scan found it: earlier closes and renames are unknowable.
    Scanned,
}

/// A unit that is not complete yet.
#[derive(Clone, Debug)]
pub struct Unit {
    /// When it was first noticed.
    pub first_seen: Mono,
    /// The same by the wall clock.
    pub first_seen_wall: Stamp,
    /// What made us notice it.
    pub cause: Cause,
    birth: Birth,
    renamed_in: bool,
    closed: bool,
    sample: Option<(Sample, Mono)>,
    looks: u32,
    alerted: bool,
}

/// Between being created and being opened for writing there is a moment in which the kernel
/// knows of no writer. An empty file with one name is therefore believed to be finished only
/// when it has been so for this long.
const EMPTY_GRACE: Duration = Duration::from_millis(200);
/// Where neither close nor writer can be known for sure, a file that nobody closed is believed
/// to be finished after so long without a change.
const UNKNOWN_WRITER_QUIET: Duration = Duration::from_mins(1);
/// The longest time between two looks at a unit of which nothing is heard.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Unit {
    /// A unit whose name the kernel told of.
    #[must_use]
    pub const fn heard(now: Mono, wall: Stamp) -> Self {
        Self::new(now, wall, Cause::Arrived, Birth::Heard)
    }

    /// A unit that a scan found.
    #[must_use]
    pub const fn scanned(now: Mono, wall: Stamp) -> Self {
        Self::new(now, wall, Cause::Found, Birth::Scanned)
    }

    const fn new(first_seen: Mono, first_seen_wall: Stamp, cause: Cause, birth: Birth) -> Self {
        Self {
            first_seen,
            first_seen_wall,
            cause,
            birth,
            renamed_in: false,
            closed: false,
            sample: None,
            looks: 0,
            alerted: false,
        }
    }

    /// Takes in what the kernel said, in the order in which it was said.
    pub const fn hear(&mut self, what: What) {
        match what {
            // A new file under this name: what was heard of its predecessor says nothing of it.
            What::Created | What::MovedIn => {
                self.birth = Birth::Heard;
                self.cause = Cause::Arrived;
                self.closed = false;
                self.renamed_in = matches!(what, What::MovedIn);
            }
            What::Closed => self.closed = true,
            What::MovedOut | What::Deleted | What::Attrib => {}
        }
        self.looks = 0;
    }

    /// Something may have happened unheard (events were dropped, the root was away): what was not
    /// heard counts as unknowable from now on, and what was heard may be of another file.
    pub const fn miss(&mut self) {
        self.birth = Birth::Scanned;
        self.closed = false;
        self.renamed_in = false;
        self.looks = 0;
    }

    /// Whether a close or a rename under this name was heard.
    #[must_use]
    pub const fn has_evidence(&self) -> bool {
        self.closed || self.renamed_in
    }

    /// Whether a close after writing was heard.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes in a look at the file.
    pub fn look(&mut self, sample: Sample, now: Mono) {
        self.looks = self.looks.saturating_add(1);
        if self.sample.is_none_or(|(last, _)| !same_content(&last, &sample)) {
            self.sample = Some((sample, now));
        }
    }

    /// How it looked last.
    #[must_use]
    pub fn sample(&self) -> Option<Sample> {
        self.sample.map(|(sample, _)| sample)
    }

    /// Since when it has looked so.
    #[must_use]
    pub fn looks_so_since(&self) -> Option<Mono> {
        self.sample.map(|(_, since)| since)
    }

    /// Asks the rule. Call it after a [`Unit::look`]; `writer` is what the kernel said of writers
    /// *after* that look, or `NotAsked`.
    #[must_use]
    pub fn judge(&mut self, rule: &Completion, writer: WriterFact, now: Mono, wall: Stamp) -> Step {
        let facts = self.facts(writer, now, wall);
        match judge(&rule.expr, &facts) {
            Verdict::Complete(signals) => Step::Complete(signals),
            Verdict::AskWriter => Step::AskWriter,
            // Created and not closed: being written, or linked in. Only the writer tells.
            Verdict::Wait { .. } if writer == WriterFact::NotAsked && facts.closed == Heard::No => {
                Step::AskWriter
            }
            Verdict::Wait { reason, again_in } => self.wait(rule, reason, again_in, now),
        }
    }

    fn facts(&self, writer: WriterFact, now: Mono, wall: Stamp) -> Facts {
        let unchanged_for = self.sample.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since));
        let age = self.sample.map_or(Duration::ZERO, |(sample, _)| age(sample.ctime, wall));
        let renamed_in = self.heard_or(self.renamed_in);
        let closed = match self.heard_or(self.closed) {
            Heard::No if self.was_linked_in(writer, unchanged_for) => Heard::Unknowable,
            other => other,
        };
        Facts { renamed_in, closed, writer, unchanged_for, age }
    }

    const fn heard_or(&self, heard: bool) -> Heard {
        match (heard, self.birth) {
            (true, _) => Heard::Yes,
            (false, Birth::Heard) => Heard::No,
            (false, Birth::Scanned) => Heard::Unknowable,
        }
    }

    /// A file whose name appeared without a close to follow and which nobody writes came by
    /// `link` (OpenSSH's way of renaming, `linkat` of an unnamed file): its close was under
    /// another name and is past.
    fn was_linked_in(&self, writer: WriterFact, unchanged_for: Duration) -> bool {
        let Some((sample, _)) = self.sample else { return false };
        match writer {
            WriterFact::NotAsked | WriterFact::Open => false,
            WriterFact::Gone if sample.size > 0 || sample.links > 1 => true,
            WriterFact::Gone => unchanged_for >= EMPTY_GRACE,
            // A link changes the inode's time and leaves the content's alone.
            WriterFact::Unknown if sample.links > 1 || sample.ctime > sample.mtime => {
                unchanged_for >= SUBSTITUTE_QUIET
            }
            WriterFact::Unknown => unchanged_for >= UNKNOWN_WRITER_QUIET,
        }
    }

    fn wait(&mut self, rule: &Completion, reason: Reason, again_in: Duration, now: Mono) -> Step {
        let waited = now.saturating_sub(self.first_seen);
        let mut reason = reason;
        let mut again_in = self.pause(&reason, again_in);
        let mut alert = false;
        if let Some((deadline, action)) = rule.deadline {
            if waited < deadline {
                again_in = again_in.min(deadline.saturating_sub(waited));
            } else {
                alert = !std::mem::replace(&mut self.alerted, true);
                match action {
                    OnDeadline::Alert => {}
                    OnDeadline::Deliver => return Step::Complete(self.evidence()),
                    OnDeadline::Hold => {
                        reason = Reason::WaitingDeadline;
                        again_in = again_in.max(LONGEST_PAUSE);
                    }
                }
            }
        }
        Step::Wait { reason, again: now + again_in, alert }
    }

    /// Waits for an event are looked after ever more rarely while nothing is heard; waits for
    /// time to pass end when they end.
    fn pause(&self, reason: &Reason, again_in: Duration) -> Duration {
        match reason {
            Reason::WaitingClosed | Reason::WaitingWriterOpen | Reason::WaitingRenamedIn => {
                if self.is_fresh_and_empty() {
                    return EMPTY_GRACE;
                }
                let doublings = self.looks.saturating_sub(1).min(6);
                (again_in * 2u32.pow(doublings)).min(LONGEST_PAUSE)
            }
            _ => again_in.max(Duration::from_millis(1)),
        }
    }

    fn is_fresh_and_empty(&self) -> bool {
        self.looks <= 2 && self.sample.is_some_and(|(sample, _)| sample.size == 0)
    }

    const fn evidence(&self) -> SignalSet {
        let mut signals = SignalSet::EMPTY.with(model::Signal::Appeared);
        if self.closed {
            signals = signals.with(model::Signal::Closed);
        }
        if self.renamed_in {
            signals = signals.with(model::Signal::RenamedIn);
        }
        signals
    }

    /// The signals that the kernel's word alone gives, for units that are announced by arrival
    /// and are gone by the time they are looked at.
    #[must_use]
    pub const fn heard_signals(&self) -> SignalSet {
        self.evidence()
    }
}

fn same_content(one: &Sample, two: &Sample) -> bool {
    one.size == two.size && one.mtime == two.mtime && one.ctime == two.ctime && one.inode == two.inode
}

fn age(ctime: Stamp, wall: Stamp) -> Duration {
    let nanos = wall.as_nanos().saturating_sub(ctime.as_nanos());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
#[path = "unit/tests.rs"]
mod tests;
