//! Rows of the reliability battery's core that fit into no other program: what status counts, which doors are open, and
//! what parsers do with what was made to break them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod bombs;
mod doors;
mod sums;

use std::time::Duration;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);
/// Longer than any of these tests takes.
const LONG: Duration = Duration::from_mins(5);

/// An installation of the binary under test.
fn landing(scratch: testkit::Scratch) -> testkit::Landing {
    testkit::Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch)
}
