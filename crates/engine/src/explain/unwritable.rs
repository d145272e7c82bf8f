//! A ledger that cannot be written: what has come is in no row of it yet.

use ledger::Health;
use model::text::safe;

use crate::answer::{LiveExplain, Present, Selected};
use crate::engine::Engine;

/// Why it cannot be written.
#[derive(Clone, Debug)]
pub(crate) struct Unwritable {
    pub(crate) why: String,
    /// Its directory, as a person may read it.
    place: String,
}

impl Unwritable {
    /// What ends it: a fragment that reads well after "when ".
    pub(crate) fn remedy(&self) -> String {
        let Self { why, place } = self;
        // The word of the database and of the system for a disk without room.
        if why.contains("full") || why.contains("No space") {
            format!("there is room in {place}")
        } else {
            format!("{place} can be written again")
        }
    }
}

impl Engine {
    /// What is wrong, if it cannot be written at the moment.
    pub(crate) fn unwritable(&self) -> Option<Unwritable> {
        let Health::Degraded(why) = self.ledger.health() else { return None };
        let place = self.state_dir.as_deref().map_or_else(|| "its directory".to_owned(), safe);
        Some(Unwritable { why, place })
    }
}

/// The rule that takes what lies there, or the dataset that it is or lies in, so that only the ledger can be why it is
/// not known.
pub(super) fn taken_by(live: &LiveExplain, present: &Present) -> Option<String> {
    let lies_there = match present {
        Present::File(_) => true,
        Present::Directory => live.within.is_some(),
        Present::Absent | Present::Symlink | Present::Special | Present::Unknown(_) => false,
    };
    match &live.selection {
        Selected::Rule(rule) if lies_there && !live.too_deep => Some(rule.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_that_of_the_trouble() {
        let of = |why: &str| Unwritable { why: why.into(), place: "/state".into() }.remedy();
        assert_eq!(of("database or disk is full"), "there is room in /state");
        assert_eq!(of("disk I/O error"), "/state can be written again");
    }

    #[test]
    fn only_what_lies_there_and_is_wanted_waits_for_the_ledger() {
        let live = |within: Option<&[u8]>, too_deep| LiveExplain {
            unit: None,
            within: within.map(<[u8]>::to_vec),
            selection: Selected::Rule("r".into()),
            pruned: false,
            too_deep,
        };
        let file = Present::File(1);
        assert_eq!(taken_by(&live(None, false), &file).as_deref(), Some("r"));
        assert_eq!(taken_by(&live(None, true), &file), None);
        assert_eq!(taken_by(&live(None, false), &Present::Absent), None);
        assert_eq!(taken_by(&live(None, false), &Present::Directory), None);
        assert!(taken_by(&live(Some(b"set"), false), &Present::Directory).is_some());
        let ignored =
            LiveExplain { selection: Selected::Ignored(model::Reason::IgnoredSymlink), ..live(None, false) };
        assert_eq!(taken_by(&ignored, &file), None);
    }
}
