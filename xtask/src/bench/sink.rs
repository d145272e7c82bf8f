//! The consumer at the end of a pipe: stamps each read with its time, keeps everything, and looks for the names only
//! when nothing comes any more.

use std::io::Read as _;
use std::ops::Range;
use std::process::ChildStdout;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::writing::number;

/// A consumer at work.
pub(crate) struct Sink {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    output: Mutex<Output>,
    bytes: AtomicU64,
    stands_still: AtomicBool,
}

/// All that came through the pipe.
#[derive(Default)]
struct Output {
    text: Vec<u8>,
    /// After each read: how much there was by then, and when.
    reads: Vec<(usize, Instant)>,
}

/// What became of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When it was reported first.
    pub(crate) first: Option<Instant>,
    /// How often it was reported.
    pub(crate) times: usize,
}

impl Sink {
    /// Starts to read.
    pub(crate) fn start(pipe: ChildStdout) -> Self {
        // A pipe of a megabyte, as a careful consumer would ask for; without it all is the same, but slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&pipe, 1 << 20);
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let thread = std::thread::spawn(move || ours.read(pipe));
        Self { shared, thread }
    }

    /// The number of bytes that have come through so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Acquire)
    }

    /// Reads nothing more (after what it is just reading), or goes on.
    pub(crate) fn stand_still(&self, still: bool) {
        self.shared.stands_still.store(still, Ordering::Release);
    }

    /// For each of the files of these numbers, what has come of it so far.
    pub(crate) fn seen(&self, files: Range<usize>) -> Vec<Seen> {
        self.shared.output.lock().unwrap_or_else(PoisonError::into_inner).seen(files)
    }

    /// Waits for the end of the pipe.
    pub(crate) fn finish(self, files: Range<usize>) -> Vec<Seen> {
        let _ = self.thread.join();
        self.shared.output.lock().unwrap_or_else(PoisonError::into_inner).seen(files)
    }
}

impl Shared {
    fn read(&self, mut pipe: ChildStdout) {
        let mut buffer = vec![0; 1 << 20];
        loop {
            while self.stands_still.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let Ok(length @ 1..) = pipe.read(&mut buffer) else { return };
            let now = Instant::now();
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            output.text.extend_from_slice(&buffer[..length]);
            let end = output.text.len();
            output.reads.push((end, now));
            self.bytes.store(end as u64, Ordering::Release);
        }
    }
}

impl Output {
    fn seen(&self, files: Range<usize>) -> Vec<Seen> {
        let mut seen = vec![Seen::default(); files.len()];
        let (mut read, mut end) = (0, 0);
        for line in self.text.split_inclusive(|&byte| byte == b'\n') {
            end += line.len();
            while self.reads.get(read).is_some_and(|(bytes, _)| *bytes < end) {
                read += 1;
            }
            // Other numbers are those of probe files.
            let place = number(line).and_then(|file| seen.get_mut(file.checked_sub(files.start)?));
            let Some(place) = place else { continue };
            place.times += 1;
            place.first = place.first.or(self.reads.get(read).map(|(_, time)| *time));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_counts_for_its_file_when_it_was_whole() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let text = b"/x/f00000001.dat\n/x/f00000000.dat\n/x/f00000001.dat\n/x/f90000000.dat\n".to_vec();
        let output = Output { reads: vec![(20, at(1)), (34, at(2)), (text.len(), at(3))], text };
        let one = Seen { first: Some(at(2)), times: 1 };
        let two = Seen { first: Some(at(1)), times: 2 };
        assert_eq!(output.seen(0..3), [one, two, Seen::default()]);
        assert_eq!(output.seen(1..2), [two]);
    }
}
