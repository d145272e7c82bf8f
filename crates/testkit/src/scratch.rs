//! Folders of a test's own, removed when it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FsWord, statfs};

/// How `statfs` names a file system in memory.
const TMPFS: FsWord = 0x0102_1994;

/// A fresh folder. It is removed on drop, except when the test fails and `STAITHE_KEEP` is set.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// On a disk.
    #[must_use]
    pub fn on_disk(label: &str) -> Self {
        Self::below(&disk(), label)
    }

    /// In memory (`/dev/shm`), where the machine has that; else on disk.
    #[must_use]
    pub fn in_memory(label: &str) -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::below(memory, label) } else { Self::on_disk(label) }
    }

    fn below(parent: &Path, label: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // A process of an earlier boot may have had our id and left its folder behind.
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("staithe-{label}-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self { path },
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("failed to create {}: {error}", path.display()),
            }
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new folder in it.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(&path).expect("a scratch folder takes new folders");
        path
    }
}

/// The temporary directory, except where that lies in memory, as it does on newer Debian machines: files
/// in memory have other habits (stores through a mapping leave their times alone).
fn disk() -> PathBuf {
    let (temporary, lasting) = (std::env::temp_dir(), PathBuf::from("/var/tmp"));
    let in_memory = |folder: &Path| statfs(folder).is_ok_and(|facts| facts.f_type == TMPFS);
    if in_memory(&temporary) && lasting.is_dir() { lasting } else { temporary }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("STAITHE_KEEP").is_some() {
            eprintln!("kept {}", self.path.display());
            return;
        }
        // A file that is already gone is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_differ_and_vanish() {
        let (one, two) = (Scratch::on_disk("a"), Scratch::in_memory("a"));
        assert_ne!(one.path(), two.path());
        let kept = one.path().to_path_buf();
        fs::write(one.folder("x").join("y"), b"z").unwrap();
        drop(one);
        assert!(!kept.exists());
    }
}
