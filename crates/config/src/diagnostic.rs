//! What is wrong with a configuration, where, and what to write instead.

use std::fmt::Write as _;
use std::path::PathBuf;

pub use crate::source_text::Snippet;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but probably not as meant.
    Warning,
}

/// One finding. All texts are safe to print: no control characters, no passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The line with the place marked.
    pub snippet: Snippet,
}

impl Diagnostic {
    /// The finding as several lines of text, with a newline at the end: `file:line:column`, what
    /// is wrong, the line with a caret, and help. `color` adds ANSI colours.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let (word, paint) = match self.severity {
            Severity::Error => ("error", "\x1b[1;31m"),
            Severity::Warning => ("warning", "\x1b[1;33m"),
        };
        let (paint, strong, faint, off) =
            if color { (paint, "\x1b[1m", "\x1b[34m", "\x1b[0m") } else { ("", "", "", "") };
        let Self { file, line, column, message, snippet, .. } = self;
        let number = line.to_string();
        let gap = " ".repeat(number.len());
        let space = " ".repeat(snippet.mark);
        let carets = "^".repeat(snippet.width);
        let mut out =
            format!("{strong}{file}:{line}:{column}:{off} {paint}{word}:{off} {strong}{message}{off}\n");
        let _ = writeln!(out, " {faint}{number} |{off} {}", snippet.text);
        let _ = writeln!(out, " {gap} {faint}|{off} {space}{paint}{carets}{off}");
        if let Some(help) = &self.help {
            let _ = writeln!(out, " {gap} {faint}={off} {help}");
        }
        out
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or directory cannot be read.
    #[error("read the configuration {}: {source}", model::text::safe(path.as_os_str().as_encoded_bytes()))]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory holds no `*.toml`.
    #[error(
        "find any *.toml in the directory {}; write one (`staithe init` prints a beginning)",
        model::text::safe(path.as_os_str().as_encoded_bytes())
    )]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A file is larger than any configuration.
    #[error("read {}: it is larger than {limit} bytes and no configuration", model::text::safe(path.as_os_str().as_encoded_bytes()))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// What stands there is wrong.
    #[error("understand the configuration:\n{}", rendered(.0))]
    Invalid(Vec<Diagnostic>),
}

impl ConfigError {
    /// The findings, errors and warnings, in the order of the text; empty where nothing was read.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            ConfigError::Invalid(found) => found,
            _ => &[],
        }
    }
}

fn rendered(found: &[Diagnostic]) -> String {
    let texts: Vec<String> = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
    texts.concat().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Diagnostic {
        let snippet = Snippet { text: "quite = \"5s\"".into(), mark: 0, width: 5 };
        Diagnostic {
            file: "staithe.toml".into(),
            line: 14,
            column: 1,
            severity: Severity::Error,
            message: "unknown key `quite` in rule \"csv\"".into(),
            help: Some("did you mean `quiet`?".into()),
            snippet,
        }
    }

    #[test]
    fn says_where_what_and_what_instead() {
        let expected = concat!(
            "staithe.toml:14:1: error: unknown key `quite` in rule \"csv\"\n",
            " 14 | quite = \"5s\"\n",
            "    | ^^^^^\n",
            "    = did you mean `quiet`?\n",
        );
        assert_eq!(finding().render(false), expected);
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut text = finding().render(true);
        assert!(text.contains("\x1b[1;31merror:\x1b[0m"));
        for code in ["\x1b[1;31m", "\x1b[1m", "\x1b[34m", "\x1b[0m"] {
            text = text.replace(code, "");
        }
        assert_eq!(text, finding().render(false));
        let warning = Diagnostic { severity: Severity::Warning, help: None, ..finding() };
        assert!(warning.render(false).contains("warning: "));
        assert_eq!(warning.render(false).lines().count(), 3);
    }
}
