//! What the other side does to us: servers that refuse, that are silent or away, what they leave undelivered, and the
//! passwords they are given.

mod answers;
mod backlog;
mod bad_ways;
mod half_open;
mod letters;
mod rig;
mod secrets;

use std::time::Duration;

/// Longer than any of these tests takes on a busy machine with two cores.
const LONG: Duration = Duration::from_mins(10);
/// Longer than one step takes.
const STEP: Duration = Duration::from_mins(1);
/// The key of the Redis list.
const KEY: &str = "queue:inbox";
/// The most events that one sink has in flight: what a cut connection or a kill may repeat.
const IN_FLIGHT: usize = 512;
