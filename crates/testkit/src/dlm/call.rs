//! A request that the contract allows, on its way to the service that does it.

use super::answer::Answer;
use super::body::Body;
use super::contract::{Arguments, Operation, ServiceName, truth};
use super::store::{Ending, Store};
use super::{ingest, migration, request, storage};

/// A request with its parameters read.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) arguments: Arguments,
    pub(super) body: &'a Body,
    /// Another registration of the same is not answered yet.
    pub(super) overlapping: bool,
    /// How a copy shall end.
    pub(super) ending: Ending,
}

type Handler = fn(&mut Store, &Call<'_>) -> Answer;

impl Call<'_> {
    /// A parameter; empty when it was not given and has no default.
    ///
    /// # Panics
    ///
    /// When the contract has no parameter of that name: a mistake in the double.
    pub(super) fn text(&self, name: &str) -> &str {
        let value =
            self.arguments.get(name).unwrap_or_else(|| panic!("the contract has no parameter {name}"));
        value.as_deref().unwrap_or_default()
    }

    /// A parameter that not every version of the service has.
    pub(super) fn number_if_known(&self, name: &str) -> Option<i64> {
        self.arguments.get(name)?.as_deref()?.trim().parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        truth(self.text(name)) == Some(true)
    }
}

/// Does what is asked.
pub(super) fn perform(operation: &Operation, store: &mut Store, call: &Call<'_>) -> Answer {
    match handler(operation.service, operation.name()) {
        Some(handler) => handler(store, call),
        None => Answer::new(501, "text/plain", "the double does not know what the real service answers here"),
    }
}

/// Who does it. What is missing here was never measured.
pub(super) fn handler(service: ServiceName, name: &str) -> Option<Handler> {
    let handler: Handler = match (service, name) {
        (ServiceName::Ingest, "register_data_item") => ingest::register,
        (ServiceName::Ingest, "init_data_item") => ingest::init,
        (ServiceName::Migration, "copy_data_item") => migration::copy,
        (ServiceName::Migration, "get_migration") => migration::get,
        (ServiceName::Migration, "query_migrations") => migration::query,
        (ServiceName::Request, "query_data_item") => request::items,
        (ServiceName::Request, "query_exists") => request::exists,
        (ServiceName::Request, "query_exist_and_ready") => request::exist_and_ready,
        (ServiceName::Request, "query_item_storage") => request::storages,
        (ServiceName::Request, "set_state") => request::set_state,
        (ServiceName::Request, "set_uri") => request::set_uri,
        (ServiceName::Request, "set_metadata") => request::set_metadata,
        (ServiceName::Request, "set_uid_expiration") => request::set_uid_expiration,
        (ServiceName::Storage, "query_location") => storage::query_location,
        (ServiceName::Storage, "query_location_facility") => storage::facilities,
        (ServiceName::Storage, "init_location") => storage::init_location,
        (ServiceName::Storage, "query_storage") => storage::query_storage,
        (ServiceName::Storage, "init_storage") => storage::init_storage,
        (ServiceName::Storage, "get_storage_config") => storage::get_config,
        (ServiceName::Storage, "create_storage_config") => storage::create_config,
        (ServiceName::Storage, "rclone_config") => storage::rclone,
        (ServiceName::Storage, "get_ssh_public_key") => storage::public_key,
        _ => return None,
    };
    Some(handler)
}
