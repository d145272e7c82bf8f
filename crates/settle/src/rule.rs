//! Rules: which paths they take and what they want to see before a unit is complete.

use std::time::Duration;

use crate::companion::Ask;
use crate::group::Grouping;
use crate::pattern::Pattern;
use model::Reason;

/// One clause of a completeness rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// The name appeared; nothing more is asked.
    Appeared,
    /// The file came under its name by a rename.
    RenamedIn,
    /// The same, and nothing stands in for it where it cannot be heard. In presets only.
    SeenRenamed,
    /// The file came under its name by a link, whole: nobody writes it. In presets only.
    LinkedIn,
    /// A writable descriptor was closed after the name appeared.
    Closed,
    /// No process has the file open for writing.
    WriterGone,
    /// No process is known to have the file open for writing: where the kernel does not tell, it holds.
    /// In presets only.
    NoWriterKnown,
    /// Size, times and inode stayed equal for so long.
    Quiet(Quiet),
    /// The last change of the inode is at least so long ago.
    MinAge(Duration),
    /// Every member of the dataset or group is complete.
    Members,
    /// The producer said so (`staithe notify`).
    Announce,
    /// Something beside the unit says so: the entry of that number in [`Completion::asks`].
    Ask(u8),
}

/// How long nothing must change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// So long.
    For(Duration),
    /// As long as the longest pause seen between two changes, times a factor, within bounds.
    Adaptive {
        /// At least so long.
        least: Duration,
        /// At most so long.
        most: Duration,
        /// So many times the longest pause.
        factor: u32,
    },
}

impl Quiet {
    /// The period, when the longest pause between two changes was `pause`.
    #[must_use]
    pub fn period(self, pause: Duration) -> Duration {
        match self {
            Quiet::For(period) => period,
            Quiet::Adaptive { least, most, factor } => {
                pause.saturating_mul(factor).clamp(least, most.max(least))
            }
        }
    }
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
    /// Announce a dataset as incomplete and go on waiting; when it is complete, that is announced too.
    AnnounceIncomplete,
    /// Stop looking at it until it changes; it stays listed as waiting.
    Hold,
}

/// When a unit that a rule has taken is complete. The presets are in `presets.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The preset it was written as, if any.
    pub preset: Option<&'static str>,
    /// What must hold.
    pub expr: Expr,
    /// What [`Clause::Ask`] is about; at most [`Completion::ASKS`].
    pub asks: Vec<Ask>,
    /// After how long of waiting something is done about it.
    pub deadline: Option<(Duration, OnDeadline)>,
}

impl Completion {
    /// How many things beside the unit one rule may ask for.
    pub const ASKS: usize = 32;

    /// A rule that asks for nothing beside the unit.
    #[must_use]
    pub const fn of(expr: Expr) -> Self {
        Self { preset: None, expr, asks: Vec::new(), deadline: None }
    }

    /// Whether the clause stands anywhere in it.
    #[must_use]
    pub fn has(&self, clause: Clause) -> bool {
        self.expr.any_clause(&mut |other| other == clause)
    }
}

/// For how long a unit must have been left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// It looked the same for so long.
    pub quiet: Duration,
    /// No inode of it changed for so long.
    pub age: Duration,
}

impl Expr {
    /// The longest times that it asks for anywhere, when the longest pause between two changes was `pause`.
    #[must_use]
    pub fn longest_rest(&self, pause: Duration) -> Rest {
        let mut longest = Rest::default();
        self.any_clause(&mut |clause| {
            match clause {
                Clause::Quiet(quiet) => longest.quiet = longest.quiet.max(quiet.period(pause)),
                Clause::MinAge(age) => longest.age = longest.age.max(age),
                _ => {}
            }
            false
        });
        longest
    }

    /// Whether `is` holds for any clause in it.
    pub fn any_clause(&self, is: &mut impl FnMut(Clause) -> bool) -> bool {
        match self {
            Expr::Clause(clause) => is(*clause),
            Expr::Any(parts) | Expr::All(parts) => parts.iter().any(|part| part.any_clause(is)),
        }
    }
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
    /// What its units are.
    pub shape: Shape,
}

/// What a rule's units are, and what becomes of them after they were announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// One file, a directory with all in it, or files with a common key.
    pub take: Take,
    /// What happens when an announced dataset or group gets more members, or other ones.
    pub late: Late,
    /// The index of the dataset or group rule whose units wait for the units of this one inside them.
    pub of: Option<usize>,
    /// Whether the removal of what was announced is announced.
    pub removed: bool,
}

/// What one unit of a rule is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Take {
    /// A file.
    #[default]
    File,
    /// A directory whose path matches one of these, with everything in it.
    Dataset(Vec<Pattern>),
    /// The files of one directory that have a key in common.
    Group(Grouping),
}

/// What happens when a dataset or group changes after it was announced. A removal alone is no change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// It becomes a new generation, with `supersedes`, when it is complete again.
    #[default]
    Generation,
    /// Nothing.
    Ignore,
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
    /// The rule of that index takes it, as a file or as a member of a group.
    Taken(usize),
    /// It is a member of the dataset whose path is the first `len` bytes of it.
    Member {
        /// The index of the rule.
        rule: usize,
        /// How long the dataset's path is.
        len: usize,
    },
    /// None takes it.
    Ignored(Reason),
}
