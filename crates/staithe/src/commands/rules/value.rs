//! What is said of a path, as JSON.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use model::Reason;
use model::text::{insert_json_path, insert_json_paths};
use serde_json::{Map, Value, json};
use settle::companion::Of;
use settle::{Rule, Say};

use super::finding::{Companion, Dataset, Finding, Group, Key};

pub(super) fn of(finding: &Finding<'_>, asked: &Path) -> Value {
    let mut value = Map::new();
    insert_json_path(&mut value, "path", finding.path);
    insert_json_path(&mut value, "asked", asked.as_os_str().as_bytes());
    value.insert("source".into(), finding.source.name.as_str().into());
    value.insert("taken".into(), finding.taken.map(|rule| rule.name.as_str()).into());
    value.insert("dataset".into(), datasets(&finding.datasets));
    value.insert("group".into(), finding.group.as_ref().map_or(Value::Null, group));
    value.insert("marker_of".into(), finding.marker_of.as_ref().map_or(Value::Null, companion));
    value.insert("temp_name".into(), finding.temp_name.map(settle::Pattern::text).into());
    value.insert("reason".into(), finding.reason.as_ref().map(Reason::code).into());
    value.insert("reason_args".into(), finding.reason.as_ref().map(Reason::args).unwrap_or_default().into());
    value.insert("detail".into(), super::page::verdict(finding).into());
    let complete = finding.taken.map(|rule| config::completion_to_toml(&rule.completion));
    value.insert("complete".into(), complete.into());
    let meaning = finding.taken.and_then(|rule| super::page::meaning(&rule.completion));
    value.insert("preset_meaning".into(), meaning.into());
    let withheld = finding.withheld.iter().map(|rule| rule.name.as_str());
    value.insert("withheld_from".into(), withheld.collect());
    value.insert("rules".into(), finding.says.iter().map(|(rule, say)| said(rule, *say)).collect());
    Value::Object(value)
}

/// The innermost dataset; those around it stand in `inside`.
fn datasets(datasets: &[Dataset<'_>]) -> Value {
    let Some((innermost, around)) = datasets.split_first() else { return Value::Null };
    let one = |dataset: &Dataset<'_>| {
        let mut value = Map::new();
        insert_json_path(&mut value, "path", dataset.path);
        value.insert("rule".into(), dataset.rule.name.as_str().into());
        value.insert("pattern".into(), dataset.pattern.into());
        value
    };
    let mut value = one(innermost);
    value.insert("inside".into(), around.iter().map(|dataset| Value::Object(one(dataset))).collect());
    Value::Object(value)
}

fn group(group: &Group<'_>) -> Value {
    let mut value = Map::new();
    value.insert("rule".into(), group.rule.name.as_str().into());
    match &group.key {
        Key::Name { key, total, pattern } => {
            insert_json_path(&mut value, "key", key);
            value.insert("total".into(), (*total).into());
            value.insert("pattern".into(), (*pattern).into());
        }
        Key::Header(field) => {
            value.insert("key".into(), Value::Null);
            value.insert("header".into(), (*field).into());
        }
    }
    Value::Object(value)
}

fn companion(companion: &Companion<'_>) -> Value {
    let mut value = Map::new();
    value.insert("rule".into(), companion.rule.name.as_str().into());
    value.insert("is".into(), companion.is.into());
    match companion.of {
        Of::All => {}
        Of::Name(name) => insert_json_path(&mut value, "unit", name),
        Of::Stem(stem) => insert_json_path(&mut value, "stem", stem),
    }
    Value::Object(value)
}

fn said(rule: &Rule, say: Say<'_>) -> Value {
    let mut value = Map::new();
    let (says, pattern) = match say {
        Say::Takes(pattern) => ("takes", Some(pattern)),
        Say::TakesDataset { pattern, .. } => ("takes-dataset", Some(pattern)),
        Say::NotIncluded => ("not-included", None),
        Say::Excluded(pattern) => ("excluded", Some(pattern)),
        Say::ExcludedBelow { pattern, .. } => ("excluded-below", Some(pattern)),
    };
    value.insert("rule".into(), rule.name.as_str().into());
    value.insert("says".into(), says.into());
    value.insert("pattern".into(), pattern.map(settle::Pattern::text).into());
    value.insert("directory".into(), Value::Null);
    if let Say::ExcludedBelow { directory, .. } = say {
        insert_json_path(&mut value, "directory", directory);
    }
    Value::Object(value)
}

/// A path that lies below no source.
pub(super) fn outside(asked: &Path, roots: &[&Path]) -> Value {
    let mut value = Map::new();
    insert_json_path(&mut value, "path", asked.as_os_str().as_bytes());
    insert_json_path(&mut value, "asked", asked.as_os_str().as_bytes());
    for name in ["source", "taken", "dataset", "group", "marker_of", "temp_name", "reason"] {
        value.insert(name.into(), Value::Null);
    }
    value.insert("complete".into(), Value::Null);
    value.insert("preset_meaning".into(), Value::Null);
    value.insert("withheld_from".into(), json!([]));
    value.insert("reason_args".into(), json!({}));
    value.insert("rules".into(), json!([]));
    value.insert("detail".into(), super::outside(asked, roots).into());
    let roots: Vec<Box<[u8]>> = roots.iter().map(|root| root.as_os_str().as_bytes().into()).collect();
    insert_json_paths(&mut value, "roots", &roots);
    Value::Object(value)
}
