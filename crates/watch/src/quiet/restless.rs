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
}

/// The paths that have changed of late.
#[derive(Debug)]
pub struct Restless {
    period: Duration,
    paths: HashMap<Vec<u8>, Unrest>,
    latest: Option<(Vec<u8>, Unrest)>,
    /// When a path was seen to change last for which there was no room.
    beyond: Option<Mono>,
}

impl Restless {
    /// Paths that change at least once in each period are of interest.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self { period, paths: HashMap::new(), latest: None, beyond: None }
    }

    /// The path changed, or was changed when it was looked at.
    pub fn note(&mut self, path: &[u8], now: Mono) {
        let fresh = Unrest { since: now, last: now };
        if self.paths.len() >= MOST && !self.paths.contains_key(path) {
            let period = self.period;
            self.paths.retain(|_, unrest| unrest.last + period > now);
        }
        let mut unrest = fresh;
        if self.paths.len() < MOST || self.paths.contains_key(path) {
            let kept = self.paths.entry(path.to_vec()).or_insert(fresh);
            if kept.last + self.period <= now {
                *kept = fresh;
            }
            kept.last = now;
            unrest = *kept;
        } else {
            self.beyond = Some(now);
        }
        self.latest = Some((path.to_vec(), unrest));
    }

    /// What has changed last.
    #[must_use]
    pub fn latest(&self) -> Option<(&[u8], Unrest)> {
        self.latest.as_ref().map(|(path, unrest)| (path.as_slice(), *unrest))
    }

    /// What has changed within the last period, the latest first, and whether there is more.
    #[must_use]
    pub fn still(&self, now: Mono) -> (Vec<(&[u8], Unrest)>, bool) {
        let recent = |last: Mono| last + self.period > now;
        let mut still: Vec<(&[u8], Unrest)> = self
            .paths
            .iter()
            .filter(|(_, unrest)| recent(unrest.last))
            .map(|(path, unrest)| (path.as_slice(), *unrest))
            .collect();
        still.sort_by(|one, two| two.1.last.cmp(&one.1.last).then(one.0.cmp(two.0)));
        (still, self.beyond.is_some_and(recent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn since_when_is_since_the_last_quiet_period() {
        let mut restless = Restless::new(5 * SECOND);
        for at in [1, 4, 8] {
            restless.note(b"a", at * SECOND);
        }
        let unrest = Unrest { since: SECOND, last: 8 * SECOND };
        assert_eq!(restless.still(9 * SECOND), (vec![(&b"a"[..], unrest)], false));
        restless.note(b"a", 13 * SECOND);
        let anew = Unrest { since: 13 * SECOND, last: 13 * SECOND };
        assert_eq!(restless.still(13 * SECOND).0, [(&b"a"[..], anew)]);
    }

    #[test]
    fn what_is_quiet_is_not_named_and_the_latest_comes_first() {
        let mut restless = Restless::new(5 * SECOND);
        for (path, at) in [(b"a", 1), (b"b", 6), (b"c", 7)] {
            restless.note(path, at * SECOND);
        }
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
        restless.note(b"later", 9 * SECOND);
        let (still, more) = restless.still(10 * SECOND);
        assert_eq!((still.len(), more), (1, false));
    }
}
