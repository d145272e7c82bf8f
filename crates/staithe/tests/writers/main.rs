//! Never early: writers as they really are, a receiver that opens each file when it is told of it, and
//! the same writers under rules that believe too much, which must be seen to fail.
//!
//! The writers mostly wait, and each tree is watched under all rules at once, so that all tests of a
//! module are about one run.

mod habits;
mod http;
mod naive;
mod protocols;
mod sshd;
mod steps;
mod tools;
mod trace;
mod watched;

use std::time::{Duration, Instant};

/// Until when things must have happened: longer than any of these runs takes on a busy machine with two
/// cores.
fn soon() -> Instant {
    Instant::now() + Duration::from_mins(2)
}
