//! The clocks. Everything that decides gets the time from here as a parameter.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::Stamp;
use settle::Mono;

/// The start of the engine's monotonic time; all its threads share it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    hands: Option<&'static Hands>,
}

/// The time of a clock that somebody sets, as one who replays a history does.
#[derive(Debug, Default)]
pub struct Hands {
    mono: AtomicU64,
    wall: AtomicI64,
}

impl Hands {
    /// Sets both clocks.
    pub fn set(&self, mono: Mono, wall: Stamp) {
        self.mono.store(mono.as_nanos() as u64, Ordering::Relaxed);
        self.wall.store(wall.as_nanos(), Ordering::Relaxed);
    }
}

impl Clock {
    /// A clock that shows what somebody sets.
    #[must_use]
    pub fn by(hands: &'static Hands) -> Self {
        Self { start: Instant::now(), hands: Some(hands) }
    }

    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now(), hands: None }
    }

    /// Monotonic time since the start.
    #[must_use]
    pub fn mono(self) -> Mono {
        match self.hands {
            Some(hands) => Duration::from_nanos(hands.mono.load(Ordering::Relaxed)),
            None if switch::is_off("monotonic-time") => {
                Duration::from_nanos(u64::try_from(self.wall().as_nanos()).unwrap_or(0))
            }
            None => self.start.elapsed(),
        }
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(self) -> Stamp {
        if let Some(hands) = self.hands {
            return Stamp::from_nanos(hands.wall.load(Ordering::Relaxed));
        }
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Stamp::new(since.as_secs() as i64, since.subsec_nanos()),
            Err(before) => {
                let back: Duration = before.duration();
                Stamp::from_nanos(-(back.as_nanos() as i64))
            }
        }
    }
}
