//! Hashing of keys that are hashes already: twice would be waste, and each file is looked up several times.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use model::hashed::AsIs;

/// A map from hashes that were made with a secret: nobody can choose them, so they are taken as they are.
pub(in crate::source) type BySecret<V> = HashMap<u64, V, BuildHasherDefault<AsIs>>;

/// For keys of paths. Everybody can work them out, so whoever chooses names could choose many whose keys end alike;
/// which of them meet in a map depends on a secret.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Salt {
    added: u64,
    factor: u64,
}

impl Default for Salt {
    fn default() -> Self {
        let random = RandomState::new();
        Self { added: random.hash_one(1), factor: random.hash_one(2) | 1 }
    }
}

impl BuildHasher for Salt {
    type Hasher = Salted;

    fn build_hasher(&self) -> Salted {
        Salted { salt: *self, state: 0 }
    }
}

/// Twice both halves of a product folded: each bit of the key moves all bits of the hash.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Salted {
    salt: Salt,
    state: u64,
}

impl Hasher for Salted {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let Salt { added, factor } = self.salt;
        self.state = fold(fold(self.state ^ key ^ added, factor) ^ factor, added | 1);
    }
}

fn fold(key: u64, factor: u64) -> u64 {
    let product = u128::from(key) * u128::from(factor);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use model::PathKey;

    use super::*;

    #[test]
    fn keys_that_end_alike_do_not_meet() {
        let salt = Salt::default();
        // All that a map of 65 536 places looks at, and what tells keys within a place apart.
        let places = |keys: &mut dyn Iterator<Item = u128>| {
            let hashes: Vec<u64> = keys.map(|key| salt.hash_one(PathKey(key))).collect();
            let place: HashSet<u64> = hashes.iter().map(|hash| hash & 0xffff).collect();
            let tag: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            (place.len(), tag.len())
        };
        for shift in [0, 16, 32, 44] {
            let (place, tag) = places(&mut (0..4096_u128).map(|key| (key << shift) ^ 0x5));
            // By chance some 3 970 of 4 096 meet nobody.
            assert!(place > 3000 && tag > 100, "shifted by {shift}: {place} places, {tag} tags");
        }
    }

    #[test]
    fn another_process_has_other_secrets() {
        let key = PathKey(7);
        assert_ne!(Salt::default().hash_one(key), Salt::default().hash_one(key));
    }
}
