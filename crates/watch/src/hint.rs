//! What the ears tell the source: something to look at.

use settle::{Mono, What};
use sys::{EntryKind, Errno, Look};

use crate::tree::DirId;

/// Something to look at.
#[derive(Clone, Copy, Debug)]
pub enum Hint<'a> {
    /// Something happened to an entry that is no directory.
    Entry {
        /// The directory it lies in.
        dir: DirId,
        /// Its name.
        name: &'a [u8],
        /// What happened.
        what: What,
    },
    /// A scanner came by an entry that is no directory.
    Seen {
        /// The directory it lies in.
        dir: DirId,
        /// Its name.
        name: &'a [u8],
        /// What it is, as far as the directory says.
        kind: EntryKind,
        /// How it looked, if it was looked at; the error if that failed.
        look: Option<Result<Look, Errno>>,
        /// When it was asked for by name, if it was: it looked so then or later.
        asked: Option<Mono>,
    },
    /// A scanner has listed a directory: these are the directories in it.
    Listed {
        /// The directory.
        dir: DirId,
        /// The names of the directories in it.
        below: &'a [Box<[u8]>],
    },
    /// A scanner could not read a directory.
    Refused {
        /// The directory.
        dir: DirId,
        /// Why.
        error: Errno,
    },
    /// A directory appeared or was renamed: everything below has a new path and must be listed.
    Directory(DirId),
    /// A directory was renamed away; what was known below its old path is gone from there.
    DirectoryGone,
    /// Something happened to the root itself.
    Root(RootChange),
    /// Events were dropped: everything must be compared.
    Overflow,
}

/// What happened to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootChange {
    /// It was removed.
    Deleted,
    /// It was renamed.
    Moved,
    /// Its file system was unmounted, or the watch on it ended for another reason.
    Unmounted,
}
