//! The mirror as a sink: parcels by hand on real trees.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alike;
mod arrivals;
mod away;
mod comparing;
mod following;
mod foreign;
mod renames;
mod rig;
mod roots;
mod second;
