//! The played file system: inodes, names, writers, and queues of events as inotify fills them.
//!
//! It is the truth. What the program saw of it, and when, is decided by the schedule: events wait in the queue until
//! somebody reads them, and operations may fall between any two calls of the program.

mod play;
mod queue;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Stamp;
use sys::inotify;

use crate::script::Op;
use queue::Queue;

/// Nanoseconds.
pub(crate) type Nanos = i64;

/// The wall clock at the beginning.
const WALL: Nanos = 1_800_000_000_000_000_000;

/// The world; its own calls are those of the program, everything else is done through [`World::state`].
#[derive(Debug)]
pub(crate) struct World(Mutex<State>);

/// What makes content the same content. Each change gets a time of its own, so that the time alone says which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Print {
    pub(crate) size: u64,
    pub(crate) mtime: Nanos,
}

/// How a file is told from other content: a new time alone is no new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Content {
    pub(crate) inode: u64,
    pub(crate) version: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) print: Print,
    pub(crate) ctime: Nanos,
    pub(crate) version: u64,
    links: u64,
    /// It has had several names at some time: what is written by one is not heard under the others.
    pub(crate) linked: bool,
    writers: u32,
}

#[derive(Clone, Debug, Default)]
struct Folder {
    entries: BTreeMap<String, u64>,
    /// It hangs nowhere any more.
    dead: bool,
}

#[derive(Clone, Debug)]
enum Inode {
    File(File),
    Folder(Folder),
}

/// An open descriptor for writing.
#[derive(Debug)]
struct Handle {
    inode: u64,
    /// The name by which it was opened, wherever that is now; nothing when it is gone.
    name: Option<(u64, String)>,
}

/// How this world behaves where file systems and kernels differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// Leases tell of writers.
    pub(crate) leases: bool,
    /// The watch of a removed directory speaks before its parent's.
    pub(crate) self_first: bool,
    /// So many events fit into a queue.
    pub(crate) room: usize,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) manners: Manners,
    pub(crate) mono: u64,
    wall_ahead: Nanos,
    ticks: Nanos,
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    handles: Vec<Handle>,
    queues: BTreeMap<u32, Queue>,
    next_queue: u32,
    cookie: u32,
    /// What is still to happen during this turn, each after so many calls.
    pending: VecDeque<(u8, Op)>,
    /// Which content each time of change belongs to.
    pub(crate) contents: HashMap<Nanos, Content>,
    /// When each of these times was set, by the monotonic clock.
    changed: HashMap<Nanos, u64>,
    /// What was complete at some moment since the last turn began.
    moments: HashSet<(String, Print)>,
    /// How often each path has had its name taken away.
    pub(crate) leavings: HashMap<String, u32>,
    pub(crate) calls: u64,
    pub(crate) overflows: u64,
    pub(crate) log: Option<Vec<String>>,
}

/// The root of everything.
const ROOT: u64 = 2;

impl World {
    pub(crate) fn new(manners: Manners) -> Self {
        Self(Mutex::new(State {
            manners,
            mono: 1_000_000_000,
            wall_ahead: WALL,
            ticks: 0,
            inodes: HashMap::from([(ROOT, Inode::Folder(Folder::default()))]),
            next_inode: 10,
            handles: Vec::new(),
            queues: BTreeMap::new(),
            next_queue: 1,
            cookie: 0,
            pending: VecDeque::new(),
            contents: HashMap::new(),
            changed: HashMap::new(),
            moments: HashSet::new(),
            leavings: HashMap::new(),
            calls: 0,
            overflows: 0,
            log: None,
        }))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

impl State {
    pub(crate) fn wall(&self) -> Stamp {
        Stamp::from_nanos(self.wall_ahead + self.mono as Nanos)
    }

    pub(crate) fn step_clock(&mut self, by: Nanos) {
        self.wall_ahead += by;
    }

    /// The time of a change; no two are equal, also where the clock was set back.
    fn now(&mut self) -> Nanos {
        self.ticks += 1;
        let mut now = self.wall().as_nanos() + self.ticks;
        while self.contents.contains_key(&now) {
            now += 1;
        }
        now
    }

    fn folder(&self, inode: u64) -> Option<&Folder> {
        match self.inodes.get(&inode)? {
            Inode::Folder(folder) => Some(folder),
            Inode::File(_) => None,
        }
    }

    fn folder_mut(&mut self, inode: u64) -> Option<&mut Folder> {
        match self.inodes.get_mut(&inode)? {
            Inode::Folder(folder) => Some(folder),
            Inode::File(_) => None,
        }
    }

    fn file_mut(&mut self, inode: u64) -> Option<&mut File> {
        match self.inodes.get_mut(&inode)? {
            Inode::File(file) => Some(file),
            Inode::Folder(_) => None,
        }
    }

    fn entry(&self, dir: u64, name: &str) -> Option<u64> {
        self.folder(dir)?.entries.get(name).copied()
    }

    fn walk(&self, from: u64, path: &str) -> Option<u64> {
        path.split('/').filter(|part| !part.is_empty()).try_fold(from, |dir, name| self.entry(dir, name))
    }

    /// The directory of a path, if it is there, and the name in it.
    fn place<'a>(&self, path: &'a str) -> Option<(u64, &'a str)> {
        let (dir, name) = split(path);
        let dir = self.walk(ROOT, dir)?;
        self.folder(dir).map(|_| (dir, name))
    }

    fn file_at(&self, path: &str) -> Option<(u64, &File)> {
        let inode = self.walk(ROOT, path)?;
        match self.inodes.get(&inode)? {
            Inode::File(file) => Some((inode, file)),
            Inode::Folder(_) => None,
        }
    }

    /// When the inode at the path changed last.
    pub(crate) fn ctime(&self, path: &str) -> Option<Nanos> {
        self.file_at(path).map(|(_, file)| file.ctime)
    }

    /// Every file by its path.
    pub(crate) fn files(&self) -> Vec<(String, u64, &File)> {
        let mut files = Vec::new();
        let mut todo = vec![(String::new(), ROOT)];
        while let Some((path, dir)) = todo.pop() {
            for (name, inode) in self.folder(dir).into_iter().flat_map(|folder| &folder.entries) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                match &self.inodes[inode] {
                    Inode::File(file) => files.push((path, *inode, file)),
                    Inode::Folder(_) => todo.push((path, *inode)),
                }
            }
        }
        files
    }

    /// The names at and below a path leave it.
    fn leaves(&mut self, path: &str) {
        let below =
            |other: &str| other == path || other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let left: Vec<String> =
            self.files().into_iter().map(|(path, ..)| path).filter(|other| below(other)).collect();
        for path in left {
            *self.leavings.entry(path).or_default() += 1;
        }
    }

    /// A turn of the program begins.
    pub(crate) fn begin_turn(&mut self) {
        self.moments.clear();
        self.note_moment();
    }

    /// What is still to happen in this turn happens at its end.
    pub(crate) fn end_turn(&mut self) {
        while let Some((_, op)) = self.pending.pop_front() {
            self.perform(&op);
        }
    }

    pub(crate) fn schedule(&mut self, after: u8, op: Op) {
        self.pending.push_back((after, op));
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    fn note_moment(&mut self) {
        let complete =
            |(path, _, file): (String, u64, &File)| (file.writers == 0).then_some((path, file.print));
        let complete: Vec<_> = self.files().into_iter().filter_map(complete).collect();
        self.moments.extend(complete);
    }

    /// Whether the file looked so and nobody wrote it at some moment of this turn.
    pub(crate) fn was_complete(&self, path: &str, print: Print) -> bool {
        self.moments.contains(&(path.to_owned(), print))
    }

    /// The program makes a call: what is due happens before it.
    fn call(&mut self) {
        self.calls += 1;
        let Some((after, _)) = self.pending.front_mut() else { return };
        *after = after.saturating_sub(1);
        // What comes after no further call comes together with the one before.
        while let Some((_, op)) = self.pending.pop_front_if(|(after, _)| *after == 0) {
            self.perform(&op);
        }
    }

    /// Does what the operation says, where it can be done.
    pub(crate) fn perform(&mut self, op: &Op) {
        let done = self.try_op(op);
        if let Some(log) = &mut self.log {
            let word = if done.is_some() { "" } else { " (cannot)" };
            log.push(format!("{:>9.3} s  {op:?}{word}", self.mono as f64 / 1e9));
        }
        if done.is_some() {
            self.note_moment();
        }
    }

    fn try_op(&mut self, op: &Op) -> Option<()> {
        match *op {
            Op::Create(path) => self.create(path),
            Op::Append(path) => self.append(path),
            Op::Put(path, bytes) => self.put(path, bytes),
            Op::Write(handle, bytes) => self.write(handle, bytes),
            Op::Close(handle) => self.close(handle),
            Op::Finish(handle, bytes) => {
                let handle = self.handle(handle)?;
                self.write(handle, bytes)?;
                self.close(handle)
            }
            Op::Rename(from, to) => self.rename(from, to),
            Op::Exchange(one, two) => self.exchange(one, two),
            Op::Link(from, to) => self.link(from, to),
            Op::Unlink(path) => self.unlink(path),
            Op::Chmod(path) => self.touch(path, false, true),
            Op::Touch(path) => self.touch(path, true, true),
            Op::TouchUnheard(path) => self.touch(path, true, false),
            Op::Mkdir(path) => self.mkdir(path),
            Op::Rmdir(path) => self.rmdir(path),
            Op::Overflow => self.queues.values_mut().map(Queue::overflow).last(),
            Op::Lose(events) => self.queues.values_mut().map(|queue| queue.lose(events)).last(),
            Op::Reorder => self.queues.values_mut().map(Queue::reorder).last(),
            _ => None,
        }
    }

    fn tell(&mut self, dir: u64, mask: u32, cookie: u32, name: &str) {
        let room = self.manners.room;
        for queue in self.queues.values_mut() {
            self.overflows += u64::from(queue.tell(dir, mask, cookie, name, room));
        }
    }

    fn create(&mut self, path: &str) -> Option<()> {
        let (dir, name) = self.place(path)?;
        if let Some(inode) = self.entry(dir, name) {
            let file = self.file_mut(inode)?;
            let cut = file.print.size > 0;
            if cut {
                self.resize(inode, 0);
            }
            self.open(inode, dir, name);
            return Some(());
        }
        let (inode, now) = (self.next_inode, self.now());
        self.next_inode += 1;
        let print = Print { size: 0, mtime: now };
        self.is_now(now, Content { inode, version: 0 });
        let file = File { print, ctime: now, version: 0, links: 1, linked: false, writers: 0 };
        self.inodes.insert(inode, Inode::File(file));
        self.folder_mut(dir)?.entries.insert(name.to_owned(), inode);
        self.tell(dir, inotify::CREATE, 0, name);
        self.open(inode, dir, name);
        Some(())
    }

    /// Opens what is there, for appending. No event tells of it.
    fn append(&mut self, path: &str) -> Option<()> {
        let (dir, name) = self.place(path)?;
        let inode = self.entry(dir, name)?;
        self.file_mut(inode)?;
        self.open(inode, dir, name);
        Some(())
    }

    fn open(&mut self, inode: u64, dir: u64, name: &str) {
        if let Some(file) = self.file_mut(inode) {
            file.writers += 1;
        }
        self.handles.push(Handle { inode, name: Some((dir, name.to_owned())) });
    }

    fn put(&mut self, path: &str, bytes: u64) -> Option<()> {
        self.create(path)?;
        let last = self.handles.len() - 1;
        self.write(last, bytes)?;
        self.close(last)
    }

    fn resize(&mut self, inode: u64, size: u64) {
        let now = self.now();
        let Some(file) = self.file_mut(inode) else { return };
        file.version += 1;
        (file.print, file.ctime) = (Print { size, mtime: now }, now);
        let content = Content { inode, version: file.version };
        self.is_now(now, content);
    }

    /// The time of change belongs to this content.
    fn is_now(&mut self, time: Nanos, content: Content) {
        self.contents.insert(time, content);
        self.changed.insert(time, self.mono);
    }

    /// For how long nothing has changed what looks so.
    pub(crate) fn rested(&self, print: Print) -> Duration {
        let since = self.changed.get(&print.mtime).copied().unwrap_or_default();
        Duration::from_nanos(self.mono.saturating_sub(since))
    }

    fn handle(&self, number: usize) -> Option<usize> {
        (!self.handles.is_empty()).then(|| number % self.handles.len())
    }

    fn write(&mut self, number: usize, bytes: u64) -> Option<()> {
        let inode = self.handles[self.handle(number)?].inode;
        let size = self.file_mut(inode)?.print.size + bytes;
        self.resize(inode, size);
        Some(())
    }

    fn close(&mut self, number: usize) -> Option<()> {
        let Handle { inode, name } = self.handles.remove(self.handle(number)?);
        if let Some((dir, name)) = name {
            // The kernel queues this before it lets go of the file.
            self.tell(dir, inotify::CLOSE_WRITE, 0, &name);
        }
        self.file_mut(inode)?.writers -= 1;
        Some(())
    }

    /// Every writer ends.
    pub(crate) fn close_all(&mut self) {
        while self.close(0).is_some() {
            self.note_moment();
        }
    }

    fn drop_name(&mut self, dir: u64, name: &str, path: &str) -> Option<()> {
        self.leaves(path);
        let inode = self.folder_mut(dir)?.entries.remove(name)?;
        for handle in self.handles.iter_mut().filter(|handle| handle.inode == inode) {
            if handle.name.as_ref().is_some_and(|(at, by)| *at == dir && by == name) {
                handle.name = None;
            }
        }
        let now = self.now();
        if let Some(file) = self.file_mut(inode) {
            (file.links, file.ctime) = (file.links - 1, now);
        }
        Some(())
    }

    fn unlink(&mut self, path: &str) -> Option<()> {
        let (dir, name) = self.place(path)?;
        self.file_at(path)?;
        self.drop_name(dir, name, path)?;
        self.tell(dir, inotify::DELETE, 0, name);
        Some(())
    }

    fn link(&mut self, from: &str, to: &str) -> Option<()> {
        let (inode, _) = self.file_at(from)?;
        let (dir, name) = self.place(to)?;
        if self.entry(dir, name).is_some() {
            return None;
        }
        let now = self.now();
        let file = self.file_mut(inode)?;
        (file.links, file.linked, file.ctime) = (file.links + 1, true, now);
        self.folder_mut(dir)?.entries.insert(name.to_owned(), inode);
        self.tell(dir, inotify::CREATE, 0, name);
        Some(())
    }

    fn touch(&mut self, path: &str, times: bool, heard: bool) -> Option<()> {
        let (dir, name) = self.place(path)?;
        let (inode, file) = self.file_at(path)?;
        let content = Content { inode, version: file.version };
        let now = self.now();
        let file = self.file_mut(inode)?;
        file.ctime = now;
        if times {
            file.print.mtime = now;
            self.is_now(now, content);
        }
        if heard {
            self.tell(dir, inotify::ATTRIB, 0, name);
        }
        Some(())
    }

    fn mkdir(&mut self, path: &str) -> Option<()> {
        let (dir, name) = self.place(path)?;
        if self.entry(dir, name).is_some() {
            return None;
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::Folder(Folder::default()));
        self.folder_mut(dir)?.entries.insert(name.to_owned(), inode);
        self.tell(dir, inotify::CREATE | inotify::ISDIR, 0, name);
        Some(())
    }

    fn rmdir(&mut self, path: &str) -> Option<()> {
        let (dir, name) = self.place(path)?;
        let inode = self.entry(dir, name)?;
        if !self.folder(inode)?.entries.is_empty() {
            return None;
        }
        self.folder_mut(dir)?.entries.remove(name);
        if self.manners.self_first {
            self.bury(inode);
        }
        self.tell(dir, inotify::DELETE | inotify::ISDIR, 0, name);
        if !self.manners.self_first {
            self.bury(inode);
        }
        Some(())
    }

    /// The directory is gone, and its watches say so.
    fn bury(&mut self, inode: u64) {
        if let Some(folder) = self.folder_mut(inode) {
            folder.dead = true;
        }
        let room = self.manners.room;
        self.queues.values_mut().for_each(|queue| queue.bury(inode, room));
    }

    fn rename(&mut self, from: &str, to: &str) -> Option<()> {
        let (old_dir, old_name) = self.place(from)?;
        let inode = self.entry(old_dir, old_name)?;
        let (new_dir, new_name) = self.place(to)?;
        let is_dir = self.folder(inode).is_some();
        let into_itself =
            is_dir && (to == from || to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')));
        let covered = self.entry(new_dir, new_name);
        if into_itself || covered == Some(inode) {
            return None;
        }
        if let Some(covered) = covered {
            let folder = self.folder(covered);
            if folder.is_some() != is_dir || folder.is_some_and(|folder| !folder.entries.is_empty()) {
                return None;
            }
        }
        self.leaves(from);
        if covered.is_some() {
            self.drop_name(new_dir, new_name, to)?;
        }
        self.folder_mut(old_dir)?.entries.remove(old_name);
        self.folder_mut(new_dir)?.entries.insert(new_name.to_owned(), inode);
        self.carry_handles(inode, (old_dir, old_name), (new_dir, new_name));
        self.tell_move(inode, (old_dir, old_name), (new_dir, new_name));
        if let Some(covered) = covered.filter(|_| is_dir) {
            self.bury(covered);
        }
        Some(())
    }

    fn exchange(&mut self, one: &str, two: &str) -> Option<()> {
        let (one_dir, one_name) = self.place(one)?;
        let (two_dir, two_name) = self.place(two)?;
        let (first, second) = (self.entry(one_dir, one_name)?, self.entry(two_dir, two_name)?);
        let within =
            |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        if first == second || within(one, two) || within(two, one) {
            return None;
        }
        self.leaves(one);
        self.leaves(two);
        self.folder_mut(one_dir)?.entries.insert(one_name.to_owned(), second);
        self.folder_mut(two_dir)?.entries.insert(two_name.to_owned(), first);
        self.carry_handles(first, (one_dir, one_name), (two_dir, two_name));
        self.carry_handles(second, (two_dir, two_name), (one_dir, one_name));
        self.tell_move(first, (one_dir, one_name), (two_dir, two_name));
        self.tell_move(second, (two_dir, two_name), (one_dir, one_name));
        Some(())
    }

    fn carry_handles(&mut self, inode: u64, from: (u64, &str), to: (u64, &str)) {
        for handle in self.handles.iter_mut().filter(|handle| handle.inode == inode) {
            if handle.name.as_ref().is_some_and(|(dir, name)| (*dir, name.as_str()) == from) {
                handle.name = Some((to.0, to.1.to_owned()));
            }
        }
    }

    fn tell_move(&mut self, inode: u64, from: (u64, &str), to: (u64, &str)) {
        let now = self.now();
        let is_dir = match self.inodes.get_mut(&inode) {
            Some(Inode::File(file)) => {
                file.ctime = now;
                0
            }
            _ => inotify::ISDIR,
        };
        self.cookie += 1;
        let cookie = self.cookie;
        self.tell(from.0, inotify::MOVED_FROM | is_dir, cookie, from.1);
        self.tell(to.0, inotify::MOVED_TO | is_dir, cookie, to.1);
        self.tell(inode, inotify::MOVE_SELF, 0, "");
    }
}
