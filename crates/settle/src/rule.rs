//! Rules: which paths they take and what they want to see before a unit is complete.

use std::time::Duration;

use crate::pattern::Pattern;
use model::Reason;

/// One clause of a completeness rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// The name appeared; nothing more is asked.
    Appeared,
    /// The file came under its name by a rename.
    RenamedIn,
    /// A writable descriptor was closed after the name appeared.
    Closed,
    /// No process has the file open for writing.
    WriterGone,
    /// Size, times and inode stayed equal for so long.
    Quiet(Duration),
    /// The last change of the inode is at least so long ago.
    MinAge(Duration),
}

/// Clauses combined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// One clause.
    Clause(Clause),
    /// At least one holds.
    Any(Vec<Expr>),
    /// All hold.
    All(Vec<Expr>),
}

/// What to do when a unit is still not complete at its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDeadline {
    /// Say so (status, log) and go on waiting.
    Alert,
    /// Deliver it as it is.
    Deliver,
    /// Stop looking at it until it changes; it stays listed as waiting.
    Hold,
}

/// When a unit that a rule has taken is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The preset it was written as, if any (`local`, `network`).
    pub preset: Option<&'static str>,
    /// What must hold.
    pub expr: Expr,
    /// After how long of waiting something is done about it.
    pub deadline: Option<(Duration, OnDeadline)>,
}

impl Completion {
    /// `local`: renamed in, or closed after writing with no other writer left.
    #[must_use]
    pub fn local() -> Self {
        let closed = Expr::All(vec![Expr::Clause(Clause::Closed), Expr::Clause(Clause::WriterGone)]);
        let expr = Expr::Any(vec![Expr::Clause(Clause::RenamedIn), closed]);
        Self { preset: Some("local"), expr, deadline: None }
    }

    /// `network`: unchanged for `quiet`; the only thing that can be known on a remote file system.
    #[must_use]
    pub fn network(quiet: Duration) -> Self {
        Self { preset: Some("network"), expr: Expr::Clause(Clause::Quiet(quiet)), deadline: None }
    }

    /// The preset of that name with its default values.
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "local" => Some(Self::local()),
            "network" => Some(Self::network(Self::NETWORK_QUIET)),
            _ => None,
        }
    }

    /// The names that [`Completion::preset`] knows.
    pub const PRESETS: [&'static str; 2] = ["local", "network"];
    /// How long a file must be unchanged under the preset `network`.
    pub const NETWORK_QUIET: Duration = Duration::from_secs(10);
}

/// One rule of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, shown in events and by `explain`.
    pub name: String,
    /// A path must match one of these.
    pub include: Vec<Pattern>,
    /// And none of these, nor lie below a directory that does.
    pub exclude: Vec<Pattern>,
    /// When what it takes is complete.
    pub completion: Completion,
    /// The sinks' names.
    pub to: Vec<String>,
}

/// The rules of one source, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The rules; the first that takes a path decides.
    pub rules: Vec<Rule>,
    /// Names of files in the making, ignored before any rule is asked.
    pub temp_names: Vec<Pattern>,
}

/// What the rules say of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The rule of that index takes it.
    Taken(usize),
    /// None takes it.
    Ignored(Reason),
}
