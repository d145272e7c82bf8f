//! What the writers did: the standard against which receipts are judged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use blake3::Hash;

/// One version of one file, finished.
#[derive(Clone, Debug)]
pub struct Published {
    /// Below the root, as bytes.
    pub path: Vec<u8>,
    /// Bytes in the finished version.
    pub size: u64,
    /// BLAKE3 of the finished version.
    pub hash: Hash,
    /// When it was finished: closed, renamed or linked into place.
    pub at: Instant,
}

/// Everything that was published, in the order of each writer.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Every version.
    pub published: Vec<Published>,
}

impl Truth {
    /// Writes a file by create, write, close, and notes it. Its folder must be there.
    pub fn write(&mut self, root: &Path, path: &[u8], content: &[u8]) {
        use std::os::unix::ffi::OsStrExt as _;
        let full = root.join(std::ffi::OsStr::from_bytes(path));
        std::fs::write(&full, content)
            .unwrap_or_else(|error| panic!("failed to write {}: {error}", full.display()));
        self.note(path, content);
    }

    /// Notes that this content has just been published under this path.
    pub fn note(&mut self, path: &[u8], content: &[u8]) {
        self.published.push(Published {
            path: path.to_vec(),
            size: content.len() as u64,
            hash: blake3::hash(content),
            at: Instant::now(),
        });
    }

    /// Takes over what another writer noted.
    pub fn merge(&mut self, other: Truth) {
        self.published.extend(other.published);
    }

    /// The number of different paths.
    #[must_use]
    pub fn paths(&self) -> usize {
        self.by_path().len()
    }

    /// The versions of each path, oldest first.
    #[must_use]
    pub fn by_path(&self) -> BTreeMap<&[u8], Vec<&Published>> {
        let mut map: BTreeMap<&[u8], Vec<&Published>> = BTreeMap::new();
        for version in &self.published {
            map.entry(&version.path).or_default().push(version);
        }
        map
    }
}
