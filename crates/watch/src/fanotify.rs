//! The fanotify backend: one mark for a whole file system, and a map from handles to directories.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use settle::What;
use sys::fanotify::{self, Named, RawEvent};
use sys::{Dir, Errno, Fanotify, Handle};

use crate::backlog::{Backlog, Piece};
use crate::drain::{Drain, Queue};
use crate::ground::{Backend, Each, Ground};
use crate::hint::Hint;
use crate::tree::{Armed, DirId, Wd};

/// One group with its drain thread.
#[derive(Debug)]
pub(crate) struct FanotifyBackend {
    drain: Drain<Group>,
}

/// The group and the directories of ours, so that the drain thread knows foreign events.
#[derive(Debug)]
pub(crate) struct Group {
    fanotify: Fanotify,
    ours: Ours,
}

/// Our directories by their handles.
///
/// A directory that is replaced keeps its number and gets a second handle here; which one is its own
/// stands in the tree ([`Armed::Mark`]).
#[derive(Debug, Default)]
struct Ours {
    map: RwLock<HashMap<Handle, DirId>>,
    hasher: RandomState,
}

impl Ours {
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Handle, DirId>> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Handle, DirId>> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn concerns(map: &HashMap<Handle, DirId>, event: &RawEvent<'_>) -> bool {
        let known = |named: Option<Named<'_>>| named.is_some_and(|named| map.contains_key(named.directory));
        known(event.at) || known(event.to) || event.is_lost() || event.mask & fanotify::Q_OVERFLOW != 0
    }

    /// The events that concern directories of ours.
    fn keep(&self, read: &[u8]) -> Vec<u8> {
        let map = self.read();
        let ours = fanotify::events(read).filter(|event| Self::concerns(&map, event));
        ours.flat_map(|event| event.bytes).copied().collect()
    }

    /// The directory has this handle from now on.
    fn add(&self, ground: &mut Ground, handle: Handle, dir: DirId) {
        let hash = self.hash(handle.as_bytes());
        let handles = {
            let mut map = self.write();
            map.insert(handle, dir);
            map.len()
        };
        ground.tree.mark(dir, hash);
        if handles > 2 * ground.tree.len() + SLACK {
            // Whole scans purge, too; but there may be none for long, or none that can read everything.
            self.purge(ground);
        }
    }

    /// Forgets handles that are nobody's any more.
    fn purge(&self, ground: &Ground) {
        let own = |handle: &Handle| Armed::Mark(self.hash(handle.as_bytes()));
        self.write().retain(|handle, dir| ground.tree.armed(*dir) == own(handle));
    }

    fn get(&self, handle: &[u8]) -> Option<DirId> {
        self.read().get(handle).copied()
    }

    fn hash(&self, handle: &[u8]) -> u64 {
        self.hasher.hash_one(handle)
    }
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fanotify.as_fd()
    }
}

impl Queue for Group {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.fanotify.read(buffer)
    }

    /// Foreign events are dropped here. An event in a directory of ours whose handle is not known yet
    /// is dropped with them: that directory has not been listed yet, and will be.
    fn piece(&self, read: &[u8]) -> Option<Piece> {
        let kept = self.ours.keep(read);
        (!kept.is_empty()).then(|| Piece::Fanotify(kept.into()))
    }

    fn is_bounded(&self) -> bool {
        !self.fanotify.is_unlimited()
    }
}

impl FanotifyBackend {
    pub(crate) fn start(backlog: &Arc<Backlog>) -> std::io::Result<Self> {
        let group = Group { fanotify: Fanotify::open()?, ours: Ours::default() };
        Ok(Self { drain: Drain::start(Arc::new(group), Arc::clone(backlog))? })
    }

    /// Reads what the kernel has queued by now, whoever else reads.
    pub(crate) fn read_now(&self) {
        self.drain.read_now();
    }

    /// Marks the file system that holds the directory.
    pub(crate) fn mark(&self, dir: &Dir) -> Result<(), Errno> {
        // Without handles the events could not be understood.
        dir.handle()?;
        self.group().fanotify.mark(dir)
    }

    /// Marks it again if the mark is gone; says whether it was.
    pub(crate) fn mark_again(&self, dir: &Dir) -> Result<bool, Errno> {
        let lost = !self.group().fanotify.has_mark(dir)?;
        if lost {
            self.group().fanotify.mark(dir)?;
        }
        Ok(lost)
    }

    fn group(&self) -> &Group {
        self.drain.queue()
    }

    /// Forgets the handles of directories that left the tree.
    pub(crate) fn purge(&self, ground: &Ground) {
        self.group().ours.purge(ground);
    }
}

impl Backend for FanotifyBackend {
    fn arm(&mut self, ground: &mut Ground, dir: DirId, open: &Dir) -> Result<(), Errno> {
        let handle = open.handle()?;
        self.group().ours.add(ground, handle, dir);
        Ok(())
    }

    fn disarm(&mut self, _: DirId, _: Option<Wd>) {
        // Its handle stays until the next `purge`: events of it lead to nothing.
    }

    fn fold(&mut self, ground: &mut Ground, piece: &Piece, each: &mut Each<'_>) {
        if let Piece::Fanotify(chunk) = piece {
            self.group().ours.fold(ground, chunk, each);
        }
    }
}

/// So many handles that are nobody's are no burden.
const SLACK: usize = 1024;

/// What events become.
impl Ours {
    fn fold(&self, ground: &mut Ground, chunk: &[u8], each: &mut Each<'_>) {
        for event in fanotify::events(chunk) {
            if event.mask & fanotify::Q_OVERFLOW != 0 || event.is_lost() {
                each(&ground.tree, Hint::Overflow);
            } else if event.mask & fanotify::ONDIR != 0 {
                self.fold_directory(ground, &event, each);
            } else {
                self.fold_file(ground, &event, each);
            }
        }
    }

    /// Where it happened, if that is a directory of ours that still hangs in the tree.
    fn place<'e>(&self, ground: &Ground, named: Option<Named<'e>>) -> Option<(DirId, &'e [u8])> {
        let named = named.filter(|named| !named.name.is_empty())?;
        let dir = self.get(named.directory)?;
        let same = ground.tree.armed(dir) == Armed::Mark(self.hash(named.directory));
        same.then_some((dir, named.name))
    }

    fn fold_file(&self, ground: &Ground, event: &RawEvent<'_>, each: &mut Each<'_>) {
        let from = self.place(ground, event.at);
        let mut tell = |place: Option<(DirId, &[u8])>, what: What| {
            if let Some((dir, name)) = place {
                each(&ground.tree, Hint::Entry { dir, name, what });
            }
        };
        if event.mask & fanotify::RENAME != 0 {
            tell(from, What::MovedOut);
            return tell(self.place(ground, event.to), What::MovedIn);
        }
        // A mask is a set and its order is lost: a look decides, and a removal has the last word.
        for (bit, what) in WHAT {
            if event.mask & bit != 0 {
                tell(from, what);
            }
        }
    }

    fn fold_directory(&self, ground: &mut Ground, event: &RawEvent<'_>, each: &mut Each<'_>) {
        if !ground.recursive {
            return;
        }
        let from = self.place(ground, event.at);
        if event.mask & fanotify::RENAME != 0 {
            return self.fold_rename(ground, event, from, each);
        }
        let Some((parent, name)) = from else { return };
        ground.stirred |= event.mask & (fanotify::MOVED_FROM | fanotify::MOVED_TO) != 0;
        if event.mask & (fanotify::DELETE | fanotify::MOVED_FROM) != 0 {
            return self.fold_removal(ground, parent, event, name, each);
        }
        if event.mask & fanotify::CREATE != 0 {
            ground.created(parent, name, each);
        }
        if event.mask & fanotify::MOVED_TO != 0 {
            // Perhaps over an empty one, of whose end nothing else tells.
            ground.moved_to(None, parent, name, each);
        }
        if event.mask & fanotify::ATTRIB != 0 {
            ground.changed(parent, name, each);
        }
    }

    fn fold_rename(
        &self,
        ground: &mut Ground,
        event: &RawEvent<'_>,
        from: Option<(DirId, &[u8])>,
        each: &mut Each<'_>,
    ) {
        ground.stirred = true;
        let moved = self.meant(ground, event.target, from);
        if let Some(moved) = moved {
            ground.tree.detach(moved);
            each(&ground.tree, Hint::DirectoryGone);
        }
        match (self.place(ground, event.to), moved) {
            (Some((parent, name)), moved) => ground.moved_to(moved, parent, name, each),
            // Out of the tree, or to where nobody has looked yet: then it is listed there.
            (None, Some(moved)) => ground.drop_dir(moved),
            (None, None) => {}
        }
    }

    /// The name may belong to another directory by now: only the one that went is dropped.
    fn fold_removal(
        &self,
        ground: &mut Ground,
        parent: DirId,
        event: &RawEvent<'_>,
        name: &[u8],
        each: &mut Each<'_>,
    ) {
        let gone = self.meant(ground, event.target, Some((parent, name)));
        if let Some(gone) = gone.filter(|gone| ground.tree.child(parent, name) == Some(*gone)) {
            if event.mask & fanotify::MOVED_FROM != 0 {
                ground.drop_dir(gone);
                each(&ground.tree, Hint::DirectoryGone);
            } else {
                ground.depart(gone);
            }
        }
        if event.mask & (fanotify::CREATE | fanotify::MOVED_TO) != 0 {
            // One of the name may have come after the one that went.
            let dir = ground.tree.add(parent, name);
            each(&ground.tree, Hint::Directory(dir));
        }
    }

    /// The directory that an event is about: the one with this handle, otherwise the one of this name, but
    /// not if that has another handle. (An exchange is told as two renames, each as if the other was not
    /// there; and a walk may have found the next one of a name before the last one's end is read.)
    fn meant(&self, ground: &Ground, target: Option<&[u8]>, place: Option<(DirId, &[u8])>) -> Option<DirId> {
        let known = target.and_then(|target| self.known(ground, target));
        known.or_else(|| {
            let (parent, name) = place?;
            let child = ground.tree.child(parent, name)?;
            (target.is_none() || !ground.tree.is_watched(child)).then_some(child)
        })
    }

    /// The directory of ours that has this handle now.
    fn known(&self, ground: &Ground, handle: &[u8]) -> Option<DirId> {
        let dir = self.get(handle)?;
        (ground.tree.armed(dir) == Armed::Mark(self.hash(handle))).then_some(dir)
    }
}

/// In the order in which they are told.
const WHAT: [(u64, What); 6] = [
    (fanotify::MOVED_TO, What::MovedIn),
    (fanotify::CREATE, What::Created),
    (fanotify::CLOSE_WRITE, What::Closed),
    (fanotify::ATTRIB, What::Attrib),
    (fanotify::MOVED_FROM, What::MovedOut),
    (fanotify::DELETE, What::Deleted),
];

#[cfg(test)]
#[path = "fanotify/tests.rs"]
mod tests;
