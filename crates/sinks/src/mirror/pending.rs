//! Renames between their two halves. Pure.

use std::collections::HashMap;

/// So many halves are kept. With more, a first half counts as moved out, and its second one comes by its
/// content: that costs a copy and loses nothing.
const LIMIT: usize = 4096;

/// Halves whose other one has not come, by cookie.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    halves: HashMap<u32, Half>,
}

#[derive(Debug)]
enum Half {
    /// The first one was heard: what was moved was here.
    Waits(Box<[u8]>),
    /// The rename was done when one half came; the other one comes yet.
    Done,
}

/// What to do with a first half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// Wait for the other one.
    Wait,
    /// It was waited for long enough.
    Alone,
    /// It has come, and the rename was done then.
    Done,
}

/// What to do with a second half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Second {
    /// It was here.
    From(Box<[u8]>),
    /// The rename was done when the first half came.
    Done,
    /// It comes from nowhere that is mirrored.
    Alone,
}

impl Pending {
    /// Something was moved away. When the same half comes a second time, the waiting is over.
    pub(crate) fn first(&mut self, cookie: u32, path: &[u8]) -> First {
        match self.halves.remove(&cookie) {
            Some(Half::Done) => First::Done,
            Some(Half::Waits(_)) => First::Alone,
            None if cookie == 0 || self.halves.len() >= LIMIT => First::Alone,
            None => {
                self.halves.insert(cookie, Half::Waits(path.into()));
                First::Wait
            }
        }
    }

    /// Something was moved hither.
    pub(crate) fn second(&mut self, cookie: u32) -> Second {
        match self.halves.remove(&cookie) {
            Some(Half::Done) => Second::Done,
            Some(Half::Waits(from)) => {
                self.halves.insert(cookie, Half::Done);
                Second::From(from)
            }
            None => Second::Alone,
        }
    }

    /// First halves whose other one has not come.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.halves.iter().filter_map(|(cookie, half)| match half {
            Half::Waits(path) => Some((*cookie, &**path)),
            Half::Done => None,
        })
    }

    /// The rename is done with the half that is at hand.
    pub(crate) fn joined(&mut self, cookie: u32) {
        if self.halves.len() >= LIMIT {
            // Some of them never come. If one does, it waits in vain, and then what is there is looked at.
            self.halves.retain(|_, half| matches!(half, Half::Waits(_)));
        }
        if self.halves.len() < LIMIT || self.halves.contains_key(&cookie) {
            self.halves.insert(cookie, Half::Done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_meet_in_any_way_once() {
        let mut pending = Pending::default();
        assert_eq!(pending.first(1, b"a"), First::Wait);
        assert_eq!(pending.second(1), Second::From((*b"a").into()));
        assert_eq!(pending.first(1, b"a"), First::Done, "it came again when its time was over");
        assert_eq!(pending.first(2, b"b"), First::Wait);
        assert_eq!(pending.first(2, b"b"), First::Alone);
        assert_eq!(pending.second(2), Second::Alone);
        pending.joined(3);
        assert_eq!(pending.second(3), Second::Done);
        assert_eq!(pending.first(0, b"c"), First::Alone);
    }
}
