//! The syntax tree of a Python expression, with the flags resolved at every leaf.

/// How letters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Exact,
    /// `(?i)`.
    Fold,
    /// `(?ai)`: only ASCII letters have two cases.
    FoldAscii,
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// One code point; may be a surrogate, which stands for a byte of invalid UTF-8.
    Literal(u32, Case),
    /// `.`, and whether it matches a newline too.
    Any {
        newline: bool,
    },
    Class(Class),
    At(At),
    /// Non-capturing where `index` is `None`.
    Group {
        index: Option<u32>,
        body: Box<Node>,
    },
    Repeat(Repeat),
    Look {
        behind: bool,
        negated: bool,
        body: Box<Node>,
    },
    Atomic(Box<Node>),
    BackReference {
        group: u32,
        case: Case,
        width: Width,
    },
    Conditional {
        group: u32,
        yes: Box<Node>,
        no: Box<Node>,
    },
    Sequence(Vec<Node>),
    Either(Vec<Node>),
}

/// `[…]`, `\d`, `\w`, `\s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) negated: bool,
    pub(super) items: Vec<Item>,
    pub(super) case: Case,
}

/// A member of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Range(u32, u32),
    Set { set: Set, negated: bool, ascii: bool },
}

/// The named sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Digit,
    Space,
    Word,
}

/// A place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Start,
    LineStart,
    /// `$` without `(?m)`: the end, or before a newline that is the end.
    End,
    LineEnd,
    /// `\Z`.
    VeryEnd,
    WordEdge {
        negated: bool,
        ascii: bool,
    },
}

/// `*`, `+`, `?`, `{…}` and what they repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    pub(super) least: u32,
    pub(super) most: Option<u32>,
    pub(super) greed: Greed,
    pub(super) body: Box<Node>,
}

/// How a repetition gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    Greedy,
    Lazy,
    Possessive,
}

/// The least and the greatest number of characters a part can match; saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) least: u32,
    pub(super) most: u32,
}

impl Width {
    const NONE: Self = Self { least: 0, most: 0 };
    const ONE: Self = Self { least: 1, most: 1 };

    fn then(self, next: Self) -> Self {
        Self { least: self.least.saturating_add(next.least), most: self.most.saturating_add(next.most) }
    }

    fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    fn times(self, least: u32, most: Option<u32>) -> Self {
        let most =
            if self.most == 0 { 0 } else { most.map_or(u32::MAX, |most| self.most.saturating_mul(most)) };
        Self { least: self.least.saturating_mul(least), most }
    }
}

impl Node {
    pub(super) fn width(&self) -> Width {
        match self {
            Node::Literal(..) | Node::Any { .. } | Node::Class(_) => Width::ONE,
            Node::At(_) | Node::Look { .. } => Width::NONE,
            Node::Group { body, .. } | Node::Atomic(body) => body.width(),
            Node::Repeat(repeat) => repeat.body.width().times(repeat.least, repeat.most),
            Node::BackReference { width, .. } => *width,
            Node::Conditional { yes, no, .. } => yes.width().or(no.width()),
            Node::Sequence(nodes) => nodes.iter().map(Node::width).fold(Width::NONE, Width::then),
            Node::Either(nodes) => nodes.iter().map(Node::width).reduce(Width::or).unwrap_or(Width::NONE),
        }
    }

    /// Whether anything here asks what a group matched.
    pub(super) fn refers_to_groups(&self) -> bool {
        match self {
            Node::Literal(..) | Node::Any { .. } | Node::Class(_) | Node::At(_) => false,
            Node::BackReference { .. } | Node::Conditional { .. } => true,
            Node::Group { body, .. } | Node::Atomic(body) | Node::Look { body, .. } => {
                body.refers_to_groups()
            }
            Node::Repeat(repeat) => repeat.body.refers_to_groups(),
            Node::Sequence(nodes) | Node::Either(nodes) => nodes.iter().any(Node::refers_to_groups),
        }
    }
}
