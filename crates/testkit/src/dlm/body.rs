//! The body of a request as the services' framework sees it.

use serde_json::{Map, Value};

use super::golden::outside_strings;

/// What came as a body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// Nothing, or null.
    Absent,
    /// An object; Python reads `NaN` and `Infinity` too, and the database then refuses them.
    Object { members: Map<String, Value>, storable: bool },
    /// A value that is no object.
    Other(Value),
    /// Not JSON, found out at this character.
    Broken { at: usize },
}

impl Body {
    /// Reads the bytes of a request with this type.
    pub(super) fn read(bytes: &[u8], content_type: Option<&str>) -> Self {
        let text = String::from_utf8_lossy(bytes);
        if text.is_empty() {
            return Self::Absent;
        }
        if !content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("json")) {
            return Self::Other(Value::String(text.into_owned()));
        }
        let tamed = without_special_numbers(&text);
        match serde_json::from_str(&tamed) {
            Ok(Value::Null) => Self::Absent,
            Ok(Value::Object(members)) => Self::Object { members, storable: tamed == text },
            Ok(other) => Self::Other(other),
            Err(error) => Self::Broken { at: error.column().saturating_sub(1) },
        }
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Object { members, .. } => Some(members),
            _ => None,
        }
    }

    /// The whole as a value.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Object { members, .. } => Some(Value::Object(members.clone())),
            Self::Other(value) => Some(value.clone()),
            Self::Absent | Self::Broken { .. } => None,
        }
    }
}

/// The text with `null` for what Python reads as a number and JSON does not know.
fn without_special_numbers(text: &str) -> String {
    let mut plain = String::new();
    outside_strings(text, |character, inside| plain.push(if inside { ' ' } else { character }));
    if !plain.contains("NaN") && !plain.contains("Infinity") {
        return text.to_owned();
    }
    let mut tamed = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, tamed: &mut String| {
        let special = matches!(word.as_str(), "NaN" | "Infinity" | "-Infinity");
        tamed.push_str(if special { "null" } else { word });
        word.clear();
    };
    outside_strings(text, |character, inside| {
        if !inside && (character.is_ascii_alphabetic() || character == '-') {
            word.push(character);
        } else {
            flush(&mut word, &mut tamed);
            tamed.push(character);
        }
    });
    flush(&mut word, &mut tamed);
    tamed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Body {
        Body::read(text.as_bytes(), Some("application/json"))
    }

    #[test]
    fn numbers_that_only_python_knows_are_read_and_cannot_be_stored() {
        let Body::Object { members, storable } =
            read(r#"{"a": NaN, "NaN": "-Infinity", "b": [-Infinity, -1]}"#)
        else {
            panic!("no object")
        };
        assert!(!storable);
        assert_eq!(Value::Object(members), json!({"a": null, "NaN": "-Infinity", "b": [null, -1]}));
    }

    #[test]
    fn what_is_no_object_is_told_apart() {
        assert_eq!(read(""), Body::Absent);
        assert_eq!(read("null"), Body::Absent);
        assert_eq!(read("[1]"), Body::Other(json!([1])));
        assert_eq!(read("{a"), Body::Broken { at: 1 });
        assert!(matches!(read("{}"), Body::Object { storable: true, .. }));
    }
}
