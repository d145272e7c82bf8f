//! What lies in the watched directory when the program starts.

use std::fs;
use std::path::Path;

/// Files and directories of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Products that are one file each.
    pub(crate) files: usize,
    /// Products that are directories.
    pub(crate) directories: usize,
    /// The files in each of them.
    pub(crate) members: usize,
}

impl Backlog {
    /// As many as the recording of the original's 20 files, and half as many again.
    pub(crate) const STRICT_FILES: Self = Self { files: 30, directories: 0, members: 0 };
    /// As the recording of the original's directory.
    pub(crate) const STRICT_DIRECTORY: Self = Self { files: 0, directories: 1, members: 60 };

    /// The whole work, or a share of it.
    pub(crate) fn whole(scale: usize) -> Self {
        Self { files: (10_000 / scale).max(10), directories: (200 / scale).max(1), members: 50 }
    }

    /// Files and directories.
    pub(crate) fn products(self) -> usize {
        self.files + self.directories
    }

    /// What is registered: products, and what is in them.
    pub(crate) fn items(self) -> usize {
        self.products() + self.children()
    }

    /// What is in the directories.
    pub(crate) fn children(self) -> usize {
        self.directories * self.members
    }

    /// Makes it all.
    pub(crate) fn make(self, root: &Path) -> anyhow::Result<()> {
        for number in 0..self.files {
            fs::write(root.join(format!("f{number:06}.dat")), vec![b'x'; number % 100])?;
        }
        for number in 0..self.directories {
            let folder = root.join(format!("p{number:04}"));
            fs::create_dir(&folder)?;
            for member in 0..self.members {
                fs::write(folder.join(format!("c{member:03}.dat")), "x")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_made_as_is_said() {
        let scratch = testkit::Scratch::in_memory("bench-dlm");
        let backlog = Backlog::whole(500);
        backlog.make(scratch.path()).unwrap();
        assert_eq!((backlog.products(), backlog.items()), (21, 71));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 21);
        assert_eq!(fs::read_dir(scratch.path().join("p0000")).unwrap().count(), 50);
    }
}
