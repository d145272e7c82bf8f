//! Files with several names. Pure.
//!
//! The kernel tells of a change under the name that was used, and the others have changed with it.

use std::collections::{BTreeSet, HashMap};

use super::marks::{is_within, moved};

/// So many files, and so many names of each, are remembered. What is beyond is made equal by the next comparison.
const LIMIT: usize = 4096;
const NAMES: usize = 64;

/// Names by inode, as they were heard of.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<u64, BTreeSet<Box<[u8]>>>);

impl Names {
    /// The file has this name, too; answers the others that are known. They may be old ones.
    pub(crate) fn learn(&mut self, inode: u64, path: &[u8]) -> Vec<Box<[u8]>> {
        if self.0.len() >= LIMIT && !self.0.contains_key(&inode) {
            self.0.clear();
        }
        let names = self.0.entry(inode).or_default();
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(path.into());
        names.iter().filter(|name| ***name != *path).cloned().collect()
    }

    /// What was at or below `from` is at or below `to` now.
    pub(crate) fn renamed(&mut self, from: &[u8], to: &[u8]) {
        for names in self.0.values_mut().filter(|names| names.iter().any(|name| is_within(name, from))) {
            let renamed =
                |name: Box<[u8]>| if is_within(&name, from) { moved(&name, from, to) } else { name };
            *names = std::mem::take(names).into_iter().map(renamed).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_to_the_others() {
        let mut names = Names::default();
        assert!(names.learn(1, b"a").is_empty() && names.learn(2, b"x").is_empty());
        assert_eq!(names.learn(1, b"b"), [Box::from(*b"a")]);
        assert_eq!(names.learn(1, b"a"), [Box::from(*b"b")]);
        names.renamed(b"b", b"c/d");
        assert_eq!(names.learn(1, b"a"), [Box::from(*b"c/d")]);
        for number in 0..2 * NAMES {
            assert!(names.learn(3, number.to_string().as_bytes()).len() < NAMES);
        }
    }
}
