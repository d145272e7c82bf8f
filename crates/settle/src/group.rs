//! Files with a common key, taken as one unit.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use model::{Cause, PathKey, Reason, Signal, SignalSet, Stamp};
use regex::bytes::Regex;

use crate::companion::{Ask, Count};
use crate::patience::{NotYet, Patience};
use crate::pattern::{PatternError, compile_bytes};
use crate::rule::Completion;
use crate::tree::View;
use crate::unit::{Beside, Mono, Sample, Step, age};
use crate::verdict::{Answer, Facts, Heard, RECHECK, Verdict, WriterFact, judge};

/// Where the key of a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// From its name.
    Name(KeyPattern),
    /// From its DICOM header.
    Dicom(DicomKey),
}

/// Which UID of a DICOM header is the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DicomKey {
    /// `SeriesInstanceUID`.
    Series,
    /// `StudyInstanceUID`.
    Study,
}

/// A regular expression whose group `key` is the key, and whose group `total`, if there is one, says how
/// many members there are. It is asked about the last name.
#[derive(Clone, Debug)]
pub struct KeyPattern {
    text: String,
    regex: Regex,
}

impl PartialEq for KeyPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for KeyPattern {}

impl KeyPattern {
    /// Reads `re:(?<key>[^_]+)_.*`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let Some(expression) = text.strip_prefix("re:") else {
            return Err(PatternError::new("a group needs a regular expression: \"re:(?<key>[^_]+)_.*\""));
        };
        let regex = compile_bytes(expression)?;
        if !regex.capture_names().flatten().any(|name| name == "key") {
            return Err(PatternError::new("the expression captures no `key`: write (?<key>…)"));
        }
        Ok(Self { text: text.to_owned(), regex })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it says how many members there are.
    #[must_use]
    pub fn has_total(&self) -> bool {
        self.regex.capture_names().flatten().any(|name| name == "total")
    }

    /// The key of a file of that last name, and how many members it says there are.
    #[must_use]
    pub fn key<'a>(&self, name: &'a [u8]) -> Option<(&'a [u8], Option<u64>)> {
        let captures = self.regex.captures(name)?;
        let key = captures.name("key").map(|key| key.as_bytes()).filter(|key| !key.is_empty())?;
        let total = captures.name("total");
        let total = total.and_then(|total| std::str::from_utf8(total.as_bytes()).ok()?.parse().ok());
        Some((key, total))
    }
}

/// The path under which a group is known: its directory, its key, and a `/` that no file's path ends with.
#[must_use]
pub fn group_path(dir: &[u8], key: &[u8]) -> Box<[u8]> {
    let between: &[u8] = if dir.is_empty() { b"" } else { b"/" };
    [dir, between, key, b"/"].concat().into()
}

/// A group of files. Its memory is one entry for each member.
#[derive(Clone, Debug)]
pub struct Group {
    /// When its first member was noticed.
    pub first_seen: Mono,
    /// The same by the wall clock.
    pub first_seen_wall: Stamp,
    /// What made us notice it.
    pub cause: Cause,
    /// The complete members and how they looked; `None`: not complete yet.
    members: HashMap<Box<[u8]>, Option<Sample>>,
    /// The names of those that are not complete.
    incomplete: BTreeSet<Box<[u8]>>,
    /// The complete ones together.
    totals: Totals,
    changed: Mono,
    pause: Duration,
    expected: Option<u64>,
    announced: bool,
    patience: Patience,
}

/// Complete members together, kept up to date with each change, so that no judgement walks through them.
#[derive(Clone, Copy, Debug)]
struct Totals {
    count: u64,
    size: u64,
    fold: u64,
    fold_without_inode: u64,
    /// The latest mtime and ctime; nothing: the member that had one of them is gone.
    newest: Option<(Stamp, Stamp)>,
}

impl Default for Totals {
    fn default() -> Self {
        let newest = Some((Stamp::default(), Stamp::default()));
        Self { count: 0, size: 0, fold: 0, fold_without_inode: 0, newest }
    }
}

impl Totals {
    fn add(&mut self, path: &[u8], sample: &Sample) {
        self.count += 1;
        self.size = self.size.wrapping_add(sample.size);
        self.fold = self.fold.wrapping_add(fold(path, sample, true));
        self.fold_without_inode = self.fold_without_inode.wrapping_add(fold(path, sample, false));
        let newer = |(mtime, ctime): (Stamp, Stamp)| (mtime.max(sample.mtime), ctime.max(sample.ctime));
        self.newest = self.newest.map(newer);
    }

    fn remove(&mut self, path: &[u8], sample: &Sample) {
        self.count -= 1;
        self.size = self.size.wrapping_sub(sample.size);
        self.fold = self.fold.wrapping_sub(fold(path, sample, true));
        self.fold_without_inode = self.fold_without_inode.wrapping_sub(fold(path, sample, false));
        self.newest = self.newest.filter(|(mtime, ctime)| sample.mtime < *mtime && sample.ctime < *ctime);
    }
}

/// So many members that are not complete are named.
const NAMED: usize = 16;

impl Group {
    /// A group without members.
    #[must_use]
    pub fn new(cause: Cause, now: Mono, wall: Stamp) -> Self {
        Self {
            first_seen: now,
            first_seen_wall: wall,
            cause,
            members: HashMap::new(),
            incomplete: BTreeSet::new(),
            totals: Totals::default(),
            changed: now,
            pause: Duration::ZERO,
            expected: None,
            announced: false,
            patience: Patience::NEW,
        }
    }

    fn put(&mut self, path: &[u8], sample: Option<Sample>, now: Mono) {
        let before = match self.members.get_mut(path) {
            Some(member) => std::mem::replace(member, sample),
            None => self.members.insert(path.into(), sample).flatten(),
        };
        if let Some(before) = before {
            self.totals.remove(path, &before);
        }
        match sample {
            Some(sample) => {
                self.incomplete.remove(path);
                self.totals.add(path, &sample);
            }
            None => {
                self.incomplete.insert(path.into());
            }
        }
        self.change(now);
    }

    fn change(&mut self, now: Mono) {
        self.pause = self.pause.max(now.saturating_sub(self.changed));
        self.changed = now;
        self.patience.looks = 0;
    }

    /// A member is there and not complete (any more).
    pub fn member_waits(&mut self, path: &[u8], now: Mono) {
        if self.members.get(path) != Some(&None) {
            self.put(path, None, now);
        }
    }

    /// A member is complete.
    pub fn member_is_complete(&mut self, path: &[u8], sample: Sample, now: Mono) {
        if self.members.get(path) != Some(&Some(sample)) {
            self.put(path, Some(sample), now);
        }
    }

    /// A member is gone. Returns whether it was one.
    pub fn member_is_gone(&mut self, path: &[u8], now: Mono) -> bool {
        let Some(member) = self.members.remove(path) else { return false };
        match member {
            Some(sample) => self.totals.remove(path, &sample),
            None => {
                self.incomplete.remove(path);
            }
        }
        self.change(now);
        true
    }

    /// How a complete member looked.
    #[must_use]
    pub fn member(&self, path: &[u8]) -> Option<Sample> {
        self.members.get(path).copied().flatten()
    }

    /// Its complete members and how they looked.
    #[must_use]
    pub fn samples(&self) -> Vec<(Box<[u8]>, Sample)> {
        self.members.iter().filter_map(|(path, sample)| Some((path.clone(), (*sample)?))).collect()
    }

    /// Its members.
    pub fn members(&self) -> impl Iterator<Item = &[u8]> {
        self.members.keys().map(|path| &**path)
    }

    /// The names of the first complete members, in their order.
    #[must_use]
    pub fn listed(&self, most: usize) -> Vec<Box<[u8]>> {
        let complete = self.members.iter().filter(|(_, sample)| sample.is_some());
        let mut names: Vec<&[u8]> = complete.map(|(path, _)| &**path).collect();
        names.sort_unstable();
        names.into_iter().take(most).map(last_name).collect()
    }

    /// It was announced and has changed: what follows is another generation.
    pub fn begin_again(&mut self, now: Mono, wall: Stamp) {
        (self.first_seen, self.first_seen_wall) = (now, wall);
        (self.cause, self.announced, self.patience) = (Cause::Arrived, false, Patience::NEW);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether all are gone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Somebody (a name, a header) says how many members there are; the largest number counts.
    pub fn expect(&mut self, expected: u64) {
        self.expected = Some(self.expected.map_or(expected, |known| known.max(expected)));
    }

    /// The producer says that it is finished.
    pub fn announce(&mut self) {
        self.announced = true;
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

    /// Something beside it has changed: it is looked at often again.
    pub fn stir(&mut self) {
        self.patience.looks = 0;
    }

    /// The first few members that are not complete, in the order of their names.
    #[must_use]
    pub fn blocking(&self) -> Vec<Box<[u8]>> {
        self.incomplete.iter().take(NAMED).cloned().collect()
    }

    /// All complete members as one.
    #[must_use]
    pub fn view(&self, with_inode: bool) -> View {
        let Totals { count, size, fold, fold_without_inode, .. } = self.totals;
        let (mtime, ctime) = self.newest();
        let fold = if with_inode { fold } else { fold_without_inode };
        let open = self.incomplete.len() as u64;
        View { count, size, newest_mtime: mtime, newest_ctime: ctime, fold, open, ..View::default() }
    }

    /// The latest change of content and of an inode; looked for when the member that had it is gone.
    fn newest(&self) -> (Stamp, Stamp) {
        self.totals.newest.unwrap_or_else(|| {
            let samples = self.members.values().flatten();
            samples.fold(<(Stamp, Stamp)>::default(), |(mtime, ctime), sample| {
                (mtime.max(sample.mtime), ctime.max(sample.ctime))
            })
        })
    }

    /// What the group itself knows of the rule's question.
    #[must_use]
    pub fn answer(&self, ask: &Ask) -> Option<Answer> {
        let Ask::Count(count) = ask else { return None };
        let present = self.members.len() as u64;
        let expected = match count {
            Count::Least(least) => Some(*least),
            Count::Captured | Count::Header => self.expected,
        };
        Some(match expected {
            Some(expected) if present >= expected => Answer::Holds(Signal::Count),
            _ => Answer::Missing(Reason::WaitingCount { present, expected }),
        })
    }

    /// Asks the rule.
    #[must_use]
    pub fn judge(&mut self, rule: &Completion, beside: Beside<'_>, now: Mono, wall: Stamp) -> Step {
        self.totals.newest = Some(self.newest());
        let complete = (self.members.len() - self.incomplete.len()) as u64;
        let members = if self.incomplete.is_empty() {
            Answer::Holds(Signal::Members)
        } else {
            Answer::Missing(Reason::WaitingMembers {
                present: complete,
                expected: Some(self.members.len() as u64),
                blocking: self.blocking(),
            })
        };
        let newest = (self.totals.count > 0).then(|| self.newest().1);
        let facts = Facts {
            renamed_in: Heard::Unknowable,
            unheard_rest: None,
            linked_in: false,
            closed: Heard::Unknowable,
            writer: if self.incomplete.is_empty() { WriterFact::Gone } else { WriterFact::Open },
            unchanged_for: now.saturating_sub(self.changed),
            pause: self.pause,
            age: newest.map_or(Duration::ZERO, |newest| age(newest, wall)),
            announced: self.announced,
            members: &members,
            children: beside.children,
            answers: beside.answers,
            dear: beside.dear,
        };
        let verdict = judge(&rule.expr, &facts);
        match (verdict, members) {
            // Never with a member that is being written, whatever the rule asks for.
            (Verdict::Complete(_), Answer::Missing(reason)) => self.wait(rule, members_missing(reason), now),
            (Verdict::Complete(signals), _) => Step::Complete(signals),
            // Nor is anything dear found out of it.
            (Verdict::Ask(questions), Answer::Missing(reason))
                if questions.without(beside.dear).is_none() =>
            {
                self.wait(rule, members_missing(reason), now)
            }
            (Verdict::Ask(questions), _) => Step::Ask(questions),
            (Verdict::Wait { reason, again_in, by_itself }, _) => {
                self.wait(rule, NotYet { reason, again_in, by_itself }, now)
            }
        }
    }

    fn wait(&mut self, rule: &Completion, not_yet: NotYet, now: Mono) -> Step {
        self.patience.looks = self.patience.looks.saturating_add(1);
        let evidence = SignalSet::EMPTY.with(Signal::Appeared);
        self.patience.wait(rule, not_yet, self.first_seen, now, evidence)
    }
}

/// Members are looked at by themselves; what becomes of them is heard.
const fn members_missing(reason: Reason) -> NotYet {
    NotYet { reason, again_in: RECHECK, by_itself: None }
}

fn last_name(path: &[u8]) -> Box<[u8]> {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path).into()
}

fn fold(path: &[u8], sample: &Sample, with_inode: bool) -> u64 {
    let inode = if with_inode { sample.inode } else { 0 };
    let mut parts = Vec::with_capacity(path.len() + 36);
    parts.extend_from_slice(&sample.size.to_le_bytes());
    parts.extend_from_slice(&sample.mtime.sec.to_le_bytes());
    parts.extend_from_slice(&sample.mtime.nsec.to_le_bytes());
    parts.extend_from_slice(&inode.to_le_bytes());
    parts.extend_from_slice(path);
    PathKey::of(&parts).as_i64() as u64
}

#[cfg(test)]
#[path = "group/tests.rs"]
mod tests;
