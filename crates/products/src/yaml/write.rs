//! From values to JSON.

use super::tree::{NodeId, Tree};
use super::value::Value;
use super::{DEEPEST, LARGEST_BODY, YamlError, repr};
use crate::json;

/// The document as a request body: its root must be a mapping with keys of text.
pub(super) fn document(tree: &Tree, values: &[Option<Value>]) -> Result<Vec<u8>, YamlError> {
    let place = tree.nodes[tree.root].place;
    let pairs = match &values[tree.root] {
        Some(Value::Map(pairs)) => pairs,
        Some(Value::Null) | None => return Err(YamlError::Empty),
        Some(_) => return Err(YamlError::NotMapping { place }),
    };
    for &(key, _) in pairs {
        if !matches!(values[key], Some(Value::Text(_))) {
            return Err(YamlError::KeyNotText { place: tree.nodes[key].place });
        }
    }
    let mut writer = Writer { tree, values, out: String::new() };
    writer.value(tree.root, 0)?;
    Ok(writer.out.into_bytes())
}

struct Writer<'a> {
    tree: &'a Tree,
    values: &'a [Option<Value>],
    out: String,
}

impl Writer<'_> {
    /// Calls itself for what lies in a collection, but never deeper than [`DEEPEST`].
    fn value(&mut self, id: NodeId, depth: usize) -> Result<(), YamlError> {
        let place = self.tree.nodes[id].place;
        if depth > DEEPEST {
            return Err(YamlError::TooDeep { place, limit: DEEPEST });
        }
        if self.out.len() > LARGEST_BODY {
            return Err(YamlError::TooMuch { place, limit: LARGEST_BODY, what: "bytes of JSON" });
        }
        match self.values[id].as_ref().unwrap_or(&Value::Null) {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Int(digits) => self.out.push_str(digits),
            Value::Float(value) => self.out.push_str(&repr::float(*value)),
            Value::Text(text) | Value::Time(text) => json::push_string(&mut self.out, text),
            Value::Binary => return Err(YamlError::NotJson { place, what: "binary value" }),
            Value::Set => return Err(YamlError::NotJson { place, what: "set" }),
            Value::List(entries) => self.list(entries, depth)?,
            Value::Pairs(pairs) => self.pairs(pairs, depth)?,
            Value::Map(pairs) => self.map(pairs, depth)?,
        }
        Ok(())
    }

    fn list(&mut self, entries: &[NodeId], depth: usize) -> Result<(), YamlError> {
        self.out.push('[');
        for (index, &entry) in entries.iter().enumerate() {
            self.separate(index);
            self.value(entry, depth + 1)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn pairs(&mut self, pairs: &[(NodeId, NodeId)], depth: usize) -> Result<(), YamlError> {
        self.out.push('[');
        for (index, &(key, value)) in pairs.iter().enumerate() {
            self.separate(index);
            self.list(&[key, value], depth + 1)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, pairs: &[(NodeId, NodeId)], depth: usize) -> Result<(), YamlError> {
        self.out.push('{');
        for (index, &(key, value)) in pairs.iter().enumerate() {
            self.separate(index);
            self.key(key)?;
            self.out.push_str(": ");
            self.value(value, depth + 1)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// JSON has text as keys only; Python spells some other values as text.
    fn key(&mut self, id: NodeId) -> Result<(), YamlError> {
        let place = self.tree.nodes[id].place;
        let text = match self.values[id].as_ref().unwrap_or(&Value::Null) {
            Value::Null => "null",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Int(digits) => digits,
            Value::Float(value) => &repr::float(*value),
            Value::Text(text) => text,
            Value::Time(_) => return Err(YamlError::KeyNotJson { place, what: "date" }),
            _ => return Err(YamlError::KeyNotJson { place, what: "binary value" }),
        };
        json::push_string(&mut self.out, text);
        Ok(())
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push_str(", ");
        }
    }
}
