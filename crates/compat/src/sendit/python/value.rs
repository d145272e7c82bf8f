//! Values of a settings module, as far as they can be known without running it.

use std::sync::Arc;

use model::text::safe;

use super::place::Place;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True`, `False`.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text, as the bytes that Python would hand to the system.
    Text(Vec<u8>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A `pathlib` path.
    Path(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A list.
    List(Vec<Value>),
    /// A set.
    Set(Vec<Value>),
    /// A dictionary.
    Dict(Vec<(Value, Value)>),
    /// Something imported or built in, by its full name: `os.path.join`.
    Named(String),
    /// A function of the module itself, by its number.
    Function(usize),
    /// It has a value, and only Python could tell which.
    Unknown(Arc<Unknown>),
}

/// Why a value is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Where.
    pub place: Place,
    /// Why.
    pub why: String,
}

impl Value {
    /// A value that nobody knows.
    pub(super) fn unknown(place: Place, why: impl Into<String>) -> Self {
        Self::Unknown(Arc::new(Unknown { place, why: why.into() }))
    }

    /// A text, or a path, as bytes.
    #[must_use]
    pub fn as_path(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) | Self::Bytes(text) | Self::Path(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence.
    #[must_use]
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Self::Tuple(items) | Self::List(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The value of a key that is a text.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Value> {
        let Self::Dict(pairs) = self else { return None };
        let is = |(name, _): &&(Value, Value)| *name == Value::Text(key.as_bytes().to_vec());
        pairs.iter().rev().find(is).map(|(_, value)| value)
    }

    /// What kind of thing it is, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Flag(flag) => if *flag { "True" } else { "False" }.to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            // A password may stand in it.
            Self::Text(text) | Self::Path(text) | Self::Bytes(text) if text.contains(&b'@') => {
                "a text".to_owned()
            }
            Self::Text(text) | Self::Path(text) | Self::Bytes(text) => format!("\"{}\"", safe(text)),
            Self::Tuple(_) => "a tuple".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Set(_) => "a set".to_owned(),
            Self::Dict(_) => "a dictionary".to_owned(),
            Self::Named(name) => name.clone(),
            Self::Function(_) => "a function".to_owned(),
            Self::Unknown(_) => "something that is not known".to_owned(),
        }
    }

    /// Whether Python would take it for true; nothing where that is not known.
    pub(in crate::sendit) fn truth(&self) -> Option<bool> {
        Some(match self {
            Self::None => false,
            Self::Flag(flag) => *flag,
            Self::Integer(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(bytes) | Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Tuple(items) | Self::List(items) | Self::Set(items) => !items.is_empty(),
            Self::Dict(pairs) => !pairs.is_empty(),
            Self::Path(_) | Self::Function(_) => true,
            Self::Named(_) | Self::Unknown(_) => return None,
        })
    }

    /// Whether it and all that is in it is known.
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Tuple(items) | Self::List(items) | Self::Set(items) => items.iter().all(Self::is_plain),
            Self::Dict(pairs) => pairs.iter().all(|(key, value)| key.is_plain() && value.is_plain()),
            Self::Named(_) | Self::Function(_) | Self::Unknown(_) => false,
            _ => true,
        }
    }

    /// How much it takes to copy it, and how deep its parts lie in one another.
    pub(super) fn weight(&self) -> (usize, usize) {
        let both = |sum: (usize, usize), part: &Self| {
            let (weight, depth) = part.weight();
            (sum.0.saturating_add(weight), sum.1.max(depth + 1))
        };
        match self {
            Self::Text(bytes) | Self::Bytes(bytes) | Self::Path(bytes) => (1 + bytes.len(), 0),
            Self::Named(name) => (1 + name.len(), 0),
            Self::Tuple(items) | Self::List(items) | Self::Set(items) => items.iter().fold((1, 0), both),
            Self::Dict(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).fold((1, 0), both),
            _ => (1, 0),
        }
    }
}
