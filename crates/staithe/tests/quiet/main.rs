//! `staithe quiet`: what it waits for, what it tells on the way, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod ending;
mod large;
mod stage;
mod telling;
mod waiting;

use std::time::Duration;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);
