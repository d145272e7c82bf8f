//! The vocabulary of staithe: identities, events, states, reasons, units of measure.
//!
//! Everything here is a value. This crate does no I/O, reads no clock and knows no other
//! station; all others know it. Paths are bytes and become text only in [`text`].

pub mod event;
pub mod happening;
pub mod hashed;
pub mod identity;
pub mod kind;
pub mod measure;
pub mod members;
pub mod parcel;
pub mod signal;
pub mod state;
pub mod text;
pub mod time;

pub use event::{Event, Frozen};
pub use happening::{Detail, Happening, HappeningSet, Moved};
pub use identity::{EventId, Fingerprint, Identity, PathKey};
pub use kind::{Cause, Kind};
pub use members::Members;
pub use parcel::Parcel;
pub use signal::{Signal, SignalSet};
pub use state::{ManifestGap, Reason, State};
pub use time::Stamp;
