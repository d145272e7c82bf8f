//! What every waiting unit has in common: looks that become rarer, and a deadline.

use std::time::Duration;

use model::{Reason, SignalSet};

use crate::rule::{Completion, OnDeadline};
use crate::unit::{Mono, Step};
use crate::verdict::passes_by_itself;

/// The longest time between two looks at a unit of which nothing is heard.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a unit was looked at since something was heard, and what its deadline has led to.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    pub(crate) looks: u32,
    alerted: bool,
    /// It was announced as incomplete.
    pub(crate) overdue: bool,
}

/// Why a unit is not complete yet, and when it may be: [`crate::verdict::Verdict::Wait`].
pub(crate) struct NotYet {
    pub(crate) reason: Reason,
    pub(crate) again_in: Duration,
    pub(crate) by_itself: Option<Duration>,
}

impl Patience {
    /// Nobody has looked yet.
    pub(crate) const NEW: Self = Self { looks: 0, alerted: false, overdue: false };

    /// Whether the deadline makes an announcement of what is there.
    pub(crate) fn announces(&self, rule: &Completion, first_seen: Mono, now: Mono) -> bool {
        rule.deadline.is_some_and(|(deadline, action)| {
            let announces = match action {
                OnDeadline::Deliver => true,
                OnDeadline::AnnounceIncomplete => !self.overdue,
                OnDeadline::Alert | OnDeadline::Hold => false,
            };
            announces && now.saturating_sub(first_seen) >= deadline
        })
    }

    /// What a "not yet" comes to. `evidence` is what there is for an announcement at the deadline.
    pub(crate) fn wait(
        &mut self,
        rule: &Completion,
        NotYet { reason, again_in, by_itself }: NotYet,
        first_seen: Mono,
        now: Mono,
        evidence: SignalSet,
    ) -> Step {
        let waited = now.saturating_sub(first_seen);
        let mut reason = reason;
        let mut again_in = self.pause(&reason, again_in).min(by_itself.unwrap_or(Duration::MAX));
        let mut alert = false;
        if let Some((deadline, action)) = rule.deadline {
            if waited < deadline {
                again_in = again_in.min(deadline.saturating_sub(waited));
            } else {
                alert = !std::mem::replace(&mut self.alerted, true);
                match action {
                    OnDeadline::Alert => {}
                    OnDeadline::Deliver => return Step::Complete(evidence),
                    OnDeadline::AnnounceIncomplete if self.overdue => {}
                    OnDeadline::AnnounceIncomplete => {
                        return Step::Overdue { evidence, reason, again: now + again_in, alert };
                    }
                    OnDeadline::Hold => {
                        // It has changed, and only time is missing: that ends when it ends.
                        if !passes_by_itself(&reason) {
                            again_in = again_in.max(LONGEST_PAUSE);
                        }
                        reason = Reason::WaitingDeadline;
                    }
                }
            }
        }
        Step::Wait { reason, again: now + again_in, alert }
    }

    /// Waits for an event are looked after ever more rarely while nothing is heard; waits for
    /// time to pass end when they end.
    fn pause(&self, reason: &Reason, again_in: Duration) -> Duration {
        if passes_by_itself(reason) || *reason == Reason::WaitingLook {
            return again_in.max(Duration::from_millis(1));
        }
        let doublings = self.looks.saturating_sub(1).min(6);
        (again_in * 2u32.pow(doublings)).min(LONGEST_PAUSE)
    }
}
