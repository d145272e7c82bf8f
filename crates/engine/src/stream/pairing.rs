//! Putting the two halves of renames together. Pure.
//!
//! Both halves carry one cookie, the same for every queue of the kernel. Each stream that saw both gets a pair of its
//! own; a rename from one tree into another one is put together once, for whoever sees the second half.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ledger::SinkId;
use settle::Mono;

/// A half whose other one has not come by then is forgotten: the file came from, or went, where nobody watches.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many renames may wait for their other half. When they are that many, the oldest is forgotten; its other half
/// is told like one that has none.
const LIMIT: usize = 65_536;

/// The number of a stream at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamNumber(pub(crate) u32);

/// One half, as a stream sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Half<'a> {
    /// Who saw it.
    pub(crate) stream: StreamNumber,
    /// What both have in common.
    pub(crate) cookie: u32,
    /// Whether it is where the thing was, rather than where it is.
    pub(crate) from: bool,
    /// Absolute and real.
    pub(crate) path: &'a [u8],
    /// To whom it is told.
    pub(crate) sinks: &'a [SinkId],
    /// The cookie was made up by the stream and means nothing elsewhere.
    pub(crate) made_up: bool,
}

/// What the desk knows of the other half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// Nothing yet: this one waits.
    Nobody,
    /// The same stream saw it at this path, and told these sinks.
    Own {
        /// Absolute.
        path: Box<[u8]>,
        /// Sorted.
        sinks: Box<[SinkId]>,
    },
    /// The stream of another tree saw it at this path.
    Foreign {
        /// Absolute.
        path: Box<[u8]>,
    },
}

/// A half that waits.
#[derive(Debug)]
struct Waiting {
    stream: StreamNumber,
    from: bool,
    path: Box<[u8]>,
    sinks: Box<[SinkId]>,
    made_up: bool,
}

/// One cookie's halves.
#[derive(Debug, Default)]
struct Slot {
    /// Tells it from a later one with the same cookie.
    turn: u64,
    waiting: Vec<Waiting>,
    /// Two trees' halves were put together: that is done once.
    joined: bool,
}

/// The desk that all streams share.
#[derive(Debug, Default)]
pub(crate) struct Pairing {
    roots: HashMap<StreamNumber, Box<[u8]>>,
    slots: HashMap<u32, Slot>,
    /// In the order of their first halves; slots that are gone stay here until their time is up.
    order: VecDeque<(Mono, u32, u64)>,
    turns: u64,
}

impl Pairing {
    /// The stream's root is this now; absolute and real.
    pub(crate) fn enroll(&mut self, stream: StreamNumber, root: &[u8]) {
        self.roots.insert(stream, root.into());
    }

    /// The stream is no more.
    pub(crate) fn leave(&mut self, stream: StreamNumber) {
        self.roots.remove(&stream);
    }

    /// Brings a half to the desk.
    pub(crate) fn meet(&mut self, half: &Half<'_>, now: Mono) -> Met {
        self.forget_old(now);
        let Self { roots, slots, .. } = self;
        if let Some(slot) = slots.get_mut(&half.cookie) {
            let other = |waiting: &Waiting| waiting.from != half.from;
            let own = |waiting: &Waiting| other(waiting) && waiting.stream == half.stream;
            if let Some(at) = slot.waiting.iter().position(own) {
                let Waiting { path, sinks, .. } = slot.waiting.swap_remove(at);
                if slot.waiting.is_empty() && !slot.joined {
                    slots.remove(&half.cookie);
                }
                return Met::Own { path, sinks };
            }
            let foreign = |waiting: &Waiting| {
                other(waiting)
                    && !switch::is_off("renames-between-watches")
                    && !(waiting.made_up || half.made_up)
                    && apart(roots, waiting.stream, half.stream)
            };
            let at = if slot.joined { None } else { slot.waiting.iter().position(foreign) };
            if let Some(at) = at {
                slot.joined = true;
                return Met::Foreign { path: slot.waiting.swap_remove(at).path };
            }
        }
        self.keep(half, now);
        Met::Nobody
    }

    fn keep(&mut self, half: &Half<'_>, now: Mono) {
        if !self.slots.contains_key(&half.cookie) {
            self.turns += 1;
            self.slots.insert(half.cookie, Slot { turn: self.turns, ..Slot::default() });
            self.order.push_back((now + PATIENCE, half.cookie, self.turns));
        }
        if let Some(slot) = self.slots.get_mut(&half.cookie) {
            slot.waiting.push(Waiting {
                stream: half.stream,
                from: half.from,
                path: half.path.into(),
                sinks: half.sinks.into(),
                made_up: half.made_up,
            });
        }
    }

    fn forget_old(&mut self, now: Mono) {
        while let Some((until, cookie, turn)) = self.order.front().copied() {
            if until > now && self.order.len() < LIMIT {
                return;
            }
            self.order.pop_front();
            if self.slots.get(&cookie).is_some_and(|slot| slot.turn == turn) {
                self.slots.remove(&cookie);
            }
        }
    }

    /// How many renames wait.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots.len()
    }
}

/// Whether neither tree contains the other. Where one does, its stream sees what the other one sees.
fn apart(roots: &HashMap<StreamNumber, Box<[u8]>>, one: StreamNumber, other: StreamNumber) -> bool {
    let (Some(one), Some(other)) = (roots.get(&one), roots.get(&other)) else { return false };
    !contains(one, other) && !contains(other, one)
}

fn contains(tree: &[u8], path: &[u8]) -> bool {
    let rest = path.strip_prefix(tree);
    rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || tree.ends_with(b"/"))
}

#[cfg(test)]
mod tests;
