//! What was hashed before, so that it is not read again.

use std::collections::HashMap;

use sys::Look;

use crate::manifest::Line;
use crate::mark::{looks, short};

/// What was already hashed: a member whose size, mtime, ctime and inode are as they were is not read again
/// for the same sum. Bounded: one entry of 40 bytes for each line of the last list.
///
/// A file that is rewritten twice within one tick of the file system's clock (1 to 10 ms; none from Linux
/// 6.13 on) without anybody having it open when it is asked for, looks the same in between.
#[derive(Debug, Default)]
pub struct Checked {
    seen: HashMap<Key, Mark>,
}

/// A line: its path, algorithm and sum.
pub(super) type Key = [u8; 16];

/// How a member looked when it was hashed, and whether it was as the list says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    look: [u8; 16],
    good: bool,
}

impl Mark {
    pub(super) fn new(look: &Look, good: bool) -> Self {
        Self { look: looks(look), good }
    }
}

impl Checked {
    /// Whether the member was as the list says when it was hashed; nothing when it was not hashed as it
    /// looks now.
    pub(super) fn recall(&self, line: &Line, look: &Look) -> Option<bool> {
        let mark = self.seen.get(&key(line)?)?;
        (mark.look == looks(look)).then_some(mark.good)
    }

    /// Takes in what was hashed now and forgets what is no longer in the list.
    pub(super) fn renew(&mut self, lines: &[Line], hashed: &[(u32, Mark)]) {
        let keys = lines.iter().filter_map(key);
        let mut seen: HashMap<Key, Mark> =
            keys.filter_map(|key| self.seen.get(&key).map(|mark| (key, *mark))).collect();
        seen.extend(hashed.iter().filter_map(|(at, mark)| Some((key(&lines[*at as usize])?, *mark))));
        self.seen = seen;
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }
}

fn key(line: &Line) -> Option<Key> {
    let (hash, digest) = line.hash.as_ref()?;
    Some(short(&[&[*hash as u8], digest, &line.path]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Hash;

    #[test]
    fn only_lines_of_the_last_list_stay() {
        let line =
            |path: &[u8]| Line { path: path.to_vec(), hash: Some((Hash::Md5, vec![1; 16])), size: None };
        let look = sys::Dir::open_root(std::path::Path::new("/")).unwrap().look().unwrap();
        let lines = [line(b"a"), line(b"b"), line(b"c")];
        let mut checked = Checked::default();
        checked.renew(&lines, &[(0, Mark::new(&look, true)), (2, Mark::new(&look, false))]);
        assert_eq!(checked.recall(&lines[0], &look), Some(true));
        assert_eq!(checked.recall(&lines[1], &look), None);
        assert_eq!(checked.recall(&lines[2], &look), Some(false));
        assert_eq!(checked.recall(&lines[0], &Look { size: look.size + 1, ..look }), None);
        checked.renew(&lines[1..], &[]);
        assert_eq!((checked.len(), checked.recall(&lines[2], &look)), (1, Some(false)));
    }
}
