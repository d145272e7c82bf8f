//! Expressions, as they are written.

use super::place::{At, Fault};
use super::token::{Kind, Token};

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) at: At,
    pub(super) form: Form,
    /// How deep its parts lie in one another.
    depth: usize,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A literal that is one token.
    Literal(Kind),
    /// A name.
    Name(String),
    /// `(a, b)`.
    Tuple(Vec<Term>),
    /// `[a, b]`.
    List(Vec<Term>),
    /// `{a, b}`.
    Set(Vec<Term>),
    /// `{a: b}`.
    Dict(Vec<(Term, Term)>),
    /// `a.name`.
    Attribute(Box<Term>, String),
    /// `a(b, name=c)`.
    Call(Box<Term>, Vec<Term>, Vec<(String, Term)>),
    /// `a[b]`.
    Index(Box<Term>, Box<Term>),
    /// `-a`, `~a`, `not a`.
    Unary(&'static str, Box<Term>),
    /// `a + b`, `a == b`, `a or b`, …
    Binary(&'static str, Box<Term>, Box<Term>),
    /// `a if b else c`: b, a, c.
    Choice(Box<Term>, Box<Term>, Box<Term>),
}

/// Deeper expressions are refused: whoever walks through one does it on the stack.
const DEEPEST: usize = 150;

/// Reads a whole expression; a comma outside brackets makes a tuple.
pub(super) fn read(tokens: &[Token]) -> Result<Term, Fault> {
    let mut reader = Reader { tokens, next: 0, depth: 0 };
    let term = reader.tuple(false)?;
    match reader.peek() {
        None => Ok(term),
        Some(token) => Err(Reader::strange(token)),
    }
}

/// What a call is given: in order, and by name.
type Arguments = (Vec<Term>, Vec<(String, Term)>);

struct Reader<'a> {
    tokens: &'a [Token],
    next: usize,
    depth: usize,
}

/// Signs between two parts, and how strongly they bind.
const BINARY: [(&str, u8); 23] = [
    ("or", 2),
    ("and", 3),
    ("in", 5),
    ("not in", 5),
    ("is", 5),
    ("is not", 5),
    ("==", 5),
    ("!=", 5),
    ("<", 5),
    ("<=", 5),
    (">", 5),
    (">=", 5),
    ("|", 6),
    ("^", 7),
    ("&", 8),
    ("<<", 9),
    (">>", 9),
    ("+", 10),
    ("-", 10),
    ("*", 11),
    ("/", 11),
    ("//", 11),
    ("%", 11),
];
const NOT: u8 = 4;
const SIGNED: u8 = 12;

/// Words that are no names.
const KEYWORDS: [&str; 22] = [
    "lambda", "yield", "await", "for", "if", "else", "while", "def", "class", "import", "from", "return",
    "with", "try", "except", "finally", "raise", "del", "global", "assert", "pass", "async",
];

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn is_next(&self, sign: &str) -> bool {
        self.peek().is_some_and(|token| token.is_sign(sign))
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.tokens.get(self.next + ahead).is_some_and(|token| token.is_name(word))
    }

    fn take(&mut self, sign: &str) -> bool {
        let there = self.is_next(sign);
        self.next += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take(sign) {
            return Ok(());
        }
        match self.peek() {
            Some(token) => Err(Self::strange(token)),
            None => Err(self.nothing()),
        }
    }

    fn strange(token: &Token) -> Fault {
        let shown = match &token.kind {
            Kind::Name(name) => name.clone(),
            Kind::Sign(sign) => (*sign).to_owned(),
            _ => "this".to_owned(),
        };
        Fault::new(token.at, format!("\"{shown}\" is not understood here"))
    }

    fn nothing(&self) -> Fault {
        let at = self.tokens.last().map(|token| token.at).unwrap_or_default();
        Fault::new(at, "a value is missing here")
    }

    fn make(at: At, form: Form, depth: usize) -> Result<Term, Fault> {
        if depth > DEEPEST {
            return Err(Fault::new(at, format!("more than {DEEPEST} parts lie in one another")));
        }
        Ok(Term { at, form, depth })
    }

    /// Several with commas between them are a tuple; one is itself.
    fn tuple(&mut self, bracketed: bool) -> Result<Term, Fault> {
        let at = self.peek().ok_or_else(|| self.nothing())?.at;
        if bracketed && self.is_next(")") {
            return Self::make(at, Form::Tuple(Vec::new()), 1);
        }
        let first = self.term(0)?;
        if !self.is_next(",") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(",") {
            if self.peek().is_none_or(|token| token.is_sign(")")) {
                break;
            }
            parts.push(self.term(0)?);
        }
        let depth = deepest(&parts);
        Self::make(at, Form::Tuple(parts), depth + 1)
    }

    /// An expression whose signs bind more strongly than `least`.
    fn term(&mut self, least: u8) -> Result<Term, Fault> {
        self.depth += 1;
        let term = if self.depth > DEEPEST { Err(self.too_deep()) } else { self.chain(least) };
        self.depth -= 1;
        term
    }

    fn too_deep(&self) -> Fault {
        let at = self.peek().map(|token| token.at).unwrap_or_default();
        Fault::new(at, format!("more than {DEEPEST} parts lie in one another"))
    }

    fn chain(&mut self, least: u8) -> Result<Term, Fault> {
        let mut left = self.unary()?;
        let mut compared = false;
        while let Some((sign, words, strength)) = self.binary().filter(|(_, _, strength)| *strength > least) {
            if strength == 5 && std::mem::replace(&mut compared, true) {
                return Err(Fault::new(left.at, "a chain of comparisons is not understood"));
            }
            self.next += words;
            let right = self.term(strength)?;
            let depth = left.depth.max(right.depth) + 1;
            left = Self::make(left.at, Form::Binary(sign, Box::new(left), Box::new(right)), depth)?;
        }
        if least == 0 && self.is_word(0, "if") {
            self.next += 1;
            let condition = self.term(1)?;
            if !self.is_word(0, "else") {
                return Err(self.peek().map_or_else(|| self.nothing(), Self::strange));
            }
            self.next += 1;
            let other = self.term(0)?;
            let depth = condition.depth.max(left.depth).max(other.depth) + 1;
            let at = left.at;
            return Self::make(at, Form::Choice(Box::new(condition), Box::new(left), Box::new(other)), depth);
        }
        Ok(left)
    }

    /// The sign or word that comes next between two parts, how many tokens it is, and how strongly it binds.
    fn binary(&self) -> Option<(&'static str, usize, u8)> {
        let find = |text: &str| BINARY.iter().find(|(sign, _)| *sign == text);
        let (sign, words) = match &self.peek()?.kind {
            Kind::Name(_) if self.is_word(0, "not") && self.is_word(1, "in") => ("not in", 2),
            Kind::Name(_) if self.is_word(0, "is") && self.is_word(1, "not") => ("is not", 2),
            Kind::Name(name) if name != "not in" && name != "is not" => (name.as_str(), 1),
            Kind::Sign(sign) => (*sign, 1),
            _ => return None,
        };
        find(sign).map(|(sign, strength)| (*sign, words, *strength))
    }

    fn unary(&mut self) -> Result<Term, Fault> {
        let token = self.peek().ok_or_else(|| self.nothing())?;
        let (sign, strength) = match &token.kind {
            Kind::Sign(sign @ ("-" | "+" | "~")) => (*sign, SIGNED),
            Kind::Name(name) if name == "not" => ("not", NOT),
            _ => return self.postfix(),
        };
        self.next += 1;
        let inner = self.term(strength)?;
        let depth = inner.depth + 1;
        Self::make(token.at, Form::Unary(sign, Box::new(inner)), depth)
    }

    fn postfix(&mut self) -> Result<Term, Fault> {
        let mut term = self.atom()?;
        loop {
            let at = term.at;
            let depth = term.depth + 1;
            if self.take(".") {
                let token = self.peek().ok_or_else(|| self.nothing())?;
                let name = token.name().ok_or_else(|| Self::strange(token))?.to_owned();
                self.next += 1;
                term = Self::make(at, Form::Attribute(Box::new(term), name), depth)?;
            } else if self.take("[") {
                let index = self.term(0)?;
                self.expect("]")?;
                let depth = depth.max(index.depth + 1);
                term = Self::make(at, Form::Index(Box::new(term), Box::new(index)), depth)?;
            } else if self.take("(") {
                let (given, named) = self.arguments()?;
                let inner = deepest(&given).max(named.iter().map(|(_, term)| term.depth).max().unwrap_or(0));
                term = Self::make(at, Form::Call(Box::new(term), given, named), depth.max(inner + 1))?;
            } else {
                return Ok(term);
            }
        }
    }

    fn arguments(&mut self) -> Result<Arguments, Fault> {
        let (mut given, mut named) = (Vec::new(), Vec::new());
        while !self.take(")") {
            let name = self.peek().and_then(Token::name).map(str::to_owned);
            let equals = self.tokens.get(self.next + 1).is_some_and(|token| token.is_sign("="));
            if let Some(name) = name.filter(|_| equals) {
                self.next += 2;
                named.push((name, self.term(0)?));
            } else {
                given.push(self.term(0)?);
            }
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok((given, named))
    }

    fn atom(&mut self) -> Result<Term, Fault> {
        let token = self.peek().ok_or_else(|| self.nothing())?;
        self.next += 1;
        let at = token.at;
        match &token.kind {
            Kind::Text(_) | Kind::Bytes(_) => self.texts(token),
            Kind::Name(name) if KEYWORDS.contains(&name.as_str()) => Err(Self::strange(token)),
            Kind::Name(name) => Self::make(at, Form::Name(name.clone()), 1),
            Kind::Integer(_) | Kind::Float(_) | Kind::Strange(_) => {
                Self::make(at, Form::Literal(token.kind.clone()), 1)
            }
            Kind::Sign("(") => {
                let inner = self.tuple(true)?;
                self.expect(")")?;
                Self::make(at, inner.form, inner.depth + 1)
            }
            Kind::Sign("[") => {
                let parts = self.parts("]")?;
                let depth = deepest(&parts) + 1;
                Self::make(at, Form::List(parts), depth)
            }
            Kind::Sign("{") => self.braces(at),
            _ => Err(Self::strange(token)),
        }
    }

    /// Texts that stand side by side are one.
    fn texts(&mut self, first: &Token) -> Result<Term, Fault> {
        let mut kind = first.kind.clone();
        while let Some(token) = self.peek() {
            match (&mut kind, &token.kind) {
                (Kind::Text(one), Kind::Text(other)) | (Kind::Bytes(one), Kind::Bytes(other)) => {
                    one.extend_from_slice(other);
                }
                (_, Kind::Strange(why)) => kind = Kind::Strange(why),
                _ => break,
            }
            self.next += 1;
        }
        Self::make(first.at, Form::Literal(kind), 1)
    }

    fn parts(&mut self, closing: &str) -> Result<Vec<Term>, Fault> {
        let mut parts = Vec::new();
        while !self.take(closing) {
            parts.push(self.term(0)?);
            if !self.take(",") {
                self.expect(closing)?;
                break;
            }
        }
        Ok(parts)
    }

    fn braces(&mut self, at: At) -> Result<Term, Fault> {
        let mut pairs = Vec::new();
        if self.take("}") {
            return Self::make(at, Form::Dict(pairs), 1);
        }
        let first = self.term(0)?;
        if !self.take(":") {
            let mut parts = vec![first];
            if self.take(",") {
                parts.extend(self.parts("}")?);
            } else {
                self.expect("}")?;
            }
            let depth = deepest(&parts) + 1;
            return Self::make(at, Form::Set(parts), depth);
        }
        pairs.push((first, self.term(0)?));
        while self.take(",") && !self.is_next("}") {
            let key = self.term(0)?;
            self.expect(":")?;
            pairs.push((key, self.term(0)?));
        }
        self.expect("}")?;
        let depth = pairs.iter().map(|(key, value)| key.depth.max(value.depth)).max().unwrap_or(0);
        Self::make(at, Form::Dict(pairs), depth + 1)
    }
}

fn deepest(parts: &[Term]) -> usize {
    parts.iter().map(|part| part.depth).max().unwrap_or(0)
}
