//! What nodes become, and when two keys are the same.

use std::collections::HashMap;

use super::tree::NodeId;

/// What a node becomes. Collections name their parts, which may be shared.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// Decimal digits, perhaps with a sign.
    Int(String),
    Float(f64),
    Text(String),
    /// A date or a time in ISO form: text, but never a key.
    Time(String),
    Binary,
    Set,
    List(Vec<NodeId>),
    /// A list of pairs, which JSON writes as lists of two.
    Pairs(Vec<(NodeId, NodeId)>),
    Map(Vec<(NodeId, NodeId)>),
}

/// A key as Python compares it: `1`, `1.0` and `true` are the same.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key<'a> {
    Null,
    Whole(String),
    Fraction(u64),
    Text(&'a str),
    Time(&'a str),
    /// Not equal to anything else.
    Alone(NodeId),
}

impl<'a> Key<'a> {
    fn of(node: NodeId, value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Whole(if *value { "1" } else { "0" }.to_owned()),
            Value::Int(digits) => Self::Whole(digits.clone()),
            // The original has one object for every `.nan`, and a key is always equal to itself.
            Value::Float(value) if value.is_nan() => Self::Fraction(f64::NAN.to_bits()),
            // Adding zero leaves every float as it is but the negative zero.
            Value::Float(value) if value.fract() == 0.0 => Self::Whole(format!("{:.0}", value + 0.0)),
            Value::Float(value) => Self::Fraction(value.to_bits()),
            Value::Text(text) => Self::Text(text),
            Value::Time(text) => Self::Time(text),
            _ => Self::Alone(node),
        }
    }
}

/// The pairs that a Python dictionary would keep: a key that comes again keeps its first place and gets
/// the last value.
pub(super) fn as_dictionary(pairs: &[(NodeId, NodeId)], values: &[Option<Value>]) -> Vec<(NodeId, NodeId)> {
    let mut places = HashMap::with_capacity(pairs.len());
    let mut kept: Vec<(NodeId, NodeId)> = Vec::with_capacity(pairs.len());
    for &(key, value) in pairs {
        let known = values[key].as_ref().map_or(Key::Alone(key), |found| Key::of(key, found));
        let place = *places.entry(known).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(pair) => pair.1 = value,
            None => kept.push((key, value)),
        }
    }
    kept
}
