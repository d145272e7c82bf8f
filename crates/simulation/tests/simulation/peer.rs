//! The sink's peer: takes, refuses, hangs, and remembers everything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{EventId, Parcel};
use sinks::{BoxFuture, Outcome, Sink, Trouble};

use crate::script::Mood;

/// An event that the peer has.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) id: EventId,
    pub(crate) seq: u64,
    pub(crate) path: String,
    /// Nobody was told that it was taken: it comes again.
    pub(crate) unanswered: bool,
}

#[derive(Debug)]
struct Desk {
    mood: Mood,
    taken: Vec<Taken>,
    /// How many events were offered.
    offers: usize,
}

/// The test's end and the sink's.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    desk: Arc<Mutex<Desk>>,
    batch: usize,
}

impl Peer {
    pub(crate) fn new(batch: usize) -> Self {
        Self { desk: Arc::new(Mutex::new(Desk { mood: Mood::Well, taken: Vec::new(), offers: 0 })), batch }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.desk().mood = mood;
    }

    /// What was taken since this was asked last.
    pub(crate) fn take(&self) -> Vec<Taken> {
        std::mem::take(&mut self.desk().taken)
    }

    /// The peer's answer; nothing where there is none.
    fn answer(&self, batch: &[Parcel]) -> Option<Result<Vec<Outcome>, Trouble>> {
        let mut desk = self.desk();
        let mood = desk.mood;
        let unanswered = matches!(mood, Mood::Mute | Mood::Stuck);
        let offers = desk.offers;
        desk.offers += batch.len();
        let refuses = |at: usize| mood == Mood::Picky && (offers + at) % 2 == 1 || mood == Mood::Down;
        for (_, parcel) in batch.iter().enumerate().filter(|(at, _)| !refuses(*at)) {
            let path = String::from_utf8_lossy(&parcel.path).into_owned();
            desk.taken.push(Taken { id: parcel.event.id, seq: parcel.seq, path, unanswered });
        }
        let outcome =
            |at: usize| if refuses(at) { Outcome::Retry("picky".into()) } else { Outcome::Delivered };
        match mood {
            Mood::Well | Mood::Picky => Some(Ok((0..batch.len()).map(outcome).collect())),
            Mood::Down | Mood::Mute => Some(Err(Trouble::Down("down".into()))),
            Mood::Stuck => None,
        }
    }
}

impl Sink for Peer {
    fn deliver<'a>(&'a mut self, batch: &'a [Parcel]) -> BoxFuture<'a, Result<Vec<Outcome>, Trouble>> {
        Box::pin(async {
            if let Some(answer) = self.answer(batch) {
                return answer;
            }
            // As a sink's own timeout does.
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            Err(Trouble::Down("no answer".into()))
        })
    }

    fn batch_limit(&self) -> usize {
        self.batch
    }
}
