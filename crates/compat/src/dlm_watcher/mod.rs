//! The directory watcher of the SKA Data Lifecycle Management client (`dlm-directory-watcher`).
//!
//! The way of a start, in the order of the modules: [`args`] reads the command line, `rules` says which entries of
//! the watched directory are data products, [`plan`] makes what the engine runs, [`log`] writes lines as the SKA's
//! programs do. [`translate`] is for `init --from`.

mod argparse;
pub mod args;
mod flags;
pub mod log;
pub mod plan;
mod rules;
mod token;
pub mod translate;

pub use crate::level::Level;
pub use args::{Args, Parsed, parse, refused};
pub use log::{Log, least_level};
pub use plan::{Around, Planned, SINK, plan};
pub use token::read_token;
pub use translate::{Translation, translate};
