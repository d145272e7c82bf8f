//! Whether DICOM files are as long as they say.
//!
//! A file's size that has stopped to change does not tell whether its writer was through: a transfer that was broken off
//! stops as well. DICOM files say by themselves how much belongs into them, and everything else is believed.

use std::collections::HashMap;

use sys::{Dir, EntryKind, Errno, Look};

use crate::dicom::shortfall;
use crate::error::InspectError;
use crate::mark::{looks, short};
use crate::place::{Found, Place, split};
use crate::walk::{Visit, vanished, walk};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wholeness {
    /// How many files end too early, or cannot be read.
    pub short: u64,
    /// The first of those that end too early (if there is none, of those that cannot be read) by its path relative to the
    /// unit, and how many bytes it lacks at least; nothing: it cannot be read.
    pub first: Option<(Box<[u8]>, Option<u64>)>,
    /// How many files were opened; the others look as they did when they were found out about.
    pub read: u64,
}

/// What was found out before: a file that looks as it did is not opened again. Bounded: 48 bytes for each of the first
/// [`Seen::MOST`] files of the last round; more are opened each time.
#[derive(Debug, Default)]
pub struct Seen {
    marks: HashMap<[u8; 16], Mark>,
}

/// How a file looked, and what it lacks.
#[derive(Clone, Copy, Debug)]
struct Mark {
    look: [u8; 16],
    missing: Option<u64>,
}

impl Seen {
    /// So many files are remembered.
    pub const MOST: usize = 100_000;
}

/// Looks at each regular file of the dataset, or at the file, at `place`. `ignore` names what is no member, as in a survey.
pub fn whole(
    place: &Place<'_>,
    ignore: &dyn Fn(&[u8]) -> bool,
    seen: &mut Seen,
    stop: &dyn Fn() -> bool,
) -> Result<Wholeness, InspectError> {
    let mut round = Round::new(seen, stop);
    match place.find()? {
        Found::Directory(top) => {
            let mut visit = Members { round: &mut round, ignore };
            let to_end =
                walk(top, &mut visit, stop).map_err(|error| InspectError::open(place.path, error))?;
            if !to_end {
                return Err(InspectError::Stopped);
            }
        }
        Found::Entry(parent) => {
            let name = split(place.path).1;
            round.file(&parent, name, name);
        }
    }
    round.finish()
}

/// Looks at these files below the root. They are named by their last names.
pub fn whole_files<'a>(
    root: &Dir,
    files: impl Iterator<Item = &'a [u8]>,
    seen: &mut Seen,
    stop: &dyn Fn() -> bool,
) -> Result<Wholeness, InspectError> {
    let mut round = Round::new(seen, stop);
    let mut open: Option<(&[u8], Dir)> = None;
    for path in files {
        let (parent, name) = split(path);
        if open.as_ref().is_none_or(|(path, _)| *path != parent) {
            // A directory that is gone has no members.
            open = root.open_below(parent).ok().map(|dir| (parent, dir));
        }
        let Some((_, dir)) = &open else { continue };
        round.file(dir, name, name);
        if round.stopped {
            break;
        }
    }
    round.finish()
}

/// One round through the members.
struct Round<'a> {
    seen: &'a mut Seen,
    /// What takes its place at the end: nothing of what is gone stays.
    next: HashMap<[u8; 16], Mark>,
    stop: &'a dyn Fn() -> bool,
    stopped: bool,
    found: Wholeness,
}

impl<'a> Round<'a> {
    fn new(seen: &'a mut Seen, stop: &'a dyn Fn() -> bool) -> Self {
        Self { seen, next: HashMap::new(), stop, stopped: false, found: Wholeness::default() }
    }

    fn finish(self) -> Result<Wholeness, InspectError> {
        if self.stopped {
            return Err(InspectError::Stopped);
        }
        self.seen.marks = self.next;
        Ok(self.found)
    }

    fn file(&mut self, dir: &Dir, name: &[u8], relative: &[u8]) {
        match dir.look_at(name) {
            Ok(look) if look.kind() == EntryKind::File => self.regular(dir, name, relative, &look),
            Ok(_) => {}
            Err(error) => self.failed(relative, error),
        }
    }

    fn regular(&mut self, dir: &Dir, name: &[u8], relative: &[u8], look: &Look) {
        let key = short(&[relative]);
        let before = self.seen.marks.get(&key).copied().filter(|mark| mark.look == looks(look));
        let mark = match before {
            Some(mark) => mark,
            None => match self.read(dir, name, relative) {
                Some(mark) => mark,
                None => return,
            },
        };
        if mark.missing.is_some() {
            self.complain(relative, mark.missing);
        }
        if self.next.len() < Seen::MOST {
            self.next.insert(key, mark);
        }
    }

    fn read(&mut self, dir: &Dir, name: &[u8], relative: &[u8]) -> Option<Mark> {
        self.found.read += 1;
        match shortfall(dir, name, self.stop) {
            Ok((look, missing)) => return Some(Mark { look: looks(&look), missing }),
            Err(InspectError::Absent { .. }) => {}
            Err(InspectError::Stopped) => self.stopped = true,
            Err(InspectError::Open { error, .. }) => self.failed(relative, error),
            Err(_) => self.complain(relative, None),
        }
        None
    }

    fn failed(&mut self, relative: &[u8], error: Errno) {
        // What has become something else meanwhile is no file.
        if !vanished(error) && error != Errno::INVAL {
            self.complain(relative, None);
        }
    }

    fn complain(&mut self, relative: &[u8], missing: Option<u64>) {
        self.found.short += 1;
        let rank = |name: &[u8], missing: Option<u64>| (missing.is_none(), name.to_vec());
        let first = self.found.first.as_ref();
        if first.is_none_or(|(name, before)| rank(relative, missing) < rank(name, *before)) {
            self.found.first = Some((relative.into(), missing));
        }
    }
}

/// The members of a dataset.
struct Members<'a, 'b> {
    round: &'a mut Round<'b>,
    ignore: &'a dyn Fn(&[u8]) -> bool,
}

impl Visit for Members<'_, '_> {
    fn entry(&mut self, dir: &Dir, name: &[u8], relative: &[u8], kind: EntryKind) -> bool {
        if self.round.stopped || (self.ignore)(relative) {
            return false;
        }
        if kind == EntryKind::Directory {
            return true;
        }
        match dir.look_at(name) {
            Ok(look) if look.kind() == EntryKind::Directory => return true,
            Ok(look) if look.kind() == EntryKind::File => self.round.regular(dir, name, relative, &look),
            Ok(_) => {}
            Err(error) => self.round.failed(relative, error),
        }
        false
    }

    fn failed(&mut self, relative: &[u8], error: Errno) {
        self.round.failed(relative, error);
    }
}
