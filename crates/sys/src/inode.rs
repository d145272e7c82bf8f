//! What an open entry is like, and making it so: mode, owner and times by descriptor. A name can be exchanged for
//! another one between two calls, a descriptor cannot.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use crate::dir::{Dir, Look};

/// A look with what mirroring needs beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullLook {
    /// What every look tells.
    pub look: Look,
    /// Time of the last access: seconds and nanoseconds.
    pub atime: (i64, u32),
    /// The owner's number.
    pub owner: u32,
    /// The group's number.
    pub group: u32,
}

impl From<Stat> for FullLook {
    fn from(stat: Stat) -> Self {
        Self {
            look: Look::from(stat),
            atime: (stat.st_atime, stat.st_atime_nsec as u32),
            owner: stat.st_uid,
            group: stat.st_gid,
        }
    }
}

impl FullLook {
    /// Looks at an open entry.
    pub fn of(fd: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::fstat(fd).map(Self::from)
    }
}

/// An entry of any kind, held by its inode (`O_PATH`). Nothing of it is read or opened by that: a FIFO's writer does not
/// wake, and no permission on the entry itself is needed.
#[derive(Debug)]
pub struct Grip(OwnedFd);

impl AsFd for Grip {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Dir {
    /// Takes hold of the entry `name`, of a link itself.
    pub fn grip(&self, name: &[u8]) -> Result<Grip, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(self, name, flags, Mode::empty()).map(Grip)
    }

    /// Looks at an entry without following a link.
    pub fn full_look_at(&self, name: &[u8]) -> Result<FullLook, Errno> {
        rustix::fs::statat(self, name, AtFlags::SYMLINK_NOFOLLOW).map(FullLook::from)
    }
}

impl Grip {
    /// Where the symbolic link that is held points to.
    pub fn link_text(&self) -> Result<Vec<u8>, Errno> {
        rustix::fs::readlinkat(self, "", Vec::new()).map(std::ffi::CString::into_bytes)
    }
}

/// Sets the permission bits of a file or directory that is open in any way, `O_PATH` too.
pub fn set_mode(fd: impl AsFd, bits: u32) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(bits & 0o7777);
    match rustix::fs::fchmod(&fd, mode) {
        // A descriptor of `O_PATH` is not taken, but the link to it leads to the same inode.
        Err(Errno::BADF) => rustix::fs::chmod(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()), mode),
        done => done,
    }
}

/// Sets both times of an entry that is open in any way, also of a link. Needs Linux 5.8.
pub fn set_times(fd: impl AsFd, atime: (i64, u32), mtime: (i64, u32)) -> Result<(), Errno> {
    let times = Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) };
    rustix::fs::utimensat(fd, "", &times, AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)
}

/// Sets owner and group of an entry that is open in any way, also of a link. Clears setuid and setgid bits of files.
pub fn set_owner(fd: impl AsFd, owner: u32, group: u32) -> Result<(), Errno> {
    let (owner, group) = (Some(Uid::from_raw(owner)), Some(Gid::from_raw(group)));
    rustix::fs::chownat(fd, "", owner, group, AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)
}

fn timespec((seconds, nanoseconds): (i64, u32)) -> Timespec {
    Timespec { tv_sec: seconds, tv_nsec: i64::from(nanoseconds) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_held_is_changed_whatever_takes_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = Dir::open_root(dir.path()).unwrap();
        std::fs::write(dir.path().join("f"), b"").unwrap();
        symlink("/nowhere", dir.path().join("l")).unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        let held = [&b"f"[..], b"l", b"d"].map(|name| root.grip(name).unwrap());
        assert_eq!(held[1].link_text().unwrap(), b"/nowhere");
        for (grip, name) in held.iter().zip(["f", "l", "d"]) {
            std::fs::rename(dir.path().join(name), dir.path().join(format!("{name}2"))).unwrap();
            symlink("/etc/hostname", dir.path().join(name)).unwrap();
            set_times(grip, (1, 2), (3, 4)).unwrap();
            if name != "l" {
                set_mode(grip, 0o1711).unwrap();
            }
            let now = root.full_look_at(format!("{name}2").as_bytes()).unwrap();
            assert_eq!((now.atime, now.look.mtime), ((1, 2), (3, 4)));
            assert_eq!(FullLook::of(grip).unwrap(), now);
            assert!(name == "l" || now.look.mode & 0o7777 == 0o1711);
        }
    }
}
