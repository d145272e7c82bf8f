//! From bytes to the text that is parsed.

use std::borrow::Cow;

use super::{LARGEST, Place, YamlError};

/// The text of a file: no byte order mark, only characters that YAML 1.1 allows, one kind of line break.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, YamlError> {
    if bytes.len() > LARGEST {
        return Err(YamlError::TooLarge { limit: LARGEST });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        YamlError::NotUtf8 { place: place_after(&good) }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((at, character)) = text.char_indices().find(|&(_, character)| !is_allowed(character)) {
        return Err(YamlError::Character { place: place_after(&text[..at]), character });
    }
    Ok(if text.contains(is_old_break) {
        Cow::Owned(text.replace(is_old_break, "\n"))
    } else {
        Cow::Borrowed(text)
    })
}

/// What breaks a line in YAML 1.1 and is an ordinary character in 1.2.
fn is_old_break(character: char) -> bool {
    matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..='\u{10ffff}')
}

/// The place of what comes after `text`.
fn place_after(text: &str) -> Place {
    let line = text.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let column = text.chars().rev().take_while(|&character| character != '\n').count() + 1;
    Place { line, column }
}
