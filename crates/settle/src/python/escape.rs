//! What follows a backslash, outside and inside of `[…]`.

use super::parse::{Flags, Parser, wrong};
use super::syntax::{At, Class, Item, Node, Set};
use crate::pattern::PatternError;

impl Parser {
    /// An escape outside of a class; the backslash is already read.
    pub(super) fn escape(&mut self, flags: Flags) -> Result<Node, PatternError> {
        let c = self.next().ok_or_else(|| wrong(r"it ends with a lone \"))?;
        if let Some(set) = named_set(c, flags) {
            return Ok(Node::Class(Class { negated: false, items: vec![set], case: flags.case() }));
        }
        let node = match c {
            'A' => Node::At(At::Start),
            'Z' => Node::At(At::VeryEnd),
            'b' | 'B' => Node::At(At::WordEdge { negated: c == 'B', ascii: flags.ascii }),
            '0' => Node::Literal(self.octal(0, 2), flags.case()),
            '1'..='9' => self.reference_or_octal(c, flags)?,
            other => Node::Literal(self.character(other)?, flags.case()),
        };
        Ok(node)
    }

    /// A member of a class that begins with `c`; the end of a range is read by the caller.
    pub(super) fn class_item(&mut self, c: char, flags: Flags) -> Result<Item, PatternError> {
        if c != '\\' {
            return Ok(single(u32::from(c)));
        }
        let c = self.next().ok_or_else(|| wrong("a set [… is never closed by ]"))?;
        if let Some(set) = named_set(c, flags) {
            return Ok(set);
        }
        let code = match c {
            'b' => 8,
            '0'..='7' => byte_value(self.octal(u32::from(c) - u32::from('0'), 2))?,
            other => self.character(other)?,
        };
        Ok(single(code))
    }

    /// `\12` is a group, `\123` an octal number, `\18` a group again.
    fn reference_or_octal(&mut self, first: char, flags: Flags) -> Result<Node, PatternError> {
        let mut digits = String::from(first);
        if let Some(second) = self.peek().filter(char::is_ascii_digit) {
            self.next();
            digits.push(second);
            let octal = digits.bytes().all(|digit| digit < b'8');
            if let Some(third) = self.peek().filter(|c| octal && ('0'..='7').contains(c)) {
                self.next();
                digits.push(third);
                let code = u32::from_str_radix(&digits, 8).map_err(wrong)?;
                return Ok(Node::Literal(byte_value(code)?, flags.case()));
            }
        }
        let group = digits.parse().map_err(wrong)?;
        self.back_reference(group, flags)
    }

    /// Up to `most` more octal digits.
    fn octal(&mut self, start: u32, most: usize) -> u32 {
        let mut code = start;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.next();
            code = code * 8 + digit;
        }
        code
    }

    /// Escapes that mean one character.
    fn character(&mut self, c: char) -> Result<u32, PatternError> {
        let code = match c {
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            'x' => self.hex(c, 2)?,
            'u' => self.hex(c, 4)?,
            'U' => self.hex(c, 8)?,
            'N' => return Err(wrong(r"\N{…} is not supported; write the character itself")),
            c if c.is_ascii_alphanumeric() => return Err(wrong(format!(r"\{c} is unknown"))),
            other => u32::from(other),
        };
        Ok(code)
    }

    fn hex(&mut self, kind: char, digits: usize) -> Result<u32, PatternError> {
        let mut code: u32 = 0;
        for _ in 0..digits {
            let digit = self.peek().and_then(|c| c.to_digit(16));
            let digit = digit.ok_or_else(|| wrong(format!(r"\{kind} needs {digits} hexadecimal digits")))?;
            self.next();
            code = code.wrapping_mul(16) | digit;
        }
        if code > 0x0010_ffff {
            return Err(wrong(format!(r"\U{code:08x} is no character")));
        }
        Ok(code)
    }
}

fn single(code: u32) -> Item {
    Item::Range(code, code)
}

fn byte_value(code: u32) -> Result<u32, PatternError> {
    if code > 0o377 { Err(wrong(format!(r"\{code:o} is larger than \377"))) } else { Ok(code) }
}

fn named_set(c: char, flags: Flags) -> Option<Item> {
    let set = match c.to_ascii_lowercase() {
        'd' => Set::Digit,
        's' => Set::Space,
        'w' => Set::Word,
        _ => return None,
    };
    Some(Item::Set { set, negated: c.is_ascii_uppercase(), ascii: flags.ascii })
}
