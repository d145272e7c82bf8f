//! Going through directories: each is armed, then listed, then compared with its names.

use std::collections::{HashMap, VecDeque};

use model::Happening;
use sys::dir::Place;
use sys::{EntryKind, Errno, Look};

use super::book::{Armed, Entry, NodeId};
use super::compare::{Difference, Seen, compare, is_another};
use super::name::Name;
use super::queue::Stamp;
use super::voice::{Voice, Word};
use super::{Stream, StreamBackend, mask};

/// How a walk goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Differences are told.
    pub(super) tells: bool,
    /// Directories are armed with this.
    pub(super) mask: u32,
    /// Directories that were known are gone into, too.
    pub(super) deep: bool,
    /// What changed from here on may not have been told.
    pub(super) since: Option<Stamp>,
    /// A directory that is known elsewhere is taken for the one found here. Else the event that it has moved is
    /// waited for.
    pub(super) insists: bool,
}

/// What is missing and may turn up under another name, by its inode.
#[derive(Debug, Default)]
pub(super) struct Pool {
    by_inode: HashMap<u64, (NodeId, Name)>,
    /// All that is missing, in the order in which it was missed.
    missing: Vec<(NodeId, Name, u64)>,
}

/// A walk takes in the kernel's queue after so many directories, so that it does not overflow meanwhile.
const INTAKE: u64 = 32;

impl Stream {
    /// The manner for directories that have just appeared. Their own listing is heard, as any other is.
    pub(super) fn of_fresh(&self) -> Manner {
        Manner { tells: true, mask: self.mask, deep: false, since: None, insists: false }
    }

    /// The manner for a tree as a whole: what our listing raises is not heard. [`Stream::widen`] must follow.
    pub(super) fn of_all(&self, tells: bool, since: Option<Stamp>) -> Manner {
        Manner { tells, mask: mask::quiet(self.mask), deep: true, since, insists: true }
    }

    /// Goes through `first` and all that is found there.
    pub(super) fn walk(&mut self, voice: &mut Voice<'_>, first: &[NodeId], manner: Manner) {
        let mut todo: VecDeque<NodeId> = first.iter().copied().collect();
        while let Some(node) = todo.pop_front() {
            if !manner.deep && self.is_lost(node) {
                self.lost.insert(node);
                continue;
            }
            let Ok(difference) = self.visit(node, manner) else { continue };
            // Nothing is looked for elsewhere, so what is missing goes at once.
            self.apply(voice, difference, manner, None, &mut todo);
        }
    }

    /// Whether the directory is not at its path, or another one is there. Where nothing is heard nothing will say where it is.
    fn is_lost(&self, node: NodeId) -> bool {
        if self.queue.is_none() || node == NodeId::ROOT || !self.book.is_known(node) {
            return false;
        }
        let known = self.book.itself(node).filter(|entry| entry.was_looked_at() && entry.inode != 0);
        match self.place().and_then(|root| root.look_at(&self.book.path(node))) {
            Ok(look) => known.is_some_and(|entry| entry.inode != look.inode),
            Err(error) => matches!(error, Errno::NOENT | Errno::NOTDIR),
        }
    }

    /// Looks what lies at a name, and tells if that is not what is known.
    pub(super) fn recheck(&mut self, voice: &mut Voice<'_>, node: NodeId, name: &Name) {
        if self.is_lost(node) {
            self.lost_names.push((node, name.clone()));
            return;
        }
        let Ok(root) = self.place() else { return };
        let look = match root.look_at(&self.book.path_of(node, name.bytes())) {
            Err(Errno::NOENT | Errno::NOTDIR) => return self.tell_gone(voice, node, name.bytes()),
            Err(_) => return,
            Ok(look) => look,
        };
        // As if the directory had been listed, with one difference at most.
        let mut difference = Difference::none(node);
        difference.fresh.push((name.clone(), Entry::seen(&look)));
        let manner = Manner { insists: true, ..self.of_fresh() };
        let mut todo = VecDeque::new();
        self.apply(voice, difference, manner, None, &mut todo);
        self.walk(voice, todo.make_contiguous(), manner);
    }

    /// Goes through the directories without a watch; what is missing in one and new in another was renamed.
    pub(super) fn round(&mut self, voice: &mut Voice<'_>) {
        self.seek_instance();
        self.starved = false;
        let watched = self.book.watches();
        let manner = Manner { mask: mask::quiet(self.mask), insists: true, ..self.of_fresh() };
        let mut differences = Vec::new();
        let mut pool = Pool::default();
        for node in self.book.polled().collect::<Vec<_>>() {
            if let Ok(difference) = self.visit(node, manner) {
                self.pool(&mut pool, &difference);
                differences.push(difference);
            }
        }
        let mut todo = VecDeque::new();
        for difference in differences {
            self.apply(voice, difference, manner, Some(&mut pool), &mut todo);
        }
        while let Some(node) = todo.pop_front() {
            if let Ok(difference) = self.visit(node, manner) {
                self.pool(&mut pool, &difference);
                self.apply(voice, difference, manner, Some(&mut pool), &mut todo);
            }
        }
        for (node, name, inode) in std::mem::take(&mut pool.missing) {
            if self.book.entry(node, name.bytes()).is_some_and(|entry| entry.inode == inode) {
                self.tell_gone(voice, node, name.bytes());
            }
        }
        self.compare_root(voice);
        if self.book.watches() > watched {
            self.widen();
        }
    }

    fn pool(&self, pool: &mut Pool, difference: &Difference) {
        let node = difference.node;
        let replaced = difference.replaced.iter().map(|(name, _)| name);
        for name in difference.missing.iter().chain(replaced) {
            let Some(entry) = self.book.entry(node, name.bytes()) else { continue };
            if entry.inode != 0 {
                pool.by_inode.insert(entry.inode, (node, name.clone()));
            }
        }
        for name in &difference.missing {
            let inode = self.book.entry(node, name.bytes()).map_or(0, |entry| entry.inode);
            pool.missing.push((node, name.clone(), inode));
        }
    }

    /// Arms and lists one directory.
    pub(super) fn visit(&mut self, node: NodeId, manner: Manner) -> Result<Difference, Errno> {
        if !self.book.is_known(node) {
            return Err(Errno::NOENT);
        }
        self.visits += 1;
        if self.visits.is_multiple_of(INTAKE)
            && let Some(queue) = &mut self.queue
        {
            queue.intake();
        }
        let was_polled = self.book.armed(node) == Armed::Polled && self.book.name_count(node) > 0;
        let place = self.place()?.below(&self.book.path(node))?;
        let is_armed = self.arm(node, &place, manner.mask);
        let looks = !is_armed || was_polled || manner.since.is_some();
        let seen = self.list(node, &place, looks, manner)?;
        Ok(compare(&mut self.book, node, seen))
    }

    /// Watches a directory, if that can be had.
    pub(super) fn arm(&mut self, node: NodeId, place: &Place, mask: u32) -> bool {
        let Some(queue) = self.queue.as_ref().filter(|_| !self.starved) else { return false };
        match queue.watch(place, mask) {
            Ok(wd) => {
                if let Armed::Watch(old) = self.book.armed(node)
                    && old != wd
                {
                    queue.disarm(old);
                }
                self.book.bind(node, wd);
                true
            }
            Err(error) => {
                self.starved |= matches!(error, Errno::NOSPC | Errno::NOMEM);
                // It cannot be read, or it is another directory than the one that had the watch.
                if let Some(old) = self.book.unbind(node) {
                    queue.disarm(old);
                }
                false
            }
        }
    }

    fn list(&mut self, node: NodeId, place: &Place, looks: bool, manner: Manner) -> Result<Vec<Seen>, Errno> {
        let late = |look: &Look| manner.since.is_some_and(|since| look.ctime >= since);
        let is_polled = self.book.armed(node) == Armed::Polled;
        let look = place.look()?;
        let signature = print_of(&look);
        if is_polled && self.book.is_settled(node, signature) {
            // The names are the same: listing it would be work, and somebody may hear of it.
            let names = self.book.names(node).map(|(name, _)| Name::from(name)).collect::<Vec<_>>();
            return Ok(names.into_iter().filter_map(|name| look_at(place, name, &late)).collect());
        }
        let mut listed = Vec::new();
        place.open()?.list_with_inodes(|name, kind, inode| listed.push((Name::from(name), kind, inode)))?;
        if is_polled {
            self.book.note_listed(node, signature);
        }
        let seen = |(name, kind, inode): (Name, EntryKind, u64)| {
            // What a listing says of a mount point's inode is not what a look says.
            if looks || matches!(kind, EntryKind::Unknown | EntryKind::Directory) {
                return look_at(place, name, &late);
            }
            let entry = Entry::named(inode, kind == EntryKind::Directory);
            Some(Seen { name, entry, late: false })
        };
        Ok(listed.into_iter().filter_map(seen).collect())
    }

    /// Tells the differences and writes them down; `todo` gets the directories that are to be gone into.
    pub(super) fn apply(
        &mut self,
        voice: &mut Voice<'_>,
        difference: Difference,
        manner: Manner,
        mut pool: Option<&mut Pool>,
        todo: &mut VecDeque<NodeId>,
    ) {
        let Difference { node, fresh, replaced, changed, missing } = difference;
        if !self.book.is_known(node) {
            return;
        }
        if manner.tells {
            self.tell_changed(voice, node, &changed);
        }
        for (name, entry) in fresh.into_iter().chain(replaced) {
            let known = self.book.entry(node, name.bytes()).copied();
            if known.is_some_and(|known| !is_another(&known, &entry)) {
                continue;
            }
            let covered = known.and_then(|known| known.node());
            let inside = |from: &(NodeId, Name)| covered.is_some_and(|dir| self.book.is_within(from.0, dir));
            let renamed = pool.as_mut().and_then(|pool| self.find(pool, node, &name, &entry));
            let renamed = renamed.filter(|from| !inside(from));
            if known.is_some() {
                // What a file covers goes without a word, as with the kernel.
                let over = renamed.is_some() && !entry.is_dir;
                self.clear(voice, node, name.bytes(), over);
            }
            match renamed {
                Some(from) => self.tell_renamed(voice, &from, (node, &name), entry, todo),
                None => self.tell_fresh(voice, node, &name, entry, manner, todo),
            }
        }
        if pool.is_none() {
            for name in missing {
                self.tell_gone(voice, node, name.bytes());
            }
        }
        if manner.deep && self.settings.recursive {
            todo.extend(self.book.names(node).filter_map(|(_, entry)| entry.node()));
        }
    }

    fn tell_changed(&self, voice: &mut Voice<'_>, node: NodeId, changed: &[(Name, Happening)]) {
        for (name, what) in changed {
            let is_dir = self.book.entry(node, name.bytes()).is_some_and(|entry| entry.is_dir);
            voice.say(&self.book, node, name.bytes(), Word::found(*what, is_dir));
        }
    }

    fn tell_fresh(
        &mut self,
        voice: &mut Voice<'_>,
        node: NodeId,
        name: &Name,
        mut entry: Entry,
        manner: Manner,
        todo: &mut VecDeque<NodeId>,
    ) {
        let goes_in = entry.is_dir && self.settings.recursive;
        if goes_in && !manner.insists && self.has_just_moved(node, name.bytes()) {
            self.revisits.insert(node);
            return;
        }
        if self.book.armed(node) == Armed::Polled {
            entry.restless = manner.tells && entry.kind() == EntryKind::File;
        } else {
            entry = entry.without_prints();
        }
        self.book.insert(node, name.bytes(), entry);
        if manner.tells {
            voice.say(&self.book, node, name.bytes(), Word::found(Happening::Create, entry.is_dir));
        }
        if goes_in && let Some(below) = self.book.grow(node, name.bytes())
            // A deep walk goes into all directories anyway.
            && !manner.deep
        {
            todo.push_back(below);
        }
    }

    /// Whether the directory found here is one that was known elsewhere and is no longer there. Then the event
    /// that it was renamed is on its way, and tells more than we could.
    fn has_just_moved(&mut self, node: NodeId, name: &[u8]) -> bool {
        let path = self.book.path_of(node, name);
        let Ok(place) = self.place().and_then(|root| root.below(&path)) else { return false };
        let Some(Ok(wd)) = self.queue.as_ref().map(|queue| queue.watch(&place, self.mask)) else {
            return false;
        };
        let Some(other) = self.book.by_wd(wd) else { return false };
        let there = self.book.path(other);
        let there = self.place().and_then(|root| root.below(&there)).and_then(|place| place.look());
        // A bind mount is in both places at once.
        !matches!((there, place.look()), (Ok(there), Ok(here)) if there.inode == here.inode)
    }

    /// Where something that is found here was before.
    fn find(&self, pool: &mut Pool, node: NodeId, name: &Name, entry: &Entry) -> Option<(NodeId, Name)> {
        let (parent, old) = pool.by_inode.get(&entry.inode)?;
        if (*parent, old) == (node, name) {
            return None;
        }
        let known = self.book.entry(*parent, old.bytes()).filter(|known| known.inode == entry.inode)?;
        // An inode is soon used again; the same size and time would be a rare accident.
        let is_same = known.is_dir == entry.is_dir && (entry.is_dir || known.content == entry.content);
        let circle = known.node().is_some_and(|moved| self.book.is_within(node, moved));
        if !is_same || circle {
            return None;
        }
        pool.by_inode.remove(&entry.inode)
    }

    fn tell_renamed(
        &mut self,
        voice: &mut Voice<'_>,
        from: &(NodeId, Name),
        to: (NodeId, &Name),
        entry: Entry,
        todo: &mut VecDeque<NodeId>,
    ) {
        let cookie = self.made_up_cookie();
        let (parent, name) = (from.0, from.1.bytes());
        let word = |what| Word { what, is_dir: entry.is_dir, synthetic: true, cookie };
        voice.say(&self.book, parent, name, word(Happening::MovedFrom));
        self.book.rename((parent, name), (to.0, to.1.bytes()));
        voice.say(&self.book, to.0, to.1.bytes(), word(Happening::MovedTo));
        let Some(known) = self.book.entry_mut(to.0, to.1.bytes()) else { return };
        known.refresh(&entry);
        if let Some(moved) = known.node() {
            // It could not be looked into at the path where it was thought to be.
            todo.push_back(moved);
            todo.extend(
                self.book.below(moved).iter().rev().filter_map(|below| {
                    self.book.entry(below.parent, below.name.bytes()).and_then(Entry::node)
                }),
            );
        }
    }

    /// Tells that something is gone, with all that lay in it, and forgets it.
    fn tell_gone(&mut self, voice: &mut Voice<'_>, parent: NodeId, name: &[u8]) {
        self.clear(voice, parent, name, false);
    }

    /// Makes room at a name: what lay there is told as gone, if not `unsaid`, and what lay below always.
    pub(super) fn clear(&mut self, voice: &mut Voice<'_>, parent: NodeId, name: &[u8], unsaid: bool) {
        let Some(entry) = self.book.entry(parent, name).copied() else { return };
        self.clear_below(voice, parent, name);
        if !unsaid {
            voice.say(&self.book, parent, name, Word::found(Happening::Delete, entry.is_dir));
        }
        self.forget(parent, name);
    }

    /// Tells that all is gone that lay below a name.
    pub(super) fn clear_below(&self, voice: &mut Voice<'_>, parent: NodeId, name: &[u8]) {
        let Some(node) = self.book.entry(parent, name).and_then(Entry::node) else { return };
        for below in self.book.below(node) {
            let word = Word::found(Happening::Delete, below.is_dir);
            voice.say(&self.book, below.parent, below.name.bytes(), word);
        }
    }

    /// Forgets a name and drops the watches that hung there.
    pub(super) fn forget(&mut self, parent: NodeId, name: &[u8]) {
        let wds = self.book.forget(parent, name);
        self.disarm(&wds);
    }

    pub(super) fn disarm(&self, wds: &[crate::tree::Wd]) {
        if let Some(queue) = &self.queue {
            for wd in wds {
                queue.disarm(*wd);
            }
        }
    }

    /// Arms all that is armed with the full mask.
    pub(super) fn widen(&mut self) {
        if !self.root_is_dir() {
            return self.arm_file();
        }
        for node in self.book.all() {
            let Armed::Watch(wd) = self.book.armed(node) else { continue };
            let path = self.book.path(node);
            let place = self.place().and_then(|root| root.below(&path));
            let armed = match (&self.queue, place) {
                (Some(queue), Ok(place)) => queue.watch(&place, self.mask),
                _ => Err(Errno::NOENT),
            };
            // It has gone elsewhere. The event of that is on its way; afterwards it is visited where it is.
            if armed != Ok(wd) {
                self.revisits.insert(node);
            }
        }
    }

    /// Opens an instance where there was none to be had.
    pub(super) fn seek_instance(&mut self) {
        if self.queue.is_none() && self.settings.backend == StreamBackend::Events {
            self.queue = super::queue::Queue::open().ok();
        }
    }

    /// Cookies of our own: the kernel counts from 1 upwards.
    fn made_up_cookie(&mut self) -> u32 {
        self.cookie = self.cookie.checked_sub(1).filter(|cookie| *cookie > u32::MAX / 2).unwrap_or(u32::MAX);
        self.cookie
    }
}

fn look_at(place: &Place, name: Name, late: &impl Fn(&Look) -> bool) -> Option<Seen> {
    let look = place.look_at(name.bytes()).ok()?;
    Some(Seen { entry: Entry::seen(&look), late: late(&look), name })
}

fn print_of(look: &Look) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (look.inode, look.device, look.mtime, look.ctime).hash(&mut hasher);
    hasher.finish()
}
