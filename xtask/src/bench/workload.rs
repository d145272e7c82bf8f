//! What is written. Each file is named after its number, so that the reader's output can be
//! compared file by file, and the moment at which its `close` returned is kept.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

const CONTENT: [u8; 100] = [b'x'; 100];
const WRITERS: usize = 2;
const FOLDERS: usize = 100;
/// From one file to the next in the workload about latency.
const GAP: Duration = Duration::from_millis(5);

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// 50 000 files in 100 watched folders by two writers, as fast as they can.
    W1,
    /// One file each 5 ms.
    W2,
    /// A new chain of six folders for each file.
    W4a,
    /// 20 000 files, ten in each of 2 000 new folders, as unpacking makes them.
    W4b,
    /// As W1 with 20 000 files, into a Redis list.
    W6,
}

/// When each file was closed.
pub(crate) struct Written {
    /// When the first writer began.
    pub(crate) begun: Instant,
    /// For each file the moment at which its `close` returned.
    pub(crate) closed: Vec<Instant>,
}

impl Workload {
    /// All of them.
    pub(crate) const ALL: [Workload; 5] =
        [Workload::W1, Workload::W2, Workload::W4a, Workload::W4b, Workload::W6];

    /// The short name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Workload::W1 => "w1",
            Workload::W2 => "w2",
            Workload::W4a => "w4a",
            Workload::W4b => "w4b",
            Workload::W6 => "w6",
        }
    }

    /// The workload of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// What it is, for the report.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Workload::W1 => {
                "burst: 50 000 files of 100 B in 100 watched folders, two writers as fast as they can"
            }
            Workload::W2 => "latency: one file each 5 ms, from the return of `close` to the consumer's read",
            Workload::W4a => "2 000 times `mkdir -p r/a/b/c/d/e` and one file in it",
            Workload::W4b => "unpacking: 20 000 files into 2 000 new folders",
            Workload::W6 => "burst of 20 000 files into a Redis list",
        }
    }

    /// The number of files at full size.
    pub(crate) fn files(self) -> usize {
        match self {
            Workload::W1 => 50_000,
            Workload::W2 | Workload::W4a => 2_000,
            Workload::W4b | Workload::W6 => 20_000,
        }
    }

    /// Makes the folders that are there from the start, and says where a probe file may go.
    pub(crate) fn prepare(self, root: &Path) -> anyhow::Result<Vec<PathBuf>> {
        if matches!(self, Workload::W4a | Workload::W4b) {
            return Ok(vec![root.to_path_buf()]);
        }
        for folder in 0..FOLDERS {
            fs::create_dir(flat(root, folder))?;
        }
        Ok(vec![flat(root, 0), flat(root, FOLDERS - 1)])
    }

    /// Writes everything.
    pub(crate) fn write(self, root: &Path, files: usize) -> anyhow::Result<Written> {
        let writers = if matches!(self, Workload::W1 | Workload::W6) { WRITERS } else { 1 };
        let begun = Instant::now();
        let shares: Vec<anyhow::Result<Vec<Instant>>> = std::thread::scope(|scope| {
            let share = |first| scope.spawn(move || self.share(root, begun, (first..files).step_by(writers)));
            let threads: Vec<_> = (0..writers).map(share).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a writer panicked")))
                .collect()
        });
        let mut closed = vec![begun; files];
        for (first, share) in shares.into_iter().enumerate() {
            for (place, time) in closed.iter_mut().skip(first).step_by(writers).zip(share?) {
                *place = time;
            }
        }
        Ok(Written { begun, closed })
    }

    /// One writer's files.
    fn share(
        self,
        root: &Path,
        begun: Instant,
        files: impl Iterator<Item = usize>,
    ) -> anyhow::Result<Vec<Instant>> {
        let mut closed = Vec::new();
        for file in files {
            if self == Workload::W2 {
                let due = GAP * u32::try_from(file).context("fewer than four billion files")?;
                std::thread::sleep(due.saturating_sub(begun.elapsed()));
            }
            let folder = self.folder(root, file)?;
            let path = folder.join(name(file));
            let mut handle =
                File::create(&path).with_context(|| format!("failed to create {}", path.display()))?;
            if self != Workload::W4a {
                handle.write_all(&CONTENT)?;
            }
            drop(handle);
            closed.push(Instant::now());
        }
        Ok(closed)
    }

    /// The folder of a file, made if it is new.
    fn folder(self, root: &Path, file: usize) -> anyhow::Result<PathBuf> {
        Ok(match self {
            Workload::W1 | Workload::W6 => flat(root, file / WRITERS % FOLDERS),
            Workload::W2 => flat(root, file % FOLDERS),
            Workload::W4a => {
                let folder = root.join(format!("r{file:05}/a/b/c/d/e"));
                fs::create_dir_all(&folder)?;
                folder
            }
            Workload::W4b => {
                let number = file / 10;
                let folder = root.join(format!("t{:04}/u{:04}/v{number:04}", number / 400, number / 20));
                if file.is_multiple_of(10) {
                    fs::create_dir_all(&folder)?;
                }
                folder
            }
        })
    }
}

fn flat(root: &Path, folder: usize) -> PathBuf {
    root.join(format!("d{folder:04}"))
}

/// The name of a file: what [`number`] finds in a reader's output.
pub(crate) fn name(file: usize) -> String {
    format!("f{file:08}.dat")
}

/// The number in the name that ends at `end` of some output, just before `.dat`.
pub(crate) fn number(output: &[u8], end: usize) -> Option<usize> {
    let digits = output.get(end.checked_sub(9)?..end)?.strip_prefix(b"f")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_output() {
        let output = b"{\"path\":\"d0001/f00001234.dat\"}";
        let end = output.windows(4).position(|window| window == b".dat").unwrap();
        assert_eq!(number(output, end), Some(1234));
        assert_eq!(number(b"x.dat", 1), None);
        assert_eq!(number(b"g00001234.dat", 9), None);
    }

    #[test]
    fn every_workload_writes_as_many_files_as_it_says() {
        for workload in [Workload::W1, Workload::W4a, Workload::W4b, Workload::W6] {
            let scratch = testkit::Scratch::in_memory("bench");
            workload.prepare(scratch.path()).unwrap();
            let written = workload.write(scratch.path(), 203).unwrap();
            assert_eq!(written.closed.len(), 203);
            assert!(written.closed.iter().all(|closed| *closed > written.begun), "{workload:?}");
        }
    }
}
