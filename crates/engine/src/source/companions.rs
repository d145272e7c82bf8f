//! What lies beside a unit: markers and locks; and what a marker does to the units that it is of.

use std::collections::HashMap;

use model::{PathKey, Reason, Signal, Stamp, State};
use settle::companion::{Of, stems};
use settle::{After, Answer, Ask, Marker, Mono, NameForm, Rule, Take};
use sys::{Dir, EntryKind};

use super::Source;
use super::agenda::Appointed;
use super::dirty::Heard;
use crate::explain::split;
use crate::notice::Notice;

/// Where the companion of a unit may lie, as directory and name below it; the usual place first.
pub(crate) fn companion_paths(rule: &Rule, unit: &[u8], form: &NameForm) -> Vec<(Vec<u8>, Vec<u8>)> {
    // A group's path ends with a slash.
    let unit = unit.strip_suffix(b"/").unwrap_or(unit);
    let (dir, name) = split(unit);
    let inside = matches!(rule.shape.take, Take::Dataset(_)) && !form.is_beside();
    let dir = if inside { unit } else { dir };
    form.names(name).into_iter().map(|name| (dir.to_vec(), name)).collect()
}

/// Looks whether a marker is there and fresh, or a lock is gone. `changed`: when the data was changed last.
pub(crate) fn look_beside(root: &Dir, unit: &[u8], rule: &Rule, ask: &Ask, changed: Stamp) -> Answer {
    let find = |form: &NameForm| {
        let mut found = companion_paths(rule, unit, form).into_iter().filter_map(|(dir, name)| {
            let (below, last) = split(&name);
            let dir = root.open_below(&dir).and_then(|dir| dir.open_below(below)).ok()?;
            let look = dir.look_at(last).ok().filter(|look| look.kind() != EntryKind::Directory)?;
            Some((name, look))
        });
        found.next()
    };
    match ask {
        Ask::Marker(marker) => match find(&marker.form) {
            Some((_, look)) if Stamp::new(look.ctime.0, look.ctime.1) >= changed => {
                Answer::Holds(Signal::Marker)
            }
            Some((name, _)) => Answer::Missing(Reason::WaitingMarker { marker: name, stale: true }),
            None => Answer::Missing(Reason::WaitingMarker {
                marker: usual_name(rule, unit, &marker.form),
                stale: false,
            }),
        },
        Ask::Lock(form) => match find(form) {
            Some((lock, _)) => Answer::Missing(Reason::WaitingLock { lock }),
            None => Answer::Holds(Signal::LockGone),
        },
        Ask::Manifest(_) | Ask::Metadata(_) | Ask::Count(_) | Ask::Whole => Answer::NotAsked,
    }
}

/// What a companion is called that is not there.
pub(crate) fn usual_name(rule: &Rule, unit: &[u8], form: &NameForm) -> Vec<u8> {
    companion_paths(rule, unit, form).into_iter().next().map(|(_, name)| name).unwrap_or_default()
}

/// The same; `outdated`: the data was written after the marker was seen, whatever their times say.
pub(super) fn answer_beside(
    root: &Dir,
    unit: &[u8],
    rule: &Rule,
    ask: &Ask,
    changed: Stamp,
    outdated: bool,
) -> Answer {
    match (look_beside(root, unit, rule, ask, changed), ask) {
        (Answer::Holds(Signal::Marker), Ask::Marker(marker)) if outdated => {
            let marker = usual_name(rule, unit, &marker.form);
            Answer::Missing(Reason::WaitingMarker { marker, stale: true })
        }
        (answer, _) => answer,
    }
}

/// Companions that were heard of in one round: their directory and their stem (none: of all units there), and
/// whether one was made.
pub(super) type HeardBeside = HashMap<(Box<[u8]>, Option<Box<[u8]>>), bool>;

/// A marker that is to be deleted when every sink has its unit.
#[derive(Debug)]
pub(super) struct Spent {
    unit: Box<[u8]>,
    marker: Vec<u8>,
    /// What was admitted before is another generation.
    since: Stamp,
    next: Mono,
    /// Between two looks.
    pause: Mono,
}

/// How often it is looked whether a marker may go.
const SPENT_CHECK: Mono = Mono::from_secs(1);
/// The same where a sink takes long: each look asks the ledger.
const SPENT_LONGEST: Mono = Mono::from_secs(15);

impl Source {
    /// Something was heard of a file that may be a companion: the units that it is of are looked at. A
    /// companion that went away is news as well (a lock).
    pub(super) fn hear_companion(&mut self, path: &[u8], heard: Heard) {
        let (dir, _) = split(path);
        let made = heard.created || heard.moved_in || heard.closed;
        let companions: Vec<_> = self.berth.plan.rules.companions(path).collect();
        for (rule, of) in companions {
            let stem = match of {
                Of::Name(name) => {
                    let unit = crate::inspector::join(dir, name);
                    self.wake(&unit, made);
                    self.wake(&[&unit[..], b"/"].concat(), made);
                    self.note_spent(rule, &unit, path);
                    continue;
                }
                Of::All => None,
                Of::Stem(stem) => Some(stem.into()),
            };
            *self.heard_beside.entry((dir.into(), stem)).or_default() |= made;
        }
    }

    /// Looks again at the units of those companions whose names do not say which unit they are of: one pass
    /// over what waits, however many companions were heard of.
    pub(super) fn wake_those_beside(&mut self) {
        if self.heard_beside.is_empty() {
            return;
        }
        let heard = std::mem::take(&mut self.heard_beside);
        let made = |path: &[u8]| {
            let (dir, name) = split(path.strip_suffix(b"/").unwrap_or(path));
            let of_all = heard.get(&(dir.into(), None));
            let mut of_stems = stems(name).filter_map(|stem| heard.get(&(dir.into(), Some(stem.into()))));
            of_all.or_else(|| of_stems.next()).copied()
        };
        let files = self.waiting.iter().map(|(path, _)| path);
        let paths = files.chain(self.bundles.iter().map(|(path, _)| path));
        let woken: Vec<_> = paths.filter_map(|path| Some((Box::from(path), made(path)?))).collect();
        for (path, made) in woken {
            self.wake(&path, made);
        }
    }

    /// Looks at a waiting unit again because something beside it has changed.
    fn wake(&mut self, unit: &[u8], marked: bool) {
        let now = self.now();
        if let Some(mut waiting) = self.waiting.take(unit) {
            waiting.unit.stir();
            if let Some(inquiry) = waiting.inquiry.as_mut().filter(|_| marked) {
                inquiry.marked();
            }
            waiting.next = now;
            self.waiting.insert(unit.into(), waiting);
        }
        if let Some(mut bundle) = self.bundles.take(unit) {
            bundle.stir(marked);
            bundle.look_at(now);
            self.bundles.insert(unit.into(), bundle);
        }
    }

    /// A marker lies there that is to be deleted when its unit is delivered.
    fn note_spent(&mut self, rule: usize, unit: &[u8], marker: &[u8]) {
        let is_spent = |ask: &Ask| matches!(ask, Ask::Marker(Marker { after: After::Delete, .. }));
        let rules = &self.berth.plan.rules.rules;
        if rules.get(rule).is_none_or(|rule| !rule.completion.asks.iter().any(is_spent)) {
            return;
        }
        let known = self.known.turn(PathKey::of(unit)).is_some() || self.known_bundles.contains_key(unit);
        if known && !self.waiting.contains(unit) && !self.spent.iter().any(|spent| spent.marker == marker) {
            let (since, next) = (Stamp::default(), self.now());
            let pause = SPENT_CHECK;
            self.spent.push(Spent { unit: unit.into(), marker: marker.to_vec(), since, next, pause });
        }
    }

    /// The unit was admitted: its markers that are to be deleted go when every sink has it.
    pub(super) fn spend_markers(&mut self, rule: usize, unit: &[u8]) {
        let Some(rule) = self.berth.plan.rules.rules.get(rule) else { return };
        let (since, next) = (self.berth.clock.wall(), self.now() + SPENT_CHECK);
        for ask in &rule.completion.asks {
            let Ask::Marker(Marker { form, after: After::Delete }) = ask else { continue };
            for (dir, name) in companion_paths(rule, unit, form) {
                let marker = crate::inspector::join(&dir, &name);
                self.spent.push(Spent { unit: unit.into(), marker, since, next, pause: SPENT_CHECK });
            }
        }
    }

    /// Deletes markers whose units every sink has. Bounded: one for each marker that lies in the tree.
    pub(super) fn delete_spent(&mut self, root: &Dir) {
        let now = self.now();
        if self.spent.iter().all(|spent| spent.next > now) {
            return;
        }
        let mut spent = std::mem::take(&mut self.spent);
        spent.retain_mut(|spent| {
            if spent.next > now {
                return true;
            }
            spent.pause = (spent.pause * 2).min(SPENT_LONGEST);
            spent.next = now + spent.pause;
            // What is written there by now may wait for the same marker.
            if self.waiting.contains(&spent.unit)
                || self.bundles.get(&spent.unit).is_some_and(Appointed::counts)
            {
                return true;
            }
            let records = self.berth.ledger.recent_records(self.berth.id, &spent.unit, 4);
            let Some(newest) =
                records.ok().and_then(|records| records.into_iter().find(|record| record.kind.is_unit()))
            else {
                return true;
            };
            match Some(newest.state).filter(|_| newest.admitted >= spent.since) {
                Some(State::Delivered) => {
                    self.delete_marker(root, &spent.marker);
                    false
                }
                // Not in the ledger yet, on its way, or set aside: the marker stays.
                None | Some(State::Queued | State::Retrying | State::Delivering | State::Dead) => true,
                Some(_) => false,
            }
        });
        self.spent = spent;
    }

    fn delete_marker(&self, root: &Dir, marker: &[u8]) {
        let (dir, name) = split(marker);
        let deleted = root.open_below(dir).and_then(|dir| dir.remove(name));
        if let Err(error) = deleted
            && error != sys::Errno::NOENT
        {
            let source = self.berth.plan.name.as_str();
            let error = error.to_string();
            self.berth.observer.notice(&Notice::MarkerStays { source, path: marker, error });
        }
    }

    /// When the next marker may go.
    pub(super) fn next_spent(&self) -> Option<Mono> {
        self.spent.iter().map(|spent| spent.next).min()
    }
}
