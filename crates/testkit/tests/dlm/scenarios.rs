//! Every recorded run of the original watcher, its requests sent to the double: the answers and what is in the tables
//! afterwards must be what the real services had.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use testkit::dlm::{Dlm, Fault, Item, Recorded, Scenario, golden};

use crate::client::{Reply, ask};

/// What the recordings have where a client said when a row expires, and what is sent for it here.
const SOMETIME: &str = "<now + 365 days, local time, no zone, microseconds>";
const IN_A_YEAR: &str = "2027-11-21T02:03:04.123456";

/// What stands for what in the recording of one run.
#[derive(Default)]
struct Meaning(HashMap<String, String>);

impl Meaning {
    /// The text with identifiers of the double in place of recorded ones.
    fn applied(&self, text: &str) -> String {
        let mut text = text.replace(SOMETIME, IN_A_YEAR);
        for (placeholder, ours) in &self.0 {
            text = text.replace(placeholder, ours);
        }
        text
    }

    /// Compares an answer with the recorded one and learns what identifiers stand for.
    fn differences(&mut self, at: &str, recorded: &Value, ours: &Value) -> Vec<String> {
        match (recorded, ours) {
            (Value::Object(recorded), Value::Object(ours)) => {
                let mut keys: Vec<&String> = recorded.keys().chain(ours.keys()).collect();
                keys.sort();
                keys.dedup();
                let each = keys.into_iter().flat_map(|key| {
                    let none = json!("<absent>");
                    let (one, other) = (recorded.get(key).unwrap_or(&none), ours.get(key).unwrap_or(&none));
                    self.differences(&format!("{at}/{key}"), one, other)
                });
                each.collect()
            }
            (Value::Array(recorded), Value::Array(ours)) if recorded.len() == ours.len() => {
                let pairs = recorded.iter().zip(ours);
                pairs.flat_map(|(one, other)| self.differences(&format!("{at}/*"), one, other)).collect()
            }
            (Value::String(text), Value::String(ours)) if text.starts_with("<uuid-") => {
                let known = self.0.entry(text.clone()).or_insert_with(|| ours.clone());
                if known == ours {
                    Vec::new()
                } else {
                    vec![format!("{at}: {text} was {known} and is {ours}")]
                }
            }
            (Value::String(text), Value::Number(_)) if text == "<int>" => Vec::new(),
            (Value::String(_), Value::String(_)) if is_of_the_run(at, recorded) => Vec::new(),
            (one, other) if one == other => Vec::new(),
            (one, other) => vec![format!("{at}: {one} was recorded, {other} is answered")],
        }
    }
}

/// Texts that are of the run, not of the services: moments, the key.
fn is_of_the_run(at: &str, recorded: &Value) -> bool {
    let marks = ["<timestamp>", "<ssh-public-key>"];
    marks.iter().any(|mark| recorded == mark)
        || ["/uid_creation", "/oid_creation", "/uid_expiration"].iter().any(|column| at.ends_with(column))
}

/// The double as the services were before the run.
fn prepared(scenario: &Scenario) -> Dlm {
    let dlm = Dlm::builder().copying(Duration::ZERO).start();
    if scenario.id == "A01" {
        return dlm;
    }
    dlm.add_location("SKA-DEV");
    dlm.add_storage("dlm-archive", "$ARCHIVE", "SOLID");
    if scenario.id == "O08" {
        dlm.add_storage("second", "$ARCHIVE", "LIQUID");
    }
    let source_unknown = scenario.requests.iter().any(|one| one.path == "/storage/init_storage");
    if !source_unknown {
        dlm.add_storage("dir-watcher", "$WATCH_DIR", "GAS");
        let config = sftp_config();
        let target = "/storage/create_storage_config?storage_name=dir-watcher";
        // The first configuration is the one that is given; the one that `add_storage` made goes.
        dlm.forget_configs("dir-watcher");
        assert_eq!(ask(dlm.storage(), "POST", target, &config).unwrap().status, 200);
    }
    for name in registered_before(scenario) {
        dlm.add_item("dir-watcher", &name, "file");
    }
    dlm
}

fn sftp_config() -> String {
    let parameters = json!({
        "host": "<watcher-host>", "key_file": "/root/.ssh/id_rsa", "shell_type": "unix", "type": "sftp", "user": "root",
    });
    json!({"name": "dir-watcher", "type": "sftp", "parameters": parameters}).to_string()
}

/// What was refused as known and not registered in this run must have been there.
fn registered_before(scenario: &Scenario) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut made: Vec<&str> = Vec::new();
    for request in scenario.requests.iter().filter(|one| one.path == "/ingest/register_data_item") {
        let name = request.query[0].1.as_str();
        let known = request.response.as_ref().is_some_and(|answer| answer.body["exec"] == "ValueAlreadyInDB");
        if known && request.injected.is_none() && !made.contains(&name) {
            names.push(name.to_owned());
        }
        made.push(name);
    }
    names
}

/// Has the double do to this request what the recording proxy did.
fn inject(dlm: &Dlm, request: &Recorded) {
    if request.injected.is_none() {
        return;
    }
    let fault = match &request.response {
        None => Fault::close(),
        Some(answer) => match &answer.body {
            Value::String(text) => Fault::answer(answer.status, "text/plain; charset=utf-8", text.as_str()),
            body => Fault::answer(answer.status, "application/json", body.to_string()),
        },
    };
    dlm.inject(fault.once());
}

/// Sends one recorded request; gives what differs.
fn replay(dlm: &Dlm, meaning: &mut Meaning, request: &Recorded) -> Vec<String> {
    inject(dlm, request);
    learn_from_body(dlm, meaning, request);
    let mut target = request.path.clone();
    if !request.raw_query.is_empty() {
        target = format!("{target}?{}", meaning.applied(&request.raw_query));
    }
    let body = meaning.applied(&request.body_as_sent().unwrap_or_default());
    let service = [dlm.ingest(), dlm.request(), dlm.storage(), dlm.migration()];
    let names = ["ingest", "request", "storage", "migration"];
    let service = service[names.iter().position(|name| *name == request.service).unwrap()];
    let reply = ask(service, &request.method, &target, &body).ok();
    let found = judge(meaning, request, reply);
    found.into_iter().map(|text| format!("{} {target}: {text}", request.method)).collect()
}

fn judge(meaning: &mut Meaning, request: &Recorded, reply: Option<Reply>) -> Vec<String> {
    match (&request.response, reply) {
        (None, None) => Vec::new(),
        (Some(answer), Some(reply)) if answer.status == reply.status => {
            meaning.differences("", &answer.body, &reply.body)
        }
        (recorded, reply) => vec![format!("{recorded:?} was recorded, {reply:?} came")],
    }
}

/// A run that is recorded from readiness on names the target storage without having been told it.
fn learn_from_body(dlm: &Dlm, meaning: &mut Meaning, request: &Recorded) {
    if let Some(id) = request.body["storage_id"].as_str() {
        let target = dlm.storage_named("dlm-archive").unwrap().id;
        meaning.0.entry(id.to_owned()).or_insert(target);
    }
}

/// Copies that failed in the run fail here too.
fn fail_as_recorded(dlm: &Dlm, scenario: &Scenario) {
    for migration in scenario.raw["migrations_after"].as_array().into_iter().flatten() {
        if migration["success"] == "false" {
            let name = copied_by(migration["command"].as_str().unwrap());
            let over = migration["complete"] == true;
            let fault = if over { Fault::copy_fails() } else { Fault::copy_hangs() };
            dlm.inject(fault.when(move |request| request.item_name.as_ref() == Some(&name)).once());
        }
    }
}

/// The item that the copier was told to copy.
fn copied_by(command: &str) -> String {
    let between = |before: &str| command.split(before).nth(1)?.split('\'').next();
    let name = between("'srcRemote': '").or_else(|| between("'srcFs': 'dir-watcher:/$WATCH_DIR/"));
    name.unwrap_or_else(|| panic!("no name in {command}")).to_owned()
}

/// The rows afterwards, in the form of the recording.
fn tables(dlm: &Dlm) -> Vec<Value> {
    let storages = dlm.storages();
    let name_of = |item: &Item| {
        storages
            .iter()
            .find(|storage| Some(&storage.id) == item.storage_id.as_ref())
            .map(|one| one.name.clone())
    };
    let rows = dlm.items().into_iter().map(|item| {
        let expiration = item.uid_expiration.as_deref();
        let hours = expiration.map(|at| if at == IN_A_YEAR { 365 * 24 } else { 24 });
        json!({
            "item_name": item.item_name, "storage": name_of(&item), "item_type": item.item_type,
            "item_state": item.item_state, "uid_phase": item.uid_phase, "target_phase": item.target_phase,
            "uri": item.uri, "uid": item.uid, "oid": item.oid, "parents": item.parents,
            "item_size": item.item_size, "decompressed_size": item.decompressed_size, "metadata": item.metadata,
            "item_owner": item.item_owner, "uid_expires_after_hours": hours,
            "oid_expiration": "2099-12-31 23:59:59",
        })
    });
    rows.collect()
}

/// Puts rows into an order that does not depend on when they were written.
fn ordered(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| {
        (row["item_name"].to_string(), row["storage"].to_string(), row["parents"].is_null())
    });
    rows
}

fn run(scenario: &Scenario) -> Vec<String> {
    let dlm = prepared(scenario);
    fail_as_recorded(&dlm, scenario);
    let mut meaning = Meaning::default();
    let mut wrong: Vec<String> =
        scenario.requests.iter().flat_map(|request| replay(&dlm, &mut meaning, request)).collect();
    if let Some(recorded) = scenario.raw["db_after"].as_array() {
        let (recorded, ours) = (ordered(recorded), ordered(&tables(&dlm)));
        wrong.extend(meaning.differences("row", &Value::Array(recorded), &Value::Array(ours)));
    }
    wrong.into_iter().map(|text| format!("{}: {text}", scenario.id)).collect()
}

#[test]
fn every_recorded_request_gets_the_recorded_answer_and_leaves_the_recorded_rows() {
    let wrong: Vec<String> = golden().scenarios.iter().flat_map(run).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_wrong_answer_is_noticed() {
    let scenario = golden().scenario("C02");
    let dlm = prepared(scenario);
    dlm.inject(Fault::json(&json!([Map::new()])).at("query_data_item").once());
    let mut meaning = Meaning::default();
    let wrong: Vec<String> =
        scenario.requests.iter().flat_map(|request| replay(&dlm, &mut meaning, request)).collect();
    assert!(wrong.len() > 30 && wrong[0].contains("/acl"), "{wrong:?}");
}
