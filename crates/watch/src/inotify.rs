//! The inotify backend: a watch for each directory.

use std::collections::VecDeque;
use std::sync::Arc;

use settle::What;
use sys::inotify::{self, RawEvent};
use sys::{Dir, Errno, Inotify};

use crate::backlog::{Backlog, Piece};
use crate::drain::{Drain, Queue};
use crate::ground::{Backend, Each, Ground};
use crate::hint::{Hint, RootChange};
use crate::tree::{DirId, Wd};

/// Directories renamed away whose other half was not read yet.
#[derive(Debug)]
struct Move {
    cookie: u32,
    dir: DirId,
    from: Place,
    /// How many batches of events have come since.
    age: u8,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    parent: DirId,
    name: Box<[u8]>,
}

/// A rename of a directory to where another one was.
#[derive(Debug)]
struct Cover {
    dir: DirId,
    from: Place,
}

/// One instance with its drain thread.
#[derive(Debug)]
pub(crate) struct InotifyBackend {
    drain: Drain<Inotify>,
    moves: Moves,
}

/// Renames between their two halves, and the last ones that covered something.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    halves: Vec<Move>,
    covers: VecDeque<Cover>,
}

/// So many are remembered. The two renames that an exchange is told as come one after the other, so it
/// could almost be one.
const COVERS: usize = 16;

impl Queue for Inotify {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        Inotify::read(self, buffer)
    }

    fn piece(&self, read: &[u8]) -> Option<Piece> {
        Some(Piece::Inotify(read.into()))
    }

    fn is_bounded(&self) -> bool {
        true
    }
}

impl InotifyBackend {
    pub(crate) fn start(backlog: &Arc<Backlog>) -> std::io::Result<Self> {
        let inotify = Arc::new(Inotify::open()?);
        Ok(Self { drain: Drain::start(inotify, Arc::clone(backlog))?, moves: Moves::default() })
    }

    /// What drains its queue.
    pub(crate) const fn drain(&self) -> &Drain<Inotify> {
        &self.drain
    }

    /// Whether a rename waits for its other half.
    pub(crate) fn has_moves(&self) -> bool {
        !self.moves.halves.is_empty()
    }

    /// To be called when all pieces at hand are folded: a directory whose rename has had its other
    /// half nowhere in two batches has left the tree.
    pub(crate) fn finish_batch(&mut self, ground: &mut Ground, each: &mut Each<'_>) {
        let mut left = Vec::new();
        self.moves.halves.retain_mut(|moved| {
            moved.age += 1;
            let waits = moved.age < 2;
            if !waits {
                left.push(moved.dir);
            }
            waits
        });
        for dir in left {
            ground.drop_dir(dir);
            each(&ground.tree, Hint::DirectoryGone);
        }
    }
}

impl Backend for InotifyBackend {
    fn arm(&mut self, ground: &mut Ground, dir: DirId, open: &Dir) -> Result<(), Errno> {
        let wd = self.drain.queue().arm(open)?;
        ground.tree.bind(dir, wd);
        Ok(())
    }

    fn disarm(&mut self, _: DirId, wd: Option<Wd>) {
        if let Some(wd) = wd {
            self.drain.queue().disarm(wd);
        }
    }

    fn fold(&mut self, ground: &mut Ground, piece: &Piece, each: &mut Each<'_>) {
        if let Piece::Inotify(chunk) = piece {
            self.moves.fold(ground, chunk, each);
        }
    }
}

impl Moves {
    fn fold(&mut self, ground: &mut Ground, chunk: &[u8], each: &mut Each<'_>) {
        for event in inotify::events(chunk) {
            self.fold_event(ground, &event, each);
        }
    }

    fn fold_event(&mut self, ground: &mut Ground, event: &RawEvent<'_>, each: &mut Each<'_>) {
        if event.mask & inotify::Q_OVERFLOW != 0 {
            return each(&ground.tree, Hint::Overflow);
        }
        let Some(dir) = ground.tree.by_wd(event.wd) else { return };
        if event.mask & inotify::IGNORED != 0 {
            ground.tree.unbind(event.wd);
        }
        if event.mask & ON_ITSELF != 0 {
            fold_self(ground, dir, event.mask, each);
        } else if event.mask & inotify::ISDIR != 0 {
            self.fold_directory(ground, dir, event, each);
        } else if let Some(what) = what(event.mask)
            && !event.name.is_empty()
        {
            each(&ground.tree, Hint::Entry { dir, name: event.name, what });
        }
    }

    fn fold_directory(
        &mut self,
        ground: &mut Ground,
        parent: DirId,
        event: &RawEvent<'_>,
        each: &mut Each<'_>,
    ) {
        if !ground.recursive || event.name.is_empty() {
            return;
        }
        let known = ground.tree.child(parent, event.name);
        match (event.mask & !inotify::ISDIR, known) {
            (inotify::CREATE, _) => ground.created(parent, event.name, each),
            (inotify::MOVED_FROM, Some(dir)) => {
                ground.tree.detach(dir);
                ground.stirred = true;
                let from = Place { parent, name: event.name.into() };
                self.halves.push(Move { cookie: event.cookie, dir, from, age: 0 });
                each(&ground.tree, Hint::DirectoryGone);
            }
            (inotify::MOVED_TO, _) => {
                let half = self.halves.iter().position(|moved| moved.cookie == event.cookie);
                if let Some(half) = half.map(|at| self.halves.swap_remove(at)) {
                    return self.join(ground, half, Place { parent, name: event.name.into() }, each);
                }
                ground.stirred = true;
                ground.moved_to(None, parent, event.name, each);
            }
            // It was empty, and each of its entries was told of.
            (inotify::DELETE, Some(dir)) => ground.depart(dir),
            (inotify::ATTRIB, Some(_)) => ground.changed(parent, event.name, each),
            _ => {}
        }
    }
}

impl Moves {
    /// An exchange of `a` and `b` is told as `a` to `b`, `b` to `a`: like one directory that goes over another
    /// and comes back. So where one comes back, both places are looked at.
    fn join(&mut self, ground: &mut Ground, half: Move, to: Place, each: &mut Each<'_>) {
        let back = |cover: &Cover| cover.dir == half.dir && cover.from == to;
        if let Some(at) = self.covers.iter().position(back) {
            self.covers.remove(at);
            ground.drop_dir(half.dir);
            for Place { parent, name } in [half.from, to] {
                if ground.tree.is_known(parent) {
                    ground.moved_to(None, parent, &name, each);
                }
            }
            return;
        }
        if ground.tree.child(to.parent, &to.name).is_some() {
            if self.covers.len() == COVERS {
                self.covers.pop_front();
            }
            self.covers.push_back(Cover { dir: half.dir, from: half.from });
        }
        ground.moved_to(Some(half.dir), to.parent, &to.name, each);
    }
}

fn fold_self(ground: &mut Ground, dir: DirId, mask: u32, each: &mut Each<'_>) {
    if dir == DirId::ROOT {
        let change = if mask & inotify::DELETE_SELF != 0 {
            RootChange::Deleted
        } else if mask & inotify::MOVE_SELF != 0 {
            RootChange::Moved
        } else {
            RootChange::Unmounted
        };
        each(&ground.tree, Hint::Root(change));
    } else if mask & inotify::UNMOUNT != 0 {
        ground.unmounted.insert(ground.tree.region(dir));
        each(&ground.tree, Hint::Directory(dir));
    }
    // The rest the parent tells, with the name.
}

/// What happens to a watched directory itself, not to an entry of it.
const ON_ITSELF: u32 = inotify::DELETE_SELF | inotify::MOVE_SELF | inotify::UNMOUNT | inotify::IGNORED;

const fn what(mask: u32) -> Option<What> {
    Some(match mask {
        inotify::CREATE => What::Created,
        inotify::CLOSE_WRITE => What::Closed,
        inotify::MOVED_TO => What::MovedIn,
        inotify::MOVED_FROM => What::MovedOut,
        inotify::DELETE => What::Deleted,
        inotify::ATTRIB => What::Attrib,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(wd: i32, mask: u32, cookie: u32, name: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [wd as u32, mask, cookie, 16] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(name);
        bytes.resize(32, 0);
        bytes
    }

    fn fold(ground: &mut Ground, events: &[Vec<u8>]) -> Vec<String> {
        let mut hints = Vec::new();
        let mut moves = Moves::default();
        moves.fold(ground, &events.concat(), &mut |_, hint| hints.push(format!("{hint:?}")));
        hints
    }

    /// `a/b` became `b` unheard (the queue was full, or `a` could not be watched), then `a` became
    /// `b/a`: the tree must not bite its own tail.
    #[test]
    fn a_rename_that_was_missed_makes_no_circle() {
        let mut ground = Ground::new(true);
        ground.tree.bind(DirId::ROOT, 1);
        let a = ground.tree.add(DirId::ROOT, b"a");
        let b = ground.tree.add(a, b"b");
        ground.tree.bind(a, 2);
        ground.tree.bind(b, 3);
        let moved = [
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 7, b"a"),
            event(3, inotify::MOVED_TO | inotify::ISDIR, 7, b"a"),
        ];
        let hints = fold(&mut ground, &moved);
        assert_eq!(hints.last().map(String::as_str), Some("Overflow"), "everything is compared");
        assert_eq!((ground.tree.path(a), ground.tree.path(b)), (None, None));
    }

    #[test]
    fn an_unmount_is_noted_for_its_region() {
        let mut ground = Ground::new(true);
        ground.tree.bind(DirId::ROOT, 1);
        let a = ground.tree.add(DirId::ROOT, b"a");
        ground.tree.bind(a, 2);
        let region = ground.tree.region(a);
        let hints = fold(&mut ground, &[event(2, inotify::UNMOUNT | inotify::ISDIR, 0, b"")]);
        assert_eq!(hints, [format!("{:?}", Hint::Directory(a))]);
        assert!(ground.unmounted.contains(&region));
    }

    /// Told like a rename over another and back, of which nobody knows where it lies.
    #[test]
    fn two_directories_that_are_exchanged_are_both_looked_for() {
        let mut ground = Ground::new(true);
        ground.tree.bind(DirId::ROOT, 1);
        let a = ground.tree.add(DirId::ROOT, b"a");
        let b = ground.tree.add(DirId::ROOT, b"b");
        ground.tree.bind(a, 2);
        ground.tree.bind(b, 3);
        let exchanged = [
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 7, b"a"),
            event(1, inotify::MOVED_TO | inotify::ISDIR, 7, b"b"),
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 8, b"b"),
            event(1, inotify::MOVED_TO | inotify::ISDIR, 8, b"a"),
        ];
        let hints = fold(&mut ground, &exchanged);
        for name in [b"a", b"b"] {
            let dir = ground.tree.child(DirId::ROOT, name).unwrap();
            assert!(hints.contains(&format!("{:?}", Hint::Directory(dir))), "{hints:?}");
            assert!(!ground.tree.is_watched(dir), "nobody knows which of them it is");
        }
        assert_eq!((ground.tree.len(), ground.tree.watched()), (3, 1));
    }

    #[test]
    fn a_directory_that_goes_over_another_and_on_stays_itself() {
        let mut ground = Ground::new(true);
        ground.tree.bind(DirId::ROOT, 1);
        let a = ground.tree.add(DirId::ROOT, b"a");
        ground.tree.add(DirId::ROOT, b"b");
        ground.tree.bind(a, 2);
        let over_and_on = [
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 7, b"a"),
            event(1, inotify::MOVED_TO | inotify::ISDIR, 7, b"b"),
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 8, b"b"),
            event(1, inotify::MOVED_TO | inotify::ISDIR, 8, b"c"),
        ];
        fold(&mut ground, &over_and_on);
        assert_eq!(ground.tree.child(DirId::ROOT, b"c"), Some(a));
        assert_eq!(ground.tree.len(), 2);
    }

    #[test]
    fn a_directory_that_only_goes_and_comes_back_stays_itself() {
        let mut ground = Ground::new(true);
        ground.tree.bind(DirId::ROOT, 1);
        let a = ground.tree.add(DirId::ROOT, b"a");
        ground.tree.bind(a, 2);
        let there_and_back = [
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 7, b"a"),
            event(1, inotify::MOVED_TO | inotify::ISDIR, 7, b"b"),
            event(1, inotify::MOVED_FROM | inotify::ISDIR, 8, b"b"),
            event(1, inotify::MOVED_TO | inotify::ISDIR, 8, b"a"),
        ];
        fold(&mut ground, &there_and_back);
        assert_eq!(ground.tree.child(DirId::ROOT, b"a"), Some(a));
        assert_eq!(ground.tree.len(), 2);
    }

    #[test]
    fn a_directory_that_could_not_be_opened_is_tried_again_when_its_permissions_change() {
        let mut ground = Ground::new(true);
        ground.tree.bind(DirId::ROOT, 1);
        let closed = ground.tree.add(DirId::ROOT, b"d");
        let changed = [event(1, inotify::ATTRIB | inotify::ISDIR, 0, b"d")];
        assert_eq!(fold(&mut ground, &changed), [format!("{:?}", Hint::Directory(closed))]);
        ground.tree.bind(closed, 2);
        assert!(fold(&mut ground, &changed).is_empty(), "it is watched");
    }
}
