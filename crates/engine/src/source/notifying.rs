//! A producer says that a file is finished. Its word is a hint like the kernel's: the source looks,
//! and the rule decides.

use model::{Cause, PathKey, Reason};
use settle::{Stir, Unit, What};
use sys::{EntryKind, Errno, Look};
use watch::DirId;

use super::Source;
use super::known::{Compared, fingerprint};
use super::looking::sample;
use super::waiting::{History, Waiting};
use crate::answer::{Heeded, Refusal, Selected};
use crate::explain::split;

impl Source {
    /// Takes a producer's word for `path`, below the root. Whoever passes it on has looked: a file
    /// system that hangs must not hold up this thread.
    pub(super) fn notify(&mut self, path: &[u8], looked: Result<Look, Errno>) -> Heeded {
        if looked.is_ok_and(|look| look.kind() == EntryKind::Directory)
            && let Some(rule) = self.rule_of_dataset(path)
        {
            return self.heed_dataset(path, rule);
        }
        let look = match self.verify(path, looked) {
            Ok(look) => look,
            Err(refusal) => return Heeded::Refused(refusal),
        };
        let (above, name) = split(path);
        match self.known_directory(above) {
            Ok(dir) => self.heed(dir, name, path, &look),
            Err(deepest) => {
                // No event and no scan has told of the directory yet; the walk finds the file as well.
                self.walk_directory(deepest);
                Heeded::Walking
            }
        }
    }

    /// Whether there is something at the path that could be announced.
    fn verify(&self, path: &[u8], looked: Result<Look, Errno>) -> Result<Look, Refusal> {
        let look = looked.map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => Refusal::Absent,
            other => Refusal::Unreadable(other.to_string()),
        })?;
        if look.kind() == EntryKind::Directory {
            return Err(Refusal::Directory);
        }
        if !self.berth.plan.recursive && path.contains(&b'/') {
            return Err(Refusal::TooDeep);
        }
        if let Selected::Ignored(reason) = self.selected(path) {
            return Err(Refusal::Ignored(reason));
        }
        match look.kind() {
            EntryKind::File => Ok(look),
            _ if self.announces_arrivals() => Ok(look),
            EntryKind::Symlink => Err(Refusal::Ignored(Reason::IgnoredSymlink)),
            _ => Err(Refusal::Ignored(Reason::IgnoredSpecialFile)),
        }
    }

    /// A dataset is finished, says its producer.
    fn heed_dataset(&mut self, path: &[u8], rule: usize) -> Heeded {
        if let Some(known) = self.known_bundles.get_mut(path) {
            // Also if a scan came by it a moment ago: what was written since then perhaps nobody has heard yet.
            known.scan = 0;
        }
        self.hear_dataset(path, rule, Stir::Scanned, true);
        let (now, wall) = (self.now(), self.berth.clock.wall());
        if let Some(mut bundle) = self.bundles.take(path) {
            bundle.announce();
            bundle.history.note(wall, "announced by its producer");
            bundle.look_at(now);
            self.bundles.insert(path.into(), bundle);
        }
        Heeded::Heard
    }

    /// The directory, or else the deepest known one above it.
    fn known_directory(&self, path: &[u8]) -> Result<DirId, DirId> {
        let tree = self.watcher.tree();
        let mut names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
        names.try_fold(DirId::ROOT, |dir, name| tree.child(dir, name).ok_or(dir))
    }

    /// As if the kernel had told of the file's close.
    fn heed(&mut self, dir: DirId, name: &[u8], path: &[u8], look: &Look) -> Heeded {
        if !self.waiting.contains(path) {
            let sample = sample(look);
            let print = fingerprint(&sample, self.with_inode);
            match self.known.compare(PathKey::of(path), &print, sample.ctime) {
                // Nothing was written since it was announced: its change time would tell.
                Compared::Same { touched: false } => return Heeded::Unchanged,
                // Where arrivals are announced, rewriting in place is none.
                known if known != Compared::New && self.announces_arrivals() => return Heeded::Unchanged,
                _ => {}
            }
        }
        let mut waiting = self.waiting.take(path).unwrap_or_else(|| self.unheard_unit(dir));
        waiting.unit.hear(What::Closed);
        waiting.unit.announce();
        waiting.history.note(self.berth.clock.wall(), "announced by its producer");
        self.waiting.insert(path.into(), waiting);
        if self.watcher.is_slow(dir) {
            // Somebody has looked already; this thread does not.
            self.dirty.seen(dir, name, Some(Ok(*look)), None);
        } else {
            self.dirty.hear(dir, name, What::Closed);
        }
        Heeded::Heard
    }

    /// How the name came to be nobody has heard: the unit is one as a scan finds it, so that a rule
    /// does not wait for a rename that may be past.
    pub(super) fn unheard_unit(&self, dir: DirId) -> Waiting {
        let (now, wall) = (self.now(), self.berth.clock.wall());
        let mut unit = Unit::scanned(now, wall);
        unit.cause = Cause::Arrived;
        Waiting {
            unit,
            dir,
            rule: 0,
            reason: Reason::WaitingLook,
            // It is looked at at once, being dirty; this is for the case that it is not.
            next: now + super::ROOT_CHECK,
            initial: false,
            unheard: false,
            forced: false,
            member: false,
            inquiry: None,
            noted_size: None,
            noted_close: false,
            history: History::default(),
        }
    }
}
