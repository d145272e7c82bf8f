//! A scratch tree.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use inspect::Place;
use sys::Dir;

/// A directory for one test, and the root as the code under test gets it.
pub(crate) struct Tree {
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) root: Dir,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap())
    }

    /// In memory, for tests that write one file thousands of times.
    pub(crate) fn in_memory() -> Self {
        Self::at(tempfile::tempdir_in("/dev/shm").unwrap())
    }

    fn at(scratch: tempfile::TempDir) -> Self {
        let root = Dir::open_root(scratch.path()).unwrap();
        Self { scratch, root }
    }

    pub(crate) fn path(&self, relative: &[u8]) -> PathBuf {
        self.scratch.path().join(OsStr::from_bytes(relative))
    }

    /// Writes a file, with the directories above it.
    pub(crate) fn write(&self, relative: &[u8], content: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn place<'a>(&'a self, path: &'a [u8]) -> Place<'a> {
        Place { root: &self.root, path }
    }
}
