//! What Python's `str`, `int()` and `ConfigParser.getboolean` do with text.

/// Whether Python's `str.isspace` holds: Unicode white space and four control characters more.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.splitlines()`: a text reader of Python's `codecs` ends lines at all of these.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let ends = |c: char| {
        matches!(c, '\n' | '\x0b' | '\x0c' | '\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(ends) {
        lines.push(&rest[..at]);
        let ending = &rest[at..];
        let one = ending.chars().next().map_or(0, char::len_utf8);
        let length = if ending.starts_with("\r\n") { 2 } else { one };
        rest = &ending[length..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// `int(text)`; numbers beyond 64 bits become the nearest that fits.
pub(super) fn int(text: &str) -> Result<i64, String> {
    let bad = || format!("invalid literal for int() with base 10: {}", repr(text));
    let trimmed = strip(text);
    let (negative, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let parts: Vec<&str> = digits.split('_').collect();
    if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(bad());
    }
    let limit = if negative { i64::MIN } else { i64::MAX };
    let signed = format!("{}{}", if negative { "-" } else { "" }, parts.concat());
    Ok(signed.parse().unwrap_or(limit))
}

/// `ConfigParser.getboolean`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err(format!("Not a boolean: {text}")),
    }
}

/// `repr(text)`, with every character that cannot be seen escaped.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if (c as u32) < 0x100 && c.is_control() => out.push_str(&hex(c)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn hex(c: char) -> String {
    format!("\\x{:02x}", c as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int_reads_what_python_reads() {
        for (text, value) in
            [("10", 10), (" 1_0 ", 10), ("+5", 5), ("-3", -3), ("007", 7), ("\u{a0}8\x1f", 8)]
        {
            assert_eq!(int(text), Ok(value), "{text:?}");
        }
        assert_eq!(int("99999999999999999999"), Ok(i64::MAX));
        assert_eq!(int("-99999999999999999999"), Ok(i64::MIN));
        for text in ["", "x", "1.5", "1__0", "_1", "1_", "- 5", "0x1", "+", "--1"] {
            let error = int(text).unwrap_err();
            assert_eq!(error, format!("invalid literal for int() with base 10: '{text}'"));
        }
    }

    #[test]
    fn booleans_are_eight_words_in_any_case() {
        for text in ["1", "yes", "TRUE", "On"] {
            assert_eq!(boolean(text), Ok(true));
        }
        for text in ["0", "No", "false", "OFF"] {
            assert_eq!(boolean(text), Ok(false));
        }
        assert_eq!(boolean("maybe"), Err("Not a boolean: maybe".into()));
        assert!(boolean("").is_err() && boolean("2").is_err());
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(lines("a\r\nb\rc\n\nd\u{2028}e\x0cf"), ["a", "b", "c", "", "d", "e", "f"]);
        assert_eq!(lines("a\n"), ["a"]);
        assert!(lines("").is_empty());
    }

    #[test]
    fn repr_chooses_its_quote() {
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("a'\"\n\x01"), "'a\\'\"\\n\\x01'");
    }
}
