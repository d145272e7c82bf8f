//! What wakes a stream's thread for another reason than an event.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use sys::Wake;

/// Rung by other threads to wake [`Stream::wait`](super::Stream::wait); a ring is not lost when nobody waits.
#[derive(Debug)]
pub struct Bell(Wake);

impl Bell {
    /// A bell of its own for each stream.
    pub fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(Wake::new()?)))
    }

    /// Rings. Ringing twice before anybody looked counts as once.
    pub fn ring(&self) {
        self.0.ring();
    }

    /// Waits for a ring, for `queue` if there is one, or until the time is up.
    pub(super) fn wait(&self, queue: Option<impl AsFd>, most: Duration) {
        // An error here is one of a poll with two good descriptors: there is none but a lack of memory.
        let _ = match queue {
            Some(queue) => self.0.wait_readable(queue, Some(most)).map(drop),
            None => self.0.wait(Some(most)),
        };
    }
}
