//! The configuration dialect: Python's `ConfigParser` with the additions that `MetWork` makes to
//! it (`opinionated_configparser`), and the section inheritance that the README speaks of.
//!
//! - Sections keep what stands between the brackets, spaces included; those whose name begins
//!   with `_` are dropped. Keys are case-insensitive. Both delimiters, `=` and `:`, are allowed.
//! - `#` and `;` begin a comment only at the beginning of a line. A line indented deeper than its
//!   key continues the value.
//! - Every section gets the keys of `[common]`, which is an ordinary section besides.
//! - `key[v]` holds where `v` is the configuration name (`$MFCONFIG`, by default `generic`) or a
//!   part of it that ends before a `_`; the longest wins, over all sections inherited from.
//! - Values are templates, rendered twice.
//!
//! **`[child:parent]`**: the original reads such a name as a name and nothing else; its README
//! promises inheritance. Here a section inherits where a section of the parent's name exists.
//! Where none does, and for `[name:common]`, both readings are the same. They differ only for a
//! file that says `[a:b]` *and* has a section `[b]`: whoever wrote that followed the README, so
//! `b`'s keys come between the section's own and those of `[common]`.

mod inherit;
mod lines;
mod resolve;

use std::collections::BTreeMap;

use super::environment::Environment;
use super::template::Templates;

/// A file that has been read: its sections in order, each with all the keys that hold for it.
#[derive(Clone, Debug)]
pub struct Ini {
    /// The sections, in the order of the file.
    pub sections: Vec<Section>,
    /// What a person may have meant otherwise.
    pub warnings: Vec<Warning>,
}

/// One section with everything it inherits.
#[derive(Clone, Debug)]
pub struct Section {
    /// What stands between the brackets.
    pub name: String,
    /// The line of its header, from 1.
    pub line: u32,
    values: BTreeMap<String, Value>,
}

impl Section {
    /// The value that holds for a key (in lower case).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The keys that hold for the section, in lower case.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value after both renderings; an error is that of the second one, which the original
    /// meets only when it uses the value.
    pub text: Result<String, String>,
    /// The line of its key, from 1.
    pub line: u32,
}

/// Something in the file that works, but perhaps not as meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line it is about, from 1.
    pub line: u32,
    /// What it is, in words.
    pub text: String,
}

/// Why a file cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IniError {
    /// The bytes are no text.
    #[error("the file is not UTF-8")]
    Encoding {
        /// The line of the first bad byte, from 1.
        line: u32,
    },
    /// Text before the first section.
    #[error("{text:?} stands before the first [section]{}", bom_hint(text))]
    MissingHeader {
        /// Where, from 1.
        line: u32,
        /// The line's text.
        text: String,
    },
    /// A section for the second time.
    #[error("[{name}] stands here for the second time (first in line {first})")]
    DuplicateSection {
        /// Where, from 1.
        line: u32,
        /// The section's name.
        name: String,
        /// The line of the first one.
        first: u32,
    },
    /// A key for the second time in its section.
    #[error(
        "{key} stands here for the second time in [{section}] (first in line {first}; case does not count)"
    )]
    DuplicateKey {
        /// Where, from 1.
        line: u32,
        /// The section's name.
        section: String,
        /// The key in lower case.
        key: String,
        /// The line of the first one.
        first: u32,
    },
    /// Neither a section, nor a comment, nor a key.
    #[error("{text:?} is no \"key = value\"")]
    NoDelimiter {
        /// Where, from 1.
        line: u32,
        /// The line's text.
        text: String,
    },
    /// A template that cannot be rendered.
    #[error("the value of {key} is a template that fails: {reason}")]
    Template {
        /// Where, from 1.
        line: u32,
        /// The key in lower case.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Sections that inherit from each other.
    #[error("sections inherit from each other in a circle: {}", names.join(" -> "))]
    Cycle {
        /// The line of the first section concerned, from 1.
        line: u32,
        /// The sections, the first one again at the end.
        names: Vec<String>,
    },
    /// Too many sections that inherit one from the other.
    #[error("more than {limit} sections inherit one from the other")]
    Deep {
        /// The line of the last one that inherits, from 1.
        line: u32,
        /// How many may.
        limit: usize,
    },
}

fn bom_hint(text: &str) -> &'static str {
    if text.starts_with('\u{feff}') {
        "; it begins with a byte order mark, save the file without one"
    } else {
        ""
    }
}

impl IniError {
    /// The line concerned, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        match self {
            Self::Encoding { line }
            | Self::MissingHeader { line, .. }
            | Self::DuplicateSection { line, .. }
            | Self::DuplicateKey { line, .. }
            | Self::NoDelimiter { line, .. }
            | Self::Template { line, .. }
            | Self::Cycle { line, .. }
            | Self::Deep { line, .. } => *line,
        }
    }
}

impl Ini {
    /// Reads a file's bytes.
    pub fn read(bytes: &[u8], environment: &Environment) -> Result<Self, IniError> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            let good = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            IniError::Encoding { line: good.split('\n').count() as u32 }
        })?;
        let raw = lines::sections(text)?;
        resolve::resolve(&raw, &Templates::new(environment), environment)
    }
}

#[cfg(test)]
mod tests;
