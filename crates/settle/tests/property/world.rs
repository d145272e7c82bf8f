//! A simulated file system with writers, a clock, a queue of the kernel's events, and a log of all
//! that happened. The log is the truth that the reference reads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use settle::What;

/// Milliseconds.
pub(crate) type Ms = u64;

/// The wall clock at the beginning, in milliseconds.
pub(crate) const WALL: Ms = 1_800_000_000_000;

/// How a name came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Create,
    Mknod,
    Link,
    Rename,
    /// It came with its directory, or was there before anybody watched.
    Unheard,
}

/// What happened, for the reference.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Name {
        path: String,
        ino: u64,
        by: By,
    },
    Unname {
        path: String,
    },
    Open {
        ino: u64,
    },
    Shut {
        ino: u64,
        path: Option<String>,
    },
    Content {
        ino: u64,
        size: u64,
    },
    /// Size and content stay; times change.
    Meta {
        ino: u64,
        mtime: Option<Ms>,
    },
    DirIn {
        path: String,
    },
    /// It was noticed that events were dropped.
    Missed,
    /// The tree was compared after that.
    Scan,
    Said {
        unit: String,
    },
    Announced {
        unit: String,
        content: Content,
    },
    Overdue {
        unit: String,
    },
}

/// What makes content the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Print {
    pub(crate) size: u64,
    pub(crate) mtime: Ms,
    pub(crate) inode: u64,
}

/// What a unit consists of: its members by their paths below it; a file's own is empty.
pub(crate) type Content = BTreeMap<String, Print>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inode {
    pub(crate) size: u64,
    pub(crate) mtime: Ms,
    pub(crate) ctime: Ms,
    pub(crate) links: u64,
    pub(crate) writers: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Event {
    File(String, What),
    DirIn(String),
    DirOut(String),
}

struct Handle {
    ino: u64,
    path: Option<String>,
}

pub(crate) struct World {
    pub(crate) now: Ms,
    pub(crate) files: BTreeMap<String, u64>,
    pub(crate) dirs: BTreeSet<String>,
    pub(crate) inodes: BTreeMap<u64, Inode>,
    handles: Vec<Handle>,
    pub(crate) queue: VecDeque<Event>,
    pub(crate) overflowed: bool,
    /// Nobody hears anything.
    pub(crate) deaf: bool,
    pub(crate) log: Vec<(Ms, Fact)>,
    next_ino: u64,
}

pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

pub(crate) fn last(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

pub(crate) fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

impl World {
    pub(crate) fn new(deaf: bool) -> Self {
        Self {
            now: 0,
            files: BTreeMap::new(),
            dirs: BTreeSet::new(),
            inodes: BTreeMap::new(),
            handles: Vec::new(),
            queue: VecDeque::new(),
            overflowed: false,
            deaf,
            log: Vec::new(),
            next_ino: 10,
        }
    }

    pub(crate) fn log(&mut self, fact: Fact) {
        self.log.push((self.now, fact));
    }

    fn tell(&mut self, event: Event) {
        if !self.deaf && !self.overflowed {
            self.queue.push_back(event);
        }
    }

    fn file(&mut self, path: &str, what: What) {
        self.tell(Event::File(path.to_owned(), what));
    }

    /// The kernel drops what is in the queue and what comes until somebody notices.
    pub(crate) fn overflow(&mut self) {
        self.queue.clear();
        self.overflowed = !self.deaf;
    }

    fn make_dirs(&mut self, path: &str) {
        let dir = parent(path).to_owned();
        if dir.is_empty() || self.dirs.contains(&dir) {
            return;
        }
        self.make_dirs(&dir);
        self.dirs.insert(dir);
    }

    fn name(&mut self, path: &str, ino: u64, by: By) {
        self.make_dirs(path);
        self.files.insert(path.to_owned(), ino);
        self.log(Fact::Name { path: path.to_owned(), ino, by });
    }

    fn unname(&mut self, path: &str) -> Option<u64> {
        let ino = self.files.remove(path)?;
        self.log(Fact::Unname { path: path.to_owned() });
        Some(ino)
    }

    fn touch(&mut self, ino: u64, change: impl FnOnce(&mut Inode)) {
        let now = WALL + self.now;
        let inode = self.inodes.get_mut(&ino).expect("the inode of a name");
        change(inode);
        inode.ctime = now;
    }

    /// Opens for writing: a new file, or one that is there, which is cut off.
    pub(crate) fn create(&mut self, path: &str) {
        let ino = self.files.get(path).copied();
        let ino = ino.unwrap_or_else(|| self.new_file(path, By::Create));
        self.open_inode(ino, path);
        if self.inodes[&ino].size > 0 {
            self.resize(ino, 0);
        }
    }

    fn new_file(&mut self, path: &str, by: By) -> u64 {
        let ino = self.next_ino;
        self.next_ino += 1;
        let now = WALL + self.now;
        self.inodes.insert(ino, Inode { size: 0, mtime: now, ctime: now, links: 1, writers: 0 });
        self.name(path, ino, by);
        self.file(path, What::Created);
        self.log(Fact::Content { ino, size: 0 });
        ino
    }

    /// Opens what is there, for appending. No event tells of it.
    pub(crate) fn append(&mut self, path: &str) {
        if let Some(ino) = self.files.get(path).copied() {
            self.open_inode(ino, path);
        }
    }

    fn open_inode(&mut self, ino: u64, path: &str) {
        self.inodes.get_mut(&ino).expect("the inode of a name").writers += 1;
        self.handles.push(Handle { ino, path: Some(path.to_owned()) });
        self.log(Fact::Open { ino });
    }

    /// Created and not opened.
    pub(crate) fn mknod(&mut self, path: &str) {
        if !self.files.contains_key(path) {
            self.new_file(path, By::Mknod);
        }
    }

    fn resize(&mut self, ino: u64, size: u64) {
        let now = WALL + self.now;
        self.touch(ino, |inode| (inode.size, inode.mtime) = (size, now));
        self.log(Fact::Content { ino, size });
    }

    pub(crate) fn write(&mut self, handle: usize, bytes: u64) {
        if self.handles.is_empty() {
            return;
        }
        let ino = self.handles[handle % self.handles.len()].ino;
        let size = self.inodes[&ino].size + bytes;
        self.resize(ino, size);
    }

    pub(crate) fn close(&mut self, handle: usize) {
        if self.handles.is_empty() {
            return;
        }
        let at = handle % self.handles.len();
        let Handle { ino, path } = self.handles.remove(at);
        self.inodes.get_mut(&ino).expect("an open inode").writers -= 1;
        if let Some(path) = &path {
            self.file(path, What::Closed);
        }
        self.log(Fact::Shut { ino, path });
    }

    pub(crate) fn has_writers(&self) -> bool {
        !self.handles.is_empty()
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let (Some(&ino), true) = (self.files.get(from), from != to) else { return };
        if self.files.get(to) == Some(&ino) {
            // Two names of one file: rename does nothing.
            return;
        }
        self.drop_name(to);
        self.unname(from);
        self.name(to, ino, By::Rename);
        self.touch(ino, |_| {});
        self.log(Fact::Meta { ino, mtime: None });
        let moves = |handle: &&mut Handle| handle.path.as_deref() == Some(from);
        self.handles.iter_mut().filter(moves).for_each(|handle| handle.path = Some(to.to_owned()));
        self.file(from, What::MovedOut);
        self.file(to, What::MovedIn);
    }

    fn drop_name(&mut self, path: &str) -> bool {
        let Some(ino) = self.unname(path) else { return false };
        self.touch(ino, |inode| inode.links -= 1);
        self.log(Fact::Meta { ino, mtime: None });
        let gone = |handle: &&mut Handle| handle.path.as_deref() == Some(path);
        self.handles.iter_mut().filter(gone).for_each(|handle| handle.path = None);
        true
    }

    pub(crate) fn unlink(&mut self, path: &str) {
        if self.drop_name(path) {
            self.file(path, What::Deleted);
        }
    }

    pub(crate) fn link(&mut self, from: &str, to: &str) {
        let Some(&ino) = self.files.get(from) else { return };
        if self.files.contains_key(to) {
            return;
        }
        self.name(to, ino, By::Link);
        self.touch(ino, |inode| inode.links += 1);
        self.log(Fact::Meta { ino, mtime: None });
        self.file(to, What::Created);
        self.file(from, What::Attrib);
    }

    /// `chmod`, or `utimes` with a time long ago.
    pub(crate) fn attrib(&mut self, path: &str, mtime: Option<Ms>) {
        let Some(&ino) = self.files.get(path) else { return };
        self.touch(ino, |inode| inode.mtime = mtime.unwrap_or(inode.mtime));
        self.log(Fact::Meta { ino, mtime });
        self.file(path, What::Attrib);
    }

    /// A file that is made, written and closed at once.
    pub(crate) fn put(&mut self, path: &str, bytes: u64) {
        self.create(path);
        let handle = self.handles.len() - 1;
        self.write(handle, bytes);
        self.close(handle);
    }

    pub(crate) fn rename_dir(&mut self, from: &str, to: &str) {
        let free = !self.dirs.contains(to) && !self.files.contains_key(to);
        if !self.dirs.contains(from) || !free || from == to || is_below(to, from) {
            return;
        }
        self.make_dirs(to);
        let moved = |path: &str| format!("{to}{}", &path[from.len()..]);
        let is_inside = |path: &&String| path.as_str() == from || is_below(path, from);
        for dir in self.dirs.iter().filter(is_inside).cloned().collect::<Vec<_>>() {
            self.dirs.remove(&dir);
            self.dirs.insert(moved(&dir));
        }
        for path in self.files.keys().filter(is_inside).cloned().collect::<Vec<_>>() {
            let Some(ino) = self.unname(&path) else { continue };
            self.name(&moved(&path), ino, By::Unheard);
        }
        for path in self.handles.iter_mut().filter_map(|handle| handle.path.as_mut()) {
            if is_below(path, from) {
                *path = moved(path);
            }
        }
        self.log(Fact::DirIn { path: to.to_owned() });
        self.tell(Event::DirOut(from.to_owned()));
        self.tell(Event::DirIn(to.to_owned()));
    }

    pub(crate) fn inode(&self, path: &str) -> Option<Inode> {
        self.inodes.get(self.files.get(path)?).copied()
    }

    pub(crate) fn print(&self, path: &str) -> Option<Print> {
        let ino = *self.files.get(path)?;
        let inode = self.inodes[&ino];
        Some(Print { size: inode.size, mtime: inode.mtime, inode: ino })
    }
}
