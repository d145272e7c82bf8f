//! The message of MetWork's `directory_observer`, byte for byte.

use std::io::Write as _;

use model::{Cause, Kind, Parcel, Stamp};

/// Seconds below this have doubles so close together that six decimals are always the shortest
/// text that reads back as the same double.
const EXACT_MICROSECONDS_BELOW: i64 = 1 << 32;

/// Appends `{"directory": …, "filename": …, "event": …, "event_timestamp": …}`.
pub(super) fn push(parcel: &Parcel, out: &mut Vec<u8>) {
    out.reserve(96 + parcel.root.len() + parcel.path.len());
    out.extend_from_slice(b"{\"directory\": ");
    push_ascii(out, &parcel.root);
    out.extend_from_slice(b", \"filename\": ");
    push_ascii(out, &parcel.path);
    out.extend_from_slice(b", \"event\": \"");
    out.extend_from_slice(word(parcel).as_bytes());
    out.extend_from_slice(b"\", \"event_timestamp\": ");
    push_seconds(out, parcel.admitted);
    out.push(b'}');
}

/// What happened, in the program's words; for what it had no word, one that none of its readers
/// takes for a file that came.
const fn word(parcel: &Parcel) -> &'static str {
    match (parcel.kind, parcel.cause) {
        (Kind::Removal { .. }, _) => "deleted",
        (Kind::Gap { closed: false }, _) => "gap_opened",
        (Kind::Gap { closed: true }, _) => "gap_closed",
        (Kind::Happening(what), _) => what.name(),
        (_, Cause::Arrived | Cause::Overdue) => "created",
        (_, Cause::Found | Cause::Reannounced) => "exists",
    }
}

/// A JSON string in pure ASCII. Bytes that are not UTF-8 become lone surrogates `\udcXX`, as
/// Python's `surrogateescape` reads them and its `json` writes them.
fn push_ascii(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        push_text(out, chunk.valid());
        for &byte in chunk.invalid() {
            push_unit(out, 0xdc00 | u16::from(byte));
        }
    }
    out.push(b'"');
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|b| !is_plain(b)).unwrap_or(rest.len());
        out.extend_from_slice(&rest.as_bytes()[..plain]);
        let mut chars = rest[plain..].chars();
        let Some(c) = chars.next() else { return };
        push_escaped(out, c);
        rest = chars.as_str();
    }
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn push_escaped(out: &mut Vec<u8>, c: char) {
    let short = match c {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        c => {
            for &unit in &*c.encode_utf16(&mut [0; 2]) {
                push_unit(out, unit);
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn push_unit(out: &mut Vec<u8>, unit: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u16| HEX[usize::from(unit >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// The instant as Python prints a float: the shortest text that reads back the same, always with
/// a point.
fn push_seconds(out: &mut Vec<u8>, at: Stamp) {
    if !(0..EXACT_MICROSECONDS_BELOW).contains(&at.sec) {
        let _ = write!(out, "{:?}", at.as_seconds_f64());
        return;
    }
    let _ = write!(out, "{}.{:06}", at.sec, at.nsec / 1_000);
    let keep = out.iter().rposition(|&b| b != b'0').map_or(0, |last| last + 1);
    // A whole second keeps one zero behind its point.
    let keep = if out.get(keep - 1) == Some(&b'.') { keep + 1 } else { keep };
    out.truncate(keep);
}
