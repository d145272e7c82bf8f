//! Two trees to play with, and how to see whether they are equal without the code under test.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use mirror::{Brought, Compare, Content, Difference, Options, Pair, Sample, What};

/// A source and a place for its mirror, both in memory.
pub(crate) struct Rig {
    _dir: tempfile::TempDir,
    pub(crate) source: PathBuf,
    pub(crate) destination: PathBuf,
    /// A tree that nobody may touch, beside both.
    pub(crate) outside: PathBuf,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let [source, destination, outside] =
            ["source", "mirror", "outside"].map(|name| dir.path().join(name));
        fs::create_dir(&source).unwrap();
        fs::create_dir(&outside).unwrap();
        Self { _dir: dir, source, destination, outside }
    }

    pub(crate) fn options() -> Options {
        Options { name: "test".to_owned(), ..Options::default() }
    }

    pub(crate) fn pair(&self) -> Pair {
        Pair::open(&self.source, &self.destination, Self::options()).unwrap()
    }

    /// Writes a file of the source, and what is missing above it.
    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.source, path, text);
    }

    pub(crate) fn there(&self, path: &str) -> PathBuf {
        self.source.join(path)
    }

    pub(crate) fn here(&self, path: &str) -> PathBuf {
        self.destination.join(path)
    }

    pub(crate) fn assert_equal(&self) {
        let (there, here) = (snapshot(&self.source), snapshot(&self.destination));
        for (path, entry) in &there {
            assert_eq!(here.get(path), Some(entry), "{}", path.display());
        }
        let extra: Vec<_> = here.keys().filter(|path| !there.contains_key(*path)).collect();
        assert!(extra.is_empty(), "{extra:?}");
    }
}

pub(crate) fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

pub(crate) fn bring(pair: &Pair, path: &str, content: Content) -> Brought {
    pair.bring(path.as_bytes(), content, &|_| true).unwrap()
}

pub(crate) fn chmod(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// Sets the mtime of whatever is there, of a link itself.
pub(crate) fn touch(path: &Path, mtime: (i64, u32)) {
    let parent = sys::Dir::open_root(path.parent().unwrap()).unwrap();
    let grip = parent.grip(path.file_name().unwrap().as_bytes()).unwrap();
    sys::inode::set_times(&grip, (1, 1), mtime).unwrap();
}

/// Walks through both trees and brings whatever differs, until nothing does; answers what was told at first.
pub(crate) fn equalize(pair: &Pair) -> Vec<String> {
    let first = walk(pair, 100, true);
    for _ in 0..8 {
        if walk(pair, 100, true).is_empty() {
            return first;
        }
    }
    panic!("differences stay: {:?}", walk(pair, 100, false));
}

/// One walk; `act` brings what differs.
pub(crate) fn walk(pair: &Pair, budget: usize, act: bool) -> Vec<String> {
    let mut told = Vec::new();
    let mut compare = Compare::whole();
    while !compare.is_done() {
        compare
            .step(pair, budget, &mut |found| {
                told.push(line(&found));
                if !act {
                    return;
                }
                match found.what {
                    What::Leftover => drop(pair.remove(&found.path).unwrap()),
                    _ => drop(pair.bring(&found.path, Content::IfDiffers, &|_| true).unwrap()),
                }
            })
            .unwrap();
    }
    assert_eq!(compare.progress().differences, told.len() as u64);
    told
}

fn line(found: &Difference) -> String {
    let what = match &found.what {
        What::MissingThere { .. } => "missing",
        What::ExtraThere { .. } => "extra",
        What::Leftover => "leftover",
        What::Type => "type",
        What::Content { .. } => "content",
        What::Target => "target",
        What::Mode(..) => "mode",
        What::Owner(..) => "owner",
        What::Times(..) => "times",
        What::Unreadable(_) => "unreadable",
    };
    format!("{what} {}", String::from_utf8_lossy(&found.path))
}

/// What a person would see of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Directory { mode: u32, mtime: (i64, i64) },
    File { mode: u32, mtime: (i64, i64), content: Vec<u8> },
    Link { mtime: (i64, i64), text: PathBuf },
    Special,
}

/// All of a tree but our marker.
pub(crate) fn snapshot(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let path = root.join(&below);
        let facts = fs::symlink_metadata(&path).unwrap();
        let (mode, mtime) = (facts.mode() & 0o7777, (facts.mtime(), facts.mtime_nsec()));
        let entry = if facts.is_dir() {
            for entry in fs::read_dir(&path).unwrap() {
                let name = entry.unwrap().file_name();
                if name != ".staithe-mirror" {
                    open.push(below.join(name));
                }
            }
            Seen::Directory { mode, mtime }
        } else if facts.is_symlink() {
            Seen::Link { mtime, text: fs::read_link(&path).unwrap() }
        } else if facts.is_file() {
            Seen::File { mode, mtime, content: fs::read(&path).unwrap() }
        } else {
            Seen::Special
        };
        seen.insert(below, entry);
    }
    seen
}

/// A tree with all that can be told of it, to see that nobody touched it.
pub(crate) fn fingerprint(root: &Path) -> Vec<String> {
    let mut lines: Vec<String> = snapshot(root)
        .into_iter()
        .map(|(path, seen)| {
            let facts = fs::symlink_metadata(root.join(&path)).unwrap();
            format!("{} {} {} {} {seen:?}", path.display(), facts.ino(), facts.uid(), facts.gid())
        })
        .collect();
    lines.sort();
    lines
}

/// All times are to be set, if the source's file still is as it is now.
pub(crate) fn only_times(pair: &Pair, path: &[u8]) -> Content {
    let look = pair.look_source(path).ok().flatten();
    look.map_or(Content::Never, |look| {
        Content::OnlyTimesOf(Sample { size: look.size, mtime: look.mtime, inode: look.inode })
    })
}
