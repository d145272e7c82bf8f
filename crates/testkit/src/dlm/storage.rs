//! The storage service.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use super::store::{Location, Storage, Store, is_uuid, now};

/// Facilities that a location may be part of.
const FACILITIES: [&str; 7] = ["SRC", "STFC", "AWS", "Google", "Pawsey Centre", "external", "local"];
/// Kinds of remotes that the copier knows; it knows more, and nobody here uses them.
const REMOTES: [&str; 6] = ["alias", "sftp", "local", "s3", "http", "memory"];
/// The key of the server's copier.
const PUBLIC_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDoubleDoubleDoubleDoubleDoubleDoubleDoubleDo dlm@double";

/// `GET query_location`.
pub(super) fn query_location(store: &mut Store, call: &Call<'_>) -> Answer {
    let (name, id) = (call.text("location_name"), call.text("location_id"));
    if name.is_empty() && !id.is_empty() && !is_uuid(id) {
        return Answer::internal_error();
    }
    let rows = store.locations.iter().filter(|one| selected(name, id, &one.name, &one.id));
    Answer::ok(&rows.map(Location::row).collect())
}

/// `GET query_location_facility`.
pub(super) fn facilities(_: &mut Store, _: &Call<'_>) -> Answer {
    Answer::ok(&json!(FACILITIES))
}

/// `GET get_ssh_public_key`.
pub(super) fn public_key(_: &mut Store, _: &Call<'_>) -> Answer {
    Answer::ok(&json!(PUBLIC_KEY))
}

/// `POST init_location`.
pub(super) fn init_location(store: &mut Store, call: &Call<'_>) -> Answer {
    let name = call.text("location_name");
    if store.locations.iter().any(|one| one.name == name) {
        return Answer::already_there(&format!("A location with this name exists already: {name}"));
    }
    let facility = call.text("location_facility");
    if !facility.is_empty() && !FACILITIES.contains(&facility) {
        let text = "insert or update on table \"location\" violates foreign key constraint \
                    \"location_location_facility_fkey\"";
        return Answer::conflict("location", text);
    }
    let id = store.uuid();
    let given = |name: &str| Some(call.text(name).to_owned()).filter(|text| !text.is_empty());
    store.locations.push(Location {
        id: id.clone(),
        name: name.to_owned(),
        kind: call.text("location_type").to_owned(),
        country: given("location_country"),
        city: given("location_city"),
        facility: given("location_facility"),
        since: now(),
    });
    Answer::ok(&json!(id))
}

/// `GET query_storage`.
pub(super) fn query_storage(store: &mut Store, call: &Call<'_>) -> Answer {
    let (name, id) = (call.text("storage_name"), call.text("storage_id"));
    if name.is_empty() && !id.is_empty() && !is_uuid(id) {
        return Answer::internal_error();
    }
    let rows = store.storages.iter().filter(|one| selected(name, id, &one.name, &one.id));
    Answer::ok(&rows.map(Storage::row).collect())
}

/// `POST init_storage`.
pub(super) fn init_storage(store: &mut Store, call: &Call<'_>) -> Answer {
    let Some(location_id) = location_for(store, call) else { return Answer::internal_error() };
    let name = call.text("storage_name");
    if store.storage_named(name).is_some() {
        let text = "duplicate key value violates unique constraint \"storage_storage_name_key\"";
        return Answer::conflict("storage", text);
    }
    if !store.locations.iter().any(|one| one.id == location_id) {
        let text = "insert or update on table \"storage\" violates foreign key constraint \"fk_location\"";
        return Answer::conflict("storage", text);
    }
    let id = store.uuid();
    store.storages.push(Storage {
        id: id.clone(),
        name: name.to_owned(),
        root_directory: call.text("root_directory").to_owned(),
        phase: call.text("storage_phase").to_owned(),
        configs: Vec::new(),
        reachable: true,
        location_id,
        kind: call.text("storage_type").to_owned(),
        interface: call.text("storage_interface").to_owned(),
        capacity: call.number_if_known("storage_capacity").unwrap_or(-1),
        since: now(),
    });
    Answer::ok(&json!(id))
}

/// The id that was given, else that of the location that was named.
fn location_for(store: &Store, call: &Call<'_>) -> Option<String> {
    let (name, id) = (call.text("location_name"), call.text("location_id"));
    if !id.is_empty() {
        return Some(id.to_owned()).filter(|id| is_uuid(id));
    }
    store.locations.iter().find(|one| one.name == name).map(|one| one.id.clone())
}

/// `GET get_storage_config`.
pub(super) fn get_config(store: &mut Store, call: &Call<'_>) -> Answer {
    let (name, id, kind) = (call.text("storage_name"), call.text("storage_id"), call.text("config_type"));
    if name.is_empty() && !id.is_empty() && !is_uuid(id) {
        return Answer::internal_error();
    }
    if !name.is_empty() && store.storage_named(name).is_none() {
        return Answer::unmet(&format!("Can't get storage_id for {name}"));
    }
    let storages = store.storages.iter().filter(|one| selected(name, id, &one.name, &one.id));
    let configs = storages.flat_map(|storage| &storage.configs);
    Answer::ok(&configs.filter(|(its, _)| its == kind).map(|(_, config)| config.clone()).collect())
}

/// `POST create_storage_config`.
pub(super) fn create_config(store: &mut Store, call: &Call<'_>) -> Answer {
    let (name, id) = (call.text("storage_name"), call.text("storage_id"));
    if name.is_empty() && id.is_empty() {
        return Answer::unmet("Neither storage_id nor storage_name is specified.");
    }
    if name.is_empty() && !is_uuid(id) {
        return Answer::internal_error();
    }
    let config_id = store.uuid();
    let Some(storage) = store.storages.iter_mut().find(|one| selected(name, id, &one.name, &one.id)) else {
        return Answer::internal_error();
    };
    let Some(config) = call.body.members().filter(|config| copier_takes(config)) else {
        return Answer::unmet("Configuring rclone server failed!");
    };
    let mut config = config.clone();
    config.entry("root_path").or_insert_with(|| json!("/"));
    storage.configs.push((call.text("config_type").to_owned(), Value::Object(config)));
    Answer::ok(&json!(config_id))
}

/// `POST rclone_config`.
pub(super) fn rclone(_: &mut Store, call: &Call<'_>) -> Answer {
    Answer::ok(&json!(call.body.members().is_some_and(copier_takes)))
}

fn copier_takes(config: &Map<String, Value>) -> bool {
    let kind = config.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| REMOTES.contains(&kind)) && config.get("name").is_some_and(Value::is_string)
}

/// By name if there is one, else by id if there is one, else all.
fn selected(name: &str, id: &str, its_name: &str, its_id: &str) -> bool {
    match (name, id) {
        ("", "") => true,
        ("", id) => its_id == id,
        (name, _) => its_name == name,
    }
}
