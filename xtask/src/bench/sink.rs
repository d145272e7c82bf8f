//! The consumer at the end of a pipe: stamps each read with its time, keeps everything, and looks
//! for the names only when all is over.

use std::io::Read as _;
use std::process::ChildStdout;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use super::workload::number;

/// A consumer at work.
pub(crate) struct Sink {
    bytes: Arc<AtomicU64>,
    thread: JoinHandle<Output>,
}

/// All that came through the pipe.
pub(crate) struct Output {
    text: Vec<u8>,
    /// After each read: how much there was by then, and when.
    reads: Vec<(usize, Instant)>,
}

impl Sink {
    /// Starts to read.
    pub(crate) fn start(mut pipe: ChildStdout) -> Self {
        // A pipe of a megabyte, as a careful consumer would ask for; without it all is the same, but slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&pipe, 1 << 20);
        let bytes = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&bytes);
        let thread = std::thread::spawn(move || {
            let mut output = Output { text: Vec::new(), reads: Vec::new() };
            let mut buffer = vec![0; 1 << 20];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                let now = Instant::now();
                output.text.extend_from_slice(&buffer[..length]);
                output.reads.push((output.text.len(), now));
                count.store(output.text.len() as u64, Ordering::Release);
            }
            output
        });
        Self { bytes, thread }
    }

    /// The number of bytes that have come through so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Waits for the end of the pipe.
    pub(crate) fn finish(self) -> Output {
        self.thread.join().unwrap_or(Output { text: Vec::new(), reads: Vec::new() })
    }
}

impl Output {
    /// For each of `files` files, when it was first reported.
    pub(crate) fn first_seen(&self, files: usize) -> Vec<Option<Instant>> {
        let mut seen = vec![None; files];
        let mut read = 0;
        for end in ends_of_names(&self.text) {
            while self.reads.get(read).is_some_and(|(bytes, _)| *bytes < end + 4) {
                read += 1;
            }
            if let Some(place) = number(&self.text, end).and_then(|file| seen.get_mut(file)) {
                *place = place.or(self.reads.get(read).map(|(_, time)| *time));
            }
        }
        seen
    }
}

/// Where `.dat` stands.
pub(crate) fn ends_of_names(text: &[u8]) -> impl Iterator<Item = usize> {
    text.windows(4).enumerate().filter(|(_, window)| *window == b".dat").map(|(at, _)| at)
}
