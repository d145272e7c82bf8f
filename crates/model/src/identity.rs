//! What makes a generation of a path the same generation: fingerprints and deterministic ids.

use std::fmt;

use crate::kind::Kind;
use crate::time::Stamp;

/// What one look at a file tells about its content without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Bytes.
    pub size: u64,
    /// Time of the last change of content.
    pub mtime: Stamp,
    /// The inode number; 0 where it is not persistent and therefore left out. Of a dataset, a fold
    /// of what its members look like.
    pub inode: u64,
}

/// The stable id of one generation of one path: 128 bits, shown as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// Reads 32 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }

    /// The 32 lower-case hex digits.
    #[must_use]
    pub fn hex(self) -> [u8; 32] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut out = [0; 32];
        for (at, byte) in self.0.into_iter().enumerate() {
            out[2 * at] = HEX[usize::from(byte >> 4)];
            out[2 * at + 1] = HEX[usize::from(byte & 15)];
        }
        out
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.hex();
        f.write_str(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A 128-bit key of a path within its source, for maps that must stay small.
///
/// It is a cryptographic hash because names are hostile input: two names that could be made to
/// collide on purpose would let one file hide another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathKey(pub u128);

impl std::hash::Hash for PathKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The key is uniformly distributed already.
        state.write_u64(self.0 as u64);
    }
}

impl PathKey {
    /// The key of `path` (relative to its source).
    #[must_use]
    pub fn of(path: &[u8]) -> Self {
        let hash = blake3::hash(path);
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Self(u128::from_le_bytes(key))
    }

    /// 64 bits of it, as a signed integer for the ledger's index.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0 as i64
    }
}

/// Everything that the id of a generation is made from.
///
/// Not the device number (it changes on remount), not the change time (chmod and link change it).
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The site's name.
    pub site: &'a str,
    /// The source's name.
    pub source: &'a str,
    /// The path relative to the source's root.
    pub path: &'a [u8],
    /// What it is.
    pub kind: Kind,
    /// What it looked like when it was complete.
    pub fingerprint: Fingerprint,
    /// How often the same fingerprint came back at this path after something else was there.
    pub recurrence: u32,
}

impl Identity<'_> {
    /// The first 128 bits of BLAKE3 over the length-prefixed parts.
    ///
    /// The layout is part of the contract: it must never change, or every file would be new.
    #[must_use]
    pub fn id(&self) -> EventId {
        // Nine lengths, and 52 bytes of numbers and the kind's name beside the names.
        let mut parts = Vec::with_capacity(self.site.len() + self.source.len() + self.path.len() + 160);
        let mut part = |bytes: &[u8]| {
            parts.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            parts.extend_from_slice(bytes);
        };
        part(self.site.as_bytes());
        part(self.source.as_bytes());
        part(self.path);
        part(self.kind.name().as_bytes());
        part(&self.fingerprint.size.to_le_bytes());
        part(&self.fingerprint.mtime.sec.to_le_bytes());
        part(&self.fingerprint.mtime.nsec.to_le_bytes());
        part(&self.fingerprint.inode.to_le_bytes());
        part(&self.recurrence.to_le_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(&parts).as_bytes()[..16]);
        EventId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(path: &[u8], recurrence: u32) -> Identity<'_> {
        let fingerprint = Fingerprint { size: 1234, mtime: Stamp::new(1_700_000_000, 5), inode: 1311 };
        Identity { site: "obs1", source: "stage1", path, kind: Kind::File, fingerprint, recurrence }
    }

    #[test]
    fn the_id_never_changes_between_versions() {
        assert_eq!(identity(b"a/b c.dat", 0).id().to_string(), "644fd4a5fd1238cbae6f28ddf48d5c8e");
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let one = Identity { site: "ab", source: "c", ..identity(b"x", 0) };
        let two = Identity { site: "a", source: "bc", ..identity(b"x", 0) };
        assert_ne!(one.id(), two.id());
        assert_ne!(identity(b"x", 0).id(), identity(b"x", 1).id());
    }

    #[test]
    fn hex_round_trips() {
        let id = identity(b"x", 0).id();
        assert_eq!(EventId::from_hex(&id.to_string()), Some(id));
        assert_eq!(std::str::from_utf8(&id.hex()).unwrap(), id.to_string());
        assert_eq!(EventId::from_hex("zz"), None);
    }
}
