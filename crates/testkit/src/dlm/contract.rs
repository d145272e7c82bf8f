//! What the services accept, read from their own contract files, and refused in the words of their framework.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::body::Body;
use super::golden::read;

/// Which version of the services the double stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// The release 2.2.0.
    S22,
    /// The newest state; differs from the release in nothing that can be seen from here.
    #[default]
    SM,
    /// The branch that takes sizes with a registration.
    S276,
}

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceName {
    /// Takes registrations.
    Ingest,
    /// Answers questions about items.
    Request,
    /// Knows locations and storages.
    Storage,
    /// Copies.
    Migration,
}

/// Everything that one version of the services accepts.
#[derive(Debug)]
pub struct Contract {
    /// In the order of the files.
    pub operations: Vec<Operation>,
}

/// One kind of request.
#[derive(Debug)]
pub struct Operation {
    /// Who answers it.
    pub service: ServiceName,
    /// `POST`.
    pub method: String,
    /// `/ingest/register_data_item`.
    pub path: String,
    /// Those in the query.
    pub parameters: Vec<Parameter>,
    /// Whether a body is `absent`, optional or required.
    pub body: BodyRule,
}

/// A parameter of the query.
#[derive(Debug)]
pub struct Parameter {
    /// As it is written.
    pub name: String,
    /// Whether a request without it is refused.
    pub required: bool,
    kind: Kind,
    default: Option<String>,
}

/// Whether a request has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// It is not looked at.
    Ignored,
    /// A JSON object, null or nothing.
    Optional,
    /// A JSON object.
    Required,
}

#[derive(Debug)]
enum Kind {
    Text,
    Integer,
    Boolean,
    Time,
    OneOf(Vec<String>),
}

/// The parameters of a request that was accepted.
pub(super) type Arguments = BTreeMap<String, Option<String>>;

impl ServiceName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Request, Self::Storage, Self::Migration];

    /// `ingest`, the first part of every path.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Request => "request",
            Self::Storage => "storage",
            Self::Migration => "migration",
        }
    }
}

impl Flavour {
    fn directory(self) -> &'static str {
        match self {
            Self::S22 => "server_tag_2.2.0",
            Self::SM => "server_main_bb4a659",
            Self::S276 => "server_branch_dman276",
        }
    }
}

impl Contract {
    /// Reads the four files of a version.
    #[must_use]
    pub fn of(flavour: Flavour) -> Self {
        let mut operations = Vec::new();
        for service in ServiceName::ALL {
            let name = format!("openapi/{}/{}_openapi.json", flavour.directory(), service.as_str());
            let file: Value = serde_json::from_str(&read(&name)).expect("contract files are JSON");
            for (path, methods) in object(&file["paths"]) {
                for (method, operation) in object(methods) {
                    operations.push(Operation::parse(service, method, path, operation, &file));
                }
            }
        }
        Self { operations }
    }

    /// The operation, or what is answered when there is none.
    pub(super) fn find(&self, service: ServiceName, method: &str, path: &str) -> Result<&Operation, Answer> {
        let mut at_path =
            self.operations.iter().filter(|one| one.service == service && one.path == path).peekable();
        if at_path.peek().is_none() {
            return Err(Answer::detail(404, &json!("Not Found")));
        }
        at_path
            .find(|one| one.method == method)
            .ok_or_else(|| Answer::detail(405, &json!("Method Not Allowed")))
    }
}

impl Operation {
    fn parse(service: ServiceName, method: &str, path: &str, from: &Value, file: &Value) -> Self {
        let listed = from["parameters"].as_array().into_iter().flatten();
        let parameters =
            listed.filter(|one| one["in"] == "query").map(|one| Parameter::parse(one, file)).collect();
        let body = match &from["requestBody"] {
            Value::Null => BodyRule::Ignored,
            body if body["required"] == true => BodyRule::Required,
            _ => BodyRule::Optional,
        };
        Self { service, method: method.to_uppercase(), path: path.to_owned(), parameters, body }
    }

    /// The last part of the path, unique among all operations.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Checks a request as the framework does before it calls anybody: all complaints at once.
    pub(super) fn check(&self, query: &[(String, String)], body: &Body) -> Result<Arguments, Answer> {
        let mut complaints = Vec::new();
        let mut arguments = Arguments::new();
        if let Body::Broken { at, .. } = body
            && self.body != BodyRule::Ignored
        {
            return Err(Answer::detail(422, &json!([broken(*at)])));
        }
        for parameter in &self.parameters {
            // Of several with one name the last one counts.
            let given = query.iter().rev().find(|(name, _)| *name == parameter.name).map(|(_, value)| value);
            complaints.extend(parameter.complaint(given.map(String::as_str)));
            arguments.insert(parameter.name.clone(), given.or(parameter.default.as_ref()).cloned());
        }
        complaints.extend(self.complaint_about_body(body));
        if complaints.is_empty() {
            Ok(arguments)
        } else {
            Err(Answer::detail(422, &Value::Array(complaints)))
        }
    }

    fn complaint_about_body(&self, body: &Body) -> Option<Value> {
        match (self.body, body) {
            (BodyRule::Required, Body::Absent) => {
                Some(json!({"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}))
            }
            (BodyRule::Optional | BodyRule::Required, Body::Other(value)) => Some(json!({
                "type": "dict_type", "loc": ["body"], "msg": "Input should be a valid dictionary", "input": value,
            })),
            _ => None,
        }
    }
}

impl Parameter {
    fn parse(from: &Value, file: &Value) -> Self {
        let schema = &from["schema"];
        Self {
            name: from["name"].as_str().unwrap_or_default().to_owned(),
            required: from["required"] == true,
            kind: Kind::parse(schema, file),
            default: match &schema["default"] {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
        }
    }

    fn complaint(&self, given: Option<&str>) -> Option<Value> {
        let loc = json!(["query", self.name]);
        match (given, &self.kind) {
            (None, _) => self
                .required
                .then(|| json!({"type": "missing", "loc": loc, "msg": "Field required", "input": null})),
            (Some(text), Kind::OneOf(words)) if !words.iter().any(|word| word == text) => {
                let expected = alternatives(words);
                let msg = format!("Input should be {expected}");
                Some(json!({
                    "type": "enum", "loc": loc, "msg": msg, "input": text, "ctx": {"expected": expected},
                }))
            }
            (Some(text), Kind::Integer) if text.trim().parse::<i64>().is_err() => Some(json!({
                "type": "int_parsing", "loc": loc, "input": text,
                "msg": "Input should be a valid integer, unable to parse string as an integer",
            })),
            (Some(text), Kind::Boolean) if truth(text).is_none() => Some(json!({
                "type": "bool_parsing", "loc": loc, "input": text,
                "msg": "Input should be a valid boolean, unable to interpret input",
            })),
            (Some(text), Kind::Time) if text.parse::<jiff::civil::DateTime>().is_err() => Some(json!({
                "type": "datetime_from_date_parsing", "loc": loc, "input": text,
                "msg": "Input should be a valid datetime or date, input is too short",
                "ctx": {"error": "input is too short"},
            })),
            _ => None,
        }
    }
}

impl Kind {
    fn parse(schema: &Value, file: &Value) -> Self {
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let real = alternatives.iter().find(|one| one["type"] != "null");
            return real.map_or(Self::Text, |schema| Self::parse(schema, file));
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let schema =
                file.pointer(reference.trim_start_matches('#')).expect("what is referred to is there");
            let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            return Self::OneOf(words.map(str::to_owned).collect());
        }
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("integer"), _) => Self::Integer,
            (Some("boolean"), _) => Self::Boolean,
            (_, Some("date-time")) => Self::Time,
            _ => Self::Text,
        }
    }
}

/// What the framework takes for true and false.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// `'a', 'b' or 'c'`.
fn alternatives(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn broken(at: usize) -> Value {
    json!({
        "type": "json_invalid", "loc": ["body", at], "msg": "JSON decode error", "input": {},
        "ctx": {"error": "Expecting property name enclosed in double quotes"},
    })
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
