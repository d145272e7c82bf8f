//! What the double accepts against the contract files of the services, in all versions and as the client has them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use testkit::dlm::{BodyRule, Contract, Dlm, Flavour, data_directory};

/// `POST /path name! other body` for each operation, read from the files by other means than the double's.
fn written(directory: &str, suffix: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for service in ["ingest", "request", "storage", "migration"] {
        let path = data_directory().join(format!("openapi/{directory}/{service}_{suffix}.json"));
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for (path, methods) in file["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let mut line = format!("{} {path}", method.to_uppercase());
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    if parameter["in"] == "query" {
                        let mark = if parameter["required"] == true { "!" } else { "" };
                        write!(line, " {}{mark}", parameter["name"].as_str().unwrap()).unwrap();
                    }
                }
                if let Some(body) = operation.get("requestBody") {
                    line.push_str(if body["required"] == true { " body!" } else { " body" });
                }
                lines.insert(line);
            }
        }
    }
    lines
}

fn known(flavour: Flavour) -> BTreeSet<String> {
    let lines = Contract::of(flavour).operations.into_iter().map(|operation| {
        let mut line = format!("{} {}", operation.method, operation.path);
        for parameter in &operation.parameters {
            write!(line, " {}{}", parameter.name, if parameter.required { "!" } else { "" }).unwrap();
        }
        line + match operation.body {
            BodyRule::Ignored => "",
            BodyRule::Optional => " body",
            BodyRule::Required => " body!",
        }
    });
    lines.collect()
}

#[test]
fn each_version_accepts_what_its_files_say() {
    assert_eq!(known(Flavour::S22), written("server_tag_2.2.0", "openapi"));
    assert_eq!(known(Flavour::SM), written("server_main_bb4a659", "openapi"));
    assert_eq!(known(Flavour::S276), written("server_branch_dman276", "openapi"));
    assert_eq!(known(Flavour::S276), written("client_shipped", "spec"));
}

#[test]
fn the_versions_differ_in_the_sizes_only() {
    let more: Vec<String> = known(Flavour::S276).difference(&known(Flavour::SM)).cloned().collect();
    assert_eq!(more.len(), 1, "{more:?}");
    assert!(more[0].contains(" item_size decompressed_size "), "{more:?}");
    assert_eq!(known(Flavour::S22), known(Flavour::SM));
}

#[test]
fn what_the_double_does_not_do_is_known() {
    let expected = [
        "query_deleted",
        "query_expired",
        "query_new",
        "set_acl",
        "set_group",
        "set_oid_expiration",
        "set_phase",
        "set_user",
        "update_data_item",
        "update_item_tags",
    ];
    let mut missing = Dlm::start().not_done();
    missing.sort();
    assert_eq!(missing, expected);
}
