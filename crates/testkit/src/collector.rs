//! Consumers that follow a sink in a thread of their own and hash each file on receipt.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::receipt::Receipt;
use crate::resp::{Connection, Reply};
use crate::wait::wait_until;

/// How long a consumer rests when there was nothing.
const REST: Duration = Duration::from_millis(2);
/// How long the server may take: longer than any test makes it stand still.
const PATIENCE: Duration = Duration::from_mins(2);
/// After so many looks in vain nothing more comes: a server may still be reading what a killed program sent it.
const IN_VAIN: u64 = 5;
/// How many events are taken from a list at once.
const TAKE: &[u8] = b"500";

/// A consumer at work.
#[derive(Debug)]
pub struct Collector {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Below which the events' paths lie.
    root: PathBuf,
    /// Grows without bound: a test receives what the test has written.
    received: Mutex<Received>,
    /// Looks that found nothing, since the beginning.
    in_vain: AtomicU64,
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct Received {
    receipts: Vec<Receipt>,
    /// What the contract does not allow, in sentences.
    complaints: Vec<String>,
}

/// Where events come from.
trait Intake: Send + 'static {
    /// Takes what is there; an empty answer means that nothing is there now.
    fn take(&mut self) -> Vec<Vec<u8>>;
}

impl Collector {
    /// Follows a file of lines, which need not exist yet.
    #[must_use]
    pub fn tail(file: &Path, root: &Path) -> Self {
        Self::start(root, Tail { path: file.to_path_buf(), file: None, rest: Vec::new() })
    }

    /// Pops from the right end of a Redis list; reconnects for as long as it takes.
    #[must_use]
    pub fn pop(server: SocketAddr, key: &str, root: &Path) -> Self {
        Self::start(root, List { server, key: key.as_bytes().to_vec(), connection: None })
    }

    fn start(root: &Path, intake: impl Intake) -> Self {
        let root = root.to_path_buf();
        let shared = Arc::new(Shared {
            root,
            received: Mutex::default(),
            in_vain: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let ours = Arc::clone(&shared);
        let thread = std::thread::spawn(move || ours.follow(intake));
        Self { shared, thread: Some(thread) }
    }

    /// The number of events received so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.received().receipts.len()
    }

    /// A copy of the receipts so far.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        self.shared.received().receipts.clone()
    }

    /// A copy of the receipts from this one on.
    #[must_use]
    pub fn receipts_from(&self, first: usize) -> Vec<Receipt> {
        self.shared.received().receipts[first..].to_vec()
    }

    /// Waits until at least `count` events have been received.
    #[track_caller]
    pub fn wait_for(&self, count: usize, deadline: Duration) {
        let what = format!("event {count}; at the last look before there were fewer");
        wait_until(deadline, &what, || self.count() >= count);
    }

    /// Waits until everything that was there at the call has been received, and says how much that is in all.
    #[track_caller]
    #[must_use]
    pub fn drain(&self) -> usize {
        let looks = || self.shared.in_vain.load(Ordering::Acquire);
        let before = looks();
        wait_until(PATIENCE, "everything that was sent to be received", || looks() > before + IN_VAIN);
        self.count()
    }

    /// Takes what is still there, then ends and gives the receipts. Fails the test when something
    /// received was no event in the native format.
    #[track_caller]
    #[must_use]
    pub fn finish(self) -> Vec<Receipt> {
        self.finish_but(0)
    }

    /// The same where up to so many things received may be no event: the line that a program was writing when it was
    /// killed.
    #[track_caller]
    #[must_use]
    pub fn finish_but(mut self, torn: usize) -> Vec<Receipt> {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the collector did not panic");
        }
        let mut received = self.shared.received();
        assert!(received.complaints.len() <= torn, "{}", received.complaints.join("\n"));
        std::mem::take(&mut received.receipts)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, mut intake: impl Intake) {
        loop {
            // Read before taking: what came in before the stop must still be taken.
            let last = self.stop.load(Ordering::Acquire);
            let events = intake.take();
            for event in &events {
                let receipt = Receipt::take(event, &self.root);
                let mut received = self.received();
                match receipt {
                    Ok(receipt) => received.receipts.push(receipt),
                    Err(complaint) => received.complaints.push(complaint),
                }
            }
            if events.is_empty() {
                if last {
                    return;
                }
                self.in_vain.fetch_add(1, Ordering::AcqRel);
                std::thread::sleep(REST);
            }
        }
    }
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
}

impl Intake for Tail {
    fn take(&mut self) -> Vec<Vec<u8>> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return Vec::new() };
        let mut buffer = vec![0; 1 << 16];
        let count = file.read(&mut buffer).unwrap_or(0);
        self.rest.extend_from_slice(&buffer[..count]);
        let Some(end) = self.rest.iter().rposition(|&byte| byte == b'\n') else { return Vec::new() };
        let tail = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, tail);
        whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }
}

/// A Redis list.
struct List {
    server: SocketAddr,
    key: Vec<u8>,
    connection: Option<Connection>,
}

impl Intake for List {
    fn take(&mut self) -> Vec<Vec<u8>> {
        if self.connection.is_none() {
            self.connection = Connection::open(self.server, PATIENCE).ok();
        }
        let Some(connection) = &mut self.connection else { return Vec::new() };
        match connection.command(&[b"RPOP", &self.key, TAKE]) {
            Ok(Reply::Error(_)) => Vec::new(),
            Ok(reply) => reply.values(),
            Err(error) => {
                // A server that stands still keeps the request; asking again on a new connection would
                // pop twice and lose the first answer.
                let waits = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!waits, "the server took too long to answer a pop; the answer may be lost");
                self.connection = None;
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::scratch::Scratch;

    const SOON: Duration = Duration::from_secs(10);

    fn event(path: &str) -> String {
        format!(
            r#"{{"id":"i","data":{{"path":"{path}","size":1,"generation":1,"delivery":{{"attempt":1}}}}}}"#
        )
    }

    #[test]
    fn lines_are_taken_when_they_are_whole() {
        let scratch = Scratch::in_memory("collector");
        std::fs::write(scratch.path().join("a"), b"x").unwrap();
        let lines = scratch.path().join("lines");
        let collector = Collector::tail(&lines, scratch.path());
        let mut file = File::create(&lines).unwrap();
        let (one, two) = (event("a"), event("b"));
        write!(file, "{one}\n{}", &two[..9]).unwrap();
        collector.wait_for(1, SOON);
        writeln!(file, "{}", &two[9..]).unwrap();
        let receipts = collector.finish();
        assert_eq!(receipts.len(), 2);
        assert_eq!(receipts[0].hash, Some(blake3::hash(b"x")));
        assert_eq!((receipts[1].path.as_slice(), receipts[1].hash), (&b"b"[..], None));
    }

    #[test]
    fn what_is_no_event_fails_the_test() {
        let scratch = Scratch::in_memory("collector");
        let lines = scratch.path().join("lines");
        std::fs::write(&lines, b"{}\n").unwrap();
        let collector = Collector::tail(&lines, scratch.path());
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| collector.finish()));
        assert!(result.unwrap_err().downcast::<String>().unwrap().contains("no path in {}"));
    }
}
