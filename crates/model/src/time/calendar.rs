//! The text of the instants that there are in practice, without the general machinery of a calendar.

use std::ops::Range;

use super::Stamp;

/// The seconds of the years 1970 to 9998.
const COMMON: Range<i64> = 0..253_370_764_800;
const DAY: u64 = 86_400;
/// Days of four centuries: after so many, the calendar begins anew.
const ERA: u64 = 146_097;
/// From the 1st of March of the year 0, with which an era begins, to 1970.
const BEFORE_1970: u64 = 719_468;

/// `2026-11-21T01:59:03.9Z`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    bytes: [u8; 30],
    length: usize,
}

impl Text {
    /// Of an instant of those years.
    pub(super) fn of(stamp: Stamp) -> Option<Self> {
        if !COMMON.contains(&stamp.sec) || stamp.nsec > 999_999_999 {
            return None;
        }
        let second = stamp.sec.cast_unsigned();
        let (year, month, day) = date(second / DAY);
        let rest = second % DAY;
        let mut bytes = *b"0000-00-00T00:00:00Z0000000000";
        let pairs = [(0, year / 100), (2, year % 100), (5, month), (8, day)];
        let clock = [(11, rest / 3600), (14, rest / 60 % 60), (17, rest % 60)];
        for (at, number) in pairs.into_iter().chain(clock) {
            put(&mut bytes, at, number);
        }
        let mut length = 20;
        if stamp.nsec > 0 {
            let nanos = u64::from(stamp.nsec);
            bytes[19] = b'.';
            for (at, unit) in [(20, 10_000_000), (22, 100_000), (24, 1_000), (26, 10)] {
                put(&mut bytes, at, nanos / unit % 100);
            }
            bytes[28] = b'0' + (nanos % 10) as u8;
            length = 29;
            while bytes[length - 1] == b'0' {
                length -= 1;
            }
            bytes[length] = b'Z';
            length += 1;
        }
        Some(Self { bytes, length })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Writes a number below 100 as two digits.
fn put(bytes: &mut [u8; 30], at: usize, number: u64) {
    bytes[at] = b'0' + (number / 10) as u8;
    bytes[at + 1] = b'0' + (number % 10) as u8;
}

/// The date of a day since 1970. The year is counted from March, so that a leap day is its last one.
fn date(day: u64) -> (u64, u64, u64) {
    let day = day + BEFORE_1970;
    let (era, day) = (day / ERA, day % ERA);
    // Every 4 years (1461 days) there is a leap day, but not every century (36 524), and again at an era's end.
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months from March on have 153 days, and the next five again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (400 * era + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general(stamp: Stamp) -> String {
        jiff::Timestamp::new(stamp.sec, stamp.nsec as i32).unwrap().to_string()
    }

    #[test]
    fn it_says_what_the_general_calendar_says() {
        let fractions = [0, 1, 10, 900_000_000, 123_456_789, 999_999_999, 120_000];
        // Each day of these years, at another second.
        for (day, fraction) in (0..COMMON.end / DAY as i64).zip(fractions.into_iter().cycle()).step_by(11) {
            let stamp = Stamp::new(day * DAY as i64 + day % DAY as i64, fraction);
            assert_eq!(Text::of(stamp).unwrap().as_str(), general(stamp));
        }
        for sec in [0, 951_782_399, 951_782_400, 951_868_800, 4_107_542_399, 4_107_542_400, COMMON.end - 1] {
            let stamp = Stamp::new(sec, 0);
            assert_eq!(Text::of(stamp).unwrap().as_str(), general(stamp));
        }
    }

    #[test]
    fn it_leaves_the_rest_to_others() {
        for stamp in [Stamp::new(-1, 0), Stamp::new(COMMON.end, 0), Stamp::new(0, 1_000_000_000)] {
            assert!(Text::of(stamp).is_none());
        }
    }
}
