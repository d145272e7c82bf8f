//! What happened to a unit, in order.

use ledger::Record;
use model::{Cause, Kind, Stamp, State};
use serde_json::{Value, json};

pub(super) fn moment(at: Stamp, what: &str) -> Value {
    json!({"time": at.to_string(), "what": what})
}

/// So many generations of a path are told of.
pub(super) const GENERATIONS: usize = 8;

/// What happened to these generations of a path, the oldest first.
pub(super) fn moments_of(records: &[Record]) -> Vec<Value> {
    records.iter().flat_map(moments_of_one).collect()
}

fn moments_of_one(record: &Record) -> Vec<Value> {
    let generation = record.generation;
    match record.kind {
        Kind::Removal { .. } => return vec![moment(record.admitted, "removed, and that was announced")],
        Kind::Gap { .. } => return Vec::new(),
        Kind::File | Kind::Symlink | Kind::Special | Kind::Dataset => {}
    }
    let mut moments = vec![moment(record.first_seen, "seen")];
    moments.extend(record.history.iter().map(|step| moment(step.time, &step.what)));
    let signals: Vec<&str> = record.signals.iter().map(model::Signal::name).collect();
    let what = match record.state {
        State::Gone => "gone before it was complete".to_owned(),
        State::Adopted => "adopted: complete before the first start, not delivered".to_owned(),
        _ if record.cause == Cause::Reannounced => {
            format!("announced again because it still lay there: generation {generation} admitted")
        }
        _ if record.cause == Cause::Overdue => {
            format!("announced as incomplete at its deadline: generation {generation} admitted")
        }
        _ => format!("complete ({}), generation {generation} admitted", signals.join(", ")),
    };
    moments.push(moment(record.admitted, &what));
    for sink in &record.sinks {
        let steps = sink.history.iter();
        moments.extend(steps.map(|step| moment(step.time, &format!("{}: {}", sink.name, step.what))));
        if let Some(at) = sink.delivered_at {
            moments.push(moment(at, &format!("delivered to {}", sink.name)));
        }
    }
    moments
}
