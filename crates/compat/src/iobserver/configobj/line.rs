//! What kind of line it is.

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Nothing, or a comment.
    Blank,
    /// `[name]`.
    Heading(Heading<'a>),
    /// `name = rest`.
    Keyword {
        /// The name, without its quotes.
        name: &'a [u8],
        /// What stands behind the `=`.
        rest: &'a [u8],
    },
    /// Neither.
    Invalid,
}

/// A section's heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heading<'a> {
    /// The name, without its quotes.
    pub(super) name: &'a [u8],
    /// How many `[` stand before it.
    pub(super) opened: usize,
    /// How many `]` stand behind it.
    pub(super) closed: usize,
}

/// Which it is. A heading is looked for first, as the original does; what only begins like one may still be
/// `[odd = value`.
pub(super) fn sort(line: &[u8]) -> Line<'_> {
    let line = line.trim_ascii();
    if line.is_empty() || line[0] == b'#' {
        return Line::Blank;
    }
    heading(line)
        .map(Line::Heading)
        .or_else(|| keyword(line).map(|(name, rest)| Line::Keyword { name, rest }))
        .unwrap_or(Line::Invalid)
}

fn heading(line: &[u8]) -> Option<Heading<'_>> {
    let begin = line.iter().position(|&byte| byte != b'[' && !byte.is_ascii_whitespace())?;
    let opened = count(&line[..begin], b'[');
    if opened == 0 {
        return None;
    }
    let rest = &line[begin..];
    let quote = Some(rest[0]).filter(|byte| is_quote(*byte));
    // The name ends at the first run of brackets and spaces that has nothing but a comment behind it.
    let mut at = 1;
    while at < rest.len() {
        if !is_closing(rest[at]) {
            at += 1;
            continue;
        }
        let length = rest[at..].iter().position(|&byte| !is_closing(byte)).unwrap_or(rest.len() - at);
        let (run, behind) = rest[at..].split_at(length);
        let closed = count(run, b']');
        let complete = quote.is_none_or(|quote| at > 1 && rest[at - 1] == quote);
        if closed > 0 && complete && (behind.is_empty() || behind[0] == b'#') {
            let name = if quote.is_some() { &rest[1..at - 1] } else { &rest[..at] };
            return Some(Heading { name, opened, closed }).filter(|_| !name.trim_ascii().is_empty());
        }
        at += length;
    }
    None
}

fn keyword(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = Some(line[0]).filter(|byte| is_quote(*byte));
    let mut at = 1;
    while let Some(found) = line.get(at..)?.iter().position(|&byte| byte == b'=') {
        let name = line[..at + found].trim_ascii_end();
        let rest = line[at + found + 1..].trim_ascii();
        match quote {
            None => return Some((name, rest)).filter(|_| line[0] != b'='),
            Some(quote) if name.len() > 1 && name.ends_with(&[quote]) => {
                return Some((&name[1..name.len() - 1], rest));
            }
            Some(_) => at += found + 1,
        }
    }
    None
}

fn is_closing(byte: u8) -> bool {
    byte == b']' || byte.is_ascii_whitespace()
}

pub(super) fn is_quote(byte: u8) -> bool {
    byte == b'"' || byte == b'\''
}

fn count(bytes: &[u8], wanted: u8) -> usize {
    bytes.split(|&byte| byte == wanted).count() - 1
}
