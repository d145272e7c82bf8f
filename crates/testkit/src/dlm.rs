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
mod arranging;
mod body;
mod builder;
mod call;
mod contract;
mod desk;
mod fault;
mod golden;
mod http;
mod ingest;
mod item;
mod migration;
mod received;
mod record;
mod request;
mod service;
mod storage;
mod store;
mod tables;

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use answer::Answer;
pub use builder::Builder;
pub use contract::{BodyRule, Contract, Flavour, Operation, Parameter, ServiceName};
pub use fault::Fault;
pub use golden::{Golden, HeaderCase, Probe, Recorded, Response, Scenario, YamlCase, data_directory, golden};
pub use item::Item;
pub use record::Received;
pub use service::Service;
pub use store::{Migration, MigrationState, Storage};

use desk::Desk;

/// The four services, running until this is dropped.
#[derive(Debug)]
pub struct Dlm {
    desk: Arc<Desk>,
    services: Vec<Service>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
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
        Builder::default()
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

    #[track_caller]
    fn known(&self, operation: &str) {
        let known = self.desk.contract.operations.iter().any(|one| one.name() == operation);
        assert!(known, "no service has an operation {operation}");
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
