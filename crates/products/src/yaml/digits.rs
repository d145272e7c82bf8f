//! Whole numbers of any size, as far as metadata needs them: built digit by digit, then written.

use std::fmt;

/// A whole number that is not negative.
#[derive(Debug, Clone, Default)]
pub(super) struct Digits {
    /// Nine decimal digits each, the least significant first, no leading zero limb.
    limbs: Vec<u32>,
}

const LIMB: u64 = 1_000_000_000;

impl Digits {
    pub(super) fn one() -> Self {
        Self { limbs: vec![1] }
    }

    /// `self * factor + addend`.
    pub(super) fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = (carry % LIMB) as u32;
            carry /= LIMB;
        }
        while carry > 0 {
            self.limbs.push((carry % LIMB) as u32);
            carry /= LIMB;
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The nearest float; infinite if there is none.
    pub(super) fn to_float(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::INFINITY)
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut limbs = self.limbs.iter().rev();
        write!(f, "{}", limbs.next().unwrap_or(&0))?;
        limbs.try_for_each(|limb| write!(f, "{limb:09}"))
    }
}
