//! Texts in a Python file: prefixes, quotes, escapes.

use super::place::Fault;
use super::token::{Kind, Lexer};

/// What a text begins with.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a letter of its own")]
pub(super) struct Prefix {
    /// How many characters, the quotes included.
    length: usize,
    quote: char,
    triple: bool,
    raw: bool,
    bytes: bool,
    fields: bool,
}

/// What the text at the beginning of `rest` begins with, if there is one.
pub(super) fn prefix(rest: &str) -> Option<Prefix> {
    let mut prefix = Prefix::default();
    for (number, next) in rest.chars().take(3).enumerate() {
        match next {
            'r' | 'R' => prefix.raw = true,
            'b' | 'B' => prefix.bytes = true,
            'f' | 'F' | 't' | 'T' => prefix.fields = true,
            'u' | 'U' => {}
            '\'' | '"' => {
                prefix.quote = next;
                prefix.triple = rest[number..].starts_with(["'''", "\"\"\""][usize::from(next == '"')]);
                prefix.length = number + if prefix.triple { 3 } else { 1 };
                return Some(prefix);
            }
            _ => return None,
        }
    }
    None
}

impl Lexer<'_> {
    /// A text from its prefix to its last quote.
    pub(super) fn letters(&mut self, prefix: Prefix) -> Result<Kind, Fault> {
        let begin = self.at;
        self.skip(prefix.length);
        let (mut out, mut strange) = (Vec::new(), None);
        loop {
            if self.at_end(prefix) {
                self.skip(if prefix.triple { 3 } else { 1 });
                break;
            }
            let newline = matches!(self.peek(), Some('\n' | '\r'));
            let Some(next) = self.next().filter(|_| !newline || prefix.triple) else {
                return Err(Fault::new(begin, "this text is never closed"));
            };
            match next {
                '\\' if prefix.raw => {
                    out.push(b'\\');
                    let escaped = self.peek().filter(|next| prefix.triple || !matches!(next, '\n' | '\r'));
                    if let Some(escaped) = escaped.and_then(|_| self.next()) {
                        push(&mut out, escaped);
                    }
                }
                '\\' => {
                    if let Err(why) = self.escape(prefix, &mut out) {
                        strange = Some(why);
                    }
                }
                // Doubled, a brace is one; alone it begins a field.
                '{' | '}' if prefix.fields => {
                    if self.peek() == Some(next) {
                        self.next();
                    } else {
                        strange = Some("a text with fields (f\"…\") is not worked out");
                    }
                    push(&mut out, next);
                }
                next if prefix.bytes && !next.is_ascii() => strange = Some("bytes are written in ASCII"),
                next => push(&mut out, next),
            }
        }
        Ok(match strange {
            Some(why) => Kind::Strange(why),
            None if prefix.bytes => Kind::Bytes(out),
            None => Kind::Text(out),
        })
    }

    fn at_end(&self, prefix: Prefix) -> bool {
        let count = if prefix.triple { 3 } else { 1 };
        let mut quotes = self.rest.chars();
        (0..count).all(|_| quotes.next() == Some(prefix.quote))
    }

    /// What stands behind a backslash.
    fn escape(&mut self, prefix: Prefix, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let Some(next) = self.next() else { return Ok(()) };
        match next {
            '\n' => {}
            '\\' | '\'' | '"' => push(out, next),
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '0'..='7' => return self.octal(next, prefix, out),
            'x' => {
                let code = self.digits(2)?;
                return push_code(code, prefix.bytes, out);
            }
            'u' if !prefix.bytes => return push_code(self.digits(4)?, false, out),
            'U' if !prefix.bytes => return push_code(self.digits(8)?, false, out),
            'N' if !prefix.bytes => return Err("a character is named (\\N), and its name is not looked up"),
            other => {
                out.push(b'\\');
                push(out, other);
            }
        }
        Ok(())
    }

    fn octal(&mut self, first: char, prefix: Prefix, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let mut code = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else { break };
            code = code * 8 + digit;
            self.next();
        }
        push_code(code, prefix.bytes, out)
    }

    fn digits(&mut self, count: usize) -> Result<u32, &'static str> {
        let mut code = 0u32;
        for _ in 0..count {
            let digit =
                self.peek().and_then(|next| next.to_digit(16)).ok_or("an escape has too few digits")?;
            code = (code << 4) | digit;
            self.next();
        }
        Ok(code)
    }
}

fn push(out: &mut Vec<u8>, letter: char) {
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
}

/// A character by its number. As Python does for file names, U+DC80 to U+DCFF stand for single bytes.
fn push_code(code: u32, bytes: bool, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match u8::try_from(code & 0xff) {
        Ok(byte) if bytes || (0xdc80..=0xdcff).contains(&code) => out.push(byte),
        _ => push(out, char::from_u32(code).ok_or("an escape is no character")?),
    }
    Ok(())
}
