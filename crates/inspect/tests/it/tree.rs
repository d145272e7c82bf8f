//! A scratch tree.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::RwLock;

use inspect::Place;
use sys::Dir;

/// Held for reading while a test has a member open to write, for writing while one starts a process: between its
/// fork and its exec that has a copy of every descriptor, and the member would be open in it for a moment more.
static FORKS: RwLock<()> = RwLock::new(());

/// Opens, writes and closes, or only closes, while no process of this program is about to start another one.
pub(crate) fn writing<T>(write: impl FnOnce() -> T) -> T {
    let _no_fork = FORKS.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    write()
}

/// Starts a process while no other test writes.
pub(crate) fn start(command: &mut Command) -> Child {
    let _no_writer = FORKS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    command.spawn().unwrap()
}

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
        writing(|| fs::write(path, content).unwrap());
    }

    pub(crate) fn place<'a>(&'a self, path: &'a [u8]) -> Place<'a> {
        Place { root: &self.root, path }
    }
}
