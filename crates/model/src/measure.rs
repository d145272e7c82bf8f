//! Durations and sizes as people write them in configuration and flags.

use std::time::Duration;

/// Why a written duration or size could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// No digits at the front.
    #[error("\"{0}\" does not begin with a number; write for example 500ms, 2s, 5m, 1h, 7d")]
    NoNumber(String),
    /// The letters behind the number are no known unit.
    #[error("\"{text}\" has the unknown unit \"{unit}\"; known are {known}")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// What stands behind the number.
        unit: String,
        /// The list of good units.
        known: &'static str,
    },
    /// A number alone.
    #[error("\"{text}\" has no unit; write one of {known} behind the number")]
    NoUnit {
        /// The whole text.
        text: String,
        /// The list of good units.
        known: &'static str,
    },
    /// Larger than 64 bits hold.
    #[error("\"{0}\" is too large")]
    TooLarge(String),
}

/// Reads `500ms`, `2s`, `1.5s`, `5m`, `1h`, `7d`, `2w`; a bare `0` needs no unit.
pub fn parse_duration(text: &str) -> Result<Duration, MeasureError> {
    const KNOWN: &str = "ns, us, ms, s, m, h, d, w";
    let (number, unit) = split_number(text)?;
    let nanos_per: f64 = match unit {
        "" if number == 0.0 => 1.0,
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 60e9,
        "h" => 3_600e9,
        "d" => 86_400e9,
        "w" => 604_800e9,
        "" => return Err(MeasureError::NoUnit { text: text.into(), known: KNOWN }),
        _ => {
            return Err(MeasureError::UnknownUnit { text: text.into(), unit: unit.into(), known: KNOWN });
        }
    };
    let nanos = number * nanos_per;
    if nanos >= i64::MAX as f64 {
        return Err(MeasureError::TooLarge(text.into()));
    }
    Ok(Duration::from_nanos(nanos as u64))
}

/// Reads `4096`, `64KiB`, `10MiB`, `2GiB`, `1TiB` and the decimal `kB`, `MB`, `GB`, `TB`; gives bytes.
pub fn parse_size(text: &str) -> Result<u64, MeasureError> {
    const KNOWN: &str = "B, KiB, MiB, GiB, TiB, kB, MB, GB, TB";
    let (number, unit) = split_number(text)?;
    let bytes_per: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => {
            return Err(MeasureError::UnknownUnit { text: text.into(), unit: unit.into(), known: KNOWN });
        }
    };
    let bytes = number * bytes_per as f64;
    if bytes >= u64::MAX as f64 {
        return Err(MeasureError::TooLarge(text.into()));
    }
    Ok(bytes as u64)
}

fn split_number(text: &str) -> Result<(f64, &str), MeasureError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number = digits.parse().map_err(|_| MeasureError::NoNumber(text.into()))?;
    Ok((number, unit.trim_start()))
}

/// The shortest exact way to write `duration` so that [`parse_duration`] reads it back.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".into();
    }
    UNITS
        .iter()
        .find(|(per, _)| nanos.is_multiple_of(*per))
        .map_or_else(|| format!("{nanos}ns"), |(per, unit)| format!("{}{unit}", nanos / per))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for text in ["500ms", "2s", "5m", "1h", "7d", "0s", "3ns"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(parse_duration("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(parse_duration("0").unwrap(), Duration::ZERO);
    }

    #[test]
    fn bad_durations_name_the_unit() {
        assert!(matches!(parse_duration("5 parsecs"), Err(MeasureError::UnknownUnit { .. })));
        assert!(matches!(parse_duration("5"), Err(MeasureError::NoUnit { .. })));
        assert!(matches!(parse_duration("s"), Err(MeasureError::NoNumber(_))));
        assert!(matches!(parse_duration("99999999999999w"), Err(MeasureError::TooLarge(_))));
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("64KiB").unwrap(), 65_536);
        assert_eq!(parse_size("1.5MB").unwrap(), 1_500_000);
        assert!(parse_size("3 potatoes").is_err());
    }
}
