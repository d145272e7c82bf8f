//! `sendit`: a Django settings module that says which folders are watched, and a watcher that queues a Celery task for
//! each finished one.
//!
//! The way of a start, in the order of the modules: [`locate`] finds the module, [`python`] reads it without running it,
//! [`settings`] takes what it says about the watcher ([`mask`], [`processor`], [`broker`]), [`plan`] and [`rules`] make
//! what the engine runs. [`voice`] has the old log's words; [`translate`] is for `init --from`.
//!
//! What differs from the original on purpose stands in `docs/guide/coming-from-sendit.md`.

pub mod broker;
pub mod locate;
pub mod mask;
mod naming;
pub mod plan;
pub mod processor;
pub mod python;
pub mod rules;
pub mod settings;
pub mod translate;
pub mod voice;

pub use locate::{Named, usual};
pub use plan::{Around, Options, Planned, plan};
pub use processor::Processor;
pub use python::{ReadError, World};
pub use settings::{Settings, SettingsError, Watch};
pub use translate::{TranslateError, Translation, translate};
