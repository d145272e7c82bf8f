//! A double of the four services of the SKA Data Lifecycle Management system.
//!
//! It answers what the real ones answered when they were asked ([`golden`]), from a state behind it, and writes down
//! everything that it receives. What a client may meet with besides, a test arranges with a [`Fault`].
//!
//! ```no_run
//! use testkit::dlm::{Dlm, Fault};
//!
//! let dlm = Dlm::with_usual_state();
//! dlm.inject(Fault::internal_error().at("register_data_item").item("f1").times(2));
//! // … start a client with `dlm.ingest().url()` and the others …
//! dlm.ingest().stop();
//! assert_eq!(dlm.items_on("dir-watcher").len(), 0);
//! ```

mod answer;
mod body;
mod call;
mod contract;
mod desk;
mod fault;
mod golden;
mod http;
mod ingest;
mod item;
mod migration;
mod record;
mod request;
mod service;
mod storage;
mod store;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

pub use answer::Answer;
pub use contract::{BodyRule, Contract, Flavour, Operation, Parameter, ServiceName};
pub use fault::Fault;
pub use golden::{Golden, HeaderCase, Probe, Recorded, Response, Scenario, YamlCase, data_directory, golden};
pub use item::Item;
pub use record::Received;
pub use service::Service;
pub use store::{Migration, MigrationState, Storage};

use desk::{Desk, Manners};
use item::Wanted;
use store::{Location, now};

/// How long a copy takes unless a test says something else: long enough to be seen running.
const COPYING: Duration = Duration::from_millis(50);

/// The four services, running until this is dropped.
#[derive(Debug)]
pub struct Dlm {
    desk: Arc<Desk>,
    services: Vec<Service>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a double shall be.
#[derive(Clone, Debug)]
pub struct Builder {
    flavour: Flavour,
    manners: Manners,
    usual: bool,
}

impl Builder {
    /// Which version of the services it stands for; otherwise the newest state of their repository.
    #[must_use]
    pub fn flavour(mut self, flavour: Flavour) -> Self {
        self.flavour = flavour;
        self
    }

    /// Answers 401 to whoever does not send this as a bearer token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.manners.token = Some(token.to_owned());
        self
    }

    /// Makes each answer take this long.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.manners.latency = latency;
        self
    }

    /// Makes each copy take this long; otherwise 50 ms.
    #[must_use]
    pub fn copying(mut self, copying: Duration) -> Self {
        self.manners.copying = copying;
        self
    }

    /// Knows the location `SKA-DEV` and the storage `dlm-archive`, as before the first start of a watcher.
    #[must_use]
    pub fn usual_state(mut self) -> Self {
        self.usual = true;
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> Dlm {
        let dlm = Dlm::open(Desk::new(Contract::of(self.flavour), self.manners));
        if self.usual {
            dlm.add_location("SKA-DEV");
            dlm.add_storage("dlm-archive", "/dlm-archive", "SOLID");
        }
        dlm
    }
}

impl Dlm {
    /// A double with an empty database.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A double that a watcher finds as it usually does: the location `SKA-DEV` and the storage `dlm-archive` (phase
    /// SOLID) are known, its own storage is not.
    #[must_use]
    pub fn with_usual_state() -> Self {
        Self::builder().usual_state().start()
    }

    /// For everything that is not as usual.
    #[must_use]
    pub fn builder() -> Builder {
        let manners = Manners { token: None, latency: Duration::ZERO, copying: COPYING };
        Builder { flavour: Flavour::default(), manners, usual: false }
    }

    fn open(desk: Desk) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime can be had");
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(ended);
        });
        let desk = Arc::new(desk);
        let open = |name| Service::open(name, Arc::clone(&desk), handle.clone());
        let services = ServiceName::ALL.map(open).into();
        Self { desk, services, end: Some(end), thread: Some(thread) }
    }

    /// The service that takes registrations.
    #[must_use]
    pub fn ingest(&self) -> &Service {
        self.service(ServiceName::Ingest)
    }

    /// The service that answers questions about items.
    #[must_use]
    pub fn request(&self) -> &Service {
        self.service(ServiceName::Request)
    }

    /// The service that knows locations and storages.
    #[must_use]
    pub fn storage(&self) -> &Service {
        self.service(ServiceName::Storage)
    }

    /// The service that copies.
    #[must_use]
    pub fn migration(&self) -> &Service {
        self.service(ServiceName::Migration)
    }

    /// One of them.
    #[must_use]
    pub fn service(&self, name: ServiceName) -> &Service {
        &self.services[name as usize]
    }

    /// What the services accept.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.desk.contract
    }
}

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
        let mut store = self.desk.store();
        let found = store.storages.iter_mut().find(|one| one.name == storage);
        found.unwrap_or_else(|| panic!("there is no storage {storage}")).reachable = reachable;
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
}

/// What was received.
impl Dlm {
    /// A copy of everything received so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.desk.log.with(<[Received]>::to_vec)
    }

    /// Looks at everything received so far without copying it.
    #[must_use]
    pub fn with_requests<T>(&self, look: impl FnOnce(&[Received]) -> T) -> T {
        self.desk.log.with(look)
    }

    /// Those of one kind, by the last part of the path.
    ///
    /// # Panics
    ///
    /// When no service has such an operation.
    #[must_use]
    pub fn requests_at(&self, operation: &str) -> Vec<Received> {
        self.known(operation);
        self.desk.log.with(|all| all.iter().filter(|one| one.operation() == operation).cloned().collect())
    }

    /// How many requests came, of all kinds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.desk.log.len()
    }

    /// How many of one kind came. Cheap.
    ///
    /// # Panics
    ///
    /// When no service has such an operation.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.known(operation);
        self.desk.log.counts(operation).0
    }

    /// How many of one kind were answered with 2xx. Cheap.
    ///
    /// # Panics
    ///
    /// When no service has such an operation.
    #[must_use]
    pub fn answered(&self, operation: &str) -> usize {
        self.known(operation);
        self.desk.log.counts(operation).1
    }

    /// The registrations that came while another one of the same name on the same storage was not answered: what no
    /// client may do.
    #[must_use]
    pub fn overlapping(&self) -> Vec<Received> {
        self.desk.log.with(|all| all.iter().filter(|one| one.overlapping).cloned().collect())
    }

    /// Waits until the requests are as they should be; fails the test with a list of them after `deadline`.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, deadline: Duration, what: &str, holds: impl Fn(&[Received]) -> bool) {
        self.wait_until(deadline, what, |dlm| dlm.with_requests(&holds));
    }

    /// Waits until something about the double is as it should be; fails the test after `deadline`.
    #[track_caller]
    #[must_use]
    pub fn wait_until(&self, deadline: Duration, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = std::time::Instant::now();
        while !holds(self) {
            assert!(
                begun.elapsed() < deadline,
                "waited {deadline:?} in vain for {what}; received:\n{}",
                self.transcript()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The last requests, one a line, for messages.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.with_requests(|all| {
            let shown = all.iter().skip(all.len().saturating_sub(60));
            shown.map(|one| format!("{:9.3} {one}", one.seconds)).collect::<Vec<_>>().join("\n")
        })
    }

    #[track_caller]
    fn known(&self, operation: &str) {
        let known = self.desk.contract.operations.iter().any(|one| one.name() == operation);
        assert!(known, "no service has an operation {operation}");
    }
}

/// What came of it.
impl Dlm {
    /// The rows on a storage, in order of insertion.
    ///
    /// # Panics
    ///
    /// When there is no such storage.
    #[must_use]
    pub fn items_on(&self, storage: &str) -> Vec<Item> {
        let store = self.desk.store();
        let id = store
            .storage_named(storage)
            .unwrap_or_else(|| panic!("there is no storage {storage}"))
            .id
            .clone();
        store.items.on_storage(&id).cloned().collect()
    }

    /// All rows, also those without a storage.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        self.desk.store().items.all().cloned().collect()
    }

    /// The row with this uid.
    #[must_use]
    pub fn item(&self, uid: &str) -> Option<Item> {
        let store = self.desk.store();
        let found = store.items.find(Wanted { uid, ..Wanted::default() }).ok()?;
        found.first().copied().cloned()
    }

    /// The copies that were asked for, in order.
    #[must_use]
    pub fn copies(&self) -> Vec<Migration> {
        self.desk.store().migrations.clone()
    }

    /// The storages, in order of insertion.
    #[must_use]
    pub fn storages(&self) -> Vec<Storage> {
        self.desk.store().storages.clone()
    }

    /// The storage of this name.
    #[must_use]
    pub fn storage_named(&self, name: &str) -> Option<Storage> {
        self.desk.store().storage_named(name).cloned()
    }

    /// The names of the locations.
    #[must_use]
    pub fn locations(&self) -> Vec<String> {
        self.desk.store().locations.iter().map(|one| one.name.clone()).collect()
    }

    /// Operations of the contract that the double answers with 501, because nobody measured what the real ones do.
    #[must_use]
    pub fn not_done(&self) -> Vec<String> {
        let operations = self.desk.contract.operations.iter();
        let missing = operations.filter(|one| call::handler(one.service, one.name()).is_none());
        missing.map(|one| one.name().to_owned()).collect()
    }
}

impl Drop for Dlm {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
