//! Directories by descriptor: nothing here can be led out of the root by a name or a link.

mod beneath;
mod place;

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::lease::{self, Writer};
use crate::stage::{self, PlayedDir};

use beneath::BENEATH;
pub use place::{Place, stamp_of_now};

/// What one `stat` told of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Type and permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// Time of the last change of content: seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Time of the last change of the inode: seconds and nanoseconds.
    pub ctime: (i64, u32),
    /// The inode number.
    pub inode: u64,
    /// The device number.
    pub device: u64,
    /// The number of names.
    pub links: u64,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO, socket or device.
    Special,
    /// The file system does not say; a `stat` does.
    Unknown,
}

impl From<Stat> for Look {
    fn from(stat: Stat) -> Self {
        Self {
            mode: stat.st_mode,
            size: stat.st_size as u64,
            mtime: (seconds(stat.st_mtime), stat.st_mtime_nsec as u32),
            ctime: (stat.st_ctime, stat.st_ctime_nsec as u32),
            inode: stat.st_ino,
            device: stat.st_dev,
            links: stat.st_nlink,
        }
    }
}

/// Seconds since 1970 as the kernel tells them, before it and after 2038, too.
fn seconds(told: i64) -> i64 {
    if switch::is_off("years-beyond-2038") { i64::from(told as i32) } else { told }
}

impl Look {
    /// What kind of entry it is.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        EntryKind::from(FileType::from_raw_mode(self.mode))
    }
}

impl From<FileType> for EntryKind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Symlink,
            FileType::Unknown => EntryKind::Unknown,
            _ => EntryKind::Special,
        }
    }
}

/// What is done with a name that is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It is not opened.
    Refuse,
    /// What it leads to is opened.
    Follow,
}

/// A directory that is open, or only reached: pointed at (`O_PATH`), so that no watch hears of it. One that is only
/// reached is opened for the moment when it is listed; its mode and times cannot be set.
#[derive(Debug)]
pub struct Dir(Held, Hold);

/// What a directory is held by.
#[derive(Debug)]
enum Held {
    Kernel(OwnedFd),
    /// In tests alone: it lies on a stage.
    Played(PlayedDir),
}

/// How a directory is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Open,
    Reached,
}

/// One `getdents` call fills so much: about a thousand names.
const LIST_BUFFER: usize = 32 * 1024;

/// The kernel takes 4096 bytes with the ending zero.
const LONGEST_PATH: usize = 4000;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const REACHED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Dir {
    /// Opens a root by its path. Links in the path and the root itself being one are followed:
    /// the operator wrote it.
    pub fn open_root(path: &Path) -> Result<Self, Errno> {
        if let Some(played) = stage::open_root(path) {
            return played.map(|dir| Self(Held::Played(dir), Hold::Open));
        }
        rustix::fs::open(path, DIRECTORY, Mode::empty()).map(Self::opened)
    }

    /// The same, only reached.
    pub fn reach_root(path: &Path) -> Result<Self, Errno> {
        if let Some(played) = stage::open_root(path) {
            return played.map(|dir| Self(Held::Played(dir), Hold::Reached));
        }
        rustix::fs::open(path, REACHED, Mode::empty()).map(Self::reached)
    }

    fn opened(descriptor: OwnedFd) -> Self {
        Self(Held::Kernel(descriptor), Hold::Open)
    }

    fn reached(descriptor: OwnedFd) -> Self {
        Self(Held::Kernel(descriptor), Hold::Reached)
    }

    /// The same directory on a stage, in tests alone.
    pub(crate) const fn played(&self) -> Option<&PlayedDir> {
        match &self.0 {
            Held::Kernel(_) => None,
            Held::Played(dir) => Some(dir),
        }
    }

    /// Opens the directory at `path` below this one, never through a link, never above; an empty path
    /// is this directory itself.
    pub fn open_below(&self, path: &[u8]) -> Result<Self, Errno> {
        self.below(path, DIRECTORY, Hold::Open)
    }

    /// The same, only reached.
    pub fn reach_below(&self, path: &[u8]) -> Result<Self, Errno> {
        self.below(path, REACHED, Hold::Reached)
    }

    fn below(&self, path: &[u8], flags: OFlags, hold: Hold) -> Result<Self, Errno> {
        if let Some(played) = self.played() {
            return played.below(path).map(|dir| Self(Held::Played(dir), hold));
        }
        let path = if path.is_empty() { b"." } else { path };
        let mut resolve = BENEATH;
        if switch::is_off("beneath-the-root") {
            resolve = ResolveFlags::empty();
        }
        let open = |part: Option<&OwnedFd>, path: &[u8]| {
            let dir = part.map_or_else(|| self.as_fd(), AsFd::as_fd);
            beneath::open(dir, path, flags, resolve)
        };
        // A longer path than the kernel takes is gone down in parts.
        let mut part = None;
        let mut rest = path;
        while rest.len() > LONGEST_PATH
            && let Some(at) = rest[..LONGEST_PATH].iter().rposition(|&byte| byte == b'/')
        {
            part = Some(open(part.as_ref(), &rest[..at])?);
            rest = &rest[at + 1..];
        }
        open(part.as_ref(), rest).map(|dir| Self(Held::Kernel(dir), hold))
    }

    /// Opens the directory `name` in this one; fails on a link.
    pub fn open_child(&self, name: &[u8]) -> Result<Self, Errno> {
        if let Some(played) = self.played() {
            return played.below(name).map(|dir| Self(Held::Played(dir), Hold::Open));
        }
        rustix::fs::openat(self, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()).map(Self::opened)
    }

    /// The same, only reached.
    pub fn reach_child(&self, name: &[u8]) -> Result<Self, Errno> {
        if let Some(played) = self.played() {
            return played.below(name).map(|dir| Self(Held::Played(dir), Hold::Reached));
        }
        rustix::fs::openat(self, name, REACHED | OFlags::NOFOLLOW, Mode::empty()).map(Self::reached)
    }

    /// Whether it could be opened and listed, found out without opening it.
    pub fn may_list(&self) -> Result<(), Errno> {
        let access = rustix::fs::Access::READ_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::accessat(self, ".", access, AtFlags::EACCESS)
    }

    /// Looks at this directory itself.
    pub fn look(&self) -> Result<Look, Errno> {
        if let Some(played) = self.played() {
            return played.look();
        }
        rustix::fs::fstat(self).map(Look::from)
    }

    /// Looks at an entry without following a link.
    pub fn look_at(&self, name: &[u8]) -> Result<Look, Errno> {
        if let Some(played) = self.played() {
            return played.look_at(name);
        }
        rustix::fs::statat(self, name, AtFlags::SYMLINK_NOFOLLOW).map(Look::from)
    }

    /// Looks at what an entry leads to.
    pub fn look_through(&self, name: &[u8]) -> Result<Look, Errno> {
        if let Some(played) = self.played() {
            return played.look_at(name);
        }
        rustix::fs::statat(self, name, AtFlags::empty()).map(Look::from)
    }

    /// Asks whether somebody writes the regular file `name`, and looks at it while no writer can
    /// come in. Call it only for what a `stat` has just shown to be a regular file: opening a FIFO
    /// would wake its writer.
    #[must_use]
    pub fn probe(&self, name: &[u8], links: Links) -> (Writer, Option<Look>) {
        if let Some(played) = self.played() {
            return played.probe(name);
        }
        match self.open_file(name, links) {
            Ok(file) => {
                let writer = lease::probe(&file);
                (writer, rustix::fs::fstat(&file).ok().map(Look::from))
            }
            Err(_) => (Writer::Unknown, None),
        }
    }

    /// Asks whether somebody writes the regular file `name`. See [`Dir::probe`].
    #[must_use]
    pub fn probe_writer(&self, name: &[u8], links: Links) -> Writer {
        if let Some(played) = self.played() {
            return played.probe(name).0;
        }
        self.open_file(name, links).map_or(Writer::Unknown, |file| lease::probe(&file))
    }

    fn open_file(&self, name: &[u8], links: Links) -> Result<OwnedFd, Errno> {
        let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        flags.set(OFlags::NOFOLLOW, links == Links::Refuse);
        rustix::fs::openat(self, name, flags, Mode::empty())
    }

    /// Makes a file of this name, which must not be there, closes it after writing and removes it.
    pub fn make_short_lived(&self, name: &[u8]) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        drop(rustix::fs::openat(self, name, flags, Mode::RUSR | Mode::WUSR)?);
        rustix::fs::unlinkat(self, name, AtFlags::empty())
    }

    /// Removes the file of this name.
    pub fn remove(&self, name: &[u8]) -> Result<(), Errno> {
        rustix::fs::unlinkat(self, name, AtFlags::empty())
    }

    /// Calls `each` with name and kind of every entry but `.` and `..`, in the order of the
    /// directory.
    pub fn list(&self, mut each: impl FnMut(&[u8], EntryKind)) -> Result<(), Errno> {
        self.list_with_inodes(|name, kind, _| each(name, kind))
    }

    /// The same with each entry's inode number, as the directory has it.
    pub fn list_with_inodes(&self, mut each: impl FnMut(&[u8], EntryKind, u64)) -> Result<(), Errno> {
        if let Some(played) = self.played() {
            return played.list(each);
        }
        if self.1 == Hold::Reached {
            return self.open_below(b"")?.list_with_inodes(each);
        }
        let mut buffer = Vec::with_capacity(LIST_BUFFER);
        let mut entries = RawDir::new(self, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name: &CStr = entry.file_name();
            let name = name.to_bytes();
            if name != b"." && name != b".." {
                each(name, EntryKind::from(entry.file_type()), entry.ino());
            }
        }
        Ok(())
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Held::Kernel(descriptor) => descriptor.as_fd(),
            Held::Played(dir) => dir.fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_probe_tells_open_from_gone() {
        let dir = tempfile::tempdir().unwrap();
        let root = Dir::open_root(dir.path()).unwrap();
        let file = fs::File::create(dir.path().join("f")).unwrap();
        assert_eq!(root.probe_writer(b"f", Links::Refuse), Writer::Open);
        drop(file);
        let (writer, look) = root.probe(b"f", Links::Refuse);
        assert_eq!(writer, Writer::Gone);
        assert_eq!(look.unwrap().size, 0);
        // A writer that comes during a probe must not kill us by SIGIO.
        let held = root.open_file(b"f", Links::Refuse).unwrap();
        assert_eq!(lease::probe(&held), Writer::Gone);
        let path = dir.path().join("f");
        let opener = std::thread::spawn(move || fs::OpenOptions::new().append(true).open(path).is_ok());
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(held);
        assert!(opener.join().unwrap());
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_root() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join("d")).unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
        let root = Dir::open_root(dir.path()).unwrap();
        assert_eq!(root.open_below(b"").unwrap().look().unwrap().inode, root.look().unwrap().inode);
        assert!(root.open_below(b"link").is_err());
        assert!(root.open_below(b"link/d").is_err());
        assert!(root.open_below(b"..").is_err());
        assert!(root.open_child(b"link").is_err());
    }

    #[test]
    fn lists_names_that_are_not_utf8() {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"b\xffd\n");
        fs::write(dir.path().join(name), b"x").unwrap();
        let mut seen = Vec::new();
        Dir::open_root(dir.path()).unwrap().list(|name, kind| seen.push((name.to_vec(), kind))).unwrap();
        assert_eq!(seen, [(b"b\xffd\n".to_vec(), EntryKind::File)]);
    }
}
