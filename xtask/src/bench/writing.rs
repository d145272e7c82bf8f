//! The writers. Each file is named after its number, so that a reader's output can be compared file by file, and the
//! moment at which its `close` (or `rename`) returned is kept.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::workload::Workload;

const CONTENT: [u8; 100] = [b'x'; 100];
const FOLDERS: usize = 100;
/// From one file to the next in the workloads about latency.
const GAP: Duration = Duration::from_millis(5);
/// From one file to the next at 2 000 in a second.
const PACE: Duration = Duration::from_micros(500);
/// Files that go into one new folder.
const IN_A_FOLDER: usize = 10;
/// How often the tree of `w4c` is made.
const ROUNDS: usize = 10;

/// When each file was closed.
pub(crate) struct Written {
    /// When the first writer began.
    pub(crate) begun: Instant,
    /// For each file the moment at which its `close` returned.
    pub(crate) closed: Vec<Instant>,
    /// The first of those files that still lie there at the end.
    pub(crate) staying: usize,
}

/// Makes the folders that are there from the start, and says where a probe file may go.
pub(crate) fn prepare(workload: Workload, root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if matches!(workload, Workload::W4a | Workload::W4b | Workload::W4c) {
        return Ok(vec![root.to_path_buf()]);
    }
    for folder in 0..FOLDERS {
        fs::create_dir(flat(root, folder))?;
    }
    Ok(vec![flat(root, 0), flat(root, FOLDERS - 1)])
}

/// Writes everything.
pub(crate) fn write(workload: Workload, root: &Path, files: usize) -> anyhow::Result<Written> {
    let writers = writers(workload);
    let begun = Instant::now();
    if workload == Workload::W4c {
        return churn(root, begun, files);
    }
    let shares: Vec<anyhow::Result<Vec<Instant>>> = std::thread::scope(|scope| {
        let start =
            |first| scope.spawn(move || share(workload, root, begun, (first..files).step_by(writers)));
        let threads: Vec<_> = (0..writers).map(start).collect();
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
    Ok(Written { begun, closed, staying: 0 })
}

fn writers(workload: Workload) -> usize {
    match workload {
        Workload::W2 | Workload::W4a | Workload::W4b | Workload::W4c | Workload::W6Lat => 1,
        Workload::W1Big => 4,
        _ => 2,
    }
}

fn gap(workload: Workload) -> Option<Duration> {
    match workload {
        Workload::W2 | Workload::W6Lat => Some(GAP),
        Workload::W6Paced => Some(PACE),
        _ => None,
    }
}

/// One writer's files.
fn share(
    workload: Workload,
    root: &Path,
    begun: Instant,
    files: impl Iterator<Item = usize>,
) -> anyhow::Result<Vec<Instant>> {
    let mut closed = Vec::new();
    let content: &[u8] = if workload == Workload::W4a { &[] } else { &CONTENT };
    for file in files {
        if let Some(gap) = gap(workload) {
            let due = gap * u32::try_from(file).context("fewer than four billion files")?;
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        put(&folder(workload, root, file)?.join(name(file)), content)?;
        closed.push(Instant::now());
    }
    Ok(closed)
}

fn put(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut handle = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
    if !content.is_empty() {
        handle.write_all(content)?;
    }
    Ok(())
}

/// The folder of a file, made if it is new.
fn folder(workload: Workload, root: &Path, file: usize) -> anyhow::Result<PathBuf> {
    Ok(match workload {
        Workload::W4a => {
            let folder = root.join(format!("r{file:05}/a/b/c/d/e"));
            fs::create_dir_all(&folder)?;
            folder
        }
        Workload::W4b => {
            let number = file / IN_A_FOLDER;
            let folder = root.join(format!("t{:04}/u{:04}/v{number:04}", number / 400, number / 20));
            if file.is_multiple_of(IN_A_FOLDER) {
                fs::create_dir_all(&folder)?;
            }
            folder
        }
        _ => flat(root, file / writers(workload) % FOLDERS),
    })
}

/// Round after round: a tree of files that are renamed into place, and away with all of it, but for the last.
fn churn(root: &Path, begun: Instant, files: usize) -> anyhow::Result<Written> {
    let each = files.div_ceil(ROUNDS);
    let mut closed = Vec::with_capacity(files);
    let mut staying = 0;
    while closed.len() < files {
        staying = closed.len();
        let end = files.min(staying + each);
        for file in staying..end {
            let number = (file - staying) / IN_A_FOLDER;
            let folder = root.join(format!("g{:03}/h{:03}", number / 20, number % 20));
            if (file - staying).is_multiple_of(IN_A_FOLDER) {
                fs::create_dir_all(&folder)?;
            }
            let aside = folder.join("tmp.lock");
            put(&aside, &CONTENT)?;
            fs::rename(&aside, folder.join(name(file)))?;
            closed.push(Instant::now());
        }
        if end < files {
            for entry in fs::read_dir(root)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?;
                }
            }
        }
    }
    Ok(Written { begun, closed, staying })
}

fn flat(root: &Path, folder: usize) -> PathBuf {
    root.join(format!("d{folder:04}"))
}

/// The name of a file: what [`number`] finds in a reader's output.
pub(crate) fn name(file: usize) -> String {
    format!("f{file:08}.dat")
}

/// The number of the first file that is named in some output.
pub(crate) fn number(output: &[u8]) -> Option<usize> {
    let mut ends = output.windows(4).enumerate().filter(|(_, window)| *window == b".dat").map(|(at, _)| at);
    ends.find_map(|end| {
        let digits = output.get(end.checked_sub(9)?..end)?.strip_prefix(b"f")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_output() {
        assert_eq!(number(b"{\"path\":\"d0001/f00001234.dat\"}"), Some(1234));
        assert_eq!(number(b"x.dat"), None);
        assert_eq!(number(b"g00001234.dat f00000007.dat"), Some(7));
    }

    #[test]
    fn every_workload_writes_as_many_files_as_it_says() {
        for workload in [Workload::W1, Workload::W1Big, Workload::W4a, Workload::W4b, Workload::W6] {
            let scratch = testkit::Scratch::in_memory("bench");
            prepare(workload, scratch.path()).unwrap();
            let written = write(workload, scratch.path(), 203).unwrap();
            assert_eq!(written.closed.len(), 203);
            assert!(written.closed.iter().all(|closed| *closed > written.begun), "{workload:?}");
        }
    }

    #[test]
    fn of_the_churn_the_last_round_stays() {
        let scratch = testkit::Scratch::in_memory("bench");
        let written = write(Workload::W4c, scratch.path(), 1_000).unwrap();
        assert_eq!((written.closed.len(), written.staying), (1_000, 900));
        let folder = scratch.path().join("g000/h009");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 10);
        assert!(folder.join(name(999)).exists());
    }
}
