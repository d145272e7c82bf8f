//! Floats as Python writes them.

/// The shortest text that reads back as the same float, with Python's choice of exponents.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = shortest(value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..16).contains(&exponent) => positional(mantissa, exponent),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => scientific,
    }
}

/// The shortest digits, as `d.dde0`. Where two such numbers are equally near, Rust takes the larger and
/// Python the one with the even digit, as does Rust when it is told how many digits it shall write.
fn shortest(value: f64) -> String {
    let found = format!("{value:e}");
    let mantissa = found.split('e').next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let rounded = format!("{value:.*e}", digits.saturating_sub(1));
    if rounded.parse::<f64>().is_ok_and(|read| read.to_bits() == value.to_bits()) { rounded } else { found }
}

/// The same number without an exponent, and always with a point.
fn positional(mantissa: &str, exponent: i32) -> String {
    let (sign, unsigned) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = unsigned.chars().filter(|&character| character != '.').collect();
    let count = digits.len() as i32;
    match exponent {
        ..0 => format!("{sign}0.{}{digits}", "0".repeat((-1 - exponent) as usize)),
        _ if exponent + 1 >= count => {
            format!("{sign}{digits}{}.0", "0".repeat((exponent + 1 - count) as usize))
        }
        _ => {
            let (whole, fraction) = digits.split_at((exponent + 1) as usize);
            format!("{sign}{whole}.{fraction}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn exponents_begin_where_python_has_them() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (100.0, "100.0"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.234e22, "1.234e+22"),
            (5e-324, "5e-324"),
            // Two halves of two floats, so that nobody has to believe a literal.
            (1_375_265_444_961_320.5 / 2.0, "687632722480660.2"),
            (-506_899_781_126_106.25 / 2.0, "-253449890563053.12"),
            (12.5, "12.5"),
            (-0.001_25, "-0.00125"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(float(value), text);
        }
    }
}
