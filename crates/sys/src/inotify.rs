//! inotify: arming watches and reading the kernel's queue.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

use crate::dir::{Dir, Place};
use crate::stage::{self, PlayedQueue};

/// A watch descriptor as the kernel numbers it; −1 in overflow events.
pub type Wd = i32;

/// The name appeared: created, linked or made by mknod.
pub const CREATE: u32 = 0x0000_0100;
/// Opened.
pub const OPEN: u32 = 0x0000_0020;
/// Read.
pub const ACCESS: u32 = 0x0000_0001;
/// Written to or cut.
pub const MODIFY: u32 = 0x0000_0002;
/// A descriptor open for reading only was closed.
pub const CLOSE_NOWRITE: u32 = 0x0000_0010;
/// A descriptor open for writing was closed.
pub const CLOSE_WRITE: u32 = 0x0000_0008;
/// Renamed to this name.
pub const MOVED_TO: u32 = 0x0000_0080;
/// Renamed away from this name.
pub const MOVED_FROM: u32 = 0x0000_0040;
/// The name was removed.
pub const DELETE: u32 = 0x0000_0200;
/// The watched directory itself was removed.
pub const DELETE_SELF: u32 = 0x0000_0400;
/// The watched directory itself was renamed.
pub const MOVE_SELF: u32 = 0x0000_0800;
/// Times, permissions or the number of links changed.
pub const ATTRIB: u32 = 0x0000_0004;
/// The file system with the watched directory was unmounted.
pub const UNMOUNT: u32 = 0x0000_2000;
/// The queue was full; an unknown number of events was dropped.
pub const Q_OVERFLOW: u32 = 0x0000_4000;
/// The watch is no more.
pub const IGNORED: u32 = 0x0000_8000;
/// The event is about a directory.
pub const ISDIR: u32 = 0x4000_0000;

/// What is asked of every directory. Narrow on purpose: each further kind fills the kernel's
/// queue sooner. `OPEN`, `ACCESS` and `MODIFY` are never asked for.
const MASK: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// One inotify instance.
#[derive(Debug)]
pub struct Inotify(Instance);

#[derive(Debug)]
enum Instance {
    Kernel(OwnedFd),
    /// In tests alone: its events come from a stage.
    Played(PlayedQueue),
}

/// One event in a buffer that [`Inotify::read`] filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEvent<'a> {
    /// The watch it came by.
    pub wd: Wd,
    /// What happened.
    pub mask: u32,
    /// Equal in the two halves of a rename.
    pub cookie: u32,
    /// The entry's name; empty for events on the directory itself.
    pub name: &'a [u8],
}

impl Inotify {
    /// Opens an instance. `EMFILE` means the limit of instances (or of descriptors).
    pub fn open() -> Result<Self, Errno> {
        if let Some(played) = stage::open_queue() {
            return played.map(|queue| Self(Instance::Played(queue)));
        }
        let instance = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self(Instance::Kernel(instance)))
    }

    /// Watches the directory `dir`. The same directory always gives the same descriptor.
    /// `ENOSPC` means the limit of watches.
    ///
    /// The directory is named by its open descriptor, so that what is watched is what was opened,
    /// whatever has been renamed since.
    pub fn arm(&self, dir: &Dir) -> Result<Wd, Errno> {
        if let (Instance::Played(queue), Some(dir)) = (&self.0, dir.played()) {
            return queue.arm(dir);
        }
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&dir.as_fd()));
        inotify::add_watch(self, path, MASK)
    }

    /// Watches a directory or a file with a mask of one's own. The same inode always gives the same descriptor,
    /// and its mask is replaced. What is done to an entry after it was unlinked is not told.
    pub fn watch(&self, place: &Place, mask: u32) -> Result<Wd, Errno> {
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&place.as_fd()));
        inotify::add_watch(self, path, WatchFlags::from_bits_retain(mask) | WatchFlags::EXCL_UNLINK)
    }

    /// Stops a watch; one that is gone already is no error.
    pub fn disarm(&self, wd: Wd) {
        match &self.0 {
            Instance::Kernel(instance) => drop(inotify::remove_watch(instance, wd)),
            Instance::Played(queue) => queue.disarm(wd),
        }
    }

    /// Reads what fits into `buffer` without waiting; 0 when nothing is queued.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match &self.0 {
            Instance::Kernel(instance) => match rustix::io::read(instance, buffer) {
                Err(Errno::AGAIN) => Ok(0),
                other => other,
            },
            Instance::Played(queue) => Ok(queue.read(buffer)),
        }
    }
}

impl AsFd for Inotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Instance::Kernel(instance) => instance.as_fd(),
            Instance::Played(queue) => queue.fd(),
        }
    }
}

/// Walks the events in `bytes`; stops quietly at a broken tail (the kernel never writes one).
pub fn events(mut bytes: &[u8]) -> impl Iterator<Item = RawEvent<'_>> {
    std::iter::from_fn(move || {
        let (event, rest) = split_event(bytes)?;
        bytes = rest;
        Some(event)
    })
}

fn split_event(bytes: &[u8]) -> Option<(RawEvent<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<16>()?;
    let word = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
    let length = u32::from_ne_bytes(word(12)) as usize;
    let (padded, rest) = rest.split_at_checked(length)?;
    let end = padded.iter().position(|&byte| byte == 0).unwrap_or(padded.len());
    let event = RawEvent {
        wd: i32::from_ne_bytes(word(0)),
        mask: u32::from_ne_bytes(word(4)),
        cookie: u32::from_ne_bytes(word(8)),
        name: &padded[..end],
    };
    Some((event, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_happened_in_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let inotify = Inotify::open().unwrap();
        let wd = inotify.arm(&Dir::open_root(dir.path()).unwrap()).unwrap();
        std::fs::write(dir.path().join("a"), b"x").unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        let mut buffer = [0; 4096];
        let filled = inotify.read(&mut buffer).unwrap();
        let seen: Vec<_> = events(&buffer[..filled]).map(|e| (e.wd, e.mask, e.name.to_vec())).collect();
        assert_eq!(
            seen,
            [
                (wd, CREATE, b"a".to_vec()),
                (wd, CLOSE_WRITE, b"a".to_vec()),
                (wd, CREATE | ISDIR, b"d".to_vec())
            ]
        );
        assert_eq!(inotify.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_broken_tail_is_no_event() {
        assert_eq!(events(&[1, 2, 3]).count(), 0);
        let mut bytes = vec![0; 16];
        bytes[12] = 200;
        assert_eq!(events(&bytes).count(), 0);
    }
}
