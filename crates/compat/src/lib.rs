//! The drop-ins: each reads an old program's configuration in its own dialect, translates it into
//! a [`config::Plan`] and speaks the old program's log language. The engine runs the plan.

pub mod bounded;
pub mod directory_observer;
pub mod dlm_watcher;
pub mod environment;
pub mod iobserver;
pub mod level;
mod plain;
pub mod sendit;

pub use environment::Environment;
pub use level::Level;
