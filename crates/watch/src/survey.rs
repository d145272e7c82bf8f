//! Scanners: threads that stat and list what they are asked to, and nothing else.
//!
//! A system call on a network mount may not come back for minutes. It then holds up its thread and
//! nobody else: each region has its own scanners, and the source's thread only reads their answers.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sys::{Dir, EntryKind, Errno, Look};

use crate::backlog::Backlog;
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
    Look { id: DirId, name: Box<[u8]> },
}

/// What scanners have found.
#[derive(Debug)]
pub struct Answer {
    /// Answers of an earlier incarnation of the root mean nothing.
    pub(crate) epoch: u32,
    pub(crate) reports: Vec<Report>,
    /// Held by the pool as long as somebody wants answers.
    pub(crate) alive: Arc<()>,
}

/// What was found in one directory.
#[derive(Debug)]
pub(crate) enum Report {
    /// Its signature is the same.
    Same(DirId),
    /// Entries of it.
    Entries { dir: DirId, entries: Vec<SeenEntry> },
    /// It is listed to its end; `signature` was read before.
    Listed { dir: DirId, signature: Signature, below: Vec<Box<[u8]>>, count: u64 },
    /// It could not be read.
    Refused { dir: DirId, signature: Option<Signature>, error: Errno },
}

#[derive(Debug)]
pub(crate) struct SeenEntry {
    pub(crate) name: Box<[u8]>,
    pub(crate) kind: EntryKind,
    pub(crate) look: Option<Result<Look, Errno>>,
}

impl Answer {
    pub(crate) fn bytes(&self) -> usize {
        let entries = |report: &Report| match report {
            Report::Entries { entries, .. } => entries.len(),
            Report::Listed { below, .. } => below.len() + 1,
            Report::Same(_) | Report::Refused { .. } => 1,
        };
        self.reports.iter().map(entries).sum::<usize>() * 160
    }
}

/// A directory's entries are handed on in parts of this size.
const PART: usize = 2048;
/// In a larger directory entries are only named; whoever asked looks at those that are new.
const LOOKED_AT: u64 = 8192;

/// The scanners of one region.
#[derive(Debug)]
pub(crate) struct Survey {
    shared: Arc<Shared>,
    threads: usize,
    started: usize,
    alive: Arc<()>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    follow: bool,
    epoch: u32,
    backlog: Arc<Backlog>,
    /// Bounded by who asks: one question for each directory and each waiting unit, until it is answered.
    jobs: Mutex<Jobs>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Jobs {
    todo: VecDeque<Job>,
    idle: usize,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
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
            bell: Condvar::new(),
        });
        Self { shared, threads, started: 0, alive: Arc::new(()) }
    }

    pub(crate) fn give(&mut self, job: Job) {
        let mut jobs = self.shared.lock();
        jobs.todo.push_back(job);
        let needed = jobs.idle < jobs.todo.len() && self.started < self.threads;
        drop(jobs);
        if needed {
            self.start_one();
        }
        self.shared.bell.notify_one();
    }

    /// Without a thread the jobs wait for the next try; the directories are overdue then, and shown.
    fn start_one(&mut self) {
        let (shared, alive) = (Arc::clone(&self.shared), Arc::clone(&self.alive));
        let thread = std::thread::Builder::new().name("staithe-scan".into());
        if thread.spawn(move || scan(&shared, &alive)).is_ok() {
            self.started += 1;
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

fn next_job(shared: &Shared) -> Option<Job> {
    let mut jobs = shared.lock();
    loop {
        if jobs.stop {
            return None;
        }
        if let Some(job) = jobs.todo.pop_front() {
            return Some(job);
        }
        jobs.idle += 1;
        jobs = shared.bell.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        jobs.idle -= 1;
    }
}

fn scan(shared: &Shared, alive: &Arc<()>) {
    while let Some(job) = next_job(shared) {
        let mut scanner = Scanner { shared, alive, reports: Vec::new(), entries: 0 };
        scanner.work(&job);
        scanner.flush();
    }
}

/// One thread at one job.
struct Scanner<'a> {
    shared: &'a Shared,
    alive: &'a Arc<()>,
    reports: Vec<Report>,
    entries: usize,
}

impl Scanner<'_> {
    fn flush(&mut self) {
        if self.reports.is_empty() {
            return;
        }
        let (epoch, alive) = (self.shared.epoch, Arc::clone(self.alive));
        let reports = std::mem::take(&mut self.reports);
        self.entries = 0;
        self.shared.backlog.push_patiently(Answer { epoch, reports, alive });
    }

    fn work(&mut self, job: &Job) {
        let dir = Dir::open_root(&self.shared.root).and_then(|root| match &*job.dir {
            b"" => Ok(root),
            path => root.open_below(path),
        });
        for task in &job.tasks {
            match (task, &dir) {
                (Task::Visit { id, name, want }, Ok(dir)) => self.visit(dir, *id, name, *want),
                (Task::Visit { id, .. }, Err(error)) => {
                    self.reports.push(Report::Refused { dir: *id, signature: None, error: *error });
                }
                (Task::Look { id, name }, dir) => self.look(dir.as_ref(), *id, name),
            }
        }
    }

    fn visit(&mut self, parent: &Dir, id: DirId, name: &[u8], want: Want) {
        let look = if name == b"." { parent.look() } else { parent.look_at(name) };
        let look = look.and_then(|look| match look.kind() {
            EntryKind::Directory => Ok(look),
            _ => Err(Errno::NOTDIR),
        });
        let signature = match look {
            Ok(look) => Signature::from(&look),
            Err(error) => {
                return self.reports.push(Report::Refused { dir: id, signature: None, error });
            }
        };
        if want == Want::IfNot(signature) {
            return self.reports.push(Report::Same(id));
        }
        let opened = parent.open_child(name);
        if let Err(error) = opened.and_then(|dir| self.list(&dir, id, signature)) {
            self.reports.push(Report::Refused { dir: id, signature: Some(signature), error });
        }
    }

    fn list(&mut self, dir: &Dir, id: DirId, signature: Signature) -> Result<(), Errno> {
        let mut below = Vec::new();
        let mut entries = Vec::new();
        let mut count = 0;
        dir.list(|name, kind| {
            count += 1;
            let looks = count <= LOOKED_AT || kind == EntryKind::Unknown;
            let look = (looks && kind != EntryKind::Directory).then(|| self.look_at(dir, name));
            let kind = match (kind, look) {
                (EntryKind::Unknown, Some(Ok(look))) => look.kind(),
                _ => kind,
            };
            if kind == EntryKind::Directory {
                below.push(name.into());
            } else {
                entries.push(SeenEntry { name: name.into(), kind, look });
            }
            if entries.len() >= PART {
                self.hand_on(id, std::mem::take(&mut entries));
            }
        })?;
        self.hand_on(id, entries);
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

    fn look(&mut self, dir: Result<&Dir, &Errno>, id: DirId, name: &[u8]) {
        let look = dir.map_err(|error| *error).and_then(|dir| self.look_at(dir, name));
        let kind = look.map_or(EntryKind::Unknown, |look| look.kind());
        let entry = SeenEntry { name: name.into(), kind, look: Some(look) };
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
