//! When two answers are of one shape.

use serde_json::Value;

/// How the shape of an answer differs from the recorded one; empty when it does not.
///
/// The same types and keys all the way down; lists agree in their first elements and in being empty. What the service
/// calls things by (`exec`, `type`, `loc`, `msg` and the like) must be equal, and so must texts that are no JSON.
pub(crate) fn differences(recorded: &Value, answered: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", recorded, answered, &mut found);
    found
}

/// Members whose value is said by the service and not by who asks.
const WORDS: [&str; 6] = ["exec", "type", "loc", "msg", "detail", "expected"];

fn compare(at: &str, recorded: &Value, answered: &Value, found: &mut Vec<String>) {
    match (recorded, answered) {
        (Value::Object(recorded), Value::Object(answered)) => {
            for (key, value) in recorded {
                let at = format!("{at}/{key}");
                match answered.get(key) {
                    Some(other) if WORDS.contains(&key.as_str()) && !value.is_array() && value != other => {
                        found.push(format!("{at}: {value} was recorded, {other} is answered"));
                    }
                    Some(other) => compare(&at, value, other, found),
                    None => found.push(format!("{at} is missing")),
                }
            }
            let more = answered.keys().filter(|key| !recorded.contains_key(*key));
            found.extend(more.map(|key| format!("{at}/{key} was never recorded")));
        }
        (Value::Array(recorded), Value::Array(answered)) => match (recorded.first(), answered.first()) {
            (Some(one), Some(other)) => compare(&format!("{at}/0"), one, other, found),
            (None, None) => {}
            _ => {
                found.push(format!(
                    "{at}: {} were recorded, {} are answered",
                    recorded.len(),
                    answered.len()
                ));
            }
        },
        // The recordings have a placeholder in place of a number.
        (Value::String(text), Value::Number(_)) if text == "<int>" => {}
        // Columns may be empty or not.
        (Value::Null, Value::String(_)) | (Value::String(_), Value::Null) if is_column(at) => {}
        (one, other) if kind(one) != kind(other) => {
            found.push(format!("{at}: {one} was recorded, {other} is answered"));
        }
        _ => {}
    }
}

/// Whether this is a column of a row that may be null for one row and not for another.
fn is_column(at: &str) -> bool {
    ["/parents", "/item_owner", "/storage_id"].iter().any(|column| at.ends_with(column))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
