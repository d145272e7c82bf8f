//! Hearing that something happens in a tree, and where.

use std::collections::HashMap;
use std::time::Duration;

use sys::inotify::{self, IGNORED, Q_OVERFLOW, Wd};
use sys::{Dir, Errno, Inotify, Wake};

/// One read takes so much: some two thousand events.
const BUFFER: usize = 128 * 1024;

/// A watch on every directory that the last tour came by. Who tours brings it up to date by the way.
#[derive(Debug)]
pub(super) struct Ear {
    inotify: Inotify,
    /// Rung by nobody: only to wait with.
    wake: Wake,
    /// The directories by their watches, with the number of the tour that came by last.
    places: HashMap<Wd, (Vec<u8>, u32)>,
    tour: u32,
    refused: Option<(Errno, u64)>,
    buffer: Box<[u8]>,
}

impl Ear {
    pub(super) fn open() -> Result<Self, Errno> {
        Ok(Self {
            inotify: Inotify::open()?,
            wake: Wake::new()?,
            places: HashMap::new(),
            tour: 0,
            refused: None,
            buffer: vec![0; BUFFER].into(),
        })
    }

    pub(super) fn begin_tour(&mut self) {
        self.tour += 1;
        self.refused = None;
    }

    /// What happens in the open directory from now on is heard.
    pub(super) fn arm(&mut self, dir: &Dir, path: &[u8]) {
        // Where there is no room for one there is none for the next.
        let armed = match self.refused {
            Some((error @ Errno::NOSPC, _)) => Err(error),
            _ => self.inotify.arm(dir),
        };
        match armed {
            Ok(wd) => drop(self.places.insert(wd, (path.to_vec(), self.tour))),
            Err(error) => self.refused = Some((error, self.refused.map_or(0, |refused| refused.1) + 1)),
        }
    }

    /// Forgets the directories that the tour did not come by: they are gone, or have left the tree.
    pub(super) fn end_tour(&mut self) {
        let Self { inotify, places, tour, .. } = self;
        places.retain(|wd, (_, seen)| {
            let stays = seen == tour;
            if !stays {
                inotify.disarm(*wd);
            }
            stays
        });
    }

    /// How many directories are heard; how many the kernel refused to watch, and why.
    pub(super) fn state(&self) -> (u64, Option<(Errno, u64)>) {
        (self.places.len() as u64, self.refused)
    }

    /// Waits until something can be read, or the time is up.
    pub(super) fn wait(&self, timeout: Duration) -> Result<(), Errno> {
        self.wake.wait_readable(&self.inotify, Some(timeout)).map(drop)
    }

    /// Calls `each` with the path of what happened, for everything that is queued; without a path where
    /// the kernel has dropped events.
    pub(super) fn read(&mut self, each: &mut dyn FnMut(Option<&[u8]>)) -> Result<(), Errno> {
        loop {
            let filled = self.inotify.read(&mut self.buffer)?;
            if filled == 0 {
                return Ok(());
            }
            for event in inotify::events(&self.buffer[..filled]) {
                if event.mask & Q_OVERFLOW != 0 {
                    each(None);
                } else if event.mask & IGNORED == 0
                    && let Some((dir, _)) = self.places.get(&event.wd)
                {
                    each(Some(&below(dir, event.name)));
                }
            }
        }
    }
}

/// The path of an entry, or of the directory itself.
pub(super) fn below(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if dir.is_empty() || name.is_empty() { b"" } else { b"/" };
    [dir, slash, name].concat()
}
