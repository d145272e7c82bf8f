//! What stands behind the `=`: a text or a list, quoted or not, over one line or several.

use super::line::is_quote;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One text.
    Text(Vec<u8>),
    /// `a, b`; also `a,` with one item and `,` with none.
    List(Vec<Vec<u8>>),
}

impl Value {
    /// The one text, or the items.
    #[must_use]
    pub fn texts(&self) -> &[Vec<u8>] {
        match self {
            Value::Text(text) => std::slice::from_ref(text),
            Value::List(items) => items,
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Value::Text(text) => Some(text),
            Value::List(_) => None,
        }
    }
}

/// Reads the value that begins with `rest` in the line at `at`. Gives the next line's place, too: a text in three
/// quotes may go on over several lines. Where it does not end, only its first line is a mistake.
pub(super) fn read(rest: &[u8], lines: &[&[u8]], at: usize) -> (Option<Value>, usize) {
    let mark = rest.get(..3).filter(|mark| *mark == b"\"\"\"" || *mark == b"'''");
    let Some(mark) = mark else { return (on_one_line(rest), at + 1) };
    let first = &rest[3..];
    if find(first, mark).is_some() {
        return (ended(first, mark).map(|text| Value::Text(text.to_vec())), at + 1);
    }
    let mut text = first.to_vec();
    for (next, line) in lines.iter().enumerate().skip(at + 1) {
        text.push(b'\n');
        if find(line, mark).is_some() {
            let last = ended(line, mark);
            text.extend_from_slice(last.unwrap_or_default());
            return (last.map(|_| Value::Text(text)), next + 1);
        }
        text.extend_from_slice(line);
    }
    (None, at + 1)
}

/// What stands before the closing mark, if nothing but a comment stands behind it.
fn ended<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let mut from = 0;
    while let Some(found) = find(line.get(from..)?, mark) {
        let behind = line[from + found + mark.len()..].trim_ascii_start();
        if behind.is_empty() || behind[0] == b'#' {
            return Some(&line[..from + found]);
        }
        from += found + 1;
    }
    None
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn on_one_line(text: &[u8]) -> Option<Value> {
    let mut items = Vec::new();
    let mut rest = text.trim_ascii();
    if let Some(behind) = rest.strip_prefix(b",") {
        let behind = behind.trim_ascii_start();
        return (behind.is_empty() || behind[0] == b'#').then_some(Value::List(items));
    }
    loop {
        if rest.is_empty() || rest[0] == b'#' {
            // Nothing behind a comma: a list that ends with it. Nothing at all: an empty text.
            return Some(if items.is_empty() { Value::Text(Vec::new()) } else { Value::List(items) });
        }
        let (item, behind) = if is_quote(rest[0]) { quoted(rest)? } else { unquoted(rest) };
        match behind.strip_prefix(b",") {
            Some(_) if item.is_empty() && !is_quote(rest[0]) => return None,
            Some(behind) => {
                items.push(item.to_vec());
                rest = behind.trim_ascii_start();
            }
            None if items.is_empty() => return Some(Value::Text(item.to_vec())),
            None => {
                items.push(item.to_vec());
                return Some(Value::List(items));
            }
        }
    }
}

/// A text in quotes ends at the first such quote that a comma, a comment or nothing stands behind.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = text[0];
    let mut from = 1;
    while let Some(found) = text[from..].iter().position(|&byte| byte == quote) {
        let behind = text[from + found + 1..].trim_ascii_start();
        if behind.is_empty() || behind[0] == b',' || behind[0] == b'#' {
            return Some((&text[1..from + found], behind));
        }
        from += found + 1;
    }
    None
}

/// A text without quotes ends at a comma or a comment.
fn unquoted(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b',' || byte == b'#').unwrap_or(text.len());
    (text[..end].trim_ascii_end(), &text[end..])
}
