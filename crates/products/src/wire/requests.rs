//! One function for each request that the services are sent.

use super::bodies::{SftpRemote, TargetCopy};
use super::request::{Request, Service};
use crate::items::ItemKind;

/// Which version of the original is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// The tag 2.1.0: registrations carry neither parent nor size.
    R21,
    /// What came after 2.1.0.
    #[default]
    Main,
}

/// Where a storage stands.
#[derive(Debug, Clone, Copy)]
pub struct Location<'a> {
    /// `location_name`, by which it is looked up.
    pub name: &'a str,
    /// `location_type`.
    pub kind: &'a str,
    /// `location_country`.
    pub country: &'a str,
    /// `location_city`.
    pub city: &'a str,
    /// `location_facility`.
    pub facility: &'a str,
}

/// The storage that the watched directory is.
#[derive(Debug, Clone, Copy)]
pub struct SourceStorage<'a> {
    /// `storage_name`.
    pub name: &'a str,
    /// The watched directory, as it was typed.
    pub root_directory: &'a str,
    /// The id that the location has in the services.
    pub location_id: &'a str,
    /// The name of the location.
    pub location_name: &'a str,
}

/// An item to be registered on a storage.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// The item's name, which is also its place below the storage's root.
    pub item_name: &'a str,
    /// What it is.
    pub item_type: ItemKind,
    /// The storage that it lies on.
    pub storage_name: &'a str,
    /// The uid of the top item, for its children.
    pub parents: Option<&'a str>,
    /// The size in bytes.
    pub decompressed_size: Option<u64>,
    /// Whether the service is to try whether it reaches the storage.
    pub storage_access_check: bool,
    /// The metadata as JSON.
    pub metadata: Option<&'a [u8]>,
}

/// Asks for a location by its name.
#[must_use]
pub fn query_location(name: &str) -> Request {
    Request::get(Service::Storage, "/storage/query_location").with("location_name", name)
}

/// Makes a location.
#[must_use]
pub fn init_location(location: &Location<'_>) -> Request {
    Request::post(Service::Storage, "/storage/init_location")
        .with("location_name", location.name)
        .with("location_type", location.kind)
        .with("location_country", location.country)
        .with("location_city", location.city)
        .with("location_facility", location.facility)
}

/// Asks for the public key with which the services log in.
#[must_use]
pub fn get_ssh_public_key() -> Request {
    Request::get(Service::Storage, "/storage/get_ssh_public_key")
}

/// Asks for a storage by its name.
#[must_use]
pub fn query_storage(name: &str) -> Request {
    Request::get(Service::Storage, "/storage/query_storage").with("storage_name", name)
}

/// Makes the source storage.
#[must_use]
pub fn init_storage(storage: &SourceStorage<'_>) -> Request {
    Request::post_json(Service::Storage, "/storage/init_storage", None)
        .with("storage_name", storage.name)
        .with("storage_type", "filesystem")
        .with("root_directory", storage.root_directory)
        .with("storage_interface", "posix")
        .with("location_id", storage.location_id)
        .with("location_name", storage.location_name)
        .with("storage_phase", "GAS")
}

/// Asks for the configurations of a storage.
#[must_use]
pub fn get_storage_config(storage_id: &str) -> Request {
    Request::get(Service::Storage, "/storage/get_storage_config").with("storage_id", storage_id)
}

/// Gives a storage its first configuration.
#[must_use]
pub fn create_storage_config(storage_id: &str, remote: &SftpRemote<'_>) -> Request {
    Request::post_json(Service::Storage, "/storage/create_storage_config", Some(remote.body()))
        .with("storage_id", storage_id)
        .with("storage_name", remote.name)
        .with("config_type", "rclone")
}

/// Tells rclone of a storage that has its configuration already.
#[must_use]
pub fn rclone_config(remote: &SftpRemote<'_>) -> Request {
    Request::post_json(Service::Storage, "/storage/rclone_config", Some(remote.body()))
}

/// Registers an item.
#[must_use]
pub fn register_data_item(dialect: Dialect, item: &Registration<'_>) -> Request {
    let (parents, size) = match dialect {
        Dialect::R21 => (None, None),
        Dialect::Main => (item.parents, item.decompressed_size),
    };
    Request::post_json(Service::Ingest, "/ingest/register_data_item", item.metadata.map(<[u8]>::to_vec))
        .with("item_name", item.item_name)
        .with("uri", item.item_name)
        .with("item_type", item.item_type.as_str())
        .with("storage_name", item.storage_name)
        .with_some("parents", parents)
        .with_some("decompressed_size", size.map(|size| size.to_string()))
        .with("do_storage_access_check", if item.storage_access_check { "true" } else { "false" })
}

/// Makes the services copy an item to another storage.
#[must_use]
pub fn copy_data_item(uid: &str, destination_name: &str) -> Request {
    Request::post(Service::Migration, "/migration/copy_data_item")
        .with("uid", uid)
        .with("destination_name", destination_name)
}

/// Asks for an item by its uid.
#[must_use]
pub fn query_data_item(uid: &str) -> Request {
    Request::get(Service::Request, "/request/query_data_item").with("uid", uid)
}

/// Asks for an item by its name on a storage: how a lost answer to a registration is made good.
#[must_use]
pub fn query_data_item_named(item_name: &str, storage_id: &str) -> Request {
    Request::get(Service::Request, "/request/query_data_item")
        .with("item_name", item_name)
        .with("storage_id", storage_id)
}

/// Makes the row of an item on the target storage.
#[must_use]
pub fn init_data_item(copy: &TargetCopy<'_>) -> Request {
    Request::post_json(Service::Ingest, "/ingest/init_data_item", Some(copy.body()))
}

/// Asks what became of a copy.
#[must_use]
pub fn get_migration(migration_id: i64) -> Request {
    Request::get(Service::Migration, "/migration/get_migration")
        .with("migration_id", migration_id.to_string())
}
