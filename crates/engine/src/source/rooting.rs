//! The root: absent, there, gone, swapped. Whatever happens to it, nothing is taken as removed.

use std::time::Duration;

use config::IdentityRule;
use model::Stamp;
use sys::{Dir, Errno, Look};
use watch::{DirId, RootChange};

use super::{ROOT_CHECK, Source};
use crate::notice::Notice;

/// What is known of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// Nobody has looked yet.
    Unknown,
    /// There is no directory at its path.
    Absent,
    /// This directory is at its path and armed.
    Present(Incarnation),
}

/// What tells one root from another. The device number tells one mount from the next, and nothing else:
/// files are known by their paths, and compared without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Incarnation {
    device: u64,
    inode: u64,
}

impl Root {
    /// Device and inode of the directory that is armed.
    pub(super) const fn incarnation(&self) -> Option<(u64, u64)> {
        match self {
            Root::Present(Incarnation { device, inode }) => Some((*device, *inode)),
            Root::Unknown | Root::Absent => None,
        }
    }
}

impl Incarnation {
    fn of(look: &Look) -> Self {
        Self { device: look.device, inode: look.inode }
    }
}

/// A number for a directory that is the same after a remount: of its inode and its birth. Never zero.
fn lasting(dir: &Dir) -> Option<i64> {
    let look = dir.look_closely().ok()?;
    let (seconds, nanos) = look.birth.unwrap_or_default();
    let mixed = [seconds, i64::from(nanos)].into_iter().fold(look.look.inode, |mixed, part| {
        (mixed ^ part as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    });
    Some(mixed.max(1) as i64)
}

/// A file's change time comes from the kernel's coarse clock, which may lag by a tick; what was
/// changed within it may have been changed after arming.
const COARSE_CLOCK: Duration = Duration::from_millis(20);

impl Source {
    /// Opens the root if it is there and still the directory that was armed.
    pub(super) fn open_root(&mut self) -> Option<Dir> {
        let Root::Present(armed) = self.root else { return None };
        // Only reached: this happens all the time, and an event stream would hear of it.
        let dir = Dir::reach_root(&self.berth.plan.path).ok();
        let same = dir.and_then(|dir| {
            let look = dir.look().ok()?;
            (Incarnation::of(&look) == armed).then_some(dir)
        });
        if same.is_none() {
            self.check_root();
        }
        same
    }

    /// Looks whether the root is there and the same, and acts on it.
    pub(super) fn check_root(&mut self) {
        self.next_root_check = self.now() + ROOT_CHECK;
        self.note_beginning();
        let path = &self.berth.plan.path;
        let opened = match self.root {
            // Only reached: an event stream would hear of an opening.
            Root::Present(_) => Dir::reach_root(path).and_then(|dir| dir.may_list().map(|()| dir)),
            Root::Unknown | Root::Absent => Dir::open_root(path),
        };
        let found = opened.and_then(|dir| dir.look().map(|look| (dir, look)));
        match (self.root, found) {
            (Root::Present(armed), Ok((_, look))) if Incarnation::of(&look) == armed => {
                self.check_mounts();
                self.tell_of_stuck();
            }
            (Root::Present(_), Ok((dir, look))) => {
                self.lose(RootChange::Unmounted);
                self.arrive(&dir, &look);
            }
            (Root::Present(_), Err(error)) => self.find_out_what_happened(error),
            (Root::Unknown | Root::Absent, Ok((dir, look))) => self.arrive(&dir, &look),
            (Root::Unknown, Err(error)) => {
                self.root = Root::Absent;
                self.tell_of_absence(error);
            }
            (Root::Absent, Err(_)) => {}
        }
    }

    /// From when on whatever comes is an arrival: the first time that anybody looked, whether or not
    /// the root was there.
    fn note_beginning(&mut self) {
        if self.armed_at == Stamp::default() {
            let wall = self.berth.clock.wall().as_nanos() - COARSE_CLOCK.as_nanos() as i64;
            self.armed_at = Stamp::from_nanos(wall);
            self.note(ledger::SourceNote::ArmedAt(self.armed_at));
        }
    }

    /// The kernel told that something happened to the root itself.
    pub(super) fn root_changed(&mut self, change: RootChange) {
        if matches!(self.root, Root::Present(_)) {
            self.lose(change);
            self.check_root();
        }
    }

    fn tell_of_absence(&self, error: Errno) {
        let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
        let error = error.to_string();
        self.berth.observer.notice(&Notice::RootAbsent { source, path, error });
    }

    /// The root is not at its path. The kernel may have told why, and nobody has read it yet.
    fn find_out_what_happened(&mut self, error: Errno) {
        let before = self.root;
        self.watcher.read_now();
        self.hear();
        if self.root != before {
            return;
        }
        if error == Errno::NOENT {
            self.lose(RootChange::Deleted);
        } else {
            // It may be there and only not for us: permission, or a server that answers with an error.
            self.lose_root_quietly();
            self.tell_of_absence(error);
        }
    }

    fn lose(&mut self, change: RootChange) {
        self.lose_root_quietly();
        let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
        self.berth.observer.notice(&Notice::RootLost { source, path, change });
    }

    /// Forgets what goes with the root's directories; it is looked for again.
    pub(super) fn lose_root_quietly(&mut self) {
        self.root = Root::Absent;
        self.scan = None;
        self.whole_scans = 0;
        self.watcher.forget();
        self.lost_mounts.clear();
        self.hidden = false;
        // What was heard of names in this root says nothing of another root's.
        self.dirty.take();
        self.redated.clear();
        self.waiting.change_all(|waiting| waiting.unit.miss());
        self.miss_bundles();
    }

    /// The root is there: listen, and compare everything.
    fn arrive(&mut self, dir: &Dir, look: &Look) {
        let now = self.now();
        self.watcher.begin(dir, now);
        self.root = Root::Present(Incarnation::of(look));
        self.scan_number += 1;
        self.root_since = self.scan_number;
        let filesystem = self.watcher.region(DirId::ROOT).map(|region| region.filesystem);
        self.with_inode = self.decide_identity(filesystem.is_some_and(|filesystem| filesystem.stable_inodes));
        self.tell_of_regions();
        self.begin_first_scan();
        let row = self.berth.standing.row();
        let Some(root) = row.mounts.first() else { return };
        let plan = &self.berth.plan;
        let (source, path) = (plan.name.as_str(), plan.path.as_path());
        let (backend, filesystem, why) = (root.backend, root.filesystem.as_str(), root.why.clone());
        let wants_marks = plan.backend == config::Backend::Fanotify;
        let falls_back = self.watcher.deaf().is_some() || (wants_marks && !backend.contains("fanotify"));
        let notice = Notice::Watching { source, path, backend, filesystem, why, falls_back };
        self.berth.observer.notice(&notice);
    }

    /// Lists what lies there, or compares it, as soon as the source may.
    fn begin_first_scan(&mut self) {
        if self.may_list && !self.listing.due_now() {
            self.begin_whole_scan();
        }
    }

    /// The source's turn to list has come.
    pub(super) fn begin(&mut self) {
        if !std::mem::replace(&mut self.may_list, true) && matches!(self.root, Root::Present(_)) {
            self.begin_first_scan();
        }
    }

    /// After a whole scan: whether what lies at the root is what files are known in. An empty directory
    /// that is another one than before is what an unmounted disk looks like.
    pub(super) fn judge_root(&mut self, root: &Dir, entries: u64) {
        let here = lasting(root);
        let other = self.berth.incarnation.is_some_and(|known| Some(known) != here);
        let hidden = other && entries == 0 && self.known.len() > 0;
        if hidden && !self.hidden {
            let (source, path) = (self.berth.plan.name.as_str(), self.berth.plan.path.as_path());
            let known = self.known.len() as u64;
            self.berth.observer.notice(&Notice::RootHidden { source, path, known });
        }
        self.hidden = hidden;
        if let Some(here) = here
            && !hidden
            && self.berth.incarnation != Some(here)
        {
            self.berth.incarnation = Some(here);
            self.note(ledger::SourceNote::Incarnation(here));
        }
    }

    /// Whether inode numbers tell generations apart: decided once for each source, because a change
    /// would make every file new.
    fn decide_identity(&mut self, stable_inodes: bool) -> bool {
        let wanted = match self.berth.plan.identity {
            IdentityRule::Inode => true,
            IdentityRule::NoInode => false,
            IdentityRule::Auto => self.berth.inode_in_identity.unwrap_or(stable_inodes),
        };
        if self.berth.inode_in_identity != Some(wanted) {
            self.berth.inode_in_identity = Some(wanted);
            self.note(ledger::SourceNote::InodeInIdentity(wanted));
        }
        wanted
    }

    pub(super) fn note(&self, note: ledger::SourceNote) {
        if let Err(error) = self.berth.ledger.note_source(self.berth.id, note) {
            self.berth.observer.notice(&Notice::LedgerTrouble { error: &error.to_string() });
        }
    }
}
