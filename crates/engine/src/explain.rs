//! `explain`: why a path is where it is, with what happened so far and what happens next.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::sync_channel;

use dispatch::SinkState;
use ledger::{LedgerError, Record, SourceId};
use model::text::safe;
use model::{Kind, Reason, State};
use serde_json::Value;
use sys::{Dir, EntryKind, Errno, Links, Look};

use crate::answer::{LiveExplain, Present};
use crate::engine::Engine;
use crate::orders::Order;
use crate::stream::front::NO_ARRIVALS;

mod away;
mod detail;
mod page;
mod sentence;
mod steps;
mod timeline;
mod unwritable;

use away::why_away;
use page::{HeldUp, Page};
pub use sentence::reason_detail;
pub(crate) use sentence::reason_line;
use timeline::GENERATIONS;
pub(crate) use unwritable::Unwritable;
use unwritable::taken_by;

/// What can be said of a path.
#[derive(Clone, Debug)]
pub enum Explained {
    /// Everything, as the contract's `explain --json`.
    Found(Value),
    /// No source covers the path, or nothing was ever there; the value says which.
    NeverSeen(Value),
}

/// One source's place for the path in question.
pub(crate) struct Place {
    pub(crate) source: String,
    /// Below the root.
    pub(crate) path: Vec<u8>,
}

impl Engine {
    /// Explains `path`: absolute, or relative to a source's root.
    pub fn explain(&self, path: &Path) -> Result<Explained, LedgerError> {
        let places = self.places(path);
        let mut never = None;
        for place in &places {
            match self.explain_in(path, place)? {
                found @ Explained::Found(_) => return Ok(found),
                Explained::NeverSeen(value) => never = never.or(Some(value)),
            }
        }
        Ok(Explained::NeverSeen(never.unwrap_or_else(|| outside(path, &self.roots()))))
    }

    /// The sources whose root lies above the path, the nearest root first.
    pub(crate) fn places(&self, path: &Path) -> Vec<Place> {
        let state = self.lock();
        let mut places: Vec<(usize, Place)> = Vec::new();
        for source in &state.sources {
            let root = &source.plan.path;
            let below = if path.is_absolute() { below(path, root) } else { Some(path.to_owned()) };
            if let Some(below) = below {
                let path = below.as_os_str().as_bytes().to_vec();
                let depth = root.components().count();
                places.push((depth, Place { source: source.plan.name.clone(), path }));
            }
        }
        places.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
        places.into_iter().map(|(_, place)| place).collect()
    }

    pub(crate) fn explain_in(&self, asked: &Path, place: &Place) -> Result<Explained, LedgerError> {
        if self.only_tells(place) {
            let mut page = Page::of(asked, place, &place.path);
            page.say_nothing(&format!("never looked at: {NO_ARRIVALS}"));
            return Ok(Explained::NeverSeen(page.done()));
        }
        let live = self.ask_source(place);
        let at = |path| Place { source: place.source.clone(), path };
        let mut unit = match live.as_ref().and_then(|live| live.within.clone()) {
            Some(within) => at(within),
            None => at(place.path.clone()),
        };
        let mut records = self.records_of(&unit)?;
        if records.is_empty() && live.as_ref().is_some_and(|live| live.unit.is_none()) {
            // Of a group that is gone nobody but the ledger knows that there was one.
            let group = at([&place.path[..], b"/"].concat());
            records = self.records_of(&group)?;
            unit = if records.is_empty() { unit } else { group };
        }
        let mut page = Page::of(asked, place, &unit.path);
        page.away = self.why_away(place);
        if page.is_member() && page.away.is_none() && self.was_never_a_member(place, &unit) {
            return Ok(Explained::NeverSeen(page.no_member()));
        }
        let waiting = live.as_ref().and_then(|live| live.unit.clone());
        let standings = self.tell_steps(&mut records)?;
        let newest = records.iter().rfind(|record| !is_notice(record.kind));
        match (waiting, newest, live) {
            (Some(waiting), _, _) => page.say_live(&waiting, &records),
            (None, Some(newest), _) => {
                page.say_record(newest, &HeldUp { standings, ..self.held_up(newest) }, &records);
            }
            (None, None, Some(live)) => {
                let present = self.present(place);
                match (self.unwritable(), taken_by(&live, &present)) {
                    (Some(unwritable), Some(rule)) => page.say_not_stored(Some(rule), &unwritable),
                    _ => return Ok(page.say_unknown(&live, &present)),
                }
            }
            (None, None, None) => {
                page.say_nothing("the source's thread does not answer. See `staithe status`");
            }
        }
        Ok(Explained::Found(page.done()))
    }

    /// Datasets do not remember their members; a group's are known by their names.
    fn was_never_a_member(&self, place: &Place, unit: &Place) -> bool {
        !unit.path.ends_with(b"/") && self.present(place) == Present::Absent
    }

    /// Whether nobody looks for files there.
    fn only_tells(&self, place: &Place) -> bool {
        let state = self.lock();
        let running = state.sources.iter().find(|source| source.plan.name == place.source);
        running.is_some_and(|source| !source.looks())
    }

    /// Why what lies at a place cannot be seen just now.
    fn why_away(&self, place: &Place) -> Option<String> {
        let state = self.lock();
        let running = state.sources.iter().find(|source| source.plan.name == place.source)?;
        why_away(&running.standing.row(), &running.plan.path, &place.path)
    }

    /// The last few generations, the oldest first.
    pub(crate) fn records_of(&self, place: &Place) -> Result<Vec<Record>, LedgerError> {
        let id: Option<SourceId> = {
            let state = self.lock();
            let running = state.sources.iter().find(|source| source.plan.name == place.source);
            running.map(|running| running.id)
        };
        let Some(id) = id else { return Ok(Vec::new()) };
        let mut records = self.ledger.recent_records(id, &place.path, GENERATIONS)?;
        records.reverse();
        Ok(records)
    }

    /// What lies there now.
    fn present(&self, place: &Place) -> Present {
        let root = {
            let state = self.lock();
            let running = state.sources.iter().find(|source| source.plan.name == place.source);
            running.map(|running| running.plan.path.clone())
        };
        match root.map_or(Err(Errno::NOENT), |root| look_below(&root, &place.path, Links::Refuse)) {
            Ok(look) => match look.kind() {
                EntryKind::File => Present::File(look.size),
                EntryKind::Directory => Present::Directory,
                EntryKind::Symlink => Present::Symlink,
                EntryKind::Special | EntryKind::Unknown => Present::Special,
            },
            Err(Errno::NOENT | Errno::NOTDIR) => Present::Absent,
            Err(error) => Present::Unknown(error.to_string()),
        }
    }

    fn ask_source(&self, place: &Place) -> Option<LiveExplain> {
        if switch::is_off("the-source-is-asked") {
            return None;
        }
        let (reply, answer) = sync_channel(1);
        let patience = {
            let state = self.lock();
            let running = state.sources.iter().find(|source| source.plan.name == place.source)?;
            running.orders.give(Order::Explain { path: place.path.clone(), reply });
            self.patience(running)
        };
        answer.recv_timeout(patience).ok()
    }

    /// What holds a complete unit up.
    fn held_up(&self, record: &Record) -> HeldUp {
        let mut held = HeldUp { reason: None, troubles: Vec::new(), standings: Vec::new() };
        if record.state == State::Dead {
            held.reason = dead_at(record);
            return held;
        }
        for sink in record.sinks.iter().filter(|sink| waits(sink.state)) {
            let Some(id) = self.sink_id(&sink.name) else { continue };
            let status = self.dispatch.status(id);
            let name = || sink.name.clone();
            let of_ledger =
                |problem: &str| Reason::BlockedLedger { sink: Some(name()), problem: problem.into() };
            let reason = match status.state {
                SinkState::Retrying if status.ledger_error().is_some() => {
                    status.ledger_error().map(of_ledger)
                }
                SinkState::Retrying => Some(Reason::BlockedSinkDown { sink: name() }),
                SinkState::Failed => Some(Reason::BlockedSinkConfiguration { sink: name() }),
                SinkState::Paused => Some(Reason::BlockedPaused { sink: name() }),
                SinkState::Ok => None,
            };
            held.reason = held.reason.or(reason);
            held.troubles.extend(status.last_error.map(|error| (name(), error)));
        }
        if waits(record.state) {
            held.reason = held.reason.or(Some(Reason::BlockedBackpressure));
        }
        held
    }
}

const fn waits(state: State) -> bool {
    matches!(state, State::Queued | State::Retrying | State::Delivering)
}

/// Which sink will never take it, and why.
fn dead_at(record: &Record) -> Option<Reason> {
    let dead = record.sinks.iter().find(|sink| sink.state == State::Dead)?;
    let sink = dead.name.clone();
    Some(if dead.rejected { Reason::DeadRejected { sink } } else { Reason::DeadMaxAttempts { sink } })
}

/// Events that are about a unit, or about none, and no units.
const fn is_notice(kind: Kind) -> bool {
    matches!(kind, Kind::Removal { .. } | Kind::Gap { .. } | Kind::Happening(_))
}

pub(crate) fn outside(path: &Path, roots: &[PathBuf]) -> Value {
    let roots: Vec<String> = roots.iter().map(|root| safe(root.as_os_str().as_bytes())).collect();
    let detail = format!("never seen; no source covers this path. Watched are: {}", roots.join(", "));
    let mut page = Page::outside(path);
    page.say_nothing(&detail);
    page.done()
}

/// The path of the directory that a path below a root lies in (empty for the root), and its name there.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// Looks at what lies below a root; only the last name may be a link.
pub(crate) fn look_below(root: &Path, path: &[u8], links: Links) -> Result<Look, Errno> {
    let root = Dir::reach_root(root)?;
    let (dir, name) = split(path);
    if name.is_empty() {
        return root.look();
    }
    let dir = root.reach_below(dir)?;
    if links == Links::Follow { dir.look_through(name) } else { dir.look_at(name) }
}

/// The part of `path` below `root`, compared as written, then both from the root on (a relative root
/// that is not there yet) and, failing that, as the file system resolves both (a root that is a link).
#[must_use]
pub fn below(path: &Path, root: &Path) -> Option<PathBuf> {
    if let Ok(rest) = path.strip_prefix(root) {
        return Some(plain(rest));
    }
    if let (Ok(path), Ok(root)) = (std::path::absolute(path), std::path::absolute(root))
        && let Ok(rest) = path.strip_prefix(&root)
    {
        return Some(plain(rest));
    }
    let root = root.canonicalize().ok()?;
    if let Ok(rest) = path.strip_prefix(&root) {
        return Some(plain(rest));
    }
    let (parent, name) = (path.parent()?, path.file_name()?);
    let parent = parent.canonicalize().ok()?;
    Some(plain(&parent.strip_prefix(&root).ok()?.join(name)))
}

fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}
