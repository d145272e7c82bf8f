//! The mirror's two trees, on real directories.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bringing;
mod comparing;
mod escaping;
mod hostile;
mod opening;
mod racing;
mod racing_both;
mod renaming;
mod rig;
mod unprivileged;
