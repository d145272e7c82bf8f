//! The table of data items.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::store::{is_uuid, now, tomorrow};

/// One row: a copy of a data item on a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its own identifier.
    pub uid: String,
    /// The identifier that it shares with its copies; its own for the first.
    pub oid: String,
    /// Not unique.
    pub item_name: Option<String>,
    /// Relative to the root of the storage.
    pub uri: String,
    /// Where it lies.
    pub storage_id: Option<String>,
    /// `file` or `container`.
    pub item_type: String,
    /// `INITIALISED`, `READY`, `CORRUPTED`, `EXPIRED` or `DELETED`.
    pub item_state: String,
    /// The phase of the storage.
    pub uid_phase: String,
    /// The phase it shall reach.
    pub target_phase: String,
    /// Whose it is.
    pub item_owner: Option<String>,
    /// When this row expires.
    pub uid_expiration: Option<String>,
    /// As sent.
    pub item_size: Option<i64>,
    /// As sent.
    pub decompressed_size: Option<i64>,
    /// The identifier of the item that this is a part of.
    pub parents: Option<String>,
    /// What was sent as metadata, with the identifier and the name added.
    pub metadata: Value,
    uid_creation: String,
    oid_creation: Option<String>,
    /// Columns that nobody looks at and somebody has set.
    others: BTreeMap<String, Value>,
}

/// All rows, in order of insertion.
#[derive(Debug, Default)]
pub(super) struct Items {
    rows: BTreeMap<u64, Item>,
    next: u64,
    by_uid: HashMap<String, u64>,
    by_oid: HashMap<String, Vec<u64>>,
    by_name: HashMap<String, Vec<u64>>,
}

/// By what rows are looked for; the first that is given counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) item_name: &'a str,
    pub(super) oid: &'a str,
    pub(super) uid: &'a str,
    pub(super) storage_id: &'a str,
}

/// The value of a column is not one that the database takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// The most rows that are ever given at once.
const LIMIT: usize = 1000;
/// Columns that only ever have what a table sets by itself, unless somebody sets them.
const OTHERS: [&str; 19] = [
    "item_version",
    "item_tags",
    "item_value",
    "item_format",
    "item_encoding",
    "item_mime_type",
    "item_level",
    "oid_phase",
    "oid_expiration",
    "uid_deletion",
    "oid_deletion",
    "expired",
    "deleted",
    "last_access",
    "item_checksum",
    "checksum_method",
    "last_check",
    "item_group",
    "acl",
];
const MORE_OTHERS: [&str; 3] = ["activate_method", "compression_method", "children"];
const STATES: [&str; 5] = ["INITIALISED", "READY", "CORRUPTED", "EXPIRED", "DELETED"];
const PHASES: [&str; 4] = ["GAS", "LIQUID", "SOLID", "PLASMA"];

impl Item {
    /// The row that results from an insertion with these columns.
    pub(super) fn from_columns(uid: String, columns: &Map<String, Value>) -> Result<Self, Refused> {
        let mut item = Self::blank(uid);
        for (name, value) in columns {
            item.set(name, value)?;
        }
        Ok(item)
    }

    fn blank(uid: String) -> Self {
        Self {
            uid,
            oid: String::new(),
            item_name: None,
            uri: "inline://item_value".to_owned(),
            storage_id: None,
            item_type: "file".to_owned(),
            item_state: "INITIALISED".to_owned(),
            uid_phase: "GAS".to_owned(),
            target_phase: "SOLID".to_owned(),
            item_owner: Some("SKA".to_owned()),
            uid_expiration: Some(tomorrow()),
            item_size: None,
            decompressed_size: None,
            parents: None,
            metadata: Value::Null,
            uid_creation: now(),
            oid_creation: None,
            others: BTreeMap::new(),
        }
    }

    /// Sets a column as the database does: what does not fit is refused.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), Refused> {
        match name {
            "uid" => self.uid = uuid(value)?.ok_or(Refused)?,
            "oid" => self.oid = uuid(value)?.unwrap_or_default(),
            "item_name" => self.item_name = text(value),
            "uri" => self.uri = text(value).unwrap_or_default(),
            "storage_id" => self.storage_id = uuid(value)?,
            "item_type" => self.item_type = text(value).unwrap_or_default(),
            "item_state" => self.item_state = one_of(value, &STATES)?,
            "uid_phase" => self.uid_phase = one_of(value, &PHASES)?,
            "target_phase" => self.target_phase = one_of(value, &PHASES)?,
            "item_owner" => self.item_owner = text(value),
            "uid_expiration" => self.uid_expiration = time(value)?,
            "item_size" => self.item_size = small(value)?,
            "decompressed_size" => self.decompressed_size = small(value)?,
            "parents" => self.parents = uuid(value)?,
            "metadata" => self.metadata = value.clone(),
            // A trigger sets these whatever is sent.
            "uid_creation" | "oid_creation" => {}
            other if OTHERS.contains(&other) || MORE_OTHERS.contains(&other) => {
                self.others.insert(name.to_owned(), value.clone());
            }
            _ => return Err(Refused),
        }
        Ok(())
    }

    /// The row as the services give it.
    pub(super) fn row(&self) -> Value {
        let mut row = json!({
            "item_version": 1, "item_tags": null, "item_value": "", "item_format": "unknown",
            "item_encoding": "unknown", "item_mime_type": "application/octet-stream", "item_level": -1,
            "oid_phase": "GAS", "oid_expiration": "2099-12-31T23:59:59", "uid_deletion": null,
            "oid_deletion": null, "expired": false, "deleted": false, "last_access": null, "item_checksum": null,
            "checksum_method": "none", "last_check": null, "item_group": "SKA", "acl": null,
            "activate_method": null, "compression_method": null, "children": null,
            "uid": self.uid, "oid": self.oid, "item_name": self.item_name, "uri": self.uri,
            "storage_id": self.storage_id, "item_type": self.item_type, "item_state": self.item_state,
            "uid_phase": self.uid_phase, "target_phase": self.target_phase, "item_owner": self.item_owner,
            "uid_expiration": self.uid_expiration, "item_size": self.item_size,
            "decompressed_size": self.decompressed_size, "parents": self.parents, "metadata": self.metadata,
            "uid_creation": self.uid_creation, "oid_creation": self.oid_creation,
        });
        for (name, value) in &self.others {
            row[name] = value.clone();
        }
        row
    }
}

impl Items {
    /// Adds a row; the shared identifier and its age come from the row that it names, as a trigger has it.
    pub(super) fn insert(&mut self, mut item: Item) {
        if item.oid.is_empty() {
            item.oid.clone_from(&item.uid);
            item.oid_creation = Some(item.uid_creation.clone());
        } else if let Some(first) = self.get(&item.oid) {
            let (oid, creation) = (first.oid.clone(), first.oid_creation.clone());
            (item.oid, item.oid_creation) = (oid, creation);
        }
        let number = self.next;
        self.next += 1;
        self.by_uid.insert(item.uid.clone(), number);
        self.by_oid.entry(item.oid.clone()).or_default().push(number);
        self.by_name.entry(item.item_name.clone().unwrap_or_default()).or_default().push(number);
        self.rows.insert(number, item);
    }

    pub(super) fn get(&self, uid: &str) -> Option<&Item> {
        self.rows.get(self.by_uid.get(uid)?)
    }

    /// Changes a row in what it is not looked up by.
    pub(super) fn change(&mut self, uid: &str, change: impl FnOnce(&mut Item)) {
        if let Some(item) = self.by_uid.get(uid).and_then(|number| self.rows.get_mut(number)) {
            change(item);
        }
    }

    pub(super) fn remove(&mut self, uid: &str) {
        let Some(number) = self.by_uid.remove(uid) else { return };
        let Some(item) = self.rows.remove(&number) else { return };
        let name = item.item_name.unwrap_or_default();
        for list in [self.by_oid.get_mut(&item.oid), self.by_name.get_mut(&name)].into_iter().flatten() {
            list.retain(|other| *other != number);
        }
    }

    /// Takes all rows of a storage away.
    pub(super) fn remove_from(&mut self, storage_id: &str) {
        let uids: Vec<String> = self.on_storage(storage_id).map(|item| item.uid.clone()).collect();
        for uid in &uids {
            self.remove(uid);
        }
    }

    /// The rows that are wanted, at most a thousand; all when nothing is said. An identifier that is none makes the
    /// database complain.
    pub(super) fn find(&self, wanted: Wanted<'_>) -> Result<Vec<&Item>, Refused> {
        let ids = [wanted.storage_id, if wanted.item_name.is_empty() { wanted.id() } else { "" }];
        if ids.iter().any(|id| !id.is_empty() && !is_uuid(id)) {
            return Err(Refused);
        }
        let numbers = match (wanted.item_name, wanted.oid, wanted.uid) {
            ("", "", "") => return Ok(self.all().filter(|item| wanted.takes(item)).take(LIMIT).collect()),
            ("", "", uid) => self.by_uid.get(uid).map(std::slice::from_ref),
            ("", oid, _) => self.by_oid.get(oid).map(Vec::as_slice),
            (name, ..) => self.by_name.get(name).map(Vec::as_slice),
        };
        let rows = numbers.unwrap_or_default().iter().filter_map(|number| self.rows.get(number));
        Ok(rows.filter(|item| wanted.takes(item)).take(LIMIT).collect())
    }

    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Item> {
        let numbers = self.by_name.get(name).into_iter().flatten();
        numbers.filter_map(|number| self.rows.get(number))
    }

    pub(super) fn on_storage<'a>(&'a self, storage_id: &'a str) -> impl Iterator<Item = &'a Item> {
        self.rows.values().filter(move |item| item.storage_id.as_deref() == Some(storage_id))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Item> {
        self.rows.values()
    }
}

impl Wanted<'_> {
    fn id(&self) -> &str {
        if self.oid.is_empty() { self.uid } else { self.oid }
    }

    fn takes(&self, item: &Item) -> bool {
        self.storage_id.is_empty() || item.storage_id.as_deref() == Some(self.storage_id)
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn uuid(value: &Value) -> Result<Option<String>, Refused> {
    match text(value) {
        Some(text) if !is_uuid(&text) => Err(Refused),
        text => Ok(text),
    }
}

fn one_of(value: &Value, words: &[&str]) -> Result<String, Refused> {
    text(value).filter(|text| words.contains(&text.as_str())).ok_or(Refused)
}

fn time(value: &Value) -> Result<Option<String>, Refused> {
    match text(value) {
        Some(text) if text.parse::<jiff::civil::DateTime>().is_err() => Err(Refused),
        text => Ok(text),
    }
}

/// A whole number of 32 bits: what the columns of sizes take.
fn small(value: &Value) -> Result<Option<i64>, Refused> {
    match value {
        Value::Null => Ok(None),
        value => match value.as_i64().map(i32::try_from) {
            Some(Ok(number)) => Ok(Some(i64::from(number))),
            _ => Err(Refused),
        },
    }
}
