//! From text to a graph of nodes: a tree, but for aliases.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag as WrittenTag};

use super::{DEEPEST, MOST_NODES, Place, YamlError};

/// The index of a node, and of the value that it becomes.
pub(super) type NodeId = usize;

/// What a node is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    /// Nothing is said: the spelling decides.
    Implicit,
    /// Nothing is said, and the scalar is quoted or a block: text.
    Quoted,
    /// A tag of YAML's own namespace: the part behind the prefix.
    Core(String),
    /// Any other.
    Other(String),
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar(String),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) tag: Tag,
    pub(super) content: Content,
    pub(super) place: Place,
}

/// The nodes of one document.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// How many lines of quoted text are moved, each of which costs another pass.
const MOST_MOVES: usize = 100;

/// The nodes of the only document in `text`.
pub(super) fn parse(text: &str) -> Result<Tree, YamlError> {
    let mut text = Cow::Borrowed(text);
    let mut moved = 0;
    for _ in 0..MOST_MOVES {
        match compose(&text) {
            // Each move must get further than the one before.
            Err(Stop::Indent(line)) if line > moved && !is_document_mark(&text, line) => {
                text = Cow::Owned(indented(&text, line));
                moved = line;
            }
            outcome => return outcome.map_err(Stop::into_error),
        }
    }
    compose(&text).map_err(Stop::into_error)
}

/// Why the events ended early.
enum Stop {
    /// YAML 1.1 lets the lines of a quoted scalar begin anywhere, in 1.2 this one is too far to the left.
    Indent(usize),
    Error(YamlError),
}

impl Stop {
    fn into_error(self) -> YamlError {
        match self {
            Self::Error(error) => error,
            Self::Indent(line) => {
                let what = words(&format!("{:?}", ErrorKind::InvalidQuotedScalarIndent));
                YamlError::Syntax { place: Place { line, column: 1 }, what }
            }
        }
    }
}

/// Whether a line begins as documents begin and end: that ends a quoted scalar in both versions.
fn is_document_mark(text: &str, line: usize) -> bool {
    text.split('\n').nth(line - 1).is_some_and(|line| line.starts_with("---") || line.starts_with("..."))
}

/// The text with one line moved to the right. That line is inside of quotes, where blanks at the begin
/// of a line mean nothing.
fn indented(text: &str, line: usize) -> String {
    let mut out = String::with_capacity(text.len() + DEEPEST);
    for (index, found) in text.split_inclusive('\n').enumerate() {
        // Lines are counted from one.
        if index + 1 == line {
            out.push_str(&" ".repeat(DEEPEST));
        }
        out.push_str(found);
    }
    out
}

fn compose(text: &str) -> Result<Tree, Stop> {
    let options = granit_parser::options! {
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut composer = Composer { text, ..Composer::default() };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| match error.kind() {
            ErrorKind::InvalidQuotedScalarIndent => Stop::Indent(error.marker().line()),
            _ => Stop::Error(syntax(&error)),
        })?;
        composer.take(event, &span).map_err(Stop::Error)?;
    }
    if composer.tree.nodes.is_empty() { Err(Stop::Error(YamlError::Empty)) } else { Ok(composer.tree) }
}

/// Puts events together to nodes.
#[derive(Default)]
struct Composer<'a> {
    text: &'a str,
    tree: Tree,
    /// The collections that are not complete, outermost first.
    open: Vec<Open>,
    /// The node of each anchor; the parser numbers them.
    anchors: HashMap<usize, NodeId>,
    names: HashSet<String>,
    documents: usize,
}

/// A collection that is not complete.
struct Open {
    node: NodeId,
    /// In a mapping: the key whose value comes next.
    key: Option<NodeId>,
}

impl Composer<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        let place = place_of(span);
        match event {
            Event::DocumentStart(..) => self.document(place)?,
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let text = match style {
                    // The parser spells a node that is not there as the null that it means.
                    ScalarStyle::Plain if span.is_empty() => String::new(),
                    ScalarStyle::Literal | ScalarStyle::Folded => self.block(text.into_owned(), span),
                    _ => text.into_owned(),
                };
                self.add(tag_of(tag.as_deref(), plain), Content::Scalar(text), anchor, place)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                let node =
                    self.add(tag_of(tag.as_deref(), true), Content::Sequence(Vec::new()), anchor, place)?;
                self.open.push(Open { node, key: None });
            }
            Event::MappingStart(_, anchor, tag) => {
                let node =
                    self.add(tag_of(tag.as_deref(), true), Content::Mapping(Vec::new()), anchor, place)?;
                self.open.push(Open { node, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            Event::Alias(anchor) => {
                if let Some(&node) = self.anchors.get(&anchor) {
                    self.attach(node);
                }
            }
            Event::Anchor(_, name) => self.name(name.into_owned(), place)?,
            _ => {}
        }
        Ok(())
    }

    /// The text of a block scalar. Where the file ends without a line break so does the scalar in the
    /// original; the parser adds one.
    fn block(&self, mut text: String, span: &Span) -> String {
        let end = self.text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let last_line = &self.text[end..];
        let is_blank = |line: &str| line.bytes().all(|byte| byte == b' ');
        // A last line of blanks belongs to the scalar only if it is longer than the indentation.
        let is_part = !is_blank(last_line)
            || text
                .strip_suffix('\n')
                .and_then(|text| text.lines().last())
                .is_some_and(|line| !line.is_empty() && is_blank(line));
        if !last_line.is_empty()
            && is_part
            && span.end.byte_offset() == Some(self.text.len())
            && text.ends_with('\n')
        {
            text.pop();
        }
        text
    }

    fn document(&mut self, place: Place) -> Result<(), YamlError> {
        self.documents += 1;
        if self.documents > 1 { Err(YamlError::SeveralDocuments { place }) } else { Ok(()) }
    }

    /// The original refuses what YAML 1.2 allows: a name that is given again.
    fn name(&mut self, name: String, place: Place) -> Result<(), YamlError> {
        if self.names.contains(&name) {
            return Err(YamlError::DuplicateAnchor { place, name });
        }
        self.names.insert(name);
        Ok(())
    }

    fn add(&mut self, tag: Tag, content: Content, anchor: usize, place: Place) -> Result<NodeId, YamlError> {
        let node = self.tree.nodes.len();
        if node == MOST_NODES {
            return Err(YamlError::TooMuch { place, limit: MOST_NODES, what: "nodes" });
        }
        self.tree.nodes.push(Node { tag, content, place });
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
        self.attach(node);
        Ok(node)
    }

    /// Makes `node` the next part of the innermost collection that is not complete.
    fn attach(&mut self, node: NodeId) {
        let Some(open) = self.open.last_mut() else { return };
        match (&mut self.tree.nodes[open.node].content, open.key.take()) {
            (Content::Sequence(entries), _) => entries.push(node),
            (Content::Mapping(pairs), Some(key)) => pairs.push((key, node)),
            (Content::Mapping(_), None) => open.key = Some(node),
            (Content::Scalar(_), _) => {}
        }
    }
}

const CORE: &str = "tag:yaml.org,2002:";

/// `implicit`: whether the spelling decides where no tag is written.
fn tag_of(tag: Option<&WrittenTag>, implicit: bool) -> Tag {
    let Some(tag) = tag else { return if implicit { Tag::Implicit } else { Tag::Quoted } };
    let (handle, suffix) = tag.parts();
    match tag.suffix_in_namespace(CORE) {
        Some(name) => Tag::Core(name.into_owned()),
        // In the original a lone `!` makes the spelling decide, even where the scalar is quoted.
        None if handle == "!" && suffix.is_empty() || handle.is_empty() && suffix == "!" => Tag::Implicit,
        None => Tag::Other(format!("{handle}{suffix}")),
    }
}

fn place_of(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn syntax(error: &ScanError) -> YamlError {
    let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
    // Whether the parser has sentences for its errors depends on the features of the build; its names
    // for them are always there, and tell as much.
    YamlError::Syntax { place, what: words(&format!("{:?}", error.kind())) }
}

/// `TabNotAllowed` as "tab not allowed".
fn words(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars().take_while(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}
