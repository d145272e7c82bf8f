//! Asking a rule: facts in, a verdict and its reason out.

use std::time::Duration;

use model::{Reason, Signal, SignalSet};

use crate::rule::{Clause, Expr, Quiet, Rest};

/// Whether something was heard from the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was heard.
    Yes,
    /// It would have been heard and was not, so it has not happened yet.
    No,
    /// It cannot be heard any more: the unit was found by a scan, or it was linked in.
    Unknowable,
}

/// What is known of writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterFact {
    /// Nobody has asked the kernel yet.
    NotAsked,
    /// No process has the file open for writing.
    Gone,
    /// A process has it open for writing.
    Open,
    /// The kernel does not tell us.
    Unknown,
}

/// What is known of something beside the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody has looked yet.
    NotAsked,
    /// Somebody is looking.
    Pending,
    /// It is as the rule wants it: this is the evidence.
    Holds(Signal),
    /// It is not.
    Missing(Reason),
}

/// What the engine is to find out before it asks again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// Whether somebody writes.
    pub writer: bool,
    /// One bit for each entry of [`crate::Completion::asks`].
    pub asks: u32,
}

impl Questions {
    /// Nothing.
    pub const NONE: Self = Self { writer: false, asks: 0 };
    /// Whether somebody writes.
    pub const WRITER: Self = Self { writer: true, asks: 0 };

    /// Whether there is nothing to find out.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.writer && self.asks == 0
    }

    const fn one(ask: u8) -> Self {
        Self { writer: false, asks: 1 << ask }
    }

    const fn and(self, other: Self) -> Self {
        Self { writer: self.writer || other.writer, asks: self.asks | other.asks }
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self { writer: self.writer && !other.writer, asks: self.asks & !other.asks }
    }

    /// The numbers of the entries.
    pub fn asked(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |bit| self.asks >> bit & 1 == 1)
    }
}

/// Everything that a rule may want to know of a unit at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// A rename to this name.
    pub renamed_in: Heard,
    /// Where that cannot be heard: for how long it must have been left alone besides being without writers. Nothing: a
    /// file that nobody writes is finished.
    pub unheard_rest: Option<Rest>,
    /// It was linked to this name when nobody wrote it any more.
    pub linked_in: bool,
    /// A close after writing.
    pub closed: Heard,
    /// The state of writers.
    pub writer: WriterFact,
    /// How long it has looked the same, by the monotonic clock.
    pub unchanged_for: Duration,
    /// The longest pause that was seen between two changes.
    pub pause: Duration,
    /// How long ago its inode changed, by the wall clock.
    pub age: Duration,
    /// The producer has said that it is finished.
    pub announced: bool,
    /// Whether every member is complete; a file is its own only member.
    pub members: &'a Answer,
    /// Whether every unit inside is complete.
    pub children: &'a Answer,
    /// What is known of each entry of [`crate::Completion::asks`]; what is missing was not asked.
    pub answers: &'a [Answer],
    /// What is so dear to find out that everything else must hold first.
    pub dear: Questions,
}

/// What a rule says of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Complete, because of these signals.
    Complete(SignalSet),
    /// It depends on these: find out, then ask again.
    Ask(Questions),
    /// Not yet; look again after the given time at the latest.
    Wait {
        /// What is missing.
        reason: Reason,
        /// When to look again if nothing is heard.
        again_in: Duration,
        /// After how long it holds by the passing of time alone, if it may: another part of an `any` than
        /// the one that names the reason. It must not be put off for longer.
        by_itself: Option<Duration>,
    },
}

/// What stands in for a signal that cannot be observed when writers cannot be seen either.
pub const SUBSTITUTE_QUIET: Duration = Duration::from_secs(2);
/// How soon an event that is awaited is looked for without having been heard.
pub(crate) const RECHECK: Duration = Duration::from_millis(500);

/// Asks `expr` about `facts`. Units inside must be complete whatever the rule says.
#[must_use]
pub fn judge(expr: &Expr, facts: &Facts<'_>) -> Verdict {
    match facts.children {
        Answer::Missing(reason) => wait(reason.clone(), RECHECK),
        Answer::Pending => wait(Reason::WaitingInspection, RECHECK),
        // Nothing is inside.
        Answer::NotAsked => judge_part(expr, facts),
        Answer::Holds(signal) => match judge_part(expr, facts) {
            Verdict::Complete(signals) => Verdict::Complete(signals.with(*signal)),
            other => other,
        },
    }
}

fn judge_part(expr: &Expr, facts: &Facts<'_>) -> Verdict {
    match expr {
        Expr::Clause(clause) => judge_clause(*clause, facts),
        Expr::All(parts) => all(parts, facts),
        Expr::Any(parts) => any(parts, facts),
    }
}

fn judge_clause(clause: Clause, facts: &Facts<'_>) -> Verdict {
    match clause {
        Clause::Appeared => complete(Signal::Appeared),
        Clause::RenamedIn => match (facts.renamed_in, facts.unheard_rest) {
            (Heard::Unknowable, Some(rest)) => unheard_rename(rest, facts),
            (renamed, _) => heard(renamed, Signal::RenamedIn, Reason::WaitingRenamedIn, facts),
        },
        Clause::SeenRenamed if facts.renamed_in == Heard::Yes => complete(Signal::RenamedIn),
        Clause::LinkedIn if facts.linked_in => complete(Signal::WriterGone),
        Clause::SeenRenamed | Clause::LinkedIn => wait(Reason::WaitingRenamedIn, RECHECK),
        Clause::Closed => heard(facts.closed, Signal::Closed, Reason::WaitingClosed, facts),
        Clause::WriterGone => writer_gone(facts),
        Clause::NoWriterKnown => match facts.writer {
            WriterFact::NotAsked => Verdict::Ask(Questions::WRITER),
            WriterFact::Open => wait(Reason::WaitingWriterOpen, RECHECK),
            WriterFact::Gone | WriterFact::Unknown => Verdict::Complete(SignalSet::EMPTY),
        },
        Clause::Quiet(period) => quiet(period.period(facts.pause), facts),
        Clause::MinAge(period) if facts.age >= period => complete(Signal::MinAge),
        Clause::MinAge(period) => wait(Reason::WaitingMinAge, period.saturating_sub(facts.age)),
        Clause::Announce if facts.announced => complete(Signal::Announce),
        Clause::Announce => wait(Reason::WaitingAnnounce, RECHECK),
        Clause::Members => match answered(facts.members, Questions::WRITER) {
            // Where no lease tells of writers, members are complete when nothing changes.
            Verdict::Complete(signals) if facts.writer == WriterFact::Unknown => {
                and_quiet(signals, SUBSTITUTE_QUIET, facts)
            }
            verdict => verdict,
        },
        Clause::Ask(at) => {
            let answer = facts.answers.get(usize::from(at)).unwrap_or(&Answer::NotAsked);
            answered(answer, Questions::one(at))
        }
    }
}

fn answered(answer: &Answer, question: Questions) -> Verdict {
    match answer {
        Answer::NotAsked => Verdict::Ask(question),
        Answer::Pending => wait(Reason::WaitingInspection, RECHECK),
        Answer::Holds(signal) => complete(*signal),
        Answer::Missing(reason) => wait(reason.clone(), RECHECK),
    }
}

const fn complete(signal: Signal) -> Verdict {
    Verdict::Complete(SignalSet::EMPTY.with(signal))
}

const fn wait(reason: Reason, again_in: Duration) -> Verdict {
    let by_itself = if passes_by_itself(&reason) { Some(again_in) } else { None };
    Verdict::Wait { reason, again_in, by_itself }
}

fn heard(heard: Heard, signal: Signal, reason: Reason, facts: &Facts<'_>) -> Verdict {
    match heard {
        Heard::Yes => complete(signal),
        Heard::No => wait(reason, RECHECK),
        // What cannot be observed is replaced by what can.
        Heard::Unknowable => writer_gone(facts),
    }
}

/// A directory without writers may be one between two of its members, or one that nobody has begun to fill. So where
/// a rename of it cannot be heard it must have members, and rest for as long as the rule itself is patient anywhere: a
/// dataset that was not renamed is announced no earlier for not having been heard of.
fn unheard_rename(rest: Rest, facts: &Facts<'_>) -> Verdict {
    if let Answer::Missing(reason) = facts.members {
        return wait(reason.clone(), RECHECK);
    }
    let quiet = Clause::Quiet(Quiet::For(rest.quiet.max(SUBSTITUTE_QUIET)));
    let parts = [Clause::WriterGone, quiet, Clause::MinAge(rest.age)].map(Expr::Clause);
    let asked = if rest.age.is_zero() { &parts[..2] } else { &parts[..] };
    all(asked, facts)
}

fn writer_gone(facts: &Facts<'_>) -> Verdict {
    match facts.writer {
        WriterFact::NotAsked => Verdict::Ask(Questions::WRITER),
        WriterFact::Gone => complete(Signal::WriterGone),
        WriterFact::Open => match facts.members {
            Answer::Missing(reason) => wait(reason.clone(), RECHECK),
            _ => wait(Reason::WaitingWriterOpen, RECHECK),
        },
        WriterFact::Unknown => quiet(SUBSTITUTE_QUIET, facts),
    }
}

fn quiet(period: Duration, facts: &Facts<'_>) -> Verdict {
    if facts.unchanged_for >= period || switch::is_off("quiet-time") {
        return complete(Signal::Quiet);
    }
    wait(Reason::WaitingQuiet, period.saturating_sub(facts.unchanged_for))
}

fn and_quiet(signals: SignalSet, period: Duration, facts: &Facts<'_>) -> Verdict {
    match quiet(period, facts) {
        Verdict::Complete(quiet) => Verdict::Complete(signals.union(quiet)),
        other => other,
    }
}

/// Whether the passing of time alone ends the wait.
pub(crate) const fn passes_by_itself(reason: &Reason) -> bool {
    matches!(reason, Reason::WaitingQuiet | Reason::WaitingMinAge)
}

/// All must hold. What time alone does not bring names the reason before what it does, and of those
/// the part with the longest way to go. What is cheap to find out is found out first, so that the
/// reason is the true one.
fn all(parts: &[Expr], facts: &Facts<'_>) -> Verdict {
    let mut signals = SignalSet::EMPTY;
    let mut ask = Questions::NONE;
    let mut longest: Option<(Reason, Duration)> = None;
    // When the last of them holds if nothing but time passes; nothing: never.
    let mut last = Some(Duration::ZERO);
    for part in parts {
        match judge_part(part, facts) {
            Verdict::Complete(more) => signals = signals.union(more),
            Verdict::Ask(questions) => ask = ask.and(questions),
            Verdict::Wait { reason, again_in, by_itself } => {
                last = last.zip(by_itself).map(|(last, this)| last.max(this));
                let outranks = |(other, longest): &(Reason, Duration)| {
                    match (passes_by_itself(&reason), passes_by_itself(other)) {
                        (false, true) => true,
                        (true, false) => false,
                        // Of equals the later part names the reason: "a process has it open" says more
                        // than "not closed yet".
                        _ => again_in >= *longest,
                    }
                };
                if longest.as_ref().is_none_or(outranks) {
                    longest = Some((reason, again_in));
                }
            }
        }
    }
    let cheap = ask.without(facts.dear);
    match longest {
        Some((reason, _)) if passes_by_itself(&reason) && !cheap.is_none() => Verdict::Ask(cheap),
        Some((reason, again_in)) => Verdict::Wait { reason, again_in, by_itself: last },
        None if !cheap.is_none() => Verdict::Ask(cheap),
        // Nothing is hashed of what somebody still writes.
        None if ask.writer => Verdict::Ask(Questions::WRITER),
        None if !ask.is_none() => Verdict::Ask(ask),
        None => Verdict::Complete(signals),
    }
}

/// One must hold. The part that may hold soonest names the reason.
fn any(parts: &[Expr], facts: &Facts<'_>) -> Verdict {
    let mut ask = Questions::NONE;
    let mut soonest: Option<(Reason, Duration)> = None;
    let mut first: Option<Duration> = None;
    for part in parts {
        match judge_part(part, facts) {
            done @ Verdict::Complete(_) => return done,
            Verdict::Ask(questions) => ask = ask.and(questions),
            Verdict::Wait { reason, again_in, by_itself } => {
                first = [first, by_itself].into_iter().flatten().min();
                // Of equals the later part names the reason: a rename that may never come is the
                // less helpful answer to "why not yet?", and presets name it first.
                let outranks = |(other, soonest): &(Reason, Duration)| match (
                    reason == Reason::WaitingRenamedIn,
                    *other == Reason::WaitingRenamedIn,
                ) {
                    (false, true) => true,
                    (true, false) => false,
                    _ => again_in <= *soonest,
                };
                if soonest.as_ref().is_none_or(outranks) {
                    soonest = Some((reason, again_in));
                }
            }
        }
    }
    let cheap = ask.without(facts.dear);
    match soonest {
        _ if !cheap.is_none() => Verdict::Ask(cheap),
        _ if !ask.is_none() => Verdict::Ask(ask),
        Some((reason, again_in)) => Verdict::Wait { reason, again_in, by_itself: first },
        None => wait(Reason::WaitingLook, RECHECK),
    }
}

#[cfg(test)]
#[path = "verdict/tests.rs"]
mod tests;
