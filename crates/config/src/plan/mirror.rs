//! Settings of a mirror.

use std::path::PathBuf;
use std::time::Duration;

use model::{Happening, HappeningSet};
use settle::{Clause, Completion, Expr, Pattern, Rule};

use super::SourcePlan;

/// A second tree that is kept equal to a source's.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorSink {
    /// The second tree's root; made if it is missing.
    pub destination: PathBuf,
    /// Whether a destination that holds something already, and no marker of this mirror, may be taken over: what
    /// the source does not have is deleted there.
    pub adopt: bool,
    /// Whether owner and group are kept, too; needs privilege.
    pub owner: bool,
    /// How long the other half of a rename is waited for before what was moved out is deleted.
    pub pair_within: Duration,
    /// What it mirrors. `None` only while a configuration is read: afterwards each mirror has exactly one source.
    pub origin: Option<MirrorOrigin>,
}

impl MirrorSink {
    /// What a mirror hears of its source's tree, whatever the rule asks for: all that changes what the second tree
    /// must look like.
    pub const EVENTS: HappeningSet = HappeningSet::EMPTY
        .with(Happening::Create)
        .with(Happening::Attrib)
        .with(Happening::CloseWrite)
        .with(Happening::MovedFrom)
        .with(Happening::MovedTo)
        .with(Happening::Delete)
        .with(Happening::DeleteSelf);
    /// How long the other half of a rename is waited for, where nothing is said.
    pub const PAIR_WITHIN: Duration = Duration::from_millis(500);
}

/// What a mirror mirrors: put together from the one source that delivers to it.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorOrigin {
    /// The source's name.
    pub source: String,
    /// Its directory, as configured.
    pub path: PathBuf,
    /// Whether the directories below are mirrored too.
    pub recursive: bool,
    /// A file's path must match one of these.
    pub include: Vec<Pattern>,
    /// And none of these, nor lie below a directory that does.
    pub exclude: Vec<Pattern>,
    /// A file that has lain still for so long, and that nobody writes, counts as complete when the trees are
    /// compared. `None`: the rule asks for more than rest, so a comparison copies no content; arrivals do.
    pub still: Option<Duration>,
}

impl MirrorOrigin {
    /// What a mirror has from the source and the rule that deliver to it.
    #[must_use]
    pub fn of(source: &SourcePlan, rule: &Rule) -> Self {
        Self {
            source: source.name.clone(),
            path: source.path.clone(),
            recursive: source.recursive,
            include: rule.include.clone(),
            exclude: rule.exclude.clone(),
            still: still(&rule.completion),
        }
    }
}

/// A comparison is one look, and clocks of file systems are coarse: so much longer than the rule itself asks for.
const MARGIN: Duration = Duration::from_secs(2);

/// After how long of rest a file that nobody writes is complete by the rule.
fn still(completion: &Completion) -> Option<Duration> {
    let asks_nobody = completion.asks.is_empty();
    rest(&completion.expr).filter(|_| asks_nobody).map(|rest| rest.saturating_add(MARGIN))
}

/// How long of a rest the expression asks for; `None`: for something that no rest stands for.
fn rest(expr: &Expr) -> Option<Duration> {
    if *expr == Completion::local().expr {
        // Whichever way the file came: nobody writes it any more.
        return Some(Duration::ZERO);
    }
    match expr {
        Expr::Clause(Clause::Quiet(quiet)) => Some(quiet.period(Duration::MAX)),
        Expr::Clause(Clause::MinAge(age)) => Some(*age),
        Expr::Clause(_) => None,
        Expr::Any(parts) | Expr::All(parts) => {
            parts.iter().try_fold(Duration::ZERO, |longest, part| Some(longest.max(rest(part)?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use settle::{Ask, NameForm, PRESETS, Quiet};

    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn only_rest_makes_a_file_still() {
        let clause = |clause| Expr::Clause(clause);
        let (quiet, old) = (clause(Clause::Quiet(Quiet::For(secs(30)))), clause(Clause::MinAge(secs(60))));
        let adaptive = clause(Clause::Quiet(Quiet::Adaptive { least: secs(1), most: secs(9), factor: 3 }));
        let announced = clause(Clause::Announce);
        let local = Completion::local().expr;
        for (expr, expected) in [
            (local.clone(), Some(2)),
            (quiet.clone(), Some(32)),
            (adaptive.clone(), Some(11)),
            (Expr::All(vec![quiet.clone(), old.clone()]), Some(62)),
            (Expr::Any(vec![quiet.clone(), old.clone()]), Some(62)),
            (Expr::All(vec![local.clone(), old]), Some(62)),
            (Expr::Any(vec![quiet.clone(), announced.clone()]), None),
            (Expr::All(vec![quiet.clone(), announced]), None),
            (clause(Clause::RenamedIn), None),
        ] {
            assert_eq!(still(&Completion::of(expr.clone())), expected.map(secs), "{expr:?}");
        }
        let lock = Ask::Lock(NameForm::parse("{name}.lock").unwrap());
        assert_eq!(still(&Completion { asks: vec![lock], ..Completion::of(quiet) }), None);
        for preset in PRESETS.iter().filter(|preset| preset.name == "local" || preset.name == "network") {
            assert!(still(&preset.completion()).is_some(), "{}", preset.name);
        }
    }
}
