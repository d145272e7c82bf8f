//! Paths that get a second look when it is quiet. Pure.
//!
//! What an event leads to follows from a look, and looks and changes cross: a file is touched while it is copied, and no
//! arrival follows; a poller finds a file back where it knew it, and says nothing. So each path that an event speaks of
//! is compared once more. Nothing waits for that, and nothing is lost with it: a start compares everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::Stamp;

use super::marks::{is_within, moved};
use super::work::since;

/// So many are kept. With more, everything gets a second look.
const LIMIT: usize = 64 * 1024;
/// So many of those that were not equal by then are looked at once more, and so often.
const KEPT: usize = 4096;
const TRIES: u32 = 10;
/// Nothing for so long: it is quiet.
pub(super) const QUIET: Duration = Duration::from_millis(250);
/// Where it is never quiet, the look is taken after so long.
const PATIENCE: Duration = Duration::from_millis(2500);
/// A moment that was not calm is waited for again so long.
const SOON: Duration = Duration::from_millis(500);
/// The longest pause between two looks at one path.
const PAUSE: Duration = Duration::from_secs(5);

/// How a path is looked at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// What is known of it was found by comparing. Nobody tells of a close then, and bytes may have to be read.
    pub(crate) guessed: bool,
    /// How often it was looked at again and not equal.
    pub(crate) tries: u32,
}

/// What is to be looked at again.
#[derive(Debug, Default)]
pub(crate) struct Again {
    fresh: BTreeMap<Box<[u8]>, Look>,
    /// When the first of these came.
    oldest: Option<Stamp>,
    kept: BTreeMap<Box<[u8]>, (Stamp, Look)>,
    /// Directories in which something was looked at, to be gone through in a calm moment.
    directories: BTreeSet<Box<[u8]>>,
    /// Not before.
    calm_at: Option<Stamp>,
    too_many: bool,
}

impl Again {
    /// An event spoke of `path`.
    pub(crate) fn note(&mut self, path: &[u8], now: Stamp, guessed: bool) {
        if self.fresh.len() >= LIMIT {
            self.fresh.clear();
            self.too_many = true;
        }
        self.oldest.get_or_insert(now);
        let look = self.fresh.entry(path.into()).or_default();
        look.guessed |= guessed;
    }

    /// Something in `directory` was looked at again. It is gone through at that time.
    pub(crate) fn note_directory(&mut self, directory: &[u8], at: Stamp) {
        if self.directories.len() >= LIMIT {
            self.directories.clear();
            self.too_many = true;
        }
        self.directories.insert(directory.into());
        self.calm_at.get_or_insert(at);
    }

    /// The directories in which something was looked at, if it is `calm`. If it is not, they are asked for again soon.
    pub(crate) fn take_directories(&mut self, calm: bool, now: Stamp) -> BTreeSet<Box<[u8]>> {
        if calm {
            self.calm_at = None;
            return std::mem::take(&mut self.directories);
        }
        self.calm_at = (!self.directories.is_empty()).then(|| later(now, SOON));
        BTreeSet::new()
    }

    /// More were noted than are kept. Answers so once.
    pub(crate) fn were_too_many(&mut self) -> bool {
        std::mem::take(&mut self.too_many)
    }

    /// Something was made equal at `path`, where perhaps nobody tells of it any more. There may be a million of these.
    pub(crate) fn note_own(&mut self, path: &[u8], now: Stamp) {
        if self.fresh.len() < LIMIT / 2 {
            self.note(path, now, false);
        }
    }

    /// It was not equal, or not for sure. Answers whether it is looked at once more.
    pub(crate) fn keep(&mut self, path: &[u8], look: Look, now: Stamp) -> bool {
        let tries = look.tries + 1;
        if tries > TRIES || (self.kept.len() >= KEPT && !self.kept.contains_key(path)) {
            return false;
        }
        let pause = QUIET.saturating_mul(1 << look.tries).min(PAUSE);
        self.kept.insert(path.into(), (later(now, pause), Look { tries, ..look }));
        true
    }

    /// Nothing could be looked at: the same ones, after a pause.
    pub(crate) fn put_back(&mut self, those: BTreeMap<Box<[u8]>, Look>, now: Stamp, pause: Duration) {
        for (path, look) in those {
            self.kept.insert(path, (later(now, pause), look));
        }
    }

    /// What was at or below `from` is at or below `to` now. What is looked at under the old names is something else.
    pub(crate) fn renamed(&mut self, from: &[u8], to: &[u8]) {
        let those = self.fresh.range(Box::from(from)..).take_while(|(path, _)| path.starts_with(from));
        let those: Vec<_> = those
            .filter(|(path, _)| is_within(path, from))
            .map(|(path, look)| (path.clone(), *look))
            .collect();
        for (path, look) in those {
            self.fresh.entry(moved(&path, from, to)).or_default().guessed |= look.guessed;
        }
    }

    /// How long until the next look, if there is one to be taken. `worked`: when something happened last.
    pub(crate) fn wait(&self, worked: Stamp, now: Stamp) -> Option<Duration> {
        let fresh = self.oldest.map(|oldest| later(worked, QUIET).min(later(oldest, PATIENCE)));
        let kept = self.kept.values().map(|(due, _)| *due).min();
        // A clock that was set back does not keep anybody waiting.
        fresh.into_iter().chain(kept).chain(self.calm_at).min().map(|due| since(now, due).min(PAUSE))
    }

    /// Those whose time has come.
    pub(crate) fn take(&mut self, worked: Stamp, now: Stamp) -> BTreeMap<Box<[u8]>, Look> {
        let is_due = |due| since(now, due).is_zero() || since(now, due) > PAUSE;
        let mut all = BTreeMap::new();
        for (path, (due, look)) in std::mem::take(&mut self.kept) {
            if is_due(due) {
                all.insert(path, look);
            } else {
                self.kept.insert(path, (due, look));
            }
        }
        let fresh = self.oldest.map(|oldest| later(worked, QUIET).min(later(oldest, PATIENCE)));
        if fresh.is_some_and(is_due) {
            self.oldest = None;
            // What is told of anew is tried as often as before.
            for (path, look) in std::mem::take(&mut self.fresh) {
                let guessed = all.get(&path).is_some_and(|kept: &Look| kept.guessed) || look.guessed;
                all.insert(path, Look { guessed, tries: 0 });
            }
        }
        all
    }
}

pub(super) fn later(at: Stamp, wait: Duration) -> Stamp {
    Stamp::from_nanos(at.as_nanos().saturating_add(i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Stamp {
        Stamp::from_nanos(millis * 1_000_000)
    }

    fn paths(those: BTreeMap<Box<[u8]>, Look>) -> Vec<(String, Look)> {
        let text = |path: Box<[u8]>| String::from_utf8_lossy(&path).into_owned();
        those.into_iter().map(|(path, look)| (text(path), look)).collect()
    }

    #[test]
    fn a_second_look_is_taken_when_it_is_quiet_or_after_a_while() {
        let mut again = Again::default();
        assert_eq!(again.wait(at(0), at(0)), None);
        again.note(b"a", at(0), false);
        assert_eq!(again.wait(at(100), at(100)), Some(QUIET));
        assert!(again.take(at(100), at(300)).is_empty());
        assert_eq!(again.take(at(100), at(350)).len(), 1);
        assert_eq!((again.wait(at(100), at(350)), again.take(at(100), at(350)).len()), (None, 0));
        again.note(b"a", at(1000), false);
        again.note(b"b", at(3400), false);
        assert_eq!(again.wait(at(3400), at(3400)), Some(Duration::from_millis(100)));
        assert_eq!(again.take(at(3499), at(3500)).len(), 2, "it is never quiet");
        again.note(b"a", at(90_000), false);
        assert!(again.wait(at(90_000), at(5)).unwrap() <= PAUSE, "the clock was set back");
        assert_eq!(again.take(at(90_000), at(5)).len(), 1);
    }

    #[test]
    fn what_is_not_equal_is_looked_at_again_more_and_more_seldom() {
        let (mut again, mut look, mut now) = (Again::default(), Look::default(), 0);
        for pause in [250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000] {
            assert!(again.keep(b"a", look, at(now)));
            assert_eq!(again.wait(at(0), at(now)), Some(Duration::from_millis(pause)));
            assert!(again.take(at(0), at(now + i64::try_from(pause).unwrap() - 1)).is_empty());
            now += i64::try_from(pause).unwrap();
            look = again.take(at(0), at(now)).remove(&b"a"[..]).unwrap();
        }
        assert!(!again.keep(b"a", look, at(now)));
        again.keep(b"a", Look { tries: 3, guessed: true }, at(0));
        again.note(b"a", at(0), false);
        assert_eq!(paths(again.take(at(0), at(9000))), [("a".to_owned(), Look { tries: 0, guessed: true })]);
    }

    #[test]
    fn directories_wait_for_a_calm_moment() {
        let mut again = Again::default();
        again.note_directory(b"d", at(0));
        again.note_directory(b"d", at(9));
        assert!(again.take_directories(false, at(10)).is_empty());
        assert_eq!(again.wait(at(0), at(10)), Some(SOON));
        assert_eq!(again.take_directories(true, at(600)).len(), 1);
        assert_eq!((again.wait(at(0), at(600)), again.take_directories(false, at(600)).len()), (None, 0));
        assert_eq!(again.wait(at(0), at(600)), None);
    }

    #[test]
    fn renames_are_followed_and_too_many_are_told() {
        let mut again = Again::default();
        for path in [&b"d/f"[..], b"d.f", b"d", b"e"] {
            again.note(path, at(0), path == b"d/f");
        }
        again.renamed(b"d", b"n");
        let names: Vec<_> =
            paths(again.take(at(0), at(9000))).into_iter().map(|(path, look)| (path, look.guessed)).collect();
        let expected =
            [("d", false), ("d.f", false), ("d/f", true), ("e", false), ("n", false), ("n/f", true)];
        assert_eq!(names, expected.map(|(path, guessed)| (path.to_owned(), guessed)));
        for number in 0..=LIMIT {
            again.note(number.to_string().as_bytes(), at(0), false);
        }
        assert!(again.were_too_many() && !again.were_too_many());
    }
}
