//! Waiting until a directory is quiet: how its tree looks, what has changed since, and whether that was
//! long enough ago.
//!
//! Three pure parts decide ([`Snapshot`], [`compare()`], [`Vigil`]), and [`Tour`] alone goes to the tree. A tree
//! is quiet for a period when two tours at least that far apart saw the same, and nothing was heard from
//! the beginning of the first to the end of the second. Either alone is not enough: events do not tell
//! of other machines' writes nor of a writer that never closes, and two looks do not tell of what came
//! and went between them.

mod compare;
mod ear;
mod pairing;
mod restless;
mod snapshot;
mod tour;
mod vigil;

pub use compare::{Change, compare};
pub use restless::{Restless, Unrest};
pub use snapshot::{Facts, Snapshot, Totals};
pub use tour::{Ears, Plan, Tour, TourError};
pub use vigil::Vigil;
