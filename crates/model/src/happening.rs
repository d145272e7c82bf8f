//! What the kernel tells of a watched tree, event by event: the vocabulary of event streams.
//!
//! A happening is no unit: nothing lies there that could be complete, and it has no generations. It is told
//! once, in order, to the sinks that ask for the stream of a tree.

use std::io::Write as _;

use crate::text::push_json_path;

/// One thing that happened in a watched tree, or to the watching of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Happening {
    /// A name was made: a file, a directory, a link.
    Create = 0,
    /// Opened.
    Open = 1,
    /// Read.
    Access = 2,
    /// Written to or cut.
    Modify = 3,
    /// Mode, owner, times, links or extended attributes changed.
    Attrib = 4,
    /// A descriptor that could write was closed.
    CloseWrite = 5,
    /// A descriptor that could only read was closed.
    CloseNowrite = 6,
    /// Renamed away.
    MovedFrom = 7,
    /// Renamed hither.
    MovedTo = 8,
    /// Removed.
    Delete = 9,
    /// The watched root itself was removed.
    DeleteSelf = 10,
    /// The watched root itself was renamed.
    MoveSelf = 11,
    /// The watching of a root began: everything below it is heard from now on.
    WatchInit = 12,
    /// The configuration of the watch was changed while it runs.
    WatchReconfig = 13,
    /// The watching of a root ended in order: it is gone, no longer configured, or the program stops.
    WatchDead = 14,
    /// Something may have been missed; what the tree shows differently follows as synthetic happenings.
    Overflow = 15,
}

impl Happening {
    /// Every happening, in the order of their numbers.
    pub const ALL: [Happening; 16] = [
        Happening::Create,
        Happening::Open,
        Happening::Access,
        Happening::Modify,
        Happening::Attrib,
        Happening::CloseWrite,
        Happening::CloseNowrite,
        Happening::MovedFrom,
        Happening::MovedTo,
        Happening::Delete,
        Happening::DeleteSelf,
        Happening::MoveSelf,
        Happening::WatchInit,
        Happening::WatchReconfig,
        Happening::WatchDead,
        Happening::Overflow,
    ];

    /// The stable name, as in configuration, in `data.event.what` and in the plugin protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Happening::Create => "create",
            Happening::Open => "open",
            Happening::Access => "access",
            Happening::Modify => "modify",
            Happening::Attrib => "attrib",
            Happening::CloseWrite => "close_write",
            Happening::CloseNowrite => "close_nowrite",
            Happening::MovedFrom => "moved_from",
            Happening::MovedTo => "moved_to",
            Happening::Delete => "delete",
            Happening::DeleteSelf => "delete_self",
            Happening::MoveSelf => "move_self",
            Happening::WatchInit => "watch_init",
            Happening::WatchReconfig => "watch_reconfig",
            Happening::WatchDead => "watch_dead",
            Happening::Overflow => "overflow",
        }
    }

    /// The happening of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == name)
    }

    /// Its name as a kind of event in the ledger.
    pub(crate) const fn kind_name(self) -> &'static str {
        match self {
            Happening::Create => "on-create",
            Happening::Open => "on-open",
            Happening::Access => "on-access",
            Happening::Modify => "on-modify",
            Happening::Attrib => "on-attrib",
            Happening::CloseWrite => "on-close_write",
            Happening::CloseNowrite => "on-close_nowrite",
            Happening::MovedFrom => "on-moved_from",
            Happening::MovedTo => "on-moved_to",
            Happening::Delete => "on-delete",
            Happening::DeleteSelf => "on-delete_self",
            Happening::MoveSelf => "on-move_self",
            Happening::WatchInit => "on-watch_init",
            Happening::WatchReconfig => "on-watch_reconfig",
            Happening::WatchDead => "on-watch_dead",
            Happening::Overflow => "on-overflow",
        }
    }

    /// The event's `type`.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Happening::Create => "staithe.fs.create",
            Happening::Open => "staithe.fs.open",
            Happening::Access => "staithe.fs.access",
            Happening::Modify => "staithe.fs.modify",
            Happening::Attrib => "staithe.fs.attrib",
            Happening::CloseWrite => "staithe.fs.close_write",
            Happening::CloseNowrite => "staithe.fs.close_nowrite",
            Happening::MovedFrom => "staithe.fs.moved_from",
            Happening::MovedTo => "staithe.fs.moved_to",
            Happening::Delete => "staithe.fs.delete",
            Happening::DeleteSelf => "staithe.fs.delete_self",
            Happening::MoveSelf => "staithe.fs.move_self",
            Happening::WatchInit => "staithe.fs.watch_init",
            Happening::WatchReconfig => "staithe.fs.watch_reconfig",
            Happening::WatchDead => "staithe.fs.watch_dead",
            Happening::Overflow => "staithe.fs.overflow",
        }
    }

    /// Whether it is about the watching rather than about something in the tree: such happenings reach every
    /// sink of a stream, whatever the stream asks for.
    #[must_use]
    pub const fn is_of_the_watch(self) -> bool {
        matches!(
            self,
            Happening::WatchInit | Happening::WatchReconfig | Happening::WatchDead | Happening::Overflow
        )
    }
}

/// A set of happenings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HappeningSet(u16);

impl HappeningSet {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(u16::MAX);

    /// With `what` added.
    #[must_use]
    pub const fn with(self, what: Happening) -> Self {
        Self(self.0 | 1 << what as u8)
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `what` is in the set.
    #[must_use]
    pub const fn contains(self, what: Happening) -> bool {
        self.0 & 1 << what as u8 != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in the set, in the order of [`Happening::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Happening> {
        Happening::ALL.into_iter().filter(move |what| self.contains(*what))
    }
}

/// What is known of one happening beside its path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// It is about a directory.
    pub is_dir: bool,
    /// The kernel did not tell of it: it was found by a look at the tree.
    pub synthetic: bool,
    /// Of a rename: what both halves have in common, else 0.
    pub cookie: u32,
    /// Of a rename: it is the second half, and the event says both paths ([`Moved`]).
    pub moved: bool,
}

impl Detail {
    const IS_DIR: u64 = 1 << 32;
    const SYNTHETIC: u64 = 1 << 33;
    const MOVED: u64 = 1 << 34;

    /// As the number that stands in the place of a size in the event's fingerprint.
    #[must_use]
    pub const fn pack(self) -> u64 {
        (self.cookie as u64)
            | if self.is_dir { Self::IS_DIR } else { 0 }
            | if self.synthetic { Self::SYNTHETIC } else { 0 }
            | if self.moved { Self::MOVED } else { 0 }
    }

    /// From that number.
    #[must_use]
    pub const fn unpack(packed: u64) -> Self {
        Self {
            is_dir: packed & Self::IS_DIR != 0,
            synthetic: packed & Self::SYNTHETIC != 0,
            cookie: packed as u32,
            moved: packed & Self::MOVED != 0,
        }
    }
}

/// Both ends of a rename, as absolute paths; they may lie in two watched trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where it was.
    pub from: Box<[u8]>,
    /// Where it is.
    pub to: Box<[u8]>,
}

/// Appends `,"event":{…}`.
pub(crate) fn push(out: &mut Vec<u8>, what: Happening, detail: Detail, moved: Option<&Moved>) {
    let Detail { is_dir, synthetic, cookie, .. } = detail;
    let _ = write!(
        out,
        ",\"event\":{{\"what\":\"{}\",\"is_dir\":{is_dir},\"synthetic\":{synthetic}",
        what.name()
    );
    if cookie != 0 {
        let _ = write!(out, ",\"cookie\":{cookie}");
    }
    if let Some(moved) = moved {
        out.extend_from_slice(b",\"moved\":{");
        push_json_path(out, "from", &moved.from);
        out.push(b',');
        push_json_path(out, "to", &moved.to);
        out.push(b'}');
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_one_and_what_is_packed_comes_out() {
        for what in Happening::ALL {
            assert_eq!(Happening::from_name(what.name()), Some(what));
            assert_eq!(what.kind_name(), format!("on-{}", what.name()));
            assert_eq!(what.type_name(), format!("staithe.fs.{}", what.name()));
            assert!(HappeningSet::ALL.contains(what));
            assert_eq!(HappeningSet::EMPTY.with(what).iter().collect::<Vec<_>>(), [what]);
        }
        for bits in 0..8 {
            let detail = Detail {
                is_dir: bits & 1 != 0,
                synthetic: bits & 2 != 0,
                moved: bits & 4 != 0,
                cookie: u32::MAX - bits,
            };
            assert_eq!(Detail::unpack(detail.pack()), detail);
        }
    }
}
