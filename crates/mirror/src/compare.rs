//! Walking through both trees.

use std::collections::BTreeMap;
use std::vec;

use sys::{Dir, EntryKind, Errno, FullLook};

use crate::answers::{Difference, What};
use crate::bring::{is_root, link_text};
use crate::fault::Fault;
use crate::options::{Options, is_temp};
use crate::pair::Pair;
use crate::route::{Route, joined};
use crate::trees::{Trees, found};

/// A walk through both trees that tells each [`Difference`]. It changes nothing, holds nothing open between two steps,
/// and is not bound to its pair: after a fault it can be dropped and begun anew.
///
/// A directory is told before what is in it, and its mode and times after that. The names of the directories on the way
/// down, and of what is still to be gone through in them, are in memory.
#[derive(Debug)]
pub struct Compare {
    /// From the top down to where the walk is.
    levels: Vec<Level>,
    /// The top, before the first step.
    start: Option<Vec<u8>>,
    /// Only what is in the top itself, if that is no more than so many entries.
    flat: Option<usize>,
    progress: Progress,
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries that were compared.
    pub entries: u64,
    /// Directories that were gone through.
    pub directories: u64,
    /// Differences that were told.
    pub differences: u64,
    /// Of these, extras.
    pub extras: u64,
    /// Of these, what could not be read.
    pub unreadable: u64,
}

/// A directory that is being gone through.
#[derive(Debug)]
struct Level {
    path: Vec<u8>,
    /// What is still to be compared in it.
    rest: vec::IntoIter<Entry>,
    /// Whether the directory itself is compared in the end: not where the walk began with one entry of it.
    itself: bool,
}

/// A name that at least one of the directories has.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    there: bool,
    here: bool,
}

/// What one step has at hand.
struct Step<'a> {
    trees: Trees,
    pair: &'a Pair,
    each: &'a mut dyn FnMut(Difference),
    flat: Option<usize>,
    progress: &'a mut Progress,
}

impl Compare {
    /// Everything, with the roots themselves.
    #[must_use]
    pub fn whole() -> Self {
        Self::below(b"")
    }

    /// What is at `path`, and below.
    #[must_use]
    pub fn below(path: &[u8]) -> Self {
        let (levels, progress) = (Vec::new(), Progress::default());
        Self { levels, start: Some(path.to_vec()), flat: None, progress }
    }

    /// The directory at `path` and the entries in it, not what is below these; nothing where one of the trees has no such
    /// directory, or has more than `most` entries in it.
    #[must_use]
    pub fn entries(path: &[u8], most: usize) -> Self {
        Self { flat: Some(most), ..Self::below(path) }
    }

    /// Compares about `budget` entries. The fault is of a root, or of a bad path to begin with; the walk stands where it
    /// stood then.
    pub fn step(
        &mut self,
        pair: &Pair,
        budget: usize,
        each: &mut dyn FnMut(Difference),
    ) -> Result<(), Fault> {
        let trees = pair.trees()?;
        let mut step = Step { trees, pair, each, flat: self.flat, progress: &mut self.progress };
        if let Some(start) = &self.start {
            self.levels.extend(step.begin(Route::new(start)?));
            self.start = None;
        }
        let mut left = budget.max(1);
        while let Some(level) = self.levels.last_mut()
            && left > 0
        {
            match step.go_through(level, &mut left) {
                Some(below) => self.levels.push(below),
                None if left == 0 && !level.rest.as_slice().is_empty() => {}
                None => {
                    if let Some(level) = self.levels.pop() {
                        step.finish(&level);
                    }
                    left = left.saturating_sub(1);
                }
            }
        }
        Ok(())
    }

    /// Whether everything was compared.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.levels.is_empty() && self.start.is_none()
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }
}

impl Step<'_> {
    fn options(&self) -> &Options {
        self.pair.options()
    }

    fn begin(&mut self, start: Route<'_>) -> Option<Level> {
        if start.is_root() || self.flat.is_some() {
            return self.enter(start.bytes());
        }
        let entry = Entry { name: start.name().to_vec(), there: true, here: true };
        let path = start.parent().bytes().to_vec();
        Some(Level { path, rest: vec![entry].into_iter(), itself: false })
    }

    /// Compares the directory's entries up to the first directory that is to be gone through itself.
    fn go_through(&mut self, level: &mut Level, left: &mut usize) -> Option<Level> {
        let route = Route::new(&level.path).ok()?;
        // A directory that is missing, or cannot be opened now, was told of when it was entered.
        let there = self.trees.source_dir(route).ok().flatten();
        let here = self.trees.destination_dir(route).ok().flatten();
        while *left > 0 {
            let entry = level.rest.next()?;
            *left -= 1;
            let path = joined(&level.path, &entry.name);
            let directories = (there.as_ref(), here.as_ref());
            if self.compare(&path, &entry, directories)
                && self.flat.is_none()
                && let Some(below) = self.enter(&path)
            {
                return Some(below);
            }
        }
        None
    }

    /// Lists a directory of the source, and the destination's of the same path.
    fn enter(&mut self, path: &[u8]) -> Option<Level> {
        match self.list(path) {
            Ok(entries) => {
                self.progress.directories += 1;
                entries.map(|rest| Level { path: path.to_vec(), rest: rest.into_iter(), itself: true })
            }
            Err(fault) => {
                self.tell(path, What::Unreadable(fault));
                None
            }
        }
    }

    /// The names that either has; `None`: the source has no such directory any more.
    fn list(&self, path: &[u8]) -> Result<Option<Vec<Entry>>, Fault> {
        let route = Route::new(path)?;
        let Some(there) = self.trees.source_dir(route)? else { return Ok(None) };
        let mut names = BTreeMap::new();
        there
            .list(|name, _| names.entry(name.to_vec()).or_insert((false, false)).0 = true)
            .map_err(|errno| Fault::source("list", path, errno))?;
        if let Some(here) = self.trees.destination_dir(route)? {
            here.list(|name, _| names.entry(name.to_vec()).or_insert((false, false)).1 = true)
                .map_err(|errno| Fault::destination("list", path, errno))?;
        }
        if self.flat.is_some_and(|most| names.len() > most) {
            return Ok(None);
        }
        let entries = names.into_iter().map(|(name, (there, here))| Entry { name, there, here });
        Ok(Some(entries.collect()))
    }

    /// Compares one entry; answers whether it is a directory that is to be gone through.
    fn compare(&mut self, path: &[u8], entry: &Entry, dirs: (Option<&Dir>, Option<&Dir>)) -> bool {
        let Ok(route) = Route::new(path) else { return false };
        if entry.here && is_temp(&entry.name) {
            self.tell(path, What::Leftover);
            return false;
        }
        if self.options().leave_out(route).is_some() {
            return false;
        }
        self.progress.entries += 1;
        let there = match look(dirs.0.filter(|_| entry.there), &entry.name) {
            Ok(look) => look.filter(|look| look.look.kind() != EntryKind::Special),
            Err(errno) => {
                self.tell(path, What::Unreadable(Fault::source("look at", path, errno)));
                return false;
            }
        };
        let here = match look(dirs.1.filter(|_| entry.here), &entry.name) {
            Ok(look) => look,
            Err(errno) => {
                self.tell(path, What::Unreadable(Fault::destination("look at", path, errno)));
                return false;
            }
        };
        self.compare_looks(route, there.as_ref(), here.as_ref(), dirs)
    }

    fn compare_looks(
        &mut self,
        route: Route<'_>,
        there: Option<&FullLook>,
        here: Option<&FullLook>,
        dirs: (Option<&Dir>, Option<&Dir>),
    ) -> bool {
        let Some(kind) = there.or(here).map(|look| look.look.kind()) else { return false };
        if self.options().leave_out_kind(route, kind).is_some() {
            return false;
        }
        let directory = kind == EntryKind::Directory;
        let Some(there) = there else {
            self.tell(route.bytes(), What::ExtraThere { directory });
            return false;
        };
        if directory && is_root(&there.look, self.trees.destination_root) {
            return false;
        }
        let what = match here {
            None => Some(What::MissingThere { directory }),
            Some(here) if here.look.kind() != kind => Some(What::Type),
            // Its mode and times change with its content, so they are compared afterwards.
            Some(_) if directory => None,
            Some(here) => self.differs(route, there, here, dirs),
        };
        if let Some(what) = what {
            self.tell(route.bytes(), what);
        }
        directory
    }

    /// What differs between two files or two links.
    fn differs(
        &self,
        route: Route<'_>,
        there: &FullLook,
        here: &FullLook,
        dirs: (Option<&Dir>, Option<&Dir>),
    ) -> Option<What> {
        let (size, mtime) = ((there.look.size, here.look.size), (there.look.mtime, here.look.mtime));
        if there.look.kind() == EntryKind::File && (size.0 != size.1 || mtime.0 != mtime.1) {
            return Some(What::Content { size, mtime });
        }
        if there.look.kind() == EntryKind::Symlink {
            let text = |dir: Option<&Dir>| dir.and_then(|dir| link_text(dir, route.name()).ok().flatten());
            if text(dirs.0) != text(dirs.1) {
                return Some(What::Target);
            }
        }
        self.attributes(there, here)
    }

    /// Which attribute differs.
    fn attributes(&self, there: &FullLook, here: &FullLook) -> Option<What> {
        let measure = self.pair.measure();
        if measure.mode_differs(there, here) {
            return Some(What::Mode(measure.wanted_mode(there) & 0o7777, measure.mode(here)));
        }
        if measure.owner_differs(there, here) {
            return Some(What::Owner((there.owner, there.group), (here.owner, here.group)));
        }
        let (there, here) = (there.look.mtime, here.look.mtime);
        (there != here).then_some(What::Times(there, here))
    }

    /// Compares the directory itself, after all that is in it.
    fn finish(&mut self, level: &Level) {
        let Ok(route) = Route::new(&level.path) else { return };
        if !level.itself {
            return;
        }
        let looks = self.trees.source_look(route).and_then(|there| {
            let here = self.trees.destination_look(route)?;
            Ok((there, here))
        });
        match looks {
            Ok((Some(there), Some(here)))
                if [&there, &here].iter().all(|look| look.look.kind() == EntryKind::Directory) =>
            {
                if let Some(what) = self.attributes(&there, &here) {
                    self.tell(&level.path, what);
                }
            }
            // One of them went, or was told of as missing.
            Ok(_) => {}
            Err(fault) => self.tell(&level.path, What::Unreadable(fault)),
        }
    }

    fn tell(&mut self, path: &[u8], what: What) {
        self.progress.differences += 1;
        match what {
            What::ExtraThere { .. } | What::Leftover => self.progress.extras += 1,
            What::Unreadable(_) => self.progress.unreadable += 1,
            _ => {}
        }
        (self.each)(Difference { path: path.to_vec(), what });
    }
}

fn look(dir: Option<&Dir>, name: &[u8]) -> Result<Option<FullLook>, Errno> {
    dir.map_or(Ok(None), |dir| found(dir.full_look_at(name)))
}
