//! Noticing: what the kernel says and what a scan finds, as the same hints.
//!
//! A hint says "look at this path". It is never the truth: the tree is, and a scan that compares
//! it with what is known closes every gap that events leave.

pub mod backlog;
mod drain;
pub mod scan;
pub mod tree;
pub mod watcher;

pub use backlog::Backlog;
pub use scan::{Found, Scan};
pub use tree::DirId;
pub use watcher::{Departed, Hint, RootChange, Start, Watcher};
