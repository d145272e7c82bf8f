//! Patterns over path bytes: globs, `re:` regexes (linear time) and `py:` regexes (Python's
//! `re.match`).
//!
//! A glob without `/` is asked about the last name at any depth, one with `/` about the whole
//! relative path (a leading `/` only says so and is not part of it). `*`, `?`, `[…]`, `{a,b}` and
//! `\` work as in a shell; only `**` as a whole component crosses `/`. `re:` searches the path's
//! bytes and `.` matches any byte. `py:` looks at the last name, for configurations that come
//! from Python programs.

use regex::bytes::{Regex, RegexBuilder};

use crate::glob::Glob;
use crate::python::Python;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    /// What is wrong with it, in words.
    pub reason: String,
}

impl PatternError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// One include or exclude pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
    /// Of a glob about whole paths: what the directories above the last name must match.
    above: Option<Vec<Above>>,
}

/// What one directory above the last name must match.
#[derive(Debug, Clone)]
enum Above {
    /// `**`: whatever comes.
    Whatever,
    /// This.
    Name(Glob),
}

#[derive(Debug, Clone)]
enum Matcher {
    Glob(Glob),
    Regex(Regex),
    Python(Python),
}

/// Longer texts are refused: a pattern is written by a person, and compiling costs memory.
const TEXT_LIMIT: usize = 16 * 1024;
/// How much memory one compiled `re:` pattern may take.
pub(crate) const COMPILED_LIMIT: usize = 2 * 1024 * 1024;

impl Pattern {
    /// Reads `*.t`, `a/**/b`, `re:…` or `py:…`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > TEXT_LIMIT {
            return Err(PatternError::new(format!("the pattern is longer than {TEXT_LIMIT} bytes")));
        }
        let matcher = if let Some(regex) = text.strip_prefix("re:") {
            Matcher::Regex(compile_bytes(regex)?)
        } else if let Some(regex) = text.strip_prefix("py:") {
            Matcher::Python(Python::compile(regex)?)
        } else {
            Matcher::Glob(Glob::parse(text)?)
        };
        let above = if matches!(matcher, Matcher::Glob(_)) { above(text) } else { None };
        Ok(Self { text: text.to_owned(), matcher, above })
    }

    /// Whether a file of the directory may match, whatever it is called. Where that is not known, yes.
    #[must_use]
    pub fn may_match_in(&self, dir: &[u8]) -> bool {
        let Some(above) = &self.above else { return true };
        let mut names = dir.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        for part in above {
            match part {
                Above::Whatever => return true,
                Above::Name(glob) => match names.next() {
                    Some(name) if glob.takes(Subject::of(name)) => {}
                    _ => return false,
                },
            }
        }
        names.next().is_none()
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the path (relative to its source, `/` between names) matches.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        self.takes(Subject::of(path))
    }

    pub(crate) fn takes(&self, subject: Subject<'_>) -> bool {
        match &self.matcher {
            Matcher::Glob(glob) => glob.takes(subject),
            Matcher::Regex(regex) => regex.is_match(subject.path),
            Matcher::Python(python) => python.matches(subject.name),
        }
    }

    /// Whether matching was ever given up because a `py:` pattern needed too many steps; such a
    /// name counts as not matching.
    #[must_use]
    pub fn gave_up(&self) -> bool {
        matches!(&self.matcher, Matcher::Python(python) if python.gave_up())
    }
}

/// The parts of a glob above its last name; nothing where it is about last names only, or is not cut at its
/// slashes (`{a/b,c}`).
fn above(text: &str) -> Option<Vec<Above>> {
    if !text.contains('/') || text.contains(['{', '[', '\\']) {
        return None;
    }
    let mut parts: Vec<&str> = text.strip_prefix('/').unwrap_or(text).split('/').collect();
    // A `**` at the end takes what lies in the directory and below.
    if parts.last() != Some(&"**") {
        parts.pop();
    }
    let part = |part: &str| match part {
        "**" => Some(Above::Whatever),
        name => Glob::parse(name).ok().map(Above::Name),
    };
    parts.into_iter().map(part).collect()
}

/// Two patterns are the same when they are written the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// What patterns are asked about. One path meets many patterns, and finding its last name once
/// costs less than finding it for each.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) path: &'a [u8],
    /// The bytes behind the last `/`.
    pub(crate) name: &'a [u8],
}

impl<'a> Subject<'a> {
    pub(crate) fn of(path: &'a [u8]) -> Self {
        let name = path.iter().rposition(|&byte| byte == b'/').map_or(path, |at| &path[at + 1..]);
        Self { path, name }
    }
}

pub(crate) fn compile_bytes(text: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(text)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .build()
        .map_err(|error| PatternError::new(regex_words(&error)))
}

/// The one line that says what is wrong, without the drawing around it.
pub(crate) fn regex_words(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the expression needs more than {limit} bytes once compiled; use smaller repetitions")
        }
        other => {
            let text = other.to_string();
            let words = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
            let words = words.or_else(|| text.lines().next()).unwrap_or("it cannot be compiled");
            if words.contains("Unicode not allowed") {
                return "characters beyond ASCII in […] need the Unicode mode: write (?u:[…])".into();
            }
            format!("the regular expression is wrong: {words}")
        }
    }
}

#[cfg(test)]
mod tests;
