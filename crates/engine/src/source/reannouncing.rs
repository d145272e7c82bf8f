//! Announcing what still lies in a source: at each start, and again from time to time.
//!
//! A listing is a whole scan whose entries are gathered, put in order of their modification time
//! (as the old `directory_observer` did, and as consumers of its lists expect), cut to the room that
//! the sink's queue has left, and announced whether or not they are known.

use std::sync::Arc;
use std::time::Duration;

use config::{Reannounce, SourcePlan};
use model::Stamp;
use settle::{Mono, Selection};
use sys::{Dir, EntryKind, Errno, Look};
use watch::DirId;

use super::Source;
use crate::notice::Notice;

/// Where the listing stands.
#[derive(Debug)]
enum Phase {
    /// None is under way.
    Idle,
    /// The sink was asked for the length of its queue.
    Asking { since: Mono },
    /// The sink has answered; the walk begins when none is under way.
    Answered { room: Room },
    /// The tree is being walked.
    Collecting { room: Room, collected: Vec<Collected> },
}

/// What the sink said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Its queue has this length.
    Length(u64),
    /// It did not say.
    Unknown,
}

#[derive(Debug)]
struct Collected {
    dir: DirId,
    name: Box<[u8]>,
    mtime: Stamp,
}

/// The policy and the listing that is under way.
#[derive(Debug)]
pub(super) struct Listing {
    policy: Option<Reannounce>,
    phase: Phase,
    next: Option<Mono>,
    /// The listing at the start is through.
    started: bool,
}

/// How long an answer about the length of the queue is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the wait for it is looked at.
const POLL: Duration = Duration::from_millis(50);

impl Listing {
    pub(super) fn new(plan: &SourcePlan) -> Self {
        let next = plan.reannounce.map(|_| Mono::ZERO);
        Self { policy: plan.reannounce, phase: Phase::Idle, next, started: false }
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
            Phase::Asking { since } => Some(since + POLL),
            Phase::Answered { .. } | Phase::Collecting { .. } => None,
        }
    }

    /// Whether what is announced now was announced before.
    pub(super) const fn is_periodic(&self) -> bool {
        self.started
    }

    /// The sink's answer.
    pub(super) fn room(&mut self, length: Option<u64>) {
        if matches!(self.phase, Phase::Asking { .. }) {
            let room = length.map_or(Room::Unknown, Room::Length);
            self.phase = Phase::Answered { room };
        }
    }

    /// Takes an entry that the walk has found; false if no listing is under way.
    pub(super) fn collect(&mut self, dir: DirId, name: &[u8], open: &Dir) -> bool {
        let Phase::Collecting { collected, .. } = &mut self.phase else { return false };
        // What a link leads to counts; what cannot be looked at comes first.
        let look = open.look_through(name).ok();
        if look.is_none_or(|look| look.kind() != EntryKind::Directory) {
            let mtime = look.map_or_else(Stamp::default, |look| Stamp::new(look.mtime.0, look.mtime.1));
            collected.push(Collected { dir, name: name.into(), mtime });
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
        let mtime = look
            .and_then(Result::ok)
            .map_or_else(Stamp::default, |look| Stamp::new(look.mtime.0, look.mtime.1));
        collected.push(Collected { dir, name: name.into(), mtime });
        true
    }

    /// The first whole scan is through, or the policy was changed while the source ran.
    pub(super) const fn started(&mut self) {
        self.started = true;
    }
}

impl Source {
    /// Begins a listing if one is due.
    pub(super) fn begin_due_listing(&mut self) {
        let now = self.now();
        match self.listing.phase {
            Phase::Idle if self.listing.next.is_some_and(|next| next <= now) => {
                self.listing.phase = Phase::Asking { since: now };
                let every = self.listing.policy.and_then(|policy| policy.every);
                self.listing.next = every.map(|every| now + every);
                (self.berth.ask_room)(0, Arc::clone(&self.berth.orders));
            }
            Phase::Asking { since } if now.saturating_sub(since) > PATIENCE => self.listing.room(None),
            Phase::Idle | Phase::Asking { .. } => {}
            // A walk that began before must not pass for the listing: it may be of a part only.
            Phase::Answered { .. } | Phase::Collecting { .. } if self.scan.is_some() => {}
            Phase::Answered { room } | Phase::Collecting { room, .. } => self.begin_listing(room),
        }
    }

    fn begin_listing(&mut self, room: Room) {
        // What a sink that is down does not take would only pile up; it is announced when it is back.
        let in_vain = room == Room::Unknown && self.listing.started;
        self.listing.phase =
            if in_vain { Phase::Idle } else { Phase::Collecting { room, collected: Vec::new() } };
        self.begin_whole_scan();
    }

    /// The walk is through: puts what was collected in order and hands it on to be looked at.
    pub(super) fn take_listing(&mut self) {
        let Phase::Collecting { room, collected } = std::mem::replace(&mut self.listing.phase, Phase::Idle)
        else {
            return;
        };
        let mut listed: Vec<Collected> = collected.into_iter().filter(|entry| self.is_taken(entry)).collect();
        // Stable: ties stay in the order of the directory.
        listed.sort_by_key(|entry| entry.mtime);
        if let Some(limit) = self.listing.policy.and_then(|policy| policy.queue_limit) {
            let length = match room {
                Room::Length(length) => length,
                Room::Unknown => 0,
            };
            let room = usize::try_from(limit.saturating_sub(length)).unwrap_or(usize::MAX);
            if listed.len() > room {
                listed.truncate(room);
                let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
                self.berth.observer.notice(&Notice::ListingCut { source, path, limit });
            }
        }
        for entry in listed {
            self.dirty.announce(entry.dir, &entry.name);
        }
    }

    fn is_taken(&self, entry: &Collected) -> bool {
        let tree = self.watcher.tree();
        let Some(mut path) = tree.path(entry.dir) else { return false };
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&entry.name);
        matches!(self.berth.plan.rules.select(&path, tree.mask(entry.dir)), Selection::Taken(_))
    }
}
