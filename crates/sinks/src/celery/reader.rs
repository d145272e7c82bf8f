//! JSON as a worker reads it, lone surrogates included: to look at a message again before it leaves.
//!
//! Written apart from what writes messages, so that a mistake of the one is seen by the other. `serde_json` takes
//! no lone surrogates.

use super::value::Value;

/// Arguments are nested as deep as the configuration nests them, which its reader bounds.
const DEEPEST: u32 = 256;

/// The value, if the text is one JSON value and nothing else.
pub(crate) fn read(text: &[u8]) -> Option<Value> {
    let mut reader = Reader { rest: text, depth: 0 };
    let value = reader.value()?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: u32,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn value(&mut self) -> Option<Value> {
        self.skip_space();
        match self.rest.first()? {
            b'n' => self.take(b"null").map(|()| Value::Null),
            b't' => self.take(b"true").map(|()| Value::Flag(true)),
            b'f' => self.take(b"false").map(|()| Value::Flag(false)),
            b'"' => self.text().map(Value::Text),
            b'[' => self.inside(b']', Self::value).map(Value::List),
            b'{' => self.inside(b'}', Self::member).map(Value::Table),
            _ => self.number(),
        }
    }

    /// What stands between brackets, with commas between.
    fn inside<T>(&mut self, close: u8, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.next()?;
        self.depth += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(&[close]).is_none() {
            loop {
                items.push(Some(()).filter(|()| self.depth < DEEPEST).and_then(|()| one(self))?);
                self.skip_space();
                match self.next()? {
                    b',' => {}
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        self.depth -= 1;
        Some(items)
    }

    fn member(&mut self) -> Option<(Vec<u8>, Value)> {
        self.skip_space();
        let name = self.text()?;
        self.skip_space();
        self.take(b":")?;
        Some((name, self.value()?))
    }

    fn number(&mut self) -> Option<Value> {
        let end = self.rest.iter().position(|byte| !b"+-.eE0123456789".contains(byte));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let digits = std::str::from_utf8(digits).ok()?;
        let whole = digits.parse().ok().map(Value::Integer);
        whole.or_else(|| digits.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float))
    }

    /// A text as the bytes that Python's `os.fsencode` makes of it.
    fn text(&mut self) -> Option<Vec<u8>> {
        self.take(b"\"")?;
        let mut out = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => self.escape(&mut out)?,
                0..=0x1f => return None,
                byte => out.push(byte),
            }
        }
        Some(out)
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => out.push(byte),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let code = self.hex()?;
                match (char::from_u32(code), code) {
                    (Some(c), _) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    // An odd byte of a name.
                    (None, 0xdc80..=0xdcff) => out.push((code - 0xdc00) as u8),
                    // The first half of a pair, which is not written here, or nothing at all.
                    (None, _) => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn hex(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_worker_reads() {
        let text = |text: &[u8]| Value::Text(text.to_vec());
        let read = read(br#" [null, {"a\u00e9": -1.5e3, "b": [ ]}, "x\udcff\n\u2028", true , 12] "#).unwrap();
        let table =
            vec![("aé".as_bytes().to_vec(), Value::Float(-1500.0)), (b"b".to_vec(), Value::List(vec![]))];
        let last = text(b"x\xff\n\xe2\x80\xa8");
        let all = vec![Value::Null, Value::Table(table), last, Value::Flag(true), Value::Integer(12)];
        assert_eq!(read, Value::List(all));
    }

    #[test]
    fn takes_nothing_else() {
        for text in [
            "",
            "[",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "\"\n\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "1 2",
            "nul",
            "--",
            "\"",
            "\"\\u00\"",
            "]",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(&b"[".repeat(1_000_000)), None);
    }
}
