//! A request in a form in which two programs' runs can be compared.
//!
//! Ids differ from run to run and become what they stand for: `<dp/a@dir-watcher>` is the uid of an item's row on a
//! storage, `<storage dlm-archive>` a storage. The rest is compared as it was sent: the raw query, the type of the body,
//! the bytes of the body.

use std::collections::HashMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use testkit::dlm::{Received, Recorded, Scenario};

use crate::stage::{HOST, SOURCE, Stage, TARGET};

const EXPIRATION: &str = "<now + 365 days, local time, no zone, microseconds>";
/// Stands for the item of a request that names something that is no item.
const UNKNOWN: &str = "?";
/// The size of the inode of a directory on the file system where the original was recorded.
const RECORDED_DIRECTORY: &str = "4096";

#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// Which item it is about; empty for the requests of start-up.
    pub(super) item: String,
    /// `POST /ingest/register_data_item`.
    head: String,
    /// As sent, taken apart at `&` and `=`.
    query: Vec<(String, String)>,
    content_type: Option<String>,
    body: Option<String>,
    /// What the size of a child that is a file stands for.
    size: Option<&'static str>,
}

impl Sent {
    fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether an item of the source storage is registered.
    pub(super) fn registers(&self) -> bool {
        self.head.ends_with("/register_data_item") && self.param("storage_name") == Some(SOURCE)
    }

    /// Everything of it.
    pub(super) fn text(&self) -> String {
        let pair = |(key, value): &(String, String)| match self.size {
            Some(meaning) if key == "decompressed_size" => format!("{key}={meaning}"),
            _ => format!("{key}={value}"),
        };
        self.render(&self.query.iter().map(pair).collect::<Vec<_>>(), self.body.clone())
    }

    /// The same for any item: what the item's registration says, too, is replaced.
    pub(super) fn text_for_any(&self, registration: &Sent) -> String {
        let pair = |(key, value): &(String, String)| match registration.param(key) {
            Some(own) if own == value && key != "storage_name" => format!("{key}=<{key}>"),
            _ => format!("{key}={value}"),
        };
        let own_uid = format!("<{}@{SOURCE}>", self.item);
        let body = match &self.body {
            Some(body) if self.query.is_empty() => Some(body_for_any(body, registration)),
            Some(body) if Some(body) == registration.body.as_ref() => Some("<metadata>".to_owned()),
            other => other.clone(),
        };
        self.render(&self.query.iter().map(pair).collect::<Vec<_>>(), body).replace(&own_uid, "<uid>")
    }

    fn render(&self, pairs: &[String], body: Option<String>) -> String {
        let content_type = self.content_type.as_deref().unwrap_or("-");
        format!("{}?{} [{content_type}] {}", self.head, pairs.join("&"), body.unwrap_or_default())
    }
}

/// The columns of a row on the target that repeat the registration.
fn body_for_any(body: &str, registration: &Sent) -> String {
    let kind = registration.param("item_type").unwrap_or_default();
    let size = registration.param("decompressed_size").unwrap_or("null");
    body.replace(&format!("\"{}\"", registration.item), "<item_name>")
        .replace(&format!("\"item_type\": \"{kind}\""), "\"item_type\": <item_type>")
        .replace(&format!("\"decompressed_size\": {size}"), "\"decompressed_size\": <decompressed_size>")
}

/// What was recorded.
pub(super) fn recorded(scenario: &Scenario) -> Vec<Sent> {
    let ids = recorded_ids(scenario);
    let meaning = |text: &str| {
        let known =
            |text: String, (id, (meaning, _)): (&String, &(String, String))| text.replace(id, meaning);
        ids.iter().fold(text.to_owned(), known).replace("<watcher-host>", HOST)
    };
    let sent = |one: &Recorded| {
        let query = pairs(&one.raw_query);
        let about = one.query.iter().find(|(key, _)| key == "uid");
        let about = about.and_then(|(_, uid)| ids.get(uid)).map(|(_, item)| item.clone());
        let named = one.query.iter().find(|(key, _)| key == "item_name").map(|(_, name)| name.clone());
        let in_body = || one.body["item_name"].as_str().map(str::to_owned);
        let unknown = || (!one.path.starts_with("/storage/")).then(|| UNKNOWN.to_owned());
        let item = named.or(about).or_else(in_body).or_else(unknown).unwrap_or_default();
        let mut sent = Sent {
            head: format!("{} {}", one.method, one.path),
            query: query.iter().map(|(key, value)| (key.clone(), meaning(value))).collect(),
            content_type: one.content_type.clone(),
            body: one.body_as_sent().map(|body| meaning(&body)),
            item,
            size: None,
        };
        let is_directorys =
            is_file_below(&sent) && sent.param("decompressed_size") == Some(RECORDED_DIRECTORY);
        sent.size = is_directorys.then_some("<directory>");
        sent
    };
    scenario.requests.iter().map(sent).collect()
}

/// What the placeholders of a recording stand for, and which item they are of.
fn recorded_ids(scenario: &Scenario) -> HashMap<String, (String, String)> {
    let mut ids = HashMap::new();
    for one in &scenario.requests {
        let Some(response) = &one.response else { continue };
        let param = |name: &str| {
            let found = one.query.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        match one.path.as_str() {
            "/ingest/register_data_item" => {
                if let Some(uid) = response.body.as_str().filter(|uid| uid.starts_with("<uuid-")) {
                    let name = param("item_name");
                    ids.insert(uid.to_owned(), (format!("<{name}@{}>", param("storage_name")), name));
                }
            }
            "/storage/init_storage" => {
                let id = response.body.as_str().unwrap_or_default().to_owned();
                ids.insert(id, (format!("<storage {}>", param("storage_name")), String::new()));
            }
            "/storage/query_storage" => {
                for row in response.body.as_array().into_iter().flatten() {
                    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
                    ids.insert(
                        text("storage_id"),
                        (format!("<storage {}>", text("storage_name")), String::new()),
                    );
                }
            }
            "/storage/query_location" | "/storage/init_location" => {
                let id = response.body[0]["location_id"].as_str().or(response.body.as_str());
                ids.insert(id.unwrap_or("<none>").to_owned(), ("<location>".to_owned(), String::new()));
            }
            "/ingest/init_data_item" => {
                // Of a run that is listed from its readiness on, this is the only trace of the target's id.
                if let Some(id) = one.body["storage_id"].as_str() {
                    ids.entry(id.to_owned()).or_insert((format!("<storage {TARGET}>"), String::new()));
                }
            }
            _ => {}
        }
    }
    ids
}

/// What the double received.
pub(super) fn received(stage: &Stage, requests: &[Received], strict: bool) -> Vec<Sent> {
    let watched = stage.watched();
    let watched = watched.to_str().expect("a plain name");
    let meaning = |text: &str| uids(stage, &text.replace(watched, "$WATCH_DIR"));
    let sent = |one: &Received| {
        let body = String::from_utf8(one.body.clone()).expect("bodies are text");
        let mut sent = Sent {
            item: one.item_name.clone().unwrap_or_default(),
            head: format!("{} {}", one.method, one.path),
            query: pairs(&meaning(&one.raw_query)),
            content_type: one.header("content-type").map(str::to_owned),
            body: Some(meaning(&body)).filter(|body| !body.is_empty()),
            size: None,
        };
        if one.operation() == "init_data_item"
            && let Some(Value::String(date)) = one.json.as_ref().map(|json| &json["uid_expiration"])
        {
            assert!(is_in_a_year(date), "{date} is not a year from now");
            sent.body = sent.body.map(|body| body.replace(date, EXPIRATION));
        }
        sent.size = size_of_child(&sent, &stage.watched(), strict);
        sent
    };
    requests.iter().map(sent).collect()
}

fn is_file_below(sent: &Sent) -> bool {
    sent.registers() && sent.item.contains('/') && sent.param("item_type") == Some("file")
}

/// What the size of a child that is a file stands for; nothing where it stands for nothing expected.
fn size_of_child(sent: &Sent, watched: &Path, strict: bool) -> Option<&'static str> {
    if !is_file_below(sent) {
        return None;
    }
    let file = watched.join(&sent.item);
    let (of, meaning) = if strict { (file.parent()?, "<directory>") } else { (&*file, "<file>") };
    let size = std::fs::metadata(of).ok()?.len().to_string();
    (sent.param("decompressed_size") == Some(&size)).then_some(meaning)
}

fn pairs(raw_query: &str) -> Vec<(String, String)> {
    let parts = raw_query.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        (key.to_owned(), value.to_owned())
    };
    parts.map(pair).collect()
}

/// Replaces each uuid by what it stands for.
fn uids(stage: &Stage, text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = (0..rest.len()).find(|&at| rest.get(at..at + 36).is_some_and(is_uuid)) {
        result.push_str(&rest[..at]);
        result.push_str(&meaning_of(stage, &rest[at..at + 36]));
        rest = &rest[at + 36..];
    }
    result + rest
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

fn meaning_of(stage: &Stage, id: &str) -> String {
    let storages = stage.dlm.storages();
    if let Some(storage) = storages.iter().find(|storage| storage.id == id) {
        return format!("<storage {}>", storage.name);
    }
    let Some(item) = stage.dlm.item(id) else { return "<location>".to_owned() };
    let storage = storages.iter().find(|storage| Some(&storage.id) == item.storage_id.as_ref());
    format!("<{}@{}>", item.item_name.unwrap_or_default(), storage.map_or("?", |storage| &storage.name))
}

/// `2027-11-21T02:03:04.123456`, 365 days from now. The tests run without a time zone of their own, so a day more or less
/// is left to the zone.
fn is_in_a_year(date: &str) -> bool {
    let shape = "dddd-dd-ddTdd:dd:dd.dddddd";
    let fits = date.len() == shape.len()
        && date.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
    let number = |range: std::ops::Range<usize>| date.get(range).and_then(|text| text.parse::<i64>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs() / 86_400;
    let now = i64::try_from(now).expect("few days");
    fits && (days(year, month, day) - now - 365).abs() <= 1
}

/// Days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}
