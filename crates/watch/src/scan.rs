//! Walking the tree: arm first, then list, then go down; a step at a time.

use settle::RuleMask;
use sys::{Dir, EntryKind, Errno};

use crate::tree::DirId;
use crate::watcher::Watcher;

/// An entry that a scan came by.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The directory it lies in.
    pub dir: DirId,
    /// The directory's path below the root.
    pub dir_path: &'a [u8],
    /// The open directory, to look at the entry.
    pub open: &'a Dir,
    /// Its name.
    pub name: &'a [u8],
    /// What it is, as far as the directory says.
    pub kind: EntryKind,
}

/// A walk over a source's tree or a part of it that can be paused after each directory.
///
/// Because each directory is armed before it is listed, whatever appears meanwhile is either
/// listed or heard, or both.
#[derive(Debug)]
pub struct Scan {
    number: u32,
    todo: Vec<DirId>,
    whole: bool,
    directories: u64,
    entries: u64,
    /// Directories that could not be read: path below the root and why. Bounded; the count is not.
    unreadable: Vec<(Vec<u8>, Errno)>,
    unreadable_count: u64,
}

/// How many unreadable directories are named.
const NAMED: usize = 16;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    More,
    /// Everything was walked.
    Done,
}

impl Scan {
    /// A walk over everything. Each walk has its own number, greater than that of those before.
    #[must_use]
    pub fn whole(number: u32) -> Self {
        Self { whole: true, ..Self::below(number, DirId::ROOT) }
    }

    /// A walk over one directory and all below it.
    #[must_use]
    pub fn below(number: u32, dir: DirId) -> Self {
        Self {
            number,
            todo: vec![dir],
            whole: false,
            directories: 0,
            entries: 0,
            unreadable: Vec::new(),
            unreadable_count: 0,
        }
    }

    /// Adds another directory to walk.
    pub fn add(&mut self, dir: DirId) {
        self.todo.push(dir);
    }

    /// Whether it walks the whole tree.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// The walk's number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Directories walked so far and directories known but not walked yet.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.directories, self.todo.len() as u64)
    }

    /// Entries seen so far.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Directories that could not be read (the first few by name), and how many there were.
    #[must_use]
    pub fn unreadable(&self) -> (&[(Vec<u8>, Errno)], u64) {
        (&self.unreadable, self.unreadable_count)
    }

    /// Walks one directory. `each` gets every entry that is no directory (and what may be one, where
    /// the file system does not say); `mask` tells for a directory's path and its parent's mask the
    /// directory's own mask, or nothing if it need not be walked.
    pub fn step(
        &mut self,
        watcher: &mut Watcher,
        root: &Dir,
        mask: &mut impl FnMut(&[u8], RuleMask) -> Option<RuleMask>,
        each: &mut impl FnMut(Found<'_>),
    ) -> Step {
        let Some(dir) = self.todo.pop() else { return Step::Done };
        if let Some(path) = watcher.tree().path(dir) {
            self.walk(watcher, root, dir, &path, mask, each);
        }
        if self.todo.is_empty() { Step::Done } else { Step::More }
    }

    fn walk(
        &mut self,
        watcher: &mut Watcher,
        root: &Dir,
        dir: DirId,
        path: &[u8],
        mask: &mut impl FnMut(&[u8], RuleMask) -> Option<RuleMask>,
        each: &mut impl FnMut(Found<'_>),
    ) {
        let opened = if path.is_empty() { root.open_below(b".") } else { root.open_below(path) };
        let open = match opened {
            Ok(open) => open,
            // It went away between being named and being opened: its events say the rest.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) if !path.is_empty() => {
                watcher.drop_dir(dir);
                return;
            }
            Err(error) => return self.refused(path, error),
        };
        watcher.arm(dir, &open);
        watcher.tree_mut().set_scanned(dir, self.number);
        self.directories += 1;
        let mut below: Vec<Box<[u8]>> = Vec::new();
        let listed = open.list(|name, kind| {
            self.entries += 1;
            let kind = match kind {
                // Some file systems do not say in a listing.
                EntryKind::Unknown => open.look_at(name).map_or(kind, |look| look.kind()),
                kind => kind,
            };
            if kind == EntryKind::Directory {
                below.push(name.into());
            } else {
                each(Found { dir, dir_path: path, open: &open, name, kind });
            }
        });
        if let Err(error) = listed {
            self.refused(path, error);
        }
        if watcher.is_recursive() {
            self.go_down(watcher, dir, path, &below, mask);
        }
    }

    fn go_down(
        &mut self,
        watcher: &mut Watcher,
        dir: DirId,
        path: &[u8],
        below: &[Box<[u8]>],
        mask: &mut impl FnMut(&[u8], RuleMask) -> Option<RuleMask>,
    ) {
        let parent_mask = watcher.tree().mask(dir);
        let mut child_path = Vec::with_capacity(path.len() + 64);
        for name in below {
            child_path.clear();
            child_path.extend_from_slice(path);
            if !path.is_empty() {
                child_path.push(b'/');
            }
            child_path.extend_from_slice(name);
            if let Some(own) = mask(&child_path, parent_mask) {
                let child = watcher.tree_mut().add(dir, name);
                watcher.tree_mut().set_mask(child, own);
                // A directory that this walk has come by already (it was added by an event) is
                // walked again: it may have been renamed since.
                self.todo.push(child);
            }
        }
    }

    fn refused(&mut self, path: &[u8], error: Errno) {
        self.unreadable_count += 1;
        if self.unreadable.len() < NAMED {
            self.unreadable.push((path.to_vec(), error));
        }
    }

    /// To be called when a whole walk is done: forgets directories that it did not come by. Their
    /// removal may have been among events that the kernel dropped.
    ///
    /// Directories that became known meanwhile must have been [added](Scan::add) to the walk before.
    pub fn forget_missing(&self, watcher: &mut Watcher) {
        if !self.whole || self.unreadable_count > 0 {
            return;
        }
        for dir in watcher.tree().not_scanned_since(self.number) {
            watcher.drop_dir(dir);
        }
    }

    /// To be called before a whole walk begins: counts anew what the kernel refuses to watch.
    pub fn begin(&self, watcher: &mut Watcher) {
        if self.whole {
            watcher.forget_unwatched();
        }
    }
}
