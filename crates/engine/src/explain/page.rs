//! The answer as JSON: the contract's members, always all of them.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ledger::{Record, SinkRecord};
use model::Reason;
use model::text::{insert_json_path, safe};
use serde_json::{Map, Value, json};

use super::detail::{record_detail, waiting_detail};
use super::sentence::reason_detail;
use super::timeline::timeline;
use super::unwritable::Unwritable;
use super::{Explained, Place};
use crate::answer::{LiveExplain, LiveUnit, Present, Selected};

/// What holds a complete unit up.
pub(super) struct HeldUp {
    pub(super) reason: Option<Reason>,
    /// The sinks that it waits for and that are in trouble, with their own words.
    pub(super) troubles: Vec<(String, String)>,
    /// What the sinks that have the unit still wait for, in their own words.
    pub(super) standings: Vec<(String, String)>,
}

impl HeldUp {
    /// What the sink said of the unit, or else of itself.
    fn sink_value(&self, sink: &SinkRecord) -> Value {
        let own = || self.troubles.iter().find(|(name, _)| *name == sink.name).map(|(_, error)| error);
        let standing =
            self.standings.iter().find(|(name, _)| *name == sink.name).map(|(_, standing)| standing);
        json!({"name": sink.name, "standing": standing, "state": sink.state.name(), "attempts": sink.attempts,
               "last_error": sink.last_error.as_ref().or_else(own),
               "delivered_at": sink.delivered_at.map(|at| at.to_string())})
    }
}

/// An answer that is being written.
pub(super) struct Page {
    value: Map<String, Value>,
    path: Vec<u8>,
    /// The path of the unit that the answer is about.
    unit: Vec<u8>,
    /// Why nothing can be seen there just now.
    pub(super) away: Option<String>,
}

impl Page {
    /// About the unit at a place, or around it.
    pub(super) fn of(asked: &Path, place: &Place, unit: &[u8]) -> Self {
        let mut page = Self::blank(&place.path, unit);
        insert_json_path(&mut page.value, "asked", asked.as_os_str().as_bytes());
        page.put("source", place.source.as_str());
        if page.path != page.unit {
            insert_json_path(&mut page.value, "unit", unit);
        }
        page
    }

    /// About a path that no source covers.
    pub(super) fn outside(path: &Path) -> Self {
        let path = path.as_os_str().as_bytes();
        Self::blank(path, path)
    }

    fn blank(path: &[u8], unit: &[u8]) -> Self {
        let mut value = Map::new();
        insert_json_path(&mut value, "path", path);
        for name in ["source", "unit", "kind", "members", "reason", "rule", "next_check"] {
            value.insert(name.into(), Value::Null);
        }
        value.insert("reason_args".into(), json!({}));
        value.insert("sinks".into(), json!([]));
        value.insert("timeline".into(), json!([]));
        Self { value, path: path.to_vec(), unit: unit.to_vec(), away: None }
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.value.insert(name.into(), value.into());
    }

    fn put_reason(&mut self, reason: Option<&Reason>) {
        self.put("reason", reason.map(Reason::code));
        self.put("reason_args", reason.map(Reason::args).unwrap_or_default());
    }

    /// Whether the path lies in the unit. A group is also known by its path without the slash.
    pub(super) fn is_member(&self) -> bool {
        self.path != self.unit && self.unit.strip_suffix(b"/") != Some(&self.path)
    }

    /// The state, and the sentence for people with what holds in every state.
    fn put_detail(&mut self, state: &str, said: &str) {
        let away = match &self.away {
            Some(away) => format!(". It cannot be seen now: {away}"),
            None => String::new(),
        };
        self.put("state", state);
        self.put("detail", format!("{said}{away}"));
    }

    /// What is said of the unit is said of a member as well.
    fn of_unit(&self, state: &str, said: &str) -> String {
        if !self.is_member() {
            return said.to_owned();
        }
        format!("a member of {}, which is {state}: {said}", shown(&self.unit))
    }

    /// Nothing is known but this.
    pub(super) fn say_nothing(&mut self, said: &str) {
        self.put_detail("seen", said);
    }

    /// A unit that waits or is ignored.
    pub(super) fn say_live(&mut self, unit: &LiveUnit, earlier: &[Record]) {
        self.put("rule", unit.rule.clone());
        self.put_reason(Some(&unit.reason));
        self.put("kind", unit.kind.map(model::Kind::name));
        self.put("members", unit.members);
        self.put("next_check", unit.next_check.map(|at| at.to_string()));
        let state = unit.state.name();
        let said = waiting_detail(unit, earlier.last());
        if self.is_member() && unit.path == self.path {
            let said =
                format!("a member of {}, and the member itself is not complete: {said}", shown(&self.unit));
            self.put_detail(state, &said);
            // What is remembered is of the unit around it.
            self.put("timeline", timeline(&[], Some(unit)));
        } else {
            self.put_detail(state, &self.of_unit(state, &said));
            self.put("timeline", timeline(earlier, Some(unit)));
        }
    }

    /// A unit as the ledger holds it.
    pub(super) fn say_record(&mut self, record: &Record, held: &HeldUp, all: &[Record]) {
        let reason = held.reason.as_ref();
        self.put("id", record.id.to_string());
        self.put("generation", record.generation);
        self.put("rule", record.rule.as_str());
        self.put_reason(reason);
        self.put("kind", record.kind.name());
        self.put("members", record.members_count);
        self.put("removed_at", record.absent_at.filter(|_| record.absent).map(|at| at.to_string()));
        let state = record.state.name();
        let mut detail = record_detail(record, reason);
        for (sink, standing) in &held.standings {
            detail = format!("{detail}; {sink}: {standing}");
        }
        let said = self.of_unit(state, &detail);
        self.put_detail(state, &said);
        self.put("sinks", record.sinks.iter().map(|sink| held.sink_value(sink)).collect::<Vec<_>>());
        self.put("timeline", timeline(all, None));
    }

    /// It has come, and only the ledger, which cannot be written, does not hold it yet; `rule`: which takes it, if the
    /// source could say so.
    pub(super) fn say_not_stored(&mut self, rule: Option<String>, unwritable: &Unwritable) {
        let reason = Reason::BlockedLedger { sink: None, problem: unwritable.why.clone() };
        self.put("rule", rule);
        self.put_reason(Some(&reason));
        let said = format!("{}; it is taken when {}", reason_detail(&reason), unwritable.remedy());
        let said = self.of_unit("waiting", &said);
        self.put_detail("waiting", &said);
    }

    /// Nothing is known of it: what lies there and what the rules say of it.
    pub(super) fn say_unknown(mut self, live: &LiveExplain, present: &Present) -> Explained {
        let (reason, rule) = match (&live.selection, present) {
            (Selected::Ignored(reason), Present::Directory) if live.pruned => (Some(reason.clone()), None),
            (_, Present::Directory) => (Some(Reason::IgnoredDirectory), None),
            (Selected::Ignored(reason), _) => (Some(reason.clone()), None),
            (Selected::Rule(rule), _) => (None, Some(rule.clone())),
        };
        let would = match (&reason, &rule) {
            (Some(reason), _) => reason_detail(reason),
            (None, Some(_)) if live.too_deep => {
                "the source is not recursive, so nobody looks into its directories".to_owned()
            }
            (None, Some(rule)) => format!("rule \"{}\" would take it", safe(rule.as_bytes())),
            (None, None) => String::new(),
        };
        let found = reason.is_some() && *present != Present::Absent;
        self.put_reason(reason.as_ref());
        self.put("rule", rule);
        if found {
            self.put_detail("ignored", &format!("{}; {would}", lies_there(present)));
            Explained::Found(self.done())
        } else {
            self.put_detail("seen", &format!("never seen; {}; {would}", lies_there(present)));
            Explained::NeverSeen(self.done())
        }
    }

    /// Nothing lies there, in a dataset that is known.
    pub(super) fn no_member(mut self) -> Value {
        let unit = shown(&self.unit);
        let said = format!(
            "nothing lies there now. It would be a member of {unit}; of members that are gone nothing is remembered. \
             Ask about {unit}"
        );
        self.put_detail("seen", &said);
        self.done()
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.value)
    }
}

fn shown(path: &[u8]) -> String {
    format!("\"{}\"", safe(path))
}

fn lies_there(present: &Present) -> String {
    match present {
        Present::Absent => "nothing lies there now".to_owned(),
        Present::File(size) => format!("a file of {size} bytes lies there now"),
        Present::Directory => "it is a directory".to_owned(),
        Present::Symlink => "a symbolic link lies there now".to_owned(),
        Present::Special => "a FIFO, socket or device lies there now".to_owned(),
        Present::Unknown(error) => format!("it cannot be looked at ({error})"),
    }
}
