//! From the text of a Python file to its tokens: names, numbers, texts, signs, and where lines and blocks end.

use super::letters;
use super::place::{At, Fault};

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: At,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Name(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text: as the bytes that `os.fsencode` makes of it.
    Text(Vec<u8>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Something that has a value that is not worked out here, and why.
    Strange(&'static str),
    /// A sign.
    Sign(&'static str),
    /// The end of a logical line.
    Newline,
    /// The next line lies deeper.
    Indent,
    /// A block has ended.
    Dedent,
}

impl Token {
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(&self.kind, Kind::Sign(own) if *own == sign)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(&self.kind, Kind::Name(own) if own == name)
    }

    pub(super) fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Longest first.
const SIGNS: [&str; 47] = [
    "**=", "//=", ">>=", "<<=", "...", "->", ":=", "==", "!=", "<=", ">=", "<<", ">>", "**", "//", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=",
    "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "@",
];

/// As in Python: blocks and brackets may not lie deeper in one another.
const DEEPEST: usize = 100;

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer::new(text.strip_prefix('\u{feff}').unwrap_or(text));
    lexer.run()?;
    Ok(lexer.tokens)
}

pub(super) struct Lexer<'a> {
    pub(super) rest: &'a str,
    pub(super) at: At,
    tokens: Vec<Token>,
    /// Brackets that are open.
    open: Vec<(char, At)>,
    /// How deep the blocks lie that are open; the first is 0.
    depths: Vec<usize>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        let at = At { line: 1, column: 1 };
        Self { rest: text, at, tokens: Vec::new(), open: Vec::new(), depths: vec![0] }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The next character, with the place moved behind it. A carriage return before a newline is part of it.
    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        if next == '\r' && self.rest.starts_with('\n') {
            return self.next();
        }
        let newline = next == '\n' || next == '\r';
        self.at = if newline {
            At { line: self.at.line + 1, column: 1 }
        } else {
            At { column: self.at.column + 1, ..self.at }
        };
        Some(if newline { '\n' } else { next })
    }

    pub(super) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }

    fn push(&mut self, kind: Kind, at: At) {
        self.tokens.push(Token { kind, at });
    }

    fn run(&mut self) -> Result<(), Fault> {
        let mut fresh = true;
        while !self.rest.is_empty() {
            if std::mem::take(&mut fresh) && self.open.is_empty() {
                self.indentation()?;
            }
            let at = self.at;
            match self.peek() {
                None => break,
                Some('\n' | '\r') => {
                    self.next();
                    fresh = true;
                    self.end_line(at);
                }
                Some(' ' | '\t' | '\x0c') => self.skip(1),
                Some('#') => self.comment(),
                Some('\\') => self.continuation(at)?,
                Some(_) => self.token(at)?,
            }
        }
        if let Some((bracket, at)) = self.open.first() {
            return Err(Fault::new(*at, format!("this \"{bracket}\" is never closed")));
        }
        self.end_line(self.at);
        for _ in 1..self.depths.len() {
            self.push(Kind::Dedent, self.at);
        }
        Ok(())
    }

    fn end_line(&mut self, at: At) {
        let empty = matches!(
            self.tokens.last().map(|token| &token.kind),
            None | Some(Kind::Newline | Kind::Indent | Kind::Dedent)
        );
        if self.open.is_empty() && !empty {
            self.push(Kind::Newline, at);
        }
    }

    fn comment(&mut self) {
        while !matches!(self.peek(), None | Some('\n' | '\r')) {
            self.next();
        }
    }

    fn continuation(&mut self, at: At) -> Result<(), Fault> {
        self.next();
        match self.next() {
            Some('\n') | None => Ok(()),
            Some(_) => Err(Fault::new(at, "a backslash must be the last character of its line")),
        }
    }

    /// How deep the line begins: a tab goes on to the next multiple of eight.
    fn indentation(&mut self) -> Result<(), Fault> {
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(' ') => depth += 1,
                Some('\t') => depth = (depth / 8 + 1) * 8,
                Some('\x0c') => depth = 0,
                // Lines with nothing on them have no depth.
                None | Some('\n' | '\r' | '#') => return Ok(()),
                Some(_) => break,
            }
            self.next();
        }
        let at = self.at;
        if self.depths.last().is_some_and(|last| depth > *last) {
            if self.depths.len() > DEEPEST {
                return Err(Fault::new(at, format!("more than {DEEPEST} blocks lie in one another")));
            }
            self.depths.push(depth);
            self.push(Kind::Indent, at);
            return Ok(());
        }
        while self.depths.last().is_some_and(|last| depth < *last) {
            self.depths.pop();
            self.push(Kind::Dedent, at);
        }
        if self.depths.last() == Some(&depth) {
            return Ok(());
        }
        Err(Fault::new(at, "this line is indented as no line above it"))
    }

    fn token(&mut self, at: At) -> Result<(), Fault> {
        if let Some(prefix) = letters::prefix(self.rest) {
            let kind = self.letters(prefix)?;
            self.push(kind, at);
            return Ok(());
        }
        let next = self.peek().unwrap_or_default();
        let second = self.rest.chars().nth(1).unwrap_or_default();
        if next.is_ascii_digit() || (next == '.' && second.is_ascii_digit()) {
            let kind = self.number();
            self.push(kind, at);
            return Ok(());
        }
        if next == '_' || next.is_alphabetic() {
            let name = self.take_while(|c| c == '_' || c.is_alphanumeric());
            self.push(Kind::Name(name), at);
            return Ok(());
        }
        let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) else {
            return Err(Fault::new(at, format!("the character {next:?} has no meaning here")));
        };
        self.skip(sign.len());
        self.bracket(sign, at)?;
        self.push(Kind::Sign(sign), at);
        Ok(())
    }

    fn bracket(&mut self, sign: &str, at: At) -> Result<(), Fault> {
        let closing = match sign {
            "(" => ')',
            "[" => ']',
            "{" => '}',
            ")" | "]" | "}" => {
                return match self.open.pop() {
                    Some((open, _)) if closes(open, sign) => Ok(()),
                    Some((open, _)) => Err(Fault::new(at, format!("\"{sign}\" does not close \"{open}\""))),
                    None => Err(Fault::new(at, format!("there is nothing for \"{sign}\" to close"))),
                };
            }
            _ => return Ok(()),
        };
        if self.open.len() >= DEEPEST {
            return Err(Fault::new(at, format!("more than {DEEPEST} brackets lie in one another")));
        }
        let open = match closing {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        self.open.push((open, at));
        Ok(())
    }

    fn take_while(&mut self, is: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(next) = self.peek().filter(|next| is(*next)) {
            taken.push(next);
            self.next();
        }
        taken
    }

    fn number(&mut self) -> Kind {
        let mut text = self.take_while(|c| c == '_' || c == '.' || c.is_ascii_alphanumeric());
        let exponent = text.ends_with(['e', 'E']) && !text.starts_with("0x") && !text.starts_with("0X");
        if exponent && matches!(self.peek(), Some('+' | '-')) {
            text.extend(self.next());
            text.push_str(&self.take_while(|c| c == '_' || c.is_ascii_digit()));
        }
        number(&text.replace('_', "").to_ascii_lowercase())
    }
}

fn closes(open: char, sign: &str) -> bool {
    matches!((open, sign), ('(', ")") | ('[', "]") | ('{', "}"))
}

fn number(text: &str) -> Kind {
    let based = |digits: &str, base| i64::from_str_radix(digits, base).ok();
    let whole = if let Some(digits) = text.strip_prefix("0x") {
        based(digits, 16)
    } else if let Some(digits) = text.strip_prefix("0o") {
        based(digits, 8)
    } else if let Some(digits) = text.strip_prefix("0b") {
        based(digits, 2)
    } else if text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Zeros are the only number that may begin with one.
        text.bytes().all(|byte| byte == b'0').then_some(0)
    } else {
        text.parse().ok()
    };
    if let Some(whole) = whole {
        return Kind::Integer(whole);
    }
    let fraction = text.contains(['.', 'e']) && !text.starts_with("0x");
    match text.parse::<f64>() {
        Ok(float) if fraction => Kind::Float(float),
        _ => Kind::Strange("such a number is not read"),
    }
}
