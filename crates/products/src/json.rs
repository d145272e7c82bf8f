//! JSON text as Python's `json.dumps` spells it: ASCII only, `", "` and `": "` as separators.

use std::fmt::Write as _;

/// Appends `text` as a JSON string. What is not printable ASCII is escaped, beyond the first plane as two halves.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) =
        rest.bytes().position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))
    {
        out.push_str(&rest[..at]);
        let mut characters = rest[at..].chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(other) => push_escaped(out, other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn push_escaped(out: &mut String, character: char) {
    for half in character.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\u{half:04x}");
    }
}

/// One member of an object that is written by hand: the key, and its value as JSON already.
pub(crate) fn push_member(out: &mut String, key: &str, value: &str) {
    out.push_str(if out.ends_with('{') { "" } else { ", " });
    push_string(out, key);
    out.push_str(": ");
    out.push_str(value);
}

/// `text` as a JSON string.
#[must_use]
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_printable_ascii_is_escaped() {
        assert_eq!(string("a\"\\\n\r\t\u{8}\u{c}"), r#""a\"\\\n\r\t\b\f""#);
        assert_eq!(string("\u{7f}\u{0}ü√😀/"), r#""\u007f\u0000\u00fc\u221a\ud83d\ude00/""#);
    }
}
