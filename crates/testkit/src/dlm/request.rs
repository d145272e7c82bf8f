//! The request service.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::item::{Item, Refused, Wanted};
use super::store::Store;

/// `GET query_data_item`.
pub(super) fn items(store: &mut Store, call: &Call<'_>) -> Answer {
    let wanted = Wanted { storage_id: call.text("storage_id"), ..wanted(call) };
    match store.items.find(wanted) {
        Ok(items) => Answer::ok(&items.into_iter().map(Item::row).collect()),
        Err(Refused) => Answer::internal_error(),
    }
}

/// `GET query_exists`.
pub(super) fn exists(store: &mut Store, call: &Call<'_>) -> Answer {
    answer_exists(store, call, call.flag("ready"))
}

/// `GET query_exist_and_ready`.
pub(super) fn exist_and_ready(store: &mut Store, call: &Call<'_>) -> Answer {
    answer_exists(store, call, true)
}

fn answer_exists(store: &Store, call: &Call<'_>, ready: bool) -> Answer {
    if nothing_given(call) {
        return Answer::bad_query("Either an item_name or an OID or an UID have to be provided");
    }
    match store.items.find(wanted(call)) {
        Ok(items) => Answer::ok(&json!(items.iter().any(|item| !ready || item.item_state == "READY"))),
        Err(Refused) => Answer::internal_error(),
    }
}

/// `GET query_item_storage`.
pub(super) fn storages(store: &mut Store, call: &Call<'_>) -> Answer {
    if nothing_given(call) {
        return Answer::bad_query("Either an item_name or an OID or an UID have to be provided");
    }
    let Ok(items) = store.items.find(wanted(call)) else { return Answer::internal_error() };
    let ready = items.into_iter().filter(|item| item.item_state == "READY");
    let rows = ready.map(|item| {
        json!({
            "oid": item.oid, "uid": item.uid, "item_name": item.item_name, "storage_id": item.storage_id,
            "uri": item.uri,
        })
    });
    Answer::ok(&rows.collect())
}

/// `PATCH set_state`.
pub(super) fn set_state(store: &mut Store, call: &Call<'_>) -> Answer {
    set(store, call, &[("item_state", json!(call.text("state")))])
}

/// `PATCH set_uri`.
pub(super) fn set_uri(store: &mut Store, call: &Call<'_>) -> Answer {
    set(store, call, &[("uri", json!(call.text("uri"))), ("storage_id", json!(call.text("storage_id")))])
}

/// `PATCH set_metadata`.
pub(super) fn set_metadata(store: &mut Store, call: &Call<'_>) -> Answer {
    set(store, call, &[("metadata", call.body.value().unwrap_or_default())])
}

/// `PATCH set_uid_expiration`.
pub(super) fn set_uid_expiration(store: &mut Store, call: &Call<'_>) -> Answer {
    set(store, call, &[("uid_expiration", json!(call.text("expiration")))])
}

fn set(store: &mut Store, call: &Call<'_>, columns: &[(&str, Value)]) -> Answer {
    let uid = call.text("uid");
    let mut changed = None;
    store.items.change(uid, |item| {
        let mut next = item.clone();
        if columns.iter().all(|(name, value)| next.set(name, value).is_ok()) {
            item.clone_from(&next);
            changed = Some(next.row());
        }
    });
    changed.map_or_else(Answer::internal_error, |row| Answer::ok(&row))
}

fn wanted<'a>(call: &'a Call<'_>) -> Wanted<'a> {
    Wanted { item_name: call.text("item_name"), oid: call.text("oid"), uid: call.text("uid"), storage_id: "" }
}

fn nothing_given(call: &Call<'_>) -> bool {
    ["item_name", "oid", "uid"].iter().all(|name| call.text(name).is_empty())
}
