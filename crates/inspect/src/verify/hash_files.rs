//! Hashing members, several at the same time.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Take};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use sys::{Dir, Links, Look, Writer};

use super::ManifestRequest;
use super::checked::{Checked, Mark};
use super::members::{Unit, Verdict, Way, failed};
use crate::hashing::Hasher;
use crate::manifest::Line;

/// Reading no faster than is allowed. Whoever reads tells how much it was, and is held up if that was
/// too much; several threads do so at the same time.
pub trait Pace: Sync {
    /// So many bytes were read.
    fn take(&self, bytes: u64);
}

impl<F: Fn(u64) + Sync> Pace for F {
    fn take(&self, bytes: u64) {
        self(bytes);
    }
}

/// Read at once, unless the rate is so low that it would be felt as jerks.
const BLOCK: u64 = 256 * 1024;
const SMALLEST_BLOCK: u64 = 4 * 1024;

/// What one thread found: the line, what is known now, and what to remember of it.
type Hashed = (u32, Verdict, Option<Mark>);

/// What the threads share.
struct Work<'a> {
    unit: &'a Unit<'a>,
    to_hash: &'a [u32],
    /// The next of `to_hash`.
    next: AtomicUsize,
    stopped: AtomicBool,
    stop: &'a (dyn Fn() -> bool + Sync),
    pace: &'a dyn Pace,
    block: usize,
}

/// Hashes what is to be hashed; false when it was told to stop before the end.
pub(super) fn hash_files(
    unit: &Unit<'_>,
    request: &ManifestRequest<'_>,
    verdicts: &mut [Verdict],
    checked: &mut Checked,
    pace: &dyn Pace,
    stop: &(dyn Fn() -> bool + Sync),
) -> bool {
    let wanted = |at: &u32| verdicts[*at as usize] == Verdict::ToHash;
    let to_hash: Vec<u32> = unit.order.iter().copied().filter(wanted).collect();
    let tenth = request.bytes_per_second.map_or(BLOCK, |rate| rate / 10);
    let work = Work {
        unit,
        to_hash: &to_hash,
        next: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        stop,
        pace,
        block: tenth.clamp(SMALLEST_BLOCK, BLOCK) as usize,
    };
    let mut marks = Vec::with_capacity(to_hash.len());
    for (at, verdict, mark) in work.share(request.threads.min(to_hash.len())) {
        verdicts[at as usize] = verdict;
        marks.extend(mark.map(|mark| (at, mark)));
    }
    checked.renew(unit.lines, &marks);
    !work.stopped.load(Ordering::Relaxed)
}

impl Work<'_> {
    /// Works with so many threads. One that cannot be had is done without.
    fn share(&self, threads: usize) -> Vec<Hashed> {
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, || self.work()).ok())
                .collect();
            let mut hashed = self.work();
            // A thread that panicked leaves its members unhashed, which is no agreement.
            hashed.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
            hashed
        })
    }

    /// Takes one file after the other until none is left.
    fn work(&self) -> Vec<Hashed> {
        let mut hashed = Vec::new();
        let mut way = Way::new(self.unit.top);
        let mut buffer = vec![0; self.block];
        while let Some(&at) = self.to_hash.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let line = &self.unit.lines[at as usize];
            let told = match way.to(&line.path) {
                Ok((dir, name)) => self.hash_file(dir, name, line, &mut buffer),
                Err(error) => Some((failed(error), None)),
            };
            let Some((verdict, mark)) = told else { break };
            hashed.push((at, verdict, mark));
        }
        hashed
    }

    /// Hashes one file through one descriptor; nothing when it was told to stop.
    fn hash_file(
        &self,
        dir: &Dir,
        name: &[u8],
        line: &Line,
        buffer: &mut [u8],
    ) -> Option<(Verdict, Option<Mark>)> {
        let opened = dir.open_regular(name).and_then(|file| Ok((Look::of(&file)?, file)));
        let (before, file) = match opened {
            Ok(opened) => opened,
            Err(error) => return Some((failed(error), None)),
        };
        let Some((hash, expected)) = &line.hash else { return Some((Verdict::Good, None)) };
        if line.size.is_some_and(|size| size != before.size) {
            return Some((Verdict::Wrong, None));
        }
        // A file that grows is not followed to its end: one byte more than it had tells enough.
        let file = file.take(before.size.saturating_add(1));
        let Ok(digest) = self.read(file, Hasher::new(*hash), buffer)? else {
            return Some((Verdict::Unreadable, None));
        };
        // By name, so that a file that has taken its place is noticed too; and asked after the reading,
        // because stores through a mapping show in the times only when the mapping goes.
        let (writer, after) = dir.probe(name, Links::Refuse);
        if writer == Writer::Open || after != Some(before) {
            return Some((Verdict::Open, None));
        }
        let good = digest == *expected;
        let verdict = if good { Verdict::Good } else { Verdict::Wrong };
        Some((verdict, Some(Mark::new(&before, good))))
    }

    /// The sum of what is in the file; nothing when it was told to stop.
    fn read(
        &self,
        mut file: Take<File>,
        mut hasher: Hasher,
        buffer: &mut [u8],
    ) -> Option<std::io::Result<Vec<u8>>> {
        loop {
            if self.stopped.load(Ordering::Relaxed) || (self.stop)() {
                self.stopped.store(true, Ordering::Relaxed);
                return None;
            }
            match file.read(buffer) {
                Ok(0) => return Some(Ok(hasher.finish())),
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                    self.pace.take(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
