//! A plugin's options, a JSON object, as a TOML table.

use std::iter::Peekable;
use std::str::Chars;

use super::{key, quoted};

/// How no options are written.
pub(super) const NONE: &str = "{}";

/// The same values in TOML, in one line. The text is JSON, without `null`, for which TOML has no word.
pub(super) fn as_toml(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => push_text(&mut out, &mut rest),
            ':' => out.push_str(" = "),
            ',' => out.push_str(", "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// A string that has begun; in front of a colon it is a key.
fn push_text(out: &mut String, rest: &mut Peekable<Chars<'_>>) {
    let text = text(rest);
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
    let written = if rest.peek() == Some(&':') { key(&text) } else { quoted(&text) };
    out.push_str(&written);
}

/// What a JSON string means, up to its closing quote.
fn text(rest: &mut Peekable<Chars<'_>>) -> String {
    // Escapes may give halves of characters.
    let mut units: Vec<u16> = Vec::new();
    while let Some(c) = rest.next().filter(|&c| c != '"') {
        let meant = match (c, rest.peek()) {
            ('\\', Some(_)) => match rest.next().unwrap_or_default() {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    continue;
                }
                other => other,
            },
            (c, _) => c,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_toml() {
        for (json, expected) in [
            ("{}", "{}"),
            (r#"{"a":1,"b c":[true,-1.5e3,"x"]}"#, r#"{a = 1, "b c" = [true, -1.5e3, "x"]}"#),
            (r#"{ "a" : { "b" : "c:d,{}" } }"#, r#"{a = {b = "c:d,{}"}}"#),
            (r#"{"p":"a\\b\/c","q":"\"\n\u0001"}"#, r#"{p = 'a\b/c', q = "\"\u000A\u0001"}"#),
            (r#"{"e":"\ud83d\ude00","v":"${X}"}"#, "{e = \"\u{1f600}\", v = \"$${X}\"}"),
        ] {
            assert_eq!(as_toml(json), expected);
        }
    }
}
