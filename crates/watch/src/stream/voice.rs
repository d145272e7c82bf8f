//! Telling, by the path of the moment.

use model::{Happening, HappeningSet};

use super::Told;
use super::book::{Book, NodeId};

/// Whoever is told, and what he wants to hear.
pub(super) struct Voice<'a> {
    wanted: HappeningSet,
    each: &'a mut dyn FnMut(Told<'_>),
    path: Vec<u8>,
    /// The directory whose path was looked up last, when that was, and how long its path is.
    last: Option<(NodeId, u64, usize)>,
}

/// What is told of a name, beside the name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) what: Happening,
    pub(super) is_dir: bool,
    pub(super) synthetic: bool,
    pub(super) cookie: u32,
}

impl Word {
    pub(super) fn found(what: Happening, is_dir: bool) -> Self {
        Self { what, is_dir, synthetic: true, cookie: 0 }
    }

    pub(super) fn heard(what: Happening, is_dir: bool, cookie: u32) -> Self {
        Self { what, is_dir, synthetic: false, cookie }
    }
}

impl<'a> Voice<'a> {
    pub(super) fn new(wanted: HappeningSet, each: &'a mut dyn FnMut(Told<'_>)) -> Self {
        Self { wanted, each, path: Vec::new(), last: None }
    }

    pub(super) fn set_wanted(&mut self, wanted: HappeningSet) {
        self.wanted = wanted;
    }

    /// Tells something of an entry of a directory.
    pub(super) fn say(&mut self, book: &Book, parent: NodeId, name: &[u8], word: Word) {
        if !self.wanted.contains(word.what) {
            return;
        }
        let length = match self.last {
            Some((last, moves, length)) if last == parent && moves == book.moves() => length,
            _ => {
                book.path_into(parent, &mut self.path);
                self.last = Some((parent, book.moves(), self.path.len()));
                self.path.len()
            }
        };
        self.path.truncate(length);
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        tell(self.each, &self.path, word);
    }

    /// Tells something of the root itself. An overflow is told whether or not somebody asked.
    pub(super) fn say_of_root(&mut self, word: Word) {
        if self.wanted.contains(word.what) || word.what == Happening::Overflow {
            tell(self.each, b"", word);
        }
    }
}

fn tell(each: &mut dyn FnMut(Told<'_>), path: &[u8], word: Word) {
    let Word { what, is_dir, synthetic, cookie } = word;
    each(Told { what, path, is_dir, synthetic, cookie });
}
