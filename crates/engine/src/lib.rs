//! The engine: runs a plan. It owns the sources' threads and the network runtime, answers
//! questions about both, and serves them on the control socket.

pub mod answer;
pub mod clock;
pub mod control;
pub mod engine;
pub mod explain;
mod inspector;
pub mod listing;
pub mod notice;
pub mod notify;
mod orders;
#[cfg(feature = "stage")]
pub mod rehearsal;
mod source;
pub mod standing;
pub mod status;
mod stream;

pub use clock::Clock;
pub use engine::{Engine, EngineError, ReloadError, Reloaded, probe_sink};
pub use notice::{Level, Notice, Observer};
