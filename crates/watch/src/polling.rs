//! The polling backend: books and scanners, one of each for every polled region.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use settle::Mono;
use sys::{Dir, Errno};

use crate::backlog::{Backlog, Piece};
use crate::ground::{Backend, Each, Ground};
use crate::hint::Hint;
use crate::poll::{Book, Pace, Signature, Want};
use crate::region::RegionId;
use crate::survey::{Job, Report, Survey, Task};
use crate::tree::DirId;

/// All polled regions of a source.
#[derive(Debug)]
pub(crate) struct Polling {
    root: PathBuf,
    follow: bool,
    pace: Pace,
    backlog: Arc<Backlog>,
    epoch: u32,
    places: HashMap<RegionId, Place>,
    makes_full: bool,
    /// The time of the last round.
    now: Mono,
}

/// One region.
#[derive(Debug)]
struct Place {
    book: Book,
    survey: Survey,
    slow: bool,
}

/// A slow region has so many scanners.
const SLOW_SCANNERS: usize = 4;
/// On a fast file system a job takes so many directories with one parent.
const TOGETHER: usize = 256;

impl Polling {
    pub(crate) fn new(root: &Path, follow: bool, pace: Pace, backlog: &Arc<Backlog>) -> Self {
        Self {
            root: root.to_owned(),
            follow,
            pace,
            backlog: Arc::clone(backlog),
            epoch: 0,
            places: HashMap::new(),
            makes_full: false,
            now: Mono::ZERO,
        }
    }

    pub(crate) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.places.values_mut().for_each(|place| place.book.set_pace(pace));
    }

    /// Forgets everything; answers that are on their way mean nothing any more.
    pub(crate) fn forget(&mut self) {
        self.places.clear();
        self.epoch += 1;
    }

    /// How many directories are polled.
    pub(crate) fn len(&self) -> usize {
        self.places.values().map(|place| place.book.len()).sum()
    }

    pub(crate) fn make_full(&mut self, yes: bool) {
        self.makes_full = yes;
        let now = self.now;
        self.places.values_mut().for_each(|place| place.book.make_full(yes, now));
    }

    pub(crate) fn set_now(&mut self, now: Mono) {
        self.now = now;
    }

    /// Sends the scanners of regions that are no more home. Their directories have left the tree.
    pub(crate) fn retain(&mut self, is_there: impl Fn(RegionId) -> bool) {
        self.places.retain(|region, _| is_there(*region));
    }

    /// When something is to be asked next.
    pub(crate) fn next(&self) -> Option<Mono> {
        self.places.values().filter_map(|place| place.book.next()).min()
    }

    /// Directories that were asked for so long ago that something must be stuck.
    pub(crate) fn stuck(&self) -> Vec<DirId> {
        self.places.values().flat_map(|place| place.book.overdue(self.now)).collect()
    }

    fn place(&mut self, region: RegionId, slow: bool) -> &mut Place {
        let (pace, now, makes_full) = (self.pace, self.now, self.makes_full);
        let (root, follow, epoch, backlog) = (&self.root, self.follow, self.epoch, &self.backlog);
        self.places.entry(region).or_insert_with(|| {
            let mut book = Book::new(pace);
            book.make_full(makes_full, now);
            let threads = if slow { SLOW_SCANNERS } else { 1 };
            Place { book, survey: Survey::new(root, follow, epoch, threads, backlog), slow }
        })
    }

    /// The directory is polled from now on, wherever it was before.
    pub(crate) fn take_on(&mut self, dir: DirId, region: RegionId, slow: bool, signature: Option<Signature>) {
        let now = self.now;
        for (other, place) in &mut self.places {
            if *other != region {
                place.book.let_go(dir);
            }
        }
        self.place(region, slow).book.take_on(dir, signature, now);
    }

    pub(crate) fn let_go(&mut self, dir: DirId) {
        self.places.values_mut().for_each(|place| place.book.let_go(dir));
    }

    pub(crate) fn has(&self, dir: DirId) -> bool {
        self.places.values().any(|place| place.book.has(dir))
    }

    /// Asks for what is due.
    pub(crate) fn ask(&mut self, ground: &Ground) {
        let now = self.now;
        for place in self.places.values_mut() {
            let asks = place.book.asks(now);
            give(place, ground, asks, now);
            place.survey.tend();
        }
    }

    /// Has one directory listed, as a part of a scan.
    pub(crate) fn visit(&mut self, ground: &Ground, dir: DirId) {
        let (now, region) = (self.now, ground.tree.region(dir));
        self.take_on(dir, region, true, None);
        give(self.place(region, true), ground, vec![(dir, Want::Listing)], now);
    }

    /// Has entries of a directory looked at.
    pub(crate) fn look(&mut self, ground: &Ground, dir: DirId, names: Vec<Box<[u8]>>) {
        let Some(path) = ground.tree.path(dir) else { return };
        let asked = self.now;
        let place = self.place(ground.tree.region(dir), true);
        for name in names {
            place.survey.give(Job { dir: path.clone(), tasks: vec![Task::Look { id: dir, name, asked }] });
        }
    }

    fn fold_report(&mut self, ground: &mut Ground, report: &Report, each: &mut Each<'_>) {
        match report {
            Report::Same(dirs) => dirs.iter().for_each(|dir| self.answered(*dir, None)),
            Report::Entries { dir, entries } => {
                for entry in entries {
                    let (name, kind, look, asked) = (&*entry.name, entry.kind, entry.look, entry.asked);
                    each(&ground.tree, Hint::Seen { dir: *dir, name, kind, look, asked });
                }
            }
            Report::Listed { dir, signature, below, count } => {
                self.answered(*dir, Some((*signature, *count)));
                // It may have left the tree meanwhile.
                if ground.recursive && ground.tree.is_known(*dir) {
                    compare(ground, *dir, below, each);
                }
                each(&ground.tree, Hint::Listed { dir: *dir, below });
            }
            Report::Refused { dir, place, signature, error } => {
                let now = self.now;
                // A change of permissions changes the signature. What else went wrong may pass unseen.
                let signature = signature.filter(|_| matches!(*error, Errno::ACCESS | Errno::PERM));
                self.places.values_mut().for_each(|place| place.book.refused(*dir, signature, now));
                let went = matches!(*error, Errno::NOENT | Errno::NOTDIR) && *dir != DirId::ROOT;
                // It, or a directory above, may have been renamed since. Of one that is heard the events tell.
                let there = ground.tree.path(*dir).is_some_and(|path| path == *place);
                if went && there && !ground.tree.is_watched(*dir) {
                    ground.drop_dir(*dir);
                    each(&ground.tree, Hint::DirectoryGone);
                }
                each(&ground.tree, Hint::Refused { dir: *dir, error: *error });
            }
        }
    }

    fn answered(&mut self, dir: DirId, listed: Option<(Signature, u64)>) {
        let now = self.now;
        self.places.values_mut().for_each(|place| place.book.answered(dir, listed, now));
    }
}

impl Backend for Polling {
    /// The directory's signature is read before it is listed.
    fn arm(&mut self, ground: &mut Ground, dir: DirId, open: &Dir) -> Result<(), Errno> {
        let signature = open.look().ok().map(|look| Signature::from(&look));
        let region = ground.tree.region(dir);
        self.take_on(dir, region, ground.is_slow(region), signature);
        Ok(())
    }

    fn disarm(&mut self, dir: DirId, _: Option<crate::tree::Wd>) {
        self.let_go(dir);
    }

    fn fold(&mut self, ground: &mut Ground, piece: &Piece, each: &mut Each<'_>) {
        if let Piece::Survey(answer) = piece
            && answer.epoch == self.epoch
        {
            for report in &answer.reports {
                self.fold_report(ground, report, each);
            }
        }
    }
}

/// Which directories in one are new, and which are gone.
fn compare(ground: &mut Ground, dir: DirId, below: &[Box<[u8]>], each: &mut Each<'_>) {
    let listed: std::collections::HashSet<&[u8]> = below.iter().map(|name| &**name).collect();
    // Of a directory that is heard the events tell.
    let gone = |(name, child): &(&[u8], DirId)| !listed.contains(name) && !ground.tree.is_watched(*child);
    let gone: Vec<DirId> = ground.tree.children(dir).filter(gone).map(|(_, child)| child).collect();
    for child in gone {
        ground.drop_dir(child);
        each(&ground.tree, Hint::DirectoryGone);
    }
    for name in below {
        if ground.tree.child(dir, name).is_none() {
            let child = ground.tree.add(dir, name);
            each(&ground.tree, Hint::Directory(child));
        }
    }
}

/// Where a directory is looked for: the root in itself, each other in its parent.
fn home(ground: &Ground, dir: DirId) -> Option<(DirId, &[u8])> {
    if dir == DirId::ROOT {
        return Some((DirId::ROOT, b"."));
    }
    ground.tree.place(dir).filter(|(parent, _)| ground.tree.is_known(*parent))
}

/// Puts questions together as suits the region: on a slow one each has a thread to itself.
fn give(place: &mut Place, ground: &Ground, asks: Vec<(DirId, Want)>, now: Mono) {
    let mut by_parent: HashMap<DirId, Vec<Task>> = HashMap::new();
    for (id, want) in asks {
        let Some((parent, name)) = home(ground, id) else {
            // It hangs nowhere just now.
            place.book.answered(id, None, now);
            continue;
        };
        by_parent.entry(parent).or_default().push(Task::Visit { id, name: name.into(), want });
    }
    let together = if place.slow { 1 } else { TOGETHER };
    for (parent, tasks) in by_parent {
        let Some(dir) = ground.tree.path(parent) else { continue };
        let mut tasks = tasks.into_iter().peekable();
        while tasks.peek().is_some() {
            let tasks = tasks.by_ref().take(together).collect();
            place.survey.give(Job { dir: dir.clone(), tasks });
        }
    }
}

#[cfg(test)]
#[path = "polling/tests.rs"]
mod tests;
