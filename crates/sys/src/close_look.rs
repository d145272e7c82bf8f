//! What tells a mount and an incarnation apart, beyond an ordinary look.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Statx, StatxFlags};
use rustix::io::Errno;

use crate::dir::{Dir, Look};

/// More of a directory or file: what tells a mount and an incarnation apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseLook {
    /// What every look tells.
    pub look: Look,
    /// The mount it was reached by, as numbered in `/proc/self/mountinfo`; `None` before Linux 5.8.
    pub mount: Option<u64>,
    /// When it was made (seconds and nanoseconds), where the file system keeps it.
    pub birth: Option<(i64, u32)>,
}

/// Never through a link, and never setting off an automount: `statx`, other than `stat`, would.
const FLAGS: AtFlags = AtFlags::SYMLINK_NOFOLLOW.union(AtFlags::NO_AUTOMOUNT);

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME).union(StatxFlags::MNT_ID);

/// What the kernel writes behind the path of a directory that is gone.
const DELETED: &[u8] = b" (deleted)";

impl From<Statx> for CloseLook {
    fn from(stat: Statx) -> Self {
        let has = |flag: StatxFlags| stat.stx_mask & flag.bits() != 0;
        Self {
            look: Look {
                mode: u32::from(stat.stx_mode),
                size: stat.stx_size,
                mtime: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
                ctime: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
                inode: stat.stx_ino,
                device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
                links: u64::from(stat.stx_nlink),
            },
            mount: has(StatxFlags::MNT_ID).then_some(stat.stx_mnt_id),
            birth: has(StatxFlags::BTIME).then_some((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec)),
        }
    }
}

/// Where `statx` is missing (before Linux 4.11, or forbidden by a filter), the ordinary look is all.
impl From<Look> for CloseLook {
    fn from(look: Look) -> Self {
        Self { look, mount: None, birth: None }
    }
}

impl Dir {
    /// Looks at this directory itself.
    pub fn look_closely(&self) -> Result<CloseLook, Errno> {
        if let Some(played) = self.played() {
            return played.look().map(CloseLook::from);
        }
        match rustix::fs::statx(self, "", FLAGS | AtFlags::EMPTY_PATH, WANTED) {
            Err(Errno::NOSYS) => self.look().map(CloseLook::from),
            told => told.map(CloseLook::from),
        }
    }

    /// Looks at an entry without following a link or setting off an automount.
    pub fn look_at_closely(&self, name: &[u8]) -> Result<CloseLook, Errno> {
        if let Some(played) = self.played() {
            return played.look_at(name).map(CloseLook::from);
        }
        match rustix::fs::statx(self, name, FLAGS, WANTED) {
            Err(Errno::NOSYS) => self.look_at(name).map(CloseLook::from),
            told => told.map(CloseLook::from),
        }
    }

    /// The directory's path as the kernel knows it now. `None` when it is deleted, cannot be
    /// reached from our root, or `/proc` is missing.
    ///
    /// Under a mount that was taken away lazily (`umount -l`) the path begins at that mount and leads
    /// elsewhere or nowhere; its mount is then no longer in the table.
    #[must_use]
    pub fn real_path(&self) -> Option<Vec<u8>> {
        if self.played().is_some() {
            return None;
        }
        let link = format!("/proc/self/fd/{}", self.as_fd().as_raw_fd());
        let path = rustix::fs::readlink(link, Vec::new()).ok()?.into_bytes();
        let gone = path.ends_with(DELETED) && !self.is_at(&path);
        (path.starts_with(b"/") && !gone).then_some(path)
    }

    /// Whether `path` leads to this directory.
    fn is_at(&self, path: &[u8]) -> bool {
        let (Ok(there), Ok(here)) = (rustix::fs::lstat(OsStr::from_bytes(path)), self.look()) else {
            return false;
        };
        let there = Look::from(there);
        (there.device, there.inode) == (here.device, here.inode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn root() -> (tempfile::TempDir, Dir) {
        let dir = tempfile::tempdir().unwrap();
        let root = Dir::open_root(dir.path()).unwrap();
        (dir, root)
    }

    #[test]
    fn a_close_look_agrees_with_a_look() {
        let (dir, root) = root();
        fs::write(dir.path().join("f"), b"four").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("l")).unwrap();
        assert_eq!(root.look_closely().unwrap().look, root.look().unwrap());
        for name in [b"f", b"l"] {
            assert_eq!(root.look_at_closely(name).unwrap().look, root.look_at(name).unwrap());
        }
        assert_eq!(root.look_at_closely(b"none"), Err(Errno::NOENT));
    }

    #[test]
    fn another_mount_has_another_number() {
        let proc = Dir::open_root(Path::new("/proc")).unwrap().look_closely().unwrap();
        let below = Dir::open_root(Path::new("/")).unwrap().look_at_closely(b"proc").unwrap();
        let (_dir, root) = root();
        assert!(proc.mount.is_some());
        assert_eq!(below.mount, proc.mount);
        assert_ne!(root.look_closely().unwrap().mount, proc.mount);
    }

    #[test]
    fn a_directory_made_again_has_another_birth() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let root = Dir::open_root(dir.path()).unwrap();
        let make = || {
            fs::create_dir(dir.path().join("d")).unwrap();
            root.look_at_closely(b"d").unwrap().birth.unwrap()
        };
        let first = make();
        // The clock of file systems moves with the timer, not with every call.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            fs::remove_dir(dir.path().join("d")).unwrap();
            if make() != first {
                return;
            }
            assert!(std::time::Instant::now() < deadline);
        }
    }

    #[test]
    fn the_real_path_follows_a_rename_and_ends_with_the_directory() {
        let (dir, root) = root();
        let base = fs::canonicalize(dir.path()).unwrap().into_os_string().into_encoded_bytes();
        let below = |name: &[u8]| Some([&base, &b"/"[..], name].concat());
        // A name that looks as if it was gone.
        for name in [&b"d"[..], b"d (deleted)", b"\xff \n"] {
            let path = dir.path().join(OsStr::from_bytes(name));
            fs::create_dir(&path).unwrap();
            let open = root.open_child(name).unwrap();
            assert_eq!(open.real_path(), below(name));
            fs::rename(&path, dir.path().join("moved")).unwrap();
            assert_eq!(open.real_path(), below(b"moved"));
            fs::remove_dir(dir.path().join("moved")).unwrap();
            assert_eq!(open.real_path(), None);
        }
    }
}
