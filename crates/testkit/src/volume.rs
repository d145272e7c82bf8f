//! A file system of a test's own: one whose power can be cut, or one that becomes full.
//!
//! It is mounted where everybody sees it, so that the program under test needs no namespace. A small program holds it
//! and unmounts it when its standard input ends: also when the test is killed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::scratch::Scratch;

const KEEPER: &str = include_str!("volume/keeper.py");

/// What lies on a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filesystem {
    /// ext4 in an image of its own.
    Ext4,
    /// XFS in an image of its own.
    Xfs,
    /// Memory, so many bytes.
    Memory(u64),
}

impl Filesystem {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Filesystem::Ext4 => "ext4",
            Filesystem::Xfs => "xfs",
            Filesystem::Memory(_) => "tmpfs",
        }
    }

    /// The image's size: mkfs.xfs makes none below 300 MB. Only what is written takes room.
    fn image_size(self) -> u64 {
        match self {
            Filesystem::Ext4 => 512 << 20,
            Filesystem::Xfs => 640 << 20,
            Filesystem::Memory(_) => 0,
        }
    }
}

/// A mounted file system, unmounted at the end.
#[derive(Debug)]
pub struct Volume {
    keeper: Child,
    // Taken at the end, which the keeper sees.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    point: PathBuf,
    _scratch: Scratch,
}

impl Volume {
    /// Makes and mounts it.
    ///
    /// # Errors
    /// A sentence on what this machine lacks.
    pub fn new(filesystem: Filesystem) -> Result<Self, String> {
        let scratch = Scratch::in_memory("volume");
        let (point, image) = (scratch.folder("point"), scratch.path().join("image"));
        let (image, kind) = match filesystem {
            Filesystem::Memory(bytes) => (PathBuf::from("-"), bytes.to_string()),
            Filesystem::Ext4 | Filesystem::Xfs => {
                let made = File::create(&image).and_then(|file| file.set_len(filesystem.image_size()));
                made.map_err(|error| format!("no image: {error}"))?;
                (image, filesystem.name().to_owned())
            }
        };
        let mut command = Command::new("python3");
        command.args(["-c", KEEPER]).arg(&point).arg(image).arg(kind);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut keeper = command.spawn().map_err(|error| format!("no python3: {error}"))?;
        let answers = BufReader::new(keeper.stdout.take().ok_or("no standard output")?);
        let orders = keeper.stdin.take();
        let mut volume = Self { keeper, orders, answers, point, _scratch: scratch };
        volume.order("make")?;
        volume.order("mount")?;
        Ok(volume)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.point
    }

    /// Cuts its power: what was not synced is gone, and whoever uses it gets errors from now on.
    #[track_caller]
    pub fn cut_power(&mut self) {
        self.must("cut");
    }

    /// Unmounts and mounts it, as a reboot does. Nobody may use it any more.
    #[track_caller]
    pub fn reboot(&mut self) {
        self.must("unmount");
        self.must("mount");
    }

    #[track_caller]
    fn must(&mut self, word: &str) {
        self.order(word).unwrap_or_else(|error| panic!("failed to {word} {}: {error}", self.point.display()));
    }

    fn order(&mut self, word: &str) -> Result<(), String> {
        let orders = self.orders.as_mut().ok_or("it has ended")?;
        orders.write_all(format!("{word}\n").as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(|error| error.to_string())?;
        match answer.trim() {
            "ok" => Ok(()),
            other => Err(format!("{word}: {other}")),
        }
    }

    /// Takes up all of its room but so many bytes; the file that does so frees it when it is removed.
    #[track_caller]
    #[must_use]
    pub fn fill_up(&self, left: u64) -> PathBuf {
        let path = self.point.join("everything-else");
        let facts = rustix::fs::statvfs(&self.point).expect("a mounted file system has figures");
        let take = (facts.f_bavail * facts.f_frsize).saturating_sub(left) as usize;
        if let Err(error) = fs::write(&path, vec![0x5a; take]) {
            // Somebody else may have taken some of it meanwhile.
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        }
        path
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_is_gone_after_a_power_cut() {
        for filesystem in [Filesystem::Ext4, Filesystem::Xfs] {
            let mut volume = match Volume::new(filesystem) {
                Ok(volume) => volume,
                Err(why) => {
                    println!("SKIPPED power cut on {}: {why}", filesystem.name());
                    continue;
                }
            };
            let write = |name: &str| {
                let mut file = File::create(volume.path().join(name)).unwrap();
                file.write_all(b"content").unwrap();
                file
            };
            write("synced").sync_all().unwrap();
            File::open(volume.path()).unwrap().sync_all().unwrap();
            drop(write("not synced"));
            volume.cut_power();
            assert!(fs::write(volume.path().join("after"), b"x").is_err());
            volume.reboot();
            assert_eq!(fs::read(volume.path().join("synced")).unwrap(), b"content");
            assert!(!volume.path().join("not synced").exists());
        }
    }

    #[test]
    fn a_full_one_takes_nothing_until_it_is_freed() {
        let Ok(volume) = Volume::new(Filesystem::Memory(1 << 20)) else {
            return println!("SKIPPED full disk: no mounts here");
        };
        let filler = volume.fill_up(0);
        assert!(fs::write(volume.path().join("a"), b"x").is_err());
        fs::remove_file(filler).unwrap();
        fs::write(volume.path().join("a"), b"x").unwrap();
    }
}
