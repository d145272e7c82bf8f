//! The thread that only drains: kernel queue into memory, nothing else.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sys::{Errno, Wake};

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
    stop: AtomicBool,
}

/// One read takes so much: some two thousand events.
const BUFFER: usize = 128 * 1024;
/// While events come thick, a short pause before the next read lets them gather: fewer wake-ups,
/// a third of the processor time, and no loss (the kernel queues 16 384).
const GATHER: Duration = Duration::from_millis(1);
/// Two wake-ups within this time mean that events come thick.
const THICK: Duration = Duration::from_millis(3);

impl<Q: Queue> Drain<Q> {
    pub(crate) fn start(queue: Arc<Q>, backlog: Arc<Backlog>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue,
            backlog,
            buffer: Mutex::new(vec![0; BUFFER].into()),
            wake: Wake::new()?,
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
        let mut last_wake: Option<Instant> = None;
        while !self.stop.load(Ordering::Acquire) {
            match self.wake.wait_readable(&*self.queue, None) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => return self.backlog.fail(error.to_string()),
            }
            if switch::is_off("draining-at-once") {
                std::thread::sleep(Duration::from_secs(5));
            }
            let now = Instant::now();
            if last_wake.is_some_and(|last| now.duration_since(last) < THICK) {
                std::thread::sleep(GATHER);
            }
            last_wake = Some(now);
            let drained = if !self.backlog.is_full() {
                self.drain(|| self.backlog.is_full())
            } else if self.queue.is_bounded() {
                // Full: wait, and let the kernel's queue overflow (see `Backlog`).
                std::thread::sleep(Duration::from_millis(10));
                Ok(())
            } else {
                self.drop_all()
            };
            if let Err(error) = drained {
                return self.backlog.fail(error.to_string());
            }
        }
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
