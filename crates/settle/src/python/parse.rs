//! Reads a Python expression by the rules of Python 3.13.

use super::syntax::{At, Case, Class, Greed, Item, Node, Repeat, Width};
use crate::pattern::PatternError;

/// How deep groups may nest: the tree is walked by recursion.
const DEPTH_LIMIT: u32 = 50;

/// Parses the whole expression.
pub(super) fn parse(text: &str) -> Result<Node, PatternError> {
    let mut parser = Parser::new(text);
    let tree = parser.alternatives(Flags::default(), true)?;
    if parser.peek().is_some() {
        return Err(wrong("a closing ) has no opening one"));
    }
    if let Some(group) = parser.asked.iter().find(|&&group| group as usize >= parser.groups.len()) {
        return Err(wrong(format!("there is no group {group}")));
    }
    Ok(tree)
}

pub(super) fn wrong(words: impl std::fmt::Display) -> PatternError {
    PatternError::new(format!("the Python expression is wrong: {words}"))
}

/// The flags that hold at one place.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are Python's flags, each on or off by itself")]
pub(super) struct Flags {
    pub(super) ascii: bool,
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    verbose: bool,
}

impl Flags {
    pub(super) fn case(self) -> Case {
        match (self.ignore_case, self.ascii) {
            (false, _) => Case::Exact,
            (true, false) => Case::Fold,
            (true, true) => Case::FoldAscii,
        }
    }

    fn set(&mut self, flag: char, on: bool) {
        match flag {
            'a' => self.ascii = on,
            'u' => self.ascii = false,
            'i' => self.ignore_case = on,
            'm' => self.multi_line = on,
            's' => self.dot_all = on,
            _ => self.verbose = on,
        }
    }
}

/// A group that was opened; its width is known once it is closed.
struct Group {
    name: Option<String>,
    width: Option<Width>,
}

pub(super) struct Parser {
    chars: Vec<char>,
    at: usize,
    /// By number; number 0 is the whole match and never referred to.
    groups: Vec<Group>,
    /// Groups that conditionals ask for; they may be opened later.
    asked: Vec<u32>,
    /// The number of groups where the outermost open look-behind began.
    behind_since: Option<usize>,
    depth: u32,
}

/// What one turn of the loop found.
enum Piece {
    Node(Node),
    /// A comment, white space in verbose mode, flags.
    Nothing,
}

impl Parser {
    fn new(text: &str) -> Self {
        let whole = Group { name: None, width: None };
        let chars = text.chars().collect();
        Self { chars, at: 0, groups: vec![whole], asked: Vec::new(), behind_since: None, depth: 0 }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn must_next(&mut self) -> Result<char, PatternError> {
        self.next().ok_or_else(|| wrong("it ends in the middle of (?…"))
    }

    fn until(&mut self, end: char) -> Result<String, PatternError> {
        let rest = &self.chars[self.at..];
        let Some(len) = rest.iter().position(|&c| c == end) else {
            return Err(wrong(format!("a group's name is not ended by {end}")));
        };
        let name: String = rest[..len].iter().collect();
        self.at += len + 1;
        if name.is_empty() { Err(wrong("a group's name is missing")) } else { Ok(name) }
    }

    /// `a|b|c` up to `)` or the end. `outermost` is true for the whole expression.
    fn alternatives(&mut self, mut flags: Flags, outermost: bool) -> Result<Node, PatternError> {
        let mut branches = Vec::new();
        loop {
            branches.push(self.sequence(&mut flags, outermost && branches.is_empty())?);
            if !self.take('|') {
                break;
            }
        }
        Ok(if branches.len() == 1 { branches.swap_remove(0) } else { Node::Either(branches) })
    }

    /// One branch. Global flags may stand at its front when it is the `first` of all.
    fn sequence(&mut self, flags: &mut Flags, first: bool) -> Result<Node, PatternError> {
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(c) = self.peek().filter(|&c| c != '|' && c != ')') {
            self.at += 1;
            if flags.verbose && self.skips(c) {
                continue;
            }
            if let Some((least, most)) = self.quantifier(c)? {
                let last = nodes.pop();
                nodes.push(self.repeat(last, least, most)?);
                continue;
            }
            if let Piece::Node(node) = self.piece(c, flags, first && nodes.is_empty())? {
                nodes.push(node);
            }
        }
        Ok(Node::Sequence(nodes))
    }

    /// White space and comments of the verbose mode.
    fn skips(&mut self, c: char) -> bool {
        if c == '#' {
            while self.next().is_some_and(|c| c != '\n') {}
        }
        c == '#' || matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
    }

    fn piece(&mut self, c: char, flags: &mut Flags, front: bool) -> Result<Piece, PatternError> {
        let node = match c {
            '\\' => self.escape(*flags)?,
            '[' => Node::Class(self.class(*flags)?),
            '.' => Node::Any { newline: flags.dot_all },
            '^' => Node::At(if flags.multi_line { At::LineStart } else { At::Start }),
            '$' => Node::At(if flags.multi_line { At::LineEnd } else { At::End }),
            '(' => return self.nested(flags, front),
            other => Node::Literal(u32::from(other), flags.case()),
        };
        Ok(Piece::Node(node))
    }

    fn nested(&mut self, flags: &mut Flags, front: bool) -> Result<Piece, PatternError> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(wrong(format!("groups nest deeper than {DEPTH_LIMIT}")));
        }
        let piece = if self.take('?') {
            self.extension(flags, front)?
        } else {
            Piece::Node(self.capture(None, *flags)?)
        };
        self.depth -= 1;
        Ok(piece)
    }

    /// What follows `(?`.
    fn extension(&mut self, flags: &mut Flags, front: bool) -> Result<Piece, PatternError> {
        let node = match self.must_next()? {
            'P' => self.named(*flags)?,
            ':' => self.group(None, *flags)?,
            '>' => Node::Atomic(Box::new(self.body(*flags)?)),
            '=' => self.look(false, false, *flags)?,
            '!' => self.look(false, true, *flags)?,
            '<' => match self.must_next()? {
                '=' => self.look(true, false, *flags)?,
                '!' => self.look(true, true, *flags)?,
                other => return Err(wrong(format!("(?<{other} is unknown; named groups are (?P<name>…)"))),
            },
            '(' => self.conditional(*flags)?,
            '#' => {
                while self.next().ok_or_else(|| wrong("a comment (?#… is not closed"))? != ')' {}
                return Ok(Piece::Nothing);
            }
            c if c == '-' || is_flag(c) => return self.flags(c, flags, front),
            other => return Err(wrong(format!("(?{other} is unknown"))),
        };
        Ok(Piece::Node(node))
    }

    /// `(?i)`, which holds for the whole expression, or `(?i-s:…)`.
    fn flags(&mut self, first: char, flags: &mut Flags, front: bool) -> Result<Piece, PatternError> {
        let (mut on, mut off, mut minus) = (String::new(), String::new(), false);
        let mut end = first;
        while end != ')' && end != ':' {
            match end {
                '-' if !minus => minus = true,
                'L' => return Err(wrong("the flag L works on bytes only, and names are text here")),
                flag if is_flag(flag) && minus => off.push(flag),
                flag if is_flag(flag) => on.push(flag),
                other => return Err(wrong(format!("the flag {other} is unknown"))),
            }
            end = self.must_next()?;
        }
        check_flags(&on, &off, minus, end)?;
        if end == ')' {
            if !front {
                return Err(wrong(
                    "global flags such as (?i) are allowed at the very start only; use (?i:…)",
                ));
            }
            on.chars().for_each(|flag| flags.set(flag, true));
            return Ok(Piece::Nothing);
        }
        let mut inner = *flags;
        on.chars().for_each(|flag| inner.set(flag, true));
        off.chars().for_each(|flag| inner.set(flag, false));
        self.group(None, inner).map(Piece::Node)
    }

    fn named(&mut self, flags: Flags) -> Result<Node, PatternError> {
        match self.must_next()? {
            '<' => {
                let name = self.until('>')?;
                check_name(&name)?;
                if self.number_of(&name).is_some() {
                    return Err(wrong(format!("the group name {name} is given twice")));
                }
                self.capture(Some(name), flags)
            }
            '=' => {
                let name = self.until(')')?;
                check_name(&name)?;
                let number =
                    self.number_of(&name).ok_or_else(|| wrong(format!("no group is named {name}")))?;
                self.back_reference(number, flags)
            }
            other => Err(wrong(format!("(?P{other} is unknown"))),
        }
    }

    fn number_of(&self, name: &str) -> Option<u32> {
        self.groups.iter().position(|group| group.name.as_deref() == Some(name)).map(|at| at as u32)
    }

    fn capture(&mut self, name: Option<String>, flags: Flags) -> Result<Node, PatternError> {
        let number = self.groups.len();
        self.groups.push(Group { name, width: None });
        let node = self.group(Some(number as u32), flags)?;
        self.groups[number].width = Some(node.width());
        Ok(node)
    }

    fn group(&mut self, index: Option<u32>, flags: Flags) -> Result<Node, PatternError> {
        Ok(Node::Group { index, body: Box::new(self.body(flags)?) })
    }

    /// The inside of a group and its closing parenthesis.
    fn body(&mut self, flags: Flags) -> Result<Node, PatternError> {
        let body = self.alternatives(flags, false)?;
        self.close()?;
        Ok(body)
    }

    fn close(&mut self) -> Result<(), PatternError> {
        if self.take(')') { Ok(()) } else { Err(wrong("a group is never closed by )")) }
    }

    fn look(&mut self, behind: bool, negated: bool, flags: Flags) -> Result<Node, PatternError> {
        let since = self.behind_since;
        if behind {
            self.behind_since = since.or(Some(self.groups.len()));
        }
        let body = Box::new(self.body(flags)?);
        self.behind_since = since;
        let width = body.width();
        if behind && width.least != width.most {
            return Err(wrong("what a look-behind (?<… looks for must have a fixed length"));
        }
        Ok(Node::Look { behind, negated, body })
    }

    fn conditional(&mut self, flags: Flags) -> Result<Node, PatternError> {
        let name = self.until(')')?;
        let group = match self.number_of(&name) {
            Some(number) => number,
            None => name.parse().map_err(|_| wrong(format!("no group is named {name}")))?,
        };
        if group == 0 || group > 10_000 {
            return Err(wrong(format!("{group} is no number of a group")));
        }
        if self.groups.get(group as usize).is_some_and(|group| group.width.is_none()) {
            return Err(wrong(format!("(?({group})… stands inside group {group}, which is not supported")));
        }
        self.asked.push(group);
        self.refuse_inside_behind(group)?;
        let yes = self.sequence(&mut flags.clone(), false)?;
        let no =
            if self.take('|') { self.sequence(&mut flags.clone(), false)? } else { Node::Sequence(vec![]) };
        if self.peek() == Some('|') {
            return Err(wrong("(?(…)…|…) has more than two branches"));
        }
        self.close()?;
        Ok(Node::Conditional { group, yes: Box::new(yes), no: Box::new(no) })
    }

    pub(super) fn back_reference(&mut self, group: u32, flags: Flags) -> Result<Node, PatternError> {
        let Some(target) = self.groups.get(group as usize).filter(|_| group > 0) else {
            return Err(wrong(format!("there is no group {group} before this place")));
        };
        let Some(width) = target.width else {
            return Err(wrong(format!("group {group} is still open and cannot be referred to")));
        };
        self.refuse_inside_behind(group)?;
        Ok(Node::BackReference { group, case: flags.case(), width })
    }

    fn refuse_inside_behind(&self, group: u32) -> Result<(), PatternError> {
        match self.behind_since {
            Some(since) if group as usize >= since => {
                Err(wrong("a look-behind cannot refer to a group that is inside it"))
            }
            _ => Ok(()),
        }
    }

    /// The numbers of a quantifier that begins with `c`. A `{` that begins none is a literal.
    fn quantifier(&mut self, c: char) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        match c {
            '*' => Ok(Some((0, None))),
            '+' => Ok(Some((1, None))),
            '?' => Ok(Some((0, Some(1)))),
            '{' if self.peek() != Some('}') => {
                let before = self.at;
                let counts = self.counts()?;
                if counts.is_none() {
                    self.at = before;
                }
                Ok(counts)
            }
            _ => Ok(None),
        }
    }

    fn counts(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        let low = self.digits();
        let high = if self.take(',') { self.digits() } else { low.clone() };
        if !self.take('}') {
            return Ok(None);
        }
        let number = |digits: &str| digits.parse().map_err(|_| wrong("a repetition's number is too large"));
        let least: u32 = if low.is_empty() { 0 } else { number(&low)? };
        let most: Option<u32> = if high.is_empty() { None } else { Some(number(&high)?) };
        if most.is_some_and(|most| most < least) {
            return Err(wrong(format!("{{{low},{high}}} runs backwards")));
        }
        Ok(Some((least, most)))
    }

    fn digits(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn repeat(&mut self, body: Option<Node>, least: u32, most: Option<u32>) -> Result<Node, PatternError> {
        let body = match body {
            None | Some(Node::At(_)) => return Err(wrong("a repetition such as * has nothing to repeat")),
            Some(Node::Repeat(_)) => return Err(wrong("two repetitions such as ** follow each other")),
            Some(node) => Box::new(node),
        };
        let greed = if self.take('?') {
            Greed::Lazy
        } else if self.take('+') {
            Greed::Possessive
        } else {
            Greed::Greedy
        };
        Ok(Node::Repeat(Repeat { least, most, greed, body }))
    }

    fn class(&mut self, flags: Flags) -> Result<Class, PatternError> {
        let unclosed = || wrong("a set [… is never closed by ]");
        let negated = self.take('^');
        let mut items: Vec<Item> = Vec::new();
        loop {
            let c = self.next().ok_or_else(unclosed)?;
            if c == ']' && !items.is_empty() {
                break;
            }
            let low = self.class_item(c, flags)?;
            if !self.take('-') {
                items.push(low);
                continue;
            }
            let end = self.next().ok_or_else(unclosed)?;
            if end == ']' {
                items.extend([low, Item::Range(u32::from('-'), u32::from('-'))]);
                break;
            }
            items.push(range(low, self.class_item(end, flags)?)?);
        }
        Ok(Class { negated, items, case: flags.case() })
    }
}

fn range(low: Item, high: Item) -> Result<Item, PatternError> {
    match (low, high) {
        (Item::Range(low, _), Item::Range(high, _)) if low <= high => Ok(Item::Range(low, high)),
        (Item::Range(..), Item::Range(..)) => Err(wrong("a range a-b in […] runs backwards")),
        _ => Err(wrong("a range a-b in […] has a set such as \\d at one end")),
    }
}

fn is_flag(c: char) -> bool {
    matches!(c, 'a' | 'i' | 'L' | 'm' | 's' | 'u' | 'x')
}

fn check_flags(on: &str, off: &str, minus: bool, end: char) -> Result<(), PatternError> {
    let words = if minus && off.is_empty() {
        "a - in flags must be followed by the flags to turn off"
    } else if minus && end == ')' {
        "flags are turned off for a group only: (?-i:…)"
    } else if off.contains(['a', 'u']) {
        "the flags a and u cannot be turned off"
    } else if on.contains('a') && on.contains('u') {
        "the flags a and u exclude each other"
    } else if on.contains(|flag| off.contains(flag)) {
        "a flag is turned on and off at once"
    } else {
        return Ok(());
    };
    Err(wrong(words))
}

fn check_name(name: &str) -> Result<(), PatternError> {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if starts && chars.all(|c| c.is_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(wrong(format!("{} is no name for a group", name.escape_debug())))
}
