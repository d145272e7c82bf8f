//! Where a unit lies, and the way to its members.

use sys::{Dir, Errno};

use crate::error::InspectError;

/// Where a unit lies. Everything is opened beneath `root` and never through a link.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The source's root.
    pub root: &'a Dir,
    /// The path of the dataset's directory, or of the file, below the root.
    pub path: &'a [u8],
}

/// What a place turned out to be.
pub(crate) enum Found {
    Directory(Dir),
    /// The directory that holds it; its name is the path's last.
    Entry(Dir),
}

impl Place<'_> {
    /// Opens the directory at this place, or the one that holds it when it is something else.
    pub(crate) fn find(&self) -> Result<Found, InspectError> {
        match self.root.open_below(self.path) {
            Ok(dir) => Ok(Found::Directory(dir)),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let (parent, _) = split(self.path);
                let opened = self.root.open_below(parent);
                opened.map(Found::Entry).map_err(|error| InspectError::open(self.path, error))
            }
            Err(error) => Err(InspectError::open(self.path, error)),
        }
    }
}

/// The directory of `path` and its last name.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}
