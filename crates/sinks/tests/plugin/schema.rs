//! The schema of the protocol, and enough of a validator to hold messages against it.

use std::fs;

use model::{Cause, Happening, Kind};
use serde_json::{Value, json};

use crate::rig::repository;

/// Keywords that say something to people only.
const FOR_PEOPLE: [&str; 4] = ["description", "title", "contentEncoding", "$schema"];

pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn read() -> Self {
        let text = fs::read(repository().join("schemas/plugin-protocol.schema.json")).unwrap();
        Self(serde_json::from_slice(&text).unwrap())
    }

    /// What is wrong with a message; stricter than the schema in that each member must be listed there.
    pub(crate) fn faults(&self, definition: &str, message: &Value) -> Option<String> {
        self.fault(&self.0["$defs"][definition], message, "message")
    }

    fn fault(&self, schema: &Value, value: &Value, place: &str) -> Option<String> {
        let keywords = schema.as_object().unwrap_or_else(|| panic!("no schema at {place}"));
        keywords.iter().find_map(|(keyword, said)| self.breaks(keyword, said, schema, value, place))
    }

    fn breaks(
        &self,
        keyword: &str,
        said: &Value,
        schema: &Value,
        value: &Value,
        place: &str,
    ) -> Option<String> {
        let wrong = |good: bool| (!good).then(|| format!("{place}: {value} is not {keyword} {said}"));
        match keyword {
            "$ref" => {
                let name = said.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                self.fault(&self.0["$defs"][name], value, place)
            }
            "oneOf" => {
                let faults: Vec<_> =
                    said.as_array().unwrap().iter().map(|one| self.fault(one, value, place)).collect();
                let fitting = faults.iter().filter(|fault| fault.is_none()).count();
                (fitting != 1).then(|| format!("{place}: {value} fits {fitting} alternatives: {faults:?}"))
            }
            "type" => wrong(match said.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64() || value.is_i64(),
                other => panic!("a type {other}"),
            }),
            "const" => wrong(value == said),
            "enum" => wrong(said.as_array().unwrap().contains(value)),
            "minimum" => wrong(value.as_i64() >= said.as_i64()),
            "required" => {
                said.as_array().unwrap().iter().find_map(|name| wrong(value.get(name.as_str()?).is_some()))
            }
            "items" => value.as_array()?.iter().find_map(|item| self.fault(said, item, place)),
            "properties" => value.as_object()?.iter().find_map(|(name, member)| match said.get(name) {
                Some(of_member) => self.fault(of_member, member, &format!("{place}.{name}")),
                None => Some(format!("{place}: the schema does not know {name}")),
            }),
            other if FOR_PEOPLE.contains(&other) => None,
            other => panic!("the keyword {other} at {place} of {schema} is not known here"),
        }
    }
}

#[test]
fn the_schema_takes_what_is_right_and_nothing_else() {
    let schema = Schema::read();
    let plugin = |message: Value| schema.faults("from_plugin", &message);
    assert_eq!(plugin(json!({"type": "ack", "seq": 1})), None);
    assert_eq!(plugin(json!({"type": "hello", "protocol": 1, "name": "n", "events": ["open"]})), None);
    for wrong in [
        json!({"type": "ack"}),
        json!({"type": "ack", "seq": "1"}),
        json!({"type": "ack", "seq": 0}),
        json!({"type": "ack", "seq": 1, "more": 2}),
        json!({"type": "hello", "protocol": 2, "name": "n"}),
        json!({"type": "hello", "protocol": 1, "name": "n", "events": ["opne"]}),
        json!({"type": "flush"}),
        json!([]),
    ] {
        assert!(plugin(wrong.clone()).is_some(), "{wrong}");
    }
}

#[test]
fn the_schema_knows_every_kind_of_event() {
    let schema = Schema::read();
    let kinds = schema.0["$defs"]["kind"]["enum"].as_array().unwrap();
    let of_stream = Happening::ALL.into_iter().map(Happening::name);
    let others = ["complete", "incomplete", "removed", "gap_opened", "gap_closed"];
    let expected: Vec<Value> = of_stream.chain(others).map(Value::from).collect();
    assert_eq!(*kinds, expected);
    // Each of the others is the end of an event's type, so none was forgotten.
    for kind in Kind::all().filter(|kind| !matches!(kind, Kind::Happening(_))) {
        for cause in [Cause::Arrived, Cause::Overdue] {
            let name = kind.type_name(cause).replace("staithe.gap.", "staithe.gap.gap_");
            assert!(others.contains(&name.rsplit('.').next().unwrap()), "{name}");
        }
    }
}
