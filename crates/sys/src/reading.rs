//! Opening what is to be read: regular files only, and where links point to.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::dir::{Dir, EntryKind, Look};

/// `NONBLOCK` only matters where a FIFO took the file's place after the look.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Dir {
    /// Opens the regular file `name` in this directory for reading, never through a link. `INVAL` for
    /// what is no regular file; a FIFO's writer or a device is not woken by the attempt.
    pub fn open_regular(&self, name: &[u8]) -> Result<File, Errno> {
        regular(self.look_at(name)?)?;
        let file = rustix::fs::openat(self, name, READING, Mode::empty())?;
        regular(Look::of(&file)?)?;
        Ok(File::from(file))
    }

    /// Where the symbolic link `name` points to; `INVAL` for what is no link.
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        rustix::fs::readlinkat(self, name, Vec::new()).map(std::ffi::CString::into_bytes)
    }
}

impl Look {
    /// Looks at an open file.
    pub fn of(file: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::fstat(file).map(Self::from)
    }
}

fn regular(look: Look) -> Result<(), Errno> {
    if look.kind() == EntryKind::File { Ok(()) } else { Err(Errno::INVAL) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn only_a_regular_file_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), b"text").unwrap();
        std::os::unix::fs::symlink("f", dir.path().join("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            dir.path().join("fifo"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let root = Dir::open_root(dir.path()).unwrap();
        let mut text = String::new();
        let mut file = root.open_regular(b"f").unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), Look::of(&file).unwrap().size), ("text", 4));
        for name in [&b"link"[..], b"fifo", b"."] {
            assert_eq!(root.open_regular(name).err(), Some(Errno::INVAL));
        }
        assert_eq!(root.open_regular(b"none").err(), Some(Errno::NOENT));
        assert_eq!(root.read_link(b"link").unwrap(), b"f");
        assert_eq!(root.read_link(b"f"), Err(Errno::INVAL));
    }
}
