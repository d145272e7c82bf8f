//! From text to a graph of nodes: a tree, but for aliases.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag as WrittenTag};

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

/// The nodes of the only document in `text`.
pub(super) fn parse(text: &str) -> Result<Tree, YamlError> {
    let options = granit_parser::options! {
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut composer = Composer::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        composer.take(event, &span)?;
    }
    if composer.tree.nodes.is_empty() { Err(YamlError::Empty) } else { Ok(composer.tree) }
}

/// Puts events together to nodes.
#[derive(Default)]
struct Composer {
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

impl Composer {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        let place = place_of(span);
        match event {
            Event::DocumentStart(..) => self.document(place)?,
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                // The parser spells a node that is not there as the null that it means.
                let text = if plain && span.is_empty() { String::new() } else { text.into_owned() };
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
