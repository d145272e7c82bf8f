//! Waiting for a kernel queue and for a word from another thread at the same time, or for an alarm.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

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
        match rustix::event::poll(&mut polled, timeout.map(timespec).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        if polled[1].revents().contains(PollFlags::IN) {
            let _ = rustix::io::read(&self.0, &mut [0; 8]);
        }
        Ok(!polled[0].revents().is_empty())
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) }
}

/// A descriptor that can be read from a moment on that one thread sets and another waits for. Setting it wakes nobody.
#[derive(Debug)]
pub struct Alarm(OwnedFd);

impl Alarm {
    /// Makes one that is not set.
    pub fn new() -> Result<Self, Errno> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags).map(Self)
    }

    /// It rings once, after this time.
    pub fn set(&self, after: Duration) {
        self.set_to(timespec(after.max(Duration::from_nanos(1))));
    }

    /// It does not ring.
    pub fn unset(&self) {
        self.set_to(timespec(Duration::ZERO));
    }

    fn set_to(&self, value: Timespec) {
        let once = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: value };
        // It fails for times that are none, and these are.
        let _ = rustix::time::timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once);
    }

    /// Whether it has rung since this was asked or it was set last.
    #[must_use]
    pub fn has_rung(&self) -> bool {
        rustix::io::read(&self.0, &mut [0; 8]).is_ok()
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(10));

    #[test]
    fn an_alarm_rings_once_and_not_when_it_was_unset() {
        let (wake, alarm) = (Wake::new().unwrap(), Alarm::new().unwrap());
        alarm.set(Duration::from_millis(1));
        assert_eq!(wake.wait_readable(&alarm, SOON), Ok(true));
        assert!(alarm.has_rung());
        assert!(!alarm.has_rung(), "it was asked already");
        alarm.set(Duration::from_millis(1));
        assert_eq!(wake.wait_readable(&alarm, SOON), Ok(true));
        alarm.unset();
        assert!(!alarm.has_rung(), "it was unset");
    }

    #[test]
    fn a_ring_ends_the_wait_for_others() {
        let (wake, other) = (Wake::new().unwrap(), Alarm::new().unwrap());
        wake.ring();
        assert_eq!(wake.wait_readable(&other, SOON), Ok(false));
        other.set(Duration::ZERO);
        assert_eq!(wake.wait_readable(&other, SOON), Ok(true), "zero is now, not never");
    }
}
