//! Noticing: what the kernel says, what scanners see and what a walk finds, as the same hints.
//!
//! A hint says "look at this path". It is never the truth: the tree is, and a scan that compares
//! it with what is known closes every gap that events leave. The design is in
//! `docs/design/noticing.md`.

pub mod backlog;
mod drain;
mod fanotify;
mod ground;
pub mod hint;
mod inotify;
mod names;
pub mod poll;
mod polling;
pub mod quiet;
pub mod region;
pub mod scan;
pub mod stream;
mod survey;
pub mod tree;
pub mod watcher;

pub use backlog::{Backlog, Piece};
pub use ground::Departed;
pub use hint::{Hint, RootChange};
pub use poll::Pace;
pub use region::{Changed, Ear, Region, RegionId, Wanted};
pub use scan::{Found, Scan};
pub use stream::{Bell, Existing, Root, Stream, StreamBackend, StreamSettings, StreamStanding, Told};
pub use tree::DirId;
pub use watcher::{Settings, Watcher};
