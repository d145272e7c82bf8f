//! A task's arguments as values, and how JSON and Python write them.

use std::fmt::Write as _;

use config::Argument;

use crate::facts::{Facts, Filled};

/// A value that a worker gets. Texts are bytes: those that are not UTF-8 are, as Python has it, lone surrogates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Flag(bool),
    Integer(i128),
    Float(f64),
    Text(Vec<u8>),
    List(Vec<Value>),
    Table(Vec<(Vec<u8>, Value)>),
}

/// So many characters of `argsrepr` and `kwargsrepr` are kept; Celery cuts there, too.
const LONGEST_REPR: usize = 1024;

impl Value {
    /// The argument with its fields replaced.
    pub(crate) fn of(argument: &Argument, facts: &Facts<'_>) -> Self {
        match argument {
            Argument::Text(text) => match facts.fill(text) {
                Filled::Nothing => Value::Null,
                Filled::Number(number) => Value::Integer(number.into()),
                Filled::Text(text) => Value::Text(text),
            },
            Argument::Integer(number) => Value::Integer((*number).into()),
            Argument::Float(number) => Value::Float(*number),
            Argument::Flag(flag) => Value::Flag(*flag),
            Argument::List(list) => Value::List(list.iter().map(|item| Self::of(item, facts)).collect()),
            Argument::Table(table) => Self::table(table, facts),
        }
    }

    /// Named arguments; the names have no fields.
    pub(crate) fn table(table: &[(String, Argument)], facts: &Facts<'_>) -> Self {
        let member = |(name, value): &(String, Argument)| (name.clone().into_bytes(), Self::of(value, facts));
        Value::Table(table.iter().map(member).collect())
    }

    /// A member of a table.
    pub(crate) fn member(&self, wanted: &str) -> Option<&Value> {
        let Value::Table(members) = self else { return None };
        members.iter().find(|(name, _)| name == wanted.as_bytes()).map(|(_, value)| value)
    }

    /// The bytes of a text.
    pub(crate) fn as_text(&self) -> Option<&[u8]> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// Appends the value as Python's `json.dumps` spaces it.
    pub(crate) fn push_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Flag(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Float(number) => out.extend_from_slice(float(*number).as_bytes()),
            Value::Text(text) => push_json_text(text, out),
            Value::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"" } else { b", " });
                    item.push_json(out);
                }
                out.push(b']');
            }
            Value::Table(members) => {
                out.push(b'{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"" } else { b", " });
                    push_json_text(name, out);
                    out.extend_from_slice(b": ");
                    value.push_json(out);
                }
                out.push(b'}');
            }
        }
    }

    /// As Python shows it, cut where Celery cuts.
    pub(crate) fn repr(&self) -> String {
        let mut out = String::new();
        self.push_repr(&mut out);
        cut(out)
    }

    fn push_repr(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("None"),
            Value::Flag(flag) => out.push_str(if *flag { "True" } else { "False" }),
            // Writing to a String cannot fail.
            Value::Integer(number) => drop(write!(out, "{number}")),
            Value::Float(number) => out.push_str(&float(*number)),
            Value::Text(text) => push_text_repr(text, out),
            Value::List(items) => push_items(items, ("[", "]"), out),
            Value::Table(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    push_text_repr(name, out);
                    out.push_str(": ");
                    value.push_repr(out);
                }
                out.push('}');
            }
        }
    }
}

/// Positional arguments as Python shows them: a tuple.
pub(crate) fn tuple_repr(items: &[Value]) -> String {
    let mut out = String::new();
    push_items(items, ("(", if items.len() == 1 { ",)" } else { ")" }), &mut out);
    cut(out)
}

fn push_items(items: &[Value], (open, close): (&str, &str), out: &mut String) {
    out.push_str(open);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        item.push_repr(out);
    }
    out.push_str(close);
}

/// The shortest digits that give the same number again, never without a point or an exponent.
fn float(number: f64) -> String {
    format!("{number:?}")
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST_REPR) {
        None => text,
        Some(_) => text.chars().take(LONGEST_REPR - 3).chain("...".chars()).collect(),
    }
}

/// Appends a JSON string: UTF-8 as it is, but no raw control character, and each odd byte as the surrogate that
/// Python makes of it.
fn push_json_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_json_char(c, out);
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\udc{byte:02x}").as_bytes());
        }
    }
    out.push(b'"');
}

fn push_json_char(c: char, out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // The line separators are no control characters, and still end a line for some readers.
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
            out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
        }
        c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Appends a string literal with the quotes that Python chooses.
fn push_text_repr(text: &[u8], out: &mut String) {
    let quote = if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' };
    out.push(quote);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_repr_char(c, quote, out);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\udc{byte:02x}");
        }
    }
    out.push(quote);
}

fn push_repr_char(c: char, quote: char, out: &mut String) {
    let code = c as u32;
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c == quote || c == '\\' => out.extend(['\\', c]),
        c if !is_shown(c) && code < 0x100 => drop(write!(out, "\\x{code:02x}")),
        c if !is_shown(c) && code < 0x1_0000 => drop(write!(out, "\\u{code:04x}")),
        c if !is_shown(c) => drop(write!(out, "\\U{code:08x}")),
        c => out.push(c),
    }
}

/// Whether Python shows the character itself. What the tables of Unicode leave unassigned is shown here.
fn is_shown(c: char) -> bool {
    let hidden = c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{10ffff}');
    !hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &Value) -> String {
        let mut out = Vec::new();
        value.push_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn text(text: &[u8]) -> Value {
        Value::Text(text.to_vec())
    }

    #[test]
    fn json_as_python_spaces_it() {
        let table = Value::Table(vec![
            (b"a".to_vec(), Value::List(vec![Value::Null, Value::Flag(true), Value::Integer(-7)])),
            (b"b\"".to_vec(), Value::Float(1.0)),
        ]);
        assert_eq!(json(&table), r#"{"a": [null, true, -7], "b\"": 1.0}"#);
        assert_eq!(table.repr(), "{'a': [None, True, -7], 'b\"': 1.0}");
        assert_eq!(json(&Value::Table(Vec::new())) + &json(&Value::List(Vec::new())), "{}[]");
    }

    #[test]
    fn names_in_json() {
        assert_eq!(json(&text("é漢😀".as_bytes())), "\"é漢😀\"");
        assert_eq!(json(&text(b"ST-\xff")), r#""ST-\udcff""#);
        assert_eq!(json(&text(b"\x01\n\"\\\x7f/")), r#""\u0001\n\"\\\u007f/""#);
        assert_eq!(json(&text("\u{2028}\u{85}".as_bytes())), r#""\u2028\u0085""#);
        // What would be a surrogate in UTF-8 is three odd bytes, for Python, too.
        assert_eq!(json(&text(b"\xed\xb3\xbf")), r#""\udced\udcb3\udcbf""#);
    }

    #[test]
    fn literals_as_python_quotes_them() {
        for (bytes, expected) in [
            (&b"plain"[..], "'plain'"),
            (b"it's", "\"it's\""),
            (b"\"", "'\"'"),
            (b"it's \"x\"", "'it\\'s \"x\"'"),
            (b"a\\b\n\x1b\xff", "'a\\\\b\\n\\x1b\\udcff'"),
            ("\u{a0}\u{2028}é\u{10ffff}".as_bytes(), "'\\xa0\\u2028é\\U0010ffff'"),
        ] {
            assert_eq!(text(bytes).repr(), expected);
        }
        assert_eq!(tuple_repr(&[]), "()");
        assert_eq!(tuple_repr(&[Value::Integer(1)]), "(1,)");
        assert_eq!(tuple_repr(&[Value::Integer(1), Value::Null]), "(1, None)");
    }

    #[test]
    fn a_long_literal_is_cut() {
        let long = text("é".repeat(5000).as_bytes()).repr();
        assert!(long.chars().count() == 1024 && long.ends_with("é..."));
        assert!(text("é".repeat(1022).as_bytes()).repr().ends_with("é'"));
    }
}
