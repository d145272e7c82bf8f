//! Many files by all protocols at once, in random order.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Draft, Protocol};
use crate::chance::Chance;
use crate::truth::Truth;

/// Sizes in bytes.
const SMALLEST: usize = 1_000;
const LARGEST: usize = 300_000;

/// What is to be written. Equal seeds give the same files by the same steps with the same pauses.
#[derive(Clone, Debug)]
pub struct Mix {
    /// The tree to write into.
    pub root: PathBuf,
    /// The number of files, shared equally by the protocols.
    pub files: usize,
    /// The number of folders.
    pub folders: usize,
    /// How long slow writers pause.
    pub pause: Duration,
    /// The number of writers at a time. Most of the time each of them sleeps.
    pub writers: usize,
    /// Where random choices come from.
    pub chance: Chance,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Each file.
    pub truth: Truth,
    /// How each came to be.
    pub protocols: BTreeMap<Vec<u8>, Protocol>,
}

impl Mix {
    /// Makes the folders, unless they are there.
    #[must_use]
    pub fn prepare(&self) -> Vec<PathBuf> {
        let folder = |number| self.root.join(format!("d{number:02}"));
        let folders: Vec<PathBuf> = (0..self.folders.max(1)).map(folder).collect();
        for folder in &folders {
            std::fs::create_dir_all(folder)
                .unwrap_or_else(|error| panic!("failed to create {}: {error}", folder.display()));
        }
        folders
    }

    /// Writes everything and says what was written.
    #[must_use]
    pub fn run(&self) -> Written {
        let folders = self.prepare();
        let mut order: Vec<Protocol> = Protocol::ALL.into_iter().cycle().take(self.files).collect();
        self.chance.clone().shuffle(&mut order);
        let next = AtomicUsize::new(0);
        let written = Mutex::new(Written::default());
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(protocol) = order.get(number) else { return };
                self.write(number, &folders[number % folders.len()], *protocol, &written);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.writers.max(1) {
                scope.spawn(work);
            }
        });
        written.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, number: usize, folder: &Path, protocol: Protocol, written: &Mutex<Written>) {
        let mut chance = self.chance.fork(number as u64);
        let name = format!("{protocol:?}-{number:04}.dat").to_lowercase();
        let size = SMALLEST + chance.below(LARGEST - SMALLEST);
        let content = chance.bytes(size);
        let path = folder.join(&name);
        let pause = self.pause + chance.up_to(self.pause / 4);
        let mut draft = Draft { folder: folder.to_path_buf(), name, content, chance, pause };
        let aftermath = draft.write(protocol).unwrap_or_else(|error| failed(&path, &error));
        let below = path.strip_prefix(&self.root).unwrap_or(&path).as_os_str().as_bytes();
        {
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            written.truth.note(below, &draft.content);
            written.protocols.insert(below.to_vec(), protocol);
        }
        aftermath.run(&mut draft.chance).unwrap_or_else(|error| failed(&path, &error));
    }
}

fn failed(path: &Path, error: &std::io::Error) -> ! {
    panic!("failed to make {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::scratch::Scratch;

    fn mix(scratch: &Scratch, seed: u64) -> Mix {
        let (root, chance) = (scratch.path().to_path_buf(), Chance::new(seed));
        Mix { root, files: 60, folders: 2, pause: Duration::from_millis(5), writers: 60, chance }
    }

    #[test]
    fn each_protocol_leaves_what_it_logged_and_nothing_else() {
        let scratch = Scratch::on_disk("mix");
        let written = mix(&scratch, 1).run();
        assert_eq!(written.truth.paths(), 60);
        for protocol in Protocol::ALL {
            assert_eq!(written.protocols.values().filter(|of| **of == protocol).count(), 10);
        }
        for (path, versions) in written.truth.by_path() {
            let on_disk = std::fs::read(scratch.path().join(OsStr::from_bytes(path))).unwrap();
            assert_eq!(versions.last().unwrap().hash, blake3::hash(&on_disk));
        }
        let left = |folder: &str| scratch.path().join(folder).read_dir().unwrap().count();
        assert_eq!(left("d00") + left("d01"), 60);
    }

    #[test]
    fn equal_seeds_give_equal_files() {
        let contents = |seed| {
            let written = mix(&Scratch::in_memory("mix"), seed).run();
            let versions = written.truth.published.into_iter();
            versions.map(|version| (version.path, version.hash)).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(contents(5), contents(5));
        assert_ne!(contents(5), contents(6));
    }
}
