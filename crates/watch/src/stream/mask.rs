//! Between the words of a stream and the bits of inotify.

use model::{Happening, HappeningSet};
use sys::inotify;

/// What a stream needs to know its tree, whoever wants to hear of it.
pub(super) const NEEDED: u32 = inotify::CREATE
    | inotify::MOVED_FROM
    | inotify::MOVED_TO
    | inotify::DELETE
    | inotify::DELETE_SELF
    | inotify::MOVE_SELF;

/// What our own listing of a directory makes the kernel tell.
const OF_LISTING: u32 = inotify::OPEN | inotify::ACCESS | inotify::CLOSE_NOWRITE;

const WORDS: [(Happening, u32); 12] = [
    (Happening::Create, inotify::CREATE),
    (Happening::Open, inotify::OPEN),
    (Happening::Access, inotify::ACCESS),
    (Happening::Modify, inotify::MODIFY),
    (Happening::Attrib, inotify::ATTRIB),
    (Happening::CloseWrite, inotify::CLOSE_WRITE),
    (Happening::CloseNowrite, inotify::CLOSE_NOWRITE),
    (Happening::MovedFrom, inotify::MOVED_FROM),
    (Happening::MovedTo, inotify::MOVED_TO),
    (Happening::Delete, inotify::DELETE),
    (Happening::DeleteSelf, inotify::DELETE_SELF),
    (Happening::MoveSelf, inotify::MOVE_SELF),
];

/// The mask to arm with.
pub(super) fn of(wanted: HappeningSet) -> u32 {
    let asked = WORDS.iter().filter(|(what, _)| wanted.contains(*what)).map(|(_, bit)| bit);
    asked.fold(NEEDED, |mask, bit| mask | bit)
}

/// The same without what our own listing raises.
pub(super) fn quiet(mask: u32) -> u32 {
    mask & !OF_LISTING
}

/// Whether an event tells of a name that comes or goes.
pub(super) fn is_of_names(mask: u32) -> bool {
    mask & NEEDED != 0
}

/// What an event tells of.
pub(super) fn what(mask: u32) -> Option<Happening> {
    WORDS.iter().find(|(_, bit)| mask & bit != 0).map(|(what, _)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_somebody_wants_is_asked_for_beside_what_is_needed() {
        assert_eq!(of(HappeningSet::EMPTY), NEEDED);
        assert_eq!(of(HappeningSet::EMPTY.with(Happening::Open)), NEEDED | inotify::OPEN);
        let all = of(HappeningSet::ALL);
        assert_eq!(all.count_ones(), 12);
        assert_eq!(quiet(all).count_ones(), 9);
        for (word, bit) in WORDS {
            assert_eq!(what(bit | inotify::ISDIR), Some(word));
        }
        assert_eq!(what(inotify::IGNORED), None);
    }
}
