//! What answers say.

use serde_json::Value;

/// A row of the table of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ItemRow {
    pub(crate) uid: String,
    pub(crate) oid: Option<String>,
    /// Everything about it was stored.
    pub(crate) ready: bool,
}

/// A storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorageRow {
    pub(crate) id: String,
    pub(crate) phase: String,
    pub(crate) root: Option<String>,
}

/// What became of a copy, as far as the answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Migration {
    Running,
    Finished,
    Failed(String),
    /// It ended, or nobody knows it: the row on the target tells how.
    Unclear,
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// An id as JSON string.
pub(crate) fn id(value: &Value) -> Option<String> {
    value.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The rows of a list of items; nothing where it is no such list.
pub(crate) fn items(value: &Value) -> Option<Vec<ItemRow>> {
    let row = |value: &Value| {
        let ready = text(value, "item_state").is_none_or(|state| state == "READY");
        Some(ItemRow { uid: text(value, "uid")?, oid: text(value, "oid"), ready })
    };
    value.as_array()?.iter().map(row).collect()
}

/// The rows of a list of storages.
pub(crate) fn storages(value: &Value) -> Option<Vec<StorageRow>> {
    let row = |value: &Value| {
        let phase = text(value, "storage_phase").unwrap_or_default();
        Some(StorageRow { id: text(value, "storage_id")?, phase, root: text(value, "root_directory") })
    };
    value.as_array()?.iter().map(row).collect()
}

/// The id of the only location of a list.
pub(crate) fn only_location(value: &Value) -> Option<String> {
    match value.as_array()?.as_slice() {
        [only] => text(only, "location_id"),
        _ => None,
    }
}

/// The number of an accepted copy.
pub(crate) fn migration_id(value: &Value) -> Option<i64> {
    let id = value.get("migration_id")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

/// The services keep what rclone said of its job; versions differ in where its verdict stands and in
/// whether it is a boolean or a word.
pub(crate) fn migration(value: &Value) -> Migration {
    let Some([row]) = value.as_array().map(Vec::as_slice) else { return Migration::Unclear };
    if !truth(row.get("complete")).unwrap_or(false) {
        return if row.get("complete").is_some() { Migration::Running } else { Migration::Unclear };
    }
    let job = row.get("job_status");
    let said = truth(row.get("success")).or_else(|| truth(job.and_then(|job| job.get("success"))));
    match said {
        Some(true) => Migration::Finished,
        Some(false) => {
            let error = job.and_then(|job| text(job, "error")).or_else(|| text(row, "error"));
            let error = error.filter(|error| !error.is_empty());
            Migration::Failed(error.unwrap_or_else(|| "the services do not say why".into()))
        }
        None => Migration::Unclear,
    }
}

fn truth(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(truth) => Some(*truth),
        Value::String(word) if word.eq_ignore_ascii_case("true") => Some(true),
        Value::String(word) if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_read_and_odd_answers_are_not() {
        let rows =
            items(&json!([{"uid": "u", "oid": null, "item_state": "INITIALISED"}, {"uid": "v", "oid": "o"}]));
        let row = |uid: &str, oid: Option<&str>, ready| ItemRow {
            uid: uid.into(),
            oid: oid.map(Into::into),
            ready,
        };
        assert_eq!(rows, Some(vec![row("u", None, false), row("v", Some("o"), true)]));
        for odd in [json!(null), json!({"uid": "u"}), json!([{"oid": "o"}]), json!("u")] {
            assert_eq!(items(&odd), None);
            assert_eq!(storages(&odd), None);
        }
        assert_eq!(only_location(&json!([{"location_id": "l"}])), Some("l".into()));
        assert_eq!(only_location(&json!([])), None);
        assert_eq!((id(&json!("x")), id(&json!("")), id(&json!(null))), (Some("x".into()), None, None));
        assert_eq!((migration_id(&json!({"migration_id": 7})), migration_id(&json!({}))), (Some(7), None));
    }

    #[test]
    fn a_migration_tells_its_end_in_several_ways() {
        let of = |row: Value| migration(&json!([row]));
        assert_eq!(of(json!({"complete": false})), Migration::Running);
        assert_eq!(of(json!({"complete": true, "success": "true"})), Migration::Finished);
        let job = json!({"complete": true, "job_status": {"success": false, "error": "gone"}});
        assert_eq!(of(job), Migration::Failed("gone".into()));
        assert_eq!(of(json!({"complete": true})), Migration::Unclear);
        assert_eq!(migration(&json!([])), Migration::Unclear);
    }
}
