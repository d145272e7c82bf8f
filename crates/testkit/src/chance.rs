//! Random choices that can be repeated.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The variable that repeats a run.
const SEED: &str = "STAITHE_SEED";

/// A stream of random numbers from one seed.
#[derive(Clone, Debug)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// From `STAITHE_SEED`, else from the clock. The seed is printed, so that a failed test says how
    /// to repeat it.
    ///
    /// # Panics
    ///
    /// If `STAITHE_SEED` is no number: another run is not to be taken for the repetition.
    #[must_use]
    pub fn from_environment() -> Self {
        let clock =
            || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
        let asked = std::env::var_os(SEED).map(|word| {
            let word = word.to_string_lossy();
            word.parse().unwrap_or_else(|_| panic!("{SEED}={word:?} is no number: give one, or unset it"))
        });
        let seed = asked.unwrap_or_else(clock);
        println!("{SEED}={seed}");
        Self::new(seed)
    }

    /// From this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, state: mixed(seed) }
    }

    /// What repeats this stream.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The same for each call with equal seed and number, whatever else was drawn.
    #[must_use]
    pub fn fork(&self, number: u64) -> Self {
        Self::new(self.seed ^ mixed(number.wrapping_add(1)))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.state)
    }

    /// From 0 to `end`, without `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.draw() as usize % end.max(1)
    }

    /// Heads or tails.
    pub fn flip(&mut self) -> bool {
        self.draw() & (1 << 32) != 0
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Up to that long.
    pub fn up_to(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.below(1_001) as f64 / 1_000.0)
    }

    /// Puts them in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }

    /// So many random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 8);
        while out.len() < count {
            out.extend_from_slice(&self.draw().to_le_bytes());
        }
        out.truncate(count);
        out
    }
}

/// Spreads each bit over all (the finalizer of splitmix64).
const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_choices() {
        let (mut one, mut two) = (Chance::new(7), Chance::new(7));
        assert_eq!(one.bytes(100), two.bytes(100));
        let mut items: Vec<u32> = (0..50).collect();
        one.shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<u32>>());
        let _drawn = two.draw();
        assert_eq!(one.fork(3).draw(), two.fork(3).draw());
        assert_ne!(one.fork(3).draw(), one.fork(4).draw());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<u32>>());
    }
}
