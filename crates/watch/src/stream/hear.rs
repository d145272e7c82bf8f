//! What an event means for the names, and how it is told.

use model::Happening;
use sys::inotify;

use super::book::{Entry, NodeId};
use super::name::Name;
use super::queue::Event;
use super::voice::{Voice, Word};
use super::{Root, Stream, mask};

/// Where the last rename has led. An exchange of `a` and `b` is told as `a` to `b`, `b` to `a`: as if one had gone
/// over the other and come back, or on.
pub(super) type Led = (NodeId, Name);

impl Stream {
    /// Tells one event, and what follows from it. `second` is the other half of a rename.
    pub(super) fn hear(&mut self, voice: &mut Voice<'_>, event: &Event, second: Option<&Event>) -> Root {
        self.revisits.append(&mut self.lost);
        self.rechecks.append(&mut self.lost_names);
        if event.mask & inotify::Q_OVERFLOW != 0 {
            self.compare_all(voice);
            return Root::Alive;
        }
        let Some(node) = self.book.by_wd(event.wd) else {
            // The first half is of a directory that is no longer ours; the second one stands alone.
            if let Some(second) = second {
                return self.hear(voice, second, None);
            }
            return Root::Alive;
        };
        if event.mask & (inotify::IGNORED | inotify::UNMOUNT) != 0 {
            return self.hear_end(node, event.mask);
        }
        if event.name.bytes().is_empty() {
            self.last = self.last.take().filter(|_| node != NodeId::ROOT);
            return self.hear_self(voice, node, event.mask);
        }
        let Some(what) = mask::what(event.mask) else { return Root::Alive };
        if mask::is_of_names(event.mask) {
            self.last = None;
        }
        match what {
            Happening::Create => self.hear_create(voice, node, event),
            Happening::Delete => self.hear_delete(voice, node, event),
            Happening::MovedFrom => self.hear_moved_from(voice, node, event, second),
            Happening::MovedTo => self.hear_moved_to(voice, node, event),
            _ => self.hear_of(voice, node, event, what),
        }
        Root::Alive
    }

    /// The kernel tells the same thing twice in a row as one, if no event of another watch comes between. What a
    /// directory's own watch says to the same is such an event, and not told.
    fn hear_of(&mut self, voice: &mut Voice<'_>, node: NodeId, event: &Event, what: Happening) {
        if self.last.as_ref() != Some(event) {
            voice.say(&self.book, node, event.name.bytes(), word(what, event));
            self.last = Some(event.clone());
        }
    }

    /// A watch has ended without our doing: what it watched was removed, which is told by name, or unmounted.
    fn hear_end(&mut self, node: NodeId, mask: u32) -> Root {
        if node == NodeId::ROOT {
            return Root::Unmounted;
        }
        if mask & inotify::IGNORED != 0 {
            self.book.unbind(node);
            self.revisits.insert(node);
        }
        Root::Alive
    }

    /// What happens to a directory itself is told by the directory that it lies in; the root lies in none.
    fn hear_self(&mut self, voice: &mut Voice<'_>, node: NodeId, mask: u32) -> Root {
        if node != NodeId::ROOT {
            return Root::Alive;
        }
        let Some(what) = mask::what(mask) else { return Root::Alive };
        voice.say_of_root(Word::heard(what, self.root_is_dir(), 0));
        match what {
            Happening::DeleteSelf => Root::Deleted,
            Happening::MoveSelf => Root::Moved,
            _ => Root::Alive,
        }
    }

    fn hear_create(&mut self, voice: &mut Voice<'_>, node: NodeId, event: &Event) {
        let name = event.name.bytes();
        // A listing was faster, and told it.
        if self.book.entry(node, name).is_some() {
            return;
        }
        self.book.insert(node, name, self.look(node, event));
        voice.say(&self.book, node, name, word(Happening::Create, event));
        self.go_into(voice, node, event);
    }

    fn hear_delete(&mut self, voice: &mut Voice<'_>, node: NodeId, event: &Event) {
        let name = event.name.bytes();
        // A listing was faster: it told it, never knew it, or knows what has come there since.
        if self.known(node, event).is_none() {
            return;
        }
        self.clear_below(voice, node, name);
        voice.say(&self.book, node, name, word(Happening::Delete, event));
        self.forget(node, name);
    }

    fn hear_moved_from(
        &mut self,
        voice: &mut Voice<'_>,
        node: NodeId,
        event: &Event,
        second: Option<&Event>,
    ) {
        let name = event.name.bytes();
        let to = second.and_then(|second| Some((self.book.by_wd(second.wd)?, second)));
        if self.led.take().is_some_and(|led| led == (node, event.name.clone())) {
            // Whether it went on, came back or was exchanged, a look tells.
            self.rechecks.push((node, event.name.clone()));
            self.rechecks.extend(to.map(|(parent, second)| (parent, second.name.clone())));
        }
        let Some(entry) = self.known(node, event) else {
            if let Some((parent, second)) = to {
                self.hear_moved_to(voice, parent, second);
            }
            return;
        };
        voice.say(&self.book, node, name, word(Happening::MovedFrom, event));
        let Some((parent, second)) = to else { return self.forget(node, name) };
        if entry.node().is_some_and(|moved| self.book.is_within(parent, moved)) {
            // Another rename was missed: there is no such thing as a directory below itself.
            self.forget(node, name);
            return self.compare_all(voice);
        }
        let there = self.book.entry(parent, second.name.bytes()).copied();
        if entry.is_dir && there.is_some_and(|there| there.inode != 0 && there.inode == entry.inode) {
            // It was found there already, and told with all that lies in it.
            return self.forget(node, name);
        }
        self.join(voice, (node, event), (parent, second), there.is_some());
    }

    /// A rename within what is heard.
    fn join(
        &mut self,
        voice: &mut Voice<'_>,
        (node, event): (NodeId, &Event),
        (parent, second): (NodeId, &Event),
        covers: bool,
    ) {
        let to = second.name.bytes();
        if covers {
            self.clear(voice, parent, to, true);
        }
        self.book.rename((node, event.name.bytes()), (parent, to));
        voice.say(&self.book, parent, to, word(Happening::MovedTo, second));
        self.led = Some((parent, second.name.clone()));
        self.go_into(voice, parent, second);
    }

    /// Something came in from outside, or from where nothing is heard.
    fn hear_moved_to(&mut self, voice: &mut Voice<'_>, node: NodeId, event: &Event) {
        let name = event.name.bytes();
        let entry = self.look(node, event);
        self.led = Some((node, event.name.clone()));
        if let Some(known) = self.book.entry(node, name) {
            if known.inode != 0 && known.inode == entry.inode && known.is_dir == entry.is_dir {
                return;
            }
            self.clear(voice, node, name, true);
        }
        self.book.insert(node, name, entry);
        voice.say(&self.book, node, name, word(Happening::MovedTo, event));
        self.go_into(voice, node, event);
    }

    /// A directory has appeared whole: what lies in it is found.
    fn go_into(&mut self, voice: &mut Voice<'_>, node: NodeId, event: &Event) {
        if event.mask & inotify::ISDIR == 0 || !self.settings.recursive {
            return;
        }
        let known = self.book.entry(node, event.name.bytes()).and_then(Entry::node);
        if known.is_none()
            && let Some(below) = self.book.grow(node, event.name.bytes())
        {
            self.walk(voice, &[below], self.of_fresh());
        }
    }

    /// What is known of what the event speaks of, unless that is something else by now.
    fn known(&self, node: NodeId, event: &Event) -> Option<Entry> {
        let is_dir = event.mask & inotify::ISDIR != 0;
        self.book.entry(node, event.name.bytes()).copied().filter(|entry| entry.is_dir == is_dir)
    }

    /// What the event speaks of, as it looks now.
    fn look(&self, node: NodeId, event: &Event) -> Entry {
        let is_dir = event.mask & inotify::ISDIR != 0;
        // Where that fails, or it is something else by now, nothing more is known.
        let look = self.place().and_then(|root| root.look_at(&self.book.path_of(node, event.name.bytes())));
        let entry = look.map(|look| Entry::seen(&look).without_prints()).ok();
        entry.filter(|entry| entry.is_dir == is_dir).unwrap_or_else(|| Entry::named(0, is_dir))
    }

    /// Events were dropped: everything is armed and listed anew, and the differences are told.
    pub(super) fn compare_all(&mut self, voice: &mut Voice<'_>) {
        self.overflows += 1;
        voice.say_of_root(Word::found(Happening::Overflow, self.root_is_dir()));
        let since = self.queue.as_mut().map(super::queue::Queue::take_loss);
        self.compare_root_since(voice, since);
        self.walk(voice, &[NodeId::ROOT], self.of_all(true, since));
        self.widen();
    }
}

fn word(what: Happening, event: &Event) -> Word {
    Word::heard(what, event.mask & inotify::ISDIR != 0, event.cookie)
}
