//! The second look: whatever an event led to, what it spoke of is compared once more when it is quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use mirror::{Brought, Compare, Content, Difference, EntryKind, Look, Sample};
use model::Stamp;
use model::text::safe;

use super::again;
use super::marks::Copied;
use super::work::{Step, Stop, Work, is_copy, parent, since, stamp};

/// Trees that cannot be worked on now are looked at again after so long.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);
/// A file may have been written to once more within the same tick of its file system's clock, and that may be as
/// coarse as this. What was read later than that after its time of change is what has that time.
const TICK: Duration = Duration::from_secs(2);
/// A directory with more entries is not gone through because of one of them.
const ENTRIES: usize = 1024;

impl Work {
    /// An event spoke of `path`.
    pub(super) fn note(&mut self, path: &[u8], guessed: bool) {
        let now = (self.hands.now)();
        self.again.note(path, now, guessed);
        if self.again.were_too_many() {
            self.doubt(b"");
        }
    }

    /// How long nobody may ask for anything until a second look is taken.
    pub(crate) fn until_second_look(&self) -> Option<Duration> {
        self.again.wait(self.worked, (self.hands.now)())
    }

    /// Looks again at what has its time. Trouble is not told: whoever comes with the next event hears of it.
    pub(crate) fn look_again(&mut self) {
        let begun = (self.hands.now)();
        let those = self.again.take(self.worked, begun);
        self.forget_other_roots();
        for path in those.keys() {
            self.again.note_directory(parent(path), begun);
        }
        match self.look_again_at(those, begun) {
            Some((rest, pause)) => self.again.put_back(rest, (self.hands.now)(), pause),
            None => self.look_through_directories(),
        }
        // Where that fails, the next batch ends with it, too.
        let _ = self.end_batch();
    }

    fn look_through_directories(&mut self) {
        let now = (self.hands.now)();
        let calm = self.is_calm();
        for directory in self.again.take_directories(calm, now) {
            if let Err(Stop::Trouble(_)) = self.look_through(&directory) {
                self.again.note_directory(&directory, again::later(now, AFTER_TROUBLE));
            }
        }
    }

    /// Whether no event is under way that tells more than a look: what is missing may have been renamed.
    fn is_calm(&self) -> bool {
        since(self.worked, (self.hands.now)()) >= again::QUIET && self.pending.waiting().next().is_none()
    }

    /// Gives back what there was no time for, and after how long it is to be tried.
    fn look_again_at(&mut self, mut those: Paths, begun: Stamp) -> Option<(Paths, Duration)> {
        while let Some((path, look)) = those.pop_first() {
            match self.look_once_more(&path, look) {
                Ok(true) => {}
                Ok(false) => drop(self.again.keep(&path, look, (self.hands.now)())),
                Err(Stop::Path(why)) => self.keep_failed(&path, look, &why),
                Err(Stop::Trouble(_)) => {
                    those.insert(path, look);
                    return Some((those, AFTER_TROUBLE));
                }
            }
            if !self.pulse.beat() || since(begun, (self.hands.now)()) > self.slice() {
                return Some((those, Duration::ZERO));
            }
        }
        None
    }

    pub(super) fn keep_failed(&mut self, path: &[u8], look: again::Look, why: &str) {
        if !self.again.keep(path, look, (self.hands.now)()) {
            (self.hands.remark)(&format!("{} could not be made equal: {why}", safe(path)));
        }
    }

    /// Answers whether it is equal.
    fn look_once_more(&mut self, path: &[u8], look: again::Look) -> Step<bool> {
        let top = self.first_missing(path)?;
        self.touched.insert(parent(top).into());
        let Some(there) = self.source(path)? else {
            // A directory on the way may have been made for it, and is gone by now. Of another root than the one that
            // was mirrored that would say nothing.
            if self.destination(top)?.is_none() || !self.ask(|pair| Ok(pair.may_delete_extra()))? {
                return Ok(true);
            }
            return if self.is_calm() { self.bring(top, Content::Never).map(|_| true) } else { Ok(false) };
        };
        if there.kind() == EntryKind::Directory {
            self.again.note_directory(path, (self.hands.now)());
        }
        let content = self.content_of_a_comparison(path)?;
        let done = self.bring(path, content)?;
        if done != Brought::Same {
            self.doubt_other_names(path)?;
        }
        match done {
            Brought::Made if there.kind() == EntryKind::Directory => {
                let now = (self.hands.now)();
                for path in self.below(path)? {
                    self.again.keep(&path, again::Look { tries: 0, ..look }, now);
                }
                Ok(true)
            }
            Brought::ContentDiffers | Brought::Changing => Ok(false),
            // A mark is of a close that no arrival followed.
            _ if look.guessed || self.marks.is_marked(path) => self.is_proven(path),
            _ => Ok(true),
        }
    }

    /// The other entries of a directory in which something happened: of one that nobody tells of, this may be all that
    /// leads to it.
    fn look_through(&mut self, directory: &[u8]) -> Step<()> {
        let (mut walk, mut found) = (Compare::entries(directory, ENTRIES), Vec::new());
        while !walk.is_done() && self.pulse.beat() {
            self.ask(|pair| walk.step(pair, ENTRIES, &mut |difference| found.push(difference)))?;
        }
        for Difference { path, .. } in found.into_iter().filter(|found| found.path != directory) {
            match self.look_once_more(&path, again::Look::default()) {
                Ok(true) => {}
                Ok(false) => drop(self.again.keep(&path, again::Look::default(), (self.hands.now)())),
                Err(Stop::Path(why)) => self.keep_failed(&path, again::Look::default(), &why),
                Err(trouble) => return Err(trouble),
            }
        }
        self.touched.insert(directory.into());
        Ok(())
    }

    /// Whether the copy surely has what the file holds. Where no close is told, size and time of change say so only if
    /// the file was read when its time was past.
    fn is_proven(&mut self, path: &[u8]) -> Step<bool> {
        let now = (self.hands.now)();
        let (there, here) = (self.source(path)?, self.destination(path)?);
        let (Some(there), Some(here)) = (there, here) else { return Ok(false) };
        if there.kind() != EntryKind::File {
            return Ok(true);
        }
        if !is_copy(&there, Some(&here)) {
            return Ok(false);
        }
        let read_at = match self.marks.copy(path) {
            Some(copy) => (copy.inode == there.inode).then_some(copy.at),
            // It got its name after it was read. A later change of its mode hides that; then it is taken for equal.
            None => Some(stamp(here.ctime)),
        };
        if !self.marks.is_marked(path) && read_at.is_some_and(|at| is_past(&there, at, TICK)) {
            return Ok(true);
        }
        if !is_past(&there, now, TICK) {
            return Ok(false);
        }
        let pulse = self.pulse.clone();
        if self.ask(|pair| pair.content_equal(path, &|_| pulse.beat()))? {
            self.marks.copied(path, Copied { inode: there.inode, ctime: there.ctime, at: now });
            return Ok(true);
        }
        // Its copy has a time that is not its own: that cannot be made worse.
        if is_past(&there, now, self.place.origin.still.unwrap_or(TICK)) {
            let sample = Sample { size: there.size, mtime: there.mtime, inode: there.inode };
            self.bring(path, Content::AlwaysOf(sample))?;
        }
        Ok(false)
    }
}

type Paths = BTreeMap<Box<[u8]>, again::Look>;

/// Whether the file's last change lies so long before `at`. A time in the future was set by somebody and says nothing.
fn is_past(look: &Look, at: Stamp, wait: Duration) -> bool {
    let mtime = stamp(look.mtime);
    mtime > at || since(mtime, at) >= wait
}
