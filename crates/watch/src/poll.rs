//! Polling, the pure part: which directory is asked for when, and which is listed again.
//!
//! No I/O and no clock: time is a parameter, what the file system says comes as answers. There is one
//! book for each region, so that a mount that hangs holds up no other.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use settle::Mono;
use sys::Look;

use crate::tree::DirId;

/// What tells one state of a directory from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    mtime: (i64, u32),
    /// Times can be set back; this one cannot.
    ctime: (i64, u32),
    inode: u64,
    device: u64,
}

impl From<&Look> for Signature {
    fn from(look: &Look) -> Self {
        Self { mtime: look.mtime, ctime: look.ctime, inode: look.inode, device: look.device }
    }
}

/// What is asked of one directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// List it if its signature is another than this.
    IfNot(Signature),
    /// List it whatever its signature: the last listing came too soon to be trusted.
    Again,
    /// List it whatever its signature, and tell of every entry.
    Listing,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one cheap pass to the next.
    pub interval: Duration,
    /// From one full pass to the next; `None`: the larger of 5 s and 20 × the last one's duration.
    pub full: Option<Duration>,
}

/// Two changes of a directory within one tick of its file system's clock leave the same times, so a
/// listing is trusted only if it began so long after its signature was first seen. The coarsest clock
/// in use (vfat) ticks every two seconds; the rest is for answers that were long on their way.
pub const TRUST_AFTER: Duration = Duration::from_secs(3);
/// A directory in which something happened is hot for so long.
const HOT_FOR: Duration = Duration::from_secs(30);
/// So many are hot at a time.
const HOT_MOST: usize = 128;
/// A directory with more entries costs too much to be asked so often.
const HOT_ENTRIES: u64 = 2000;
/// Hot directories are asked so many times as often, but not more often than this.
const HOT_TIMES: u32 = 10;
const HOT_LEAST: Duration = Duration::from_millis(50);
/// A question that has no answer after so long is shown as stuck.
pub const OVERDUE: Duration = Duration::from_secs(30);
/// A pass waits no longer for its last answers when none has come for so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// A full pass takes at most this part of the time.
const FULL_SHARE: u32 = 20;
const FULL_LEAST: Duration = Duration::from_secs(5);
/// A cheap pass takes at most this part of the time.
const CHEAP_SHARE: u32 = 10;

#[derive(Clone, Copy, Debug)]
struct Record {
    signature: Option<Signature>,
    /// When the signature was first seen, or later.
    since: Mono,
    /// When the last listing was begun, or earlier.
    listed: Mono,
    /// While there is no answer.
    asked: Option<Asked>,
    /// A full pass began while there was no answer: the next question is for a listing.
    owed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Mono,
    /// For the pass, or because the directory is hot.
    of_pass: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Cheap,
    Full,
}

/// A pass over all directories that is under way.
#[derive(Debug)]
struct Pass {
    kind: Kind,
    /// Questions without an answer.
    open: usize,
    began: Mono,
    last_answer: Mono,
}

/// The pause after a pass.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// When the pass ended, or when the first one was put off.
    since: Mono,
    /// How long the pass took.
    took: Duration,
}

/// What is known of the polled directories of one region.
#[derive(Debug)]
pub struct Book {
    pace: Pace,
    records: HashMap<DirId, Record>,
    pass: Option<Pass>,
    /// A full pass ends this pause as well, but its duration does not make cheap ones rarer.
    cheap: Rest,
    /// `None`: full passes are made by scans of the whole source, not here.
    full: Option<Rest>,
    hot: VecDeque<(DirId, Mono)>,
    /// When the hot ones were asked last.
    hot_asked: Mono,
}

impl Book {
    /// An empty one.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            records: HashMap::new(),
            pass: None,
            cheap: Rest::from(Mono::ZERO),
            full: None,
            hot: VecDeque::new(),
            hot_asked: Mono::ZERO,
        }
    }

    /// Other intervals from now on, also for the pauses that have begun.
    pub fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// How many directories are polled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing is polled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether the directory is polled.
    #[must_use]
    pub fn has(&self, dir: DirId) -> bool {
        self.records.contains_key(&dir)
    }

    /// Says whether full passes are to be made here; whoever scans the whole tree makes them itself.
    pub fn make_full(&mut self, yes: bool, now: Mono) {
        self.full = yes.then(|| self.full.unwrap_or(Rest::from(now)));
    }

    /// The directory is polled from now on. `signature` was read before the listing that follows, or
    /// is nothing if it was not listed yet.
    pub fn take_on(&mut self, dir: DirId, signature: Option<Signature>, now: Mono) {
        if self.records.is_empty() {
            self.cheap = Rest::from(now);
        }
        let record = self.records.entry(dir).or_insert(Record {
            signature: None,
            since: now,
            listed: Mono::ZERO,
            asked: None,
            owed: false,
        });
        if let Some(signature) = signature {
            if record.signature != Some(signature) {
                (record.signature, record.since) = (Some(signature), now);
            }
            record.listed = now;
        }
    }

    /// The directory is polled no more.
    pub fn let_go(&mut self, dir: DirId) {
        if let Some(record) = self.records.remove(&dir)
            && let Some(asked) = record.asked
        {
            self.close(asked, asked.at);
        }
    }

    /// When something is to be asked next.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        if self.records.is_empty() {
            return None;
        }
        let pass = match &self.pass {
            Some(pass) if pass.open == 0 => pass.last_answer,
            Some(pass) => pass.last_answer + PATIENCE,
            None => self.next_full().map_or(self.next_cheap(), |full| full.min(self.next_cheap())),
        };
        Some(if self.hot.is_empty() { pass } else { pass.min(self.next_hot()) })
    }

    fn next_cheap(&self) -> Mono {
        self.cheap.since + self.pace.interval.max(self.cheap.took * CHEAP_SHARE)
    }

    fn next_full(&self) -> Option<Mono> {
        self.full.map(|rest| rest.since + full_pause(self.pace, rest.took))
    }

    fn next_hot(&self) -> Mono {
        self.hot_asked + (self.pace.interval / HOT_TIMES).max(HOT_LEAST)
    }

    /// The directories to ask for now. Each is asked for once until there is an answer.
    pub fn asks(&mut self, now: Mono) -> Vec<(DirId, Want)> {
        self.end_pass_if_done(now);
        let mut asks = Vec::new();
        // Before the hot ones, which a full pass must list as well.
        if self.pass.is_none() && !self.records.is_empty() {
            if self.next_full().is_some_and(|next| next <= now) {
                self.begin_pass(Kind::Full, now, &mut asks);
            } else if self.next_cheap() <= now {
                self.begin_pass(Kind::Cheap, now, &mut asks);
            }
        }
        self.ask_hot(now, &mut asks);
        asks
    }

    fn begin_pass(&mut self, kind: Kind, now: Mono, asks: &mut Vec<(DirId, Want)>) {
        let before = asks.len();
        for (dir, record) in &mut self.records {
            record.owed |= kind == Kind::Full;
            if record.asked.is_none() {
                asks.push((*dir, record.ask(Asked { at: now, of_pass: true })));
            }
        }
        self.pass = Some(Pass { kind, open: asks.len() - before, began: now, last_answer: now });
        self.end_pass_if_done(now);
    }

    fn ask_hot(&mut self, now: Mono, asks: &mut Vec<(DirId, Want)>) {
        if self.hot.is_empty() || self.next_hot() > now {
            return;
        }
        self.hot_asked = now;
        self.hot.retain(|(_, until)| *until > now);
        for (dir, _) in &self.hot {
            if let Some(record) = self.records.get_mut(dir).filter(|record| record.asked.is_none()) {
                asks.push((*dir, record.ask(Asked { at: now, of_pass: false })));
            }
        }
    }

    /// An answer: how the directory looked before it was listed, or that it was not listed because
    /// its signature was the same; `entries`: how many a listing has found.
    pub fn answered(&mut self, dir: DirId, listed: Option<(Signature, u64)>, now: Mono) {
        let Some(record) = self.records.get_mut(&dir) else { return };
        let asked = record.asked.take();
        if let Some((signature, entries)) = listed {
            // It was listed after it was asked for.
            record.listed = asked.map_or(record.listed, |asked| asked.at);
            if record.signature != Some(signature) {
                let known = record.signature.replace(signature).is_some();
                record.since = now;
                if known && entries <= HOT_ENTRIES {
                    self.warm(dir, now);
                }
            }
        }
        if let Some(asked) = asked {
            self.close(asked, now);
        }
        self.end_pass_if_done(now);
    }

    /// The directory could not be read; its signature perhaps could, and when that changes it is tried
    /// again.
    pub fn refused(&mut self, dir: DirId, signature: Option<Signature>, now: Mono) {
        self.answered(dir, signature.map(|signature| (signature, 0)), now);
    }

    fn warm(&mut self, dir: DirId, now: Mono) {
        if self.hot.is_empty() {
            self.hot_asked = now;
        }
        self.hot.retain(|(other, _)| *other != dir);
        if self.hot.len() == HOT_MOST {
            self.hot.pop_front();
        }
        self.hot.push_back((dir, now + HOT_FOR));
    }

    fn close(&mut self, asked: Asked, now: Mono) {
        if let Some(pass) = self.pass.as_mut().filter(|pass| pass.has(asked)) {
            pass.open = pass.open.saturating_sub(1);
            pass.last_answer = pass.last_answer.max(now);
        }
    }

    /// A pass ends with its last answer. Some may never come; the others must not wait for them.
    fn end_pass_if_done(&mut self, now: Mono) {
        let done = |pass: &mut Pass| pass.open == 0 || pass.last_answer + PATIENCE <= now;
        let Some(pass) = self.pass.take_if(done) else { return };
        let took = pass.last_answer.saturating_sub(pass.began);
        self.cheap.since = now;
        match pass.kind {
            Kind::Cheap => self.cheap.took = took,
            Kind::Full => self.full = self.full.map(|_| Rest { since: now, took }),
        }
    }

    /// Directories that were asked for so long ago that something must be stuck. The questions of a
    /// pass that goes on are only in a long queue.
    pub fn overdue(&self, now: Mono) -> impl Iterator<Item = DirId> {
        let goes_on = |asked: Asked| self.pass.as_ref().is_some_and(|pass| pass.has(asked));
        let late = move |asked: Asked| asked.at + OVERDUE <= now && !goes_on(asked);
        self.records.iter().filter(move |(_, record)| record.asked.is_some_and(late)).map(|(dir, _)| *dir)
    }
}

impl Pass {
    /// Whether the question is one of this pass.
    fn has(&self, asked: Asked) -> bool {
        asked.of_pass && self.began <= asked.at
    }
}

impl From<Mono> for Rest {
    /// As after a pass that took no time.
    fn from(since: Mono) -> Self {
        Self { since, took: Duration::ZERO }
    }
}

/// How long after a full pass that took so long the next one begins.
#[must_use]
pub fn full_pause(pace: Pace, took: Duration) -> Duration {
    pace.full.unwrap_or_else(|| FULL_LEAST.max(took * FULL_SHARE)).max(took * 2)
}

impl Record {
    fn ask(&mut self, asked: Asked) -> Want {
        self.asked = Some(asked);
        let owed = std::mem::take(&mut self.owed);
        match self.signature {
            _ if owed => Want::Listing,
            Some(signature) if self.listed >= self.since + TRUST_AFTER => Want::IfNot(signature),
            Some(_) => Want::Again,
            None => Want::Listing,
        }
    }
}

#[cfg(test)]
#[path = "poll/tests.rs"]
mod tests;
