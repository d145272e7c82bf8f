//! Whole engines on real directories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod adversity;
mod arrivals;
mod bundled;
mod explained;
mod full_disk;
mod notified;
mod reannounced;
#[expect(dead_code, reason = "the other suite uses the rest")]
mod rig;
