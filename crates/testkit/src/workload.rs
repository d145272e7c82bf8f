//! Writers that make files in the ways in which files really arrive, and keep a truth log.

mod manner;
mod place;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use manner::Manner;
pub use place::Layout;

use crate::truth::Truth;

/// So many orders of magnitude (of two) are among large files.
const HALVINGS: usize = 10;

/// What is written, where, how and by how many.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The tree to write into.
    pub root: PathBuf,
    /// Which folders and how many files.
    pub layout: Layout,
    /// How each file comes into being.
    pub manner: Manner,
    /// The number of writing threads.
    pub writers: usize,
    /// The smallest and the largest size in bytes.
    pub sizes: (usize, usize),
    /// One file in so many is larger: up to so many bytes, or half of that, or a quarter…
    pub large: Option<(usize, usize)>,
    /// Other seeds give other contents.
    pub seed: u64,
    /// Files a second over all writers; `None`: as fast as they can.
    pub rate: Option<u32>,
    /// Stands at the front of each file's name, so that two workloads in one tree differ.
    pub label: &'static str,
}

/// A workload that is being written.
#[derive(Debug)]
pub struct Running {
    writers: Vec<JoinHandle<Truth>>,
    stop: Arc<AtomicBool>,
}

impl Workload {
    /// Small files by two writers as fast as they can.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, layout: Layout, manner: Manner) -> Self {
        let (writers, sizes, large, rate, label) = (2, (1, 200), None, None, "f");
        Self { root: root.into(), layout, manner, writers, sizes, large, seed: 0, rate, label }
    }

    /// Writes everything and says what was written.
    #[must_use]
    pub fn run(&self) -> Truth {
        self.start().join()
    }

    /// Starts the writers.
    #[must_use]
    pub fn start(&self) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Instant::now();
        let writer = |number: usize| {
            let (workload, stop) = (self.clone(), Arc::clone(&stop));
            std::thread::spawn(move || workload.write(number, begun, &stop))
        };
        Running { writers: (0..self.writers.max(1)).map(writer).collect(), stop }
    }

    /// One writer's share: every `writers`-th batch of files.
    fn write(&self, number: usize, begun: Instant, stop: &AtomicBool) -> Truth {
        let mut truth = Truth::default();
        for batch in (number..self.layout.batches()).step_by(self.writers.max(1)) {
            let folder = self.layout.make_folder(&self.root, batch);
            for file in self.layout.files_of(batch) {
                if stop.load(Ordering::Relaxed) {
                    return truth;
                }
                self.pace(begun, file);
                let name = format!("{}{file:07}.dat", self.label);
                let content = content(self.label, self.seed, file, self.sizes_of(file));
                self.manner.publish(&self.root, &folder, &name, &content, &mut truth);
            }
        }
        truth
    }

    fn sizes_of(&self, file: usize) -> (usize, usize) {
        match self.large {
            Some((every, largest)) if file.is_multiple_of(every.max(1)) => {
                (self.sizes.1, (largest >> (file / every.max(1) % HALVINGS)).max(self.sizes.1))
            }
            _ => self.sizes,
        }
    }

    fn pace(&self, begun: Instant, file: usize) {
        if let Some(rate) = self.rate {
            let due = Duration::from_secs_f64(file as f64 / f64::from(rate.max(1)));
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
}

impl Running {
    /// Waits for the end.
    #[must_use]
    pub fn join(self) -> Truth {
        let mut truth = Truth::default();
        for writer in self.writers {
            truth.merge(writer.join().expect("no writer panicked"));
        }
        truth
    }

    /// Lets each writer finish the file it is at, and no more.
    #[must_use]
    pub fn stop(self) -> Truth {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Whether some writer still has something to do.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.writers.iter().any(|writer| !writer.is_finished())
    }
}

/// The content of a file: different for each, the same in each run with the same seed.
fn content(label: &str, seed: u64, file: usize, (smallest, largest): (usize, usize)) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed ^ (file as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95);
    for byte in label.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) | 1;
    }
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let size = smallest + next() as usize % (largest.saturating_sub(smallest) + 1);
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        out.extend_from_slice(&next().to_le_bytes());
    }
    out.truncate(size);
    out
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::scratch::Scratch;

    const BURST: Layout = Layout::Burst { files: 20, folders: 3 };

    fn every_manner() -> Vec<Manner> {
        let pause = Duration::from_millis(1);
        vec![
            Manner::Written,
            Manner::RenamedIn,
            Manner::Linked,
            Manner::Unnamed,
            Manner::Slow { pieces: 3, pause },
            Manner::Rewritten { pause },
        ]
    }

    #[test]
    fn every_manner_leaves_what_it_logged_and_nothing_else() {
        for manner in every_manner() {
            let scratch = Scratch::on_disk("workload");
            let truth = Workload::new(scratch.path(), BURST, manner).run();
            let versions = truth.by_path();
            assert_eq!(versions.len(), 20, "{manner:?}");
            for (path, versions) in &versions {
                let on_disk = std::fs::read(scratch.path().join(OsStr::from_bytes(path))).unwrap();
                assert_eq!(versions.last().unwrap().hash, blake3::hash(&on_disk), "{manner:?}");
            }
            let left: usize = std::fs::read_dir(scratch.path())
                .unwrap()
                .map(|f| f.unwrap().path().read_dir().unwrap().count())
                .sum();
            assert_eq!(left, 20, "{manner:?}");
        }
    }

    #[test]
    fn every_layout_makes_its_folders() {
        let layouts = [
            (Layout::Burst { files: 10, folders: 3 }, 10),
            (Layout::Unpack { files: 25, per_folder: 10 }, 25),
            (Layout::Chains { chains: 4 }, 4),
        ];
        for (layout, expected) in layouts {
            let scratch = Scratch::in_memory("workload");
            let truth = Workload::new(scratch.path(), layout, Manner::Written).run();
            assert_eq!(truth.paths(), expected, "{layout:?}");
        }
    }

    #[test]
    fn contents_differ_and_repeat() {
        assert_eq!(content("f", 0, 3, (1, 200)), content("f", 0, 3, (1, 200)));
        assert_ne!(content("f", 0, 3, (100, 100)), content("f", 0, 4, (100, 100)));
        assert_ne!(content("f", 0, 3, (100, 100)), content("g", 0, 3, (100, 100)));
        assert_ne!(content("f", 0, 3, (100, 100)), content("f", 1, 3, (100, 100)));
        let few_are_large = Workload { large: Some((4, 1_000)), ..Workload::new("", BURST, Manner::Written) };
        assert_eq!([3, 4, 8].map(|file| few_are_large.sizes_of(file)), [(1, 200), (200, 500), (200, 250)]);
        assert!((0..500).all(|file| (5..=9).contains(&content("f", 0, file, (5, 9)).len())));
    }
}
