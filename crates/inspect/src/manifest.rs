//! Lists of members with sums, as they are in use: parsing them, without looking at any file.
//!
//! | form | example |
//! |---|---|
//! | plain list | `a/b.dat`, or `a/b.dat<TAB>1234` with the size |
//! | GNU coreutils, `b3sum` | `d41d…27e  a/b.dat`, `d41d…27e *a/b.dat`; a leading `\` announces `\n`, `\r`, `\\` in the name |
//! | BSD, `--tag`, OpenSSL | `SHA256 (a/b.dat) = e3b0…855` |
//! | one sum alone | `e3b0…855`: the companion of one file |
//!
//! Blank lines and lines that begin with `#` say nothing (a member whose name begins so is written
//! `./#name`). Lines may end with CR LF. Names are bytes.

mod line;
mod style;

use std::collections::HashMap;
use std::fmt;

pub use style::{Hash, Style};

/// A longer list is refused.
pub const LARGEST_MANIFEST: u64 = 256 * 1024 * 1024;

/// A list with more lines is refused.
pub const MOST_LINES: usize = 1_000_000;

/// One member as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The path below the unit, without `.` and doubled slashes; empty: the one file that the sum is for.
    pub path: Vec<u8>,
    /// The sum, where the list has one.
    pub hash: Option<(Hash, Vec<u8>)>,
    /// The size, where the list has one.
    pub size: Option<u64>,
}

/// Why a list cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It has no member: still being written, or not the file it should be.
    #[error("find a member: the list is empty")]
    Empty,
    /// It is for many files, and the one in question is not among them (yet).
    #[error("find the file in the list: no line names it")]
    NotNamed,
    /// More than [`LARGEST_MANIFEST`] bytes or [`MOST_LINES`] lines.
    #[error("read the list: it has more than {MOST_LINES} lines or {LARGEST_MANIFEST} bytes")]
    TooLarge,
    /// One line is wrong.
    #[error("read line {line}: {fault}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The path is absolute or has a `..`.
    Escapes,
    /// The path has a NUL byte.
    Nul,
    /// There is no path.
    NoName,
    /// There is no sum where each line must have one.
    NoHash,
    /// The sum has not the length that its algorithm gives, or one that none gives.
    WrongLength,
    /// The sum is of an algorithm that is not known or not the one that was asked for.
    WrongAlgorithm,
    /// A backslash escape that does not exist.
    WrongEscape,
    /// The same path stands in an earlier line with another sum or size.
    Contradicts,
    /// It is longer than any path with its sum.
    TooLong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escapes => "the path leads out of the directory",
            Self::Nul => "the path has a NUL byte",
            Self::NoName => "there is no path",
            Self::NoHash => "there is no checksum",
            Self::WrongLength => "the checksum has a wrong length",
            Self::WrongAlgorithm => "the checksum is of another algorithm",
            Self::WrongEscape => "the path has an unknown escape",
            Self::Contradicts => "an earlier line says something else of the same path",
            Self::TooLong => "it is longer than any path with its checksum",
        })
    }
}

/// No line is longer, in bytes: a path of 64 KiB, each byte of it escaped, and a sum.
const LONGEST_LINE: usize = (128 << 10) + 1024;

/// Reads the list in the file called `name`. A path that stands there twice with equal sums is one line;
/// with sums of two algorithms it is two.
pub fn parse(name: &[u8], text: &[u8], style: Style) -> Result<Vec<Line>, ManifestError> {
    if text.len() as u64 > LARGEST_MANIFEST {
        return Err(ManifestError::TooLarge);
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let expect = style.expect(name);
    let mut found: Vec<(u64, Line)> = Vec::new();
    for (at, bytes) in text.split(|&byte| byte == b'\n').enumerate() {
        if at >= MOST_LINES && !bytes.is_empty() {
            return Err(ManifestError::TooLarge);
        }
        let number = at as u64 + 1;
        let wrong = |fault| ManifestError::Line { line: number, fault };
        // What is made of a line is some times as large.
        if bytes.len() > LONGEST_LINE {
            return Err(wrong(Fault::TooLong));
        }
        if let Some(line) = line::read(bytes, expect).map_err(wrong)? {
            found.push((number, line));
        }
    }
    if found.len() > 1
        && let Some((line, _)) = found.iter().find(|(_, line)| line.path.is_empty())
    {
        return Err(ManifestError::Line { line: *line, fault: Fault::NoName });
    }
    unique(found)
}

/// Leaves out what says the same again; fails on what says something else.
fn unique(found: Vec<(u64, Line)>) -> Result<Vec<Line>, ManifestError> {
    if found.is_empty() {
        return Err(ManifestError::Empty);
    }
    let mut again = vec![false; found.len()];
    let mut first: HashMap<(&[u8], Option<Hash>), usize> = HashMap::with_capacity(found.len());
    for (at, (number, line)) in found.iter().enumerate() {
        let key = (line.path.as_slice(), line.hash.as_ref().map(|(hash, _)| *hash));
        let earlier = *first.entry(key).or_insert(at);
        if found[earlier].1 != *line {
            return Err(ManifestError::Line { line: *number, fault: Fault::Contradicts });
        }
        again[at] = earlier != at;
    }
    let lines = found.into_iter().zip(again);
    Ok(lines.filter(|(_, again)| !again).map(|((_, line), _)| line).collect())
}

#[cfg(test)]
mod tests;
