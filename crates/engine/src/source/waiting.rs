//! Units that are not complete yet.

use std::borrow::Cow;

use model::{Reason, Signal, Stamp};
use settle::{Mono, Unit};
use watch::DirId;

use super::agenda::{Agenda, Appointed};
use super::inquiry::Inquiry;

/// A file and what goes with it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each named")]
pub(super) struct Waiting {
    pub(super) unit: Unit,
    pub(super) dir: DirId,
    /// The index of the rule that took it.
    pub(super) rule: usize,
    pub(super) reason: Reason,
    /// When it is looked at if nothing is heard.
    pub(super) next: Mono,
    /// Found by the first scan ever, unchanged since before the source was armed.
    pub(super) initial: bool,
    /// A scan found it, and an event should have told of it before.
    pub(super) unheard: bool,
    /// It is announced even if it is known.
    pub(super) forced: bool,
    /// A member of a group: no unit of its own.
    pub(super) member: bool,
    /// What was found out beside the file itself.
    pub(super) inquiry: Option<Box<Inquiry>>,
    /// The size and the close that are in the history.
    pub(super) noted_size: Option<u64>,
    pub(super) noted_close: bool,
    /// What happened to it so far, bounded.
    pub(super) history: History,
}

impl Waiting {
    /// What was heard and seen of it while it waits goes into its timeline.
    pub(super) fn note_progress(&mut self, wall: Stamp) {
        if let Some(sample) = self.unit.sample()
            && self.noted_size != Some(sample.size)
        {
            self.noted_size = Some(sample.size);
            self.history.note(wall, format!("{} bytes", sample.size));
        }
        if self.unit.is_closed() && !std::mem::replace(&mut self.noted_close, true) {
            self.history.note(wall, "closed");
        }
        if self.unit.heard_signals().contains(Signal::RenamedIn) {
            self.history.note_once(wall, "renamed in");
        }
    }
}

/// All files that wait.
pub(super) type WaitingUnits = Agenda<Waiting>;

impl Appointed for Waiting {
    fn next(&self) -> Option<Mono> {
        Some(self.next)
    }

    fn counts(&self) -> bool {
        !self.member
    }
}

/// What happened to a unit, bounded: the first moments tell how it began, the last how it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    moments: Vec<(Stamp, Cow<'static, str>)>,
    /// The reason that was noted last.
    reason: Option<Cow<'static, str>>,
}

/// How many moments of a unit's history are kept.
const HISTORY: usize = 24;

impl History {
    /// Notes what happened, if it is not what was noted last; a reason (`waiting.…`), if it is not the last
    /// reason. That something is read once more tells nothing: what comes of it does.
    pub(super) fn note(&mut self, at: Stamp, what: impl Into<Cow<'static, str>>) {
        let what = what.into();
        if what.starts_with("waiting.") {
            let read_again = self.reason.is_some() && what == Reason::WaitingInspection.code();
            if read_again || self.reason.as_ref() == Some(&what) {
                return;
            }
            self.reason = Some(what.clone());
        }
        let is_reason = |what: &str| what.starts_with("waiting.");
        // How it looks is told when it looks otherwise, whatever the reasons between.
        let before = self.moments.iter().rev().find(|(_, before)| is_reason(before) == is_reason(&what));
        if before.is_some_and(|(_, before)| *before == what) {
            return;
        }
        if self.moments.len() == HISTORY {
            self.moments.remove(HISTORY / 2);
        }
        self.moments.push((at, what));
    }

    /// Notes what happens once at most.
    fn note_once(&mut self, at: Stamp, what: &'static str) {
        if !self.moments().any(|(_, noted)| noted == what) {
            self.note(at, what);
        }
    }

    pub(super) fn moments(&self) -> impl Iterator<Item = (Stamp, &str)> {
        self.moments.iter().map(|(at, what)| (*at, &**what))
    }

    pub(super) fn into_moments(self) -> impl Iterator<Item = (Stamp, String)> {
        self.moments.into_iter().map(|(at, what)| (at, what.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_keeps_its_ends_and_stays_small() {
        let mut history = History::default();
        for at in 0..100 {
            history.note(Stamp::new(at, 0), if at % 2 == 0 { "waiting.quiet" } else { "waiting.closed" });
        }
        assert_eq!(history.moments.len(), HISTORY);
        assert_eq!(history.moments[0].0, Stamp::new(0, 0));
        assert_eq!(history.moments[HISTORY - 1].0, Stamp::new(99, 0));
        history.note(Stamp::new(100, 0), "waiting.closed");
        assert_eq!(history.moments[HISTORY - 1].0, Stamp::new(99, 0), "nothing new");
    }

    #[test]
    fn reading_again_is_no_news() {
        let mut history = History::default();
        let told = ["waiting.inspection", "3 bytes", "waiting.manifest"];
        for what in [&told[..], &["waiting.inspection", "waiting.manifest"].repeat(9)].concat() {
            history.note(Stamp::default(), what);
        }
        assert_eq!(history.moments().map(|(_, what)| what).collect::<Vec<_>>(), told);
        history.note_once(Stamp::default(), "3 bytes");
        history.note(Stamp::default(), "waiting.manifest");
        assert_eq!(history.moments.len(), told.len());
    }
}
