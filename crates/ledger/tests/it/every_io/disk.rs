//! A directory as a disk keeps it: what was written, and what of it would be there after a power cut.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::trace::Op;
use crate::house::Dice;

/// The unit in which a disk writes.
const SECTOR: usize = 512;

/// Which names are there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    /// As the process saw them.
    Written,
    /// As they were when the directory was synced last.
    Synced,
}

/// What is there of bytes that were written and not synced.
pub(super) enum Unsynced<'a> {
    All,
    None,
    /// Any sectors of it.
    Some(&'a mut Dice),
}

/// A file's content.
#[derive(Clone, Debug, Default)]
struct File {
    synced: Vec<u8>,
    /// What came after the last sync, in order.
    since: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// The directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    files: Vec<File>,
    written: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
}

impl Disk {
    /// A directory that lies there; all of it is synced.
    pub(super) fn of(dir: &Path) -> Self {
        let mut disk = Self::default();
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let (name, synced) = (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
            disk.written.insert(name, disk.files.len());
            disk.files.push(File { synced, since: Vec::new() });
        }
        disk.synced.clone_from(&disk.written);
        disk
    }

    pub(super) fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(name) => {
                if !self.written.contains_key(name) {
                    self.written.insert(name.clone(), self.files.len());
                    self.files.push(File::default());
                }
            }
            Op::Write { file, at, bytes } => {
                self.change(file, Change::Write { at: *at as usize, bytes: bytes.clone() });
            }
            Op::Truncate { file, len } => self.change(file, Change::Truncate(*len as usize)),
            Op::Sync(name) => {
                if let Some(&file) = self.written.get(name) {
                    self.files[file].sync();
                }
            }
            Op::SyncDir => self.synced.clone_from(&self.written),
            Op::Rename { from, to } => {
                if let Some(file) = self.written.remove(from) {
                    self.written.insert(to.clone(), file);
                }
            }
            Op::Unlink(name) => drop(self.written.remove(name)),
            Op::Say(_) => {}
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        // Of a file that has no name any more nothing is left.
        if let Some(&file) = self.written.get(name) {
            self.files[file].since.push(change);
        }
    }

    /// Makes the directory as it would be found.
    pub(super) fn put(&self, dir: &Path, names: Names, mut unsynced: Unsynced<'_>) {
        let names = match names {
            Names::Written => &self.written,
            Names::Synced => &self.synced,
        };
        for (name, &file) in names {
            // The lock's text is of no account.
            let content = self.files[file].content(&mut unsynced);
            fs::write(dir.join(name), content).unwrap();
        }
    }
}

impl File {
    fn sync(&mut self) {
        self.synced = self.content(&mut Unsynced::All);
        self.since.clear();
    }

    fn content(&self, unsynced: &mut Unsynced<'_>) -> Vec<u8> {
        let mut content = self.synced.clone();
        for change in &self.since {
            match (change, &mut *unsynced) {
                (_, Unsynced::None) => {}
                (Change::Truncate(len), Unsynced::All) => content.resize(*len, 0),
                (Change::Truncate(len), Unsynced::Some(dice)) => {
                    if dice.below(2) == 0 {
                        content.resize(*len, 0);
                    }
                }
                (Change::Write { at, bytes }, Unsynced::All) => write(&mut content, *at, bytes),
                (Change::Write { at, bytes }, Unsynced::Some(dice)) => {
                    for (sector, from, to) in sectors(*at, bytes.len()) {
                        if dice.below(2) == 0 {
                            write(&mut content, sector, &bytes[from..to]);
                        }
                    }
                }
            }
        }
        content
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The pieces of a write that lie in one sector each: where, and from where to where in the write.
fn sectors(at: usize, len: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        if from >= len {
            return None;
        }
        let to = (from + SECTOR - (at + from) % SECTOR).min(len);
        let piece = (at + from, from, to);
        from = to;
        Some(piece)
    })
}
