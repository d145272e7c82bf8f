//! What lies at a path.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A directory's identity: device and inode.
pub(super) type DirId = (u64, u64);

/// What a path leads to, links followed.
#[derive(Debug)]
pub(super) enum Found {
    File {
        size: u64,
    },
    Directory {
        id: DirId,
        /// What the file system says of the inode, not of the content.
        size: u64,
    },
    /// A socket, a fifo or a device.
    Special,
    /// A link that leads nowhere.
    Dangling,
    /// More links than the kernel follows.
    Loop,
    Gone,
    Refused(io::Error),
}

/// `ELOOP` on Linux; the standard library has no stable name for it.
const TOO_MANY_LINKS: i32 = 40;

pub(super) fn look(path: &Path) -> Found {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Found::File { size: found.len() },
        Ok(found) if found.is_dir() => Found::Directory { id: (found.dev(), found.ino()), size: found.len() },
        Ok(_) => Found::Special,
        Err(error) if error.raw_os_error() == Some(TOO_MANY_LINKS) => Found::Loop,
        Err(error) => look_at_name(path, error),
    }
}

/// Tells a link that leads nowhere from nothing at all.
fn look_at_name(path: &Path, error: io::Error) -> Found {
    if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        return Found::Refused(error);
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Found::Dangling,
        // It came between the two looks, or what it lies in is no directory any more.
        _ => Found::Gone,
    }
}
