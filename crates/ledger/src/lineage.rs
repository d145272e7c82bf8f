//! Which generation of its path a new one is: number, predecessor, recurrence. Pure.
//!
//! Only units have generations. A removal has the place of what is gone; a gap has none.

use model::{EventId, Fingerprint, Kind};

/// What an earlier row of the same path says. Rows of vanished units are not shown here: nothing
/// was ever announced of them, so they count for nothing. Nor are removals and gaps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Earlier {
    /// Whether it was announced (or else adopted).
    pub(crate) announced: bool,
    pub(crate) kind: Kind,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) number: u32,
    pub(crate) recurrence: u32,
    pub(crate) id: EventId,
    /// No row of the path before it has a later mtime.
    pub(crate) topmost: bool,
}

/// The place of a new generation among those of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: u32,
    pub(crate) supersedes: Option<EventId>,
    pub(crate) recurrence: u32,
    /// No earlier row of the path has a later mtime.
    pub(crate) topmost: bool,
}

impl Place {
    /// Of an event that is about no path.
    pub(crate) const ALONE: Self = Self { number: 0, supersedes: None, recurrence: 0, topmost: false };

    /// Of the removal of a generation: a path that comes and goes twice with the same content has
    /// removals with different ids, as its generations have.
    pub(crate) fn of_removal(gone: &Earlier) -> Self {
        Self { number: gone.number, supersedes: Some(gone.id), recurrence: gone.recurrence, topmost: false }
    }
}

/// Looks at the earlier rows, newest first, and stops as soon as everything is known.
#[derive(Debug)]
pub(crate) struct Lineage {
    kind: Kind,
    fingerprint: Fingerprint,
    place: Place,
    seen_any: bool,
    /// Set when the recurrence cannot change any more.
    recurrence_known: bool,
}

impl Lineage {
    /// For a new generation that looks like this.
    pub(crate) fn of(kind: Kind, fingerprint: Fingerprint) -> Self {
        let place = Place { number: 1, supersedes: None, recurrence: 0, topmost: true };
        Self { kind, fingerprint, place, seen_any: false, recurrence_known: false }
    }

    /// Takes the next older row into account; returns whether still older ones matter.
    pub(crate) fn look(&mut self, earlier: &Earlier) -> bool {
        let mtime = self.fingerprint.mtime;
        if !self.seen_any {
            self.seen_any = true;
            self.place.number = earlier.number.saturating_add(1);
            self.place.topmost = earlier.topmost && mtime >= earlier.fingerprint.mtime;
            // Every older row has an mtime that is not later than this one's: none can be equal.
            self.recurrence_known = earlier.topmost && mtime > earlier.fingerprint.mtime;
        }
        if earlier.announced && self.place.supersedes.is_none() {
            self.place.supersedes = Some(earlier.id);
        }
        if !self.recurrence_known && earlier.kind == self.kind && earlier.fingerprint == self.fingerprint {
            self.place.recurrence = earlier.recurrence.saturating_add(1);
            self.recurrence_known = true;
        }
        !(self.recurrence_known && self.place.supersedes.is_some())
    }

    /// The result.
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Stamp;

    fn print(mtime: i64) -> Fingerprint {
        Fingerprint { size: 1, mtime: Stamp::new(mtime, 0), inode: 7 }
    }

    /// Places a series of mtimes one after the other and counts how many rows were looked at last.
    fn series(mtimes: &[i64]) -> (Place, usize) {
        let mut rows: Vec<Earlier> = Vec::new();
        let mut looked = 0;
        let mut place = Lineage::of(Kind::File, print(0)).place();
        for (at, mtime) in mtimes.iter().enumerate() {
            let mut lineage = Lineage::of(Kind::File, print(*mtime));
            looked = 0;
            for row in rows.iter().rev() {
                looked += 1;
                if !lineage.look(row) {
                    break;
                }
            }
            place = lineage.place();
            rows.push(Earlier {
                announced: true,
                kind: Kind::File,
                fingerprint: print(*mtime),
                number: place.number,
                recurrence: place.recurrence,
                id: EventId([at as u8; 16]),
                topmost: place.topmost,
            });
        }
        (place, looked)
    }

    #[test]
    fn the_first_of_a_path() {
        let (place, _) = series(&[5]);
        assert_eq!(place, Place { number: 1, supersedes: None, recurrence: 0, topmost: true });
    }

    #[test]
    fn what_comes_back_recurs() {
        let (place, _) = series(&[5, 6, 5]);
        assert_eq!((place.number, place.recurrence, place.topmost), (3, 1, false));
        assert_eq!(place.supersedes, Some(EventId([1; 16])));
        assert_eq!(series(&[5, 6, 5, 7, 6]).0.recurrence, 1);
        assert_eq!(series(&[5, 6, 5, 7, 5]).0.recurrence, 2);
        assert_eq!(series(&[5, 5, 5]).0.recurrence, 2);
    }

    #[test]
    fn long_histories_are_not_read_again_each_time() {
        let rising: Vec<i64> = (0..500).collect();
        assert_eq!(series(&rising).1, 1);
        assert_eq!(series(&[3; 500]).1, 1);
        let mut falling_back = rising;
        falling_back.push(-1);
        assert_eq!(
            series(&falling_back),
            (Place { number: 501, supersedes: Some(EventId([243; 16])), recurrence: 0, topmost: false }, 500)
        );
    }

    #[test]
    fn agrees_with_counting_for_every_short_series() {
        for code in 0..3_i64.pow(6) {
            let mtimes: Vec<i64> = (0..6).map(|digit| code / 3_i64.pow(digit) % 3).collect();
            let last = mtimes[5];
            let expected = mtimes[..5].iter().filter(|mtime| **mtime == last).count() as u32;
            assert_eq!(series(&mtimes).0.recurrence, expected, "{mtimes:?}");
        }
    }
}
