//! For tests only: what makes a statement about the program under test worth something.
//!
//! - [`Workload`] writes files in the ways in which files really arrive and keeps a [`Truth`] log.
//! - [`protocol::Mix`] has files handed over by many protocols at once, from a seed that repeats it.
//! - [`Collector`] consumes a sink as a user's program would and hashes each file on receipt.
//! - [`judge`] compares the two: lost, early, repeated, unknown.
//! - [`proof::Row`] is what a core test of the reliability battery has shown, as one line of JSON.
//! - [`Landing`] is a whole installation: a watched tree, a configuration, the daemon.
//! - [`dlm::Dlm`] stands for the four services of the SKA Data Lifecycle Management system.
//! - [`rabbitmq::Rabbit`] and [`redis::Redis`] are real brokers, and [`proxy::Proxy`] is a bad way to them.
//! - [`Process`] and [`Terminal`] run the program; [`Scratch`] and [`free_port`] give it room, [`Volume`] a file system
//!   whose power can be cut or which becomes full.
//!
//! Everything here fails the test by panicking, and waits on conditions with a deadline.
#![allow(clippy::missing_panics_doc, reason = "a test kit panics when the test fails")]

pub mod celery;
pub mod chance;
mod collector;
pub mod dlm;
mod landing;
mod oracle;
mod port;
mod process;
pub mod proof;
pub mod protocol;
pub mod proxy;
pub mod python;
pub mod rabbitmq;
mod receipt;
pub mod redis;
pub mod resp;
mod scratch;
mod terminal;
mod truth;
mod volume;
mod wait;
pub mod workload;

pub use collector::Collector;
pub use landing::Landing;
pub use oracle::{Judgement, judge};
pub use port::{Reserved, free_port};
pub use process::{Finished, Process};
pub use receipt::Receipt;
pub use rustix::process::Signal;
pub use scratch::Scratch;
pub use terminal::Terminal;
pub use truth::{Published, Truth};
pub use volume::{Filesystem, Volume};
pub use wait::{patience, wait_for, wait_until, wait_until_old};
pub use workload::{Layout, Manner, Workload};
