//! The stage: which file system this thread plays in, and handles into it.

use std::cell::RefCell;
use std::fmt::Debug;
use std::fs::File;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::event::EventfdFlags;
use rustix::io::Errno;

use crate::dir::{EntryKind, Look};
use crate::inotify::Wd;
use crate::lease::Writer;

/// A file system with queues of events, played by a test. Directories are named by their inode numbers, which stand
/// for open descriptors: they stay good when the directory is renamed, and look empty when it is removed.
pub trait Stage: Debug + Send + Sync {
    /// The directory at the path of a root.
    fn root(&self, path: &Path) -> Result<u64, Errno>;
    /// The directory at `path` below another one.
    fn below(&self, dir: u64, path: &[u8]) -> Result<u64, Errno>;
    /// A look at a directory itself.
    fn look(&self, dir: u64) -> Result<Look, Errno>;
    /// A look at an entry of a directory.
    fn look_at(&self, dir: u64, name: &[u8]) -> Result<Look, Errno>;
    /// Whether an entry is open for writing, and a look at it while no writer can come in.
    fn probe(&self, dir: u64, name: &[u8]) -> (Writer, Option<Look>);
    /// The entries of a directory: name, kind, inode number.
    fn list(&self, dir: u64) -> Result<Vec<(Vec<u8>, EntryKind, u64)>, Errno>;
    /// Another queue of events; gives its number.
    fn open_queue(&self) -> Result<u32, Errno>;
    /// The queue is closed, with its watches.
    fn close_queue(&self, queue: u32);
    /// From now on what happens in the directory goes to the queue.
    fn arm(&self, queue: u32, dir: u64) -> Result<Wd, Errno>;
    /// That ends.
    fn disarm(&self, queue: u32, wd: Wd);
    /// Moves as many whole events as fit, in the kernel's own format.
    fn read(&self, queue: u32, buffer: &mut [u8]) -> usize;
}

thread_local! {
    static STAGE: RefCell<Option<Arc<dyn Stage>>> = const { RefCell::new(None) };
}

/// As long as it lives, this thread's roots are opened on the stage.
#[derive(Debug)]
pub struct Playing(PhantomData<*const ()>);

/// From now on the roots that this thread opens lie in this file system.
pub fn play(stage: Arc<dyn Stage>) -> Playing {
    STAGE.set(Some(stage));
    Playing(PhantomData)
}

impl Drop for Playing {
    fn drop(&mut self) {
        STAGE.set(None);
    }
}

/// A directory of the stage.
#[derive(Debug)]
pub(crate) struct PlayedDir {
    stage: Arc<dyn Stage>,
    inode: u64,
    /// A directory of a file system of which the kernel tells everything, for who asks on which one it lies.
    stand_in: Arc<File>,
}

/// A queue of the stage. Nobody is woken by it: whoever plays has it read.
#[derive(Debug)]
pub(crate) struct PlayedQueue {
    stage: Arc<dyn Stage>,
    number: u32,
    /// Is never ready.
    silent: OwnedFd,
}

pub(crate) fn open_root(path: &Path) -> Option<Result<PlayedDir, Errno>> {
    let stage = STAGE.with_borrow(Clone::clone)?;
    let opened = stage.root(path).and_then(|inode| {
        let stand_in = File::open("/dev/shm").map_err(|_| Errno::NOTSUP)?;
        Ok(PlayedDir { stage, inode, stand_in: Arc::new(stand_in) })
    });
    Some(opened)
}

pub(crate) fn open_queue() -> Option<Result<PlayedQueue, Errno>> {
    let stage = STAGE.with_borrow(Clone::clone)?;
    let opened = stage.open_queue().and_then(|number| {
        let silent = rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?;
        Ok(PlayedQueue { stage, number, silent })
    });
    Some(opened)
}

impl PlayedDir {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.stand_in.as_fd()
    }

    pub(crate) fn below(&self, path: &[u8]) -> Result<Self, Errno> {
        let inode =
            if path.is_empty() || path == b"." { self.inode } else { self.stage.below(self.inode, path)? };
        Ok(Self { stage: Arc::clone(&self.stage), inode, stand_in: Arc::clone(&self.stand_in) })
    }

    pub(crate) fn look(&self) -> Result<Look, Errno> {
        self.stage.look(self.inode)
    }

    pub(crate) fn look_at(&self, name: &[u8]) -> Result<Look, Errno> {
        self.stage.look_at(self.inode, name)
    }

    pub(crate) fn probe(&self, name: &[u8]) -> (Writer, Option<Look>) {
        let (writer, look) = self.stage.probe(self.inode, name);
        (if switch::is_off("writer-probe") { Writer::Gone } else { writer }, look)
    }

    pub(crate) fn list(&self, mut each: impl FnMut(&[u8], EntryKind, u64)) -> Result<(), Errno> {
        for (name, kind, inode) in self.stage.list(self.inode)? {
            each(&name, kind, inode);
        }
        Ok(())
    }
}

impl PlayedQueue {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.silent.as_fd()
    }

    pub(crate) fn arm(&self, dir: &PlayedDir) -> Result<Wd, Errno> {
        self.stage.arm(self.number, dir.inode)
    }

    pub(crate) fn disarm(&self, wd: Wd) {
        self.stage.disarm(self.number, wd);
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> usize {
        self.stage.read(self.number, buffer)
    }
}

impl Drop for PlayedQueue {
    fn drop(&mut self) {
        self.stage.close_queue(self.number);
    }
}
