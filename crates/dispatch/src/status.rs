//! How a sink stands, for `status`, `explain` and metrics.

use sinks::Trouble;

use crate::policy::Breaker;

/// The one word for a sink. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkState {
    /// It takes what it is given, or there is nothing to give.
    Ok,
    /// It is down; it is tried again by itself.
    Retrying,
    /// An operator paused it.
    Paused,
    /// Only a person can heal it. It is tried again at a slow pace, except after a closed pipe.
    Failed,
}

impl SinkState {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SinkState::Ok => "ok",
            SinkState::Retrying => "retrying",
            SinkState::Paused => "paused",
            SinkState::Failed => "failed",
        }
    }
}

/// How a sink stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkStatus {
    /// The one word.
    pub state: SinkState,
    /// What is wrong, if anything is: what failed, what it means for the data, the fix.
    pub last_error: Option<String>,
    /// Whether it has arranged with its peer what must be arranged before the first event.
    pub prepared: bool,
    /// Events that are offered to it in this moment.
    pub in_flight: u64,
    /// Refused events that wait for their next attempt, and later ones of the same paths.
    pub parked: u64,
    /// Events in memory on their way to it, those above included.
    pub held: u64,
}

impl SinkStatus {
    /// Before the first event.
    pub(crate) const fn idle() -> Self {
        Self { state: SinkState::Ok, last_error: None, prepared: false, in_flight: 0, parked: 0, held: 0 }
    }

    /// For a sink that has no task.
    pub(crate) fn not_running() -> Self {
        let last_error =
            Some("the sink is not running; nothing is lost, its events are kept in the ledger".into());
        Self { state: SinkState::Failed, last_error, ..Self::idle() }
    }
}

/// Of an error that is the ledger's and not the sink's.
const OF_LEDGER: &str = "E-LEDGER: ";

impl SinkStatus {
    /// What is wrong with the ledger, where it is that which the sink waits for.
    #[must_use]
    pub fn ledger_error(&self) -> Option<&str> {
        self.last_error.as_deref()?.strip_prefix(OF_LEDGER)
    }
}

/// The word and the sentence.
pub(crate) fn judge(breaker: &Breaker, paused: bool, ledger: Option<&str>) -> (SinkState, Option<String>) {
    let (state, error) = match (breaker.trouble(), ledger) {
        (Some(trouble @ Trouble::Down(_)), _) => (SinkState::Retrying, Some(trouble.to_string())),
        (Some(trouble), _) => (SinkState::Failed, Some(trouble.to_string())),
        (None, Some(error)) => (SinkState::Retrying, Some(format!("{OF_LEDGER}{error}"))),
        (None, None) => (SinkState::Ok, None),
    };
    (if paused { SinkState::Paused } else { state }, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_there_exactly_when_something_is_wrong() {
        let shut = |trouble| Breaker::Shut { trouble };
        let word = |breaker: &Breaker, paused| judge(breaker, paused, None);
        assert_eq!(word(&Breaker::Closed, false), (SinkState::Ok, None));
        assert_eq!(word(&Breaker::Closed, true), (SinkState::Paused, None));
        assert_eq!(word(&shut(Trouble::Down("d".into())), false), (SinkState::Retrying, Some("d".into())));
        assert_eq!(
            word(&shut(Trouble::Misconfigured("m".into())), false),
            (SinkState::Failed, Some("m".into()))
        );
        assert_eq!(word(&shut(Trouble::Closed("c".into())), true), (SinkState::Paused, Some("c".into())));
        let (state, last_error) = judge(&Breaker::Closed, false, Some("x"));
        let waits = SinkStatus { state, last_error, ..SinkStatus::idle() };
        assert_eq!((waits.state, waits.ledger_error()), (SinkState::Retrying, Some("x")));
        assert_eq!(SinkStatus::not_running().ledger_error(), None);
    }
}
