//! Patterns over path bytes: globs, `re:` regexes (linear time) and `py:` regexes (Python's `re.match`).

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    /// What is wrong with it, in words.
    pub reason: String,
}

/// One include or exclude pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Reads `*.t`, `a/**/b`, `re:…` or `py:…`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Ok(Self { text: text.to_owned() })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the path (relative to its source, `/` between names) matches.
    #[must_use]
    pub fn matches(&self, _path: &[u8]) -> bool {
        true
    }
}
