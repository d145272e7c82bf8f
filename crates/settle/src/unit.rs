//! One unit on its way from "noticed" to "complete": what was heard of it, how it looked, since when.

use std::time::Duration;

use model::{Cause, Reason, SignalSet, Stamp};

use crate::patience::{NotYet, Patience};
use crate::rule::Completion;
use crate::verdict::{Answer, Facts, Heard, Questions, SUBSTITUTE_QUIET, Verdict, WriterFact, judge};

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
    /// Find these out and judge again.
    Ask(Questions),
    /// Not yet.
    Wait {
        /// What is missing.
        reason: Reason,
        /// When to look again, on the monotonic clock.
        again: Mono,
        /// Whether the deadline has passed just now and somebody should be told.
        alert: bool,
    },
    /// Its deadline has passed: it is announced as incomplete, once, and goes on waiting.
    Overdue {
        /// What there is of evidence.
        evidence: SignalSet,
        /// What is missing.
        reason: Reason,
        /// When to look again, on the monotonic clock.
        again: Mono,
        /// Whether somebody should be told.
        alert: bool,
    },
}

/// What was found out beside the unit itself.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// What is known of each of the rule's questions.
    pub answers: &'a [Answer],
    /// Whether the units inside are complete.
    pub children: &'a Answer,
    /// What is so dear to find out that everything else must hold first.
    pub dear: Questions,
}

impl Beside<'_> {
    /// Nothing was asked, and nothing is inside.
    pub const NOTHING: Beside<'static> =
        Beside { answers: &[], children: &Answer::NotAsked, dear: Questions::NONE };
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
#[expect(clippy::struct_excessive_bools, reason = "what was heard and seen of it, each on its own")]
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
    announced: bool,
    /// It has, or has had, another name than this one: its last close may be told under that, or under none.
    linked: bool,
    sample: Option<(Sample, Mono)>,
    /// The longest time between two changes.
    pause: Duration,
    patience: Patience,
}

/// Between being created and being opened for writing there is a moment in which the kernel
/// knows of no writer. An empty file with one name is therefore believed to be finished only
/// when it has been so for this long.
const EMPTY_GRACE: Duration = Duration::from_millis(200);
/// Where neither close nor writer can be known for sure, a file that nobody closed is believed
/// to be finished after so long without a change.
const UNKNOWN_WRITER_QUIET: Duration = Duration::from_mins(1);
/// Between two looks whether somebody still writes a file that has other names.
const LINKED_PAUSE: Duration = Duration::from_secs(1);

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
            announced: false,
            linked: false,
            sample: None,
            pause: Duration::ZERO,
            patience: Patience::NEW,
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
                self.announced = false;
                self.linked = false;
                self.renamed_in = matches!(what, What::MovedIn);
            }
            What::Closed => self.closed = true,
            What::MovedOut | What::Deleted | What::Attrib => {}
        }
        self.patience.looks = 0;
    }

    /// The producer says that it is finished.
    pub const fn announce(&mut self) {
        self.announced = true;
        self.patience.looks = 0;
    }

    /// Something beside it has changed: it is looked at often again.
    pub const fn stir(&mut self) {
        self.patience.looks = 0;
    }

    /// The longest time between two changes that was seen.
    #[must_use]
    pub const fn longest_pause(&self) -> Duration {
        self.pause
    }

    /// Something may have happened unheard (events were dropped, the root was away): what was not
    /// heard counts as unknowable from now on, and what was heard may be of another file.
    pub const fn miss(&mut self) {
        self.birth = Birth::Scanned;
        self.closed = false;
        self.renamed_in = false;
        self.patience.looks = 0;
    }

    /// Whether a close or a rename under this name was heard.
    #[must_use]
    pub const fn has_evidence(&self) -> bool {
        self.closed || self.renamed_in
    }

    /// Whether the kernel told of the name, and nothing was missed since.
    #[must_use]
    pub const fn was_heard(&self) -> bool {
        matches!(self.birth, Birth::Heard)
    }

    /// Whether a close after writing was heard.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes in a look at the file.
    pub fn look(&mut self, sample: Sample, now: Mono) {
        self.patience.looks = self.patience.looks.saturating_add(1);
        // A link changes the inode's time and leaves the content's alone.
        self.linked |= sample.links > 1 || sample.ctime > sample.mtime;
        match self.sample {
            Some((last, _)) if same_content(&last, &sample) => {}
            earlier => {
                let pause = earlier.map_or(Duration::ZERO, |(last, since)| {
                    pause_between(&last, &sample, now.saturating_sub(since))
                });
                self.pause = self.pause.max(pause);
                self.sample = Some((sample, now));
            }
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
    pub fn judge(
        &mut self,
        rule: &Completion,
        writer: WriterFact,
        beside: Beside<'_>,
        now: Mono,
        wall: Stamp,
    ) -> Step {
        let facts = self.facts(writer, beside, now, wall);
        match judge(&rule.expr, &facts) {
            Verdict::Complete(signals) => Step::Complete(signals),
            Verdict::Ask(questions) => Step::Ask(questions),
            // Created and not closed: being written, or linked in. Only the writer tells.
            Verdict::Wait { .. } if writer == WriterFact::NotAsked && facts.closed == Heard::No => {
                Step::Ask(Questions::WRITER)
            }
            Verdict::Wait { reason, again_in, by_itself } => {
                let evidence = self.evidence();
                let not_yet = NotYet { reason, again_in, by_itself };
                let step = self.patience.wait(rule, not_yet, self.first_seen, now, evidence);
                match step {
                    Step::Wait { reason, again, alert } if is_about_the_writer(&reason) => {
                        let latest = now.saturating_add(self.longest_pause_of_writer(now));
                        Step::Wait { reason, again: again.min(latest), alert }
                    }
                    step => step,
                }
            }
        }
    }

    fn facts<'a>(&self, writer: WriterFact, beside: Beside<'a>, now: Mono, wall: Stamp) -> Facts<'a> {
        let unchanged_for = self.sample.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since));
        // A copy may bring any time of content along; the inode's time nobody can set.
        let changed =
            |sample: Sample| if switch::is_off("age-of-inode") { sample.mtime } else { sample.ctime };
        let age = self.sample.map_or(Duration::ZERO, |(sample, _)| age(changed(sample), wall));
        let renamed_in = self.heard_or(self.renamed_in);
        let heard = self.heard_or(self.closed);
        let linked_in = heard == Heard::No && self.was_linked_in(writer, unchanged_for);
        Facts {
            renamed_in,
            unheard_rest: None,
            linked_in: linked_in && writer == WriterFact::Gone,
            closed: if linked_in { Heard::Unknowable } else { heard },
            writer,
            unchanged_for,
            pause: self.pause,
            age,
            announced: self.announced,
            members: match writer {
                WriterFact::NotAsked => &Answer::NotAsked,
                WriterFact::Gone | WriterFact::Unknown => &Answer::Holds(model::Signal::Members),
                WriterFact::Open => &Answer::Missing(Reason::WaitingWriterOpen),
            },
            children: beside.children,
            answers: beside.answers,
            dear: beside.dear,
        }
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
            _ if switch::is_off("linked-files") => false,
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

    fn is_fresh_and_empty(&self) -> bool {
        self.patience.looks <= 2 && self.sample.is_some_and(|(sample, _)| sample.size == 0)
    }

    /// How long a wait for its writer may go without a look, whatever its patience. The end of a linked file's writer need
    /// not be heard, so it is looked for each second, and after half a minute ever more rarely: a file that somebody
    /// keeps open for days costs next to nothing.
    fn longest_pause_of_writer(&self, now: Mono) -> Duration {
        if self.is_fresh_and_empty() {
            return EMPTY_GRACE;
        }
        let waited = now.saturating_sub(self.first_seen);
        if self.linked { (waited / 32).max(LINKED_PAUSE) } else { Duration::MAX }
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

/// How long nothing happened between two changes: as the inode's times have it, and no longer than between the
/// looks that have shown them.
fn pause_between(last: &Sample, sample: &Sample, looked: Duration) -> Duration {
    let nanos = sample.ctime.as_nanos().saturating_sub(last.ctime.as_nanos());
    match u64::try_from(nanos) {
        Ok(nanos) if nanos > 0 => Duration::from_nanos(nanos).min(looked),
        // A clock was set, or another file is there.
        _ => looked,
    }
}

const fn is_about_the_writer(reason: &Reason) -> bool {
    matches!(reason, Reason::WaitingClosed | Reason::WaitingWriterOpen | Reason::WaitingRenamedIn)
}

fn same_content(one: &Sample, two: &Sample) -> bool {
    one.size == two.size && one.mtime == two.mtime && one.ctime == two.ctime && one.inode == two.inode
}

pub(crate) fn age(ctime: Stamp, wall: Stamp) -> Duration {
    let nanos = wall.as_nanos().saturating_sub(ctime.as_nanos());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
#[path = "unit/tests.rs"]
mod tests;
