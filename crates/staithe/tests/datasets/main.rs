//! Datasets, groups, manifests and markers: the whole program is told what a unit is and when it is
//! complete, and must announce each one exactly once, after its last member, and never early.

mod assembly;
mod deadlines;
mod dicom;
mod emptied;
mod found;
mod groups;
mod late;
mod manifests;
mod markers;
mod memory;
mod relay;
mod restarts;
mod stage;
mod telling;

use std::time::Duration;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);
