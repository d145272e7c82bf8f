//! Faults of the machine under the program: clocks that jump, a file system that stands still.
//!
//! A test that needs what this machine does not give says so and ends.

mod clock;
mod frozen;

use std::time::Duration;

/// Longer than one step takes on a busy machine with two cores.
const STEP: Duration = Duration::from_mins(1);

fn landing(scratch: testkit::Scratch) -> testkit::Landing {
    testkit::Landing::new(env!("CARGO_BIN_EXE_staithe"), scratch)
}
