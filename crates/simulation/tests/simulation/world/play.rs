//! The world as the program sees it. Before each call whatever is due happens.

use std::path::Path;

use sys::inotify::Wd;
use sys::stage::Stage;
use sys::{EntryKind, Errno, Look, Writer};

use super::queue::Queue;
use super::{Inode, Nanos, ROOT, State, World};

impl World {
    fn called(&self) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.state();
        state.call();
        state
    }

    /// The queues give so many events with each read; nothing: as many as there are.
    pub(crate) fn set_portion(&self, portion: Option<usize>) {
        self.state().queues.values_mut().for_each(|queue| queue.portion = portion);
    }
}

fn text(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or("?")
}

fn parts(nanos: Nanos) -> (i64, u32) {
    (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000) as u32)
}

fn look(inode: u64, what: &Inode) -> Look {
    let (mode, size, mtime, ctime, links) = match what {
        Inode::File(file) => (0o100_644, file.print.size, file.print.mtime, file.ctime, file.links),
        Inode::Folder(_) => (0o040_755, 0, 0, 0, 2),
    };
    Look { mode, size, mtime: parts(mtime), ctime: parts(ctime), inode, device: 1, links }
}

impl Stage for World {
    fn root(&self, _: &Path) -> Result<u64, Errno> {
        drop(self.called());
        Ok(ROOT)
    }

    fn below(&self, dir: u64, path: &[u8]) -> Result<u64, Errno> {
        let state = self.called();
        let inode = state.walk(dir, text(path)).ok_or(Errno::NOENT)?;
        state.folder(inode).map(|_| inode).ok_or(Errno::NOTDIR)
    }

    fn look(&self, dir: u64) -> Result<Look, Errno> {
        let state = self.called();
        state.inodes.get(&dir).map(|what| look(dir, what)).ok_or(Errno::STALE)
    }

    fn look_at(&self, dir: u64, name: &[u8]) -> Result<Look, Errno> {
        let state = self.called();
        let inode = state.entry(dir, text(name)).ok_or(Errno::NOENT)?;
        Ok(look(inode, &state.inodes[&inode]))
    }

    fn probe(&self, dir: u64, name: &[u8]) -> (Writer, Option<Look>) {
        let state = self.called();
        let Some(inode) = state.entry(dir, text(name)) else { return (Writer::Unknown, None) };
        let what = &state.inodes[&inode];
        let writer = match what {
            Inode::File(file) if file.writers > 0 => Writer::Open,
            _ => Writer::Gone,
        };
        let writer = if state.manners.leases { writer } else { Writer::Unknown };
        (writer, Some(look(inode, what)))
    }

    fn list(&self, dir: u64) -> Result<Vec<(Vec<u8>, EntryKind, u64)>, Errno> {
        let state = self.called();
        let folder = state.folder(dir).filter(|folder| !folder.dead).ok_or(Errno::NOENT)?;
        let kind = |inode: &u64| match state.inodes[inode] {
            Inode::File(_) => EntryKind::File,
            Inode::Folder(_) => EntryKind::Directory,
        };
        let entries = folder.entries.iter();
        Ok(entries.map(|(name, inode)| (name.clone().into_bytes(), kind(inode), *inode)).collect())
    }

    fn open_queue(&self) -> Result<u32, Errno> {
        let mut state = self.called();
        let number = state.next_queue;
        state.next_queue += 1;
        state.queues.insert(number, Queue::default());
        Ok(number)
    }

    fn close_queue(&self, queue: u32) {
        self.state().queues.remove(&queue);
    }

    fn arm(&self, queue: u32, dir: u64) -> Result<Wd, Errno> {
        let mut state = self.called();
        let (room, dead) = (state.manners.room, state.folder(dir).is_none_or(|folder| folder.dead));
        let queue = state.queues.get_mut(&queue).ok_or(Errno::BADF)?;
        let wd = queue.arm(dir);
        if dead {
            // It is let go of as soon as its descriptor is closed.
            queue.bury(dir, room);
        }
        Ok(wd)
    }

    fn disarm(&self, queue: u32, wd: Wd) {
        let mut state = self.called();
        let room = state.manners.room;
        if let Some(queue) = state.queues.get_mut(&queue) {
            queue.disarm(wd, room);
        }
    }

    fn read(&self, queue: u32, buffer: &mut [u8]) -> usize {
        let mut state = self.called();
        state.queues.get_mut(&queue).map_or(0, |queue| queue.read(buffer))
    }
}
