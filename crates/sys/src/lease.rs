//! Is somebody writing? The kernel grants a read lease only while no descriptor is open for writing.

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;

use crate::disposition::ignore_lease_breaks;

/// What a read-lease probe told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// No process has the file open for writing.
    Gone,
    /// A process has it open for writing (or has a writable mapping of it).
    Open,
    /// It cannot be known here: another user's file, or a file system without leases.
    Unknown,
}

/// Probes the open file `fd`. The lease lasts until the descriptor is closed, so close it soon:
/// a writer that opens the file meanwhile waits for it.
#[must_use]
pub fn probe(fd: impl AsFd) -> Writer {
    if switch::is_off("writer-probe") {
        return Writer::Gone;
    }
    ignore_lease_breaks();
    // SAFETY: F_SETLEASE takes an int and touches no memory of ours; the descriptor is borrowed
    // and therefore open.
    #[expect(unsafe_code, reason = "rustix has no F_SETLEASE")]
    let result = unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
    if result == 0 {
        return Writer::Gone;
    }
    match Errno::from_io_error(&std::io::Error::last_os_error()) {
        Some(Errno::AGAIN) => Writer::Open,
        _ => Writer::Unknown,
    }
}
