//! How a unit stands, as a sentence for a person.

use ledger::Record;
use model::{Cause, Reason, State};

use super::sentence::reason_detail;
use crate::answer::LiveUnit;

/// Of a unit that waits or is ignored; `last` is what was announced of it last.
pub(super) fn waiting_detail(unit: &LiveUnit, last: Option<&Record>) -> String {
    let again = unit.reading && unit.reason != Reason::WaitingInspection;
    let reading = if again { ". It is being looked at again just now" } else { "" };
    let is_overdue =
        last.is_some_and(|last| last.cause == Cause::Overdue && Some(last.first_seen) == unit.first_seen);
    let overdue =
        if is_overdue { "announced as incomplete at its deadline, and waited for still: " } else { "" };
    format!("{overdue}{}{reading}", reason_detail(&unit.reason))
}

/// Of a unit that the ledger holds.
pub(super) fn record_detail(record: &Record, reason: Option<&Reason>) -> String {
    let said = match record.state {
        State::Delivered => {
            let sinks: Vec<&str> = record.sinks.iter().map(|sink| sink.name.as_str()).collect();
            format!("{}delivered to {}", announced(record.cause), sinks.join(", "))
        }
        State::Adopted => {
            "complete before the source was first watched, and taken over without delivery (initial)"
                .to_owned()
        }
        State::Gone => return format!("it went away at {}, before it was complete", record.admitted),
        _ => {
            let why = reason.map(reason_detail).unwrap_or_default();
            let error = record.sinks.iter().find_map(|sink| sink.last_error.as_deref());
            let error = error.map(|error| format!(" (it said: {error})")).unwrap_or_default();
            format!("{}complete and kept in the ledger; {why}{error}", announced(record.cause))
        }
    };
    match (record.absent, record.absent_at) {
        (false, _) => said,
        (true, Some(at)) => format!("{said}. It was seen to be gone at {at}"),
        (true, None) => format!("{said}. It is gone by now"),
    }
}

const fn announced(cause: Cause) -> &'static str {
    match cause {
        Cause::Reannounced => "announced again (reannounce), ",
        Cause::Overdue => "announced as incomplete at its deadline, ",
        Cause::Arrived | Cause::Found => "",
    }
}
