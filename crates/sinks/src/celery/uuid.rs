//! UUIDs of version 5: the same for the same name.

use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

/// A UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uuid([u8; 16]);

impl Uuid {
    /// The namespace of everything that is named here. It must never change: a task that was sent before an
    /// update and is sent again after it has to keep its id.
    pub(crate) const STAITHE: Self = Self([
        0x5e, 0x1b, 0x7c, 0x02, 0x4f, 0x9a, 0x4d, 0x3e, 0x9c, 0x61, 0x2a, 0xd8, 0x0b, 0x77, 0xe5, 0x14,
    ]);

    /// The UUID of a name within this one.
    pub(crate) fn of(self, name: &[u8]) -> Self {
        let mut sum = Sha1::new();
        sum.update(self.0);
        sum.update(name);
        let mut id = [0; 16];
        id.copy_from_slice(&sum.finalize()[..16]);
        id[6] = (id[6] & 0x0f) | 0x50;
        id[8] = (id[8] & 0x3f) | 0x80;
        Self(id)
    }
}

impl std::fmt::Display for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::with_capacity(36);
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            write!(text, "{byte:02x}")?;
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_as_everybody_elses() {
        // RFC 9562, appendix A.4, and Python's uuid.uuid5(uuid.NAMESPACE_DNS, "python.org").
        let dns = Uuid([
            0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
        ]);
        assert_eq!(dns.of(b"www.example.com").to_string(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
        assert_eq!(dns.of(b"python.org").to_string(), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
    }

    #[test]
    fn the_namespace_never_changes() {
        assert_eq!(Uuid::STAITHE.to_string(), "5e1b7c02-4f9a-4d3e-9c61-2ad80b77e514");
    }
}
