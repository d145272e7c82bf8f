//! What happened to a unit, in order.

use ledger::{Record, SinkRecord};
use model::{Cause, Kind, Stamp, State};
use serde_json::{Value, json};

use crate::answer::LiveUnit;

/// So many generations of a path are told of.
pub(super) const GENERATIONS: usize = 8;
/// So many moments at most, the latest ones: a unit with many sinks and many attempts has more.
const MOMENTS: usize = 256;

type Moments = Vec<(Stamp, String)>;

/// What happened to these generations of a path, the oldest first, and to the one that is not complete yet.
pub(super) fn timeline(records: &[Record], waiting: Option<&LiveUnit>) -> Vec<Value> {
    let mut moments: Moments = records.iter().flat_map(moments_of).collect();
    if let Some(unit) = waiting {
        // One that was announced as incomplete goes on where its record ends.
        let announced = records.last().filter(|record| Some(record.first_seen) == unit.first_seen);
        let told_until = announced.map(|record| record.admitted);
        moments.extend(unit.first_seen.filter(|_| announced.is_none()).map(|at| (at, "seen".to_owned())));
        let news = unit.history.iter().filter(|(at, _)| told_until.is_none_or(|until| *at > until));
        moments.extend(news.cloned());
    }
    let left_out = moments.len().saturating_sub(MOMENTS);
    if left_out > 0 {
        // What takes the place of those that are left out is one more.
        moments.drain(..left_out);
        moments[0].1 = format!("… {} earlier moments are left out", left_out + 1);
    }
    moments.into_iter().map(|(at, what)| json!({"time": at.to_string(), "what": what})).collect()
}

fn moments_of(record: &Record) -> Moments {
    match record.kind {
        Kind::Removal { .. } => return vec![(record.admitted, "the removal was announced".to_owned())],
        Kind::Gap { .. } | Kind::Happening(_) => return Vec::new(),
        Kind::File | Kind::Symlink | Kind::Special | Kind::Dataset => {}
    }
    let mut moments = vec![(record.first_seen, "seen".to_owned())];
    // What happened to it since it was admitted stands among the attempts.
    let (before, since): (Moments, Moments) = record
        .history
        .iter()
        .map(|step| (step.time, step.what.clone()))
        .partition(|(at, _)| *at <= record.admitted);
    moments.extend(before);
    moments.push((record.admitted, decision(record)));
    let mut told: Moments = record.sinks.iter().flat_map(attempts).chain(since).collect();
    // Of each sink they are in order; between sinks the time tells.
    told.sort_by_key(|(at, _)| *at);
    moments.extend(told);
    moments.extend(record.absent_at.filter(|_| record.absent).map(|at| (at, "seen to be gone".to_owned())));
    moments
}

fn decision(record: &Record) -> String {
    let generation = record.generation;
    match (record.state, record.cause) {
        (State::Gone, _) => "gone before it was complete".to_owned(),
        (State::Adopted, _) => "adopted: complete before the first start, not delivered".to_owned(),
        (_, Cause::Reannounced) => {
            format!("announced again because it still lay there: generation {generation} admitted")
        }
        (_, Cause::Overdue) => {
            format!("announced as incomplete at its deadline: generation {generation} admitted")
        }
        (_, Cause::Arrived | Cause::Found) => {
            let signals: Vec<&str> = record.signals.iter().map(model::Signal::name).collect();
            format!("complete ({}), generation {generation} admitted", signals.join(", "))
        }
    }
}

fn attempts(sink: &SinkRecord) -> Moments {
    let steps = sink.history.iter();
    let mut moments: Moments =
        steps.map(|step| (step.time, format!("{}: {}", sink.name, step.what))).collect();
    moments.extend(sink.delivered_at.map(|at| (at, format!("delivered to {}", sink.name))));
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Reason, State};

    #[test]
    fn a_long_story_keeps_its_end() {
        let history: Moments = (0..1000).map(|at| (Stamp::new(at, 0), at.to_string())).collect();
        let unit = LiveUnit {
            path: Vec::new(),
            state: State::Waiting,
            reason: Reason::WaitingLook,
            rule: None,
            kind: None,
            members: None,
            reading: false,
            first_seen: Some(Stamp::default()),
            next_check: None,
            history,
        };
        let told = timeline(&[], Some(&unit));
        assert_eq!((told.len(), &told[MOMENTS - 1]["what"]), (MOMENTS, &json!("999")));
        assert_eq!(told[0]["what"], "… 746 earlier moments are left out");
    }
}
