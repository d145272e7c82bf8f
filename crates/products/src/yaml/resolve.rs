//! The type of a plain scalar by its spelling, after YAML 1.1 as `PyYAML` has it.

use super::timestamp;

/// What a plain scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    /// `<<`
    Merge,
    /// `=`
    Value,
    Text,
}

pub(super) fn resolve(text: &str) -> Type {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Type::Null,
        "<<" => Type::Merge,
        "=" => Type::Value,
        _ if is_bool(text) => Type::Bool,
        _ if is_float(text.as_bytes()) => Type::Float,
        _ if is_int(text.as_bytes()) => Type::Int,
        _ if timestamp::is_implicit(text) => Type::Timestamp,
        _ => Type::Text,
    }
}

fn is_bool(text: &str) -> bool {
    const WORDS: [&str; 6] = ["yes", "no", "true", "false", "on", "off"];
    let Some(first) = text.chars().next() else { return false };
    let rest = &text[first.len_utf8()..];
    let is_cased = rest.bytes().all(|byte| byte.is_ascii_lowercase())
        || first.is_ascii_uppercase() && rest.bytes().all(|byte| byte.is_ascii_uppercase());
    is_cased && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// `1.5`, `1_0.`, `.5`, `1.0e+3` (the sign of the exponent is needed), `1:30.5`, `.inf`, `.nan`.
fn is_float(text: &[u8]) -> bool {
    let unsigned = without_sign(text);
    match unsigned {
        b".inf" | b".Inf" | b".INF" => true,
        b".nan" | b".NaN" | b".NAN" => unsigned.len() == text.len(),
        [b'.', b'0'..=b'9', rest @ ..] => {
            unsigned.len() == text.len() && is_exponent(after(rest, is_digit_or_bar))
        }
        [b'0'..=b'9', rest @ ..] => {
            let rest = after(rest, is_digit_or_bar);
            let Some(tail) = after_sixtieths(rest) else { return false };
            let [b'.', fraction @ ..] = tail else { return false };
            let end = after(fraction, is_digit_or_bar);
            if tail.len() == rest.len() { is_exponent(end) } else { end.is_empty() }
        }
        _ => false,
    }
}

/// `0`, `-12`, `1_000`, `0b101`, `017`, `0x1F`, `1:30`.
fn is_int(text: &[u8]) -> bool {
    let all = |rest: &[u8], allowed: fn(u8) -> bool| !rest.is_empty() && after(rest, allowed).is_empty();
    match without_sign(text) {
        b"0" => true,
        [b'0', b'b', rest @ ..] => all(rest, |byte| matches!(byte, b'0' | b'1' | b'_')),
        [b'0', b'x', rest @ ..] => all(rest, |byte| byte.is_ascii_hexdigit() || byte == b'_'),
        [b'0', rest @ ..] => all(rest, |byte| matches!(byte, b'0'..=b'7' | b'_')),
        [b'1'..=b'9', rest @ ..] => {
            after_sixtieths(after(rest, is_digit_or_bar)).is_some_and(<[u8]>::is_empty)
        }
        _ => false,
    }
}

fn without_sign(text: &[u8]) -> &[u8] {
    match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    }
}

fn after(text: &[u8], allowed: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|&byte| !allowed(byte)).unwrap_or(text.len());
    &text[end..]
}

fn is_digit_or_bar(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// What follows groups like `:30`; none if a group is not below 60.
fn after_sixtieths(mut text: &[u8]) -> Option<&[u8]> {
    while let [b':', group @ ..] = text {
        let rest = after(group, |byte| byte.is_ascii_digit());
        match &group[..group.len() - rest.len()] {
            [_] | [b'0'..=b'5', _] => text = rest,
            _ => return None,
        }
    }
    Some(text)
}

/// Nothing, or `e+3`.
fn is_exponent(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b'e' | b'E', b'+' | b'-', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}
