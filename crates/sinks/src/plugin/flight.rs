//! Which events a running plugin was sent, and what it has said of each. Pure: it neither sends nor waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use model::Parcel;

/// One offer of one event.
type Offer = (u64, u32);

fn offer(parcel: &Parcel) -> Offer {
    (parcel.seq, parcel.attempt)
}

/// What must stay in order: the events of one path of one source.
fn lane(parcel: &Parcel) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&*parcel.source, &parcel.path).hash(&mut hasher);
    hasher.finish()
}

/// What a plugin said of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    /// Not now.
    Refused(String),
    /// Never.
    Rejected(String),
}

/// An answer that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NeverSent(pub(crate) u64);

#[derive(Debug)]
struct Sent {
    offer: Offer,
    lane: u64,
    answer: Option<Answer>,
    /// Nobody will ask for the answer: it was given, or the event must be sent again.
    forgotten: bool,
}

/// The events of one run of a plugin, numbered from 1 as they are sent.
#[derive(Debug)]
pub(crate) struct Flight {
    /// The number of the oldest in `sent`.
    first: u64,
    sent: VecDeque<Sent>,
    /// Where the offers are that somebody may ask for.
    known: HashMap<Offer, u64>,
    /// Paths with a refused event: later ones wait until it has been taken.
    refused: HashSet<u64>,
    open: usize,
    window: usize,
}

impl Flight {
    /// Nothing is under way; at most `window` events may be.
    pub(crate) fn new(window: usize) -> Self {
        let (known, refused) = (HashMap::new(), HashSet::new());
        Self { first: 1, sent: VecDeque::new(), known, refused, open: 0, window: window.max(1) }
    }

    /// How many events are not answered.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    pub(crate) fn has_room(&self) -> bool {
        self.open < self.window
    }

    /// Whether this offer was sent in this run and its answer is still to be had, now or later.
    pub(crate) fn knows(&self, parcel: &Parcel) -> bool {
        self.known.contains_key(&offer(parcel))
    }

    /// Whether an earlier event of the same path was refused and has not been taken back.
    pub(crate) fn is_held_up(&self, parcel: &Parcel) -> bool {
        !self.refused.is_empty() && self.refused.contains(&lane(parcel))
    }

    /// Nobody will ask for the refused event of this path: it holds up nobody any more.
    pub(crate) fn release(&mut self, parcel: &Parcel) {
        self.refused.remove(&lane(parcel));
    }

    /// Takes down an event that is sent now; its number.
    pub(crate) fn send(&mut self, parcel: &Parcel) -> u64 {
        let number = self.first + self.sent.len() as u64;
        let (offer, lane) = (offer(parcel), lane(parcel));
        self.known.insert(offer, number);
        self.sent.push_back(Sent { offer, lane, answer: None, forgotten: false });
        self.open += 1;
        self.trim();
        number
    }

    /// All up to `number` are done; whether that is news.
    pub(crate) fn ack(&mut self, number: u64) -> Result<bool, NeverSent> {
        if number >= self.first + self.sent.len() as u64 {
            return Err(NeverSent(number));
        }
        let before = self.open;
        let upto = (number + 1).saturating_sub(self.first) as usize;
        // What was answered before lies mostly in front and is soon trimmed away.
        for sent in self.sent.iter_mut().take(upto).filter(|sent| sent.answer.is_none()) {
            sent.answer = Some(Answer::Done);
            self.open -= 1;
        }
        self.trim();
        Ok(self.open != before)
    }

    /// Whether this is an event's first offer, so that what is said of it is news.
    pub(crate) fn is_first_offer(&self, number: u64) -> bool {
        let at = number.checked_sub(self.first).and_then(|at| self.sent.get(at as usize));
        at.is_some_and(|sent| sent.answer.is_none() && sent.offer.1 <= 1)
    }

    /// One event is refused. Later ones of its path count as not sent, so that they come after it.
    pub(crate) fn refuse(&mut self, number: u64, answer: Answer) -> Result<(), NeverSent> {
        let Some(at) = number.checked_sub(self.first).map(|at| at as usize) else {
            // It was acknowledged long ago, and that stands.
            return if number == 0 { Err(NeverSent(0)) } else { Ok(()) };
        };
        let sent = self.sent.get_mut(at).ok_or(NeverSent(number))?;
        if sent.answer.is_some() {
            return Ok(());
        }
        let (lane, again) = (sent.lane, matches!(answer, Answer::Refused(_)));
        sent.answer = Some(answer);
        self.open -= 1;
        if again && !sent.forgotten {
            self.refused.insert(lane);
            for later in self.sent.iter_mut().skip(at + 1).filter(|later| later.lane == lane) {
                later.forgotten = true;
                self.known.remove(&later.offer);
            }
        }
        Ok(())
    }

    /// The answer to an offer, once.
    pub(crate) fn take(&mut self, parcel: &Parcel) -> Option<Answer> {
        let number = *self.known.get(&offer(parcel))?;
        let sent = self.sent.get_mut((number - self.first) as usize)?;
        let answer = sent.answer.clone()?;
        sent.forgotten = true;
        if matches!(answer, Answer::Refused(_)) {
            self.refused.remove(&sent.lane);
        }
        self.known.remove(&offer(parcel));
        self.trim();
        Some(answer)
    }

    /// Forgets what nobody can ask for, and the oldest answers that nobody has asked for in a long time (their
    /// events went elsewhere).
    fn trim(&mut self) {
        while let Some(oldest) = self.sent.front() {
            let stale = oldest.forgotten || self.sent.len() > 4 * self.window;
            if oldest.answer.is_none() || !stale {
                return;
            }
            if let Some(gone) = self.sent.pop_front() {
                if self.known.get(&gone.offer) == Some(&self.first) {
                    self.known.remove(&gone.offer);
                }
                if !gone.forgotten && matches!(gone.answer, Some(Answer::Refused(_))) {
                    self.refused.remove(&gone.lane);
                }
                self.first += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::numbered;

    fn refused() -> Answer {
        Answer::Refused("no".into())
    }

    #[test]
    fn an_ack_covers_all_before_it_and_is_given_once() {
        let mut flight = Flight::new(3);
        let batch: Vec<_> = (1..=3).map(|seq| numbered(seq, format!("f{seq}").as_bytes())).collect();
        assert_eq!(batch.iter().map(|parcel| flight.send(parcel)).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(!flight.has_room() && flight.take(&batch[0]).is_none());
        assert_eq!((flight.ack(2), flight.ack(2), flight.ack(1)), (Ok(true), Ok(false), Ok(false)));
        assert_eq!((flight.open(), flight.ack(4)), (1, Err(NeverSent(4))));
        assert_eq!(flight.take(&batch[1]), Some(Answer::Done));
        assert_eq!(flight.take(&batch[1]), None);
        assert!(flight.knows(&batch[0]) && flight.knows(&batch[2]) && !flight.knows(&batch[1]));
        assert_eq!(flight.take(&batch[0]), Some(Answer::Done));
        assert_eq!((flight.first, flight.sent.len()), (3, 1));
    }

    #[test]
    fn behind_a_refused_event_later_ones_of_its_path_are_sent_again() {
        let mut flight = Flight::new(9);
        let (a, b, later) = (numbered(1, b"a"), numbered(2, b"b"), numbered(3, b"a"));
        for parcel in [&a, &b, &later] {
            flight.send(parcel);
        }
        flight.refuse(1, refused()).unwrap();
        assert!(flight.is_held_up(&later) && !flight.is_held_up(&b) && !flight.knows(&later));
        assert_eq!(flight.ack(3), Ok(true));
        assert_eq!(flight.take(&a), Some(refused()));
        assert_eq!((flight.take(&b), flight.take(&later)), (Some(Answer::Done), None));
        assert!(!flight.is_held_up(&later) && flight.sent.is_empty());
        assert_eq!(flight.send(&later), 4);
    }

    #[test]
    fn an_event_that_is_rejected_for_good_holds_up_nobody() {
        let mut flight = Flight::new(9);
        let (first, second) = (numbered(1, b"a"), numbered(2, b"a"));
        flight.send(&first);
        flight.send(&second);
        flight.refuse(1, Answer::Rejected("never".into())).unwrap();
        assert!(flight.knows(&second) && !flight.is_held_up(&second));
        assert_eq!(flight.refuse(5, refused()), Err(NeverSent(5)));
        assert_eq!(flight.refuse(0, refused()), Err(NeverSent(0)));
    }

    #[test]
    fn another_attempt_is_another_offer_and_answers_do_not_pile_up() {
        let mut flight = Flight::new(2);
        let parcel = numbered(1, b"a");
        flight.send(&parcel);
        assert!(!flight.knows(&Parcel { attempt: 2, ..parcel }));
        for seq in 2..100 {
            let number = flight.send(&numbered(seq, b"b"));
            flight.ack(number).unwrap();
        }
        assert!(flight.sent.len() <= 9 && flight.known.len() <= 9, "{}", flight.sent.len());
    }
}
