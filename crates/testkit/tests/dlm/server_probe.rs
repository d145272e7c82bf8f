//! What the real services were asked one by one, asked of the double.

use serde_json::{Value, json};
use testkit::dlm::{Probe, ServiceName, golden};

use crate::client::{Reply, ask, both_storages};
use crate::shape::differences;

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

/// Asks everything in the recorded order.
fn asked() -> Vec<(&'static Probe, Reply)> {
    let dlm = both_storages();
    dlm.add_item("dir-watcher", "dp", "container");
    let mut replies: Vec<(&Probe, Reply)> = Vec::new();
    for probe in &golden().server_probe {
        // Copies are asked for by the uid that a registration before was answered.
        let mut target = probe.target.clone();
        for (before, reply) in &replies {
            if let (Some(recorded), Some(ours)) = (before.answer.as_str(), reply.body.as_str()) {
                target = target.replace(recorded, ours);
            }
        }
        let reply = ask(dlm.service(service_of(probe)), &probe.method, &target, &body_of(probe)).unwrap();
        replies.push((probe, reply));
    }
    replies
}

#[test]
fn every_question_gets_the_recorded_status_and_shape() {
    let mut wrong = Vec::new();
    for (probe, reply) in asked() {
        let mut found = differences(&probe.answer, &reply.body);
        let (recorded, ours) = ((probe.status, &probe.content_type), (reply.status, &reply.content_type));
        if recorded != ours {
            found.push(format!("{recorded:?} was recorded, {ours:?} is answered"));
        }
        let exact = probe.answer.get("exec").is_some() || probe.content_type.starts_with("text/plain");
        if exact && probe.answer != reply.body {
            found.push(format!("{} was recorded, {} is answered", probe.answer, reply.body));
        }
        wrong.extend(found.into_iter().map(|text| format!("{}: {text}", probe.note)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_rows_that_the_questions_made_are_the_recorded_ones() {
    let replies = asked();
    let (probe, reply) = replies.iter().find(|(one, _)| one.note == "query_data_item: nothing").unwrap();
    assert_eq!(rows(&reply.body), rows(&probe.answer));
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
