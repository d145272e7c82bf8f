//! From nodes to values.

use super::resolve::{self, Type};
use super::tree::{Content, Node, NodeId, Tag, Tree};
use super::value::{Value, as_dictionary};
use super::{DEEPEST, MOST_NODES, Place, YamlError, number, timestamp};

/// The values of all nodes that belong to the document; nodes that only merge keys use have none.
pub(super) fn construct(tree: &mut Tree) -> Result<Vec<Option<Value>>, YamlError> {
    let mut values: Vec<Option<Value>> = Vec::new();
    values.resize_with(tree.nodes.len(), || None);
    let mut merging = Merging { merged: 0 };
    let mut wanted = vec![tree.root];
    while let Some(id) = wanted.pop() {
        if values[id].is_some() {
            continue;
        }
        if matches!(type_of(&tree.nodes[id])?, Kind::Map) {
            merging.flatten(tree, id, 0)?;
            for &(key, _) in mapping_of(&tree.nodes[id])? {
                values[key] = Some(key_value(tree, key)?);
            }
        }
        let value = value_of(tree, id, &values)?;
        push_parts(&value, &tree.nodes[id], &mut wanted);
        values[id] = Some(value);
    }
    Ok(values)
}

/// What a node is to become.
enum Kind {
    Scalar(Type),
    Binary,
    List,
    Map,
    Pairs,
    Set,
}

fn type_of(node: &Node) -> Result<Kind, YamlError> {
    let unknown = |tag: &str| Err(YamlError::UnknownTag { place: node.place, tag: tag.to_owned() });
    match (&node.tag, &node.content) {
        (Tag::Implicit, Content::Scalar(text)) => match resolve::resolve(text) {
            Type::Merge => unknown("tag:yaml.org,2002:merge"),
            Type::Value => unknown("tag:yaml.org,2002:value"),
            found => Ok(Kind::Scalar(found)),
        },
        (Tag::Quoted, _) => Ok(Kind::Scalar(Type::Text)),
        (Tag::Implicit, Content::Sequence(_)) => Ok(Kind::List),
        (Tag::Implicit, Content::Mapping(_)) => Ok(Kind::Map),
        (Tag::Other(tag), _) => unknown(tag),
        (Tag::Core(name), _) => match name.as_str() {
            "null" => Ok(Kind::Scalar(Type::Null)),
            "bool" => Ok(Kind::Scalar(Type::Bool)),
            "int" => Ok(Kind::Scalar(Type::Int)),
            "float" => Ok(Kind::Scalar(Type::Float)),
            "timestamp" => Ok(Kind::Scalar(Type::Timestamp)),
            "str" => Ok(Kind::Scalar(Type::Text)),
            "binary" => Ok(Kind::Binary),
            "seq" => Ok(Kind::List),
            "map" => Ok(Kind::Map),
            "omap" | "pairs" => Ok(Kind::Pairs),
            "set" => Ok(Kind::Set),
            _ => unknown(&format!("tag:yaml.org,2002:{name}")),
        },
    }
}

/// The value of a node; the keys of a mapping must have theirs.
fn value_of(tree: &Tree, id: NodeId, values: &[Option<Value>]) -> Result<Value, YamlError> {
    let node = &tree.nodes[id];
    let needs = |wanted| Err(YamlError::Kind { place: node.place, wanted });
    match (type_of(node)?, &node.content) {
        (Kind::Scalar(found), _) => scalar(found, scalar_text(tree, id)?, node.place),
        (Kind::Binary, _) => scalar_text(tree, id).map(|_| Value::Binary),
        (Kind::List, Content::Sequence(entries)) => Ok(Value::List(entries.clone())),
        (Kind::Map, Content::Mapping(pairs)) => Ok(Value::Map(as_dictionary(pairs, values))),
        (Kind::Pairs, Content::Sequence(entries)) => {
            let pairs: Result<_, _> = entries.iter().map(|&entry| only_pair(&tree.nodes[entry])).collect();
            pairs.map(Value::Pairs)
        }
        (Kind::Set, Content::Mapping(_)) => Ok(Value::Set),
        (Kind::List | Kind::Pairs, _) => needs("list"),
        (Kind::Map | Kind::Set, _) => needs("mapping"),
    }
}

fn only_pair(node: &Node) -> Result<(NodeId, NodeId), YamlError> {
    match &node.content {
        Content::Mapping(pairs) if pairs.len() == 1 => Ok(pairs[0]),
        _ => Err(YamlError::Kind { place: node.place, wanted: "mapping of one member" }),
    }
}

/// The parts of a value that must become values too. All pairs of a mapping count, also those that a
/// later one replaces: what is wrong in them is wrong.
fn push_parts(value: &Value, node: &Node, wanted: &mut Vec<NodeId>) {
    match (value, &node.content) {
        (Value::List(entries), _) => wanted.extend(entries),
        (Value::Pairs(pairs), _) => wanted.extend(pairs.iter().flat_map(|&(key, value)| [key, value])),
        (Value::Map(_), Content::Mapping(pairs)) => wanted.extend(pairs.iter().map(|&(_, value)| value)),
        _ => {}
    }
}

/// The value of a node that is a key.
fn key_value(tree: &Tree, id: NodeId) -> Result<Value, YamlError> {
    let node = &tree.nodes[id];
    // A lone `=` has a meaning of its own as a value only.
    if is_special(node, Type::Value, "value") {
        return Ok(Value::Text("=".to_owned()));
    }
    match type_of(node)? {
        Kind::Scalar(_) | Kind::Binary => value_of(tree, id, &[]),
        Kind::List | Kind::Map | Kind::Pairs | Kind::Set => {
            Err(YamlError::CollectionAsKey { place: node.place })
        }
    }
}

/// Whether a node is a `<<` or a `=`, by its spelling or by its tag.
fn is_special(node: &Node, spelling: Type, tag: &str) -> bool {
    match (&node.tag, &node.content) {
        (Tag::Implicit, Content::Scalar(text)) => resolve::resolve(text) == spelling,
        (Tag::Core(name), _) => name == tag,
        _ => false,
    }
}

/// The text of a scalar; a mapping with the key `=` stands for the scalar that it has there.
fn scalar_text(tree: &Tree, id: NodeId) -> Result<&str, YamlError> {
    let mut node = &tree.nodes[id];
    for _ in 0..DEEPEST {
        match &node.content {
            Content::Scalar(text) => return Ok(text),
            Content::Sequence(_) => break,
            Content::Mapping(pairs) => {
                let named =
                    pairs.iter().find(|&&(key, _)| is_special(&tree.nodes[key], Type::Value, "value"));
                let Some(&(_, value)) = named else { break };
                node = &tree.nodes[value];
            }
        }
    }
    Err(YamlError::Kind { place: node.place, wanted: "scalar" })
}

fn scalar(found: Type, text: &str, place: Place) -> Result<Value, YamlError> {
    let wrong = |wanted| YamlError::Value { place, text: text.chars().take(60).collect(), wanted };
    match found {
        Type::Null => Ok(Value::Null),
        Type::Bool => boolean(text).map(Value::Bool).ok_or_else(|| wrong("bool")),
        Type::Int => number::int(text).map(Value::Int).ok_or_else(|| wrong("whole number that Python takes")),
        Type::Float => number::float(text).map(Value::Float).ok_or_else(|| wrong("number")),
        Type::Timestamp => {
            timestamp::iso(text).map(Value::Time).ok_or_else(|| wrong("possible date or time"))
        }
        Type::Text | Type::Merge | Type::Value => Ok(Value::Text(text.to_owned())),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn mapping_of(node: &Node) -> Result<&[(NodeId, NodeId)], YamlError> {
    match &node.content {
        Content::Mapping(pairs) => Ok(pairs),
        _ => Err(YamlError::Kind { place: node.place, wanted: "mapping" }),
    }
}

/// Follows merge keys.
struct Merging {
    /// How many pairs were copied: a short file of merge keys can ask for a great many.
    merged: usize,
}

impl Merging {
    /// Puts the pairs that a mapping's merge keys name before its own, so that its own come out on top.
    fn flatten(&mut self, tree: &mut Tree, id: NodeId, depth: usize) -> Result<(), YamlError> {
        let place = tree.nodes[id].place;
        if depth > DEEPEST {
            return Err(YamlError::TooDeep { place, limit: DEEPEST });
        }
        // While its merge keys are followed a mapping is empty: one that merges itself gets nothing.
        let Content::Mapping(pairs) = &mut tree.nodes[id].content else { return Ok(()) };
        let pairs = std::mem::take(pairs);
        let (mut merged, mut own) = (Vec::new(), Vec::new());
        for (key, value) in pairs {
            if is_special(&tree.nodes[key], Type::Merge, "merge") {
                self.gather(tree, value, depth, &mut merged)?;
            } else {
                own.push((key, value));
            }
        }
        merged.append(&mut own);
        tree.nodes[id].content = Content::Mapping(merged);
        Ok(())
    }

    /// The pairs of a mapping, or of a list of mappings, the first of which comes out on top.
    fn gather(
        &mut self,
        tree: &mut Tree,
        source: NodeId,
        depth: usize,
        out: &mut Vec<(NodeId, NodeId)>,
    ) -> Result<(), YamlError> {
        let sources = match &tree.nodes[source].content {
            Content::Sequence(entries) => entries.clone(),
            _ => vec![source],
        };
        for &source in &sources {
            mapping_of(&tree.nodes[source])?;
            self.flatten(tree, source, depth + 1)?;
        }
        for &source in sources.iter().rev() {
            let pairs = mapping_of(&tree.nodes[source])?;
            self.merged += pairs.len();
            if self.merged > MOST_NODES {
                let place = tree.nodes[source].place;
                return Err(YamlError::TooMuch { place, limit: MOST_NODES, what: "merged members" });
            }
            out.extend(pairs);
        }
        Ok(())
    }
}
