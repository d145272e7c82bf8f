//! The identity of a directory or file as the kernel reports it, whatever it is called today.

use std::borrow::Borrow;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;

use crate::dir::Dir;

/// File system and file handle of a directory or file; equal as long as it is the same one,
/// wherever it was renamed to.
///
/// The bytes are opaque and laid out as in the kernel's event records, so that a slice of the event
/// buffer can be looked up as it is: file system id (8), length of the handle (4), type of the
/// handle (4), handle.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Handle(Box<[u8]>);

/// Of the kernel's header, the bytes after the file system id: length and type of the handle.
const HEAD: usize = 8;
/// The longest handle there is (`MAX_HANDLE_SZ`).
const LONGEST: usize = 128;
/// The file system id before the kernel's header.
pub(crate) const FSID: usize = 8;

/// The kernel's `struct file_handle` with room for the longest handle.
#[repr(C)]
struct Room {
    length: libc::c_uint,
    kind: libc::c_int,
    bytes: [u8; LONGEST],
}

impl Handle {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A handle as it stands in an event buffer.
impl From<&[u8]> for Handle {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

/// The derived `Hash` and `Eq` are those of the bytes, as `Borrow` asks for.
impl Borrow<[u8]> for Handle {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl Dir {
    /// The handle of this directory: the same bytes as in the events of [`crate::fanotify`].
    /// `EOPNOTSUPP`: this file system has none.
    pub fn handle(&self) -> Result<Handle, Errno> {
        let room = match name_to_handle(self.as_fd(), 0) {
            // Where a handle can name a file but not open it (Linux 6.5).
            Err(Errno::OPNOTSUPP) => name_to_handle(self.as_fd(), libc::AT_HANDLE_FID)?,
            other => other?,
        };
        let length = (room.length as usize).min(LONGEST);
        let mut bytes = Vec::with_capacity(FSID + HEAD + length);
        bytes.extend_from_slice(&fsid(self.as_fd())?);
        bytes.extend_from_slice(&room.length.to_ne_bytes());
        bytes.extend_from_slice(&room.kind.to_ne_bytes());
        bytes.extend_from_slice(&room.bytes[..length]);
        Ok(Handle(bytes.into()))
    }
}

/// The kernel's id of the file system: two words, the first in the low half of what `fstatvfs` gives.
fn fsid(dir: BorrowedFd<'_>) -> Result<[u8; FSID], Errno> {
    let id = rustix::fs::fstatvfs(dir)?.f_fsid;
    let mut bytes = [0; FSID];
    bytes[..4].copy_from_slice(&(id as u32).to_ne_bytes());
    bytes[4..].copy_from_slice(&((id >> 32) as u32).to_ne_bytes());
    Ok(bytes)
}

fn name_to_handle(dir: BorrowedFd<'_>, flags: libc::c_int) -> Result<Room, Errno> {
    let mut room = Room { length: LONGEST as libc::c_uint, kind: 0, bytes: [0; LONGEST] };
    let mut mount: libc::c_int = 0;
    // SAFETY: the descriptor is open and the path an empty C string; `room` starts as the kernel's
    // `file_handle` does and has as many bytes behind it as its `length` says; `mount` is an int.
    // The kernel keeps none of these pointers.
    #[expect(unsafe_code, reason = "rustix has no name_to_handle_at")]
    let result = unsafe {
        libc::name_to_handle_at(
            dir.as_raw_fd(),
            c"".as_ptr(),
            (&raw mut room).cast(),
            &raw mut mount,
            libc::AT_EMPTY_PATH | flags,
        )
    };
    if result == 0 { Ok(room) } else { Err(last_error()) }
}

/// What the system call just made by `libc` failed with.
pub(crate) fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
