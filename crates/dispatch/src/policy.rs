//! The decisions: how long to wait, when to stop asking, when to give up. Pure: time and
//! randomness come in as parameters.

use std::time::{Duration, Instant};

use sinks::Trouble;

/// Waiting longer after each failure, up to a bound, by a random share of it (full jitter), so
/// that many who failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Never shorter than this, so that a small roll does not make a busy loop.
    pub floor: Duration,
    /// The bound after the first failure; it doubles with each further one.
    pub base: Duration,
    /// The bound never grows beyond this.
    pub cap: Duration,
}

impl Backoff {
    /// How long to wait after so many failures in a row (from 1). `roll` is drawn evenly from
    /// 0.0 up to 1.0.
    #[must_use]
    pub fn delay(&self, failures: u32, roll: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        bound.mul_f64(roll.clamp(0.0, 1.0)).max(self.floor)
    }
}

/// How patient dispatch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tempo {
    /// Between the attempts of one refused event.
    pub event: Backoff,
    /// Between two tries of a sink that is down.
    pub down: Backoff,
    /// The shortest and the longest time between two tries of a sink that only a person can heal.
    pub misconfigured: (Duration, Duration),
    /// After the ledger could not be read.
    pub ledger: Duration,
    /// A delivery that takes longer than this is shown as in hand.
    pub slow: Duration,
    /// How long a sink that is removed may finish what it has in hand.
    pub grace: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            event: Backoff { floor: ms(50), base: ms(500), cap: Duration::from_mins(1) },
            down: Backoff { floor: ms(20), base: ms(100), cap: Duration::from_secs(5) },
            misconfigured: (Duration::from_secs(5), Duration::from_secs(30)),
            ledger: Duration::from_secs(1),
            slow: ms(100),
            grace: Duration::from_secs(3),
        }
    }
}

/// Whether a sink is asked to take anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// All is well.
    Closed,
    /// It failed and is left alone for a while.
    Open {
        /// Until then.
        until: Instant,
        /// So often in a row.
        failures: u32,
        /// With this, last.
        trouble: Trouble,
    },
    /// The while is over: one careful try.
    HalfOpen {
        /// So often in a row.
        failures: u32,
        /// With this, last.
        trouble: Trouble,
    },
    /// There is nobody left to deliver to; only a person opens it again.
    Shut {
        /// Why.
        trouble: Trouble,
    },
}

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Full batches.
    Batch,
    /// A question first, then one event.
    Probe,
    /// Nothing before that time.
    NotBefore(Instant),
    /// Nothing.
    Never,
}

impl Breaker {
    /// What it has become by now.
    #[must_use]
    pub fn at(self, now: Instant) -> Self {
        match self {
            Breaker::Open { until, failures, trouble } if until <= now => {
                Breaker::HalfOpen { failures, trouble }
            }
            other => other,
        }
    }

    /// What may be done.
    #[must_use]
    pub fn permit(&self) -> Permit {
        match self {
            Breaker::Closed => Permit::Batch,
            Breaker::HalfOpen { .. } => Permit::Probe,
            Breaker::Open { until, .. } => Permit::NotBefore(*until),
            Breaker::Shut { .. } => Permit::Never,
        }
    }

    /// After a failure of the sink as a whole.
    #[must_use]
    pub fn failed(self, trouble: Trouble, now: Instant, tempo: &Tempo, roll: f64) -> Self {
        let failures = match self {
            Breaker::Closed | Breaker::Shut { .. } => 1,
            Breaker::Open { failures, .. } | Breaker::HalfOpen { failures, .. } => failures.saturating_add(1),
        };
        let wait = match &trouble {
            Trouble::Closed(_) => return Breaker::Shut { trouble },
            Trouble::Down(_) => tempo.down.delay(failures, roll),
            Trouble::Misconfigured(_) => {
                let (shortest, longest) = tempo.misconfigured;
                shortest + longest.saturating_sub(shortest).mul_f64(roll.clamp(0.0, 1.0))
            }
        };
        Breaker::Open { until: now + wait, failures, trouble }
    }

    /// Somebody thinks it is well again: the next try is due at once.
    #[must_use]
    pub fn hurried(self) -> Self {
        match self {
            Breaker::Closed => Breaker::Closed,
            Breaker::Open { failures, trouble, .. } | Breaker::HalfOpen { failures, trouble } => {
                Breaker::HalfOpen { failures, trouble }
            }
            Breaker::Shut { trouble } => Breaker::HalfOpen { failures: 0, trouble },
        }
    }

    /// What is wrong, if anything is.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Breaker::Closed => None,
            Breaker::Open { trouble, .. } | Breaker::HalfOpen { trouble, .. } | Breaker::Shut { trouble } => {
                Some(trouble)
            }
        }
    }
}

/// What becomes of an event that was refused for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sentence {
    /// It is tried again after this time.
    Again(Duration),
    /// It is a dead letter.
    Dead,
}

/// After the event was refused for the `attempts`-th time; `max_attempts` 0 means never to give up.
#[must_use]
pub fn refused(attempts: u32, max_attempts: u32, backoff: &Backoff, roll: f64) -> Sentence {
    if max_attempts > 0 && attempts >= max_attempts {
        Sentence::Dead
    } else {
        Sentence::Again(backoff.delay(attempts, roll))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Backoff = Backoff {
        floor: Duration::from_millis(1),
        base: Duration::from_millis(10),
        cap: Duration::from_millis(100),
    };

    fn down() -> Trouble {
        Trouble::Down("x".into())
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_the_roll_shares_it() {
        let bounds: Vec<u128> = (1..=6).map(|failures| TEN.delay(failures, 1.0).as_millis()).collect();
        assert_eq!(bounds, [10, 20, 40, 80, 100, 100]);
        assert_eq!(TEN.delay(3, 0.5), Duration::from_millis(20));
        assert_eq!(TEN.delay(3, 0.0), Duration::from_millis(1));
        assert_eq!(TEN.delay(u32::MAX, 1.0), Duration::from_millis(100));
        assert_eq!(TEN.delay(0, 7.0), Duration::from_millis(10));
    }

    #[test]
    fn the_breaker_opens_waits_tries_and_opens_for_longer() {
        let (tempo, start) = (Tempo { down: TEN, ..Tempo::default() }, Instant::now());
        let open = Breaker::Closed.failed(down(), start, &tempo, 1.0);
        let until = start + Duration::from_millis(10);
        assert_eq!(open.permit(), Permit::NotBefore(until));
        assert_eq!(open.clone().at(start).permit(), Permit::NotBefore(until));
        let half = open.at(until);
        assert_eq!((half.permit(), half.trouble()), (Permit::Probe, Some(&down())));
        let again = half.failed(down(), until, &tempo, 1.0);
        assert_eq!(again.permit(), Permit::NotBefore(until + Duration::from_millis(20)));
        assert_eq!(again.hurried().permit(), Permit::Probe);
        assert_eq!(Breaker::Closed.permit(), Permit::Batch);
    }

    #[test]
    fn what_a_person_must_heal_is_tried_slowly_but_is_tried() {
        let (tempo, now) = (Tempo::default(), Instant::now());
        for (roll, seconds) in [(0.0, 5), (1.0, 30)] {
            let open = Breaker::Closed.failed(Trouble::Misconfigured("x".into()), now, &tempo, roll);
            assert_eq!(open.permit(), Permit::NotBefore(now + Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn a_closed_pipe_is_never_tried_unless_somebody_says_so() {
        let (tempo, now) = (Tempo::default(), Instant::now());
        let shut = Breaker::Closed.failed(Trouble::Closed("x".into()), now, &tempo, 0.0);
        assert_eq!(shut.clone().at(now + Duration::from_secs(1 << 30)).permit(), Permit::Never);
        assert_eq!(shut.hurried().permit(), Permit::Probe);
    }

    #[test]
    fn an_event_dies_of_its_last_attempt_and_never_without_a_limit() {
        assert_eq!(refused(1, 3, &TEN, 1.0), Sentence::Again(Duration::from_millis(10)));
        assert_eq!(refused(2, 3, &TEN, 1.0), Sentence::Again(Duration::from_millis(20)));
        assert_eq!(refused(3, 3, &TEN, 1.0), Sentence::Dead);
        assert_eq!(refused(1, 1, &TEN, 1.0), Sentence::Dead);
        assert_eq!(refused(u32::MAX, 0, &TEN, 1.0), Sentence::Again(Duration::from_millis(100)));
    }
}
