//! The dirty set: what is to be looked at, in the order in which it was first heard of.

use std::hash::BuildHasher as _;
use std::hash::RandomState;

use settle::{Mono, What};
use sys::{Errno, Look};
use watch::DirId;

use super::known::keyed::BySecret;

/// What was heard of one name since it was last looked at, folded in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of independent bits, folded event by event")]
pub(super) struct Heard {
    /// The name appeared by create or link, last.
    pub(super) created: bool,
    /// The name appeared by a rename, last.
    pub(super) moved_in: bool,
    /// A writer closed the file since the name appeared last.
    pub(super) closed: bool,
    /// Times or permissions changed.
    pub(super) attrib: bool,
    /// The name was away at some time.
    pub(super) was_absent: bool,
    /// The name went away, last.
    pub(super) gone: bool,
    /// What had the name was removed at some time, not renamed.
    pub(super) deleted: bool,
    /// A scan came by.
    pub(super) scanned: bool,
    /// It is to be announced whether or not it is known.
    pub(super) forced: bool,
    /// A scanner has only named it: it need not be looked at if it is known.
    pub(super) named: bool,
}

impl Heard {
    pub(super) const SCANNED: Self = Self {
        created: false,
        moved_in: false,
        closed: false,
        attrib: false,
        was_absent: false,
        gone: false,
        deleted: false,
        scanned: true,
        forced: false,
        named: false,
    };

    /// Takes in one more event.
    pub(super) const fn hear(&mut self, what: What) {
        match what {
            What::Created | What::MovedIn => {
                self.gone = false;
                self.created = matches!(what, What::Created);
                self.moved_in = !self.created;
                self.closed = false;
            }
            What::Closed => self.closed = true,
            What::Attrib => self.attrib = true,
            What::MovedOut | What::Deleted => {
                (self.was_absent, self.gone) = (true, true);
                self.deleted |= matches!(what, What::Deleted);
            }
        }
    }

    /// Whether the kernel told of it, as opposed to a scan.
    pub(super) const fn by_event(self) -> bool {
        self.created || self.moved_in || self.closed || self.attrib || self.was_absent
    }

    /// Whether new times or permissions, or the end of the name, are all that was heard.
    pub(super) const fn adds_nothing(self) -> bool {
        !(self.created || self.moved_in || self.closed)
    }

    /// The events again, in an order that folds to the same.
    pub(super) fn events(self) -> impl Iterator<Item = What> {
        let appeared = match (self.created, self.moved_in) {
            (true, _) => Some(What::Created),
            (_, true) => Some(What::MovedIn),
            _ => None,
        };
        let closed = self.closed.then_some(What::Closed);
        let attrib = self.attrib.then_some(What::Attrib);
        appeared.into_iter().chain(closed).chain(attrib)
    }
}

/// One name to look at.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) dir: DirId,
    pub(super) name: Box<[u8]>,
    pub(super) heard: Heard,
    /// How it looked when a scanner came by.
    pub(super) look: Option<Box<Result<Look, Errno>>>,
    /// When that look was asked for, if it was for this entry: it was taken then or later.
    pub(super) asked: Option<Mono>,
}

/// How events of one name are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folding {
    /// One entry for each name: its last state counts.
    Names,
    /// One entry for each appearance of a name: every arrival counts.
    Arrivals,
}

/// The set. Bounded by what is taken from the backlog at a time and by one directory's listing;
/// a name that is heard of again takes no more room.
#[derive(Debug)]
pub(super) struct Dirty {
    entries: Vec<Entry>,
    /// From the hash of a name to its last entry. A collision costs a second look, nothing else.
    index: BySecret<u32>,
    hasher: RandomState,
    folding: Folding,
}

impl Dirty {
    pub(super) fn new(folding: Folding) -> Self {
        Self { entries: Vec::new(), index: BySecret::default(), hasher: RandomState::new(), folding }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn last(&mut self, dir: DirId, name: &[u8]) -> (u64, Option<&mut Entry>) {
        let hash = self.hasher.hash_one((dir, name));
        let at = self.index.get(&hash).map(|at| *at as usize);
        let entry = at
            .and_then(|at| self.entries.get_mut(at))
            .filter(|entry| entry.dir == dir && *entry.name == *name);
        (hash, entry)
    }

    /// Takes in an event.
    pub(super) fn hear(&mut self, dir: DirId, name: &[u8], what: What) {
        if what == What::MovedIn && switch::is_off("hear-renames") {
            return;
        }
        let arrivals = self.folding == Folding::Arrivals;
        let appears = matches!(what, What::Created | What::MovedIn);
        let (hash, entry) = self.last(dir, name);
        if let Some(entry) = entry.filter(|entry| !(arrivals && appears && entry.heard.by_event())) {
            entry.heard.hear(what);
            // What a scanner saw was before this.
            (entry.look, entry.asked, entry.heard.named) = (None, None, false);
            return;
        }
        let mut heard = Heard::default();
        heard.hear(what);
        self.push(hash, Entry { dir, name: name.into(), heard, look: None, asked: None });
    }

    /// Takes in what a scanner has seen.
    pub(super) fn seen(
        &mut self,
        dir: DirId,
        name: &[u8],
        look: Option<Result<Look, Errno>>,
        asked: Option<Mono>,
    ) {
        let (hash, entry) = self.last(dir, name);
        match entry {
            Some(entry) if entry.heard.by_event() => entry.heard.scanned = true,
            Some(entry) => {
                entry.heard.scanned = true;
                entry.heard.named &= look.is_none();
                if let Some(look) = look {
                    (entry.look, entry.asked) = (Some(Box::new(look)), asked);
                }
            }
            None => {
                let heard = Heard { named: look.is_none(), ..Heard::SCANNED };
                self.push(hash, Entry { dir, name: name.into(), heard, look: look.map(Box::new), asked });
            }
        }
    }

    /// Takes in what a scan found.
    pub(super) fn found(&mut self, dir: DirId, name: &[u8]) {
        let (hash, entry) = self.last(dir, name);
        match entry {
            Some(entry) => (entry.heard.scanned, entry.heard.named) = (true, false),
            None => self
                .push(hash, Entry { dir, name: name.into(), heard: Heard::SCANNED, look: None, asked: None }),
        }
    }

    /// What was taken in is to be announced again.
    pub(super) fn force(&mut self, dir: DirId, name: &[u8]) {
        if let (_, Some(entry)) = self.last(dir, name) {
            entry.heard.forced = true;
        }
    }

    /// Whether it is to be announced again already.
    pub(super) fn is_forced(&mut self, dir: DirId, name: &[u8]) -> bool {
        self.last(dir, name).1.is_some_and(|entry| entry.heard.forced)
    }

    fn push(&mut self, hash: u64, entry: Entry) {
        self.index.insert(hash, self.entries.len() as u32);
        self.entries.push(entry);
    }

    /// Whether something is to be looked at under this name.
    pub(super) fn contains(&self, dir: DirId, name: &[u8]) -> bool {
        let hash = self.hasher.hash_one((dir, name));
        let entry = self.index.get(&hash).and_then(|at| self.entries.get(*at as usize));
        entry.is_some_and(|entry| entry.dir == dir && *entry.name == *name)
    }

    /// Takes everything out, in order.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        self.index.clear();
        std::mem::take(&mut self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(folding: Folding, events: &[(&[u8], What)]) -> Vec<Entry> {
        let mut dirty = Dirty::new(folding);
        for (name, what) in events {
            dirty.hear(DirId::ROOT, name, *what);
        }
        dirty.take()
    }

    #[test]
    fn a_set_is_no_sequence_but_the_last_appearance_counts() {
        use What::{Closed, Created, Deleted};
        let entries =
            folded(Folding::Names, &[(b"a", Created), (b"a", Closed), (b"a", Deleted), (b"a", Created)]);
        assert_eq!(entries.len(), 1);
        let heard = entries[0].heard;
        assert!(heard.created && !heard.closed && heard.was_absent);
    }

    #[test]
    fn order_is_by_first_mention() {
        use What::{Closed, Created};
        let entries =
            folded(Folding::Names, &[(b"b", Created), (b"a", Created), (b"b", Closed), (b"a", Closed)]);
        let names: Vec<_> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, [b"b", b"a"]);
        assert!(entries.iter().all(|entry| entry.heard.closed));
    }

    #[test]
    fn with_arrivals_each_appearance_is_its_own() {
        use What::{Closed, Created, Deleted, MovedIn, MovedOut};
        let events: &[(&[u8], What)] = &[
            (b"x", Created),
            (b"x", Closed),
            (b"x", MovedOut),
            (b"x.t", MovedIn),
            (b"x.t", MovedOut),
            (b"x", MovedIn),
            (b"x", Deleted),
        ];
        let entries = folded(Folding::Arrivals, events);
        let names: Vec<_> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, [&b"x"[..], b"x.t", b"x"]);
        assert!(entries[0].heard.closed && entries[2].heard.moved_in);
    }

    #[test]
    fn a_scan_adds_nothing_to_what_was_heard() {
        let mut dirty = Dirty::new(Folding::Names);
        dirty.hear(DirId::ROOT, b"a", What::Created);
        dirty.found(DirId::ROOT, b"a");
        dirty.found(DirId::ROOT, b"b");
        assert!(dirty.contains(DirId::ROOT, b"b") && !dirty.contains(DirId::ROOT, b"c"));
        let entries = dirty.take();
        assert_eq!(entries.len(), 2);
        assert!(entries[0].heard.by_event() && !entries[1].heard.by_event());
    }
}
