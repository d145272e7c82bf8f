//! The ingest service.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::body::Body;
use super::call::Call;
use super::item::Item;
use super::store::{Storage, Store, is_uuid};

/// `POST register_data_item`.
pub(super) fn register(store: &mut Store, call: &Call<'_>) -> Answer {
    match storage_for(store, call) {
        Ok(storage) => insert(store, call, &storage),
        Err(answer) => answer,
    }
}

/// The storage, if it is known and accessible and has no item of that name.
fn storage_for(store: &Store, call: &Call<'_>) -> Result<Storage, Answer> {
    let (name, id) = (call.text("storage_name"), call.text("storage_id"));
    if name.is_empty() && !id.is_empty() && !is_uuid(id) {
        return Err(Answer::internal_error());
    }
    let Some(storage) = store.storage_by(name, id) else {
        return Err(Answer::unmet(&format!(
            "No storages found for storage_name='{name}', storage_id='{id}'"
        )));
    };
    if call.flag("do_storage_access_check") {
        if storage.rclone().is_none() {
            return Err(Answer::unmet("No valid configuration for storage found!"));
        }
        if !storage.reachable {
            let text = format!("Ingested data item is not accessible using storage_name={}", storage.name);
            return Err(Answer::unmet(&text));
        }
    }
    let item_name = call.text("item_name");
    // The real check and the real insertion are two steps; of two requests at once both pass the check.
    let there = store.items.named(item_name).any(|item| item.storage_id.as_deref() == Some(&storage.id));
    if there && !call.overlapping {
        return Err(Answer::already_there(&format!("Item is already registered on storage! {item_name}")));
    }
    Ok(storage.clone())
}

fn insert(store: &mut Store, call: &Call<'_>, storage: &Storage) -> Answer {
    // A moment cannot be written on its way to the database.
    if !call.text("uid_expiration").is_empty() || !call.text("oid_expiration").is_empty() {
        return Answer::internal_error();
    }
    let uid = store.uuid();
    let item_name = call.text("item_name");
    let columns = json!({
        "item_name": item_name,
        "storage_id": storage.id,
        "uri": call.text("uri"),
        "item_type": call.text("item_type"),
        "item_state": "READY",
        "uid_phase": storage.phase,
        "target_phase": call.text("target_phase"),
        "item_owner": null,
        "parents": Some(call.text("parents")).filter(|uid| !uid.is_empty()),
        "item_size": call.number_if_known("item_size"),
        "decompressed_size": call.number_if_known("decompressed_size"),
    });
    let columns = columns.as_object().cloned().unwrap_or_default();
    let Ok(mut item) = Item::from_columns(uid.clone(), &columns) else { return Answer::internal_error() };
    let storable = !matches!(call.body, Body::Object { storable: false, .. });
    if storable {
        item.metadata = metadata(call.body.members(), &uid, item_name);
    }
    store.items.insert(item);
    // By now the item is registered; the metadata come last, and nothing is taken back when they fail.
    if storable { Answer::ok(&json!(uid)) } else { Answer::internal_error() }
}

fn metadata(sent: Option<&Map<String, Value>>, uid: &str, item_name: &str) -> Value {
    let mut metadata = sent.cloned().unwrap_or_default();
    metadata.insert("uid".to_owned(), json!(uid));
    metadata.insert("item_name".to_owned(), json!(item_name));
    Value::Object(metadata)
}

/// `POST init_data_item`: the columns of a row as they come.
pub(super) fn init(store: &mut Store, call: &Call<'_>) -> Answer {
    let item_name = call.text("item_name");
    let columns = match call.body {
        _ if !item_name.is_empty() => by_name(item_name, call.text("uid_phase")),
        Body::Object { storable: false, .. } => return Answer::internal_error(),
        Body::Object { members, .. } if !members.is_empty() => members.clone(),
        _ => return Answer::bad_query("Either item_name or json_data is required"),
    };
    let uid = store.uuid();
    let Ok(item) = Item::from_columns(uid, &columns) else { return Answer::internal_error() };
    if item.storage_id.as_deref().is_some_and(|id| store.storage(id).is_none()) {
        return Answer::internal_error();
    }
    if store.items.get(&item.uid).is_some() {
        return Answer::internal_error();
    }
    let uid = item.uid.clone();
    store.items.insert(item);
    Answer::ok(&json!(uid))
}

fn by_name(item_name: &str, phase: &str) -> Map<String, Value> {
    let columns = json!({"item_name": item_name, "uid_phase": phase, "item_owner": null});
    columns.as_object().cloned().unwrap_or_default()
}
