//! Keys that are hashes already: to hash them once more would be waste.

use std::hash::Hasher;

/// Takes a key of 64 bits for its own hash. Whoever can choose keys can make them meet; a map that must withstand that has a secret
/// in its keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write_i64(&mut self, key: i64) {
        self.0 = key.cast_unsigned();
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    use super::*;

    #[test]
    fn a_key_is_its_own_hash() {
        let hasher = BuildHasherDefault::<AsIs>::default();
        assert_eq!((hasher.hash_one(7_u64), hasher.hash_one(-1_i64)), (7, u64::MAX));
    }
}
