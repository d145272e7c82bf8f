//! The mirror as a sink: parcels by hand on real trees.

mod arrivals;
mod comparing;
mod following;
mod renames;
mod rig;
mod roots;
