//! A directory taken as one unit, on its way from "noticed" to "complete".
//!
//! Nothing is remembered of its members. What the kernel says of them only tells that something
//! changes; what is there, and whether it is complete, a *survey* tells: a walk through the whole
//! directory. So the memory for a dataset does not depend on how many members it has, and a dataset
//! whose events were lost is judged like any other.

use std::time::Duration;

use model::{Cause, Reason, Signal, SignalSet, Stamp};

use crate::patience::{NotYet, Patience};
use crate::rule::Completion;
use crate::unit::{Beside, Mono, Step, age};
use crate::verdict::{Answer, Facts, Heard, Questions, RECHECK, Verdict, WriterFact, judge};

/// What a survey has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How many members there are.
    pub count: u64,
    /// Their sizes together.
    pub size: u64,
    /// The latest change of content.
    pub newest_mtime: Stamp,
    /// The latest change of an inode.
    pub newest_ctime: Stamp,
    /// Everything that makes it this content and no other, folded.
    pub fold: u64,
    /// How many members a process has open for writing.
    pub open: u64,
    /// How many members or directories could not be read.
    pub unreadable: u64,
    /// The first few of those, the open ones first.
    pub blocking: Vec<Box<[u8]>>,
    /// Of some members the kernel does not tell whether they are being written.
    pub writers_unknown: bool,
    /// Only the members that were open before were looked at, and one still is.
    pub partial: bool,
}

/// What was heard of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stir {
    /// A member appeared, was written, went away; or a scan came by.
    Changed,
    /// A scan came by: nothing need have changed.
    Scanned,
    /// A member changed, and nobody knows whether that was before the directory was renamed.
    Earlier,
    /// The directory was renamed to this name, with all that is in it.
    MovedIn,
}

/// A dataset that is not complete yet.
#[derive(Clone, Debug)]
pub struct Tree {
    /// When it was first noticed.
    pub first_seen: Mono,
    /// The same by the wall clock.
    pub first_seen_wall: Stamp,
    /// What made us notice it.
    pub cause: Cause,
    /// Whether the directory was renamed to its name, and nothing was written since.
    renamed_in: Heard,
    /// Since when, by the wall clock, whatever happens to it is heard.
    told_since: Option<Stamp>,
    announced: bool,
    /// When something was last heard of it; nothing: a scan found it and nothing was heard since.
    heard: Option<Mono>,
    /// The last survey, when it was asked for, and since when all surveys showed the same.
    view: Option<(View, Mono, Mono)>,
    /// That survey has shown something new and nobody has judged it yet: it may have seen a member as late as
    /// it was through, so quiet counts from then on.
    is_news: bool,
    members: Answer,
    pause: Duration,
    patience: Patience,
}

impl Tree {
    /// A dataset of which the kernel told (`Changed`, `MovedIn`) or that a scan found.
    #[must_use]
    pub fn new(stir: Stir, now: Mono, wall: Stamp) -> Self {
        let cause = if stir == Stir::Scanned { Cause::Found } else { Cause::Arrived };
        let mut tree = Self {
            first_seen: now,
            first_seen_wall: wall,
            cause,
            renamed_in: if stir == Stir::Scanned { Heard::Unknowable } else { Heard::No },
            told_since: None,
            announced: false,
            heard: None,
            view: None,
            is_news: false,
            members: Answer::NotAsked,
            pause: Duration::ZERO,
            patience: Patience::NEW,
        };
        tree.hear(stir, now);
        tree
    }

    /// Takes in that something was heard.
    pub fn hear(&mut self, stir: Stir, now: Mono) {
        match stir {
            Stir::Scanned => return,
            Stir::Earlier => {}
            Stir::MovedIn => (self.renamed_in, self.announced) = (Heard::Yes, false),
            Stir::Changed => {
                // Whoever writes into it after the rename has not finished with the rename.
                if self.was_moved_in() {
                    self.renamed_in = Heard::No;
                }
            }
        }
        if let Some(heard) = self.heard {
            self.pause = self.pause.max(now.saturating_sub(heard));
        }
        self.heard = Some(now);
        self.patience.looks = 0;
    }

    /// Something may have happened unheard: what was heard proves no quiet.
    pub fn miss(&mut self, now: Mono) {
        (self.renamed_in, self.told_since) = (Heard::Unknowable, None);
        self.heard = Some(now);
    }

    /// The producer says that it is finished.
    pub fn announce(&mut self) {
        self.announced = true;
        self.patience.looks = 0;
    }

    /// Something beside it has changed: it is looked at often again.
    pub fn stir(&mut self) {
        self.patience.looks = 0;
    }

    /// It was announced as incomplete.
    pub fn mark_overdue(&mut self) {
        self.patience.overdue = true;
    }

    /// Whether it was announced as incomplete.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        self.patience.overdue
    }

    /// Whether the directory was renamed to its name, and nothing was written since.
    #[must_use]
    pub const fn was_moved_in(&self) -> bool {
        matches!(self.renamed_in, Heard::Yes)
    }

    /// Takes in a survey that was asked for at `asked`.
    pub fn look(&mut self, view: View, asked: Mono) {
        self.members = members(&view);
        let same_since = match self.view.take() {
            _ if view.partial => asked,
            Some((last, _, since)) if is_unchanged(&last, &view) => since,
            Some((_, _, since)) => {
                self.pause = self.pause.max(asked.saturating_sub(since));
                asked
            }
            None => asked,
        };
        self.is_news = same_since == asked;
        self.view = Some((view, asked, same_since));
    }

    /// The last survey.
    #[must_use]
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref().map(|(view, _, _)| view)
    }

    /// Whether the last survey shows all that was heard of.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let heard = self.heard.unwrap_or_default();
        self.view.as_ref().is_some_and(|(view, asked, _)| *asked >= heard && !view.partial)
    }

    /// Whether the last survey, even if it was of a part, was made after all that was heard.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let heard = self.heard.unwrap_or_default();
        self.view.as_ref().is_some_and(|(_, asked, _)| *asked >= heard)
    }

    /// Asks the rule. `told`: whatever changes in it is heard of. A survey is asked for as
    /// [`Questions::WRITER`]: of everything, when it is asked for although one was just made.
    #[must_use]
    pub fn judge(
        &mut self,
        rule: &Completion,
        told: bool,
        surveyed: bool,
        beside: Beside<'_>,
        now: Mono,
        wall: Stamp,
    ) -> Step {
        if let Some((_, _, since)) = &mut self.view
            && std::mem::take(&mut self.is_news)
        {
            *since = (*since).max(now);
        }
        self.doubt_rename(told, wall);
        let facts = self.facts(rule, told, surveyed, beside, now, wall);
        let verdict = judge(&rule.expr, &facts);
        let is_shown = surveyed && self.is_fresh();
        let announces = !is_shown && self.patience.announces(rule, self.first_seen, now);
        match verdict {
            // What never stops changing is announced at its deadline all the same: as a survey has shown it that
            // was asked for since.
            _ if announces && self.was_surveyed_since_deadline(rule) => {
                let (reason, again_in) = (Reason::WaitingQuiet, RECHECK);
                self.wait(rule, NotYet { reason, again_in, by_itself: None }, now)
            }
            // Whatever the rule looks at: what is announced is what a survey has shown.
            Verdict::Complete(_) if !is_shown => Step::Ask(Questions::WRITER),
            Verdict::Complete(signals) => Step::Complete(signals),
            Verdict::Ask(questions) => Step::Ask(questions),
            // Where a survey tells of changes, the first one starts the clock.
            Verdict::Wait { .. } if !surveyed && self.view.is_none() && !self.is_told(told) => {
                Step::Ask(Questions::WRITER)
            }
            // What is announced at the deadline, too.
            Verdict::Wait { .. } if announces => Step::Ask(Questions::WRITER),
            Verdict::Wait { reason, again_in, by_itself } => {
                let again_in = if self.is_told(told) { again_in } else { again_in.min(UNTOLD_PAUSE) };
                // Only where a look at the few that were open tells: it stops at the first that still is.
                let partial =
                    self.view().is_some_and(|view| view.open > 0 && (view.partial || view.open <= FEW));
                let unheard_close = partial && !self.is_told(told) && surveyed;
                match self.wait(rule, NotYet { reason, again_in, by_itself }, now) {
                    // The next survey looks first at the few that were open, which is cheap.
                    Step::Wait { reason, again, alert } if unheard_close => {
                        Step::Wait { reason, again: again.min(now + UNHEARD_CLOSE), alert }
                    }
                    step => step,
                }
            }
        }
    }

    fn wait(&mut self, rule: &Completion, not_yet: NotYet, now: Mono) -> Step {
        self.patience.looks = self.patience.looks.saturating_add(1);
        let evidence = self.evidence();
        self.patience.wait(rule, not_yet, self.first_seen, now, evidence)
    }

    fn was_surveyed_since_deadline(&self, rule: &Completion) -> bool {
        let Some((deadline, _)) = rule.deadline else { return false };
        let since = self.first_seen + deadline;
        self.view.as_ref().is_some_and(|(view, asked, _)| *asked >= since && !view.partial)
    }

    /// Whether its changes were heard from the beginning on.
    fn is_told(&self, told: bool) -> bool {
        told && self.heard.is_some()
    }

    /// Whether whoever writes will be heard when it is done. What is written meanwhile is not: where a survey
    /// found a writer, surveys tell what changes.
    fn closes_are_heard(&self) -> bool {
        self.view().is_none_or(|view| view.open == 0 && !view.writers_unknown)
    }

    /// Whether it was renamed nobody knows who has not heard it. But if a survey shows that somebody has written into
    /// it since a rename would have been heard, no rename has finished it. Only what is written now has both times new:
    /// a copy may bring any time of content along, and a chmod changes the inode's.
    fn doubt_rename(&mut self, told: bool, wall: Stamp) {
        if !told {
            self.told_since = None;
        } else if self.renamed_in == Heard::Unknowable {
            let since = *self.told_since.get_or_insert(wall);
            let is_new = |view: &View| view.newest_mtime > since && view.newest_ctime > since;
            if self.view().is_some_and(is_new) {
                self.renamed_in = Heard::No;
            }
        }
    }

    fn facts<'a>(
        &'a self,
        rule: &Completion,
        told: bool,
        surveyed: bool,
        beside: Beside<'a>,
        now: Mono,
        wall: Stamp,
    ) -> Facts<'a> {
        let since = match (&self.view, self.heard) {
            (_, Some(heard)) if told && self.closes_are_heard() => heard,
            (Some((_, _, since)), heard) => heard.unwrap_or_default().max(*since),
            (None, _) => now,
        };
        // An old survey proves nothing: until there is a new one, nobody knows. A new one proves that nothing
        // changed until it was asked for.
        let as_of = match &self.view {
            Some((_, asked, _)) if surveyed => *asked,
            _ => now,
        };
        let view = self.view().filter(|_| surveyed);
        Facts {
            renamed_in: self.renamed_in,
            unheard_rest: Some(rule.expr.longest_rest(self.pause)),
            linked_in: false,
            closed: Heard::Unknowable,
            writer: match view {
                None => WriterFact::NotAsked,
                Some(view) if view.open > 0 || view.unreadable > 0 => WriterFact::Open,
                Some(view) if view.writers_unknown => WriterFact::Unknown,
                Some(_) => WriterFact::Gone,
            },
            unchanged_for: as_of.saturating_sub(since),
            pause: self.pause,
            // Only a survey tells. Until there is one it is believed to be old enough, so that one is made.
            age: self.view().map_or(Duration::MAX, |view| age(view.newest_ctime, wall)),
            announced: self.announced,
            members: if surveyed { &self.members } else { &Answer::NotAsked },
            children: beside.children,
            answers: beside.answers,
            dear: beside.dear,
        }
    }

    const fn evidence(&self) -> SignalSet {
        let signals = SignalSet::EMPTY.with(Signal::Appeared);
        if self.was_moved_in() { signals.with(Signal::RenamedIn) } else { signals }
    }
}

/// So many members that are open are asked for by their names.
const FEW: u64 = 16;
/// Where no event tells that a member was closed, it is asked at least so often.
const UNHEARD_CLOSE: Duration = Duration::from_secs(5);

/// Where no event tells of changes, surveys are made at least so often while it waits.
const UNTOLD_PAUSE: Duration = Duration::from_secs(30);

/// As for files, new times alone are a change as far as quiet goes, though they make no other content.
fn is_unchanged(last: &View, view: &View) -> bool {
    last.fold == view.fold && last.count == view.count && last.newest_ctime == view.newest_ctime
}

fn members(view: &View) -> Answer {
    if view.count == 0 && view.unreadable == 0 && !view.partial {
        // Somebody has made the directory and not begun yet.
        return Answer::Missing(Reason::WaitingMembers { present: 0, expected: None, blocking: Vec::new() });
    }
    if view.open == 0 && view.unreadable == 0 {
        return Answer::Holds(Signal::Members);
    }
    let missing = view.open + view.unreadable;
    Answer::Missing(Reason::WaitingMembers {
        present: view.count.saturating_sub(missing),
        expected: Some(view.count.max(missing)),
        blocking: view.blocking.clone(),
    })
}

#[cfg(test)]
#[path = "tree/tests.rs"]
mod tests;
