//! Globs, compiled to the cheapest test that decides them.
//!
//! Names are matched as characters where they are UTF-8, so that `?` and `[äö]` mean what they
//! say; a byte that is not UTF-8 counts as one character of its own.

use regex::{Regex, RegexBuilder};

use crate::bytes_as_text::decode;
use crate::pattern::{COMPILED_LIMIT, PatternError, Subject, regex_words};

/// A parsed glob.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    scope: Scope,
    test: Test,
}

/// What a glob is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The last name.
    Name,
    /// The whole relative path.
    Path,
}

#[derive(Debug, Clone)]
enum Test {
    Everything,
    Equals(Box<[u8]>),
    EndsWith(Box<[u8]>),
    StartsWith(Box<[u8]>),
    /// The literal ends are compared first: most names fail there and never see the regex.
    Regex {
        prefix: Box<[u8]>,
        suffix: Box<[u8]>,
        regex: Regex,
    },
}

impl Glob {
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        refuse_hopeless(text)?;
        let scope = if text.contains('/') { Scope::Path } else { Scope::Name };
        let body = text.strip_prefix('/').unwrap_or(text);
        let simple = simple(body, scope).map(Ok);
        Ok(Self { scope, test: simple.unwrap_or_else(|| compile(body))? })
    }

    pub(crate) fn takes(&self, subject: Subject<'_>) -> bool {
        let subject = match self.scope {
            Scope::Name => subject.name,
            Scope::Path => subject.path,
        };
        match &self.test {
            Test::Everything => true,
            Test::Equals(literal) => subject == &**literal,
            // One byte tells most names apart, without a call to compare memory.
            Test::EndsWith(literal) => subject.last() == literal.last() && subject.ends_with(literal),
            Test::StartsWith(literal) => subject.first() == literal.first() && subject.starts_with(literal),
            Test::Regex { prefix, suffix, regex } => {
                subject.starts_with(prefix) && subject.ends_with(suffix) && regex.is_match(&decode(subject))
            }
        }
    }
}

/// Globs that no path can match are mistakes, and silence would hide them.
fn refuse_hopeless(text: &str) -> Result<(), PatternError> {
    let wrong = if text.is_empty() {
        "the pattern is empty and matches nothing; write * for everything"
    } else if text.ends_with('/') {
        "the pattern ends with /, which no path does; write the directory's name without it"
    } else if text.contains("//") {
        "the pattern contains //, which no path does"
    } else if text.split('/').any(|name| name == "." || name == "..") {
        "the pattern contains . or .. as a directory; patterns are relative to the source's path"
    } else {
        return Ok(());
    };
    Err(PatternError::new(wrong))
}

/// The tests that need no regex.
fn simple(text: &str, scope: Scope) -> Option<Test> {
    if text.contains(['?', '[', ']', '{', '}', '\\']) {
        return None;
    }
    let literal = |text: &str| text.as_bytes().into();
    if !text.contains('*') {
        return Some(Test::Equals(literal(text)));
    }
    if scope == Scope::Path {
        return (text == "**/*" || text == "**").then_some(Test::Everything);
    }
    let (head, tail) = (text.trim_end_matches('*'), text.trim_start_matches('*'));
    match (head.contains('*'), tail.contains('*')) {
        _ if tail.is_empty() => Some(Test::Everything),
        (_, false) => Some(Test::EndsWith(literal(tail))),
        (false, _) => Some(Test::StartsWith(literal(head))),
        _ => None,
    }
}

fn compile(text: &str) -> Result<Test, PatternError> {
    let expression = Translator::new(text).translate()?;
    let regex = RegexBuilder::new(&expression)
        .dot_matches_new_line(true)
        .size_limit(COMPILED_LIMIT)
        .dfa_size_limit(COMPILED_LIMIT)
        .build()
        .map_err(|error| PatternError::new(regex_words(&error)))?;
    let (prefix, suffix) = literal_ends(text);
    Ok(Test::Regex { prefix: prefix.as_bytes().into(), suffix: suffix.as_bytes().into(), regex })
}

/// What every match begins and ends with; empty where that is not plain to see.
fn literal_ends(text: &str) -> (&str, &str) {
    if text.contains('\\') {
        return ("", "");
    }
    let prefix = &text[..text.find(['*', '?', '[', '{']).unwrap_or(0)];
    let suffix = text.rfind(['*', '?', ']', '}']).map_or("", |at| &text[at + 1..]);
    // `**/x` also matches `x`: the slash belongs to the stars.
    (prefix, suffix.strip_prefix('/').unwrap_or(suffix))
}

/// Turns a glob into an anchored regex over characters.
struct Translator<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    braces: u32,
    /// Whether the last thing read was `/` or the beginning.
    at_component: bool,
}

impl<'a> Translator<'a> {
    fn new(text: &'a str) -> Self {
        Self { chars: text.chars().peekable(), out: String::from(r"\A(?:"), braces: 0, at_component: true }
    }

    fn translate(mut self) -> Result<String, PatternError> {
        while let Some(c) = self.chars.next() {
            let at_component = std::mem::replace(&mut self.at_component, c == '/');
            match c {
                '*' => self.stars(at_component),
                '?' => self.out.push_str("[^/]"),
                '[' => self.class()?,
                '{' => {
                    self.braces += 1;
                    self.out.push_str("(?:");
                }
                ',' if self.braces > 0 => self.out.push('|'),
                '}' if self.braces > 0 => {
                    self.braces -= 1;
                    self.out.push(')');
                }
                '}' => return Err(PatternError::new(r"} without {; write \} for the character itself")),
                '\\' => match self.chars.next() {
                    Some(escaped) => self.literal(escaped),
                    None => {
                        return Err(PatternError::new(r"it ends with \, which escapes nothing; write \\"));
                    }
                },
                other => self.literal(other),
            }
        }
        if self.braces > 0 {
            return Err(PatternError::new(r"{ is never closed; write \{ for the character itself"));
        }
        self.out.push_str(r")\z");
        Ok(self.out)
    }

    fn literal(&mut self, c: char) {
        self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    fn stars(&mut self, at_component: bool) {
        let mut count = 1;
        while self.chars.next_if_eq(&'*').is_some() {
            count += 1;
        }
        let whole = count == 2 && at_component && self.braces == 0;
        match self.chars.peek() {
            Some('/') if whole => {
                self.chars.next();
                self.at_component = true;
                self.out.push_str("(?:[^/]+/)*");
            }
            None if whole => self.out.push_str(".+"),
            _ => self.out.push_str("[^/]*"),
        }
    }

    fn class(&mut self) -> Result<(), PatternError> {
        let unclosed = || PatternError::new(r"[ is never closed; write \[ for the character itself");
        let negated = self.chars.next_if(|&c| c == '!' || c == '^').is_some();
        self.out.push_str(if negated { "[^/" } else { "[" });
        let mut first = true;
        loop {
            let c = self.chars.next().ok_or_else(unclosed)?;
            match c {
                ']' if !first => break,
                '[' if self.chars.peek() == Some(&':') => {
                    return Err(PatternError::new("names like [:alpha:] are unknown; write [a-zA-Z]"));
                }
                _ => self.range(c).ok_or_else(unclosed)??,
            }
            first = false;
        }
        // A class never matches the separator, even where a range spans it.
        self.out.push_str(if negated { "]" } else { "&&[^/]]" });
        Ok(())
    }

    /// One character or range of a class; `None` when the text ends within it.
    fn range(&mut self, c: char) -> Option<Result<(), PatternError>> {
        let low = if c == '\\' { self.chars.next()? } else { c };
        let mut ahead = self.chars.clone();
        let mut high = low;
        if ahead.next() == Some('-') && ahead.next()? != ']' {
            self.chars.next();
            let end = self.chars.next()?;
            high = if end == '\\' { self.chars.next()? } else { end };
        }
        if high < low {
            let words = format!("the range {low}-{high} in […] runs backwards");
            return Some(Err(PatternError::new(words)));
        }
        let range = format!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high));
        self.out.push_str(&range);
        Some(Ok(()))
    }
}
