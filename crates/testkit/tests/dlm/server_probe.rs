//! What the real services were asked one by one, asked of the double.

use serde_json::{Value, json};
use testkit::dlm::{Dlm, Probe, ServiceName, golden};

use crate::client::ask;
use crate::shape::differences;

/// The state in which the real services were asked: both storages known and configured, one directory registered and
/// copied.
fn as_it_was() -> (Dlm, String) {
    let dlm = Dlm::with_usual_state();
    dlm.add_storage("dir-watcher", "/watched", "GAS");
    let uid = dlm.add_item("dir-watcher", "dp", "container");
    (dlm, uid)
}

/// The body that was sent; for two questions the recording has no body, because what was sent is no JSON.
fn body_of(probe: &Probe) -> String {
    match probe.note.as_str() {
        "register: NaN in the body" => r#"{"a": NaN}"#.to_owned(),
        "register: broken JSON" => "{a: 1}".to_owned(),
        "register: body null" => "null".to_owned(),
        _ if probe.body.is_null() => String::new(),
        _ => probe.body.to_string(),
    }
}

fn service_of(probe: &Probe) -> ServiceName {
    let first = probe.target.split('/').nth(1).unwrap_or_default();
    ServiceName::ALL.into_iter().find(|name| first.starts_with(name.as_str())).unwrap_or(ServiceName::Ingest)
}

#[test]
fn every_question_gets_the_recorded_status_and_shape() {
    let (dlm, _) = as_it_was();
    let mut wrong = Vec::new();
    let recorded_uid =
        &golden().server_probe.iter().find(|one| one.note == "register: plain").unwrap().answer;
    let mut plain = Value::Null;
    for probe in &golden().server_probe {
        // The copies are asked for by the uid that the registration of zz4 was answered.
        let target = match (recorded_uid, &plain) {
            (Value::String(recorded), Value::String(ours)) => probe.target.replace(recorded.as_str(), ours),
            _ => probe.target.clone(),
        };
        let reply = ask(dlm.service(service_of(probe)), &probe.method, &target, &body_of(probe)).unwrap();
        let mut found = differences(&probe.answer, &reply.body);
        if (reply.status, &reply.content_type) != (probe.status, &probe.content_type) {
            found.push(format!(
                "{} {} was recorded, got {} {}",
                probe.status, probe.content_type, reply.status, reply.content_type
            ));
        }
        if probe.answer.get("exec").is_some() && probe.answer != reply.body {
            found.push(format!("{} was recorded, got {}", probe.answer, reply.body));
        }
        if probe.content_type.starts_with("text/plain") && probe.answer != reply.body {
            found.push(format!("{} was recorded, got {}", probe.answer, reply.body));
        }
        if probe.note == "register: plain" {
            plain = reply.body;
        }
        wrong.extend(found.into_iter().map(|text| format!("{}: {text}", probe.note)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rows that the real database had after the questions, compared with those of the double, name by name.
#[test]
fn after_all_questions_the_rows_are_the_recorded_ones() {
    let (dlm, _) = as_it_was();
    let recorded = golden().server_probe.iter().find(|one| one.note == "query_data_item: nothing").unwrap();
    let mut plain = String::new();
    for probe in &golden().server_probe {
        let recorded_uid = "f8ce1f95-5c88-4eec-b2a1-de11f9b2bd84";
        let target =
            if plain.is_empty() { probe.target.clone() } else { probe.target.replace(recorded_uid, &plain) };
        let reply = ask(dlm.service(service_of(probe)), &probe.method, &target, &body_of(probe)).unwrap();
        match probe.note.as_str() {
            "register: plain" => reply.body.as_str().unwrap_or_default().clone_into(&mut plain),
            "query_data_item: nothing" => {
                assert_eq!(rows(&reply.body), rows(&recorded.answer));
                return;
            }
            _ => {}
        }
    }
    panic!("the question was not among the recorded ones");
}

/// What of a row does not depend on the run, of the rows that the questions themselves made.
fn rows(answer: &Value) -> Vec<Value> {
    let columns = [
        "item_name",
        "uri",
        "item_type",
        "item_state",
        "uid_phase",
        "oid_phase",
        "target_phase",
        "item_owner",
        "item_group",
        "item_size",
        "decompressed_size",
        "item_version",
        "item_value",
        "item_level",
        "checksum_method",
        "oid_expiration",
    ];
    let made =
        answer.as_array().unwrap().iter().filter(|row| {
            row["item_name"].as_str().is_some_and(|name| name.starts_with("zz") || name == "q")
        });
    let mut rows: Vec<Value> = made
        .map(|row| {
            let kept = columns.iter().map(|column| ((*column).to_owned(), row[column].clone()));
            let mut kept: Value = Value::Object(kept.collect());
            kept["own"] = json!(row["uid"] == row["oid"]);
            let mut keys: Vec<String> =
                row["metadata"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
            keys.sort();
            kept["metadata"] = json!(keys);
            kept
        })
        .collect();
    rows.sort_by_key(ToString::to_string);
    rows
}
