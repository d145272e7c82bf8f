//! Scanners: threads that stat and list what they are asked to, and nothing else.
//!
//! A system call on a network mount may not come back for minutes. It then holds up its thread and
//! nobody else: each region has its own scanners, and the source's thread only reads their answers.
//! Where one does not come back from, no other is sent to, and another takes its place meanwhile.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use settle::Mono;
use sys::{Dir, EntryKind, Errno, Look};

use crate::backlog::Backlog;
use crate::names::Names;
use crate::poll::{Signature, Want};
use crate::tree::DirId;

/// What is to be done in one directory.
#[derive(Debug)]
pub(crate) struct Job {
    /// The directory's path below the root.
    pub(crate) dir: Vec<u8>,
    pub(crate) tasks: Vec<Task>,
}

/// One thing to do in it.
#[derive(Debug)]
pub(crate) enum Task {
    /// Stat the directory `name` in it (`.`: itself) and list it if so wanted.
    Visit { id: DirId, name: Box<[u8]>, want: Want },
    /// Stat one entry; `id` is the directory.
    Look { id: DirId, name: Box<[u8]>, asked: Mono },
}

/// What scanners have found.
#[derive(Debug)]
pub struct Answer {
    /// Answers of an earlier incarnation of the root mean nothing.
    pub(crate) epoch: u32,
    pub(crate) reports: Vec<Report>,
    /// Points to something as long as somebody wants answers.
    pub(crate) alive: Weak<()>,
}

/// What was found in one directory.
#[derive(Debug)]
pub(crate) enum Report {
    /// Its signature is the same.
    Same(Vec<DirId>),
    /// Entries of it.
    Entries { dir: DirId, entries: Vec<SeenEntry> },
    /// It is listed to its end; `signature` was read before.
    Listed { dir: DirId, signature: Signature, below: Vec<Box<[u8]>>, count: u64 },
    /// It could not be read at this place.
    Refused { dir: DirId, place: Vec<u8>, signature: Option<Signature>, error: Errno },
}

#[derive(Debug)]
pub(crate) struct SeenEntry {
    pub(crate) name: Box<[u8]>,
    pub(crate) kind: EntryKind,
    pub(crate) look: Option<Result<Look, Errno>>,
    /// When it was asked for by name.
    pub(crate) asked: Option<Mono>,
}

impl Answer {
    pub(crate) fn bytes(&self) -> usize {
        let entries = |report: &Report| match report {
            Report::Entries { entries, .. } => entries.len(),
            Report::Listed { below, .. } => below.len() + 1,
            Report::Same(dirs) => dirs.len().div_ceil(32),
            Report::Refused { .. } => 1,
        };
        self.reports.iter().map(entries).sum::<usize>() * 160
    }
}

/// A directory's entries are handed on in parts of this size.
const PART: usize = 2048;
/// In a larger directory entries are only named; whoever asked looks at those that are new.
const LOOKED_AT: u64 = 8192;
/// A scanner that has been at one place for so long may be stuck there.
const SUSPECT: Duration = Duration::from_secs(1);
/// So many scanners of one region there are at most, with those that are stuck.
const MOST: usize = 32;

/// The scanners of one region.
#[derive(Debug)]
pub(crate) struct Survey {
    shared: Arc<Shared>,
    /// So many are to be at work.
    threads: usize,
    /// Held by nobody else: when it is gone, nobody wants answers.
    alive: Arc<()>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    follow: bool,
    epoch: u32,
    backlog: Arc<Backlog>,
    jobs: Mutex<Jobs>,
    bell: Condvar,
    /// What was in huge directories when they were listed last.
    huge: Mutex<HashMap<DirId, Names>>,
}

/// Bounded by who asks: a pass asks for each directory once until it is answered, a walk once. A unit is
/// asked for again when no answer came for long; that is not noted twice.
#[derive(Debug, Default)]
struct Jobs {
    todo: VecDeque<Job>,
    /// Looks that were asked for and are not done yet.
    looks: HashSet<(DirId, Vec<u8>)>,
    /// At places where a scanner seems to be stuck, until one comes back.
    put_off: Vec<Job>,
    /// Where each scanner is that is at work, by its number, and since when.
    at: HashMap<u64, (Vec<u8>, Instant)>,
    /// Scanners that wait for jobs.
    idle: usize,
    running: usize,
    next: u64,
    stop: bool,
}

impl Jobs {
    /// Places where scanners have been for suspiciously long.
    fn suspects(&self) -> impl Iterator<Item = &[u8]> {
        self.at.values().filter(|(_, since)| since.elapsed() >= SUSPECT).map(|(place, _)| place.as_slice())
    }

    /// The next job that leads to no place where a scanner is stuck.
    fn take(&mut self) -> Option<Job> {
        while let Some(job) = self.todo.pop_front() {
            let place = job.place();
            if !self.suspects().any(|suspect| is_at_or_below(&place, suspect)) {
                return Some(job);
            }
            self.put_off.push(job);
        }
        None
    }

    /// The scanner is there from now on, or nowhere. Says whether it seemed to be stuck before: then what
    /// was put off because of it may be done now.
    fn goes(&mut self, scanner: u64, place: Option<Vec<u8>>) -> bool {
        let before = match place {
            Some(place) => self.at.insert(scanner, (place, Instant::now())),
            None => self.at.remove(&scanner),
        };
        let was_stuck = before.is_some_and(|(_, since)| since.elapsed() >= SUSPECT);
        if was_stuck {
            self.todo.extend(self.put_off.drain(..));
        }
        was_stuck
    }

    /// How many scanners are missing, if so many are to be at work.
    fn missing(&self, threads: usize) -> usize {
        let able = self.running.saturating_sub(self.suspects().count());
        let wanted = self.todo.len().saturating_sub(self.idle);
        wanted.min(threads.saturating_sub(able)).min(MOST.saturating_sub(self.running))
    }
}

fn entry_path(dir: &[u8], name: &[u8]) -> Vec<u8> {
    [dir, b"/", name].concat()
}

fn is_at_or_below(path: &[u8], place: &[u8]) -> bool {
    let rest = path.strip_prefix(place);
    place.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

impl Job {
    /// Where it leads to. What was put together leads to several places with one parent.
    fn place(&self) -> Vec<u8> {
        match self.tasks.as_slice() {
            [task] => task.place(&self.dir),
            _ => self.dir.clone(),
        }
    }
}

impl Task {
    fn place(&self, dir: &[u8]) -> Vec<u8> {
        match self {
            Task::Visit { name, .. } if **name == *b"." => dir.to_vec(),
            Task::Visit { name, .. } if dir.is_empty() => name.to_vec(),
            Task::Visit { name, .. } => [dir, b"/", name].concat(),
            Task::Look { .. } => dir.to_vec(),
        }
    }
}

impl Shared {
    fn huge(&self) -> MutexGuard<'_, HashMap<DirId, Names>> {
        self.huge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn goes(&self, scanner: u64, place: Option<Vec<u8>>) {
        if self.lock().goes(scanner, place) {
            self.bell.notify_all();
        }
    }
}

impl Survey {
    pub(crate) fn new(root: &Path, follow: bool, epoch: u32, threads: usize, backlog: &Arc<Backlog>) -> Self {
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            follow,
            epoch,
            backlog: Arc::clone(backlog),
            jobs: Mutex::default(),
            huge: Mutex::default(),
            bell: Condvar::new(),
        });
        Self { shared, threads, alive: Arc::new(()) }
    }

    pub(crate) fn give(&self, mut job: Job) {
        {
            let mut jobs = self.shared.lock();
            let dir = &job.dir;
            job.tasks.retain(|task| match task {
                Task::Look { id, name, .. } => jobs.looks.insert((*id, entry_path(dir, name))),
                Task::Visit { .. } => true,
            });
            if job.tasks.is_empty() {
                return;
            }
            jobs.todo.push_back(job);
        }
        self.tend();
        self.shared.bell.notify_one();
    }

    /// Starts scanners that are missing, because there is more to do or because others are stuck.
    pub(crate) fn tend(&self) {
        let mut jobs = self.shared.lock();
        for _ in 0..jobs.missing(self.threads) {
            let number = jobs.next;
            let (shared, alive, threads) =
                (Arc::clone(&self.shared), Arc::downgrade(&self.alive), self.threads);
            let thread = std::thread::Builder::new().name("staithe-scan".into());
            // Without a thread the jobs wait for the next try; the directories are overdue then, and shown.
            if thread.spawn(move || scan(&shared, &alive, number, threads)).is_err() {
                return;
            }
            jobs.next += 1;
            jobs.running += 1;
        }
    }
}

impl Drop for Survey {
    /// A scanner may be stuck in the kernel: it is told to stop, and nobody waits for it.
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.bell.notify_all();
    }
}

/// The scanner's next job; nothing if it is not needed any more.
fn next_job(shared: &Shared, threads: usize) -> Option<Job> {
    let mut jobs = shared.lock();
    loop {
        let surplus = jobs.running.saturating_sub(jobs.suspects().count()) > threads;
        if jobs.stop || surplus {
            jobs.running -= 1;
            // Others may wait for what was put off.
            shared.bell.notify_all();
            return None;
        }
        if let Some(job) = jobs.take() {
            return Some(job);
        }
        jobs.idle += 1;
        jobs = shared.bell.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        jobs.idle -= 1;
    }
}

fn scan(shared: &Shared, alive: &Weak<()>, number: u64, threads: usize) {
    while let Some(job) = next_job(shared, threads) {
        let mut scanner = Scanner {
            shared,
            alive,
            number,
            place: Vec::new(),
            same: Vec::new(),
            reports: Vec::new(),
            entries: 0,
        };
        scanner.work(&job);
        scanner.flush();
        shared.goes(number, None);
    }
}

/// One thread at one job.
struct Scanner<'a> {
    shared: &'a Shared,
    alive: &'a Weak<()>,
    number: u64,
    place: Vec<u8>,
    /// Directories whose signature is the same, until they are told of.
    same: Vec<DirId>,
    reports: Vec<Report>,
    entries: usize,
}

impl Scanner<'_> {
    /// Hands on what was found. To wait for room is not to be stuck.
    fn flush(&mut self) {
        if !self.same.is_empty() {
            self.reports.push(Report::Same(std::mem::take(&mut self.same)));
        }
        if self.reports.is_empty() {
            return;
        }
        let (epoch, alive) = (self.shared.epoch, Weak::clone(self.alive));
        let reports = std::mem::take(&mut self.reports);
        self.entries = 0;
        self.shared.goes(self.number, None);
        self.shared.backlog.push_patiently(Answer { epoch, reports, alive });
        self.shared.goes(self.number, Some(self.place.clone()));
    }

    fn go_to(&mut self, place: Vec<u8>) {
        self.place.clone_from(&place);
        self.shared.goes(self.number, Some(place));
    }

    fn work(&mut self, job: &Job) {
        // Whoever opens it may be stuck in that already.
        self.go_to(job.dir.clone());
        let dir = Dir::open_root(&self.shared.root).and_then(|root| root.open_below(&job.dir));
        for task in &job.tasks {
            // Where scanners get stuck a job has one task; elsewhere noting each would cost more than it does.
            if job.tasks.len() == 1 {
                self.go_to(task.place(&job.dir));
            }
            match (task, &dir) {
                (Task::Visit { id, name, want }, Ok(dir)) => {
                    if let Err((signature, error)) = self.visit(dir, *id, name, *want) {
                        self.shared.huge().remove(id);
                        let place = task.place(&job.dir);
                        self.reports.push(Report::Refused { dir: *id, place, signature, error });
                    }
                }
                (Task::Visit { id, .. }, Err(error)) => {
                    let (place, error) = (task.place(&job.dir), *error);
                    self.reports.push(Report::Refused { dir: *id, place, signature: None, error });
                }
                (Task::Look { id, name, asked }, dir) => self.look(&job.dir, dir.as_ref(), *id, name, *asked),
            }
        }
    }

    /// Why not, and the signature if at least that could be read.
    fn visit(
        &mut self,
        parent: &Dir,
        id: DirId,
        name: &[u8],
        want: Want,
    ) -> Result<(), (Option<Signature>, Errno)> {
        let look = if name == b"." { parent.look() } else { parent.look_at(name) };
        let look = look.and_then(|look| match look.kind() {
            EntryKind::Directory => Ok(look),
            _ => Err(Errno::NOTDIR),
        });
        let signature = Signature::from(&look.map_err(|error| (None, error))?);
        if want == Want::IfNot(signature) {
            self.same.push(id);
            return Ok(());
        }
        let opened = parent.open_child(name);
        let all = want == Want::Listing;
        opened.and_then(|dir| self.list(&dir, id, signature, all)).map_err(|error| (Some(signature), error))
    }

    /// Of a huge directory that was listed before, only what is new is told of, unless all is wanted.
    fn list(&mut self, dir: &Dir, id: DirId, signature: Signature, all: bool) -> Result<(), Errno> {
        let mut below = Vec::new();
        let mut entries = Vec::new();
        let (mut count, mut told) = (0, 0);
        let before = self.shared.huge().remove(&id).filter(|_| !all);
        let mut now = Names::default();
        dir.list_with_inodes(|name, kind, inode| {
            count += 1;
            let print = now.add(name, inode);
            if kind != EntryKind::Directory && before.as_ref().is_some_and(|before| before.has(print)) {
                return;
            }
            told += 1;
            let looks = told <= LOOKED_AT || kind == EntryKind::Unknown;
            let look = (looks && kind != EntryKind::Directory).then(|| self.look_at(dir, name));
            let kind = match (kind, look) {
                (EntryKind::Unknown, Some(Ok(look))) => look.kind(),
                _ => kind,
            };
            if kind == EntryKind::Directory {
                below.push(name.into());
            } else {
                entries.push(SeenEntry { name: name.into(), kind, look, asked: None });
            }
            if entries.len() >= PART {
                self.hand_on(id, std::mem::take(&mut entries));
            }
        })?;
        self.hand_on(id, entries);
        if count > LOOKED_AT {
            self.shared.huge().insert(id, now.sorted());
        }
        self.reports.push(Report::Listed { dir: id, signature, below, count });
        Ok(())
    }

    fn hand_on(&mut self, dir: DirId, entries: Vec<SeenEntry>) {
        if entries.is_empty() {
            return;
        }
        self.entries += entries.len();
        self.reports.push(Report::Entries { dir, entries });
        if self.entries >= PART {
            self.flush();
        }
    }

    fn look(&mut self, path: &[u8], dir: Result<&Dir, &Errno>, id: DirId, name: &[u8], asked: Mono) {
        // Whoever asks from now on is to have what is there from now on.
        self.shared.lock().looks.remove(&(id, entry_path(path, name)));
        let look = dir.map_err(|error| *error).and_then(|dir| self.look_at(dir, name));
        let kind = look.map_or(EntryKind::Unknown, |look| look.kind());
        let entry = SeenEntry { name: name.into(), kind, look: Some(look), asked: Some(asked) };
        self.hand_on(id, vec![entry]);
    }

    /// Where links are followed, a link to a file is what it leads to.
    fn look_at(&self, dir: &Dir, name: &[u8]) -> Result<Look, Errno> {
        let look = dir.look_at(name)?;
        if self.shared.follow
            && look.kind() == EntryKind::Symlink
            && let Ok(through) = dir.look_through(name)
            && through.kind() == EntryKind::File
        {
            return Ok(through);
        }
        Ok(look)
    }
}

#[cfg(test)]
#[path = "survey/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "survey/tests/scanners.rs"]
mod scanners;
