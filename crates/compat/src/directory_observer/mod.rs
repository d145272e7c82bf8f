//! `MetWork`'s `directory_observer`: an INI file of monitored directories, each with a Redis list.
//!
//! The way of a start, in the order of the modules: [`args`] reads the command line, [`locate`]
//! finds the file, [`ini`] reads the dialect, [`monitor`] examines the sections, [`plan`] makes
//! what the engine runs. [`line`](mod@line) holds every line the program can log, [`mflog`]
//! writes them as the original's logger did. [`load`] does all of it up to the monitors;
//! [`translate`] is for `init --from`.
//!
//! Whatever differs from the original on purpose stands in
//! `docs/guide/coming-from-directory-observer.md`.

pub mod args;
pub mod ini;
pub mod line;
pub mod load;
pub mod locate;
mod mask;
pub mod mflog;
pub mod monitor;
pub mod plan;
mod pytext;
mod template;
pub mod translate;
pub mod trouble;

pub use crate::environment::{self, Environment};
pub use args::{Args, Parsed};
pub use line::{Level, Line};
pub use load::{Loading, Stop, load};
pub use mflog::Log;
pub use monitor::{AnnounceAt, Endpoint, Monitor, Monitors};
pub use plan::plan;
pub use translate::{Translation, translate};
