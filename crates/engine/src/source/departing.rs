//! What went away, and no event of its own told of it.

use model::{PathKey, Reason};
use settle::{Mono, Sample, Stir};
use sys::{Dir, Errno};
use watch::Departed;

use super::Source;
use super::admitting::is_absent;
use super::bundles::{Bundle, What};
use super::dirty::Heard;
use super::known::{Compared, fingerprint};
use super::waiting::Waiting;

/// Whatever is looked at so soon need not be looked for.
const SOON: Mono = Mono::from_secs(30);

impl Bundle {
    /// Its rule has not said yet what it lacks.
    pub(super) const fn is_unjudged(&self) -> bool {
        matches!(self.reason, Reason::WaitingLook | Reason::WaitingInspection | Reason::WaitingScan)
    }
}

impl Source {
    /// Directories were removed. What was heard of their members has had its survey perhaps while they were still
    /// there, and nothing else tells of the end of a dataset: it is looked at once more.
    ///
    /// Where another one has come to its place meanwhile, that was told by itself.
    pub(super) fn hear_of_departed(&mut self, departed: &Departed) {
        let is_missed = |path: &&[u8]| {
            self.watcher.tree().at(path).is_none() && (self.bundles.contains(path) || self.was_seen(path))
        };
        let paths = departed.values().map(|(path, _)| path.as_slice()).filter(is_missed);
        let missed: Vec<&[u8]> = paths.collect();
        if missed.is_empty() {
            return;
        }
        self.check_mounts();
        for path in missed {
            let is_ours = self.can_be_missed(path) && (self.bundles.contains(path) || self.was_seen(path));
            if let Some(rule) = self.rule_of_dataset(path).filter(|_| is_ours) {
                self.hear_dataset(path, rule, Stir::Changed, true);
            }
        }
    }

    /// It is known, and was seen under this root and on these mounts.
    fn was_seen(&self, path: &[u8]) -> bool {
        self.known_bundles.get(path).is_some_and(|known| known.scan >= self.root_since)
    }

    /// Whether what is told to have moved away has been there since it was announced, and the news is older than that.
    ///
    /// The kernel tells of two names that are exchanged in two halves, when both have changed already. Whoever reads
    /// between them announces the second name before it hears that what it had before is gone. A rename changes the
    /// change time of what is renamed, so a file that went away and came back does not look as it did. What was
    /// made or written within one tick of the clock may: what tells of that is believed.
    pub(super) fn has_stayed(&self, heard: Heard, key: PathKey, sample: &Sample) -> bool {
        let only_moved = heard.gone && !(heard.deleted || heard.created || heard.closed);
        let compared = || self.known.compare(key, &fingerprint(sample, true), sample.ctime);
        only_moved && self.with_inode && compared() == Compared::Same { touched: false }
    }

    /// Directories have left their places. A dataset that waits there for time to pass would wait for nothing.
    /// One in a slow region is surveyed when its time comes; nobody goes there to look.
    pub(super) fn drop_departed_bundles(&mut self, root: &Dir) {
        let tree = self.watcher.tree();
        let has_left = |(path, bundle): &(&[u8], &Bundle)| {
            matches!(bundle.what, What::Tree(_)) && tree.at(path).is_none() && !self.is_slow_at(path)
        };
        let departed = self.bundles.iter().filter(has_left).map(|(path, _)| path.into());
        let departed: Vec<Box<[u8]>> = departed.collect();
        if departed.is_empty() {
            return;
        }
        self.check_mounts();
        for path in departed {
            if self.can_be_missed(&path)
                && is_not_there(root, &path)
                && let Some(bundle) = self.bundles.take(&path)
            {
                self.bundle_gone(&path, &bundle);
            }
        }
    }

    /// A whole scan is through. A file that waits for time to pass and is not there any more would be looked at
    /// only when that time is over.
    pub(super) fn look_for_departed_files(&mut self, root: &Dir) {
        let now = self.now();
        let has_left = |(path, waiting): &(&[u8], &Waiting)| {
            waiting.next > now + SOON && (self.is_slow_at(path) || is_absent(root, path))
        };
        let departed = self.waiting.iter().filter(has_left).map(|(path, _)| path.into());
        let departed: Vec<Box<[u8]>> = departed.collect();
        for path in departed {
            if let Some(mut waiting) = self.waiting.take(&path) {
                waiting.next = now;
                self.waiting.insert(path, waiting);
            }
        }
    }

    fn is_slow_at(&self, path: &[u8]) -> bool {
        self.watcher.region_at(path).is_some_and(watch::Region::is_slow)
    }
}

/// Whether certainly no directory is there.
fn is_not_there(root: &Dir, path: &[u8]) -> bool {
    matches!(root.reach_below(path), Err(Errno::NOENT | Errno::NOTDIR))
}
