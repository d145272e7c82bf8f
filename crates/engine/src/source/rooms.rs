//! How much may be announced again: what the queues of the sinks have room for.

use std::collections::HashMap;

/// What a sink said of its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// Entries that lie in it; nothing if the sink did not say.
    pub(crate) length: Option<u64>,
    /// Events that our ledger still holds for the sink: they will lie in it, too.
    pub(crate) coming: u64,
}

/// The room that is left, by sink.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// A sink that did not say is missing: what it does not take would only pile up.
    left: HashMap<String, u64>,
    /// Something did not fit.
    cut: bool,
}

impl Rooms {
    /// From what the sinks have said. At the start, what lies there is announced whether or not they
    /// said anything: there may be no other turn.
    pub(super) fn of(queues: &HashMap<String, Queue>, limit: Option<u64>, at_start: bool) -> Self {
        let left = |queue: &Queue| match (queue.length, limit) {
            (None, _) if !at_start => None,
            (_, None) => Some(u64::MAX),
            (length, Some(limit)) => Some(limit.saturating_sub(length.unwrap_or(0) + queue.coming)),
        };
        let left = queues.iter().filter_map(|(sink, queue)| Some((sink.clone(), left(queue)?)));
        Self { left: left.collect(), cut: false }
    }

    /// Whether there is room for one more in every one of these queues: the fullest decides.
    pub(super) fn has_any(&self, sinks: &[String]) -> bool {
        !sinks.is_empty() && sinks.iter().all(|sink| self.left.get(sink).is_some_and(|left| *left > 0))
    }

    /// Takes room for one in every one of these queues, if all have it.
    pub(super) fn take(&mut self, sinks: &[String]) -> bool {
        if !self.has_any(sinks) {
            self.cut |= sinks.iter().any(|sink| self.left.get(sink) == Some(&0));
            return false;
        }
        for sink in sinks {
            if let Some(left) = self.left.get_mut(sink) {
                *left -= 1;
            }
        }
        true
    }

    /// Whether something did not fit into a queue whose length is known.
    pub(super) const fn was_cut(&self) -> bool {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn rooms(limit: Option<u64>, at_start: bool) -> Rooms {
        let queues = [("empty", Some(0), 0), ("full", Some(2), 1), ("down", None, 0)];
        let queue = |(name, length, coming): (&str, _, _)| (name.to_owned(), Queue { length, coming });
        Rooms::of(&queues.into_iter().map(queue).collect(), limit, at_start)
    }

    #[test]
    fn the_fullest_queue_decides() {
        let mut rooms = rooms(Some(4), false);
        assert!(rooms.take(&names(&["empty", "full"])));
        assert!(!rooms.was_cut());
        assert!(!rooms.take(&names(&["empty", "full"])), "two lie in it, one comes, one was taken");
        assert!(rooms.was_cut());
        assert!(rooms.take(&names(&["empty"])));
    }

    #[test]
    fn what_did_not_fit_into_one_queue_takes_no_room_in_another() {
        let mut rooms = rooms(Some(3), false);
        for _ in 0..9 {
            assert!(!rooms.take(&names(&["empty", "full"])));
        }
        let fits = (0..9).filter(|_| rooms.take(&names(&["empty"]))).count();
        assert_eq!(fits, 3);
    }

    #[test]
    fn a_sink_that_does_not_say_gets_nothing_but_at_the_start() {
        let mut later = rooms(None, false);
        assert!(!later.take(&names(&["empty", "down"])) && !later.was_cut());
        assert!(later.take(&names(&["empty"])));
        assert!(rooms(None, true).take(&names(&["empty", "down"])));
        assert!(!rooms(None, true).take(&[]), "nobody would get it");
    }
}
