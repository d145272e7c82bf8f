//! fanotify: hearing of a whole file system with a single mark.
//!
//! There is no race between making a directory and watching it, and no cost for each directory.
//! The price: the group hears of everything on that file system, so events from outside the tree must
//! be told by their directory's [`Handle`](crate::Handle) and dropped.
//!
//! # What the queue promises
//!
//! - *A close is queued before the write access is let go.* `__fput` calls `fsnotify_close` first,
//!   which queues the event before it returns; the count of writers (which a read lease asks for)
//!   goes down near the end, in `put_file_access`. So after a probe found no writer, every close is in
//!   the queue.
//! - *A mask is a set, not a sequence.* Unread events about the same object under the same name become
//!   one: `CREATE | CLOSE_WRITE | DELETE` may be a file that is gone or, without
//!   [`target`](RawEvent::target), one made again. Look before you conclude.
//! - *Equal renames become one, too.* Renamed from `a` to `b`, back and to `b` again is told as `a` to
//!   `b`, `b` to `a`: the last event is not where it is. Compare the handle of what is there.
//! - *Events of an unlinked or moved name.* A close of an unlinked file comes under its old name, and of
//!   one made by `O_TMPFILE` under `#` and its inode number, but with the same target as its link.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use crate::dir::Dir;
use crate::handle::{FSID, last_error};

/// The name appeared: created, linked or made by mknod.
pub const CREATE: u64 = libc::FAN_CREATE;
/// A descriptor open for writing was closed.
pub const CLOSE_WRITE: u64 = libc::FAN_CLOSE_WRITE;
/// Renamed; the event tells both names. Where [`Fanotify::has_rename`] says so.
pub const RENAME: u64 = libc::FAN_RENAME;
/// Renamed away from this name; only before Linux 5.17.
pub const MOVED_FROM: u64 = libc::FAN_MOVED_FROM;
/// Renamed to this name; only before Linux 5.17.
pub const MOVED_TO: u64 = libc::FAN_MOVED_TO;
/// The name was removed.
pub const DELETE: u64 = libc::FAN_DELETE;
/// Times, permissions or the number of links changed.
pub const ATTRIB: u64 = libc::FAN_ATTRIB;
/// The event is about a directory.
pub const ONDIR: u64 = libc::FAN_ONDIR;
/// The queue was full; an unknown number of events was dropped.
pub const Q_OVERFLOW: u64 = libc::FAN_Q_OVERFLOW;

/// What is asked for in any case. Narrow on purpose: `OPEN`, `ACCESS` and `MODIFY` never, because
/// the whole file system's would come.
const MASK: u64 = CREATE | CLOSE_WRITE | DELETE | ATTRIB | ONDIR;

const UNLIMITED: libc::c_uint = libc::FAN_UNLIMITED_QUEUE | libc::FAN_UNLIMITED_MARKS;
const PLAIN: libc::c_uint =
    libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK | libc::FAN_REPORT_DFID_NAME;

/// One fanotify group that reports names and identities, never file descriptors.
#[derive(Debug)]
pub struct Fanotify {
    queue: OwnedFd,
    rename: bool,
    unlimited: bool,
}

/// A name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The directory, as the bytes of its [`Handle`](crate::Handle).
    pub directory: &'a [u8],
    /// The entry's name; empty for the directory itself.
    pub name: &'a [u8],
}

/// One event in a buffer that [`Fanotify::read`] filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEvent<'a> {
    /// What happened: a set, because unread events about one name become one.
    pub mask: u64,
    /// Where; of a rename, the old name. `None` in [`Q_OVERFLOW`], in an [`ATTRIB`] that is only about
    /// the number of links, and where the kernel could not tell: see [`RawEvent::is_lost`].
    pub at: Option<Named<'a>>,
    /// The new name of a rename, where the kernel tells it.
    pub to: Option<Named<'a>>,
    /// What it happened to, as the bytes of its handle. `None` before Linux 5.17, and where the
    /// kernel could not tell.
    pub target: Option<&'a [u8]>,
    /// The whole event as the kernel wrote it.
    pub bytes: &'a [u8],
}

impl RawEvent<'_> {
    /// Whether something happened that cannot be found by this event: only a scan can.
    ///
    /// An `ATTRIB` without a place is none of these. It comes with every link, unlink and rename over
    /// another file, beside the event that tells the name.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let nowhere = self.at.is_none() && self.to.is_none();
        self.mask & Q_OVERFLOW != 0 || (nowhere && self.mask & !(ATTRIB | ONDIR) != 0)
    }
}

impl Fanotify {
    /// Opens a group, with an unlimited queue where we may. `EMFILE` means the limit of groups (or
    /// of descriptors), `ENOSYS` a kernel without fanotify, `EPERM` one before 5.13 that asks for
    /// `CAP_SYS_ADMIN`; since then everybody may open a group, and [`Fanotify::mark`] refuses.
    pub fn open() -> Result<Self, Errno> {
        let (mut unlimited, mut rename) = (true, true);
        loop {
            let mut flags = PLAIN;
            flags |= if unlimited { UNLIMITED } else { 0 };
            // Came together with FAN_RENAME in Linux 5.17.
            flags |= if rename { libc::FAN_REPORT_DFID_NAME_TARGET } else { 0 };
            match init(flags) {
                Ok(queue) => return Ok(Self { queue, rename, unlimited }),
                // Root of a user namespace may mark the file systems mounted there (Linux 6.16),
                // but has no right to an unlimited queue.
                Err(Errno::PERM) if unlimited => unlimited = false,
                Err(Errno::INVAL) if rename => rename = false,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether a rename comes as one [`RENAME`]; otherwise as [`MOVED_FROM`] and [`MOVED_TO`].
    #[must_use]
    pub fn has_rename(&self) -> bool {
        self.rename
    }

    /// Whether the queue has no limit, so that it never overflows (and takes the memory it needs).
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.unlimited
    }

    /// Marks the whole file system that holds `dir`; marking it again changes nothing.
    ///
    /// `EOPNOTSUPP`, `EXDEV`, `ENODEV`: this file system cannot be marked (no handles; a btrfs
    /// subvolume; no id). `EPERM`: we may not. `ENOSPC`: the limit of marks.
    pub fn mark(&self, dir: &Dir) -> Result<(), Errno> {
        self.change_mark(libc::FAN_MARK_ADD, dir)
    }

    /// Whether the file system that holds `dir` is marked. An unmount ends a mark and says nothing.
    pub fn has_mark(&self, dir: &Dir) -> Result<bool, Errno> {
        // Takes what was never asked for out of the mark: that changes nothing, but there must be one.
        match self.change_mark_by(libc::FAN_MARK_REMOVE, libc::FAN_OPEN, dir) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the mark of the file system that holds `dir` away. `ENOENT`: there was none.
    pub fn unmark(&self, dir: &Dir) -> Result<(), Errno> {
        self.change_mark(libc::FAN_MARK_REMOVE, dir)
    }

    /// Reads what fits into `buffer` without waiting; 0 when nothing is queued. `EINVAL`: the
    /// buffer is too small for one event; 64 KiB are plenty.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match rustix::io::read(&self.queue, buffer) {
            Err(Errno::AGAIN) => Ok(0),
            other => other,
        }
    }

    fn mask(&self) -> u64 {
        MASK | if self.rename { RENAME } else { MOVED_FROM | MOVED_TO }
    }

    fn change_mark(&self, change: libc::c_uint, dir: &Dir) -> Result<(), Errno> {
        self.change_mark_by(change, self.mask(), dir)
    }

    fn change_mark_by(&self, change: libc::c_uint, mask: u64, dir: &Dir) -> Result<(), Errno> {
        let flags = change | libc::FAN_MARK_FILESYSTEM;
        let (group, dir) = (self.queue.as_raw_fd(), dir.as_fd().as_raw_fd());
        // SAFETY: both descriptors are borrowed and therefore open; without a path the kernel
        // takes the descriptor itself and reads no memory of ours.
        #[expect(unsafe_code, reason = "rustix has no fanotify_mark")]
        let result = unsafe { libc::fanotify_mark(group, flags, mask, dir, std::ptr::null()) };
        if result == 0 { Ok(()) } else { Err(last_error()) }
    }
}

impl AsFd for Fanotify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

fn init(flags: libc::c_uint) -> Result<OwnedFd, Errno> {
    // The second argument is for descriptors in events, of which there are none.
    // SAFETY: takes two ints; a result that is not negative is a new descriptor that nobody else owns.
    #[expect(unsafe_code, reason = "rustix has no fanotify_init")]
    unsafe {
        let result = libc::fanotify_init(flags, libc::O_RDONLY as libc::c_uint);
        if result >= 0 { Ok(OwnedFd::from_raw_fd(result)) } else { Err(last_error()) }
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

/// Splits off one `struct fanotify_event_metadata` with the records behind it.
fn split_event(bytes: &[u8]) -> Option<(RawEvent<'_>, &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let (event, rest) = bytes.split_at_checked(length)?;
    let version = *event.get(4)?;
    if version != libc::FANOTIFY_METADATA_VERSION {
        return None;
    }
    let head = u16::from_ne_bytes(*event.get(6..)?.first_chunk()?) as usize;
    let mask = u64::from_ne_bytes(*event.get(8..)?.first_chunk()?);
    let mut raw = RawEvent { mask, at: None, to: None, target: None, bytes: event };
    let mut records = event.get(head..)?;
    while let Some((kind, record, further)) = split_record(records) {
        take_record(&mut raw, kind, record);
        records = further;
    }
    Some((raw, rest))
}

/// Splits off one record: its type, what follows its header, and the further records.
fn split_record(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let header = bytes.first_chunk::<4>()?;
    let length = u16::from_ne_bytes([header[2], header[3]]) as usize;
    let (record, further) = bytes.split_at_checked(length)?;
    Some((header[0], record.get(4..)?, further))
}

fn take_record<'a>(event: &mut RawEvent<'a>, kind: u8, record: &'a [u8]) {
    let Some((handle, rest)) = split_handle(record) else { return };
    let named = Named { directory: handle, name: name(rest) };
    match kind {
        libc::FAN_EVENT_INFO_TYPE_FID => event.target = Some(handle),
        libc::FAN_EVENT_INFO_TYPE_DFID_NAME | libc::FAN_EVENT_INFO_TYPE_OLD_DFID_NAME => {
            event.at = Some(named);
        }
        libc::FAN_EVENT_INFO_TYPE_DFID => event.at = Some(Named { name: &[], ..named }),
        libc::FAN_EVENT_INFO_TYPE_NEW_DFID_NAME => event.to = Some(named),
        // Kinds that were not asked for.
        _ => {}
    }
}

/// Splits a record into the bytes of the handle and what follows. `None` for the empty handle
/// that the kernel reports when it cannot tell.
fn split_handle(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_ne_bytes(*record.get(FSID..)?.first_chunk()?) as usize;
    if length == 0 {
        return None;
    }
    record.split_at_checked((FSID + 8).checked_add(length)?)
}

/// The name up to its zero; `.` is the directory itself.
fn name(padded: &[u8]) -> &[u8] {
    let end = padded.iter().position(|&byte| byte == 0).unwrap_or(padded.len());
    match &padded[..end] {
        b"." => &[],
        name => name,
    }
}

#[cfg(test)]
mod tests;
