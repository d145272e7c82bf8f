//! Which names a huge directory had when it was listed last: eight bytes for each.

use std::hash::{BuildHasher as _, RandomState};

/// Prints of names with their inodes, so that a name that was taken by another file is a new one.
///
/// Two names with one print hide one another until everything is listed next; among a million names that
/// is one chance in ten million.
#[derive(Debug, Default)]
pub(crate) struct Names {
    prints: Vec<u64>,
    hasher: Keys,
}

/// The same for all, so that prints of one listing mean something to the next.
#[derive(Clone, Debug)]
struct Keys(RandomState);

impl Default for Keys {
    fn default() -> Self {
        static KEYS: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
        Self(KEYS.get_or_init(RandomState::new).clone())
    }
}

impl Names {
    /// Notes an entry; gives its print.
    pub(crate) fn add(&mut self, name: &[u8], inode: u64) -> u64 {
        let print = self.hasher.0.hash_one((name, inode));
        self.prints.push(print);
        print
    }

    /// Ready to be asked.
    pub(crate) fn sorted(mut self) -> Self {
        self.prints.sort_unstable();
        self.prints.shrink_to_fit();
        self
    }

    /// Whether an entry of this print was noted.
    pub(crate) fn has(&self, print: u64) -> bool {
        self.prints.binary_search(&print).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_with_its_inode_only() {
        let mut names = Names::default();
        names.add(b"a", 1);
        names.add(b"b", 2);
        let names = names.sorted();
        let mut later = Names::default();
        assert!(names.has(later.add(b"b", 2)), "the prints of two listings are comparable");
        assert!(!names.has(later.add(b"b", 3)), "another file has taken the name");
        assert!(!names.has(later.add(b"c", 1)));
    }
}
