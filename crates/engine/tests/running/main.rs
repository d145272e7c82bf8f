//! Whole engines on real directories.

mod arrivals;
mod rig;
