//! Paths that are certainly new: most are, and need no look into the path index.

/// How many keys it is made for at least.
const LEAST: usize = 1 << 20;

/// How many bits are set for a key.
const BITS: u32 = 4;

/// A Bloom filter over the keys of the path index, one word for each key.
#[derive(Debug)]
pub(crate) struct Filter {
    words: Vec<u64>,
    keys: usize,
}

impl Filter {
    /// With room for twice as many keys as there are: 8 bits for each.
    pub(crate) fn for_keys(keys: usize) -> Self {
        let room = (2 * keys).max(LEAST).next_power_of_two();
        Self { words: vec![0; room / 8], keys: 0 }
    }

    fn place(&self, key: i64) -> (usize, u64) {
        // Keys are hashes; mixed once more, so that word and bits have nothing to do with each other.
        let hash = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let word = (hash >> 24) as usize & (self.words.len() - 1);
        let bits = (0..BITS).fold(0, |bits, nth| bits | 1 << (key as u64 >> (6 * nth) & 63));
        (word, bits)
    }

    pub(crate) fn add(&mut self, key: i64) {
        let (word, bits) = self.place(key);
        self.words[word] |= bits;
        self.keys += 1;
    }

    /// Whether the key may have been added. Always, once more keys came than it has room for:
    /// until the next start the index is asked each time, as it would be without this.
    pub(crate) fn may_hold(&self, key: i64) -> bool {
        let (word, bits) = self.place(key);
        self.words[word] & bits == bits || self.keys > self.words.len() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::PathKey;

    fn key(number: u32) -> i64 {
        PathKey::of(&number.to_le_bytes()).as_i64()
    }

    #[test]
    fn knows_every_key_and_few_others() {
        let mut filter = Filter::for_keys(0);
        (0..500_000).for_each(|number| filter.add(key(number)));
        assert!((0..500_000).all(|number| filter.may_hold(key(number))));
        let wrong = (500_000..600_000).filter(|number| filter.may_hold(key(*number))).count();
        assert!(wrong < 5_000, "{wrong} of 100000");
    }

    #[test]
    fn asks_for_everything_when_it_is_full() {
        let mut filter = Filter::for_keys(0);
        (0..=LEAST as u32).for_each(|number| filter.add(key(number)));
        assert!((2_000_000..2_001_000).all(|number| filter.may_hold(key(number))));
    }
}
