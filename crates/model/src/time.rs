//! Points in time as values: seconds and nanoseconds since the Unix epoch.

mod calendar;

use std::fmt;

use calendar::Text;

/// A wall-clock instant, as wide as `statx` reports it.
///
/// Kept as two integers because file times may lie far outside the range of 64-bit nanoseconds
/// (years 1678 to 2262), and two different times must stay different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub sec: i64,
    /// Nanoseconds within the second, below 1 000 000 000.
    pub nsec: u32,
}

impl Stamp {
    /// The instant `sec` seconds and `nsec` nanoseconds after the epoch.
    #[must_use]
    pub const fn new(sec: i64, nsec: u32) -> Self {
        Self { sec, nsec }
    }

    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { sec: nanos.div_euclid(1_000_000_000), nsec: nanos.rem_euclid(1_000_000_000) as u32 }
    }

    /// Nanoseconds since the epoch, clamped to what 64 bits hold (years 1678 to 2262).
    #[must_use]
    pub fn as_nanos(self) -> i64 {
        self.sec.saturating_mul(1_000_000_000).saturating_add(i64::from(self.nsec))
    }

    /// Seconds since the epoch as a double, as Python's `time.time()` gives it.
    #[must_use]
    pub fn as_seconds_f64(self) -> f64 {
        // Microseconds first: the same rounding as a clock read in microseconds.
        (self.sec.saturating_mul(1_000_000).saturating_add(i64::from(self.nsec / 1_000))) as f64 / 1e6
    }
}

/// RFC 3339 in UTC with as many fractional digits as are needed; instants outside the years
/// -9999 to 9999 are shown as the nearest that fits.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Text::of(*self) {
            Some(text) => f.write_str(text.as_str()),
            None => self.clamped().fmt(f),
        }
    }
}

impl Stamp {
    /// Appends the same text to `out`: each event has two of them.
    pub(crate) fn push(self, out: &mut Vec<u8>) {
        match Text::of(self) {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => out.extend_from_slice(self.clamped().to_string().as_bytes()),
        }
    }

    fn clamped(self) -> jiff::Timestamp {
        let nearest = if self.sec < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::new(self.sec, self.nsec as i32).unwrap_or(nearest)
    }
}

#[cfg(test)]
mod tests {
    use super::Stamp;

    #[test]
    fn prints_the_shortest_exact_fraction() {
        assert_eq!(Stamp::new(0, 0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Stamp::new(1_795_226_343, 900_000_000).to_string(), "2026-11-21T01:59:03.9Z");
    }

    #[test]
    fn far_future_and_far_past_do_not_panic() {
        assert!(Stamp::new(i64::MAX, 0).to_string().starts_with("9999"));
        assert!(Stamp::new(i64::MIN, 0).to_string().starts_with("-00"));
        assert_eq!(Stamp::new(i64::MAX, 1).as_nanos(), i64::MAX);
    }

    #[test]
    fn nanoseconds_before_the_epoch_round_trip() {
        let before = Stamp::from_nanos(-1);
        assert_eq!(before, Stamp::new(-1, 999_999_999));
        assert_eq!(before.as_nanos(), -1);
    }
}
