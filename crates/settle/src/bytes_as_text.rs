//! Names as text for matchers that think in characters.

use std::borrow::Cow;

/// The first of 128 private characters that stand for the bytes 0x80 to 0xff of invalid UTF-8.
///
/// They take the part of Python's lone surrogates, which Rust's text cannot hold: `.` matches
/// them, `\w`, `\d` and `\s` do not, and no two bytes share one.
const FIRST: u32 = 0x0010_fe80;

/// The character that stands for a byte of invalid UTF-8.
pub(crate) fn stand_in(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte & 0x7f)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The name as text; borrows when it is UTF-8, which is nearly always.
pub(crate) fn decode(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(name.len() + 16);
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|&byte| stand_in(byte)));
    }
    Cow::Owned(text)
}
