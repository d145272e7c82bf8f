//! Waiting for a kernel queue and for a word from another thread at the same time.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// An event descriptor that one thread rings and another waits for.
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    /// Makes one.
    pub fn new() -> Result<Self, Errno> {
        rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Self)
    }

    /// Rings. Ringing twice before anybody looked counts as once.
    pub fn ring(&self) {
        // It fails only when the counter is full, and then it rings already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Waits until somebody rings or the time is up.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<(), Errno> {
        self.wait_readable(&self.0, timeout).map(drop)
    }

    /// Waits until `fd` can be read (true) or somebody rings or the time is up (false).
    pub fn wait_readable(&self, fd: impl AsFd, timeout: Option<Duration>) -> Result<bool, Errno> {
        let mut polled = [PollFd::new(&fd, PollFlags::IN), PollFd::new(&self.0, PollFlags::IN)];
        let timeout = timeout
            .map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) });
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if polled[1].revents().contains(PollFlags::IN) {
            let _ = rustix::io::read(&self.0, &mut [0; 8]);
        }
        Ok(!polled[0].revents().is_empty())
    }
}
