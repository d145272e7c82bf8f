//! What the stream of a tree tells, on real directories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod churn;
mod losses;
mod polled;
mod reference;
mod renames;
mod rig;
mod roots;
mod starving;
