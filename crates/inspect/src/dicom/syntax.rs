//! How a data set is written down.

use std::io::{Read, Seek};

use super::source::Source;
use super::{Tag, Trouble, trimmed};

/// Byte order, and whether each element names its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) explicit: bool,
    pub(super) big: bool,
}

const IMPLICIT_LITTLE: Syntax = Syntax { explicit: false, big: false };
const EXPLICIT_LITTLE: Syntax = Syntax { explicit: true, big: false };
const EXPLICIT_BIG: Syntax = Syntax { explicit: true, big: true };

impl Syntax {
    /// That of the file meta group.
    pub(super) const META: Self = EXPLICIT_LITTLE;
    /// That of an element of unknown type and unknown length, wherever it stands.
    pub(super) const UNKNOWN: Self = IMPLICIT_LITTLE;

    /// By the Transfer Syntax UID. All but a few are explicit and little endian and differ in the pixels.
    pub(super) fn of(uid: &[u8]) -> Result<Self, Trouble> {
        match trimmed(uid) {
            // The default, and one maker's own that has only its pixels the other way round.
            b"1.2.840.10008.1.2" | b"1.2.840.113619.5.2" => Ok(IMPLICIT_LITTLE),
            b"1.2.840.10008.1.2.2" => Ok(EXPLICIT_BIG),
            b"1.2.840.10008.1.2.1.99" | b"1.2.840.10008.1.2.4.95" | b"1.2.840.10008.1.2.4.205" => {
                Err(Trouble::Form("its data set is deflated"))
            }
            _ => Ok(EXPLICIT_LITTLE),
        }
    }

    /// By the first element; nothing where that is none. Believed rather than the file meta group, which
    /// is wrong in some files: taken for a length, the letters of a type are more than any first element has.
    pub(super) fn guess<S: Read + Seek>(source: &mut Source<S>) -> Result<Option<Self>, Trouble> {
        // All data sets begin with group 8, but for command and directory sets, which belong to no series.
        Ok(match source.peek()? {
            Some([8, 0, _, _, b'A'..=b'Z', b'A'..=b'Z']) => Some(EXPLICIT_LITTLE),
            Some([8, 0, ..]) => Some(IMPLICIT_LITTLE),
            _ => None,
        })
    }

    pub(super) fn short(self, bytes: [u8; 2]) -> u16 {
        if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    pub(super) fn long(self, bytes: [u8; 4]) -> u32 {
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    pub(super) fn tag(self, [a, b, c, d]: [u8; 4]) -> Tag {
        (self.short([a, b]), self.short([c, d]))
    }
}

/// Passes over the preamble and the mark behind it; false when there is no mark.
pub(super) fn pass_preamble<S: Read + Seek>(source: &mut Source<S>) -> Result<bool, Trouble> {
    let length = if source.peek::<132>()?.is_some_and(|bytes| bytes.ends_with(b"DICM")) {
        132
    } else if source.peek()? == Some(*b"DICM") {
        4
    } else {
        return Ok(false);
    };
    source.pass(length)?;
    Ok(true)
}
