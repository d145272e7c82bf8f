//! The directories of a stream's tree and the names in them.

use std::collections::HashMap;

use sys::{EntryKind, Look};

use super::name::Name;
use crate::tree::Wd;

/// A directory, as long as the book knows it. No number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

impl NodeId {
    pub(super) const ROOT: Self = Self(0);
}

/// What is known of a name. 24 bytes: a tree may have millions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// 0 where nobody has looked.
    pub(super) inode: u64,
    /// A print of size and time of content, in polled directories; 0 where nobody has looked.
    pub(super) content: u32,
    /// A print of the time of the last change of the inode, likewise.
    pub(super) change: u32,
    /// The directory's number; 0 for what is none or is not gone into.
    node: u32,
    /// Type and permission bits as far as known, 0 if not.
    pub(super) mode: u16,
    pub(super) is_dir: bool,
    /// Polled: it was created or written to, and has not stood still for an interval since.
    pub(super) restless: bool,
}

impl Entry {
    /// Of which nothing is known but whether it is a directory.
    pub(super) fn named(inode: u64, is_dir: bool) -> Self {
        Self { inode, is_dir, ..Self::default() }
    }

    pub(super) fn seen(look: &Look) -> Self {
        let is_dir = look.kind() == EntryKind::Directory;
        let content = if is_dir { print(&look.mtime) } else { print(&(look.size, look.mtime)) };
        Self {
            inode: look.inode,
            content,
            change: print(&look.ctime),
            node: 0,
            mode: look.mode as u16,
            is_dir,
            restless: false,
        }
    }

    pub(super) fn node(&self) -> Option<NodeId> {
        (self.node != 0).then_some(NodeId(self.node))
    }

    /// What kind of entry it is, as far as known.
    pub(super) fn kind(&self) -> EntryKind {
        match self.mode & 0o170_000 {
            _ if self.is_dir => EntryKind::Directory,
            0 => EntryKind::Unknown,
            0o100_000 => EntryKind::File,
            _ => EntryKind::Special,
        }
    }

    /// Without what only a comparison needs: where events tell of changes, it would be out of date.
    pub(super) fn without_prints(self) -> Self {
        Self { content: 0, change: 0, ..self }
    }

    /// Where the directory says nothing of the kind, or for a mount point, what a listing says of an inode is not
    /// what a look says.
    pub(super) fn was_looked_at(&self) -> bool {
        self.mode != 0
    }

    /// What was known stays; what a look has shown is new.
    pub(super) fn refresh(&mut self, seen: &Entry) {
        let (node, restless) = (self.node, self.restless);
        *self = Self { node, restless, ..*seen };
    }
}

/// Never 0. That two states have the same print has one chance in four thousand million.
fn print(what: &impl std::hash::Hash) -> u32 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    (hasher.finish() >> 32) as u32 | 1
}

/// How a directory is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armed {
    /// By its watch.
    Watch(Wd),
    /// By comparing.
    Polled,
}

#[derive(Debug)]
struct Node {
    /// Where it hangs; the root does not.
    place: Option<(NodeId, Name)>,
    names: HashMap<Name, Entry>,
    armed: Armed,
    /// What the directory looked like when it was listed twice with the same result, if it was.
    settled: Option<u64>,
    /// What it looked like when it was listed last.
    listed: u64,
}

impl Node {
    fn at(place: Option<(NodeId, Name)>) -> Self {
        Self { place, names: HashMap::new(), armed: Armed::Polled, settled: None, listed: 0 }
    }
}

/// The tree. There is always a root.
#[derive(Debug)]
pub(super) struct Book {
    nodes: HashMap<NodeId, Node>,
    next: u32,
    by_wd: HashMap<Wd, NodeId>,
    /// Grows whenever a path below something may be another one.
    moves: u64,
}

/// Something that lies below a directory.
#[derive(Debug)]
pub(super) struct Below {
    pub(super) parent: NodeId,
    pub(super) name: Name,
    pub(super) is_dir: bool,
}

impl Book {
    pub(super) fn new() -> Self {
        let nodes = HashMap::from([(NodeId::ROOT, Node::at(None))]);
        Self { nodes, next: 1, by_wd: HashMap::new(), moves: 0 }
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id)
    }

    pub(super) fn is_known(&self, id: NodeId) -> bool {
        self.node(id).is_some()
    }

    pub(super) fn moves(&self) -> u64 {
        self.moves
    }

    /// All directories, each after the one it lies in.
    pub(super) fn all(&self) -> Vec<NodeId> {
        let mut all = vec![NodeId::ROOT];
        let mut at = 0;
        while let Some(node) = all.get(at).and_then(|id| self.node(*id)) {
            all.extend(node.names.values().filter_map(Entry::node));
            at += 1;
        }
        all
    }

    /// The directories without a watch.
    pub(super) fn polled(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.iter().filter(|(_, node)| node.armed == Armed::Polled).map(|(id, _)| *id)
    }

    pub(super) fn watches(&self) -> usize {
        self.by_wd.len()
    }

    pub(super) fn directories(&self) -> usize {
        self.nodes.len()
    }

    /// Sets `path` to the directory's path below the root.
    pub(super) fn path_into(&self, id: NodeId, path: &mut Vec<u8>) {
        let mut names = Vec::new();
        let mut at = id;
        while let Some((parent, name)) = self.node(at).and_then(|node| node.place.as_ref()) {
            names.push(name.bytes());
            at = *parent;
        }
        path.clear();
        for name in names.into_iter().rev() {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
    }

    pub(super) fn path(&self, id: NodeId) -> Vec<u8> {
        let mut path = Vec::new();
        self.path_into(id, &mut path);
        path
    }

    /// The path of an entry.
    pub(super) fn path_of(&self, parent: NodeId, name: &[u8]) -> Vec<u8> {
        let mut path = self.path(parent);
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    pub(super) fn entry(&self, parent: NodeId, name: &[u8]) -> Option<&Entry> {
        self.node(parent)?.names.get(name)
    }

    /// What is known of a directory itself; nothing of the root.
    pub(super) fn itself(&self, id: NodeId) -> Option<&Entry> {
        let (parent, name) = self.node(id)?.place.as_ref()?;
        self.entry(*parent, name.bytes())
    }

    pub(super) fn entry_mut(&mut self, parent: NodeId, name: &[u8]) -> Option<&mut Entry> {
        self.node_mut(parent)?.names.get_mut(name)
    }

    pub(super) fn names(&self, id: NodeId) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.node(id).into_iter().flat_map(|node| &node.names).map(|(name, entry)| (name.bytes(), entry))
    }

    pub(super) fn name_count(&self, id: NodeId) -> usize {
        self.node(id).map_or(0, |node| node.names.len())
    }

    /// Writes a name down; what was known of it is forgotten, so nothing may hang there.
    pub(super) fn insert(&mut self, parent: NodeId, name: &[u8], entry: Entry) {
        if let Some(node) = self.node_mut(parent) {
            node.names.insert(name.into(), entry);
        }
    }

    /// A directory to be gone into, at a name that is known.
    pub(super) fn grow(&mut self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        if let Some(node) = self.entry(parent, name)?.node() {
            return Some(node);
        }
        let id = NodeId(self.next);
        self.next += 1;
        self.nodes.insert(id, Node::at(Some((parent, name.into()))));
        self.entry_mut(parent, name)?.node = id.0;
        Some(id)
    }

    /// Whether `id` is `above` or lies below it.
    pub(super) fn is_within(&self, id: NodeId, above: NodeId) -> bool {
        let mut at = id;
        while at != above {
            match self.node(at).and_then(|node| node.place.as_ref()) {
                Some((parent, _)) => at = *parent,
                None => return false,
            }
        }
        true
    }

    /// All that lies below a directory, each thing before the directory that it lies in.
    pub(super) fn below(&self, id: NodeId) -> Vec<Below> {
        let mut all = Vec::new();
        let mut todo = vec![id];
        while let Some(parent) = todo.pop() {
            for (name, entry) in self.names(parent) {
                all.push(Below { parent, name: name.into(), is_dir: entry.is_dir });
                todo.extend(entry.node());
            }
        }
        all.reverse();
        all
    }

    /// Forgets a name with all below it; gives the watches that hung there.
    pub(super) fn forget(&mut self, parent: NodeId, name: &[u8]) -> Vec<Wd> {
        let entry = self.node_mut(parent).and_then(|node| node.names.remove(name));
        match entry.and_then(|entry| entry.node()) {
            Some(node) => self.prune(node),
            None => Vec::new(),
        }
    }

    /// A directory is no longer gone into, only known by its name.
    pub(super) fn cut(&mut self, parent: NodeId, name: &[u8]) -> Vec<Wd> {
        let node = self.entry_mut(parent, name).and_then(|entry| {
            let node = entry.node();
            entry.node = 0;
            node
        });
        node.map(|node| self.prune(node)).unwrap_or_default()
    }

    fn prune(&mut self, node: NodeId) -> Vec<Wd> {
        self.moves += 1;
        let mut wds = Vec::new();
        let mut todo = vec![node];
        while let Some(id) = todo.pop() {
            let Some(node) = self.nodes.remove(&id) else { continue };
            todo.extend(node.names.values().filter_map(Entry::node));
            if let Armed::Watch(wd) = node.armed
                && self.by_wd.remove(&wd).is_some()
            {
                wds.push(wd);
            }
        }
        wds
    }

    /// What is at one name is at another from now on, with all below it. Nothing may hang there, and a directory
    /// cannot go below itself.
    pub(super) fn rename(&mut self, from: (NodeId, &[u8]), to: (NodeId, &[u8])) {
        let Some(entry) = self.node_mut(from.0).and_then(|node| node.names.remove(from.1)) else { return };
        if let Some(node) = entry.node().and_then(|node| self.node_mut(node)) {
            node.place = Some((to.0, to.1.into()));
            self.moves += 1;
        }
        self.insert(to.0, to.1, entry);
    }

    pub(super) fn armed(&self, id: NodeId) -> Armed {
        self.node(id).map_or(Armed::Polled, |node| node.armed)
    }

    pub(super) fn by_wd(&self, wd: Wd) -> Option<NodeId> {
        self.by_wd.get(&wd).copied()
    }

    /// The directory answers to this watch from now on, and nobody else does.
    pub(super) fn bind(&mut self, id: NodeId, wd: Wd) {
        if let Armed::Watch(old) = self.armed(id)
            && old != wd
        {
            self.by_wd.remove(&old);
        }
        let Some(node) = self.node_mut(id) else { return };
        node.armed = Armed::Watch(wd);
        if let Some(other) = self.by_wd.insert(wd, id)
            && other != id
            && let Some(other) = self.node_mut(other)
        {
            other.armed = Armed::Polled;
        }
    }

    /// The directory has no watch any more; gives the one that it had.
    pub(super) fn unbind(&mut self, id: NodeId) -> Option<Wd> {
        let Armed::Watch(wd) = self.armed(id) else { return None };
        self.by_wd.remove(&wd);
        self.node_mut(id)?.armed = Armed::Polled;
        Some(wd)
    }

    /// Whether a directory that looks so need not be listed: it was listed twice since it looked otherwise. (Once
    /// is not enough: what changes in the same tick of the file system's clock changes no time.)
    pub(super) fn is_settled(&self, id: NodeId, signature: u64) -> bool {
        self.node(id).is_some_and(|node| node.settled == Some(signature))
    }

    /// It was listed, and looked so before.
    pub(super) fn note_listed(&mut self, id: NodeId, signature: u64) {
        if let Some(node) = self.node_mut(id) {
            node.settled = (node.listed == signature).then_some(signature);
            node.listed = signature;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: NodeId = NodeId::ROOT;

    fn dir(book: &mut Book, parent: NodeId, name: &[u8]) -> NodeId {
        book.insert(parent, name, Entry::named(0, true));
        book.grow(parent, name).unwrap()
    }

    #[test]
    fn a_name_with_what_is_known_of_it_takes_48_bytes() {
        assert!(size_of::<(Name, Entry)>() <= 48);
    }

    #[test]
    fn renaming_a_directory_moves_all_below_it() {
        let mut book = Book::new();
        let a = dir(&mut book, ROOT, b"a");
        let b = dir(&mut book, a, b"b");
        let z = dir(&mut book, ROOT, b"z");
        book.bind(b, 7);
        book.rename((ROOT, b"a"), (z, b"new"));
        assert_eq!(book.path(b), b"z/new/b");
        assert_eq!(book.by_wd(7), Some(b));
        assert!(book.entry(ROOT, b"a").is_none() && book.is_within(b, z) && !book.is_within(z, b));
        let below: Vec<_> = book.below(z).iter().map(|below| below.name.bytes().to_vec()).collect();
        assert_eq!(below, [&b"b"[..], b"new"], "what lies deeper comes first");
    }

    #[test]
    fn forgetting_gives_back_each_watch_and_no_number_is_used_twice() {
        let mut book = Book::new();
        let a = dir(&mut book, ROOT, b"a");
        let b = dir(&mut book, a, b"b");
        book.bind(a, 1);
        book.bind(b, 2);
        let mut wds = book.forget(ROOT, b"a");
        wds.sort_unstable();
        assert_eq!((wds, book.directories(), book.watches()), (vec![1, 2], 1, 0));
        assert!(book.by_wd(2).is_none() && !book.is_known(a));
        assert!(![a, b].contains(&dir(&mut book, ROOT, b"c")));
    }

    #[test]
    fn a_watch_belongs_to_the_last_that_it_was_given_to() {
        let mut book = Book::new();
        let a = dir(&mut book, ROOT, b"a");
        let b = dir(&mut book, ROOT, b"b");
        book.bind(a, 1);
        book.bind(b, 1);
        assert_eq!((book.armed(a), book.by_wd(1)), (Armed::Polled, Some(b)));
        assert!(book.forget(ROOT, b"a").is_empty(), "it is the other one's");
        book.bind(b, 2);
        assert_eq!((book.by_wd(1), book.watches()), (None, 1));
        assert_eq!(book.unbind(b), Some(2));
        assert_eq!(book.unbind(b), None);
    }

    #[test]
    fn a_directory_is_settled_when_it_was_listed_twice() {
        let mut book = Book::new();
        book.note_listed(ROOT, 5);
        assert!(!book.is_settled(ROOT, 5));
        book.note_listed(ROOT, 5);
        assert!(book.is_settled(ROOT, 5) && !book.is_settled(ROOT, 6));
        book.note_listed(ROOT, 6);
        assert!(!book.is_settled(ROOT, 5) && !book.is_settled(ROOT, 6));
    }
}
