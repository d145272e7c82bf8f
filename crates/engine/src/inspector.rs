//! Reading that takes long: surveys of datasets, hashes, metadata, headers. One thread for each source,
//! started when it is first needed, so that a server that hangs holds up its own source's reading only.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use inspect::{
    Checked, DicomHeader, InspectError, ManifestRequest, MetadataAnswer, Place, Seen, Survey, SurveyRequest,
};
use model::{ManifestGap, Reason, Signal, Stamp};
use settle::{Answer, Ask, Extras, ManifestStyle, Metadata, Mono, Rule, Sample};
use sys::{Dir, Links, Writer};

use crate::clock::Clock;
use crate::explain::split;
use crate::orders::{Order, Orders};
use crate::source::companions::{companion_paths, look_beside, usual_name};
use crate::source::looking::sample;

/// What one unit wants to know.
#[derive(Debug)]
pub(crate) struct Job {
    /// The unit's path.
    pub(crate) unit: Box<[u8]>,
    /// Tells the answer from that to an earlier question.
    pub(crate) number: u64,
    /// The source's root, and what it was when the question was asked.
    pub(crate) root: PathBuf,
    pub(crate) same: (u64, u64),
    pub(crate) asked: Mono,
    pub(crate) rule: Arc<Rule>,
    pub(crate) survey: Option<SurveyJob>,
    /// The members of a group, as they were when each was complete.
    pub(crate) members: Option<MembersJob>,
    /// Entries of the rule's questions.
    pub(crate) asks: Vec<usize>,
    /// When the unit's content was changed last, as far as is known.
    pub(crate) changed: Stamp,
    /// A member whose header is wanted.
    pub(crate) header: bool,
    /// The members of a group of which is asked whether they are whole.
    pub(crate) files: Vec<Box<[u8]>>,
    pub(crate) memory: Memory,
}

/// What was read before, so that it is not read again.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What was hashed.
    checked: Checked,
    /// What was found whole, or not.
    whole: Seen,
}

/// What the members of a group are compared with.
#[derive(Debug)]
pub(crate) struct MembersJob {
    pub(crate) probe: bool,
    pub(crate) links: Links,
    pub(crate) samples: Vec<(Box<[u8]>, Sample)>,
}

/// How a dataset is to be walked.
#[derive(Debug)]
pub(crate) struct SurveyJob {
    pub(crate) with_inode: bool,
    pub(crate) probe: bool,
    pub(crate) ask_first: Vec<Box<[u8]>>,
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) unit: Box<[u8]>,
    pub(crate) number: u64,
    pub(crate) asked: Mono,
    pub(crate) survey: Option<Result<Survey, InspectError>>,
    /// The members that are not as they were, or that somebody writes.
    pub(crate) stale: Option<Vec<Box<[u8]>>>,
    pub(crate) answers: Vec<(usize, Answer)>,
    pub(crate) header: Option<Result<DicomHeader, InspectError>>,
    pub(crate) memory: Memory,
}

/// So many jobs may wait; when it is full, the unit asks again a little later.
const JOBS: usize = 256;
/// So many files of a manifest are hashed at the same time.
const THREADS: usize = 4;

/// The way to the thread.
pub(crate) struct Inspector {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    orders: Arc<Orders>,
    clock: Clock,
}

impl Inspector {
    pub(crate) fn new(orders: Arc<Orders>, clock: Clock) -> Self {
        Self { jobs: None, thread: None, stop: Arc::default(), orders, clock }
    }

    /// Leaves a job; says whether there was room.
    pub(crate) fn give(&mut self, job: Job) -> bool {
        if self.jobs.is_none() {
            let (jobs, taken) = sync_channel(JOBS);
            let (stop, orders, clock) = (Arc::clone(&self.stop), Arc::clone(&self.orders), self.clock);
            let work = move || run(&taken, &stop, &orders, clock);
            self.thread = std::thread::Builder::new().name("inspector".into()).spawn(work).ok();
            self.jobs = Some(jobs);
        }
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// Whether the thread has ended before its time (or could not be started): nobody answers what was asked.
    /// The next job finds another one.
    pub(crate) fn has_died(&mut self) -> bool {
        let died = self.jobs.is_some() && self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        if died {
            (self.jobs, self.thread) = (None, None);
        }
        died
    }
}

impl Drop for Inspector {
    /// The thread is not waited for: a server that hangs may hold it for ever.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn run(jobs: &Receiver<Job>, stop: &AtomicBool, orders: &Orders, clock: Clock) {
    while let Ok(job) = jobs.recv() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        orders.give(Order::Inspected(Box::new(inspect(job, stop, clock))));
    }
}

fn inspect(job: Job, stop: &AtomicBool, clock: Clock) -> Inspected {
    let stopped = || stop.load(Ordering::Relaxed);
    let Job { unit, number, asked, mut memory, .. } = job;
    let mut answer = Inspected {
        unit,
        number,
        asked,
        survey: None,
        stale: None,
        answers: Vec::new(),
        header: None,
        memory: Memory::default(),
    };
    let root = open_same(&job.root, job.same);
    let unit = &*answer.unit;
    if let Some(survey) = &job.survey {
        answer.survey = Some(root.as_ref().map_err(|error| other_root(*error)).and_then(|root| {
            is_directory(root, unit)?;
            let ignore = |name: &[u8]| is_no_member(&job.rule, unit, name);
            let request = SurveyRequest {
                with_inode: survey.with_inode,
                probe: survey.probe,
                ask_first: survey.ask_first.clone(),
                ignore: &ignore,
            };
            inspect::survey(&Place { root, path: unit }, &request, &stopped)
        }));
    }
    if let (Some(members), Ok(root)) = (&job.members, &root) {
        answer.stale = Some(stale_members(root, members, &stopped));
    }
    if job.header {
        let read = |root: &Dir| inspect::read_dicom(root, unit);
        answer.header = Some(root.as_ref().map_err(|error| other_root(*error)).and_then(read));
    }
    if let Ok(root) = &root {
        for at in job.asks {
            let Some(ask) = job.rule.completion.asks.get(at) else { continue };
            let found = match ask {
                Ask::Manifest(manifest) => {
                    verify(root, unit, &job.rule, manifest, &mut memory.checked, stop, clock)
                }
                Ask::Whole => whole(root, unit, &job.rule, &job.files, &mut memory.whole, &stopped),
                Ask::Metadata(metadata) => read_metadata(root, unit, &job.rule, metadata),
                // These are asked here only where looking may take long.
                Ask::Marker(_) | Ask::Lock(_) | Ask::Count(_) => {
                    look_beside(root, unit, &job.rule, ask, job.changed)
                }
            };
            answer.answers.push((at, found));
        }
    }
    answer.memory = memory;
    answer
}

/// Whether what lies in a dataset is no part of it: a marker, a lock, or excluded.
fn is_no_member(rule: &Rule, unit: &[u8], name: &[u8]) -> bool {
    let excludes = matches!(rule.shape.take, settle::Take::Dataset(_)) && !rule.exclude.is_empty();
    let is_excluded = || {
        matches!(rule.say(&join(unit, name)), settle::Say::Excluded(_) | settle::Say::ExcludedBelow { .. })
    };
    rule.is_marker_inside(name) || (excludes && is_excluded())
}

/// The root, if it is still the directory that the question was about.
fn open_same(root: &std::path::Path, same: (u64, u64)) -> Result<Dir, sys::Errno> {
    let dir = Dir::open_root(root)?;
    let look = dir.look()?;
    if (look.device, look.inode) == same { Ok(dir) } else { Err(sys::Errno::STALE) }
}

fn other_root(error: sys::Errno) -> InspectError {
    InspectError::Open { path: Vec::new(), error }
}

/// The members that changed since they were complete: nobody hears of a writer before it closes.
fn stale_members(root: &Dir, members: &MembersJob, stopped: &dyn Fn() -> bool) -> Vec<Box<[u8]>> {
    let is_stale = |(path, then): &&(Box<[u8]>, Sample)| {
        let (dir, name) = split(path);
        let Ok(dir) = root.open_below(dir) else { return true };
        let look = match members.links {
            Links::Follow => dir.look_through(name),
            Links::Refuse => dir.look_at(name),
        };
        let same = look.is_ok_and(|look| sample(&look) == *then);
        !same || (members.probe && dir.probe_writer(name, members.links) == Writer::Open)
    };
    let members = members.samples.iter().take_while(|_| !stopped());
    members.filter(is_stale).map(|(path, _)| path.clone()).collect()
}

/// A file or a link that has taken the place of a dataset is none.
fn is_directory(root: &Dir, unit: &[u8]) -> Result<(), InspectError> {
    match root.open_below(unit) {
        Err(sys::Errno::NOTDIR | sys::Errno::LOOP) => Err(InspectError::Absent { path: unit.to_vec() }),
        _ => Ok(()),
    }
}

fn read_metadata(root: &Dir, unit: &[u8], rule: &Rule, metadata: &Metadata) -> Answer {
    let mut missing = None;
    for (dir, name) in companion_paths(rule, unit, &metadata.form) {
        let path = join(&dir, &name);
        let problem = match inspect::has_key(&Place { root, path: &path }, metadata.key.as_deref()) {
            Ok(MetadataAnswer::Good) => return Answer::Holds(Signal::Metadata),
            Ok(MetadataAnswer::Absent) => None,
            Ok(MetadataAnswer::Invalid(why)) => Some(why),
            Ok(MetadataAnswer::NoKey) => {
                Some(format!("it has no key `{}`", metadata.key.as_deref().unwrap_or_default()))
            }
            Err(error) => Some(format!("failed to {error}")),
        };
        // Of several names that it may have, the one that is there tells what is wrong.
        if missing.is_none() || problem.is_some() {
            missing = Some((name, problem));
        }
    }
    let (file, problem) = missing.unwrap_or_default();
    let problem = problem.unwrap_or_else(|| "it is not there".to_owned());
    Answer::Missing(Reason::WaitingMetadata { file, problem })
}

fn verify(
    root: &Dir,
    unit: &[u8],
    rule: &Rule,
    manifest: &settle::Manifest,
    checked: &mut Checked,
    stop: &AtomicBool,
    clock: Clock,
) -> Answer {
    let Some((dir, name)) = companion_paths(rule, unit, &manifest.form)
        .into_iter()
        .find(|(dir, name)| root.open_below(dir).and_then(|dir| dir.look_at(split(name).1)).is_ok())
    else {
        let file = usual_name(rule, unit, &manifest.form);
        let problem = Some("it is not there".to_owned());
        return Answer::Missing(Reason::WaitingManifest(Box::new(ManifestGap {
            file,
            problem,
            ..ManifestGap::default()
        })));
    };
    let is_file = !matches!(rule.shape.take, settle::Take::Dataset(_));
    let beside = manifest.form.is_beside();
    // What a list beside a dataset names begins with the dataset's name.
    let base = if is_file { unit } else { &*dir };
    let ignore = |name: &[u8]| is_no_member(rule, unit, name);
    let request = ManifestRequest {
        file: name.clone(),
        style: style(manifest.style),
        own_line: is_file && !beside,
        extras: match manifest.extras {
            Extras::Refuse if !beside => inspect::Extras::Refuse,
            _ => inspect::Extras::Ignore,
        },
        ignore: &ignore,
        threads: THREADS,
        bytes_per_second: manifest.rate,
    };
    let pace = Pacer::new(manifest.rate, clock);
    let stopped = || stop.load(Ordering::Relaxed);
    let pacing = |bytes: u64| pace.take(bytes);
    let verified =
        inspect::verify_manifest(&Place { root, path: base }, &request, checked, &pacing, &stopped);
    match verified {
        Ok(found) if found.holds() => Answer::Holds(Signal::Manifest),
        Ok(found) => Answer::Missing(Reason::WaitingManifest(Box::new(gap(name, &found)))),
        Err(error) => Answer::Missing(Reason::WaitingManifest(Box::new(ManifestGap {
            file: name,
            problem: Some(format!("failed to {error}")),
            ..ManifestGap::default()
        }))),
    }
}

/// Whether the DICOM files of the unit are as long as they say; of a group `files` are its members.
fn whole(
    root: &Dir,
    unit: &[u8],
    rule: &Rule,
    files: &[Box<[u8]>],
    seen: &mut Seen,
    stopped: &dyn Fn() -> bool,
) -> Answer {
    let found = if matches!(rule.shape.take, settle::Take::Group(_)) {
        inspect::whole_files(root, files.iter().map(|path| &**path), seen, stopped)
    } else {
        let ignore = |name: &[u8]| is_no_member(rule, unit, name);
        inspect::whole(&Place { root, path: unit }, &ignore, seen, stopped)
    };
    match found.map(|found| (found.short, found.first)) {
        Ok((_, None)) => Answer::Holds(Signal::Whole),
        Ok((count, Some((file, missing)))) => {
            Answer::Missing(Reason::WaitingWhole { count, file: file.into(), missing })
        }
        // It is gone, or cannot be entered: nobody knows.
        Err(_) => {
            let file = split(unit).1.to_vec();
            Answer::Missing(Reason::WaitingWhole { count: 1, file, missing: None })
        }
    }
}

fn gap(file: Vec<u8>, found: &inspect::ManifestAnswer) -> ManifestGap {
    let few = [&found.missing, &found.wrong, &found.open, &found.unreadable, &found.extra];
    let names = few.into_iter().flat_map(|few| few.names.iter().cloned());
    ManifestGap {
        file,
        problem: None,
        total: found.total,
        good: found.good,
        missing: found.missing.count,
        wrong: found.wrong.count + found.open.count + found.unreadable.count,
        extra: found.extra.count,
        blocking: names.take(16).collect(),
    }
}

const fn style(style: ManifestStyle) -> inspect::Style {
    match style {
        ManifestStyle::Auto => inspect::Style::Auto,
        ManifestStyle::List => inspect::Style::List,
        ManifestStyle::Md5 => inspect::Style::Sums(inspect::Hash::Md5),
        ManifestStyle::Sha1 => inspect::Style::Sums(inspect::Hash::Sha1),
        ManifestStyle::Sha256 => inspect::Style::Sums(inspect::Hash::Sha256),
        ManifestStyle::Sha512 => inspect::Style::Sums(inspect::Hash::Sha512),
        ManifestStyle::Blake3 => inspect::Style::Sums(inspect::Hash::Blake3),
    }
}

pub(crate) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}

/// Holds readers up so that no more than so many bytes are read in a second.
struct Pacer {
    rate: Option<u64>,
    clock: Clock,
    /// Until when what was read is paid for.
    paid: Mutex<Mono>,
}

impl Pacer {
    fn new(rate: Option<u64>, clock: Clock) -> Self {
        Self { rate, clock, paid: Mutex::new(clock.mono()) }
    }

    fn take(&self, bytes: u64) {
        let Some(rate) = self.rate.filter(|rate| *rate > 0) else { return };
        let cost = Duration::from_secs_f64(bytes as f64 / rate as f64);
        let now = self.clock.mono();
        let until = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            *paid = (*paid).max(now) + cost;
            *paid
        };
        std::thread::sleep(until.saturating_sub(now));
    }
}
