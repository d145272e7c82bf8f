//! The event stream of one tree: what happens in it, one thing after the other.
//!
//! A [`Stream`] is driven by a thread of its own. It knows the tree's directories and the names in them, so that
//! nothing is told twice and nothing is missed where the kernel cannot tell: in directories that appear whole,
//! after an overflow, where no watch is to be had, and where a file system tells of nothing at all. What it found
//! that way is *synthetic*. It judges nothing, remembers nothing beyond its life and reads no clock of the day.
//!
//! What holds everything together: the names are at any moment what somebody knows who has applied all that was
//! told to what lay there at [`Stream::begin`]. So each thing that is told is told by the paths of that moment.

mod bell;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use settle::{Happening, HappeningSet, Mono};
use sys::Errno;

pub use bell::Bell;

/// How a tree is to be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// With all directories below the root.
    pub recursive: bool,
    /// What is told. An overflow always is.
    pub wanted: HappeningSet,
    /// Where it comes from.
    pub backend: StreamBackend,
}

/// Where happenings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamBackend {
    /// The kernel's events.
    Events,
    /// The tree is compared with what it was.
    Polled {
        /// How often.
        every: Duration,
    },
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// What.
    pub what: Happening,
    /// The path below the root; empty: the root itself.
    pub path: &'a [u8],
    /// Whether it is about a directory.
    pub is_dir: bool,
    /// Whether it was found by a look, and no event told it.
    pub synthetic: bool,
    /// Of a rename: what both halves have in common, else 0.
    pub cookie: u32,
}

/// What is done with what lies there when a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is not told.
    Silent,
    /// Each thing is told as a synthetic creation.
    Told,
}

/// How the root stands after a turn. Only [`Root::Alive`] goes on; the others want [`Stream::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// It is there.
    Alive,
    /// It was removed; that was told.
    Deleted,
    /// It or a directory above it was renamed; that was told.
    Moved,
    /// Its file system was unmounted, or another one was mounted over it.
    Unmounted,
}

/// What a stream says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamStanding {
    /// Directories (or the one file) with a watch.
    pub watches: usize,
    /// Directories that are polled, because they are to be or because no watch was to be had.
    pub polled_directories: usize,
    /// How many should have a watch and have none.
    pub unwatched: usize,
    /// The first of those, by their paths below the root.
    pub unwatched_first: Vec<Vec<u8>>,
    /// How often the kernel's queue was full.
    pub overflows: u64,
    /// `inotify`, `poll` or `inotify+poll`.
    pub backend: &'static str,
}

/// The stream of one tree.
#[derive(Debug)]
pub struct Stream {
    settings: StreamSettings,
    bell: Arc<Bell>,
}

impl Stream {
    /// Opens the kernel's door. Where no instance is to be had, the tree is polled until there is.
    pub fn new(settings: StreamSettings, bell: Arc<Bell>) -> io::Result<Self> {
        Ok(Self { settings, bell })
    }

    /// Arms and lists the tree at `root`, a directory or a single file.
    pub fn begin(
        &mut self,
        root: &Path,
        existing: Existing,
        now: Mono,
        each: &mut dyn FnMut(Told<'_>),
    ) -> Result<(), Errno> {
        let _ = (root, existing, now, each);
        Ok(())
    }

    /// Tells in order what the kernel has by now, a bounded number of events, and compares what is polled when it
    /// is due.
    pub fn turn(&mut self, now: Mono, each: &mut dyn FnMut(Told<'_>)) -> Root {
        let _ = (now, each);
        Root::Alive
    }

    /// Waits until there is something for a turn, or the bell rings, or the time is up.
    pub fn wait(&self, most: Duration) {
        self.bell.wait(None::<std::os::fd::BorrowedFd<'_>>, most);
    }

    /// Drops all watches and forgets the tree; another [`Stream::begin`] may follow.
    pub fn end(&mut self) {}

    /// Other settings from the next turn on, without losing anything that both ask for.
    pub fn set(&mut self, settings: StreamSettings) {
        self.settings = settings;
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> StreamStanding {
        StreamStanding::default()
    }
}
