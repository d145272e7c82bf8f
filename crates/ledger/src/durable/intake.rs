//! The way to the writer: one bounded queue in order of submission.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::entry::{Entry, Report};
use crate::error::Closed;
use crate::options::SinkId;

use super::ask::Ask;

/// How many entries may wait. When it is full, `submit` blocks until the writer has taken some:
/// the caller then reads no more hints, the kernel queue may overflow, and reconciliation heals it.
const ENTRY_LIMIT: usize = 8192;

/// How many reports may wait. When it is full, `report` blocks: a sink gets no further ahead of
/// what is recorded about it.
const REPORT_LIMIT: usize = 1024;

/// So many entries make a round worth beginning at once.
const WORTHWHILE: usize = 256;

/// At most so many entries go into one round (and the last batch whole).
const ROUND_LIMIT: usize = 4096;

/// How long after the beginning of one round the next one begins, unless it is worthwhile earlier.
const PACE: Duration = Duration::from_millis(2);

/// What reaches the writer.
pub(crate) enum Message {
    Entries(Vec<Entry>),
    Report(SinkId, Report),
    /// A request whose caller waits. Callers wait one at a time, so these need no bound.
    Ask(Box<dyn Ask>),
}

/// What the writer finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Messages to apply.
    Work,
    /// Nothing for a while.
    Idle,
    /// Nothing, and nothing will come.
    Closed,
}

/// The queue.
#[derive(Default)]
pub(crate) struct Intake {
    queue: Mutex<Queue>,
    /// For the writer.
    work: Condvar,
    /// For submitters.
    room: Condvar,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    entries: usize,
    reports: usize,
    asks: usize,
    /// Events in entries and reports: what makes a round worthwhile.
    events: usize,
    closed: bool,
    writer: Writer,
}

/// What the writer waits for, so that it is not woken for nothing.
#[derive(Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Busy,
    /// Anything.
    Idle,
    /// A worthwhile round; it looks again by itself soon.
    Pacing,
}

impl Queue {
    fn due(&self) -> bool {
        self.asks > 0 || self.events >= WORTHWHILE || self.closed
    }

    fn add(&mut self, message: Message) {
        match &message {
            Message::Entries(batch) => {
                self.entries += batch.len();
                self.events += batch.len();
            }
            Message::Report(_, report) => {
                self.reports += 1;
                self.events += report_weight(report);
            }
            Message::Ask(_) => self.asks += 1,
        }
        self.messages.push_back(message);
    }

    /// Moves messages out, oldest first, up to the size of one round; returns how many entries.
    fn drain(&mut self, into: &mut Vec<Message>) {
        let mut taken = 0;
        while taken < ROUND_LIMIT
            && let Some(message) = self.messages.pop_front()
        {
            match &message {
                Message::Entries(batch) => {
                    taken += batch.len();
                    self.entries -= batch.len();
                    self.events -= batch.len();
                }
                Message::Report(_, report) => {
                    self.reports -= 1;
                    self.events -= report_weight(report);
                }
                Message::Ask(_) => self.asks -= 1,
            }
            into.push(message);
        }
    }
}

fn report_weight(report: &Report) -> usize {
    report.delivered as usize + report.parked.len() + report.dead.len() + report.unparked_delivered.len()
}

impl Intake {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds entries; blocks while there is no room.
    pub(crate) fn submit(&self, batch: Vec<Entry>) -> Result<(), Closed> {
        if batch.is_empty() {
            return if self.lock().closed { Err(Closed) } else { Ok(()) };
        }
        self.add(Message::Entries(batch), |queue| queue.entries >= ENTRY_LIMIT)
    }

    /// Adds a report; blocks while there is no room.
    pub(crate) fn report(&self, sink: SinkId, report: Report) -> Result<(), Closed> {
        self.add(Message::Report(sink, report), |queue| queue.reports >= REPORT_LIMIT)
    }

    /// Adds a report if there is room; gives it back if not, or if nothing is taken any more.
    pub(crate) fn report_at_once(&self, sink: SinkId, report: Report) -> Option<Report> {
        let queue = self.lock();
        if queue.closed || queue.reports >= REPORT_LIMIT {
            return Some(report);
        }
        self.put(queue, Message::Report(sink, report));
        None
    }

    /// Adds a request.
    pub(crate) fn ask(&self, ask: Box<dyn Ask>) -> Result<(), Closed> {
        self.add(Message::Ask(ask), |_| false)
    }

    fn add(&self, message: Message, full: impl Fn(&Queue) -> bool) -> Result<(), Closed> {
        let mut queue = self.lock();
        while !queue.closed && full(&queue) {
            queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.closed {
            return Err(Closed);
        }
        self.put(queue, message);
        Ok(())
    }

    fn put(&self, mut queue: MutexGuard<'_, Queue>, message: Message) {
        queue.add(message);
        let wake = match queue.writer {
            Writer::Busy => false,
            Writer::Idle => true,
            Writer::Pacing => queue.due(),
        };
        if wake {
            queue.writer = Writer::Busy;
            drop(queue);
            self.work.notify_one();
        }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Takes what makes the next round; waits for it, at most `patience` when there is nothing.
    pub(crate) fn take(&self, last_round: Instant, patience: Duration, into: &mut Vec<Message>) -> Taken {
        let mut queue = self.lock();
        loop {
            let since = last_round.elapsed();
            if queue.messages.is_empty() && queue.closed {
                return Taken::Closed;
            }
            if !queue.messages.is_empty() && (queue.due() || since >= PACE) {
                break;
            }
            let wait = if queue.messages.is_empty() {
                queue.writer = Writer::Idle;
                patience
            } else {
                queue.writer = Writer::Pacing;
                PACE.saturating_sub(since)
            };
            let (back, timeout) = self.work.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner);
            queue = back;
            queue.writer = Writer::Busy;
            if timeout.timed_out() && queue.messages.is_empty() && !queue.closed {
                return Taken::Idle;
            }
        }
        queue.drain(into);
        drop(queue);
        self.room.notify_all();
        Taken::Work
    }

    /// Takes no more messages; what is there is still given to the writer.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Waits that long, or until the intake is closed; returns whether it is.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let mut queue = self.lock();
        let until = Instant::now() + time;
        while !queue.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self.work.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.closed
    }

    /// Throws away what nobody will take any more; returns how many entries that were.
    pub(crate) fn abandon(&self) -> usize {
        let mut queue = self.lock();
        queue.closed = true;
        let entries = queue.entries;
        *queue = Queue { closed: true, ..Queue::default() };
        drop(queue);
        self.room.notify_all();
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn absent() -> Entry {
        let path: Box<[u8]> = (*b"x").into();
        let key = model::PathKey::of(&path);
        Entry::Absent { source: crate::SourceId(1), key, path, at: model::Stamp::default() }
    }

    #[test]
    fn a_single_entry_is_not_delayed_and_a_stream_is_gathered() {
        let intake = Intake::default();
        let mut taken = Vec::new();
        intake.submit(vec![absent()]).unwrap();
        let long_ago = Instant::now().checked_sub(PACE).unwrap();
        assert_eq!(intake.take(long_ago, PACE, &mut taken), Taken::Work);
        intake.submit(vec![absent()]).unwrap();
        let begun = Instant::now();
        assert_eq!(intake.take(begun, PACE, &mut taken), Taken::Work);
        assert!(begun.elapsed() >= PACE);
        let many = (0..WORTHWHILE).map(|_| absent()).collect();
        intake.submit(many).unwrap();
        let in_future = Instant::now() + Duration::from_hours(1);
        assert_eq!(intake.take(in_future, PACE, &mut taken), Taken::Work);
        assert_eq!(taken.len(), 3);
    }

    /// Whoever does not block has long gone on by then; who does cannot fail here.
    fn stays_blocked<T>(thread: &std::thread::JoinHandle<T>) -> bool {
        let until = Instant::now() + Duration::from_millis(300);
        while Instant::now() < until && !thread.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        !thread.is_finished()
    }

    #[test]
    fn reports_block_until_there_is_room() {
        let intake = Arc::new(Intake::default());
        (0..REPORT_LIMIT).for_each(|_| intake.report(SinkId(1), Report::default()).unwrap());
        let other = Arc::clone(&intake);
        let blocked = std::thread::spawn(move || other.report(SinkId(1), Report::default()));
        assert!(stays_blocked(&blocked), "there was no room");
        let long_ago = Instant::now().checked_sub(PACE).unwrap();
        assert_eq!(intake.take(long_ago, PACE, &mut Vec::new()), Taken::Work);
        assert_eq!(blocked.join().unwrap(), Ok(()));
    }

    #[test]
    fn a_full_intake_blocks_until_there_is_room() {
        let intake = Arc::new(Intake::default());
        intake.submit((0..ENTRY_LIMIT).map(|_| absent()).collect()).unwrap();
        let other = Arc::clone(&intake);
        let blocked = std::thread::spawn(move || other.submit(vec![absent()]));
        assert!(stays_blocked(&blocked), "there was no room");
        let mut taken = Vec::new();
        assert_eq!(intake.take(Instant::now(), PACE, &mut taken), Taken::Work);
        assert_eq!(blocked.join().unwrap(), Ok(()));
        intake.close();
        assert_eq!(intake.submit(vec![absent()]), Err(Closed));
        assert_eq!(intake.take(Instant::now(), PACE, &mut taken), Taken::Work, "what is there is given");
        assert_eq!(intake.take(Instant::now(), PACE, &mut taken), Taken::Closed);
    }
}
