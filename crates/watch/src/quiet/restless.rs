//! Which paths keep changing, and since when: what is said when the wait takes too long.

use std::collections::HashMap;
use std::time::Duration;

use settle::Mono;

/// So many paths are kept; of more it is only counted that there are.
const MOST: usize = 256;

/// One path that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unrest {
    /// When it was seen to change first, with no quiet period since.
    pub since: Mono,
    /// When it was seen to change last.
    pub last: Mono,
    /// The tour in which that was.
    tour: u64,
}

/// The paths that have changed of late: within a period, or between the last two tours, which may lie
/// further apart.
#[derive(Debug)]
pub struct Restless {
    period: Duration,
    tour: u64,
    paths: HashMap<Vec<u8>, Unrest>,
    latest: Option<(Vec<u8>, Unrest)>,
    /// A path that was seen to change and for which there was no room.
    beyond: Option<Unrest>,
}

impl Restless {
    /// Paths that change at least once in each period are of interest.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self { period, tour: 0, paths: HashMap::new(), latest: None, beyond: None }
    }

    /// A tour has ended, and what it found was noted.
    pub fn end_tour(&mut self) {
        self.tour += 1;
    }

    /// The path changed, or a tour found that it had.
    pub fn note(&mut self, path: &[u8], now: Mono) {
        let fresh = Unrest { since: now, last: now, tour: self.tour };
        if self.paths.len() >= MOST && !self.paths.contains_key(path) {
            let (period, tour) = (self.period, self.tour);
            self.paths.retain(|_, unrest| unrest.is_recent(now, period, tour));
        }
        let unrest = match self.paths.get(path) {
            Some(kept) if kept.is_recent(now, self.period, self.tour) => {
                Unrest { since: kept.since, ..fresh }
            }
            _ => fresh,
        };
        if self.paths.len() < MOST || self.paths.contains_key(path) {
            self.paths.insert(path.to_vec(), unrest);
        } else {
            self.beyond = Some(unrest);
        }
        self.latest = Some((path.to_vec(), unrest));
    }

    /// What has changed last.
    #[must_use]
    pub fn latest(&self) -> Option<(&[u8], Unrest)> {
        self.latest.as_ref().map(|(path, unrest)| (path.as_slice(), *unrest))
    }

    /// What has changed of late, the latest first, and whether there is more.
    #[must_use]
    pub fn still(&self, now: Mono) -> (Vec<(&[u8], Unrest)>, bool) {
        let recent = |unrest: &Unrest| unrest.is_recent(now, self.period, self.tour);
        let paths = self.paths.iter().filter(|(_, unrest)| recent(unrest));
        let mut still: Vec<(&[u8], Unrest)> =
            paths.map(|(path, unrest)| (path.as_slice(), *unrest)).collect();
        still.sort_by(|one, two| two.1.last.cmp(&one.1.last).then(one.0.cmp(two.0)));
        (still, self.beyond.as_ref().is_some_and(recent))
    }
}

impl Unrest {
    fn is_recent(&self, now: Mono, period: Duration, tour: u64) -> bool {
        self.last + period > now || self.tour + 1 >= tour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// So many tours without anything.
    fn tours(restless: &mut Restless, count: u64) {
        for _ in 0..count {
            restless.end_tour();
        }
    }

    #[test]
    fn since_when_is_since_the_last_quiet_period() {
        let mut restless = Restless::new(5 * SECOND);
        for at in [1, 4, 8] {
            restless.note(b"a", at * SECOND);
            tours(&mut restless, 3);
        }
        let (path, unrest) = restless.still(9 * SECOND).0[0];
        assert_eq!((path, unrest.since, unrest.last), (&b"a"[..], SECOND, 8 * SECOND));
        restless.note(b"a", 13 * SECOND);
        assert_eq!(restless.still(13 * SECOND).0[0].1.since, 13 * SECOND);
    }

    #[test]
    fn what_each_tour_finds_is_restless_however_far_they_lie_apart() {
        let mut restless = Restless::new(5 * SECOND);
        for at in [10, 20, 30] {
            restless.note(b"a", at * SECOND);
            restless.end_tour();
        }
        assert_eq!(restless.still(39 * SECOND).0[0].1.since, 10 * SECOND);
        restless.end_tour();
        assert_eq!(restless.still(40 * SECOND).0, []);
    }

    #[test]
    fn what_is_quiet_is_not_named_and_the_latest_comes_first() {
        let mut restless = Restless::new(5 * SECOND);
        for (path, at) in [(b"a", 1), (b"b", 6), (b"c", 7)] {
            restless.note(path, at * SECOND);
        }
        tours(&mut restless, 2);
        let still: Vec<&[u8]> = restless.still(8 * SECOND).0.into_iter().map(|(path, _)| path).collect();
        assert_eq!(still, [b"c", b"b"]);
        assert!(restless.still(20 * SECOND).0.is_empty());
        assert_eq!(restless.latest().unwrap().0, b"c");
    }

    #[test]
    fn it_keeps_no_more_than_it_may_and_says_so() {
        let mut restless = Restless::new(5 * SECOND);
        for number in 0..2 * MOST {
            restless.note(number.to_string().as_bytes(), SECOND);
        }
        let (still, more) = restless.still(2 * SECOND);
        assert_eq!((still.len(), more), (MOST, true));
        // The old ones make room.
        tours(&mut restless, 2);
        restless.note(b"later", 9 * SECOND);
        let (still, more) = restless.still(10 * SECOND);
        assert_eq!((still.len(), more), (1, false));
    }
}
