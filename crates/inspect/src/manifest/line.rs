//! One line of a list.

use super::style::{Expect, Hash};
use super::{Fault, Line};

/// Reads one line without its newline; nothing for a blank line, a comment or the directory itself.
pub(super) fn read(bytes: &[u8], expect: Expect) -> Result<Option<Line>, Fault> {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) || bytes.starts_with(b"#") {
        return Ok(None);
    }
    let summed = match expect {
        Expect::Path => None,
        Expect::Sum(_) | Expect::SomeSum(_) | Expect::Either => sum(bytes, expect)?,
    };
    match (summed, expect) {
        (Some(line), _) => Ok(Some(line)),
        (None, Expect::Path | Expect::Either) => plain(bytes),
        (None, Expect::Sum(_) | Expect::SomeSum(_)) => Err(Fault::NoHash),
    }
}

/// A path, or a path and a size behind the last tab.
fn plain(bytes: &[u8]) -> Result<Option<Line>, Fault> {
    let sized = bytes.iter().rposition(|&byte| byte == b'\t').and_then(|at| {
        let size = std::str::from_utf8(&bytes[at + 1..]).ok()?;
        let digits = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
        Some((&bytes[..at], if digits { size.parse().ok()? } else { return None }))
    });
    let (path, size) = sized.map_or((bytes, None), |(path, size)| (path, Some(size)));
    let path = below(path)?;
    // `find` lists the directory itself too.
    Ok((!path.is_empty()).then_some(Line { path, hash: None, size }))
}

/// A line with a sum; nothing when it does not look like one.
fn sum(bytes: &[u8], expect: Expect) -> Result<Option<Line>, Fault> {
    let (escaped, bytes) = match bytes.strip_prefix(b"\\") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let Some((algorithm, digits, path)) = tagged(bytes).or_else(|| gnu(bytes, expect)) else {
        return Ok(None);
    };
    let hash = algorithm?;
    if let Expect::Sum(wanted) = expect
        && wanted != hash
    {
        return Err(Fault::WrongAlgorithm);
    }
    let digest = hex(digits).filter(|digest| digest.len() == hash.length()).ok_or(Fault::WrongLength)?;
    let path = if escaped { unescaped(path)? } else { path.to_vec() };
    let alone = path.is_empty();
    let path = below(&path)?;
    if path.is_empty() && !alone {
        return Err(Fault::NoName);
    }
    Ok(Some(Line { path, hash: Some((hash, digest)), size: None }))
}

/// What a line's shape gives: the algorithm, the digits, the path.
type Parts<'a> = (Result<Hash, Fault>, &'a [u8], &'a [u8]);

/// `digits  path`, `digits *path`, `digits path`, `digits`.
fn gnu(bytes: &[u8], expect: Expect) -> Option<Parts<'_>> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(bytes.len());
    let (digits, rest) = bytes.split_at(end);
    if end == 0 || !rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t')) {
        return None;
    }
    let by_length = Hash::of_length(end / 2).filter(|_| end.is_multiple_of(2));
    let hash = match expect {
        Expect::Sum(named) => Some(named),
        Expect::SomeSum(named) if named.length() * 2 == end => Some(named),
        Expect::SomeSum(_) => by_length,
        // What has not the length of a sum is a name.
        Expect::Either | Expect::Path => Some(by_length?),
    };
    let path = match rest {
        [] => rest,
        [_, b' ' | b'*', path @ ..] | [_, path @ ..] => path,
    };
    // What was read from standard input has no name.
    let nameless = path == b"-" || path.iter().all(u8::is_ascii_whitespace);
    Some((hash.ok_or(Fault::WrongLength), digits, if nameless { b"" } else { path }))
}

/// `SHA256 (path) = digits`, and OpenSSL's `SHA2-256(path)= digits`.
fn tagged(bytes: &[u8]) -> Option<Parts<'_>> {
    let end = bytes.iter().position(|&byte| !byte.is_ascii_alphanumeric() && byte != b'-')?;
    let (tag, rest) = bytes.split_at(end);
    let rest = rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"(")?;
    let close = rest.iter().rposition(|&byte| byte == b')')?;
    let (path, behind) = rest.split_at(close);
    let behind = behind[1..].strip_prefix(b" ").unwrap_or(&behind[1..]).strip_prefix(b"=")?;
    let digits = behind.trim_ascii();
    if tag.is_empty() || digits.len() < 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    // An empty name must not pass for the form without one.
    let path: &[u8] = if path.is_empty() { b"." } else { path };
    Some((algorithm(tag).ok_or(Fault::WrongAlgorithm), digits, path))
}

fn algorithm(tag: &[u8]) -> Option<Hash> {
    let tag: &[u8] = match tag {
        b"SHA2-256" | b"SHA-256" => b"SHA256",
        b"SHA2-512" | b"SHA-512" => b"SHA512",
        b"SHA-1" => b"SHA1",
        other => other,
    };
    Hash::ALL.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, hash)| hash)
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|&[high, low]| Some(value(high)? << 4 | value(low)?)).collect())?
}

fn unescaped(path: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'\\') => b'\\',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                _ => return Err(Fault::WrongEscape),
            },
            byte => byte,
        });
    }
    Ok(plain)
}

/// The path with single slashes and without `.`; empty for the directory itself. Fails when it would lead
/// out of it.
fn below(path: &[u8]) -> Result<Vec<u8>, Fault> {
    if path.contains(&0) {
        return Err(Fault::Nul);
    }
    if path.starts_with(b"/") {
        return Err(Fault::Escapes);
    }
    let mut below = Vec::with_capacity(path.len());
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b".." => return Err(Fault::Escapes),
            b"" | b"." => {}
            name => {
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend_from_slice(name);
            }
        }
    }
    Ok(below)
}
