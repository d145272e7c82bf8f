//! How a tree looked: every entry by its path, small enough to keep two of a large tree.
//!
//! An entry takes 104 bytes and its path: 100 000 entries with paths of 50 bytes take 15 MB.

use sys::{CloseLook, EntryKind, Errno};

/// What tells one state of an entry from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Bytes; 0 of a directory, where they say nothing.
    pub size: u64,
    /// What kind of entry it is.
    pub kind: EntryKind,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, u32),
    /// Times can be set back; this one cannot.
    pub(crate) ctime: (i64, u32),
    /// When the inode was made, where the file system tells.
    pub(crate) birth: Option<(i64, u32)>,
    pub(crate) inode: u64,
    pub(crate) device: u64,
}

impl From<CloseLook> for Facts {
    fn from(close: CloseLook) -> Self {
        let look = close.look;
        let kind = look.kind();
        Self {
            size: if kind == EntryKind::Directory { 0 } else { look.size },
            kind,
            mode: look.mode,
            mtime: look.mtime,
            ctime: look.ctime,
            // Some file systems say that everything was made when time began.
            birth: close.birth.filter(|birth| *birth != (0, 0)),
            inode: look.inode,
            device: look.device,
        }
    }
}

impl Facts {
    /// The same without times: for directories of which a part is left out, because what happens in
    /// that part changes the times.
    #[must_use]
    pub fn without_times(self) -> Self {
        Self { mtime: (0, 0), ctime: (0, 0), ..self }
    }

    /// Whether it is the same file or directory as the other, found under the same path.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let births = (self.birth, other.birth);
        self.has_number_of(other) && !matches!(births, (Some(one), Some(two)) if one != two)
    }

    /// Whether it is the same file or directory as the other, found under another path.
    ///
    /// An inode's number is given to the next file once the first is deleted. What was made at the same
    /// moment is the same. Where that is not known, it is believed only of what was not touched either.
    pub(crate) fn is_moved(&self, other: &Self) -> bool {
        self.has_number_of(other)
            && match (self.birth, other.birth) {
                (Some(one), Some(two)) => one == two,
                _ => self.has_content_of(other),
            }
    }

    fn has_number_of(&self, other: &Self) -> bool {
        (self.device, self.inode, self.kind) == (other.device, other.inode, other.kind)
    }

    /// Whether what a rename leaves alone is the same: size, permissions, time of the last write.
    pub(crate) fn has_content_of(&self, other: &Self) -> bool {
        (self.size, self.mode, self.mtime) == (other.size, other.mode, other.mtime)
    }
}

/// Where an entry's path lies, and how the entry looked.
#[derive(Clone, Copy, Debug)]
struct Record {
    start: usize,
    end: usize,
    facts: Facts,
}

/// How a tree looked.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// All paths behind one another: one piece of memory instead of one for each.
    paths: Vec<u8>,
    records: Vec<Record>,
    /// Directories whose content is not known, and why.
    unread: Vec<(Vec<u8>, Errno)>,
}

/// What there is in a tree, its root not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Regular files; each name of a file counts.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Links, sockets, FIFOs and devices.
    pub others: u64,
    /// Bytes in the files.
    pub bytes: u64,
}

impl Snapshot {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes an entry by its path below the root; the root's own is empty.
    pub fn add(&mut self, path: &[u8], facts: Facts) {
        let start = self.paths.len();
        self.paths.extend_from_slice(path);
        self.records.push(Record { start, end: self.paths.len(), facts });
    }

    /// Notes that the content of a directory is not known, or not all of it.
    pub fn add_unread(&mut self, path: &[u8], error: Errno) {
        self.unread.push((path.to_vec(), error));
    }

    /// Ready to be compared: in the order of the paths, each once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let paths = &self.paths;
        let path = |record: &Record| &paths[record.start..record.end];
        self.records.sort_by(|one, two| path(one).cmp(path(two)));
        // A directory that changes while it is listed may list a name twice.
        self.records.dedup_by(|later, earlier| {
            let same = path(later) == path(earlier);
            if same {
                earlier.facts = later.facts;
            }
            same
        });
        self.unread.sort_by(|one, two| one.0.cmp(&two.0));
        self.records.shrink_to_fit();
        self.paths.shrink_to_fit();
        self
    }

    /// Every entry, in the order of the paths: a directory before what is in it.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], &Facts)> {
        self.records.iter().map(|record| (&self.paths[record.start..record.end], &record.facts))
    }

    /// How many entries there are, the root among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is not even a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The directories whose content is not known, in the order of their paths, and why.
    #[must_use]
    pub fn unread(&self) -> &[(Vec<u8>, Errno)] {
        &self.unread
    }

    /// Whether the path lies below a directory whose content is not known.
    pub(crate) fn is_hidden(&self, path: &[u8]) -> bool {
        let has = |dir: &[u8]| self.unread.binary_search_by(|(other, _)| (**other).cmp(dir)).is_ok();
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        !self.unread.is_empty()
            && !path.is_empty()
            && (has(b"") || slashes.map(|(at, _)| &path[..at]).any(has))
    }

    /// What there is.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for (_, facts) in self.entries().filter(|(path, _)| !path.is_empty()) {
            match facts.kind {
                EntryKind::File => {
                    totals.files += 1;
                    totals.bytes = totals.bytes.saturating_add(facts.size);
                }
                EntryKind::Directory => totals.directories += 1,
                _ => totals.others += 1,
            }
        }
        totals
    }
}
