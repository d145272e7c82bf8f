//! The thread that only drains: kernel queue into memory, nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sys::{Errno, Inotify, Wake};

use crate::backlog::Backlog;

/// A running drain thread; stops when dropped.
#[derive(Debug)]
pub(crate) struct Drain {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    inotify: Arc<Inotify>,
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

impl Drain {
    pub(crate) fn start(inotify: Arc<Inotify>, backlog: Arc<Backlog>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            inotify,
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

    /// Reads everything that the kernel has queued by now, from the caller's thread.
    pub(crate) fn read_now(&self) {
        // Also when the backlog is full: who calls this takes it at once, and the queue is bounded.
        if let Err(error) = self.shared.drain(|| false) {
            self.shared.backlog.fail(error.to_string());
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut last_wake: Option<Instant> = None;
        while !self.stop.load(Ordering::Acquire) {
            match self.wake.wait_readable(&*self.inotify, None) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => return self.backlog.fail(error.to_string()),
            }
            let now = Instant::now();
            if last_wake.is_some_and(|last| now.duration_since(last) < THICK) {
                std::thread::sleep(GATHER);
            }
            last_wake = Some(now);
            if self.backlog.is_full() {
                // Full: wait, and let the kernel's queue overflow (see `Backlog`).
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
            if let Err(error) = self.drain(|| self.backlog.is_full()) {
                return self.backlog.fail(error.to_string());
            }
        }
    }

    fn drain(&self, enough: impl Fn() -> bool) -> Result<(), Errno> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let filled = self.inotify.read(&mut buffer)?;
            if filled == 0 {
                return Ok(());
            }
            self.backlog.push(&buffer[..filled]);
            // A read that left room has emptied the queue; asking again would cost a call each time.
            if filled < BUFFER / 2 || enough() {
                return Ok(());
            }
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
