//! `explain`: why a path is where it is, with what happened so far and what happens next.

use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::sync_channel;

use dispatch::SinkState;
use ledger::{LedgerError, Record, SourceId};
use model::text::{insert_json_path, safe};
use model::{Kind, Reason, State};
use serde_json::{Map, Value, json};
use std::os::unix::ffi::OsStrExt as _;
use sys::{Dir, EntryKind, Errno, Links, Look};

use crate::answer::{LiveExplain, LiveUnit, Present, Selected};
use crate::engine::Engine;
use crate::orders::Order;

mod detail;
mod timeline;

pub use detail::reason_detail;
use detail::{detail, live_detail};
use timeline::{GENERATIONS, moment, moments_of};

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
        let live = self.ask_source(place);
        let within = live.as_ref().and_then(|live| live.within.clone());
        let unit_place = within.map(|path| Place { source: place.source.clone(), path });
        let records = self.records_of(unit_place.as_ref().unwrap_or(place))?;
        let mut value = Map::new();
        insert_json_path(&mut value, "path", &place.path);
        insert_json_path(&mut value, "asked", asked.as_os_str().as_bytes());
        value.insert("source".into(), place.source.as_str().into());
        value.insert("sinks".into(), json!([]));
        value.insert("timeline".into(), json!([]));
        value.insert("reason".into(), Value::Null);
        value.insert("reason_args".into(), json!({}));
        value.insert("rule".into(), Value::Null);
        value.insert("next_check".into(), Value::Null);
        let unit = live.as_ref().and_then(|live| live.unit.clone());
        if let Some(within) = &unit_place {
            insert_json_path(&mut value, "unit", &within.path);
        }
        let newest = records.iter().rfind(|record| !matches!(record.kind, Kind::Removal { .. }));
        match (unit, newest, live) {
            (Some(unit), _, _) => say_live(&mut value, &unit, &records),
            (None, Some(record), _) => self.say_record(&mut value, record, &records),
            (None, None, Some(live)) => return Ok(say_unknown(value, &live, &self.present(place))),
            (None, None, None) => {
                let detail = "the source's thread did not answer; it waits for the ledger, or it has failed";
                value.insert("state".into(), "seen".into());
                value.insert("detail".into(), detail.into());
            }
        }
        Ok(Explained::Found(Value::Object(value)))
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
        let (reply, answer) = sync_channel(1);
        let patience = {
            let state = self.lock();
            let running = state.sources.iter().find(|source| source.plan.name == place.source)?;
            running.orders.give(Order::Explain { path: place.path.clone(), reply });
            self.patience(running)
        };
        answer.recv_timeout(patience).ok()
    }

    fn say_record(&self, value: &mut Map<String, Value>, record: &Record, all: &[Record]) {
        let reason = self.blocked_by(record);
        value.insert("state".into(), record.state.name().into());
        value.insert("id".into(), record.id.to_string().into());
        value.insert("generation".into(), record.generation.into());
        value.insert("rule".into(), record.rule.as_str().into());
        value.insert("reason".into(), reason.as_ref().map(Reason::code).into());
        value.insert("reason_args".into(), reason.as_ref().map(Reason::args).unwrap_or_default().into());
        value.insert("detail".into(), detail(record, reason.as_ref()).into());
        let sinks = record.sinks.iter().map(|sink| {
            json!({"name": sink.name, "state": sink.state.name(), "attempts": sink.attempts,
                   "last_error": sink.last_error,
                   "delivered_at": sink.delivered_at.map(|at| at.to_string())})
        });
        value.insert("sinks".into(), sinks.collect());
        value.insert("kind".into(), record.kind.name().into());
        if let Some(count) = record.members_count {
            value.insert("members".into(), count.into());
        }
        value.insert("timeline".into(), moments_of(all).into());
    }

    /// Why an admitted unit is not delivered yet: the first sink that holds it up.
    fn blocked_by(&self, record: &Record) -> Option<Reason> {
        match record.state {
            State::Queued | State::Retrying | State::Delivering => {}
            State::Dead => {
                let dead = record.sinks.iter().find(|sink| sink.state == State::Dead)?;
                let sink = dead.name.clone();
                let rejected = dead.last_error.as_deref().is_some_and(|error| error.starts_with("rejected"));
                let often = !rejected && dead.attempts > 1;
                return Some(if often {
                    Reason::DeadMaxAttempts { sink }
                } else {
                    Reason::DeadRejected { sink }
                });
            }
            _ => return None,
        }
        let waits = |state| matches!(state, State::Queued | State::Retrying | State::Delivering);
        for sink in record.sinks.iter().filter(|sink| waits(sink.state)) {
            let Some(id) = self.sink_id(&sink.name) else { continue };
            let name = sink.name.clone();
            match self.dispatch.status(id).state {
                SinkState::Retrying => return Some(Reason::BlockedSinkDown { sink: name }),
                SinkState::Failed => return Some(Reason::BlockedSinkConfiguration { sink: name }),
                SinkState::Paused => return Some(Reason::BlockedPaused { sink: name }),
                SinkState::Ok => {}
            }
        }
        Some(Reason::BlockedBackpressure)
    }
}

fn say_live(value: &mut Map<String, Value>, unit: &LiveUnit, earlier: &[Record]) {
    value.insert("state".into(), unit.state.name().into());
    value.insert("rule".into(), unit.rule.clone().into());
    value.insert("reason".into(), unit.reason.code().into());
    value.insert("reason_args".into(), unit.reason.args().into());
    value.insert("next_check".into(), unit.next_check.map(|at| at.to_string()).into());
    value.insert("detail".into(), live_detail(unit).into());
    let mut moments = moments_of(earlier);
    if let Some(first) = unit.first_seen {
        moments.push(moment(first, "seen"));
    }
    moments.extend(unit.history.iter().map(|(at, what)| moment(*at, what)));
    value.insert("timeline".into(), moments.into());
}

fn say_unknown(mut value: Map<String, Value>, live: &LiveExplain, present: &Present) -> Explained {
    let there = *present != Present::Absent;
    let what = match present {
        Present::Absent => "nothing lies there now".to_owned(),
        Present::File(size) => format!("a file of {size} bytes lies there now"),
        Present::Directory => "it is a directory".to_owned(),
        Present::Symlink => "it is a symbolic link".to_owned(),
        Present::Special => "it is a FIFO, socket or device".to_owned(),
        Present::Unknown(error) => format!("it cannot be looked at: {error}"),
    };
    let (reason, rule) = match (&live.selection, present) {
        (_, Present::Directory) => (Some(Reason::IgnoredDirectory), None),
        (Selected::Ignored(reason), _) => (Some(reason.clone()), None),
        (Selected::Rule(rule), _) => (None, Some(rule.clone())),
    };
    let ignored = reason.is_some();
    let said = match (&reason, &rule) {
        (Some(reason), _) => reason_detail(reason),
        (None, Some(rule)) => format!("rule \"{rule}\" would take it"),
        (None, None) => String::new(),
    };
    let state = if ignored && there { "ignored" } else { "seen" };
    value.insert("state".into(), state.into());
    value.insert("reason".into(), reason.as_ref().map(Reason::code).into());
    value.insert("reason_args".into(), reason.as_ref().map(Reason::args).unwrap_or_default().into());
    value.insert("rule".into(), rule.into());
    value.insert("detail".into(), format!("never seen; {what}; {said}").into());
    if ignored && there {
        Explained::Found(Value::Object(value))
    } else {
        Explained::NeverSeen(Value::Object(value))
    }
}

pub(crate) fn outside(path: &Path, roots: &[PathBuf]) -> Value {
    let roots: Vec<String> = roots.iter().map(|root| safe(root.as_os_str().as_bytes())).collect();
    let mut value = Map::new();
    insert_json_path(&mut value, "path", path.as_os_str().as_bytes());
    value.insert("source".into(), Value::Null);
    value.insert("state".into(), "seen".into());
    value.insert("reason".into(), Value::Null);
    value.insert("reason_args".into(), json!({}));
    value.insert("rule".into(), Value::Null);
    value.insert("next_check".into(), Value::Null);
    value.insert("sinks".into(), json!([]));
    value.insert("timeline".into(), json!([]));
    let detail = format!("never seen: no source covers this path; watched are {}", roots.join(", "));
    value.insert("detail".into(), detail.into());
    Value::Object(value)
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
    let root = Dir::open_root(root)?;
    let (dir, name) = split(path);
    if name.is_empty() {
        return root.look();
    }
    let dir = root.open_below(dir)?;
    if links == Links::Follow { dir.look_through(name) } else { dir.look_at(name) }
}

/// The part of `path` below `root`, compared as written and, failing that, as the file system
/// resolves both (a root that is a link, a relative root).
#[must_use]
pub fn below(path: &Path, root: &Path) -> Option<PathBuf> {
    if let Ok(rest) = path.strip_prefix(root) {
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
