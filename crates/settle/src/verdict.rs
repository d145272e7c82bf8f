//! Asking a rule: facts in, a verdict and its reason out.

use std::time::Duration;

use model::{Reason, Signal, SignalSet};

use crate::rule::{Clause, Expr};

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

/// Everything that a rule may want to know of a unit at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// A rename to this name.
    pub renamed_in: Heard,
    /// A close after writing.
    pub closed: Heard,
    /// The state of writers.
    pub writer: WriterFact,
    /// How long it has looked the same, by the monotonic clock.
    pub unchanged_for: Duration,
    /// How long ago its inode changed, by the wall clock.
    pub age: Duration,
}

/// What a rule says of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Complete, because of these signals.
    Complete(SignalSet),
    /// It depends on whether somebody writes: probe, then ask again.
    AskWriter,
    /// Not yet; look again after the given time at the latest.
    Wait {
        /// What is missing.
        reason: Reason,
        /// When to look again if nothing is heard.
        again_in: Duration,
    },
}

/// What stands in for a signal that cannot be observed when writers cannot be seen either.
pub const SUBSTITUTE_QUIET: Duration = Duration::from_secs(2);
/// How soon an event that is awaited is looked for without having been heard.
const RECHECK: Duration = Duration::from_millis(500);

/// Asks `expr` about `facts`.
#[must_use]
pub fn judge(expr: &Expr, facts: &Facts) -> Verdict {
    match expr {
        Expr::Clause(clause) => judge_clause(*clause, facts),
        Expr::All(parts) => all(parts, facts),
        Expr::Any(parts) => any(parts, facts),
    }
}

fn judge_clause(clause: Clause, facts: &Facts) -> Verdict {
    match clause {
        Clause::Appeared => complete(Signal::Appeared),
        Clause::RenamedIn => heard(facts.renamed_in, Signal::RenamedIn, Reason::WaitingRenamedIn, facts),
        Clause::Closed => heard(facts.closed, Signal::Closed, Reason::WaitingClosed, facts),
        Clause::WriterGone => writer_gone(facts),
        Clause::Quiet(period) => quiet(period, facts),
        Clause::MinAge(period) if facts.age >= period => complete(Signal::MinAge),
        Clause::MinAge(period) => wait(Reason::WaitingMinAge, period.saturating_sub(facts.age)),
    }
}

const fn complete(signal: Signal) -> Verdict {
    Verdict::Complete(SignalSet::EMPTY.with(signal))
}

const fn wait(reason: Reason, again_in: Duration) -> Verdict {
    Verdict::Wait { reason, again_in }
}

fn heard(heard: Heard, signal: Signal, reason: Reason, facts: &Facts) -> Verdict {
    match heard {
        Heard::Yes => complete(signal),
        Heard::No => wait(reason, RECHECK),
        // What cannot be observed is replaced by what can.
        Heard::Unknowable => writer_gone(facts),
    }
}

fn writer_gone(facts: &Facts) -> Verdict {
    match facts.writer {
        WriterFact::NotAsked => Verdict::AskWriter,
        WriterFact::Gone => complete(Signal::WriterGone),
        WriterFact::Open => wait(Reason::WaitingWriterOpen, RECHECK),
        WriterFact::Unknown => quiet(SUBSTITUTE_QUIET, facts),
    }
}

fn quiet(period: Duration, facts: &Facts) -> Verdict {
    if facts.unchanged_for >= period {
        return complete(Signal::Quiet);
    }
    wait(Reason::WaitingQuiet, period.saturating_sub(facts.unchanged_for))
}

/// All must hold. A part that does not hold decides before the kernel is asked about writers,
/// and the part with the longest way to go names the reason.
fn all(parts: &[Expr], facts: &Facts) -> Verdict {
    let mut signals = SignalSet::EMPTY;
    let mut ask = false;
    let mut longest: Option<(Reason, Duration)> = None;
    for part in parts {
        match judge(part, facts) {
            Verdict::Complete(more) => signals = signals.union(more),
            Verdict::AskWriter => ask = true,
            Verdict::Wait { reason, again_in } => {
                // Of equals the later part names the reason: "a process has it open" says more
                // than "not closed yet".
                if longest.as_ref().is_none_or(|(_, longest)| again_in >= *longest) {
                    longest = Some((reason, again_in));
                }
            }
        }
    }
    match longest {
        Some((reason, again_in)) => wait(reason, again_in),
        None if ask => Verdict::AskWriter,
        None => Verdict::Complete(signals),
    }
}

/// One must hold. The part that may hold soonest names the reason.
fn any(parts: &[Expr], facts: &Facts) -> Verdict {
    let mut ask = false;
    let mut soonest: Option<(Reason, Duration)> = None;
    for part in parts {
        match judge(part, facts) {
            done @ Verdict::Complete(_) => return done,
            Verdict::AskWriter => ask = true,
            Verdict::Wait { reason, again_in } => {
                // Of equals the later part names the reason: a rename that may never come is the
                // less helpful answer to "why not yet?", and presets name it first.
                if soonest.as_ref().is_none_or(|(_, soonest)| again_in <= *soonest) {
                    soonest = Some((reason, again_in));
                }
            }
        }
    }
    match soonest {
        _ if ask => Verdict::AskWriter,
        Some((reason, again_in)) => wait(reason, again_in),
        None => wait(Reason::WaitingLook, RECHECK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Completion;

    fn facts() -> Facts {
        Facts {
            renamed_in: Heard::No,
            closed: Heard::No,
            writer: WriterFact::NotAsked,
            unchanged_for: Duration::ZERO,
            age: Duration::ZERO,
        }
    }

    fn local(facts: Facts) -> Verdict {
        judge(&Completion::local().expr, &facts)
    }

    fn signals(signals: &[Signal]) -> Verdict {
        Verdict::Complete(signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal)))
    }

    #[test]
    fn local_takes_a_rename_at_once() {
        assert_eq!(local(Facts { renamed_in: Heard::Yes, ..facts() }), signals(&[Signal::RenamedIn]));
    }

    #[test]
    fn local_wants_the_close_and_no_other_writer() {
        assert!(matches!(local(facts()), Verdict::Wait { reason: Reason::WaitingClosed, .. }));
        let closed = Facts { closed: Heard::Yes, ..facts() };
        assert_eq!(local(closed), Verdict::AskWriter);
        let open = Facts { writer: WriterFact::Open, ..closed };
        assert!(matches!(local(open), Verdict::Wait { reason: Reason::WaitingWriterOpen, .. }));
        let gone = Facts { writer: WriterFact::Gone, ..closed };
        assert_eq!(local(gone), signals(&[Signal::Closed, Signal::WriterGone]));
    }

    #[test]
    fn what_cannot_be_heard_is_replaced_by_the_writer_then_by_quiet() {
        let scanned = Facts { renamed_in: Heard::Unknowable, closed: Heard::Unknowable, ..facts() };
        assert_eq!(local(scanned), Verdict::AskWriter);
        assert_eq!(local(Facts { writer: WriterFact::Gone, ..scanned }), signals(&[Signal::WriterGone]));
        let unknown = Facts { writer: WriterFact::Unknown, ..scanned };
        assert!(matches!(local(unknown), Verdict::Wait { reason: Reason::WaitingQuiet, .. }));
        let quiet = Facts { unchanged_for: SUBSTITUTE_QUIET, ..unknown };
        assert_eq!(local(quiet), signals(&[Signal::Quiet]));
    }

    #[test]
    fn every_wait_says_when_to_look_again() {
        // P8: no verdict may forget a unit, nor put it off for longer than what it waits for takes.
        const LONGEST: Duration = Duration::from_secs(3);
        let clauses = [
            Clause::RenamedIn,
            Clause::Closed,
            Clause::WriterGone,
            Clause::Quiet(LONGEST),
            Clause::MinAge(LONGEST),
        ];
        for heard in [Heard::Yes, Heard::No, Heard::Unknowable] {
            for writer in [WriterFact::Gone, WriterFact::Open, WriterFact::Unknown] {
                for clause in clauses {
                    let facts = Facts { renamed_in: heard, closed: heard, writer, ..facts() };
                    for expr in [Expr::Clause(clause), Expr::Any(vec![Expr::Clause(clause)])] {
                        match judge(&expr, &facts) {
                            Verdict::Wait { again_in, .. } => {
                                assert!(again_in > Duration::ZERO && again_in <= LONGEST, "{again_in:?}");
                            }
                            Verdict::Complete(signals) => assert_ne!(signals, SignalSet::EMPTY),
                            Verdict::AskWriter => panic!("asked again after the answer"),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn all_names_the_longest_wait_and_any_the_shortest() {
        let quiet = |s| Expr::Clause(Clause::Quiet(Duration::from_secs(s)));
        let age = |s| Expr::Clause(Clause::MinAge(Duration::from_secs(s)));
        let all = judge(&Expr::All(vec![quiet(1), age(9)]), &facts());
        assert_eq!(all, wait(Reason::WaitingMinAge, Duration::from_secs(9)));
        let any = judge(&Expr::Any(vec![quiet(1), age(9)]), &facts());
        assert_eq!(any, wait(Reason::WaitingQuiet, Duration::from_secs(1)));
    }
}
