//! The original's log lines: which are said, and how they begin.

use crate::environment::Environment;

/// What a line is about; the number is the original's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something is wrong.
    Error = -3,
    /// Something is odd.
    Warning = -2,
    /// What happened.
    Log = -1,
    /// For whoever typed the command.
    Info = 1,
    /// For looking into the program.
    Debug = 5,
}

/// How much is said, and whether in colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    level: i64,
    /// Forced on; else it depends on the terminal.
    pub coloured: bool,
}

/// The names that the original has for numbers.
const LEVELS: [(&str, i64); 11] = [
    ("CRITICAL", -4),
    ("ABORT", -4),
    ("ABRT", -4),
    ("ERROR", -3),
    ("WARNING", -2),
    ("LOG", -1),
    ("QUIET", 0),
    ("INFO", 1),
    ("VERBOSE", 2),
    ("VERBOSE3", 4),
    ("DEBUG", 5),
];
/// What holds where nothing is said.
const USUAL: i64 = 5;

impl Voice {
    /// As the environment wants it, and what is odd about that.
    #[must_use]
    pub fn of(environment: &Environment) -> (Self, Option<String>) {
        let (level, odd) = match environment.get("SENDIT_MESSAGELEVEL").map(str::trim) {
            None | Some("") => (USUAL, None),
            Some(text) => {
                let named = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
                match text.parse().ok().or_else(|| named.map(|(_, level)| *level)) {
                    Some(level) => (level, None),
                    None => (
                        USUAL,
                        Some("SENDIT_MESSAGELEVEL is no number from -4 to 5: everything is said".to_owned()),
                    ),
                }
            }
        };
        let wish = environment.get("SENDIT_COLORIZE").unwrap_or_default().to_lowercase();
        let coloured = ["yes", "true", "t", "1", "y"].contains(&wish.as_str());
        (Self { level, coloured }, odd)
    }

    /// Whether such lines are said.
    #[must_use]
    pub fn says(self, kind: Kind) -> bool {
        self.level != 0 && kind as i64 <= self.level
    }

    /// The line as it is written, with its end; nothing where it is not said.
    #[must_use]
    pub fn line(self, kind: Kind, text: &str, terminal: bool) -> Option<String> {
        let (prefix, colour) = match kind {
            Kind::Error => ("ERROR ", "\x1b[31m"),
            Kind::Warning => ("WARNING ", "\x1b[33m"),
            Kind::Log => ("LOG ", "\x1b[35m"),
            Kind::Info => ("", ""),
            Kind::Debug => ("DEBUG ", "\x1b[36m"),
        };
        let paint = (self.coloured || terminal) && !prefix.is_empty();
        let (on, off) = if paint { (colour, "\x1b[0m") } else { ("", "") };
        self.says(kind).then(|| format!("{on}{prefix}{text}{off}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(level: &str) -> Voice {
        Voice::of(&[("SENDIT_MESSAGELEVEL", level)].into_iter().collect()).0
    }

    #[test]
    fn the_level_decides_what_is_said() {
        for (level, said) in [
            ("", 5),
            ("5", 5),
            ("1", 4),
            ("INFO", 4),
            ("0", 0),
            ("-1", 3),
            ("-2", 2),
            ("-3", 1),
            ("error", 1),
            ("-4", 0),
            ("loud", 5),
        ] {
            let kinds = [Kind::Error, Kind::Warning, Kind::Log, Kind::Info, Kind::Debug];
            assert_eq!(kinds.into_iter().filter(|kind| voice(level).says(*kind)).count(), said, "{level}");
        }
        assert!(Voice::of(&[("SENDIT_MESSAGELEVEL", "loud")].into_iter().collect()).1.is_some());
    }

    #[test]
    fn lines_begin_as_the_originals() {
        let plain = voice("");
        assert_eq!(plain.line(Kind::Debug, "a", false).unwrap(), "DEBUG a\n");
        assert_eq!(plain.line(Kind::Info, "a", true).unwrap(), "a\n");
        assert_eq!(plain.line(Kind::Warning, "a", true).unwrap(), "\x1b[33mWARNING a\x1b[0m\n");
        let forced = Voice::of(&[("SENDIT_COLORIZE", "Yes")].into_iter().collect()).0;
        assert!(forced.line(Kind::Log, "a", false).unwrap().starts_with('\x1b'));
        assert_eq!(voice("0").line(Kind::Error, "a", false), None);
    }
}
