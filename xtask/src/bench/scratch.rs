//! The folders of one run, away when it is over.

use std::path::PathBuf;

use tempfile::TempDir;

use super::arguments::Arguments;
use super::peers::Place;

/// A tree to watch, and room for a program's own files.
pub(crate) struct Scratch {
    /// The tree.
    pub(crate) root: PathBuf,
    /// For the program, on the same file system.
    pub(crate) own: PathBuf,
    disk: TempDir,
    _memory: TempDir,
}

impl Scratch {
    /// Makes them, empty.
    pub(crate) fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let folder = |place| tempfile::Builder::new().prefix("staithe-bench-").tempdir_in(place);
        std::fs::create_dir_all(&arguments.disk)?;
        let (memory, disk) = (folder(&arguments.folder)?, folder(&arguments.disk)?);
        let (root, own) = (memory.path().join("tree"), memory.path().join("own"));
        std::fs::create_dir(&root)?;
        std::fs::create_dir(&own)?;
        Ok(Self { root, own, disk, _memory: memory })
    }

    /// As a peer is told of them.
    pub(crate) fn place(&self, files: usize) -> Place<'_> {
        Place { root: &self.root, scratch: &self.own, disk: self.disk.path(), port: None, files }
    }
}
