//! How loud a log line is, in the words of Python's `logging`, which both old programs speak.

/// How loud a line is; in the order of loudness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For looking into the program.
    Debug,
    /// The normal course.
    Info,
    /// Something is not as it should be, and the program goes on.
    Warning,
    /// Something was left out.
    Error,
    /// The program ends, or a server refused a message.
    Critical,
}

impl Level {
    /// The name in log lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// The level of that name, in any case; `NOTSET` lets everything through. `also` are the names that one
    /// program knows besides.
    pub(crate) fn named(name: &str, also: &[(&str, Self)]) -> Option<Self> {
        const NAMES: [(&str, Level); 6] = [
            ("NOTSET", Level::Debug),
            ("DEBUG", Level::Debug),
            ("INFO", Level::Info),
            ("WARNING", Level::Warning),
            ("ERROR", Level::Error),
            ("CRITICAL", Level::Critical),
        ];
        let known = NAMES.iter().chain(also).find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, level)| *level)
    }
}
