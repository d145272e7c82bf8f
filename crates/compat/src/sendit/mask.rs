//! Event masks by the names that pyinotify has for their bits.

use model::{Happening, HappeningSet};

/// The events, in the order of their bits.
const EVENTS: [(&str, u32, Happening); 12] = [
    ("IN_ACCESS", 0x001, Happening::Access),
    ("IN_MODIFY", 0x002, Happening::Modify),
    ("IN_ATTRIB", 0x004, Happening::Attrib),
    ("IN_CLOSE_WRITE", 0x008, Happening::CloseWrite),
    ("IN_CLOSE_NOWRITE", 0x010, Happening::CloseNowrite),
    ("IN_OPEN", 0x020, Happening::Open),
    ("IN_MOVED_FROM", 0x040, Happening::MovedFrom),
    ("IN_MOVED_TO", 0x080, Happening::MovedTo),
    ("IN_CREATE", 0x100, Happening::Create),
    ("IN_DELETE", 0x200, Happening::Delete),
    ("IN_DELETE_SELF", 0x400, Happening::DeleteSelf),
    ("IN_MOVE_SELF", 0x800, Happening::MoveSelf),
];

/// Bits that say how to watch, or that only the kernel sets.
const OTHERS: [(&str, u32); 9] = [
    ("IN_UNMOUNT", 0x2000),
    ("IN_Q_OVERFLOW", 0x4000),
    ("IN_IGNORED", 0x8000),
    ("IN_ONLYDIR", 0x0100_0000),
    ("IN_DONT_FOLLOW", 0x0200_0000),
    ("IN_EXCL_UNLINK", 0x0400_0000),
    ("IN_MASK_ADD", 0x2000_0000),
    ("IN_ISDIR", 0x4000_0000),
    ("IN_ONESHOT", 0x8000_0000),
];

/// The name of all events together.
const ALL: &str = "ALL_EVENTS";
/// All events together.
pub const ALL_EVENTS: u32 = 0xfff;

/// The number of a name.
#[must_use]
pub fn number(name: &str) -> Option<u32> {
    let events = EVENTS.iter().map(|(event, bit, _)| (*event, *bit));
    let mut all = events.chain(OTHERS).chain([(ALL, ALL_EVENTS)]);
    all.find(|(known, _)| *known == name).map(|(_, bit)| bit)
}

/// The names that `from pyinotify import *` brings.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|(name, ..)| *name).chain(OTHERS.iter().map(|(name, _)| *name)).chain([ALL])
}

/// What a mask asks for.
#[must_use]
pub fn happenings(mask: u32) -> HappeningSet {
    let asked = EVENTS.iter().filter(|(_, bit, _)| mask & bit != 0);
    asked.fold(HappeningSet::EMPTY, |set, (_, _, what)| set.with(*what))
}

/// The bits of a mask that ask for no event, by name; and the rest that has none.
#[must_use]
pub fn odd(mask: u32) -> Vec<String> {
    let named = OTHERS.iter().filter(|(_, bit)| mask & bit != 0);
    let known = OTHERS.iter().fold(ALL_EVENTS, |all, (_, bit)| all | bit);
    let nameless = (mask & !known != 0).then(|| format!("{:#x}", mask & !known));
    named.map(|(name, _)| (*name).to_owned()).chain(nameless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bits_and_bits_are_happenings() {
        assert_eq!(number("IN_CREATE"), Some(256));
        assert_eq!(number("ALL_EVENTS"), Some(4095));
        assert_eq!(number("IN_CLOSE"), None);
        assert_eq!(EVENTS.iter().fold(0, |all, (_, bit, _)| all | bit), ALL_EVENTS);
        let set = happenings(0x180 | 0x8000_0000);
        assert_eq!(set, HappeningSet::EMPTY.with(Happening::MovedTo).with(Happening::Create));
        assert_eq!(happenings(ALL_EVENTS).iter().count(), 12);
        assert_eq!(odd(0x180 | 0x8000_0000 | 0x1000), ["IN_ONESHOT", "0x1000"]);
        assert_eq!(names().count(), 22);
    }
}
