//! The migration service. Whatever it does not like is an internal error.

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::item::{Item, Wanted};
use super::store::{Start, Storage, Store, is_uuid};

/// `POST copy_data_item`.
pub(super) fn copy(store: &mut Store, call: &Call<'_>) -> Answer {
    match start(store, call) {
        Some((uid, id)) => Answer::ok(&json!({"uid": uid, "migration_id": id})),
        None => Answer::internal_error(),
    }
}

fn start(store: &mut Store, call: &Call<'_>) -> Option<(String, u64)> {
    let asked = asked_for(store, call)?;
    let source = source(store, &asked)?;
    let origin = store.storage(source.storage_id.as_deref()?)?.clone();
    let destination = destination(store, call)?;
    let (from, to) = (origin.rclone()?, destination.rclone()?);
    let path = Some(call.text("path")).filter(|path| !path.is_empty()).unwrap_or(&source.uri).to_owned();
    let command = command(&source, [from, to], [&origin, &destination], &path);
    let uid = store.uuid();
    let columns = json!({
        "item_name": asked.item_name,
        "oid": asked.oid,
        "storage_id": destination.id,
        "item_type": asked.item_type,
        "metadata": asked.metadata,
        "uri": path,
        "uid_phase": destination.phase,
        "target_phase": asked.target_phase,
        "uid_expiration": asked.uid_expiration,
    });
    store.items.insert(Item::from_columns(uid.clone(), columns.as_object()?).ok()?);
    let oid = asked.oid;
    let start = Start {
        source: &source,
        oid,
        target_uid: uid.clone(),
        destination: &destination,
        command,
        ending: call.ending,
    };
    Some((uid, store.start(start)))
}

/// The row that the request names.
fn asked_for(store: &Store, call: &Call<'_>) -> Option<Item> {
    let wanted = Wanted {
        item_name: call.text("item_name"),
        oid: call.text("oid"),
        uid: call.text("uid"),
        storage_id: "",
    };
    if (wanted.item_name, wanted.oid, wanted.uid) == ("", "", "") {
        return None;
    }
    store.items.find(wanted).ok()?.first().copied().cloned()
}

/// The row that is copied: the first with that name that is READY, on whatever storage. So of two storages with the same
/// name the wrong one may be read.
fn source(store: &Store, asked: &Item) -> Option<Item> {
    store.items.named(asked.item_name.as_deref()?).find(|item| item.item_state == "READY").cloned()
}

fn destination(store: &Store, call: &Call<'_>) -> Option<Storage> {
    let (name, id) = (call.text("destination_name"), call.text("destination_id"));
    let given = !name.is_empty() || !id.is_empty();
    store.storage_by(name, id).filter(|_| given).cloned()
}

/// What the copier is told, as the table of migrations has it.
fn command(source: &Item, configs: [&Value; 2], storages: [&Storage; 2], path: &str) -> String {
    let name = |config: &Value| config["name"].as_str().unwrap_or_default().to_owned();
    let ([from, to], [origin, destination]) = (configs.map(name), storages);
    let (root, uri, target) = (&origin.root_directory, &source.uri, &destination.root_directory);
    if source.item_type == "container" {
        format!("sync/copy {{'srcFs': '{from}:/{root}/{uri}', 'dstFs': '{to}:/{target}/{path}'}}")
    } else {
        format!(
            "operations/copyfile {{'srcFs': '{from}:/{root}', 'srcRemote': '{uri}', 'dstFs': '{to}:/', \
             'dstRemote': '{target}/{path}'}}"
        )
    }
}

/// `GET get_migration`: a list of one, or of none.
pub(super) fn get(store: &mut Store, call: &Call<'_>) -> Answer {
    let id = call.number_if_known("migration_id");
    let rows = store.migrations.iter().filter(|one| Some(one.id as i64) == id);
    Answer::ok(&rows.map(super::store::Migration::row).collect())
}

/// `GET query_migrations`.
pub(super) fn query(store: &mut Store, call: &Call<'_>) -> Answer {
    let storage = call.text("storage_id");
    if !storage.is_empty() && !is_uuid(storage) {
        return Answer::internal_error();
    }
    let (start, end) = (call.text("start_date"), call.text("end_date"));
    let rows = store.migrations.iter().filter(|one| {
        let there = [&one.source_storage_id, &one.destination_storage_id];
        (storage.is_empty() || there.iter().any(|id| *id == storage))
            && (start.is_empty() || one.since.as_str() >= start)
            && (end.is_empty() || one.since.as_str() <= end)
    });
    Answer::ok(&rows.take(1000).map(super::store::Migration::row).collect())
}
