//! What the services know: the tables of their database, as far as a client can see them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::item::{Item, Items};

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) locations: Vec<Location>,
    pub(super) storages: Vec<Storage>,
    pub(super) items: Items,
    pub(super) migrations: Vec<Migration>,
    /// Copies that will end by themselves: when, which one, and whether well. Looked at with each request, so it must
    /// not be as long as the table.
    due: BTreeMap<(Instant, u64), bool>,
    issued: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) country: Option<String>,
    pub(super) city: Option<String>,
    pub(super) facility: Option<String>,
    pub(super) since: String,
}

/// A storage that the services know.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Its identifier.
    pub id: String,
    /// Its name, unique.
    pub name: String,
    /// Where uris are relative to.
    pub root_directory: String,
    /// `GAS`, `LIQUID`, `SOLID` or `PLASMA`.
    pub phase: String,
    /// What was configured for it, in order: the type of the configuration and the JSON sent.
    pub configs: Vec<(String, Value)>,
    /// Whether the access check finds it. Only tests change this.
    pub reachable: bool,
    pub(super) location_id: String,
    pub(super) kind: String,
    pub(super) interface: String,
    pub(super) capacity: i64,
    pub(super) since: String,
}

/// A copy that was asked for.
#[derive(Clone, Debug)]
pub struct Migration {
    /// Counts from 1.
    pub id: u64,
    /// The object that both rows stand for.
    pub oid: String,
    /// Its name.
    pub item_name: String,
    /// The row that is copied: the first READY one with the name, on whatever storage.
    pub source_uid: String,
    /// The row that was made for the copy; gone if it failed.
    pub target_uid: String,
    /// Where from.
    pub source_storage_id: String,
    /// Where to.
    pub destination_storage_id: String,
    /// How it stands.
    pub state: MigrationState,
    pub(super) command: String,
    pub(super) since: String,
    pub(super) until: Option<String>,
}

/// How a copy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// Not done.
    Running,
    /// Done; the target row is READY.
    Done,
    /// Failed; the target row is deleted.
    Failed,
}

/// How a copy shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Done(Duration),
    Failed(Duration),
    Never,
}

/// What is needed to start a copy.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) source: &'a Item,
    /// The object that was asked for; not that of the source when two storages have the same name.
    pub(super) oid: String,
    pub(super) target_uid: String,
    pub(super) destination: &'a Storage,
    pub(super) command: String,
    pub(super) ending: Ending,
}

impl Store {
    /// An identifier that nobody else gives out, in this double or another.
    pub(super) fn uuid(&mut self) -> String {
        self.issued += 1;
        let seed = format!("{:p} {:?} {}", std::ptr::from_ref(self), Instant::now(), self.issued);
        let hex = blake3::hash(seed.as_bytes()).to_hex();
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }

    pub(super) fn storage(&self, id: &str) -> Option<&Storage> {
        self.storages.iter().find(|storage| storage.id == id)
    }

    pub(super) fn storage_named(&self, name: &str) -> Option<&Storage> {
        self.storages.iter().find(|storage| storage.name == name)
    }

    /// As the services look a storage up: by name, else by id, else the first one there is.
    pub(super) fn storage_by(&self, name: &str, id: &str) -> Option<&Storage> {
        match (name, id) {
            ("", "") => self.storages.first(),
            ("", id) => self.storage(id),
            (name, _) => self.storage_named(name),
        }
    }

    pub(super) fn start(&mut self, start: Start<'_>) -> u64 {
        let id = self.migrations.len() as u64 + 1;
        let due = match start.ending {
            Ending::Done(after) => Some((after, true)),
            Ending::Failed(after) => Some((after, false)),
            Ending::Never => None,
        };
        self.due.extend(due.map(|(after, well)| ((Instant::now() + after, id), well)));
        self.migrations.push(Migration {
            id,
            oid: start.oid,
            item_name: start.source.item_name.clone().unwrap_or_default(),
            source_uid: start.source.uid.clone(),
            target_uid: start.target_uid,
            source_storage_id: start.source.storage_id.clone().unwrap_or_default(),
            destination_storage_id: start.destination.id.clone(),
            state: MigrationState::Running,
            command: start.command,
            since: now(),
            until: None,
        });
        id
    }

    /// Ends the copies whose time has come. Everybody who reads items or migrations calls this first, so that no
    /// clock has to run.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, id), well) = first.remove_entry();
            self.migrations[id as usize - 1].end(well, &mut self.items);
        }
    }

    /// Ends every copy that still runs, also those that never would.
    pub(super) fn end_all(&mut self, well: bool) {
        self.due.clear();
        for migration in self.migrations.iter_mut().filter(|one| one.state == MigrationState::Running) {
            migration.end(well, &mut self.items);
        }
    }
}

impl Migration {
    fn end(&mut self, well: bool, items: &mut Items) {
        self.until = Some(now());
        if well {
            self.state = MigrationState::Done;
            items.change(&self.target_uid, |item| "READY".clone_into(&mut item.item_state));
        } else {
            self.state = MigrationState::Failed;
            items.remove(&self.target_uid);
        }
    }

    pub(super) fn row(&self) -> Value {
        let running = self.state == MigrationState::Running;
        let success = self.state == MigrationState::Done;
        let error = if self.state == MigrationState::Failed { "the copy failed" } else { "" };
        let job = json!({
            "id": self.id, "group": format!("job/{}", self.id), "finished": !running, "success": success,
            "error": error,
        });
        json!({
            "migration_id": self.id,
            "job_id": self.id,
            "oid": self.oid,
            "url": "https://rclone.invalid",
            "source_storage_id": self.source_storage_id,
            "destination_storage_id": self.destination_storage_id,
            "user": null,
            "group": "SKA",
            "job_status": job,
            "job_stats": if success { json!({"errors": 0}) } else { Value::Null },
            "complete": !running,
            "date": self.since,
            "completion_date": self.until,
            "command": self.command,
        })
    }
}

impl Location {
    pub(super) fn row(&self) -> Value {
        json!({
            "location_id": self.id,
            "location_name": self.name,
            "location_type": self.kind,
            "location_country": self.country,
            "location_city": self.city,
            "location_facility": self.facility,
            "location_check_url": null,
            "location_last_check": null,
            "location_date": self.since,
        })
    }
}

impl Storage {
    pub(super) fn row(&self) -> Value {
        json!({
            "storage_id": self.id,
            "location_id": self.location_id,
            "storage_name": self.name,
            "root_directory": self.root_directory,
            "storage_type": self.kind,
            "storage_interface": self.interface,
            "storage_phase": self.phase,
            "storage_capacity": self.capacity,
            "storage_use_pct": 0.0,
            "storage_permissions": "RW",
            "storage_checked": false,
            "storage_check_url": null,
            "storage_last_checked": null,
            "storage_num_objects": 0,
            "storage_available": true,
            "storage_retired": false,
            "storage_retire_date": null,
            "storage_date": self.since,
        })
    }

    /// What the server's copier knows the storage by.
    pub(super) fn rclone(&self) -> Option<&Value> {
        self.configs.iter().find(|(kind, _)| kind == "rclone").map(|(_, config)| config)
    }
}

/// The clock of the database: no zone, microseconds.
pub(super) fn now() -> String {
    moment(jiff::Timestamp::now())
}

/// One day from now, when an item expires that nobody said anything about.
pub(super) fn tomorrow() -> String {
    moment(jiff::Timestamp::now() + Duration::from_hours(24))
}

fn moment(at: jiff::Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
    at.to_zoned(jiff::tz::TimeZone::UTC).datetime().to_string()
}

/// Whether the database takes this for an identifier.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_form_and_are_never_the_same() {
        let (mut one, mut other) = (Store::default(), Store::default());
        let mut all: Vec<String> = (0..100).flat_map(|_| [one.uuid(), other.uuid()]).collect();
        assert!(all.iter().all(|id| is_uuid(id)), "{all:?}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 200);
    }
}
