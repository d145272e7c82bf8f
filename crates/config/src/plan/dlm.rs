//! Settings of the SKA Data Lifecycle Management services, with the original watcher's defaults.

use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

/// Settings of the SKA Data Lifecycle Management services: each unit is a data product that is
/// registered as items of a storage and, unless told otherwise, copied to another one.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own, and none excludes another")]
pub struct DlmSink {
    /// Base URL of the ingest service; paths are appended as they are.
    pub ingest_url: String,
    /// Base URL of the request service.
    pub request_url: String,
    /// Base URL of the storage service.
    pub storage_url: String,
    /// Base URL of the migration service.
    pub migration_url: String,
    /// The storage that the items are registered on. `None`: as the original without a source name, whichever
    /// the server lists first (only useful to see the same requests at start; nothing can be registered).
    pub storage: Option<String>,
    /// The storage that they are copied to; `None`: they are registered only.
    pub target: Option<String>,
    /// The directory that the storage stands for: items are named by their path below it, and a
    /// storage that does not exist is made with it, byte for byte as written here. `None`: the path of the
    /// unit's source. Where a configuration was read, all sources that deliver here lie at or below it; if it names
    /// none, it is the path that they share, unless that is relative.
    pub root: Option<PathBuf>,
    /// Which version of the original's requests are sent.
    pub dialect: DlmDialect,
    /// Also what the original does wrong, where a server could tell: the first child copied a second time, a
    /// child file's size taken from its directory, pauses, a failure at start that ends the program.
    pub strict: bool,
    /// Whether the server checks at each registration that it can reach the storage.
    pub access_check: bool,
    /// Who and where this host is, for a storage that must be made.
    pub place: DlmPlace,
    /// The file that the services' public key is added to, so that they can fetch the data; `None`: nowhere.
    pub authorized_keys: Option<PathBuf>,
    /// Whether the outcome of copies is followed, and copies that failed are asked for again.
    pub follow_copies: bool,
    /// How many products are under way at once; from 1 to [`DlmSink::PARALLEL_LIMIT`].
    pub parallel: u16,
    /// A file that lists what was registered, in the original's shape.
    pub status_file: Option<PathBuf>,
    /// Whether products that the status file lists from an earlier run are asked for before they are registered.
    pub reload_status_file: bool,
    /// Sent as `Authorization: Bearer …` with each request; visible ASCII only.
    pub token: Option<Secret>,
    /// A file with the certificates of the private authority to trust.
    pub ca_file: Option<PathBuf>,
}

impl DlmSink {
    /// No more products are under way at once.
    pub const PARALLEL_LIMIT: u16 = 64;
    /// How long one request may take, where nothing is said: a registration with an access check is a round trip
    /// of the services to this host.
    pub const TIMEOUT: Duration = Duration::from_mins(1);
}

/// What holds where nothing is said: as the original without options, and nothing is written to this host's files.
impl Default for DlmSink {
    fn default() -> Self {
        Self {
            ingest_url: "http://dlm_ingest:8001".to_owned(),
            request_url: "http://dlm_request:8002".to_owned(),
            storage_url: "http://dlm_storage:8003".to_owned(),
            migration_url: "http://dlm_migration:8004".to_owned(),
            storage: None,
            target: Some("dlm-archive".to_owned()),
            root: None,
            dialect: DlmDialect::Main,
            strict: false,
            access_check: true,
            place: DlmPlace::default(),
            authorized_keys: None,
            follow_copies: true,
            parallel: 8,
            status_file: None,
            reload_status_file: false,
            token: None,
            ca_file: None,
        }
    }
}

/// Which version of the original's requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DlmDialect {
    /// Client 2.0.x: requests as 2.1; other flags.
    V20,
    /// Client 2.1.x: children are registered twice, once on each storage; no parents, no sizes.
    V21,
    /// Client `main` of July 2026: parents, sizes, target rows made with `init_data_item`.
    Main,
}

/// Who and where a host is whose storage the services shall know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DlmPlace {
    /// The host that the services' rclone logs in to; `None`: the system's host name, at the start of the sink.
    pub host: Option<String>,
    /// The user it logs in as.
    pub user: String,
    /// The location's name.
    pub location: String,
    /// The location's type.
    pub location_type: String,
    /// Its country.
    pub country: String,
    /// Its city.
    pub city: String,
    /// Its facility.
    pub facility: String,
}

impl Default for DlmPlace {
    fn default() -> Self {
        Self {
            host: None,
            user: "ska-dlm".to_owned(),
            location: "SKA-DEV".to_owned(),
            location_type: "local-dev".to_owned(),
            country: "AU".to_owned(),
            city: "Perth".to_owned(),
            facility: "local".to_owned(),
        }
    }
}
