//! What was recorded of the original watcher and the real services, as `data/dlm/golden.json` has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON object whose members are still text, so that the order of what is inside them is not lost.
type Members = BTreeMap<String, Box<RawValue>>;

/// Everything recorded.
#[derive(Debug)]
pub struct Golden {
    /// Runs of the original, in the order of the file.
    pub scenarios: Vec<Scenario>,
    /// Single requests to the real services.
    pub server_probe: Vec<Probe>,
    /// Metadata files and what the original made of them.
    pub yaml: Vec<YamlCase>,
    /// One request of each kind with its headers; the key is `METHOD /path`, sometimes with a remark.
    pub headers: BTreeMap<String, HeaderCase>,
    /// The whole file, for what has no name here.
    pub raw: Value,
}

/// One run of the original.
#[derive(Debug)]
pub struct Scenario {
    /// `A02`.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Which version ran: `main@3342a9b` or `tag 2.1.0`.
    pub client: String,
    /// `inotify` or `polling`; nothing when the watcher did not run.
    pub mode: Option<String>,
    /// The command line, with placeholders.
    pub args: Vec<String>,
    /// Environment variables beyond the usual.
    pub env: BTreeMap<String, String>,
    /// In words: what was there before.
    pub setup: String,
    /// In words: what was done.
    pub actions: String,
    /// From when on requests are listed: `process start` or `first request after readiness`.
    pub requests_from: Option<String>,
    /// What was sent, in order of sending.
    pub requests: Vec<Recorded>,
    /// With which code the process ended, where it was noted.
    pub exit_code: Option<i64>,
    /// The whole scenario (`db_after`, `status_file_content`, `archive_after`, …).
    pub raw: Value,
}

/// One recorded request.
#[derive(Debug)]
pub struct Recorded {
    /// Seconds from the moment that `requests_from` names.
    pub t: f64,
    /// `ingest`, `request`, `storage` or `migration`.
    pub service: String,
    /// `GET`.
    pub method: String,
    /// `/storage/query_location`.
    pub path: String,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// As sent.
    pub raw_query: String,
    /// The header of the request.
    pub content_type: Option<String>,
    /// The body, parsed; null when there was none.
    pub body: Value,
    /// The body without white space, members in the order sent.
    pub body_text: Option<String>,
    /// What was answered; nothing when the connection was closed.
    pub response: Option<Response>,
    /// What the proxy did in place of the server, if it did.
    pub injected: Option<String>,
}

/// A recorded answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The JSON value, or the text as a string where it was no JSON.
    pub body: Value,
}

/// One question to the real services.
#[derive(Debug)]
pub struct Probe {
    /// What is asked.
    pub note: String,
    /// `POST`.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// The body. Null also where the recording has no body but the request had one.
    pub body: Value,
    /// What was answered.
    pub status: u16,
    /// With which type.
    pub content_type: String,
    /// The JSON value, or the text as a string.
    pub answer: Value,
}

/// A metadata file and the body that the original sent for it.
#[derive(Debug)]
pub struct YamlCase {
    /// The text of the file.
    pub yaml: String,
    /// The body byte for byte; nothing when the original failed.
    pub body_text: Option<String>,
    /// The exception that ended the original, if one did.
    pub crash: Option<String>,
}

/// The headers that the original sends with one kind of request.
#[derive(Debug)]
pub struct HeaderCase {
    /// In the order sent, values with placeholders.
    pub headers: Vec<(String, String)>,
    /// The query as sent.
    pub raw_query: String,
    /// The body byte for byte.
    pub body_raw: String,
}

/// The recordings, read once.
pub fn golden() -> &'static Golden {
    static GOLDEN: OnceLock<Golden> = OnceLock::new();
    GOLDEN.get_or_init(|| Golden::parse(&read("golden.json")))
}

/// The directory of the recordings and contract files.
#[must_use]
pub fn data_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/dlm")
}

/// The text of one of its files.
pub(super) fn read(name: &str) -> String {
    let path = data_directory().join(name);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
}

impl Golden {
    fn parse(text: &str) -> Self {
        let top: Members = parsed(text);
        let list = |name: &str| -> Vec<Box<RawValue>> { parsed(top[name].get()) };
        let headers: Members = parsed(top["headers_per_endpoint"].get());
        Self {
            scenarios: list("scenarios").iter().map(|raw| Scenario::parse(raw.get())).collect(),
            server_probe: list("server_probe").iter().map(|raw| Probe::parse(&parsed(raw.get()))).collect(),
            yaml: list("yaml_metadata_to_request_body")
                .iter()
                .map(|raw| YamlCase::parse(raw.get()))
                .collect(),
            headers: headers.iter().map(|(key, raw)| (key.clone(), HeaderCase::parse(raw.get()))).collect(),
            raw: parsed(text),
        }
    }

    /// The scenario with this id.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn scenario(&self, id: &str) -> &Scenario {
        self.scenarios
            .iter()
            .find(|scenario| scenario.id == id)
            .unwrap_or_else(|| panic!("no scenario {id} was recorded"))
    }
}

impl Scenario {
    fn parse(text: &str) -> Self {
        let members: Members = parsed(text);
        let raw: Value = parsed(text);
        let requests: Vec<Box<RawValue>> = parsed(members["requests"].get());
        let env = raw["env"].as_object().into_iter().flatten();
        Self {
            id: string(&raw["id"]),
            title: string(&raw["title"]),
            client: string(&raw["client"]),
            mode: text_of(&raw["mode"]),
            args: raw["args"].as_array().into_iter().flatten().map(string).collect(),
            env: env.map(|(name, value)| (name.clone(), string(value))).collect(),
            setup: string(&raw["setup"]),
            actions: string(&raw["actions"]),
            requests_from: text_of(&raw["requests_from"]),
            requests: requests.iter().map(|raw| Recorded::parse(raw.get())).collect(),
            exit_code: raw["exit_code"].as_i64().or_else(|| raw["stop"]["exit_code"].as_i64()),
            raw,
        }
    }

    /// Whether the version that ran was 2.1.0.
    #[must_use]
    pub fn is_r21(&self) -> bool {
        self.client == "tag 2.1.0"
    }
}

impl Recorded {
    fn parse(text: &str) -> Self {
        let members: Members = parsed(text);
        let raw: Value = parsed(text);
        let query = raw["query"].as_array().into_iter().flatten();
        let response = &raw["response"];
        let injected = match &response["injected"] {
            Value::Null => None,
            Value::String(what) => Some(what.clone()),
            _ => Some("an answer".to_owned()),
        };
        Self {
            t: raw["t"].as_f64().unwrap_or_default(),
            service: string(&raw["service"]),
            method: string(&raw["method"]),
            path: string(&raw["path"]),
            query: query.map(|pair| (string(&pair[0]), string(&pair[1]))).collect(),
            raw_query: string(&raw["raw_query"]),
            content_type: text_of(&raw["content_type"]),
            body: raw["body_json"].clone(),
            body_text: members.get("body_json").map(|raw| raw.get().to_owned()).filter(|text| text != "null"),
            response: response["status"]
                .as_u64()
                .map(|status| Response { status: status as u16, body: response["body"].clone() }),
            injected,
        }
    }

    /// The body as the original writes JSON: `", "` and `": "` between members, ASCII only.
    #[must_use]
    pub fn body_as_sent(&self) -> Option<String> {
        self.body_text.as_deref().map(as_python_writes_it)
    }
}

impl Probe {
    fn parse(raw: &Value) -> Self {
        let request = string(&raw["request"]);
        let (method, target) = request.split_once(' ').expect("a method and a target");
        Self {
            note: string(&raw["note"]),
            method: method.to_owned(),
            target: target.to_owned(),
            body: raw["body"].clone(),
            status: raw["status"].as_u64().expect("a status") as u16,
            content_type: string(&raw["content_type"]),
            answer: raw["answer"].clone(),
        }
    }
}

impl YamlCase {
    fn parse(text: &str) -> Self {
        let raw: Value = parsed(text);
        Self {
            yaml: string(&raw["yaml"]),
            body_text: text_of(&raw["body_text"]),
            crash: text_of(&raw["crash"]),
        }
    }
}

impl HeaderCase {
    fn parse(text: &str) -> Self {
        let members: Members = parsed(text);
        let raw: Value = parsed(text);
        let names = keys_in_order(members["headers"].get());
        let headers = names.into_iter().map(|name| {
            let value = string(&raw["headers"][&name]);
            (name, value)
        });
        Self {
            headers: headers.collect(),
            raw_query: string(&raw["raw_query"]),
            body_raw: string(&raw["body_raw"]),
        }
    }
}

/// The keys of an object of texts, in the order of the file.
fn keys_in_order(object: &str) -> Vec<String> {
    // An array of alternating keys and values is the same text with other punctuation.
    let mut list = String::from("[");
    let inner = object.trim().trim_start_matches('{').trim_end_matches('}');
    outside_strings(inner, |character, text| {
        list.push(if text || character != ':' { character } else { ',' });
    });
    list.push(']');
    let texts: Vec<String> = parsed(&list);
    texts.into_iter().step_by(2).collect()
}

/// Python's `json.dumps` of the same value.
fn as_python_writes_it(compact: &str) -> String {
    let mut text = String::new();
    outside_strings(compact, |character, in_string| match character {
        ',' | ':' if !in_string => text.extend([character, ' ']),
        character if character.is_ascii() => text.push(character),
        character => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    });
    text
}

/// Gives each character of a JSON text and whether it lies in a string.
pub(super) fn outside_strings(json: &str, mut each: impl FnMut(char, bool)) {
    let (mut inside, mut escaped) = (false, false);
    for character in json.chars() {
        each(character, inside);
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = inside,
            '"' => inside = !inside,
            _ => {}
        }
    }
}

fn parsed<'a, T: serde::Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).expect("the recordings are JSON of the expected shape")
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_recorded_is_there() {
        let golden = golden();
        assert_eq!((golden.scenarios.len(), golden.server_probe.len()), (85, 49));
        let requests: usize = golden.scenarios.iter().map(|scenario| scenario.requests.len()).sum();
        assert_eq!(requests, 438);
        assert!(golden.yaml.iter().any(|case| case.body_text.is_some()));
    }

    #[test]
    fn bodies_keep_the_order_and_the_form_in_which_they_were_sent() {
        let create = &golden().headers["POST /storage/create_storage_config"];
        let names: Vec<&str> = create.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["Host", "Accept-Encoding", "Content-Length", "Accept", "Content-Type", "User-Agent"]
        );
        let recorded = &golden().scenario("A02").requests[5];
        assert_eq!(recorded.body_as_sent().unwrap(), create.body_raw);
    }

    #[test]
    fn other_alphabets_are_written_in_ascii() {
        assert_eq!(
            as_python_writes_it(r#"{"a,b":["ü","\"😀"]}"#),
            r#"{"a,b": ["\u00fc", "\"\ud83d\ude00"]}"#
        );
    }
}
