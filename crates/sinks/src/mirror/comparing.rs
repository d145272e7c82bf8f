//! The whole of both trees, compared and made equal in slices.

use std::fmt::Write as _;
use std::time::Duration;

use mirror::{Brought, Compare, Content, Difference, What};
use model::Stamp;
use model::text::safe;

use super::again::Look;
use super::work::{Step, Stop, Work, since};
use crate::sink::Outcome;

/// So many entries are compared between two looks at the clock.
const STEP: usize = 512;
/// How soon a comparison that waits for another one is tried again.
const AFTER_ANOTHER: Duration = Duration::from_secs(1);
/// So much content that was left is looked for again.
const LEFT: usize = 1024;
/// How often a long one says how far it is.
const TELL: Duration = Duration::from_secs(10);

/// A comparison that is under way.
#[derive(Debug)]
pub(crate) struct Comparing {
    /// The event that asked for it.
    seq: u64,
    walk: Compare,
    tally: Tally,
    begun: Stamp,
    told: Stamp,
}

/// What a comparison did.
#[derive(Debug, Default)]
struct Tally {
    made: u64,
    copied: u64,
    removed: u64,
    /// Content that is not known to be complete: it comes when it is.
    left: u64,
    /// The first of these.
    left_paths: Vec<Vec<u8>>,
    /// Extras that must not be removed.
    kept: u64,
    failed: u64,
    first_failure: Option<String>,
}

impl Tally {
    fn count(&mut self, done: &Brought) {
        match done {
            Brought::Made | Brought::Attributes => self.made += 1,
            Brought::Copied { .. } => self.copied += 1,
            Brought::Removed { entries } => self.removed += entries,
            Brought::ContentDiffers | Brought::Changing => self.left += 1,
            Brought::Same | Brought::Stopped | Brought::LeftOut(_) => {}
        }
    }

    fn fail(&mut self, why: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(why);
    }
}

impl Work {
    /// Goes on with the comparison that the event asks for.
    pub(super) fn compare(&mut self, seq: u64) -> Step<Outcome> {
        self.open().map_err(Stop::Trouble)?;
        let now = (self.hands.now)();
        let begin =
            || Comparing { seq, walk: Compare::whole(), tally: Tally::default(), begun: now, told: now };
        let mut comparing = self.comparing.take().unwrap_or_else(begin);
        if comparing.seq != seq {
            self.comparing = Some(comparing);
            return Ok(Outcome::PutOff(AFTER_ANOTHER, "another comparison is under way".into()));
        }
        // A fault ends it: the next call begins anew.
        self.go_on(&mut comparing)?;
        let entries = comparing.walk.progress().entries;
        if !comparing.walk.is_done() {
            self.tell_progress(&mut comparing);
            self.comparing = Some(comparing);
            return Ok(Outcome::Underway(format!("{entries} entries compared")));
        }
        self.at_home = true;
        self.end(&comparing)?;
        for path in comparing.tally.left_paths {
            self.doubts.keep(&path, now, now, self.place.origin.still);
        }
        Ok(Outcome::Delivered)
    }

    fn go_on(&mut self, comparing: &mut Comparing) -> Step<()> {
        let begun = (self.hands.now)();
        while !comparing.walk.is_done() && self.pulse.beat() {
            let mut found = Vec::new();
            let walk = &mut comparing.walk;
            self.ask(|pair| walk.step(pair, STEP, &mut |difference| found.push(difference)))?;
            comparing.tally.copied += self.copy_found(&found)?;
            for difference in found {
                self.settle(difference, &mut comparing.tally)?;
                if !self.pulse.beat() {
                    break;
                }
            }
            if since(begun, (self.hands.now)()) > self.slice() {
                break;
            }
        }
        Ok(())
    }

    fn settle(&mut self, difference: Difference, tally: &mut Tally) -> Step<()> {
        let path = difference.path.clone();
        match self.settle_one(difference, tally) {
            Err(Stop::Path(why)) => {
                self.again.keep(&path, Look::default(), (self.hands.now)());
                tally.fail(why);
                Ok(())
            }
            other => other,
        }
    }

    fn settle_one(&mut self, difference: Difference, tally: &mut Tally) -> Step<()> {
        let Difference { path, what } = difference;
        match what {
            What::ExtraThere { .. } if !self.ask(|pair| Ok(pair.may_delete_extra()))? => tally.kept += 1,
            What::Leftover => tally.removed += self.ask(|pair| pair.remove(&path))?,
            What::Unreadable(fault) => tally.fail(format!("failed to {fault}")),
            _ => {
                let content = self.content_of_a_comparison(&path)?;
                let done = self.bring(&path, content)?;
                tally.count(&done);
                if done != Brought::Same {
                    self.doubt_other_names(&path)?;
                }
                if matches!(done, Brought::ContentDiffers | Brought::Changing)
                    && tally.left_paths.len() < LEFT
                {
                    tally.left_paths.push(path);
                }
            }
        }
        Ok(())
    }

    pub(super) fn content_of_a_comparison(&mut self, path: &[u8]) -> Step<Content> {
        let now = (self.hands.now)();
        let still = self.place.origin.still;
        Ok(match still {
            _ if self.is_known_complete(path)? => Content::IfDiffers,
            Some(still) => Content::IfStill { now: (now.sec, now.nsec), still },
            None => Content::Never,
        })
    }

    /// Makes all at and below `path` equal, at once; answers which content was left.
    pub(super) fn below(&mut self, path: &[u8]) -> Step<Vec<Vec<u8>>> {
        let (mut walk, mut tally) = (Compare::below(path), Tally::default());
        while !walk.is_done() && self.pulse.beat() {
            let mut found = Vec::new();
            self.ask(|pair| walk.step(pair, STEP, &mut |difference| found.push(difference)))?;
            for difference in found {
                self.settle(difference, &mut tally)?;
                self.pulse.beat();
            }
        }
        if let Some(first) = &tally.first_failure {
            let first = safe(first.as_bytes());
            (self.hands.remark)(&format!(
                "{} entries could not be made equal, the first: {first}",
                tally.failed
            ));
        }
        Ok(tally.left_paths)
    }

    fn end(&mut self, comparing: &Comparing) -> Step<()> {
        let Tally { made, copied, removed, left, kept, failed, first_failure, .. } = &comparing.tally;
        if *kept == 0 && *failed == 0 {
            // Nothing can be lost by that: what the source has is all there is.
            self.ask(|pair| if pair.may_delete_extra() { Ok(()) } else { pair.accept_source() })?;
        }
        if made + copied + removed + kept + failed > 0 {
            let entries = comparing.walk.progress().entries;
            let mut text = format!(
                "compared {entries} entries: {copied} files copied, {made} others made equal, {removed} entries removed; \
                 {left} files are copied when they are complete"
            );
            if *kept > 0 {
                let _ = write!(
                    text,
                    ". {kept} entries of the destination are not in the source and are kept, because the source's root is \
                     not the directory that was mirrored before; `staithe mirror verify` names them, `staithe mirror prune` \
                     removes them"
                );
            }
            if let Some(first) = first_failure {
                let first = safe(first.as_bytes());
                let _ = write!(text, ". {failed} entries could not be made equal, the first: {first}");
            }
            (self.hands.remark)(&text);
        }
        Ok(())
    }

    fn tell_progress(&self, comparing: &mut Comparing) {
        let now = (self.hands.now)();
        if since(comparing.told, now) < TELL {
            return;
        }
        comparing.told = now;
        let Tally { made, copied, .. } = &comparing.tally;
        let entries = comparing.walk.progress().entries;
        let seconds = since(comparing.begun, now).as_secs();
        (self.hands.remark)(&format!(
            "comparing: {entries} entries so far, {copied} files copied, {made} others made equal, {seconds} s"
        ));
    }
}
