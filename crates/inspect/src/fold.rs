//! One number for a set of entries, whatever the order in which they are met.

/// What kind of entry a part of the fold speaks of, so that no two kinds can pass for each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tag {
    Directory = 1,
    File = 2,
    Link = 3,
    Special = 4,
}

/// The wrapping sum of 64 bits of BLAKE3 over each entry. Equal for equal sets; a change that goes unseen
/// by accident has a chance of one in 2^64.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fold(u64);

impl Fold {
    /// Adds one entry: its parts with their lengths before them, so that they cannot flow together.
    pub(crate) fn add(&mut self, tag: Tag, parts: &[&[u8]]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[tag as u8]);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        self.0 = self.0.wrapping_add(u64::from_le_bytes(first));
    }

    /// The number.
    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(entries: &[(Tag, &[&[u8]])]) -> u64 {
        let mut fold = Fold::default();
        for (tag, parts) in entries {
            fold.add(*tag, parts);
        }
        fold.value()
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let one: (Tag, &[&[u8]]) = (Tag::File, &[b"a", b"1"]);
        let two: (Tag, &[&[u8]]) = (Tag::File, &[b"b", b"2"]);
        assert_eq!(fold(&[one, two]), fold(&[two, one]));
        assert_ne!(fold(&[one]), fold(&[one, one]));
        assert_ne!(fold(&[one]), fold(&[(Tag::Link, &[b"a", b"1"])]));
        assert_ne!(fold(&[one]), fold(&[(Tag::File, &[b"a1", b""])]));
        assert_ne!(fold(&[(Tag::Directory, &[])]), fold(&[]));
    }
}
