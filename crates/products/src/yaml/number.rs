//! Numbers, from the spellings of YAML 1.1.

use super::digits::Digits;

/// Python refuses to read or write whole numbers with more decimal digits.
const MOST_DIGITS: usize = 4300;

/// A whole number as decimal digits with a sign, or nothing if the text is none.
pub(super) fn int(text: &str) -> Option<String> {
    let text = text.replace('_', "");
    let (negative, unsigned) = split_sign(&text);
    let magnitude = match unsigned {
        "" => return None,
        _ if unsigned.starts_with("0b") => power_of_two(&unsigned[2..], 2)?,
        _ if unsigned.starts_with("0x") => power_of_two(&unsigned[2..], 16)?,
        _ if unsigned.starts_with('0') => octal(unsigned)?,
        _ if unsigned.contains(':') => sixtieths(unsigned)?,
        _ => decimal(unsigned.trim())?,
    };
    if magnitude.len() > MOST_DIGITS {
        return None;
    }
    Some(if negative && magnitude != "0" { format!("-{magnitude}") } else { magnitude })
}

/// A float, or nothing if the text is none.
pub(super) fn float(text: &str) -> Option<f64> {
    let text = text.replace('_', "").to_lowercase();
    let (negative, unsigned) = split_sign(&text);
    let magnitude = match unsigned {
        "" => return None,
        ".inf" => f64::INFINITY,
        ".nan" => return Some(f64::NAN),
        _ if unsigned.contains(':') => float_sixtieths(unsigned)?,
        _ => unsigned.trim().parse().ok()?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn octal(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0o").or_else(|| text.strip_prefix("0O")).unwrap_or(text);
    power_of_two(digits, 8)
}

/// Python has no limit on the length of these, only on the number that they make.
fn power_of_two(digits: &str, radix: u32) -> Option<String> {
    if digits.is_empty() {
        return None;
    }
    let mut number = Digits::default();
    let significant = digits.trim_start_matches('0');
    if significant.len() > 4 * MOST_DIGITS {
        // More than that many digits, be they binary, makes more than that many decimal ones.
        return None;
    }
    for digit in significant.chars() {
        number.multiply_add(radix, digit.to_digit(radix)?);
    }
    Some(number.to_string())
}

fn decimal(digits: &str) -> Option<String> {
    let is_number =
        !digits.is_empty() && digits.len() <= MOST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| {
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() { "0".to_owned() } else { significant.to_owned() }
    })
}

/// `190:20:30`: each group counts sixty times the next.
fn sixtieths(text: &str) -> Option<String> {
    let mut number = Digits::default();
    for (index, group) in text.split(':').enumerate() {
        let group = decimal(group.trim())?;
        if index == 0 {
            group
                .chars()
                .try_for_each(|digit| digit.to_digit(10).map(|digit| number.multiply_add(10, digit)))?;
        } else {
            number.multiply_add(60, group.parse().ok()?);
        }
        if index > 4 * MOST_DIGITS && !number.is_zero() {
            return None;
        }
    }
    Some(number.to_string())
}

/// Python adds from the last group to the first, and fails where a factor is beyond all floats.
fn float_sixtieths(text: &str) -> Option<f64> {
    let mut factor = Digits::one();
    let mut sum = 0.0;
    for group in text.rsplit(':') {
        let value: f64 = group.trim().parse().ok()?;
        let weight = factor.to_float();
        if weight.is_infinite() {
            return None;
        }
        sum += value * weight;
        factor.multiply_add(60, 0);
    }
    Some(sum)
}
