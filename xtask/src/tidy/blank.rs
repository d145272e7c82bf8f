//! Rust text with everything blanked out that is not code, so that a rule can look for words and
//! count braces without a parser. Lines and columns stay where they were.

/// Replaces comments and the inside of string and character literals by spaces; newlines stay.
pub(crate) fn blank(text: &str) -> String {
    let mut eraser = Eraser { bytes: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len()) };
    while eraser.at < eraser.bytes.len() {
        eraser.step();
    }
    // Whole characters are blanked byte by byte and all other bytes are copied, so this is UTF-8.
    String::from_utf8_lossy(&eraser.out).into_owned()
}

struct Eraser<'a> {
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Eraser<'_> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn keep(&mut self, count: usize) {
        let end = (self.at + count).min(self.bytes.len());
        self.out.extend_from_slice(&self.bytes[self.at..end]);
        self.at = end;
    }

    fn erase(&mut self, count: usize) {
        let end = (self.at + count).min(self.bytes.len());
        self.out
            .extend(self.bytes[self.at..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }));
        self.at = end;
    }

    fn step(&mut self) {
        let rest = self.rest();
        if rest.starts_with(b"//") {
            let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            self.erase(length);
        } else if rest.starts_with(b"/*") {
            self.block_comment();
        } else if let Some(hashes) = self.raw_string() {
            self.raw(hashes);
        } else if rest[0] == b'"' {
            self.quoted(b'"');
        } else if rest[0] == b'\'' && is_character(rest) {
            self.quoted(b'\'');
        } else {
            self.keep(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            let rest = self.rest();
            if rest.starts_with(b"/*") {
                depth += 1;
                self.erase(2);
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.erase(2);
            } else {
                self.erase(1);
            }
            if depth == 0 || self.at >= self.bytes.len() {
                return;
            }
        }
    }

    /// The number of `#` when a raw string begins here (`r"`, `r#"`, also after `b` or `c`).
    fn raw_string(&self) -> Option<usize> {
        let follows_name =
            self.at > 0 && is_word(self.bytes[self.at - 1]) && !b"bc".contains(&self.bytes[self.at - 1]);
        let rest = self.rest().strip_prefix(b"r")?;
        let hashes = rest.iter().take_while(|&&byte| byte == b'#').count();
        (!follows_name && rest.get(hashes) == Some(&b'"')).then_some(hashes)
    }

    fn raw(&mut self, hashes: usize) {
        self.keep(2 + hashes);
        let mut end = vec![b'"'];
        end.extend(std::iter::repeat_n(b'#', hashes));
        let rest = self.rest();
        let length = rest.windows(end.len()).position(|window| window == end).unwrap_or(rest.len());
        self.erase(length);
        self.keep(end.len());
    }

    fn quoted(&mut self, quote: u8) {
        self.keep(1);
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.erase(2),
                byte if byte == quote => return self.keep(1),
                _ => self.erase(1),
            }
        }
    }
}

/// Whether the `'` at the front begins a character literal and not a lifetime.
fn is_character(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(&first) => {
            let length = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            rest.get(1 + length) == Some(&b'\'')
        }
        None => false,
    }
}

/// Whether a byte can be part of a name.
pub(crate) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The words of blanked code with the byte offset of each.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = code.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !is_word(bytes[at]) {
            at += 1;
        }
        let begin = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        (begin < at).then(|| (begin, &code[begin..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::{blank, words};

    #[test]
    fn only_code_is_left() {
        let text = "let a = \"fn { \\\" }\"; // fn b() {\n/* { /* } */ */ let c = '{'; let d: &'a str = x;";
        let code = blank(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.matches('{').count(), 0);
        let left: Vec<&str> = words(&code).map(|(_, word)| word).collect();
        assert_eq!(left, ["let", "a", "let", "c", "let", "d", "a", "str", "x"]);
    }

    #[test]
    fn raw_strings_end_where_they_say() {
        let code = blank("f(r#\"a \"quoted\" }\"#, br\"{\", r#type, b'}', '\\'', '\u{e9}');");
        let left: Vec<&str> = words(&code).map(|(_, word)| word).collect();
        assert_eq!(left, ["f", "r", "br", "r", "type", "b"]);
        assert!(!code.contains(['{', '}']), "{code}");
    }

    #[test]
    fn lines_stay_lines() {
        let text = "a\n\"x\ny\"\n/*\n*/ b\n";
        assert_eq!(blank(text).matches('\n').count(), text.matches('\n').count());
    }
}
