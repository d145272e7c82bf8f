//! When a tree is toured next, and when it was quiet for long enough.

use std::time::Duration;

use settle::Mono;

/// After an event it is waited so long for the next before the tree is toured, or a quarter of the period.
const LULL: Duration = Duration::from_millis(500);

/// When a tour began and ended.
#[derive(Clone, Copy, Debug)]
struct Toured {
    began: Mono,
    ended: Mono,
}

/// The wait for a quiet period. No clock: time is a parameter.
#[derive(Debug)]
pub struct Vigil {
    period: Duration,
    /// The earliest tour since which nothing was different.
    reference: Option<Toured>,
    /// How long the last tour took.
    took: Duration,
    /// When something was heard last.
    heard: Option<Mono>,
}

impl Vigil {
    /// The wait for a period of this length.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self { period, reference: None, took: Duration::ZERO, heard: None }
    }

    /// When the tree is to be toured next.
    ///
    /// After the period, and sooner where something was heard: its differences are told then, and the
    /// period begins anew. While events do not cease, the period's end stands. As much time as the last
    /// tour took is left to others in any case.
    #[must_use]
    pub fn next(&self) -> Mono {
        let Some(reference) = self.reference else { return Mono::ZERO };
        let full = reference.ended + self.period;
        let due = match self.disturbed(reference) {
            Some(heard) => full.min(heard + LULL.min(self.period / 4)),
            None => full,
        };
        due.max(reference.ended + self.took)
    }

    /// Something was heard.
    pub fn heard(&mut self, now: Mono) {
        self.heard = self.heard.max(Some(now));
    }

    /// The tree was toured, everything that had been heard by then having been told before; `differs`:
    /// other than the tour before. Says whether it was quiet for the period.
    pub fn toured(&mut self, began: Mono, ended: Mono, differs: bool) -> bool {
        self.took = ended.saturating_sub(began);
        let undisturbed = |reference: &Toured| !differs && self.disturbed(*reference).is_none();
        if let Some(reference) = self.reference.filter(undisturbed) {
            // Of what changed while the reference was made nothing is known.
            return began >= reference.ended + self.period;
        }
        self.reference = Some(Toured { began, ended });
        false
    }

    /// Since when it may have been quiet.
    #[must_use]
    pub fn quiet_since(&self) -> Option<Mono> {
        let reference = self.reference?;
        Some(self.disturbed(reference).map_or(reference.ended, |heard| heard.max(reference.ended)))
    }

    /// When something was heard since the tour began.
    fn disturbed(&self, since: Toured) -> Option<Mono> {
        self.heard.filter(|heard| *heard > since.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    fn ms(number: u64) -> Mono {
        Duration::from_millis(number)
    }

    /// A vigil whose first tour began at 1 s and ended at 2 s.
    fn begun() -> Vigil {
        let mut vigil = Vigil::new(PERIOD);
        assert_eq!(vigil.next(), Mono::ZERO, "the first tour is due at once");
        assert!(!vigil.toured(ms(1_000), ms(2_000), false));
        vigil
    }

    #[test]
    fn a_whole_period_without_events_and_differences_is_quiet() {
        let mut vigil = begun();
        assert_eq!(vigil.next(), ms(12_000));
        assert!(vigil.toured(ms(12_000), ms(13_000), false));
    }

    #[test]
    fn the_period_is_counted_from_the_end_of_a_tour_to_the_beginning_of_the_next() {
        let mut vigil = begun();
        assert!(!vigil.toured(ms(11_999), ms(13_500), false));
        // The same since the first tour: the period goes on.
        assert!(vigil.toured(ms(14_000), ms(15_000), false));
    }

    #[test]
    fn a_difference_begins_the_period_anew() {
        let mut vigil = begun();
        assert!(!vigil.toured(ms(12_000), ms(13_000), true));
        assert_eq!(vigil.next(), ms(23_000));
        assert!(!vigil.toured(ms(22_000), ms(22_500), false));
        assert!(vigil.toured(ms(23_000), ms(24_000), false));
    }

    #[test]
    fn an_event_without_a_difference_begins_the_period_anew() {
        let mut vigil = begun();
        vigil.heard(ms(6_000));
        assert_eq!(vigil.next(), ms(6_500), "what happened is told soon");
        assert!(!vigil.toured(ms(6_500), ms(7_500), false));
        assert_eq!(vigil.next(), ms(17_500));
        assert!(vigil.toured(ms(17_500), ms(18_500), false));
    }

    #[test]
    fn an_event_during_a_tour_counts_whichever_tour_it_is() {
        let mut vigil = begun();
        vigil.heard(ms(1_500));
        assert!(!vigil.toured(ms(12_000), ms(13_000), false), "during the first");
        vigil.heard(ms(23_500));
        assert!(!vigil.toured(ms(23_000), ms(24_000), false), "during the last");
        vigil.heard(ms(24_000));
        assert!(!vigil.toured(ms(34_000), ms(35_000), false), "read when the last had ended");
        assert!(vigil.toured(ms(45_000), ms(46_000), false));
    }

    #[test]
    fn what_was_heard_before_a_tour_is_old_then() {
        let mut vigil = begun();
        vigil.heard(ms(3_000));
        assert!(!vigil.toured(ms(3_000), ms(4_000), true));
        assert_eq!(vigil.next(), ms(14_000));
        assert!(vigil.toured(ms(14_000), ms(15_000), false));
    }

    #[test]
    fn events_that_never_cease_do_not_put_off_the_tour_for_ever() {
        let mut vigil = begun();
        for at in (2_000..12_000).step_by(100) {
            vigil.heard(ms(at));
            assert!(vigil.next() >= ms(at), "there was no lull");
        }
        assert_eq!(vigil.next(), ms(12_000));
    }

    #[test]
    fn a_large_tree_leaves_time_for_others() {
        let mut vigil = Vigil::new(ms(100));
        vigil.toured(ms(0), ms(5_000), false);
        assert_eq!(vigil.next(), ms(10_000));
        vigil.heard(ms(5_050));
        assert_eq!(vigil.next(), ms(10_000), "also when something was heard");
    }

    #[test]
    fn it_says_since_when_it_may_be_quiet() {
        let mut vigil = Vigil::new(PERIOD);
        assert_eq!(vigil.quiet_since(), None);
        vigil.toured(ms(1_000), ms(2_000), false);
        assert_eq!(vigil.quiet_since(), Some(ms(2_000)));
        vigil.heard(ms(5_000));
        assert_eq!(vigil.quiet_since(), Some(ms(5_000)));
    }
}
