//! `ls`, `tail`, `dead`: units and events as JSON lines.

use std::sync::mpsc::sync_channel;

use ledger::{DeadRow, LedgerError, Record};
use model::State;
use model::text::insert_json_path;
use serde_json::{Map, Value, json};

use crate::answer::LiveUnit;
use crate::engine::Engine;
use crate::orders::Order;

impl Engine {
    /// Calls `each` with every unit that is in `state` (all, if none is named), until it says no.
    /// First those that wait or are ignored, then what the ledger holds.
    pub fn units(
        &self,
        state: Option<State>,
        each: &mut dyn FnMut(&Value) -> bool,
    ) -> Result<(), LedgerError> {
        if state.is_none_or(|state| matches!(state, State::Waiting | State::Ignored)) {
            for (source, unit) in self.live_units() {
                if state.is_none_or(|state| state == unit.state) && !each(&live_value(&source, &unit)) {
                    return Ok(());
                }
            }
        }
        self.ledger.each_record(state, &mut |record| each(&record_value(&record)))
    }

    fn live_units(&self) -> Vec<(String, LiveUnit)> {
        let answers: Vec<_> = {
            let state = self.lock();
            let ask = |source: &crate::engine::RunningSource| {
                let (reply, answer) = sync_channel(1);
                source.orders.give(Order::List { reply });
                (source.plan.name.clone(), answer, self.patience(source))
            };
            state.sources.iter().map(ask).collect()
        };
        let mut units = Vec::new();
        for (source, answer, patience) in answers {
            let answered = answer.recv_timeout(patience).unwrap_or_default();
            units.extend(answered.into_iter().map(|unit| (source.clone(), unit)));
        }
        units
    }
}

fn live_value(source: &str, unit: &LiveUnit) -> Value {
    let mut value = Map::new();
    insert_json_path(&mut value, "path", &unit.path);
    value.insert("source".into(), source.into());
    value.insert("state".into(), unit.state.name().into());
    value.insert("reason".into(), unit.reason.code().into());
    value.insert("reason_args".into(), unit.reason.args().into());
    value.insert("rule".into(), unit.rule.clone().into());
    value.insert("since".into(), unit.first_seen.map(|at| at.to_string()).into());
    value.insert("next_check".into(), unit.next_check.map(|at| at.to_string()).into());
    Value::Object(value)
}

fn record_value(record: &Record) -> Value {
    let mut value = Map::new();
    insert_json_path(&mut value, "path", &record.path);
    let sinks: Vec<Value> = record
        .sinks
        .iter()
        .map(|sink| json!({"name": sink.name, "state": sink.state.name(), "attempts": sink.attempts}))
        .collect();
    let rest = json!({
        "source": record.source_name, "state": record.state.name(), "id": record.id.to_string(),
        "kind": record.kind.name(), "type": record.kind.type_name(record.cause), "size": record.fingerprint.size, "generation": record.generation,
        "rule": record.rule, "since": record.first_seen.to_string(), "admitted": record.admitted.to_string(),
        "absent": record.absent, "reason": Value::Null, "sinks": sinks,
    });
    if let Value::Object(rest) = rest {
        value.extend(rest);
    }
    Value::Object(value)
}

/// A dead letter as JSON; with the event itself if `whole`.
#[must_use]
pub fn dead_value(row: &DeadRow, whole: bool) -> Value {
    let mut value = Map::new();
    insert_json_path(&mut value, "path", &row.parcel.path);
    let rest = json!({
        "sink": row.sink, "seq": row.parcel.seq, "id": row.parcel.event.id.to_string(),
        "source": row.parcel.source.as_ref(), "attempts": row.attempts, "error": row.error,
        "reason": if row.rejected { "dead.rejected" } else { "dead.max-attempts" },
        "at": row.at.to_string(), "retrying": row.retrying,
    });
    if let Value::Object(rest) = rest {
        value.extend(rest);
    }
    if whole {
        let line = row.parcel.event.line(row.attempts.max(1));
        value.insert("event".into(), serde_json::from_slice(&line).unwrap_or(Value::Null));
    }
    Value::Object(value)
}
