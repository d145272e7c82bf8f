//! What an event is about, and why there is one.

use crate::happening::Happening;

/// What an event is about: a unit, or something that happened to one or to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One file.
    File,
    /// A symbolic link announced as such (drop-ins only).
    Symlink,
    /// A FIFO, socket or device announced as such (drop-ins only).
    Special,
    /// A directory, or a group of files, that is one unit. Its fingerprint: the bytes of all
    /// members, the latest time, and in place of the inode a fold of what the members look like.
    Dataset,
    /// An announced unit is gone.
    Removal {
        /// It was a dataset.
        dataset: bool,
    },
    /// A time in which a source could not be heard. Its fingerprint: size is the gap's number,
    /// mtime is when it was opened.
    Gap {
        /// Its end, rather than its beginning.
        closed: bool,
    },
    /// One event of a tree's stream. Its fingerprint: size is its [`Detail`](crate::happening::Detail), mtime
    /// is when it was heard, inode is a number that grows from one to the next.
    Happening(Happening),
}

impl Kind {
    /// Every kind but happenings.
    const OTHERS: [Kind; 8] = [
        Kind::File,
        Kind::Symlink,
        Kind::Special,
        Kind::Dataset,
        Kind::Removal { dataset: false },
        Kind::Removal { dataset: true },
        Kind::Gap { closed: false },
        Kind::Gap { closed: true },
    ];

    /// Every kind.
    pub fn all() -> impl Iterator<Item = Kind> {
        Self::OTHERS.into_iter().chain(Happening::ALL.into_iter().map(Kind::Happening))
    }

    /// The stable name, different for each: it is part of ids and stands in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Special => "special",
            Kind::Dataset => "dataset",
            Kind::Removal { dataset: false } => "removal",
            Kind::Removal { dataset: true } => "dataset-removal",
            Kind::Gap { closed: false } => "gap",
            Kind::Gap { closed: true } => "gap-closed",
            Kind::Happening(what) => what.kind_name(),
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// What the event is about, as its `data.kind` says it: of a removal, what was removed.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Kind::Removal { dataset: false } => "file",
            Kind::Removal { dataset: true } => "dataset",
            Kind::Gap { .. } => "gap",
            Kind::Happening(_) => "event",
            unit => unit.name(),
        }
    }

    /// Whether it is a unit: something that lies at a path and has generations.
    #[must_use]
    pub const fn is_unit(self) -> bool {
        matches!(self, Kind::File | Kind::Symlink | Kind::Special | Kind::Dataset)
    }

    /// The event's `type`.
    #[must_use]
    pub const fn type_name(self, cause: Cause) -> &'static str {
        match (self, cause) {
            (Kind::File | Kind::Symlink | Kind::Special, _) => "staithe.file.complete",
            (Kind::Dataset, Cause::Overdue) => "staithe.dataset.incomplete",
            (Kind::Dataset, _) => "staithe.dataset.complete",
            (Kind::Removal { .. }, _) => "staithe.file.removed",
            (Kind::Gap { closed: false }, _) => "staithe.gap.opened",
            (Kind::Gap { closed: true }, _) => "staithe.gap.closed",
            (Kind::Happening(what), _) => what.type_name(),
        }
    }
}

/// What made the program announce a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cause {
    /// It arrived while the source was watched.
    Arrived = 0,
    /// It lay there when a scan came by.
    Found = 1,
    /// It still lies there and the source's policy says it again.
    Reannounced = 2,
    /// Its deadline came and it was not complete.
    Overdue = 3,
}

impl Cause {
    /// From the number stored in the ledger.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Cause::Arrived),
            1 => Some(Cause::Found),
            2 => Some(Cause::Reannounced),
            3 => Some(Cause::Overdue),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_those_of_one() {
        for kind in Kind::all() {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("directory"), None);
        for cause in [Cause::Arrived, Cause::Found, Cause::Reannounced, Cause::Overdue] {
            assert_eq!(Cause::from_u8(cause as u8), Some(cause));
        }
        assert_eq!(Cause::from_u8(4), None);
    }
}
