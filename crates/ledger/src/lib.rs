//! The ledger: the durable memory between *complete* and *delivered*.
//!
//! One handle, [`Ledger`], and two modes behind it: *durable* keeps everything in one bundled
//! `SQLite` file under a state directory, *volatile* keeps what is pending in memory and forgets at
//! exit. Both give the same ids for the same history. What is written, in which order, and what
//! each crash leaves stands in `docs/design/ledger.md`.
//!
//! The ledger decides nothing about files: whoever submits an [`Admission`] has already decided
//! that it is a new generation. It gives it a number, a stable id and frozen bytes, and remembers
//! which sinks have it.

mod answer;
mod attempts;
mod durable;
mod entry;
mod error;
mod export;
mod hooks;
mod ledger;
mod lineage;
mod names;
mod options;
mod recent;
mod record;
mod route;
mod seal;
mod step;
mod tally;
mod volatile;

pub use answer::{DeadRow, Fetch, Health, KnownRow, OpenReport, Pruned, Quarantine, QueueDepth, RetryRow};
pub use durable::{CheckReport, check, repair};
pub use entry::{Admission, Dead, Entry, Fate, Moment, Parked, Report, SourceNote, SourceRecord};
pub use error::{Closed, CommitError, LedgerError, OpenError};
pub use export::{ExportError, export};
pub use ledger::Ledger;
pub use options::{Durability, Options, RouteId, SinkId, SourceId};
pub use record::{Counts, Record, SinkCounts, SinkRecord};
pub use step::{Pursuit, Step, StepNote};
