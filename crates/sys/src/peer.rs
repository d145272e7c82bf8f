//! Who is at the other end of a local socket.

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;

/// The user that the process had when it connected, as numbers are in our user namespace.
pub fn peer_user(socket: impl AsFd) -> Result<u32, Errno> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of_val(&peer) as libc::socklen_t;
    #[expect(
        unsafe_code,
        reason = "what rustix has for this cannot hold a process outside of our process namespace"
    )]
    // SAFETY: `peer` and `size` outlive the call; the kernel writes at most `size` bytes, which is as large as `peer`, of
    // plain numbers of which each value is valid. The descriptor is borrowed and therefore open.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    if result == 0 && size as usize == size_of_val(&peer) {
        return Ok(peer.uid);
    }
    Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_pair_has_ourselves_at_both_ends() {
        let (one, other) = UnixStream::pair().unwrap();
        let us = rustix::process::geteuid().as_raw();
        assert_eq!((peer_user(&one), peer_user(&other)), (Ok(us), Ok(us)));
        let dir = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(dir.path().join("f")).unwrap();
        assert_eq!(peer_user(&file), Err(Errno::NOTSOCK));
    }
}
