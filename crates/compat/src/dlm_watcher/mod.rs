//! The directory watcher of the SKA Data Lifecycle Management client (`dlm-directory-watcher`).
//!
//! The way of a start, in the order of the modules: [`args`] reads the command line, `rules` says which entries of
//! the watched directory are data products, [`plan`] makes what the engine runs.

mod argparse;
pub mod args;
mod flags;
pub mod plan;
mod rules;

pub use args::{Args, Parsed, parse};
pub use plan::{Around, Planned, SINK, plan};
