//! Telling flags, values and mistakes apart by the rules of Python's `argparse`: `--x v` and `--x=v`, `-xV`, unique
//! beginnings of long names, the last of several wins.
//!
//! Where two versions of the original know different flags, a beginning is completed with the flags of the version
//! that is asked for, and only if none of them fits with all others. So what was unique stays unique.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use config::DlmDialect;

use super::flags::{FLAGS, Flag, Name, Takes};

/// A flag of the command line and what was said with it.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) flag: &'static Flag,
    /// Of a flag that takes a value; of one that may, if it has one.
    pub(super) value: Option<OsString>,
}

/// Why reading ends early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    Help,
    Error(String),
}

/// Reads a command line. `take` is told of each flag at once, so that the first mistake is the one that is reported.
pub(super) fn read(
    words: &[OsString],
    dialect: DlmDialect,
    take: &mut impl FnMut(&Said) -> Result<(), String>,
) -> Result<Vec<OsString>, Stopped> {
    let mut rest: VecDeque<OsString> = words.iter().cloned().collect();
    let mut unknown = Vec::new();
    let mut only_names = false;
    while let Some(word) = rest.pop_front() {
        if only_names {
            unknown.push(word);
            continue;
        }
        match kind(&word, dialect).map_err(Stopped::Error)? {
            Kind::End => only_names = true,
            Kind::Plain | Kind::Unknown => unknown.push(word),
            Kind::Flag(flag, value) => {
                let said = said(flag, value, &mut rest, dialect)?;
                take(&said).map_err(Stopped::Error)?;
            }
        }
    }
    Ok(unknown)
}

/// The value of `--dlm-compat`, looked for before anything is read: it decides how beginnings are completed. Its own
/// name must therefore be written out to have that effect.
pub(super) fn asked_dialect(words: &[OsString]) -> Option<DlmDialect> {
    let mut found = None;
    let mut words = words.iter().map(|word| word.as_bytes());
    while let Some(word) = words.next() {
        let value = match word {
            b"--dlm-compat" | b"--dlm_compat" => words.next(),
            _ => word.strip_prefix(b"--dlm-compat=").or_else(|| word.strip_prefix(b"--dlm_compat=")),
        };
        found = value.and_then(dialect_named).or(found);
    }
    found
}

/// A version of the original by its name.
pub(super) fn dialect_named(name: &[u8]) -> Option<DlmDialect> {
    match name {
        b"2.0" => Some(DlmDialect::V20),
        b"2.1" => Some(DlmDialect::V21),
        b"main" => Some(DlmDialect::Main),
        _ => None,
    }
}

/// What one word is.
enum Kind {
    /// A flag, and the value that is part of the same word.
    Flag(&'static Flag, Option<OsString>),
    /// It looks like a flag, but is none.
    Unknown,
    /// A value.
    Plain,
    /// `--`: only names follow.
    End,
}

fn kind(word: &OsStr, dialect: DlmDialect) -> Result<Kind, String> {
    let bytes = word.as_bytes();
    if bytes == b"--" {
        return Ok(Kind::End);
    }
    if !bytes.starts_with(b"-") || bytes.len() == 1 {
        return Ok(Kind::Plain);
    }
    let found = match bytes.strip_prefix(b"--") {
        Some(rest) => long(rest, dialect)?,
        None => short(bytes),
    };
    let value_like = is_negative_number(&bytes[1..]) || bytes.contains(&b' ');
    Ok(found.unwrap_or(if value_like { Kind::Plain } else { Kind::Unknown }))
}

fn short(bytes: &[u8]) -> Option<Kind> {
    let flag = FLAGS.iter().find(|flag| flag.short == Some(bytes[1]))?;
    let rest = &bytes[2..];
    let value = rest.strip_prefix(b"=").unwrap_or(rest);
    Some(Kind::Flag(flag, (!rest.is_empty()).then(|| OsString::from_vec(value.into()))))
}

fn long(rest: &[u8], dialect: DlmDialect) -> Result<Option<Kind>, String> {
    let (name, value) = match rest.iter().position(|&byte| byte == b'=') {
        Some(at) => (&rest[..at], Some(OsString::from_vec(rest[at + 1..].into()))),
        None => (rest, None),
    };
    let name: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    if let Some(flag) = FLAGS.iter().find(|flag| flag.long.as_bytes() == name) {
        return Ok(Some(Kind::Flag(flag, value)));
    }
    let begins = |wanted: bool| -> Vec<&'static Flag> {
        let mut found: Vec<&Flag> = Vec::new();
        for flag in FLAGS.iter().filter(|flag| flag.whose.is_in(dialect) == wanted) {
            if flag.long.as_bytes().starts_with(&name) && found.iter().all(|other| other.long != flag.long) {
                found.push(flag);
            }
        }
        found
    };
    let mut found = begins(true);
    if found.is_empty() {
        found = begins(false);
    }
    match found.as_slice() {
        [] => Ok(None),
        [flag] => Ok(Some(Kind::Flag(flag, value))),
        several => {
            let names: Vec<String> = several.iter().map(|flag| format!("--{}", flag.long)).collect();
            let shown = model::text::safe(&name);
            Err(format!("ambiguous option: --{shown} could match {}", names.join(", ")))
        }
    }
}

fn said(
    flag: &'static Flag,
    value: Option<OsString>,
    rest: &mut VecDeque<OsString>,
    dialect: DlmDialect,
) -> Result<Said, Stopped> {
    let error = |text: String| Stopped::Error(format!("argument {}: {text}", flag.shown()));
    let mut next = || match rest.front().map(|word| kind(word, dialect)) {
        Some(Ok(Kind::Plain)) => rest.pop_front(),
        _ => None,
    };
    let value = match (flag.takes, value) {
        // `-hd`: two letters in one word.
        (Takes::Yes, Some(behind)) if flag.name == Name::Help && is_letters(&behind) => {
            return Err(Stopped::Help);
        }
        (Takes::Yes | Takes::No, Some(value)) => {
            return Err(error(format!(
                "ignored explicit argument '{}'",
                model::text::safe(value.as_bytes())
            )));
        }
        (Takes::Yes, None) if flag.name == Name::Help => return Err(Stopped::Help),
        (Takes::Yes | Takes::No, None) => None,
        (Takes::Value, None) => Some(next().ok_or_else(|| error("expected one argument".into()))?),
        (Takes::Truth, None) => next(),
        (Takes::Value | Takes::Truth, value) => value,
    };
    Ok(Said { flag, value })
}

/// Whether what stands behind `-h` in the same word begins with another flag's letter.
fn is_letters(behind: &OsStr) -> bool {
    behind.as_bytes().first().is_some_and(|first| FLAGS.iter().any(|flag| flag.short == Some(*first)))
}

fn is_negative_number(digits: &[u8]) -> bool {
    let (whole, fraction) = match digits.iter().position(|&byte| byte == b'.') {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (&b""[..], digits),
    };
    !fraction.is_empty() && whole.iter().chain(fraction).all(u8::is_ascii_digit)
}
