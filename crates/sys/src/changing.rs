//! Changing a directory: making, renaming and removing its entries. Never through a link: the last name is
//! always the entry itself.

use std::fs::File;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::dir::Dir;

impl Dir {
    /// Makes the directory `name` with these permission bits (less the process's mask).
    pub fn make_dir(&self, name: &[u8], bits: u32) -> Result<(), Errno> {
        rustix::fs::mkdirat(self, name, Mode::from_raw_mode(bits))
    }

    /// Makes the symbolic link `name`.
    pub fn make_link(&self, name: &[u8], text: &[u8]) -> Result<(), Errno> {
        rustix::fs::symlinkat(text, self, name)
    }

    /// Makes the file `name`, which must not be there, for its owner only, and opens it for writing.
    pub fn make_file(&self, name: &[u8]) -> Result<File, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(self, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    /// Renames the entry `name` of this directory to `new` in `to`, and replaces what is there, as `rename(2)` does.
    pub fn rename(&self, name: &[u8], to: &Dir, new: &[u8]) -> Result<(), Errno> {
        rustix::fs::renameat(self, name, to, new)
    }

    /// Exchanges two entries of any kinds, at once. `INVAL`: the file system cannot.
    pub fn exchange(&self, name: &[u8], other: &Dir, its: &[u8]) -> Result<(), Errno> {
        rustix::fs::renameat_with(self, name, other, its, RenameFlags::EXCHANGE)
    }

    /// Removes the empty directory `name`.
    pub fn remove_dir(&self, name: &[u8]) -> Result<(), Errno> {
        rustix::fs::unlinkat(self, name, AtFlags::REMOVEDIR)
    }

    /// Makes this directory's entries survive a power cut.
    pub fn sync(&self) -> Result<(), Errno> {
        rustix::fs::fsync(self)
    }

    /// Makes everything of this directory's file system survive a power cut.
    pub fn sync_all(&self) -> Result<(), Errno> {
        rustix::fs::syncfs(self)
    }
}
