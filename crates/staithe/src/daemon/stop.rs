//! Stopping a daemon, and looking whether there is one.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::files::{Place, Seat};
use super::pid_file::{self, Found, Held};
use crate::exit::{Exit, failure};

/// A process that was killed is gone after this, or hangs in the kernel.
const KILLED: Duration = Duration::from_secs(10);
/// How often it is looked where the kernel cannot tell of a process's end.
const STEP: Duration = Duration::from_millis(20);

/// What came of stopping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It ended. If it did not in time, it was killed.
    Done { pid: u32, killed: bool },
    /// There is no pid file.
    NotRunning,
    /// There was a pid file that nobody holds; it was removed. No process was touched.
    Stale(Option<u32>),
}

/// The daemon's number, and where its pid file is, if it runs.
pub(crate) fn running(place: &Place) -> anyhow::Result<Option<(PathBuf, u32)>> {
    for seat in place.seats() {
        if let Found::Held(held) = pid_file::look(&seat).map_err(|error| unreadable(&seat.path, &error))? {
            return Ok(Some((seat.path, held.pid)));
        }
    }
    Ok(None)
}

/// Stops the daemon, if there is one: asks it, and kills it after `grace`.
pub(crate) fn stop(place: &Place, grace: Duration) -> anyhow::Result<Stopped> {
    let mut outcome = Stopped::NotRunning;
    for seat in place.seats() {
        match pid_file::look(&seat).map_err(|error| unreadable(&seat.path, &error))? {
            Found::Nothing => {}
            Found::Stale(pid) => {
                pid_file::clear(&seat).map_err(|error| unreadable(&seat.path, &error))?;
                outcome = Stopped::Stale(pid);
            }
            Found::Held(held) => return end(&seat, &held, grace),
        }
    }
    Ok(outcome)
}

fn unreadable(path: &Path, error: &io::Error) -> anyhow::Error {
    let fix = "Fix: run this as the user that started the daemon";
    failure(Exit::Failed, format!("failed to look at the pid file {}: {error}. {fix}", path.display()))
}

fn end(seat: &Seat, held: &Held, grace: Duration) -> anyhow::Result<Stopped> {
    let pid = held.pid;
    let refused = |error: io::Error| {
        failure(
            Exit::Failed,
            format!("failed to stop process {pid}: {error}. Fix: run this as its user, or as root"),
        )
    };
    let Some(process) = Process::of(held).map_err(refused)? else {
        // It ended while we looked.
        let _ = pid_file::clear(seat);
        return Ok(Stopped::Done { pid, killed: false });
    };
    process.signal(Signal::TERM).map_err(refused)?;
    let killed = !process.ends_within(grace, held);
    if killed {
        process.signal(Signal::KILL).map_err(refused)?;
        if !process.ends_within(KILLED, held) {
            let text = format!("process {pid} does not end, not even by SIGKILL: it hangs in the kernel");
            return Err(failure(Exit::Failed, text));
        }
    }
    // One that ended in order has done it itself.
    let _ = pid_file::clear(seat);
    Ok(Stopped::Done { pid, killed })
}

/// A process that cannot be mistaken for another.
enum Process {
    Known(OwnedFd),
    /// Kernels before 5.3 know processes by number only.
    Numbered(Pid),
}

impl Process {
    /// The one that holds the file; nothing if it ended.
    fn of(held: &Held) -> io::Result<Option<Self>> {
        let Some(number) = i32::try_from(held.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        let process = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(process) => Self::Known(process),
            Err(rustix::io::Errno::NOSYS) => Self::Numbered(number),
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Looked at once more, now that the number cannot become somebody else's.
        Ok(held.still().then_some(process))
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let sent = match self {
            Self::Known(process) => pidfd_send_signal(process, signal),
            Self::Numbered(number) => kill_process(*number, signal),
        };
        match sent {
            Err(rustix::io::Errno::SRCH) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn ends_within(&self, patience: Duration, held: &Held) -> bool {
        let Self::Known(process) = self else {
            let steps = patience.as_millis() / STEP.as_millis();
            return (0..=steps).any(|_| {
                std::thread::sleep(STEP);
                !held.still()
            });
        };
        let patience = Timespec::try_from(patience).ok();
        let mut ended = [PollFd::new(process, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut ended, patience.as_ref())).is_ok_and(|ready| ready > 0)
    }
}
