//! What a test has the double do, know and spoil.

use std::time::Duration;

use serde_json::json;

use super::Dlm;
use super::fault::Fault;
use super::item::Item;
use super::store::{Location, Storage, Store, now};

/// What happens from now on.
impl Dlm {
    /// Has something go wrong.
    ///
    /// # Panics
    ///
    /// When the fault is at an operation that no service has.
    pub fn inject(&self, fault: Fault) {
        if let Some(operation) = fault.operation() {
            self.known(operation);
        }
        self.desk.faults.add(fault);
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.desk.faults.clear();
    }

    /// Makes each answer take this long.
    pub fn set_latency(&self, latency: Duration) {
        self.desk.manners().latency = latency;
    }

    /// Makes each copy that is asked for from now on take this long.
    pub fn set_copying(&self, copying: Duration) {
        self.desk.manners().copying = copying;
    }

    /// Demands this token, or none.
    pub fn set_token(&self, token: Option<&str>) {
        self.desk.manners().token = token.map(str::to_owned);
    }

    /// Ends all copies that still run, well or not.
    pub fn end_copies(&self, well: bool) {
        self.desk.store().end_all(well);
    }

    /// Whether the access check finds a storage.
    pub fn set_reachable(&self, storage: &str, reachable: bool) {
        self.change_storage(storage, |storage| storage.reachable = reachable);
    }

    /// Adds a location of the kind that a development set-up has; gives its id.
    #[expect(clippy::must_use_candidate, reason = "who adds it need not ask for its id")]
    pub fn add_location(&self, name: &str) -> String {
        let mut store = self.desk.store();
        let id = store.uuid();
        store.locations.push(Location {
            id: id.clone(),
            name: name.to_owned(),
            kind: "local-dev".to_owned(),
            country: Some("AU".to_owned()),
            city: Some("Perth".to_owned()),
            facility: Some("local".to_owned()),
            since: now(),
        });
        id
    }

    /// Adds a storage at the first location, with a configuration; gives its id.
    ///
    /// # Panics
    ///
    /// When there is no location.
    #[expect(clippy::must_use_candidate, reason = "who adds it need not ask for its id")]
    pub fn add_storage(&self, name: &str, root_directory: &str, phase: &str) -> String {
        let mut store = self.desk.store();
        let id = store.uuid();
        let location_id = store.locations.first().expect("a storage is at a location").id.clone();
        let config = json!({"name": name, "type": "alias", "root_path": "/", "parameters": {"remote": "/"}});
        store.storages.push(Storage {
            id: id.clone(),
            name: name.to_owned(),
            root_directory: root_directory.to_owned(),
            phase: phase.to_owned(),
            configs: vec![("rclone".to_owned(), config)],
            reachable: true,
            location_id,
            kind: "filesystem".to_owned(),
            interface: "posix".to_owned(),
            capacity: -1,
            since: now(),
        });
        id
    }

    /// Forgets all that a database holds, but for what is there before the first start of a watcher: as after a
    /// restart with a new one.
    pub fn forget_everything(&self) {
        *self.desk.store() = Store::default();
        self.add_location("SKA-DEV");
        self.add_storage("dlm-archive", "/dlm-archive", "SOLID");
    }

    /// Takes a storage away, with the items on it.
    pub fn remove_storage(&self, name: &str) {
        let mut store = self.desk.store();
        let Some(id) = store.storage_named(name).map(|storage| storage.id.clone()) else { return };
        store.storages.retain(|storage| storage.id != id);
        store.items.remove_from(&id);
    }

    /// Takes all configurations of a storage away.
    pub fn forget_configs(&self, storage: &str) {
        self.change_storage(storage, |storage| storage.configs.clear());
    }

    /// Adds a READY item as a registration does; gives its uid.
    ///
    /// # Panics
    ///
    /// When there is no such storage.
    #[expect(clippy::must_use_candidate, reason = "who adds it need not ask for its id")]
    pub fn add_item(&self, storage: &str, name: &str, item_type: &str) -> String {
        let mut store = self.desk.store();
        let found = store.storage_named(storage).unwrap_or_else(|| panic!("there is no storage {storage}"));
        let columns = json!({
            "item_name": name, "uri": name, "storage_id": found.id, "uid_phase": found.phase,
            "item_type": item_type, "item_state": "READY", "item_owner": null,
        });
        let uid = store.uuid();
        let item = Item::from_columns(uid.clone(), columns.as_object().expect("columns"));
        let mut item = item.expect("the columns fit");
        item.metadata = json!({"uid": uid, "item_name": name});
        store.items.insert(item);
        uid
    }

    #[track_caller]
    fn change_storage(&self, name: &str, change: impl FnOnce(&mut Storage)) {
        let mut store = self.desk.store();
        let found = store.storages.iter_mut().find(|storage| storage.name == name);
        change(found.unwrap_or_else(|| panic!("there is no storage {name}")));
    }
}
