//! Event streams of whole engines on real directories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod ending;
mod reloading;
mod renames;
mod rig;
mod roots;
mod trees;
