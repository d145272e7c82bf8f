//! Draining a kernel queue into memory, and the thread that does nothing else.
//!
//! Whoever has nothing else to do listens. As long as the thinking thread is idle it waits for the queue itself, and
//! an event that comes alone wakes nobody but the one who thinks about it. When it has been busy for a moment, or
//! waits for somebody, the drain thread takes over until it is idle again. (Where foreign events come through a queue,
//! as with fanotify, the drain thread always listens: most of what it hears is not worth a thought.)

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sys::{Alarm, Errno, Wake};

use crate::backlog::{Backlog, Piece};

/// A queue of the kernel's.
pub(crate) trait Queue: AsFd + Send + Sync + 'static {
    /// Reads what fits without waiting; 0 when nothing is queued.
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// What is kept of what was read, if anything.
    fn piece(&self, read: &[u8]) -> Option<Piece>;
    /// Whether the kernel bounds the queue. Where it does not, it must be read whatever happens.
    fn is_bounded(&self) -> bool;
}

/// A running drain thread; stops when dropped.
#[derive(Debug)]
pub(crate) struct Drain<Q: Queue> {
    shared: Arc<Shared<Q>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<Q> {
    queue: Arc<Q>,
    backlog: Arc<Backlog>,
    /// Held from a read to the push of what was read, so that events keep their order whoever reads.
    buffer: Mutex<Box<[u8]>>,
    wake: Wake,
    /// Rings when the thinking thread has been busy for long.
    alarm: Alarm,
    /// The thinking thread listens, or will be back before the alarm rings.
    relieved: AtomicBool,
    stop: AtomicBool,
}

/// One read takes so much: some two thousand events.
const BUFFER: usize = 128 * 1024;
/// While events come thick, a short pause before the next read lets them gather: fewer wake-ups,
/// a third of the processor time, and no loss (the kernel queues 16 384).
const GATHER: Duration = Duration::from_millis(1);
/// So soon after the last wait the next event has come at once.
const AT_ONCE: Duration = Duration::from_millis(1);
/// So many that come at once, one after the other, are thick. A file that is made and closed is two, and not to be
/// held up.
const THICK: u8 = 3;
/// So long nobody reads while the thinking thread is busy: a tenth of the kernel's queue at the pace of two writers
/// who do nothing else.
const UNATTENDED: Duration = Duration::from_millis(4);

/// The rhythm in which a queue is read.
#[derive(Debug, Default)]
pub(crate) struct Rhythm {
    at_once: u8,
}

impl Rhythm {
    /// Waits by `wait`, which says whether there is something to read, and a moment longer while events come thick.
    pub(crate) fn keep(&mut self, wait: impl FnOnce() -> Result<bool, Errno>) -> Result<bool, Errno> {
        let begun = Instant::now();
        let readable = wait()?;
        if readable && switch::is_off("draining-at-once") {
            std::thread::sleep(Duration::from_secs(5));
        }
        if readable && self.is_thick(begun.elapsed()) {
            std::thread::sleep(GATHER);
        }
        Ok(readable)
    }

    /// Whether events come thick, now that one has come after such a wait.
    fn is_thick(&mut self, waited: Duration) -> bool {
        self.at_once = if waited < AT_ONCE { self.at_once.saturating_add(1) } else { 0 };
        self.at_once >= THICK
    }
}

impl<Q: Queue> Drain<Q> {
    pub(crate) fn start(queue: Arc<Q>, backlog: Arc<Backlog>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue,
            backlog,
            buffer: Mutex::new(vec![0; BUFFER].into()),
            wake: Wake::new()?,
            alarm: Alarm::new()?,
            relieved: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("staithe-drain".into()).spawn(move || for_thread.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The queue that is drained.
    pub(crate) fn queue(&self) -> &Q {
        &self.shared.queue
    }

    /// The thinking thread is idle and listens itself from now on: the drain thread sleeps.
    pub(crate) fn relieve(&self) {
        self.shared.alarm.unset();
        // Without the ring it would hear the next event, too.
        if !self.shared.relieved.swap(true, Ordering::AcqRel) {
            self.shared.wake.ring();
        }
    }

    /// The thinking thread goes to work: if it is not back within a moment, the drain thread takes over.
    pub(crate) fn leave(&self) {
        self.shared.alarm.set(UNATTENDED);
    }

    /// Reads everything that the kernel has queued by now, from the caller's thread.
    pub(crate) fn read_now(&self) {
        // Also when the backlog is full: who calls this takes it at once, and the queue is bounded.
        if let Err(error) = self.shared.drain(|| false) {
            self.shared.backlog.fail(error.to_string());
        }
    }
}

impl<Q: Queue> Shared<Q> {
    fn run(&self) {
        let mut rhythm = Rhythm::default();
        while !self.stop.load(Ordering::Acquire) {
            let turn = if self.relieved.load(Ordering::Acquire) {
                self.sleep()
            } else {
                rhythm
                    .keep(|| self.wake.wait_readable(&*self.queue, None))
                    .and_then(|readable| self.read(readable))
            };
            if let Err(error) = turn {
                return self.backlog.fail(error.to_string());
            }
        }
    }

    /// Until the thinking thread has been busy for long. Where it comes back just now, both listen, once.
    fn sleep(&self) -> Result<(), Errno> {
        if self.wake.wait_readable(&self.alarm, None)? && self.alarm.has_rung() {
            self.relieved.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn read(&self, readable: bool) -> Result<(), Errno> {
        if !readable {
            return Ok(());
        }
        if !self.backlog.is_full() {
            return self.drain(|| self.backlog.is_full());
        }
        if self.queue.is_bounded() {
            // Full: wait, and let the kernel's queue overflow (see `Backlog`).
            std::thread::sleep(Duration::from_millis(10));
            return Ok(());
        }
        self.drop_all()
    }

    fn drain(&self, enough: impl Fn() -> bool) -> Result<(), Errno> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let filled = self.queue.read(&mut buffer)?;
            if filled == 0 {
                return Ok(());
            }
            if let Some(piece) = self.queue.piece(&buffer[..filled]) {
                self.backlog.push(piece);
            }
            // A read that left room has emptied the queue; asking again would cost a call each time.
            if filled < BUFFER / 2 || enough() {
                return Ok(());
            }
        }
    }

    /// Empties a queue that would grow in the kernel's memory for ever.
    fn drop_all(&self) -> Result<(), Errno> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        self.backlog.push(Piece::Lost);
        while self.queue.read(&mut buffer)? > 0 {}
        Ok(())
    }
}

impl<Q: Queue> Drop for Drain<Q> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_made_and_closed_is_not_held_up_and_a_stream_is() {
        let mut rhythm = Rhythm::default();
        for _ in 0..10 {
            assert!(!rhythm.is_thick(Duration::from_millis(5)), "made");
            assert!(!rhythm.is_thick(Duration::from_micros(20)), "closed");
        }
        let thick = (0..5).map(|_| rhythm.is_thick(Duration::from_micros(20))).collect::<Vec<_>>();
        assert_eq!(thick, [false, true, true, true, true]);
        assert!(!rhythm.is_thick(AT_ONCE), "it has become quiet");
    }
}
