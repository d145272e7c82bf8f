//! Writes a Python syntax tree in the dialect of `fancy-regex`.

use std::fmt::Write as _;

use super::syntax::{At, Case, Class, Greed, Item, Node, Repeat, Set};
use crate::bytes_as_text::stand_in;

/// The expression, anchored at the start as `re.match` does it.
pub(super) fn anchored(tree: &Node) -> String {
    let mut writer = Writer { out: String::from(r"\A(?:"), captures: tree.refers_to_groups() };
    writer.node(tree, true);
    writer.out.push(')');
    writer.out
}

struct Writer {
    out: String,
    /// Groups capture only when something refers to them: without, the engine is much faster.
    captures: bool,
}

/// A set without members: what can never match.
const NEVER: &str = "[a&&b]";

impl Writer {
    /// `last` says that nothing of the match can follow this node.
    fn node(&mut self, node: &Node, last: bool) {
        match node {
            Node::Literal(code, case) => self.literal(*code, *case),
            Node::Any { newline: true } => self.out.push_str("(?s:.)"),
            Node::Any { newline: false } => self.out.push_str(r"[^\n]"),
            Node::Class(class) => self.class(class),
            Node::At(at) => self.at(*at, last),
            Node::Group { index, body } => {
                let captures = self.captures && index.is_some();
                self.wrapped(if captures { "(" } else { "(?:" }, body, last && !captures);
            }
            Node::Repeat(repeat) => self.repeat(repeat),
            Node::Look { behind, negated, body } => {
                let open = match (behind, negated) {
                    (false, false) => "(?=",
                    (false, true) => "(?!",
                    (true, false) => "(?<=",
                    (true, true) => "(?<!",
                };
                self.wrapped(open, body, !behind);
            }
            Node::Atomic(body) => self.wrapped("(?>", body, last),
            Node::BackReference { group, case, .. } => {
                let open = if *case == Case::Exact { "(?:" } else { "(?i:" };
                let _ = write!(self.out, r"{open}\{group})");
            }
            Node::Conditional { group, yes, no } => {
                let _ = write!(self.out, "(?({group})");
                self.wrapped("(?:", yes, false);
                self.wrapped("|(?:", no, false);
                self.out.push(')');
            }
            Node::Sequence(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    self.node(node, last && at + 1 == nodes.len());
                }
            }
            Node::Either(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    self.out.push_str(if at == 0 { "" } else { "|" });
                    self.node(node, last);
                }
            }
        }
    }

    fn wrapped(&mut self, open: &str, body: &Node, last: bool) {
        self.out.push_str(open);
        self.node(body, last);
        self.out.push(')');
    }

    fn literal(&mut self, code: u32, case: Case) {
        let Some(c) = character(code) else {
            self.out.push_str(NEVER);
            return;
        };
        match case {
            Case::Exact => self.escaped(c),
            Case::FoldAscii if !c.is_ascii_alphabetic() => self.escaped(c),
            Case::FoldAscii => {
                let _ = write!(self.out, "[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase());
            }
            Case::Fold => {
                self.out.push_str("(?i:");
                self.escaped(c);
                self.out.push(')');
            }
        }
    }

    fn escaped(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, r"\x{{{:x}}}", u32::from(c));
        }
    }

    fn at(&mut self, at: At, last: bool) {
        let text = match at {
            At::Start => r"\A",
            At::LineStart => "(?m:^)",
            // Where nothing follows, taking the newline does no harm and needs no look-ahead.
            At::End if last => r"\n?\z",
            At::End => r"(?=\n?\z)",
            At::LineEnd => "(?m:$)",
            At::VeryEnd => r"\z",
            At::WordEdge { negated, ascii } => {
                let word = if ascii { "[0-9A-Za-z_]" } else { r"[\p{L}\p{N}_]" };
                let (here, there) = if negated { ("=", "!") } else { ("!", "=") };
                let _ = write!(self.out, "(?:(?<={word})(?{here}{word})|(?<!{word})(?{there}{word}))");
                return;
            }
        };
        self.out.push_str(text);
    }

    fn repeat(&mut self, repeat: &Repeat) {
        let Repeat { least, most, greed, body } = repeat;
        if body.width().most == 0 {
            // The engine refuses to repeat what has no width; once is as good as often.
            let open = match (least, greed) {
                (0, Greed::Lazy) => "(?:|",
                _ => "(?:",
            };
            self.wrapped(open, body, false);
            if *least == 0 && *greed != Greed::Lazy {
                self.out.pop();
                self.out.push_str("|)");
            }
            return;
        }
        let possessive = *greed == Greed::Possessive;
        self.out.push_str(if possessive { "(?>" } else { "" });
        self.wrapped("(?:", body, false);
        let _ = match (least, most) {
            (least, None) => write!(self.out, "{{{least},}}"),
            (least, Some(most)) => write!(self.out, "{{{least},{most}}}"),
        };
        self.out.push_str(match greed {
            Greed::Greedy => "",
            Greed::Lazy => "?",
            Greed::Possessive => ")",
        });
    }

    fn class(&mut self, class: &Class) {
        let mut members = String::new();
        for &item in &class.items {
            push_item(&mut members, item);
            if let (Case::FoldAscii, Item::Range(low, high)) = (class.case, item) {
                push_other_case(&mut members, low, high);
            }
        }
        let text = match (members.is_empty(), class.negated) {
            (true, false) => NEVER.to_owned(),
            (true, true) => "(?s:.)".to_owned(),
            (false, false) => format!("[{members}]"),
            (false, true) => format!("[^{members}]"),
        };
        if class.case == Case::Fold {
            let _ = write!(self.out, "(?i:{text})");
        } else {
            self.out.push_str(&text);
        }
    }
}

fn push_item(out: &mut String, item: Item) {
    match item {
        Item::Range(low, high) => push_range(out, low, high),
        Item::Set { set, negated, ascii } => {
            let members = match (set, ascii) {
                (Set::Digit, false) => r"\p{Nd}",
                (Set::Digit, true) => "0-9",
                // Python also counts the four separators of information as space.
                (Set::Space, false) => r"\s\x1c-\x1f",
                (Set::Space, true) => r"\t-\r\x20",
                // Python's word characters have no combining marks, but all numbers.
                (Set::Word, false) => r"\p{L}\p{N}_",
                (Set::Word, true) => "0-9A-Za-z_",
            };
            let _ = if negated { write!(out, "[^{members}]") } else { write!(out, "{members}") };
        }
    }
}

/// Surrogates are no characters here: those that stand for bytes become the stand-ins, the
/// others match nothing, as no name contains them.
fn push_range(out: &mut String, low: u32, high: u32) {
    let (from, to) = (u32::from(stand_in(0x80)), u32::from(stand_in(0xff)));
    push_part(out, low, high.min(0xd7ff));
    if low <= 0xdcff && high >= 0xdc80 {
        let shift = |code: u32| from + (code.clamp(0xdc80, 0xdcff) - 0xdc80);
        push_part(out, shift(low), shift(high).min(to));
    }
    push_part(out, low.max(0xe000), high);
}

fn push_part(out: &mut String, low: u32, high: u32) {
    if low <= high {
        let _ = write!(out, r"\x{{{low:x}}}-\x{{{high:x}}}");
    }
}

fn push_other_case(out: &mut String, low: u32, high: u32) {
    for (first, last, other) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
        let (first, last, other) = (u32::from(first), u32::from(last), u32::from(other));
        let (from, to) = (low.max(first), high.min(last));
        if from <= to {
            push_part(out, from - first + other, to - first + other);
        }
    }
}

/// The character of a code point, with surrogates replaced by their stand-ins.
fn character(code: u32) -> Option<char> {
    match code {
        0xdc80..=0xdcff => Some(stand_in((code & 0xff) as u8)),
        _ => char::from_u32(code),
    }
}
