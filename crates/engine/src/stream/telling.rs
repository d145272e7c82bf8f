//! From what a stream tells to the ledger: who is told, what belongs together, and when it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::{Admission, Closed, Entry, Fate, Ledger, LedgerError, RouteId, SinkId, SourceId};
use model::{Cause, Detail, Fingerprint, Happening, Kind, Moved, PathKey, SignalSet, Stamp};
use watch::stream::Told;

use super::pairing::{Half, Met, Pairing, StreamNumber};
use super::selecting::{Asked, Wishes};
use crate::clock::Clock;

/// So many happenings go to the ledger at a time, or fewer when no more come.
const BATCH: usize = 512;

/// The desk where all streams' renames are put together.
pub(crate) type Desk = Arc<Mutex<Pairing>>;

/// Where what is told goes.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) source: SourceId,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Clock,
    pub(crate) desk: Desk,
    /// This stream's number at the desk.
    pub(crate) number: StreamNumber,
    /// Where the ledger is written, which must not be told: each event would make the next.
    pub(crate) own: Option<Arc<[u8]>>,
}

/// One happening that somebody asked for.
struct Pending {
    what: Happening,
    path: Box<[u8]>,
    is_dir: bool,
    synthetic: bool,
    cookie: u32,
    rule: Arc<str>,
    sinks: usize,
    time: Stamp,
}

/// Sets of sinks that something was told to, with their routes once they were needed.
#[derive(Default)]
struct Sets {
    list: Vec<(Box<[SinkId]>, Option<RouteId>)>,
    numbers: HashMap<Box<[SinkId]>, usize>,
}

impl Sets {
    fn number(&mut self, sinks: &[SinkId]) -> usize {
        if let Some(number) = self.numbers.get(sinks) {
            return *number;
        }
        self.list.push((sinks.into(), None));
        self.numbers.insert(sinks.into(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// Hands on what a stream tells.
pub(crate) struct Teller {
    post: Post,
    wishes: Wishes,
    sets: Sets,
    /// Goes to the ledger when it is [`BATCH`] long, or when no more comes.
    batch: Vec<Pending>,
    /// The root's real path.
    root: Vec<u8>,
    root_is_dir: bool,
    /// Where in it the ledger is written, if there.
    own: Option<Box<[u8]>>,
    backend: &'static str,
    /// The number of the next happening. It begins with the time of day in nanoseconds, and no stream tells more than
    /// one happening in each: so it does not repeat after a restart.
    next: u64,
    told: u64,
    closed: bool,
    /// Kept for its room.
    chosen: Vec<SinkId>,
}

impl Teller {
    pub(crate) fn new(post: Post, wishes: Wishes) -> Self {
        let next = post.clock.wall().as_nanos() as u64;
        Self {
            post,
            wishes,
            sets: Sets::default(),
            batch: Vec::new(),
            root: Vec::new(),
            root_is_dir: true,
            own: None,
            backend: "inotify",
            next,
            told: 0,
            closed: false,
            chosen: Vec::new(),
        }
    }

    /// The root lies there now.
    pub(crate) fn root_is(&mut self, real: &[u8], is_dir: bool) {
        self.root = real.to_vec();
        self.root_is_dir = is_dir;
        self.own = self.post.own.as_ref().and_then(|own| below(own, real)).map(Into::into);
        self.desk().enroll(self.post.number, real);
    }

    /// Whether the ledger is written there, so that a part of it is not told.
    pub(crate) const fn passes_over_own(&self) -> bool {
        self.own.is_some()
    }

    /// By what it is heard.
    pub(crate) fn heard_by(&mut self, backend: &'static str) {
        self.backend = backend;
    }

    /// How much was told since the start.
    pub(crate) const fn told(&self) -> u64 {
        self.told
    }

    /// The ledger takes no more: there is nothing left to do.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) const fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// Asks these from now on.
    pub(crate) fn wish(&mut self, wishes: Wishes) {
        self.wishes = wishes;
    }

    /// Takes what the stream tells. May wait for the ledger.
    pub(crate) fn hear(&mut self, told: Told<'_>) {
        if self.own.as_ref().is_some_and(|own| below(told.path, own).is_some()) {
            return;
        }
        let mut chosen = std::mem::take(&mut self.chosen);
        let asked = Asked { what: told.what, path: told.path, is_dir: told.is_dir };
        if let Some(rule) = self.wishes.select(asked, &mut chosen).cloned() {
            self.put(told, rule, &chosen);
        }
        self.chosen = chosen;
    }

    /// Tells these sinks something about the watching itself.
    pub(crate) fn tell(&mut self, what: Happening, sinks: &[SinkId]) {
        let told = Told { what, path: b"", is_dir: self.root_is_dir, synthetic: false, cookie: 0 };
        self.put(told, "".into(), sinks);
    }

    fn put(&mut self, told: Told<'_>, rule: Arc<str>, sinks: &[SinkId]) {
        if sinks.is_empty() || self.closed {
            return;
        }
        self.told += 1;
        let sinks = self.sets.number(sinks);
        let Told { what, path, is_dir, synthetic, cookie } = told;
        let time = self.post.clock.wall();
        self.batch.push(Pending { what, path: path.into(), is_dir, synthetic, cookie, rule, sinks, time });
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    /// Hands everything to the ledger; waits while that is full.
    pub(crate) fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.iter().any(|pending| pending.cookie != 0) {
            self.flush_renames(batch);
            return;
        }
        let entries = batch.into_iter().map(|pending| self.entry(&pending, pending.sinks, None)).collect();
        self.submit(entries);
    }

    /// What has a half of a rename in it is handed over while the desk is held: so whoever finds the first half there
    /// comes behind it in the ledger, too.
    fn flush_renames(&mut self, batch: Vec<Pending>) {
        let held = Arc::clone(&self.post.desk);
        let mut desk = held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::with_capacity(batch.len());
        for pending in batch {
            self.put_together(&mut desk, &pending, &mut entries);
        }
        self.submit(entries);
    }

    /// The second half says both paths; but not to a sink that was not told of the first, although this stream saw
    /// it.
    fn put_together(&mut self, desk: &mut Pairing, pending: &Pending, entries: &mut Vec<Option<Entry>>) {
        if pending.cookie == 0 {
            entries.push(self.entry(pending, pending.sinks, None));
            return;
        }
        let path = self.absolute(&pending.path);
        let sinks = self.sets.list[pending.sinks].0.clone();
        let from = pending.what == Happening::MovedFrom;
        let half = Half {
            stream: self.post.number,
            cookie: pending.cookie,
            from,
            path: &path,
            sinks: &sinks,
            made_up: pending.synthetic,
        };
        let (other, told_before) = match desk.meet(&half, self.post.clock.mono()) {
            Met::Nobody => {
                entries.push(self.entry(pending, pending.sinks, None));
                return;
            }
            Met::Own { path, sinks } => (path, Some(sinks)),
            Met::Foreign { path } => (path, None),
        };
        let (from, to) = if from { (path.into(), other) } else { (other, path.into()) };
        let moved = Arc::new(Moved { from, to });
        let knows = |sink: &SinkId| told_before.as_ref().is_none_or(|told| told.contains(sink));
        let (both, one): (Vec<SinkId>, Vec<SinkId>) = sinks.iter().copied().partition(knows);
        for (sinks, moved) in [(one, None), (both, Some(moved))] {
            if !sinks.is_empty() {
                let number = self.sets.number(&sinks);
                entries.push(self.entry(pending, number, moved));
            }
        }
    }

    fn absolute(&self, path: &[u8]) -> Vec<u8> {
        let slash: &[u8] = if path.is_empty() || self.root.ends_with(b"/") { b"" } else { b"/" };
        [&self.root, slash, path].concat()
    }

    /// Nothing, once the ledger is closed.
    fn entry(&mut self, pending: &Pending, sinks: usize, moved: Option<Arc<Moved>>) -> Option<Entry> {
        let route = self.route(sinks)?;
        let Pending { what, is_dir, synthetic, cookie, time, .. } = *pending;
        let detail = Detail { is_dir, synthetic, cookie, moved: moved.is_some() };
        let inode = self.next;
        self.next += 1;
        Some(Entry::Admit(Box::new(Admission {
            source: self.post.source,
            // Nobody looks for a happening by its path.
            key: PathKey(0),
            path: pending.path.clone(),
            fate: Fate::Announce(route),
            kind: Kind::Happening(what),
            fingerprint: Fingerprint { size: detail.pack(), mtime: time, inode },
            ctime: time,
            mode: 0,
            rule: Arc::clone(&pending.rule),
            signals: SignalSet::EMPTY,
            backend: self.backend,
            first_seen: time,
            time,
            waited_ms: 0,
            cause: if synthetic { Cause::Found } else { Cause::Arrived },
            history: Vec::new(),
            members: None,
            moved,
        })))
    }

    fn route(&mut self, sinks: usize) -> Option<RouteId> {
        let (members, known) = &mut self.sets.list[sinks];
        while known.is_none() && !self.closed {
            match self.post.ledger.stream_route(members) {
                Ok(route) => *known = Some(route),
                // It waits a while each time; the stream waits with it, as it does when the ledger is full.
                Err(LedgerError::Degraded(_)) => {}
                Err(_) => self.closed = true,
            }
        }
        *known
    }

    fn submit(&mut self, entries: Vec<Option<Entry>>) {
        let entries: Vec<Entry> = entries.into_iter().flatten().collect();
        if entries.is_empty() || self.closed {
            return;
        }
        if let Err(Closed) = self.post.ledger.submit(entries) {
            self.closed = true;
        }
    }

    fn desk(&self) -> MutexGuard<'_, Pairing> {
        self.post.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a path below a directory (empty: it is that directory itself).
fn below<'a>(path: &'a [u8], dir: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(dir)?;
    if rest.is_empty() || dir.is_empty() || dir.ends_with(b"/") {
        Some(rest)
    } else {
        rest.strip_prefix(b"/")
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.desk().leave(self.post.number);
    }
}
