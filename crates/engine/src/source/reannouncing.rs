//! Announcing what still lies in a source: at each start, and again from time to time.
//!
//! A listing is a whole scan whose entries are gathered and put in order: what was announced longest
//! ago comes first, and of that the oldest (a source that announces arrivals goes by modification time
//! alone, as the old `directory_observer` did). What the sinks' queues have room for is announced once
//! more; everything else is compared with what is known, as by any scan. The ledger passes over what is
//! still on its way, so nothing is announced twice to a sink that does not take it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use config::{Reannounce, SourcePlan};
use model::{PathKey, Stamp};
use settle::{Mono, Selection};
use sys::{Dir, EntryKind, Errno, Look};
use watch::DirId;

use super::Source;
use super::known::ADOPTED;
use super::rooms::{Queue, Rooms};
use crate::notice::Notice;
use crate::orders::Answer;

/// Where the listing stands.
#[derive(Debug)]
enum Phase {
    /// None is under way.
    Idle,
    /// The sinks were asked for the length of their queues.
    Asking { since: Mono, sinks: usize, queues: HashMap<String, Queue> },
    /// They have answered; the walk begins when none is under way.
    Answered { rooms: Rooms },
    /// The tree is being walked.
    Collecting { rooms: Rooms, collected: Vec<Collected> },
}

/// An entry that the walk has found. A source's files at one time: bounded by the tree, and as long as
/// the walk lasts.
#[derive(Debug)]
struct Collected {
    dir: DirId,
    name: Box<[u8]>,
    mtime: Stamp,
    /// It has been compared with what is known.
    compared: bool,
}

/// The policy and the listing that is under way.
#[derive(Debug)]
pub(super) struct Listing {
    policy: Option<Reannounce>,
    phase: Phase,
    next: Option<Mono>,
    /// Counts the listings.
    turn: u32,
    /// The listing at the start is through.
    started: bool,
}

/// How long an answer about the length of a queue is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

impl Listing {
    pub(super) fn new(plan: &SourcePlan) -> Self {
        let next = plan.reannounce.map(|_| Mono::ZERO);
        Self { policy: plan.reannounce, phase: Phase::Idle, next, turn: 0, started: false }
    }

    /// The policy was changed while the source runs. What is under way goes on: what it has gathered
    /// is to be looked at.
    pub(super) fn set_policy(&mut self, policy: Option<Reannounce>, now: Mono) {
        if self.policy != policy {
            self.policy = policy;
            self.next = policy.and_then(|policy| policy.every).map(|every| now + every);
        }
    }

    /// The root has come: what lies in it is announced, if that is the policy.
    pub(super) fn due_now(&mut self) -> bool {
        if self.policy.is_some() {
            self.phase = Phase::Idle;
            self.next = Some(Mono::ZERO);
        }
        self.policy.is_some()
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Option<Mono> {
        match self.phase {
            Phase::Idle => self.next,
            // An answer is an order, which rings.
            Phase::Asking { since, .. } => Some(since + PATIENCE),
            Phase::Answered { .. } | Phase::Collecting { .. } => None,
        }
    }

    /// The number of the latest listing.
    pub(super) const fn turn(&self) -> u32 {
        self.turn
    }

    /// A sink's answer. One that comes too late is of no use.
    pub(super) fn room(&mut self, answer: Answer) {
        if let Phase::Asking { queues, .. } = &mut self.phase
            && answer.turn == self.turn
        {
            queues.insert(answer.sink, answer.queue);
        }
    }

    /// All have answered, or have been waited for long enough.
    fn is_answered(&self, now: Mono) -> bool {
        let Phase::Asking { since, sinks, queues } = &self.phase else { return false };
        queues.len() >= *sinks || now.saturating_sub(*since) >= PATIENCE
    }

    /// Takes an entry that the walk has found; false if no listing is under way.
    pub(super) fn collect(&mut self, dir: DirId, name: &[u8], open: &Dir) -> bool {
        let Phase::Collecting { collected, .. } = &mut self.phase else { return false };
        // What a link leads to counts; what cannot be looked at comes first.
        let look = open.look_through(name).ok();
        if look.is_none_or(|look| look.kind() != EntryKind::Directory) {
            collected.push(Collected { dir, name: name.into(), mtime: mtime(look), compared: false });
        }
        true
    }

    /// The same for an entry that a scanner has seen.
    pub(super) fn collect_seen(
        &mut self,
        dir: DirId,
        name: &[u8],
        look: Option<Result<Look, Errno>>,
    ) -> bool {
        let Phase::Collecting { collected, .. } = &mut self.phase else { return false };
        let mtime = mtime(look.and_then(Result::ok));
        collected.push(Collected { dir, name: name.into(), mtime, compared: true });
        true
    }

    /// The first whole scan is through.
    pub(super) const fn started(&mut self) {
        self.started = true;
    }
}

fn mtime(look: Option<Look>) -> Stamp {
    look.map_or_else(Stamp::default, |look| Stamp::new(look.mtime.0, look.mtime.1))
}

impl Source {
    /// Begins a listing if one is due.
    pub(super) fn begin_due_listing(&mut self) {
        let now = self.now();
        if matches!(self.listing.phase, Phase::Idle) && self.listing.next.is_some_and(|next| next <= now) {
            self.ask_for_room(now);
        }
        if self.listing.is_answered(now) {
            self.take_answers_of_sinks();
        }
        // A walk that began before must not pass for the listing: it may be of a part only.
        if self.scan.is_none() {
            self.begin_listing();
        }
    }

    fn ask_for_room(&mut self, now: Mono) {
        self.listing.turn += 1;
        let every = self.listing.policy.and_then(|policy| policy.every);
        self.listing.next = every.map(|every| now + every);
        let mut sinks: Vec<&String> = self.berth.plan.rules.rules.iter().flat_map(|rule| &rule.to).collect();
        sinks.sort_unstable();
        sinks.dedup();
        self.listing.phase = Phase::Asking { since: now, sinks: sinks.len(), queues: HashMap::new() };
        for sink in sinks {
            (self.berth.ask_room)(self.listing.turn, sink, Arc::clone(&self.berth.orders));
        }
    }

    /// Whether a walk is worth its while: afterwards, only where something could be announced.
    fn take_answers_of_sinks(&mut self) {
        let at_start = !self.listing.started;
        let Phase::Asking { queues, .. } = &mut self.listing.phase else { return };
        let mut queues = std::mem::take(queues);
        let rules = &self.berth.plan.rules.rules;
        for sink in rules.iter().flat_map(|rule| &rule.to) {
            queues.entry(sink.clone()).or_default();
        }
        let limit = self.listing.policy.and_then(|policy| policy.queue_limit);
        let rooms = Rooms::of(&queues, limit, at_start);
        let worth_it = at_start || rules.iter().any(|rule| rooms.has_any(&rule.to));
        self.listing.phase = if worth_it { Phase::Answered { rooms } } else { Phase::Idle };
    }

    fn begin_listing(&mut self) {
        match std::mem::replace(&mut self.listing.phase, Phase::Idle) {
            Phase::Answered { rooms } | Phase::Collecting { rooms, .. } => {
                self.listing.phase = Phase::Collecting { rooms, collected: Vec::new() };
                self.begin_whole_scan();
            }
            other => self.listing.phase = other,
        }
    }

    /// The walk is through: puts what was collected in order and hands it on to be looked at.
    pub(super) fn take_listing(&mut self) {
        let Phase::Collecting { rooms, collected } = &mut self.listing.phase else { return };
        let (mut rooms, collected) = (std::mem::take(rooms), std::mem::take(collected));
        self.listing.phase = Phase::Idle;
        let mut listed: Vec<(u32, Box<[u8]>, Collected)> =
            collected.into_iter().filter_map(|entry| self.with_turn(entry)).collect();
        // Stable: ties stay in the order of the directory.
        listed.sort_by_key(|(turn, _, entry)| (*turn, entry.mtime));
        for (turn, path, entry) in listed {
            self.take_listed(turn, &path, entry, &mut rooms);
        }
        if rooms.was_cut()
            && let Some(limit) = self.listing.policy.and_then(|policy| policy.queue_limit)
        {
            let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
            self.berth.observer.notice(&Notice::ListingCut { source, path, limit });
        }
    }

    /// The entry with its path and the listing in which it was announced last.
    fn with_turn(&self, entry: Collected) -> Option<(u32, Box<[u8]>, Collected)> {
        let mut path = self.watcher.tree().path(entry.dir)?;
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&entry.name);
        let turn =
            if self.announces_arrivals() { 0 } else { self.known.turn(PathKey::of(&path)).unwrap_or(0) };
        Some((turn, path.into(), entry))
    }

    /// Announces the entry again if there is room; else it is only compared. What is new needs no room: a
    /// source's files are never held back.
    fn take_listed(&mut self, turn: u32, path: &[u8], entry: Collected, rooms: &mut Rooms) {
        let Collected { dir, name, compared, .. } = entry;
        let key = PathKey::of(path);
        let arrivals = self.announces_arrivals();
        let again = match self.berth.plan.rules.select(path, self.watcher.tree().mask(dir)) {
            Selection::Taken(rule) => self.comes_again(turn, key, path, (dir, &name), rule, rooms),
            Selection::Member { .. } | Selection::Ignored(_) => false,
        };
        if again {
            self.dirty.found(dir, &name);
            self.dirty.force(dir, &name);
        } else if arrivals {
            // As the old program did: what does not fit is left for another time, also if it is new.
            self.known.seen_by_scan(key, self.scan_number);
        } else if !compared {
            self.dirty.found(dir, &name);
        }
    }

    /// Whether the entry was announced, is not about to be announced anyway, and fits.
    fn comes_again(
        &mut self,
        turn: u32,
        key: PathKey,
        path: &[u8],
        (dir, name): (DirId, &[u8]),
        rule: usize,
        rooms: &mut Rooms,
    ) -> bool {
        let is_news = !self.announces_arrivals() && self.known.turn(key).is_none();
        // The same name may come twice in a listing.
        let comes_anyway = self.waiting.contains(path) || self.dirty.is_forced(dir, name);
        let to = self.berth.plan.rules.rules.get(rule).map_or(&[][..], |rule| &rule.to);
        !is_news && !comes_anyway && turn != ADOPTED && rooms.take(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_due_is_done_when_its_time_comes() {
        let asking = Phase::Asking { since: Duration::from_secs(5), sinks: 1, queues: HashMap::new() };
        let listing = Listing { policy: None, phase: asking, next: None, turn: 1, started: true };
        let next = listing.next().unwrap();
        assert!(!listing.is_answered(Duration::from_secs(5) + PATIENCE / 2));
        assert!(listing.is_answered(next), "the thread would go round and round until it is");
    }
}
