//! Listing a directory in slices, so that a huge one neither fills the memory nor holds up its reader.

use rustix::fs::RawDir;
use rustix::io::Errno;

use crate::dir::{Dir, EntryKind};

/// One `getdents` call fills so much: about a thousand names.
const BUFFER: usize = 32 * 1024;

/// A listing that goes on where it stopped. The position is kept in the directory's descriptor.
///
/// What was there all the time is listed once; what comes or goes meanwhile may be listed or not,
/// and a renamed entry under both names or none.
#[derive(Debug)]
pub struct Listing {
    dir: Dir,
    /// Empty between slices; only its memory is kept.
    buffer: Vec<u8>,
}

impl Dir {
    /// Begins a listing. The descriptor must not have been listed before.
    #[must_use]
    pub fn into_listing(self) -> Listing {
        Listing { dir: self, buffer: Vec::with_capacity(BUFFER) }
    }
}

impl Listing {
    /// The directory, to look at its entries.
    #[must_use]
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Calls `each` with the directory (to look at the entry), name and kind of the next entries but `.`
    /// and `..`, in the order of the directory: at least as many as one system call gives, and no
    /// further call once there were `limit`. False when that was the end.
    pub fn next_slice(
        &mut self,
        limit: usize,
        each: &mut impl FnMut(&Dir, &[u8], EntryKind),
    ) -> Result<bool, Errno> {
        if let Some(played) = self.dir.played() {
            // A stage gives everything at once.
            return played.list(|name, kind, _| each(&self.dir, name, kind)).map(|()| false);
        }
        let mut entries = RawDir::new(&self.dir, self.buffer.spare_capacity_mut());
        let mut count = 0;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                each(&self.dir, name, EntryKind::from(entry.file_type()));
                count += 1;
            }
            // What was read must be given out whole: the descriptor stands behind it.
            if count >= limit && entries.is_buffer_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    fn listing(files: usize) -> (tempfile::TempDir, Listing) {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        for file in 0..files {
            fs::write(dir.path().join(format!("a name of some length {file:06}")), b"").unwrap();
        }
        let listing = Dir::open_root(dir.path()).unwrap().into_listing();
        (dir, listing)
    }

    #[test]
    fn slices_together_are_the_whole_listing() {
        let (_dir, mut listing) = listing(5_000);
        let (mut names, mut slices) = (BTreeSet::new(), 0);
        loop {
            let mut count = 0;
            let more = listing.next_slice(1, &mut |_, name, kind| {
                assert_eq!(kind, EntryKind::File);
                assert!(names.insert(name.to_vec()), "listed twice");
                count += 1;
            });
            slices += 1;
            assert!(count < 1_000, "a slice of {count}");
            if !more.unwrap() {
                break;
            }
            assert!(listing.dir().look_at(names.first().unwrap()).is_ok());
        }
        assert_eq!(names.len(), 5_000);
        assert!(slices >= 5, "{slices}");
        assert!(!listing.next_slice(1, &mut |_, _, _| panic!("after the end")).unwrap());
    }

    #[test]
    fn a_limit_beyond_the_end_takes_one_slice() {
        let (_dir, mut listing) = listing(3_000);
        let mut count = 0;
        assert!(!listing.next_slice(usize::MAX, &mut |_, _, _| count += 1).unwrap());
        assert_eq!(count, 3_000);
    }

    #[test]
    fn removing_what_was_listed_loses_nothing_of_the_rest() {
        let (dir, mut listing) = listing(5_000);
        let mut all = BTreeSet::new();
        loop {
            let mut slice = Vec::new();
            let more = listing.next_slice(500, &mut |_, name, _| slice.push(name.to_vec())).unwrap();
            for name in slice {
                fs::remove_file(dir.path().join(std::str::from_utf8(&name).unwrap())).unwrap();
                all.insert(name);
            }
            if !more {
                break;
            }
        }
        assert_eq!(all.len(), 5_000);
    }

    #[test]
    fn an_empty_directory_has_no_slice_and_a_removed_one_is_an_error() {
        let (dir, mut listing) = listing(0);
        assert!(!listing.next_slice(10, &mut |_, _, _| panic!("nothing is there")).unwrap());
        fs::remove_dir(dir.path()).unwrap();
        assert_eq!(listing.next_slice(10, &mut |_, _, _| ()), Err(Errno::NOENT));
    }
}
