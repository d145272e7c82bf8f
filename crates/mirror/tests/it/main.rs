//! The mirror's two trees, on real directories.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bringing;
mod comparing;
mod hostile;
mod opening;
mod racing;
mod renaming;
mod rig;
mod unprivileged;
