//! When an overflow is compared after: at once the first time, later and later while they go on.
//!
//! The fresh hints are heard all the while; a comparison on top of a flood makes the next overflow
//! likelier and finds little that the one after would not find.

use std::time::Duration;

use settle::Mono;

/// The pauses.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    last: Option<Mono>,
    /// How long the last overflow's comparison was put off.
    pause: Duration,
    due: Mono,
}

/// The pause after the second overflow in a row.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_mins(1);
/// After so long without an overflow the next one is a first one.
const CALM: Duration = Duration::from_mins(1);

impl Backoff {
    /// Whether a comparison waits already, which will begin after an overflow of now as well.
    pub(super) fn is_waiting(&self, now: Mono) -> bool {
        self.due > now
    }

    /// An overflow; gives how long its comparison waits.
    pub(super) fn overflow(&mut self, now: Mono) -> Duration {
        let in_a_row = self.last.is_some_and(|last| now.saturating_sub(last.max(self.due)) < CALM);
        self.last = Some(now);
        if self.is_waiting(now) {
            return self.due.saturating_sub(now);
        }
        self.pause = if in_a_row { (self.pause * 2).clamp(SHORTEST, LONGEST) } else { Duration::ZERO };
        self.due = now + self.pause;
        self.pause
    }

    /// When an overflow that is not compared after yet is.
    pub(super) fn due(&self, now: Mono) -> Mono {
        self.due.max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_is_compared_after_at_once_and_the_next_ones_later_and_later() {
        let mut backoff = Backoff::default();
        let mut now = secs(100);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let pause = backoff.overflow(now);
            pauses.push(pause.as_secs());
            now += pause + Duration::from_millis(1);
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.overflow(now + CALM), Duration::ZERO, "calm");
    }

    #[test]
    fn overflows_while_one_waits_put_it_off_no_further() {
        let mut backoff = Backoff::default();
        backoff.overflow(secs(10));
        assert_eq!(backoff.overflow(secs(11)), secs(1));
        assert_eq!(backoff.overflow(secs(11)), secs(1));
        assert_eq!(backoff.due(secs(11)), secs(12));
        assert_eq!(backoff.due(secs(20)), secs(20));
    }
}
