//! The requests to the services, as data: method, service, path, query, body, fixed headers.
//!
//! The functions here know how each request is spelled. They do not know when to send it, to which
//! host, or what an answer means.

mod bodies;
mod query;
mod request;
mod requests;

pub use bodies::{SftpRemote, TargetCopy};
pub use query::percent_encode;
pub use request::{Method, Request, Service};
pub use requests::{
    Dialect, Location, Registration, SourceStorage, copy_data_item, create_storage_config, get_migration,
    get_ssh_public_key, get_storage_config, init_data_item, init_location, init_storage, query_data_item,
    query_data_item_named, query_location, query_storage, rclone_config, register_data_item,
};
