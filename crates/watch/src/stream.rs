//! The event stream of one tree: what happens in it, one thing after the other.
//!
//! A [`Stream`] is driven by a thread of its own. It knows the tree's directories and the names in them, so that
//! nothing is told twice and nothing is missed where the kernel cannot tell: in directories that appear whole,
//! after an overflow, where no watch is to be had, and where a file system tells of nothing at all. What it found
//! that way is *synthetic*. It judges nothing, remembers nothing beyond its life and reads no clock of the day.
//!
//! What holds everything together: the names are at any moment what somebody knows who has applied all that was
//! told to what lay there at [`Stream::begin`]. So each thing that is told is told by the paths of that moment.

mod adopt;
mod bell;
mod book;
mod compare;
mod hear;
mod mask;
mod name;
mod queue;
mod root;
mod voice;
mod walk;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::{Happening, HappeningSet};
use settle::Mono;
use sys::Errno;
use sys::dir::Place;

pub use bell::Bell;

use book::{Book, NodeId};
use hear::Led;
use name::Name;
use queue::{Event, Queue};
use root::Ground;
use voice::Voice;

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
    /// Settings that hold from the next turn on.
    asked: Option<StreamSettings>,
    bell: Arc<Bell>,
    /// What each directory is armed with.
    mask: u32,
    /// Missing while no instance is to be had, or none is wanted.
    queue: Option<Queue>,
    book: Book,
    /// Where the tree is, between [`Stream::begin`] and [`Stream::end`].
    ground: Option<Ground>,
    /// The root, pointed at for one turn at most: as long as it is, the kernel does not tell of its end.
    place: OnceCell<Place>,
    /// Where the last rename has led.
    led: Option<Led>,
    /// The event that was told last, if others may have come between it and its like.
    last: Option<Event>,
    /// Names that are to be looked at when all events are told.
    rechecks: Vec<(NodeId, Name)>,
    /// Directories that are to be listed again when all events are told.
    revisits: BTreeSet<NodeId>,
    /// Names and directories that were not where they should be: what lies above them has been renamed, and the event of that
    /// is on its way. They are looked at once more when it is told.
    lost_names: Vec<(NodeId, Name)>,
    lost: BTreeSet<NodeId>,
    /// No more watches were to be had when one was asked for last.
    starved: bool,
    /// How many directories were gone through.
    visits: u64,
    /// The last cookie that was made up.
    cookie: u32,
    overflows: u64,
    /// When the last turn was.
    now: Mono,
    /// When what is polled is compared next; unknown until the turn after a round.
    next_round: Option<Mono>,
    /// When it is looked next whether the root's path still leads to it.
    next_check: Mono,
}

/// One turn tells so many events at most: whoever drives it has other things to do.
const EVENTS: usize = 4_096;
/// While events are told, more are read after so many.
const INTAKE: usize = 512;
/// How often directories are compared that have no watch and should.
const STOPGAP: Duration = Duration::from_secs(2);
/// How often it is looked whether the root is still there. Only what happens above it needs this.
const CHECK: Duration = Duration::from_secs(1);
/// So many directories without a watch are named.
const NAMED: usize = 4;

impl Stream {
    /// Opens the kernel's door. Where no instance is to be had, the tree is polled until there is.
    pub fn new(settings: StreamSettings, bell: Arc<Bell>) -> io::Result<Self> {
        let mut stream = Self {
            settings,
            asked: None,
            bell,
            mask: mask::of(settings.wanted),
            queue: None,
            book: Book::new(),
            ground: None,
            place: OnceCell::new(),
            led: None,
            last: None,
            rechecks: Vec::new(),
            revisits: BTreeSet::new(),
            lost_names: Vec::new(),
            lost: BTreeSet::new(),
            starved: false,
            visits: 0,
            cookie: 0,
            overflows: 0,
            now: Mono::ZERO,
            next_round: None,
            next_check: Mono::ZERO,
        };
        if settings.backend == StreamBackend::Events {
            match Queue::open() {
                Ok(queue) => stream.queue = Some(queue),
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(stream)
    }

    /// Arms and lists the tree at `root`, a directory or a single file. On an error nothing has begun.
    pub fn begin(
        &mut self,
        root: &Path,
        existing: Existing,
        now: Mono,
        each: &mut dyn FnMut(Told<'_>),
    ) -> Result<(), Errno> {
        self.end();
        if let Some(asked) = self.asked.take() {
            (self.settings, self.mask) = (asked, mask::of(asked.wanted));
        }
        self.seek_instance();
        (self.now, self.next_check, self.next_round) = (now, now + CHECK, None);
        let mut voice = Voice::new(self.settings.wanted, each);
        let begun = self.enter(root, existing, &mut voice);
        self.place.take();
        if begun.is_err() {
            self.end();
        }
        begun
    }

    /// Tells in order what the kernel has by now, a bounded number of events, and compares what is polled when it
    /// is due.
    pub fn turn(&mut self, now: Mono, each: &mut dyn FnMut(Told<'_>)) -> Root {
        if self.ground.is_none() {
            return Root::Alive;
        }
        self.now = now;
        let mut voice = Voice::new(self.settings.wanted, each);
        if let Some(asked) = self.asked.take() {
            self.adopt(&mut voice, asked);
        }
        let root = self.take_turn(&mut voice);
        self.place.take();
        root
    }

    /// Waits until there is something for a turn, or the bell rings, or the time is up.
    pub fn wait(&self, most: Duration) {
        let mut until = self.now + most;
        if self.ground.is_some() {
            until = until.min(self.next_check);
            if let Some(every) = self.polls_every() {
                until = until.min(self.next_round.unwrap_or(self.now + every));
            }
            match &self.queue {
                Some(queue) if !queue.is_empty() => until = until.min(queue.held_until().unwrap_or(self.now)),
                _ if !self.revisits.is_empty() || self.asked.is_some() => until = self.now,
                _ => {}
            }
        }
        self.bell.wait(self.queue.as_ref(), until.saturating_sub(self.now));
    }

    /// Whether events were read and not told yet: those beyond a turn's number, or the first half of a rename, which
    /// waits for the second one. Whoever ends takes turns until there are none.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.ground.is_some() && self.queue.as_ref().is_some_and(|queue| !queue.is_empty())
    }

    /// Drops all watches and forgets the tree; another [`Stream::begin`] may follow.
    pub fn end(&mut self) {
        if self.ground.take().is_some() {
            // The kernel drops the watches with the instance, and what is queued.
            self.queue = None;
        }
        self.place.take();
        self.book = Book::new();
        (self.led, self.last) = (None, None);
        self.rechecks.clear();
        self.revisits.clear();
        self.lost_names.clear();
        self.lost.clear();
    }

    /// Other settings from the next turn on, without losing anything that both ask for.
    pub fn set(&mut self, settings: StreamSettings) {
        self.asked = Some(settings).filter(|settings| *settings != self.settings);
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> StreamStanding {
        let watches = self.book.watches();
        let polled = if self.ground.is_some() { self.book.directories() - watches } else { 0 };
        let unwatched = if self.settings.backend == StreamBackend::Events { polled } else { 0 };
        let mut first: Vec<NodeId> = if unwatched > 0 { self.book.polled().collect() } else { Vec::new() };
        first.sort_unstable();
        StreamStanding {
            watches,
            polled_directories: polled,
            unwatched,
            unwatched_first: first.iter().take(NAMED).map(|node| self.book.path(*node)).collect(),
            overflows: self.overflows,
            backend: match (self.queue.is_some(), watches, polled) {
                (true, _, 0) => "inotify",
                (true, 1.., _) => "inotify+poll",
                _ => "poll",
            },
        }
    }

    fn take_turn(&mut self, voice: &mut Voice<'_>) -> Root {
        // Before the events: they know better what became of it.
        let lost = if self.now >= self.next_check { self.check_root() } else { Root::Alive };
        let root = self.hear_all(voice);
        if root != Root::Alive || self.queue.as_ref().is_some_and(|queue| !queue.is_empty()) {
            return root;
        }
        if lost != Root::Alive {
            return self.tell_lost(voice, lost);
        }
        for (node, name) in std::mem::take(&mut self.rechecks) {
            self.recheck(voice, node, &name);
        }
        for node in std::mem::take(&mut self.revisits) {
            let manner = walk::Manner { insists: true, ..self.of_fresh() };
            self.walk(voice, &[node], manner);
        }
        let Some(every) = self.polls_every() else { return Root::Alive };
        if self.now < *self.next_round.get_or_insert(self.now + every) {
            return Root::Alive;
        }
        let root = self.check_root();
        if root != Root::Alive {
            return self.tell_lost(voice, root);
        }
        self.round(voice);
        self.next_round = None;
        Root::Alive
    }

    fn hear_all(&mut self, voice: &mut Voice<'_>) -> Root {
        for done in 0..EVENTS {
            let Some(queue) = &mut self.queue else { return Root::Alive };
            if done % INTAKE == 0 {
                queue.intake();
            }
            let Some((event, second)) = queue.next(self.now) else {
                self.last = None;
                return Root::Alive;
            };
            let root = self.hear(voice, &event, second.as_ref());
            if root != Root::Alive {
                return root;
            }
        }
        Root::Alive
    }

    /// How often something is to be polled, if anything is.
    fn polls_every(&self) -> Option<Duration> {
        match self.settings.backend {
            StreamBackend::Polled { every } => Some(every),
            StreamBackend::Events => (self.book.directories() > self.book.watches()).then_some(STOPGAP),
        }
    }
}
