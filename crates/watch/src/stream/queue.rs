//! The kernel's queue, and what was read from it and not thought about yet.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use settle::Mono;
use sys::dir::{Place, stamp_of_now};
use sys::inotify::{self, RawEvent};
use sys::{Errno, Inotify};

use super::name::Name;
use crate::tree::Wd;

/// When a file was changed, as file systems keep it.
pub(super) type Stamp = (i64, u32);

/// One event, out of the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) wd: Wd,
    pub(super) mask: u32,
    pub(super) cookie: u32,
    pub(super) name: Name,
}

impl From<RawEvent<'_>> for Event {
    fn from(raw: RawEvent<'_>) -> Self {
        Self { wd: raw.wd, mask: raw.mask, cookie: raw.cookie, name: raw.name.into() }
    }
}

/// The head of an event without its name.
const HEAD: usize = 16;
/// One read takes so much: some two thousand events.
const READ: usize = 64 * 1024;
/// So much may wait here: some 300 000 events. When it is full nothing is read, the kernel's own queue fills,
/// overflows, and says so.
const LIMIT: usize = 16 << 20;
/// The two halves of a rename are queued by one system call, one right after the other. So long the second one
/// is waited for when the first was the last that was read.
const HOLD: Duration = Duration::from_millis(5);

/// An instance with its events.
#[derive(Debug)]
pub(super) struct Queue {
    inotify: Inotify,
    buffer: Box<[u8]>,
    waiting: Waiting,
    /// What changed before this was read of.
    emptied: Stamp,
    /// An overflow waits to be handled: what changed from here on may not have been told.
    lost_since: Option<Stamp>,
}

impl Queue {
    pub(super) fn open() -> Result<Self, Errno> {
        Ok(Self {
            inotify: Inotify::open()?,
            buffer: vec![0; READ].into(),
            waiting: Waiting::default(),
            emptied: stamp_of_now(),
            lost_since: None,
        })
    }

    /// Reads what the kernel has, up to the limit.
    pub(super) fn intake(&mut self) {
        let before = stamp_of_now();
        while self.waiting.bytes.len() < LIMIT {
            // There is no error but "nothing there": the buffer is large enough and the descriptor ours.
            let read = self.inotify.read(&mut self.buffer).unwrap_or(0);
            if self.waiting.append(&self.buffer[..read]) {
                self.lost_since.get_or_insert(self.emptied);
            }
            // A read that left much room has emptied the queue.
            if read < READ / 2 {
                self.emptied = before;
                return;
            }
        }
    }

    /// The next event to be thought about, with the other half if it is the first half of a rename within what
    /// is heard. Nothing while there is none, or while a directory's other half may still come.
    pub(super) fn next(&mut self, now: Mono) -> Option<(Event, Option<Event>)> {
        self.waiting.skip_blanks();
        if self.waiting.needs_more() {
            self.intake();
        }
        self.waiting.next(now)
    }

    /// Whether all that was read was handed out.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Until when the first event is held back, if it is.
    pub(super) fn held_until(&self) -> Option<Mono> {
        self.waiting.held.map(|(until, _)| until)
    }

    /// What may have changed untold since the overflow that was read last; told once.
    pub(super) fn take_loss(&mut self) -> Stamp {
        self.lost_since.take().unwrap_or(self.emptied)
    }

    pub(super) fn watch(&self, place: &Place, mask: u32) -> Result<Wd, Errno> {
        self.inotify.watch(place, mask)
    }

    pub(super) fn disarm(&self, wd: Wd) {
        self.inotify.disarm(wd);
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Events in the order in which they were read, and where in it the second halves of renames are.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// So much of it was handed out.
    at: usize,
    /// So much was handed out and thrown away before: positions grow for ever.
    base: u64,
    /// Where second halves begin, by their cookies.
    second: HashMap<u32, u64>,
    /// The first event is a directory's first half without the second: until when it waits, and where the end was.
    held: Option<(Mono, u64)>,
    /// What was read before this position has waited long enough.
    sure: u64,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn end(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    fn here(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Adds what was read; true if an overflow is in it.
    fn append(&mut self, read: &[u8]) -> bool {
        self.compact();
        let (mut at, mut overflow) = (self.end(), false);
        for event in inotify::events(read) {
            overflow |= event.mask & inotify::Q_OVERFLOW != 0;
            if event.mask & inotify::MOVED_TO != 0 {
                self.second.insert(event.cookie, at);
            }
            at += length(&read[(at - self.end()) as usize..]) as u64;
        }
        self.bytes.extend_from_slice(read);
        overflow
    }

    fn compact(&mut self) {
        if self.at > self.bytes.len() / 2 {
            self.bytes.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
    }

    fn first(&self) -> Option<RawEvent<'_>> {
        inotify::events(&self.bytes[self.at..]).next()
    }

    /// Whether the first event is a directory's first half, and the second is not there.
    fn needs_more(&self) -> bool {
        let lonely = |event: RawEvent<'_>| {
            event.mask & inotify::MOVED_FROM != 0
                && event.mask & inotify::ISDIR != 0
                && !self.second.contains_key(&event.cookie)
                && self.here() >= self.sure
        };
        self.first().is_some_and(lonely)
    }

    /// What was handed out before its turn is blank.
    fn skip_blanks(&mut self) {
        while self.first().is_some_and(|event| event.mask == 0) {
            self.at += length(&self.bytes[self.at..]);
        }
    }

    fn next(&mut self, now: Mono) -> Option<(Event, Option<Event>)> {
        self.skip_blanks();
        if self.needs_more() && !self.is_held_enough(now) {
            return None;
        }
        self.held = None;
        let event = Event::from(self.first()?);
        if event.mask & inotify::MOVED_TO != 0 && self.second.get(&event.cookie) == Some(&self.here()) {
            self.second.remove(&event.cookie);
        }
        self.at += length(&self.bytes[self.at..]);
        let second = (event.mask & inotify::MOVED_FROM != 0).then(|| self.take_second(event.cookie));
        Some((event, second.flatten()))
    }

    /// Whether the first half that is the first event has waited for long enough.
    fn is_held_enough(&mut self, now: Mono) -> bool {
        let (until, end) = *self.held.get_or_insert((now + HOLD, self.base + self.bytes.len() as u64));
        if now >= until {
            self.sure = self.sure.max(end);
        }
        now >= until
    }

    /// Takes a second half out of its turn. Between the halves of a rename the kernel lets nothing happen to the
    /// names of the two directories, so it may come at once.
    fn take_second(&mut self, cookie: u32) -> Option<Event> {
        let at = self.second.remove(&cookie)?.checked_sub(self.base)? as usize;
        let event = inotify::events(self.bytes.get(at..)?).next().map(Event::from)?;
        self.bytes[at + 4..at + 8].fill(0);
        Some(event)
    }
}

/// How long the first event in `bytes` is; all, if there is no whole one.
fn length(bytes: &[u8]) -> usize {
    let Some(head) = bytes.first_chunk::<HEAD>() else { return bytes.len() };
    let name = u32::from_ne_bytes([head[12], head[13], head[14], head[15]]) as usize;
    (HEAD + name).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Mono = Duration::from_secs(1);

    fn event(mask: u32, cookie: u32, name: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [1, mask, cookie, 16] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(name);
        bytes.resize(HEAD + 16, 0);
        bytes
    }

    fn next(waiting: &mut Waiting, now: Mono) -> Option<(String, Option<String>)> {
        let text = |event: Event| event.name.bytes().escape_ascii().to_string();
        waiting.next(now).map(|(event, second)| (text(event), second.map(text)))
    }

    fn pair(first: &str, second: Option<&str>) -> (String, Option<String>) {
        (first.into(), second.map(Into::into))
    }

    const FROM: u32 = inotify::MOVED_FROM | inotify::ISDIR;
    const TO: u32 = inotify::MOVED_TO | inotify::ISDIR;

    #[test]
    fn a_second_half_comes_with_the_first_and_not_again() {
        let mut waiting = Waiting::default();
        let read = [event(FROM, 7, b"a"), event(inotify::OPEN, 0, b"x"), event(TO, 7, b"b")].concat();
        assert!(!waiting.append(&read));
        assert_eq!(next(&mut waiting, SOON), Some(pair("a", Some("b"))));
        assert_eq!(next(&mut waiting, SOON), Some(pair("x", None)));
        assert_eq!(next(&mut waiting, SOON), None);
        assert!(waiting.is_empty() && waiting.second.is_empty());
    }

    #[test]
    fn a_directory_s_first_half_waits_a_little_for_the_second() {
        let mut waiting = Waiting::default();
        waiting.append(&[event(FROM, 7, b"a"), event(FROM, 8, b"b")].concat());
        assert_eq!(next(&mut waiting, SOON), None);
        waiting.append(&event(TO, 8, b"c"));
        assert_eq!(next(&mut waiting, SOON + HOLD / 2), None);
        assert_eq!(next(&mut waiting, SOON + HOLD), Some(pair("a", None)));
        assert_eq!(next(&mut waiting, SOON + HOLD), Some(pair("b", Some("c"))));
    }

    #[test]
    fn many_that_were_read_together_wait_together() {
        let mut waiting = Waiting::default();
        for cookie in 1..100 {
            waiting.append(&event(FROM, cookie, b"a"));
        }
        assert_eq!(next(&mut waiting, SOON), None);
        for _ in 1..100 {
            assert_eq!(next(&mut waiting, SOON + HOLD), Some(pair("a", None)));
        }
    }

    #[test]
    fn a_file_s_first_half_does_not_wait_and_a_late_second_comes_alone() {
        let mut waiting = Waiting::default();
        waiting.append(&event(inotify::MOVED_FROM, 7, b"a"));
        assert_eq!(next(&mut waiting, SOON), Some(pair("a", None)));
        waiting.append(&event(inotify::MOVED_TO, 7, b"b"));
        assert_eq!(next(&mut waiting, SOON), Some(pair("b", None)));
        assert!(waiting.second.is_empty());
    }

    #[test]
    fn what_was_handed_out_takes_no_room_and_positions_go_on() {
        let mut waiting = Waiting::default();
        for round in 0..1_000 {
            waiting.append(&[event(FROM, round, b"a"), event(TO, round, b"b")].concat());
            assert_eq!(next(&mut waiting, SOON), Some(pair("a", Some("b"))));
            assert!(waiting.bytes.len() < 1_000);
        }
        assert_eq!(next(&mut waiting, SOON), None);
        assert!(waiting.append(&event(inotify::Q_OVERFLOW, 0, b"")));
    }
}
