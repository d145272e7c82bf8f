//! A queue of events as inotify keeps it: it merges neighbours that are equal, and overflows.

use std::collections::{HashMap, VecDeque};

use sys::inotify::{self, Wd};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    wd: Wd,
    mask: u32,
    cookie: u32,
    name: String,
}

/// One instance with its watches.
#[derive(Debug, Default)]
pub(super) struct Queue {
    watches: HashMap<u64, Wd>,
    last_wd: Wd,
    events: VecDeque<Event>,
    /// Everything is dropped until somebody reads.
    full: bool,
    /// How many events a read gives at most; nothing: as many as there are.
    pub(super) portion: Option<usize>,
}

impl Event {
    fn push_to(&self, buffer: &mut [u8], at: usize) -> Option<usize> {
        let padded = if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(16) };
        let end = at + 16 + padded;
        let target = buffer.get_mut(at..end)?;
        let words = [self.wd as u32, self.mask, self.cookie, padded as u32];
        for (word, place) in words.iter().zip(target.chunks_exact_mut(4)) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        target[16..].fill(0);
        target[16..16 + self.name.len()].copy_from_slice(self.name.as_bytes());
        Some(end)
    }
}

impl Queue {
    pub(super) fn arm(&mut self, inode: u64) -> Wd {
        let last = &mut self.last_wd;
        *self.watches.entry(inode).or_insert_with(|| {
            *last += 1;
            *last
        })
    }

    pub(super) fn disarm(&mut self, wd: Wd, room: usize) {
        let watched = self.watches.iter().find(|(_, at)| **at == wd).map(|(inode, _)| *inode);
        if let Some(inode) = watched {
            self.watches.remove(&inode);
            self.push(Event { wd, mask: inotify::IGNORED, cookie: 0, name: String::new() }, room);
        }
    }

    /// Says whether the queue overflowed by this.
    pub(super) fn tell(&mut self, inode: u64, mask: u32, cookie: u32, name: &str, room: usize) -> bool {
        let Some(&wd) = self.watches.get(&inode) else { return false };
        self.push(Event { wd, mask, cookie, name: name.to_owned() }, room)
    }

    fn push(&mut self, event: Event, room: usize) -> bool {
        if self.full || self.events.back() == Some(&event) {
            return false;
        }
        if self.events.len() >= room {
            self.overflow();
            return true;
        }
        self.events.push_back(event);
        false
    }

    pub(super) fn overflow(&mut self) {
        if !std::mem::replace(&mut self.full, true) {
            let event = Event { wd: -1, mask: inotify::Q_OVERFLOW, cookie: 0, name: String::new() };
            self.events.push_back(event);
        }
    }

    /// The last events are lost, and nothing tells of it.
    pub(super) fn lose(&mut self, events: usize) {
        let told = |event: &Event| event.mask & (inotify::Q_OVERFLOW | inotify::IGNORED) == 0;
        for _ in 0..events {
            if self.events.back().is_some_and(told) {
                self.events.pop_back();
            }
        }
    }

    /// Events of different files come in another order.
    pub(super) fn reorder(&mut self) {
        let of_file = |event: &Event| !event.name.is_empty() && event.mask & inotify::ISDIR == 0;
        for at in 1..self.events.len() {
            let (one, two) = (&self.events[at - 1], &self.events[at]);
            let elsewhere = one.wd != two.wd || one.name != two.name;
            if of_file(one) && of_file(two) && elsewhere {
                self.events.swap(at - 1, at);
            }
        }
    }

    pub(super) fn bury(&mut self, inode: u64, room: usize) {
        if let Some(wd) = self.watches.remove(&inode) {
            for mask in [inotify::DELETE_SELF, inotify::IGNORED] {
                self.push(Event { wd, mask, cookie: 0, name: String::new() }, room);
            }
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        let mut filled = 0;
        let mut left = self.portion.unwrap_or(usize::MAX);
        while left > 0
            && let Some(end) = self.events.front().and_then(|event| event.push_to(buffer, filled))
        {
            self.events.pop_front();
            (filled, left) = (end, left - 1);
        }
        self.full &= filled == 0;
        filled
    }
}
