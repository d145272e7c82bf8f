//! The clocks. Everything that decides gets the time from here as a parameter.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::Stamp;
use settle::Mono;

/// The start of the engine's monotonic time; all its threads share it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Monotonic time since the start.
    #[must_use]
    pub fn mono(self) -> Mono {
        self.start.elapsed()
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(self) -> Stamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Stamp::new(since.as_secs() as i64, since.subsec_nanos()),
            Err(before) => {
                let back: Duration = before.duration();
                Stamp::from_nanos(-(back.as_nanos() as i64))
            }
        }
    }
}
