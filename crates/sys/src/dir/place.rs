//! A place in a tree, pointed at without opening it: no watch hears of that.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::beneath::{self, BENEATH};
use super::{DIRECTORY, Dir, LONGEST_PATH, Look};

/// A directory or file that is only pointed at (`O_PATH`). Pointing, looking and arming raise no events.
///
/// It holds the inode as any descriptor does: a directory that is removed meanwhile says so to its watches only
/// when the last of these is closed.
#[derive(Debug)]
pub struct Place(OwnedFd);

const POINT: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

impl Place {
    /// Points at a root. Links in the path and the root itself being one are followed: the operator wrote it.
    pub fn at(path: &Path) -> Result<Self, Errno> {
        rustix::fs::open(path, POINT, Mode::empty()).map(Self)
    }

    /// Points at the directory at `path` below this one, never through a link, never above; an empty path is this
    /// directory itself.
    pub fn below(&self, path: &[u8]) -> Result<Self, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = POINT | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let point = |from: &Self, path: &[u8]| beneath::open(from.0.as_fd(), path, flags, BENEATH).map(Self);
        // A longer path than the kernel takes is gone down in parts.
        let mut part = None;
        let mut rest = path;
        while rest.len() > LONGEST_PATH
            && let Some(at) = rest[..LONGEST_PATH].iter().rposition(|&byte| byte == b'/')
        {
            part = Some(point(part.as_ref().unwrap_or(self), &rest[..at])?);
            rest = &rest[at + 1..];
        }
        point(part.as_ref().unwrap_or(self), rest)
    }

    /// Looks at what is pointed at.
    pub fn look(&self) -> Result<Look, Errno> {
        rustix::fs::fstat(&self.0).map(Look::from)
    }

    /// Looks at an entry of the directory, without following a link.
    pub fn look_at(&self, name: &[u8]) -> Result<Look, Errno> {
        rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).map(Look::from)
    }

    /// Opens the directory to list it. Watches hear of this.
    pub fn open(&self) -> Result<Dir, Errno> {
        rustix::fs::openat(&self.0, ".", DIRECTORY, Mode::empty()).map(Dir::opened)
    }
}

impl AsFd for Place {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The time that the kernel would stamp a change with just now, at the earliest: what changes later has a ctime
/// that is not smaller, on a file system of this machine.
#[must_use]
pub fn stamp_of_now() -> (i64, u32) {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    (now.tv_sec, now.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn pointing_looking_and_arming_are_not_heard_and_listing_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        let inotify = crate::Inotify::open().unwrap();
        let root = Place::at(dir.path()).unwrap();
        let all = crate::inotify::OPEN | crate::inotify::ACCESS | crate::inotify::CLOSE_NOWRITE;
        inotify.watch(&root, all).unwrap();
        let below = root.below(b"d").unwrap();
        inotify.watch(&below, all).unwrap();
        below.look().unwrap();
        root.look_at(b"d").unwrap();
        drop(below);
        let mut buffer = [0; 4096];
        assert_eq!(inotify.read(&mut buffer).unwrap(), 0);
        root.below(b"d").unwrap().open().unwrap().list(|_, _| ()).unwrap();
        assert!(inotify.read(&mut buffer).unwrap() > 0);
    }

    #[test]
    fn a_place_cannot_lie_outside() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        std::os::unix::fs::symlink("d", dir.path().join("link")).unwrap();
        let root = Place::at(dir.path()).unwrap();
        for path in [&b"link"[..], b"..", b"d/../..", b"/"] {
            assert!(root.below(path).is_err(), "{path:?}");
        }
        let deep = vec!["a-name-of-some-length"; 100].join("/");
        fs::create_dir_all(dir.path().join(&deep)).unwrap();
        assert!(root.below(deep.as_bytes()).is_ok());
    }

    #[test]
    fn what_changes_after_a_stamp_is_not_older_than_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = Place::at(dir.path()).unwrap();
        for _ in 0..200 {
            let before = stamp_of_now();
            fs::write(dir.path().join("f"), b"x").unwrap();
            assert!(root.look_at(b"f").unwrap().ctime >= before);
        }
    }
}
