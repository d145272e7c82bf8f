//! The places that may break a rule, each with its reason. A line that is no longer needed is
//! itself a finding.

use super::sources::Source;
use super::{Finding, habits, names, shape};

/// A rule that knows exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A function is longer than the hard stop.
    FunctionLines,
    /// A file has more non-test lines than the hard stop.
    FileLines,
    /// A file has more inline test lines than the hard stop.
    InlineTests,
    /// A `lib.rs` or `mod.rs` holds code.
    ModuleFile,
    /// The clock is read where only parameters should bring the time.
    Clock,
    /// A forbidden name.
    Name,
}

/// One exception.
struct Exception {
    rule: Rule,
    /// The file, with `::item` for a function or a name.
    place: &'static str,
    /// Why, in a sentence.
    #[expect(dead_code, reason = "read by people: an exception without a reason cannot be written down")]
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        rule: Rule::Clock,
        place: "crates/watch/src/drain.rs",
        why: "paces the reads of the kernel queue; no decision hangs on it",
    },
    Exception {
        rule: Rule::Clock,
        place: "crates/watch/src/survey.rs",
        why: "sees that a thread is stuck in the kernel, for which nobody else can bring the time",
    },
    Exception {
        rule: Rule::Clock,
        place: "crates/sinks/src/dlm.rs",
        why: "the status file is written less often where writing it takes long",
    },
    Exception {
        rule: Rule::Clock,
        place: "crates/sinks/src/dlm/follow.rs",
        why: "copies are gone through less often where reading the list takes long",
    },
    Exception {
        rule: Rule::Clock,
        place: "crates/sinks/src/dlm/gate.rs",
        why: "a tree that hangs is left alone after a while; nobody can bring the time to who waits for the kernel",
    },
    Exception {
        rule: Rule::Clock,
        place: "crates/sinks/src/dlm/product.rs",
        why: "a turn lasts at least as long as reading the tree took; what is asked of the services does not hang on it",
    },
];

/// Whether the place may break the rule.
pub(crate) fn excuses(rule: Rule, place: &str) -> bool {
    EXCEPTIONS.iter().any(|exception| exception.rule == rule && exception.place == place)
}

/// Exceptions whose place does not break the rule any more.
pub(crate) fn unused(sources: &[Source]) -> Vec<Finding> {
    let mut offences = shape::offences(sources);
    offences.extend(habits::offences(sources));
    offences.extend(names::offences(sources));
    EXCEPTIONS
        .iter()
        .filter(|exception| {
            !offences.iter().any(|offence| offence.rule == exception.rule && offence.key == exception.place)
        })
        .map(|exception| {
            let text = format!("the exception from {:?} is not needed any more: remove it", exception.rule);
            Finding::new(exception.place, text)
        })
        .collect()
}

/// A broken rule, before the exceptions are looked at.
pub(crate) struct Offence {
    /// The rule.
    pub(crate) rule: Rule,
    /// What an exception's `place` would have to be.
    pub(crate) key: String,
    /// What is said when there is no exception.
    pub(crate) finding: Finding,
}

/// The findings of those offences that nothing excuses.
pub(crate) fn inexcusable(offences: Vec<Offence>) -> Vec<Finding> {
    offences
        .into_iter()
        .filter(|offence| !excuses(offence.rule, &offence.key))
        .map(|offence| offence.finding)
        .collect()
}
