//! Reading the files of a list, each in the same bounded way.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What up to so many bytes long is kept; of what is longer only its hash.
const KEPT: u64 = 256 * 1024;

/// What was found at each path of the list.
pub(super) type Reading = BTreeMap<PathBuf, Found>;

/// What was found at a path.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// A file, whole.
    Kept(Arc<[u8]>),
    /// A large file, for instance a plugin's program.
    Hashed {
        /// Of its content.
        hash: [u8; 32],
        /// What it was when it was hashed: it is not read again while that is the same.
        identity: Identity,
    },
    /// Nothing that can be read, and why.
    Missing(String),
}

/// What changes whenever a file is written, replaced or restored: the kernel sets the last member itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity([i128; 5]);

impl PartialEq for Found {
    /// By content: who wrote it, when and where it lies is all the same.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Found::Kept(mine), Found::Kept(others)) => mine == others,
            (Found::Hashed { hash: mine, .. }, Found::Hashed { hash: others, .. }) => mine == others,
            (Found::Missing(mine), Found::Missing(others)) => mine == others,
            _ => false,
        }
    }
}

/// Reads each file. `before` spares reading large files that have not changed since.
pub(super) fn read(paths: &[PathBuf], before: &Reading) -> Reading {
    let found = |path: &PathBuf| {
        let found = look(path, before.get(path)).unwrap_or_else(|error| Found::Missing(error.to_string()));
        (path.clone(), found)
    };
    paths.iter().map(found).collect()
}

fn look(path: &Path, before: Option<&Found>) -> io::Result<Found> {
    // Opening a FIFO would wait for its writer.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if meta.len() <= KEPT {
        let mut bytes = Vec::new();
        // One more than is kept: what has grown meanwhile is hashed.
        file.by_ref().take(KEPT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= KEPT {
            return Ok(Found::Kept(bytes.into()));
        }
        file.rewind()?;
    }
    let identity = Identity::of(&meta);
    if let Some(found @ Found::Hashed { identity: known, .. }) = before
        && *known == identity
    {
        return Ok(found.clone());
    }
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Found::Hashed { hash: *hasher.finalize().as_bytes(), identity }),
            length => hasher.update(&piece[..length]),
        };
    }
}

impl Identity {
    fn of(meta: &Metadata) -> Self {
        let changed = i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec());
        let written = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        Self([meta.dev().into(), meta.ino().into(), meta.size().into(), written, changed])
    }
}
