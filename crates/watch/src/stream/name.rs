//! A name that takes little room: most need no memory of their own.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

/// So long a name lies where a longer one has its pointer.
const SHORT: usize = 22;

/// The name of an entry.
#[derive(Clone)]
pub(super) enum Name {
    /// Its length and its bytes.
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Name {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Name::Short(length, bytes) => &bytes[..usize::from(*length)],
            Name::Long(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Name {
    fn from(name: &[u8]) -> Self {
        if name.len() > SHORT {
            return Name::Long(name.into());
        }
        let mut bytes = [0; SHORT];
        bytes[..name.len()].copy_from_slice(name);
        Name::Short(name.len() as u8, bytes)
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.bytes()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Name {}

/// As its bytes: they are what is looked for.
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_name_is_its_bytes_at_every_length() {
        let all: Vec<Vec<u8>> = (0..60).map(|length| vec![0xff; length]).collect();
        let names: HashSet<Name> = all.iter().map(|name| Name::from(&name[..])).collect();
        assert_eq!(names.len(), all.len());
        for name in &all {
            assert_eq!(names.get(&name[..]).map(Name::bytes), Some(&name[..]));
        }
    }

    #[test]
    fn it_takes_as_little_room_as_it_was_made_for() {
        assert_eq!(size_of::<Name>(), 24);
    }
}
