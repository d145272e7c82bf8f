//! What was announced or adopted and still lies there: the memory against which every look is compared.

pub(super) mod keyed;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::{Fingerprint, PathKey, Stamp};
use settle::Sample;

use keyed::Salt;

/// How a known file looked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// A hash of size, mtime and inode.
    content: u64,
    /// A hash of size and inode, to tell a new time from a new file.
    body: u64,
    /// Nanoseconds of the change time, wrapped.
    ctime: u64,
    /// The last whole scan that came by.
    scan: u32,
    /// The last listing in which it was announced; 0: before the start.
    turn: u32,
}

/// In place of a listing's number: it was taken over without an announcement.
pub(super) const ADOPTED: u32 = u32::MAX;

/// Some 64 bytes for each file, so that a million files take less than 100 MB.
#[derive(Debug, Default)]
pub(super) struct KnownFiles {
    files: HashMap<PathKey, Known, Salt>,
}

/// How a look compares with what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// Nothing is known under this path.
    New,
    /// The same file as announced; `touched`: its change time is another.
    Same { touched: bool },
    /// Same size and inode, another modification time.
    Redated,
    /// Another content or another file.
    Changed,
}

impl Known {
    pub(super) fn of(print: &Fingerprint, ctime: Stamp, scan: u32) -> Self {
        let body = mix(mix(0x5171_7468_6521_9173, print.size), print.inode);
        let content = mix(mix(body, print.mtime.sec as u64), u64::from(print.mtime.nsec));
        Self { content, body, ctime: mix(ctime.sec as u64, u64::from(ctime.nsec)), scan, turn: 0 }
    }
}

/// Not cryptographic, and need not be: who can choose a file's times can also overwrite it.
const fn mix(state: u64, value: u64) -> u64 {
    let mixed = (state ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 32)
}

impl KnownFiles {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn compare(&self, key: PathKey, print: &Fingerprint, ctime: Stamp) -> Compared {
        let Some(known) = self.files.get(&key) else { return Compared::New };
        let now = Known::of(print, ctime, 0);
        if known.content == now.content {
            return Compared::Same { touched: known.ctime != now.ctime };
        }
        if known.body == now.body { Compared::Redated } else { Compared::Changed }
    }

    /// Remembers how it looks; when it was announced stays as it is.
    pub(super) fn insert(&mut self, key: PathKey, known: Known) {
        match self.files.entry(key) {
            Entry::Occupied(mut old) => {
                let turn = old.get().turn;
                old.insert(Known { turn, ..known });
            }
            Entry::Vacant(free) => {
                free.insert(Known { turn: 0, ..known });
            }
        }
    }

    /// The listing in which it was announced last; nothing: it is not known.
    pub(super) fn turn(&self, key: PathKey) -> Option<u32> {
        self.files.get(&key).map(|known| known.turn)
    }

    /// It was announced (or adopted) in that listing.
    pub(super) fn announced_in(&mut self, key: PathKey, turn: u32) {
        if let Some(known) = self.files.get_mut(&key) {
            known.turn = turn;
        }
    }

    /// Notes that the scan of that number came by; says whether the path is known.
    pub(super) fn seen_by_scan(&mut self, key: PathKey, scan: u32) -> bool {
        let known = self.files.get_mut(&key);
        known.map(|known| known.scan = scan).is_some()
    }

    /// Nobody has seen the path since its mount is what it is now.
    pub(super) fn unsee(&mut self, key: PathKey) {
        self.seen_by_scan(key, 0);
    }

    pub(super) fn remove(&mut self, key: PathKey) -> bool {
        self.files.remove(&key).is_some()
    }

    /// The last scan that came by the path.
    pub(super) fn last_scan(&self, key: PathKey) -> u32 {
        self.files.get(&key).map_or(0, |known| known.scan)
    }

    /// What was seen by a scan numbered `since` or later, but not by the one numbered `scan`.
    pub(super) fn missing(&self, since: u32, scan: u32) -> Vec<PathKey> {
        let missed = |known: &Known| known.scan >= since && known.scan < scan;
        self.files.iter().filter(|(_, known)| missed(known)).map(|(key, _)| *key).collect()
    }
}

/// What a file's identity is made from; the inode is left out where it does not last.
pub(super) const fn fingerprint(sample: &Sample, with_inode: bool) -> Fingerprint {
    Fingerprint { size: sample.size, mtime: sample.mtime, inode: if with_inode { sample.inode } else { 0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(size: u64, mtime: i64, inode: u64) -> Fingerprint {
        Fingerprint { size, mtime: Stamp::new(mtime, 0), inode }
    }

    #[test]
    fn tells_touched_redated_and_changed_apart() {
        let key = PathKey::of(b"x");
        let mut known = KnownFiles::default();
        let c = |s| Stamp::new(s, 0);
        assert_eq!(known.compare(key, &print(1, 1, 1), c(1)), Compared::New);
        known.insert(key, Known::of(&print(1, 1, 1), c(1), 0));
        assert_eq!(known.compare(key, &print(1, 1, 1), c(1)), Compared::Same { touched: false });
        assert_eq!(known.compare(key, &print(1, 1, 1), c(2)), Compared::Same { touched: true });
        assert_eq!(known.compare(key, &print(1, 2, 1), c(2)), Compared::Redated);
        assert_eq!(known.compare(key, &print(2, 1, 1), c(1)), Compared::Changed);
        assert_eq!(known.compare(key, &print(1, 1, 2), c(1)), Compared::Changed);
    }

    #[test]
    fn a_scan_tells_what_is_missing() {
        let mut known = KnownFiles::default();
        let (a, b) = (PathKey::of(b"a"), PathKey::of(b"b"));
        known.insert(a, Known::of(&print(1, 1, 1), Stamp::default(), 0));
        known.insert(b, Known::of(&print(1, 1, 1), Stamp::default(), 0));
        known.seen_by_scan(a, 5);
        assert_eq!(known.missing(0, 5), [b]);
        assert!(known.missing(1, 5).is_empty(), "never seen since then");
    }
}
