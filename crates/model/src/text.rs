//! The edge where bytes become text: JSON members, percent-encoding, terminal-safe display.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A readable form of a name for terminals and logs: no control byte, no bidi override and no
/// invalid UTF-8 passes; each becomes a visible escape (`\n`, `\x1b`, `\u{202e}`, `\xff`).
#[must_use]
pub fn safe(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_safe(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn push_safe(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        c if (c as u32) < 0x20 || c == '\x7f' => {
            let _ = write!(out, "\\x{:02x}", c as u32);
        }
        c if is_hidden(c) => {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

/// Characters that change how a line is shown without being visible themselves.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends `text` to `out` as a JSON string with its quotes. No control character stays raw, so the
/// line may go to a terminal.
pub fn push_json_str(out: &mut Vec<u8>, text: &str) {
    if push_plain(out, text.as_bytes()) {
        return;
    }
    if text.chars().any(needs_escape) {
        let quoted = serde_json::to_string(text).unwrap_or_default();
        out.extend_from_slice(escape_json(&quoted).as_bytes());
    } else {
        // Writing to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *out, text);
    }
}

/// Appends what stands in a JSON string as it is, with quotes; `false`, and nothing: something in it does not.
fn push_plain(out: &mut Vec<u8>, text: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'"' && *byte != b'\\';
    // Without a way out in the middle: the compiler looks at many bytes at once then.
    if !text.iter().fold(true, |all, byte| all & plain(byte)) {
        return false;
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
    true
}

/// Appends a number's decimal digits. The general way by `write!` costs ten times as much, and each event has several.
pub fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Control characters that JSON allows to stand raw in a string.
const fn needs_escape(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}')
}

/// Replaces control characters that JSON allows to stand raw by their escapes. In valid JSON they stand
/// in strings only, so the meaning stays the same.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if needs_escape(c) {
            let _ = write!(out, "\\u{:04x}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

/// Appends `"name":"…"`, and `,"name_b64":"…"` when the bytes are not UTF-8: the contract's form
/// for every path in every JSON that the program prints.
pub fn push_json_path(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    push_json_str(out, name);
    out.push(b':');
    if push_plain(out, bytes) {
        return;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        push_json_str(out, text);
        return;
    }
    push_json_str(out, &String::from_utf8_lossy(bytes));
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"_b64\":\"");
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Puts `name` (and `name_b64` where needed) into a JSON object.
pub fn insert_json_path(map: &mut serde_json::Map<String, serde_json::Value>, name: &str, bytes: &[u8]) {
    map.insert(name.into(), String::from_utf8_lossy(bytes).into());
    if std::str::from_utf8(bytes).is_err() {
        map.insert(format!("{name}_b64"), STANDARD.encode(bytes).into());
    }
}

/// Puts `name`, a list of paths (and `name_b64`, all of them, where one is not UTF-8) into a JSON object.
pub fn insert_json_paths(
    map: &mut serde_json::Map<String, serde_json::Value>,
    name: &str,
    paths: &[Box<[u8]>],
) {
    let readable: Vec<_> = paths.iter().map(|path| String::from_utf8_lossy(path)).collect();
    map.insert(name.into(), readable.into());
    if paths.iter().any(|path| std::str::from_utf8(path).is_err()) {
        let encoded: Vec<String> = paths.iter().map(|path| STANDARD.encode(path)).collect();
        map.insert(format!("{name}_b64"), encoded.into());
    }
}

/// The bytes of a path in a JSON object: from `name_b64` where present, else from `name`.
#[must_use]
pub fn json_path(value: &serde_json::Value, name: &str) -> Option<Vec<u8>> {
    let encoded = value.get(format!("{name}_b64")).and_then(serde_json::Value::as_str);
    match encoded {
        Some(text) => STANDARD.decode(text).ok(),
        None => value.get(name)?.as_str().map(|text| text.as_bytes().to_vec()),
    }
}

/// Appends `bytes` percent-encoded: unreserved characters and the bytes in `keep` stay.
pub fn push_percent(out: &mut Vec<u8>, bytes: &[u8], keep: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let stays = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || keep.contains(&byte)
    };
    let mut rest = bytes;
    while let Some(first) = rest.iter().position(|byte| !stays(*byte)) {
        let byte = rest[first];
        out.extend_from_slice(&rest[..first]);
        out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        rest = &rest[first + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_raw_control_byte_reaches_a_terminal() {
        let name: Vec<u8> = (0u8..=255).collect();
        let shown = safe(&name);
        assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
        assert_eq!(safe(b"a\nb\x1b[31m\xff"), "a\\nb\\x1b[31m\\xff");
        assert_eq!(safe("x\u{202e}y".as_bytes()), "x\\u{202e}y");
    }

    #[test]
    fn paths_survive_json() {
        for bytes in [&b"plain"[..], b"quo\"te\\n", b"b\xff\xfe", "\u{e9}t\u{e9}".as_bytes(), b"\x00\x01"] {
            let mut out = vec![b'{'];
            push_json_path(&mut out, "path", bytes);
            out.push(b'}');
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(json_path(&value, "path").unwrap(), bytes);
            assert_eq!(value.get("path_b64").is_some(), std::str::from_utf8(bytes).is_err());
        }
    }

    #[test]
    fn json_strings_hold_no_raw_control_character() {
        for text in ["a\u{7f}b", "\u{85}\u{9b}31m", "plain", "\u{1}\n"] {
            let mut out = Vec::new();
            push_json_str(&mut out, text);
            let line = String::from_utf8(out).unwrap();
            assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }

    #[test]
    fn percent_encoding_keeps_what_it_is_told() {
        let mut out = Vec::new();
        push_percent(&mut out, b"a/b c.dat\xff", b"/");
        assert_eq!(out, b"a/b%20c.dat%FF");
        push_percent(&mut out, b"  ~x", b"");
        assert_eq!(out, b"a/b%20c.dat%FF%20%20~x");
    }

    #[test]
    fn every_character_is_worded_as_json_says() {
        for c in ('\0'..='\u{100}').chain(['\u{2028}', '\u{1f600}']) {
            let text = format!("x{c}");
            let mut out = Vec::new();
            push_json_str(&mut out, &text);
            let usual = escape_json(&serde_json::to_string(&text).unwrap());
            assert_eq!(out, usual.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_shown() {
        for number in [0, 9, 10, 99, 100, 1_234_567_890, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = b"n".to_vec();
            push_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), format!("n{number}"));
        }
    }
}
