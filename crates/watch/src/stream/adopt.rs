//! Other settings while the stream runs.

use sys::dir::stamp_of_now;

use super::book::{Entry, NodeId};
use super::voice::Voice;
use super::{Root, Stream, StreamBackend, StreamSettings, mask};
use settle::Mono;

impl Stream {
    /// Takes over settings. What was heard before is told by them, too, so nothing that both ask for is missed.
    pub(super) fn adopt(&mut self, voice: &mut Voice<'_>, settings: StreamSettings) {
        let old = std::mem::replace(&mut self.settings, settings);
        self.mask = mask::of(settings.wanted);
        voice.set_wanted(settings.wanted);
        match (old.backend, settings.backend) {
            (StreamBackend::Events, StreamBackend::Polled { .. }) => self.leave_events(voice),
            // The next round arms what it comes by.
            (StreamBackend::Polled { .. }, StreamBackend::Events) => self.next_round = Some(Mono::ZERO),
            (StreamBackend::Polled { .. }, StreamBackend::Polled { .. }) => self.next_round = None,
            (StreamBackend::Events, StreamBackend::Events) => {}
        }
        if !self.root_is_dir() {
            return self.arm_file();
        }
        match (old.recursive, settings.recursive) {
            (true, false) => self.stay_above(),
            (false, true) => self.go_below(voice),
            _ => {}
        }
        if old.wanted != settings.wanted || old.recursive != settings.recursive {
            self.widen();
        }
    }

    /// All that was heard is told; from then on the tree is compared.
    fn leave_events(&mut self, voice: &mut Voice<'_>) {
        let since = stamp_of_now();
        while self.queue.as_ref().is_some_and(|queue| queue.held_until().is_none()) {
            let root = self.hear_all(voice);
            if root != Root::Alive || self.queue.as_ref().is_none_or(super::queue::Queue::is_empty) {
                break;
            }
        }
        for node in self.book.all() {
            self.book.unbind(node);
        }
        self.queue = None;
        self.next_round = None;
        self.compare_root_since(voice, Some(since));
        if self.root_is_dir() {
            self.walk(voice, &[NodeId::ROOT], self.of_all(true, Some(since)));
        }
    }

    fn stay_above(&mut self) {
        let below: Vec<Vec<u8>> = self.directories_of_root();
        for name in below {
            let wds = self.book.cut(NodeId::ROOT, &name);
            self.disarm(&wds);
        }
    }

    /// What lies below is new to us but not new: it is not told.
    fn go_below(&mut self, voice: &mut Voice<'_>) {
        let manner = self.of_all(false, None);
        if let Ok(place) = self.place().and_then(|root| root.below(b"")) {
            self.arm(NodeId::ROOT, &place, manner.mask);
        }
        let names = self.directories_of_root();
        let nodes: Vec<NodeId> = names.iter().filter_map(|name| self.book.grow(NodeId::ROOT, name)).collect();
        self.walk(voice, &nodes, manner);
    }

    fn directories_of_root(&self) -> Vec<Vec<u8>> {
        let is_dir = |(name, entry): (&[u8], &Entry)| entry.is_dir.then(|| name.to_vec());
        self.book.names(NodeId::ROOT).filter_map(is_dir).collect()
    }
}
