//! Python regular expressions, as the old `directory_observer` applied them with `re.match`.
//!
//! The expression is parsed by Python's own rules ([`parse`]) and written again ([`write`]) in
//! the dialect of `fancy-regex`, where every difference is spelled out: `$` before a final
//! newline, `.` without newline, what `\w` and `\s` hold, where flags may stand. Expressions
//! without look-around and back-references run in linear time; the others have a step limit.

mod escape;
mod parse;
mod syntax;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fancy_regex::{Regex, RegexBuilder};

use crate::bytes_as_text::decode;
use crate::pattern::{COMPILED_LIMIT, PatternError};

/// How often a match may backtrack; some milliseconds. Python has no such limit and would hang.
const STEP_LIMIT: usize = 300_000;
/// How many instructions an expression may have.
const PROGRAM_LIMIT: usize = 100_000;

/// A compiled Python expression.
#[derive(Debug, Clone)]
pub(crate) struct Python {
    regex: Regex,
    /// Set once a match was given up; shared by the clones of a pattern.
    gave_up: Arc<AtomicBool>,
}

impl Python {
    pub(crate) fn compile(text: &str) -> Result<Self, PatternError> {
        let tree = parse::parse(text)?;
        let regex = RegexBuilder::new(&write::anchored(&tree))
            .backtrack_limit(STEP_LIMIT)
            .delegate_size_limit(COMPILED_LIMIT)
            .delegate_dfa_size_limit(COMPILED_LIMIT)
            .max_prog_size(PROGRAM_LIMIT)
            .build()
            .map_err(|error| refused(&error))?;
        Ok(Self { regex, gave_up: Arc::default() })
    }

    /// Python's `re.match`: anchored at the start only.
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        self.regex.is_match(&*decode(name)).unwrap_or_else(|_| {
            self.gave_up.store(true, Ordering::Relaxed);
            false
        })
    }

    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }
}

/// The expression is good Python, but the engine below does not take it.
fn refused(error: &fancy_regex::Error) -> PatternError {
    use fancy_regex::{CompileError, Error};
    let words = match error {
        Error::CompileError(inner) => match &**inner {
            CompileError::InnerError(_) | CompileError::PatternTooComplex => {
                "the expression is too large; use smaller repetitions".to_owned()
            }
            CompileError::LookBehindNotConst | CompileError::VariableLookBehindRequiresFeature => {
                "this look-behind is not supported".to_owned()
            }
            other => format!("the expression is not supported: {other}"),
        },
        other => format!("the expression is not supported: {other}"),
    };
    PatternError::new(words)
}

#[cfg(test)]
mod tests;
