//! What is worth a line of a sink that is down: it is tried again and again, for days where it must be.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// The same sentence is not said again before this.
const PAUSE: Duration = Duration::from_mins(1);
/// So many different sentences are told apart. A sink that has more to say says the others no more often than one.
const KINDS: usize = 8;

/// The sinks that are down.
#[derive(Debug, Default)]
pub(super) struct Outages(BTreeMap<String, Outage>);

#[derive(Debug)]
struct Outage {
    since: Instant,
    tries: u64,
    unsaid: u64,
    /// When each sentence was said last; an empty one stands for all that are too many.
    said: HashMap<String, Instant>,
}

/// An outage that is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) tries: u64,
    pub(super) lasted: Duration,
}

impl Outages {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// A try has failed. When that is to be said: how many since the last line were not.
    pub(super) fn failed(&mut self, sink: &str, sentence: &str, now: Instant) -> Option<u64> {
        let begun = || Outage { since: now, tries: 0, unsaid: 0, said: HashMap::new() };
        let outage = self.0.entry(sink.to_owned()).or_insert_with(begun);
        outage.tries += 1;
        let is_one_more = outage.said.len() >= KINDS && !outage.said.contains_key(sentence);
        let sentence = if is_one_more { "" } else { sentence };
        let is_fresh = |at: &Instant| now.saturating_duration_since(*at) < PAUSE;
        if outage.said.get(sentence).is_some_and(is_fresh) {
            outage.unsaid += 1;
            return None;
        }
        outage.said.insert(sentence.to_owned(), now);
        Some(std::mem::take(&mut outage.unsaid))
    }

    /// The sink works again.
    pub(super) fn recovered(&mut self, sink: &str, now: Instant) -> Option<Over> {
        let outage = self.0.remove(sink)?;
        Some(Over { tries: outage.tries, lasted: now.saturating_duration_since(outage.since) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_that_is_down_for_an_hour_says_so_sixty_times() {
        let (mut outages, begun) = (Outages::default(), Instant::now());
        let second = |number| begun + Duration::from_secs(number);
        let said: Vec<u64> =
            (0..3_600).filter_map(|at| outages.failed("redis", "it is away", second(at))).collect();
        assert_eq!((said.len(), said[0], said[1]), (60, 0, 59));
        let over = outages.recovered("redis", second(3_600));
        assert_eq!(over, Some(Over { tries: 3_600, lasted: Duration::from_hours(1) }));
        assert_eq!(outages.failed("redis", "it is away", second(3_601)), Some(0), "another outage");
    }

    #[test]
    fn what_is_new_is_said_at_once() {
        let (mut outages, now) = (Outages::default(), Instant::now());
        assert_eq!(outages.failed("redis", "away", now), Some(0));
        assert_eq!(outages.failed("redis", "away", now), None);
        assert_eq!(outages.failed("redis", "loading", now), Some(1));
        assert_eq!(outages.failed("redis", "away", now), None, "still the same");
        assert_eq!(outages.failed("other", "away", now), Some(0));
        assert_eq!(outages.recovered("third", now), None);
    }

    #[test]
    fn sentences_without_an_end_are_no_flood() {
        let (mut outages, now) = (Outages::default(), Instant::now());
        let said = (0..1_000).filter(|number| outages.failed("plugin", &number.to_string(), now).is_some());
        assert_eq!(said.count(), KINDS + 1);
    }
}
