//! Putting a flipped bit right: the sum of a row does not only say that it is damaged, but also which bit it was.

use rusqlite::types::Value;

use super::sums::{Pad, extent};

/// The polynomial of CRC-32, as it stands in a register that is shifted to the right.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// SQLite keeps a number in as few of these bits as hold it: with the highest of them flips the sign.
const WIDTHS: [u32; 5] = [8, 16, 24, 32, 48];

/// Puts right what one flipped bit has done to the values of a row that had the sum `sum`. When it returns false, it was
/// more than that, and the values are as they were.
pub(super) fn mend(values: &mut [Value], sum: i64) -> bool {
    let pad = pad_of(values);
    let Ok(stored) = i32::try_from(sum) else { return false };
    let syndrome = stored.cast_unsigned() ^ crc32fast::hash(pad.bytes());
    if syndrome.count_ones() <= 1 {
        // The bit flipped in the sum; or none did.
        return true;
    }
    match position(syndrome, pad.bytes().len()) {
        Some((byte, bit)) => flip(values, byte, bit),
        None => turn_a_sign(values, sum),
    }
}

/// The sum of values.
pub(super) fn sum_of(values: &[Value]) -> i64 {
    pad_of(values).sum()
}

fn pad_of(values: &[Value]) -> Pad {
    let mut pad = Pad::default();
    for value in values {
        pad.value(value.into());
    }
    pad
}

/// Which bit of so many bytes makes that difference to their CRC. The last bit makes the polynomial, and each bit before
/// it what one more step of the register makes of that.
fn position(syndrome: u32, bytes: usize) -> Option<(usize, u32)> {
    let mut difference = POLYNOMIAL;
    for byte in (0..bytes).rev() {
        for bit in (0..8).rev() {
            if difference == syndrome {
                return Some((byte, bit));
            }
            let carry = if difference & 1 == 1 { POLYNOMIAL } else { 0 };
            difference = (difference >> 1) ^ carry;
        }
    }
    None
}

/// Flips a bit where the values lie in a [`Pad`]. One that says what a value is, or how long, is no bit of a value.
fn flip(values: &mut [Value], byte: usize, bit: u32) -> bool {
    let mut at = 0;
    for value in values {
        let (head, length) = extent((&*value).into());
        let within = byte.checked_sub(at + head);
        at += head + length;
        if let Some(within) = within.filter(|within| *within < length) {
            return flip_within(value, within, bit);
        }
    }
    false
}

fn flip_within(value: &mut Value, byte: usize, bit: u32) -> bool {
    match value {
        Value::Integer(number) => *number ^= 1 << (8 * byte as u32 + bit),
        Value::Blob(bytes) => bytes[byte] ^= 1 << bit,
        Value::Text(text) => {
            let mut bytes = text.clone().into_bytes();
            bytes[byte] ^= 1 << bit;
            let Ok(mended) = String::from_utf8(bytes) else { return false };
            *text = mended;
        }
        Value::Null | Value::Real(_) => return false,
    }
    true
}

/// A number of few bits whose highest one flipped has another sign, and so all higher bits are others.
fn turn_a_sign(values: &mut [Value], sum: i64) -> bool {
    for at in 0..values.len() {
        let Value::Integer(number) = values[at] else { continue };
        for width in WIDTHS {
            values[at] = Value::Integer(number ^ (-1 << (width - 1)));
            if sum_of(values) == sum {
                return true;
            }
        }
        values[at] = Value::Integer(number);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Vec<Value> {
        vec![
            Value::Integer(2_500),
            Value::Null,
            Value::Text("a rule".into()),
            Value::Blob(b"dir/f2500".repeat(70)),
            Value::Integer(-3),
        ]
    }

    #[test]
    fn every_bit_of_every_value_is_put_right() {
        let sum = sum_of(&row());
        for at in [0, 2, 3, 4] {
            let bits = 8 * extent((&row()[at]).into()).1;
            for bit in 0..bits {
                let mut spoiled = row();
                if flip_within(&mut spoiled[at], bit / 8, bit as u32 % 8) {
                    assert_ne!(spoiled, row());
                    assert!(mend(&mut spoiled, sum) && spoiled == row(), "bit {bit} of value {at}");
                }
            }
        }
    }

    #[test]
    fn a_sign_and_the_sum_itself_are_put_right() {
        let sum = sum_of(&row());
        let mut spoiled = row();
        spoiled[0] = Value::Integer(i64::from(0x09c4_i16 ^ i16::MIN));
        assert!(mend(&mut spoiled, sum) && spoiled == row());
        assert!(mend(&mut spoiled, sum ^ 1 << 7) && spoiled == row());
    }

    #[test]
    fn what_is_more_than_a_bit_stays_as_it_is() {
        let sum = sum_of(&row());
        let mut spoiled = row();
        spoiled[2] = Value::Text("b role".into());
        spoiled[3] = Value::Blob(vec![]);
        let before = spoiled.clone();
        assert!(!mend(&mut spoiled, sum) && spoiled == before);
        let mut fraction = row();
        fraction[0] = Value::Real(1.5);
        assert!(!mend(&mut fraction, sum));
    }
}
