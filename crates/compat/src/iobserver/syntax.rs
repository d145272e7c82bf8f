//! What is wrong with a file's form: in the words of the original's library, and what it means.

use model::text::safe;

/// All mistakes of a file; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxErrors(pub Vec<Mistake>);

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub wrong: Wrong,
    /// The line, or the name that stands there for the second time.
    pub text: Vec<u8>,
    /// Only because the heading above it is wrong: the original counts it, and it needs no mending of its own.
    pub follows: bool,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Neither `[section]` nor `key = value`.
    Line,
    /// The value's quotes or commas.
    Value,
    /// Not as many `]` as `[`.
    Depth,
    /// More than one `[` more than the section it would lie in.
    TooNested {
        /// How many sections a new one could lie in.
        parents: usize,
    },
    /// A key for the second time.
    DuplicateKey {
        /// The line of the first.
        first: usize,
    },
    /// A section for the second time.
    DuplicateSection {
        /// The line of the first.
        first: usize,
    },
    /// Not text in an encoding that can be read.
    Utf16,
}

impl SyntaxErrors {
    /// So many are explained; who has mended those sees the next.
    pub const SHOWN: usize = 20;

    /// How many there are to mend.
    #[must_use]
    pub fn count(&self) -> usize {
        self.own().count()
    }

    fn own(&self) -> impl Iterator<Item = &Mistake> + '_ {
        self.0.iter().filter(|mistake| !mistake.follows)
    }

    /// What the original says of them: of the first only.
    #[must_use]
    pub fn original(&self) -> String {
        match self.0.as_slice() {
            [one] => one.original(),
            several => {
                let line = several.first().map_or(0, |first| first.line);
                format!("Parsing failed with several errors.\nFirst error at line {line}.")
            }
        }
    }

    /// One sentence for each of the first, with the line and how to mend it.
    pub fn explanations(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        self.own().take(Self::SHOWN).map(|mistake| (mistake.line, mistake.explanation()))
    }
}

impl Mistake {
    fn original(&self) -> String {
        let line = self.line;
        match self.wrong {
            Wrong::Line => format!("Invalid line at line \"{line}\"."),
            Wrong::Value => format!("Parse error in value at line {line}."),
            Wrong::Depth => format!("Cannot compute the section depth at line {line}."),
            Wrong::TooNested { .. } => format!("Section too nested at line {line}."),
            Wrong::DuplicateKey { .. } => format!("Duplicate keyword name at line {line}."),
            Wrong::DuplicateSection { .. } => format!("Duplicate section name at line {line}."),
            Wrong::Utf16 => "Invalid line at line \"1\".".into(),
        }
    }

    fn explanation(&self) -> String {
        let text = shown(&self.text);
        match &self.wrong {
            Wrong::Line => format!(
                "`{text}` is neither a section (`[name]`) nor `key = value`. Fix: mend it, or put a # before it"
            ),
            Wrong::Value => format!(
                "the value in `{text}` has a quote that does not end, something behind its closing quote, or a comma \
                 with nothing before it. Fix: write the whole value in one kind of quotes"
            ),
            Wrong::Depth => {
                format!("`{text}` does not close as many brackets as it opens. Fix: write the same number")
            }
            Wrong::TooNested { parents: 0 } => format!(
                "`{text}` stands in no section. Fix: a watch is written `[[path]]` behind a line `[watches]`"
            ),
            Wrong::TooNested { parents } => {
                let (brackets, closing) = ("[".repeat(parents + 1), "]".repeat(parents + 1));
                format!("`{text}` skips a level. Fix: write `{brackets}name{closing}`, or one bracket less")
            }
            Wrong::DuplicateKey { first } => {
                format!("`{text}` stands in line {first} already. Fix: remove one of the two")
            }
            Wrong::DuplicateSection { first } => {
                format!(
                    "section {text} begins in line {first} already. Fix: put both into one, or remove one"
                )
            }
            Wrong::Utf16 => {
                "the file is UTF-16. Fix: save it as UTF-8, without changing anything else".into()
            }
        }
    }
}

/// As much of a line as tells which it is.
fn shown(line: &[u8]) -> String {
    const ENOUGH: usize = 80;
    let line = line.trim_ascii();
    match line.get(..ENOUGH) {
        Some(begin) if line.len() > ENOUGH => format!("{}…", safe(begin)),
        _ => safe(line),
    }
}
