//! The `ConfigObj` dialect: INI with nested sections (`[a]`, `[[b]]` in it), quotes, lists and comments.
//!
//! Values are bytes, because most of them are paths. There is no interpolation: what looks like one is found by
//! [`Section::interpolations`]. Every mistake of a file is found, not only the first.

mod line;
mod value;

use std::collections::HashMap;

pub use value::Value;

use self::line::{Heading, Line};
use super::syntax::{Mistake, SyntaxErrors, Wrong};

/// A section, or the file itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// What stands in it, in the order of the file; no name twice.
    pub entries: Vec<Entry>,
}

/// A name in a section, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without its quotes.
    pub name: Vec<u8>,
    /// The line it begins in, from 1.
    pub line: usize,
    /// What it stands for.
    pub item: Item,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `name = value`.
    Value(Value),
    /// `[name]`.
    Section(Section),
}

impl Section {
    /// Reads a file.
    pub fn read(bytes: &[u8]) -> Result<Self, SyntaxErrors> {
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(SyntaxErrors(vec![Mistake {
                line: 1,
                wrong: Wrong::Utf16,
                text: Vec::new(),
                follows: false,
            }]));
        }
        let lines = lines(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let mut reader = Reader { open: vec![Open::new(b"", 0)], mistakes: Vec::new(), lost: false };
        let mut at = 0;
        while at < lines.len() {
            at = reader.line(&lines, at);
        }
        reader.close_to(1);
        match reader.open.pop() {
            Some(root) if reader.mistakes.is_empty() => Ok(root.section),
            _ => Err(SyntaxErrors(reader.mistakes)),
        }
    }

    /// The entry of that name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The lines in which something stands that another dialect would put a value in for.
    #[must_use]
    pub fn interpolations(&self) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let mut left = vec![self];
        while let Some(section) = left.pop() {
            for entry in &section.entries {
                match &entry.item {
                    Item::Section(below) => left.push(below),
                    Item::Value(value) if value.texts().iter().any(|text| is_interpolation(text)) => {
                        found.push(entry.line);
                    }
                    Item::Value(_) => {}
                }
            }
        }
        found.sort_unstable();
        found
    }
}

/// `%(name)s`, `$name` or `${name}`.
fn is_interpolation(text: &[u8]) -> bool {
    let percent = text.windows(2).position(|two| two == b"%(");
    let percent = percent.is_some_and(|at| text[at..].windows(2).any(|two| two == b")s"));
    let begins = |byte: u8| byte == b'{' || byte == b'_' || byte.is_ascii_alphabetic();
    percent || text.windows(2).any(|two| two[0] == b'$' && begins(two[1]))
}

/// Lines end as Python ends them: with `\n`, `\r\n` or `\r`.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
        lines.push(&rest[..end]);
        let mark = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = rest.get(end + mark..).unwrap_or_default();
    }
    lines
}

struct Reader {
    /// The sections that a line may belong to: the file, a section in it, one in that. Each is put into the one
    /// before it when it ends.
    open: Vec<Open>,
    mistakes: Vec<Mistake>,
    /// The last heading was wrong: what follows it may belong somewhere else than it seems.
    lost: bool,
}

/// A section that goes on.
struct Open {
    name: Vec<u8>,
    line: usize,
    section: Section,
    /// The line of each name in it, the section that is open in it among them.
    used: HashMap<Vec<u8>, usize>,
}

impl Open {
    fn new(name: &[u8], line: usize) -> Self {
        Self { name: name.to_vec(), line, section: Section::default(), used: HashMap::new() }
    }
}

impl Reader {
    /// Takes the line at `at` and gives the next one's place.
    fn line(&mut self, lines: &[&[u8]], at: usize) -> usize {
        let number = at + 1;
        let text = lines[at];
        match line::sort(text) {
            Line::Blank => at + 1,
            Line::Invalid => {
                self.mistake(number, Wrong::Line, text);
                at + 1
            }
            Line::Heading(heading) => {
                let wrong = self.heading(number, heading).err();
                self.lost = wrong.is_some();
                if let Some(wrong) = wrong {
                    self.mistake(number, wrong, text);
                }
                at + 1
            }
            Line::Keyword { name, rest } => {
                let (value, next) = value::read(rest, lines, at);
                if let Err((wrong, text)) = self.keyword(number, name, value.ok_or((Wrong::Value, text))) {
                    self.mistake(number, wrong, text);
                }
                next
            }
        }
    }

    fn keyword<'a>(
        &mut self,
        line: usize,
        name: &'a [u8],
        value: Result<Value, (Wrong, &'a [u8])>,
    ) -> Result<(), (Wrong, &'a [u8])> {
        let item = Item::Value(value?);
        let depth = self.open.len();
        self.claim(depth, name, line).map_err(|first| (Wrong::DuplicateKey { first }, name))?;
        self.open[depth - 1].section.entries.push(Entry { name: name.to_vec(), line, item });
        Ok(())
    }

    /// The number of brackets says how deep the section lies: 1 in the file itself.
    fn heading(&mut self, line: usize, heading: Heading<'_>) -> Result<(), Wrong> {
        let depth = heading.opened;
        if depth != heading.closed {
            return Err(Wrong::Depth);
        }
        if depth > self.open.len() {
            return Err(Wrong::TooNested { parents: self.open.len() - 1 });
        }
        self.claim(depth, heading.name, line).map_err(|first| Wrong::DuplicateSection { first })?;
        self.close_to(depth);
        self.open.push(Open::new(heading.name, line));
        Ok(())
    }

    /// Takes a name in the innermost of the first `depth` open sections; if it is taken, gives the line where.
    fn claim(&mut self, depth: usize, name: &[u8], line: usize) -> Result<(), usize> {
        let used = &mut self.open[depth - 1].used;
        if let Some(first) = used.get(name) {
            return Err(*first);
        }
        used.insert(name.to_vec(), line);
        Ok(())
    }

    /// Ends sections until so many are open.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            let ended = self.open.pop();
            if let (Some(Open { name, line, section, .. }), Some(outer)) = (ended, self.open.last_mut()) {
                outer.section.entries.push(Entry { name, line, item: Item::Section(section) });
            }
        }
    }

    fn mistake(&mut self, line: usize, wrong: Wrong, text: &[u8]) {
        let follows = self.lost && matches!(wrong, Wrong::DuplicateKey { .. });
        self.mistakes.push(Mistake { line, wrong, text: text.to_vec(), follows });
    }
}

#[cfg(test)]
mod tests;
