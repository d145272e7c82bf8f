//! Going through a tree: every entry is looked at, and every directory is listened to from then on.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use settle::Pattern;
use sys::{Dir, EntryKind, Errno};

use super::ear::{Ear, below};
use super::snapshot::{Facts, Snapshot};

/// What belongs to the tree.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The directory.
    pub root: PathBuf,
    /// Whether what lies in directories below belongs to it.
    pub recursive: bool,
    /// What does not belong to it, by paths relative to the root; directories with all that is in them.
    pub exclude: Vec<Pattern>,
    /// Whether events are listened to. What they do not tell of is found by comparing in any case.
    pub listen: bool,
}

/// Why a tour came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TourError {
    /// The directory cannot be opened.
    Open(Errno),
    /// It is not there any more.
    Gone,
    /// Another directory is in its place.
    Replaced,
}

impl fmt::Display for TourError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TourError::Open(error) => write!(f, "open the directory: {error}"),
            TourError::Gone => f.write_str("find the directory again: it was removed, renamed or unmounted"),
            TourError::Replaced => f.write_str("find the directory again: another one is in its place"),
        }
    }
}

impl std::error::Error for TourError {}

/// How the tree is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ears {
    /// Not at all, because nobody wants it.
    None,
    /// Not at all, though it is wanted.
    Deaf(Errno),
    /// By so many directories; so many were refused, and why.
    Open {
        /// Directories that are heard.
        heard: u64,
        /// Directories that the kernel refused to watch, and why the last.
        refused: Option<(Errno, u64)>,
    },
}

/// Goes through one tree again and again.
#[derive(Debug)]
pub struct Tour {
    plan: Plan,
    ear: Option<Ear>,
    deaf: Option<Errno>,
    /// The root as it was found first.
    root: Option<Facts>,
    progress: Arc<AtomicU64>,
}

impl Tour {
    /// One that has not gone anywhere yet. `progress` counts the entries of the tour that is under way.
    #[must_use]
    pub fn new(plan: Plan, progress: Arc<AtomicU64>) -> Self {
        let (ear, deaf) = match plan.listen.then(Ear::open) {
            Some(Ok(ear)) => (Some(ear), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Self { plan, ear, deaf, root: None, progress }
    }

    /// How the tree is listened to since the last tour.
    #[must_use]
    pub fn ears(&self) -> Ears {
        match (&self.ear, self.deaf) {
            (Some(ear), _) => {
                let (heard, refused) = ear.state();
                Ears::Open { heard, refused }
            }
            (None, Some(error)) => Ears::Deaf(error),
            (None, None) => Ears::None,
        }
    }

    /// Waits until something is heard, or the time is up, and calls `each` with the path of everything
    /// that was heard; without a path where events were dropped.
    pub fn listen(&mut self, timeout: Duration, each: &mut dyn FnMut(Option<&[u8]>)) {
        let Some(ear) = &mut self.ear else { return std::thread::sleep(timeout) };
        let exclude = &self.plan.exclude;
        let waited = if timeout.is_zero() { Ok(()) } else { ear.wait(timeout) };
        let heard = waited.and_then(|()| {
            ear.read(&mut |path| {
                if path.is_none_or(|path| !is_excluded(exclude, path)) {
                    each(path);
                }
            })
        });
        if let Err(error) = heard {
            // What happened until now may be unheard.
            each(None);
            (self.ear, self.deaf) = (None, Some(error));
        }
    }

    /// Goes through the tree. Each directory is listened to before it is listed, so that what appears
    /// meanwhile is either listed or heard. What vanishes on the way is not there.
    pub fn take(&mut self) -> Result<Snapshot, TourError> {
        self.progress.store(0, Ordering::Relaxed);
        let root = self.open_root()?;
        if let Some(ear) = &mut self.ear {
            ear.begin_tour();
        }
        let mut snapshot = Snapshot::new();
        if let Some(facts) = &self.root {
            snapshot.add(b"", self.kept(root.look_closely().map_or(*facts, Facts::from), true));
        }
        let mut todo = vec![Vec::new()];
        while let Some(path) = todo.pop() {
            match root.open_below(&path) {
                Ok(dir) => self.visit(&dir, &path, &mut snapshot, &mut todo),
                Err(error) if is_gone(error) => {}
                Err(error) => snapshot.add_unread(&path, error),
            }
        }
        if let Some(ear) = &mut self.ear {
            ear.end_tour();
        }
        Ok(snapshot.sorted())
    }

    /// Opens the root by its path: a descriptor that was kept would show a directory that has long been
    /// removed.
    fn open_root(&mut self) -> Result<Dir, TourError> {
        let opened = Dir::open_root(&self.plan.root).and_then(|dir| Ok((dir.look_closely()?.into(), dir)));
        match (opened, self.root) {
            (Ok((now, dir)), first) => {
                if first.is_some_and(|first: Facts| !first.is(&now)) {
                    return Err(TourError::Replaced);
                }
                self.root = Some(first.unwrap_or(now));
                Ok(dir)
            }
            (Err(Errno::NOENT | Errno::NOTDIR), Some(_)) => Err(TourError::Gone),
            (Err(error), _) => Err(TourError::Open(error)),
        }
    }

    fn visit(&mut self, dir: &Dir, path: &[u8], snapshot: &mut Snapshot, todo: &mut Vec<Vec<u8>>) {
        if let Some(ear) = &mut self.ear {
            ear.arm(dir, path);
        }
        let mut failed = None;
        let listed = dir.list(|name, _| {
            let path = below(path, name);
            if is_excluded(&self.plan.exclude, &path) {
                return;
            }
            self.progress.fetch_add(1, Ordering::Relaxed);
            match dir.look_at_closely(name).map(Facts::from) {
                Ok(facts) => {
                    let goes_down = facts.kind == EntryKind::Directory && self.plan.recursive;
                    snapshot.add(&path, self.kept(facts, goes_down));
                    if goes_down {
                        todo.push(path);
                    }
                }
                Err(error) if is_gone(error) => {}
                // As in a directory that may be listed but not entered.
                Err(error) => failed = Some(error),
            }
        });
        // A directory that is removed while it is listed is not there.
        if let Some(error) = listed.err().filter(|error| !is_gone(*error)).or(failed) {
            snapshot.add_unread(path, error);
        }
    }

    /// Times of a directory tell that something happened in it; where a part of what happens is of no
    /// interest, they do not count.
    fn kept(&self, facts: Facts, goes_down: bool) -> Facts {
        let all = goes_down && self.plan.exclude.is_empty();
        if facts.kind == EntryKind::Directory && !all { facts.without_times() } else { facts }
    }
}

/// Whether the error says that the entry is not there any more, or no directory any more.
fn is_gone(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV)
}

fn is_excluded(exclude: &[Pattern], path: &[u8]) -> bool {
    !path.is_empty() && exclude.iter().any(|pattern| pattern.matches(path))
}

#[cfg(test)]
#[path = "tour/tests.rs"]
mod tests;
