//! Two trees, a mirror between them, and the house that offers it events.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use config::{MirrorOrigin, MirrorSink};
use model::{
    Cause, Detail, Event, Fingerprint, Happening, Identity, Kind, Moved, Parcel, Signal, SignalSet, Stamp,
};
use sinks::journal::MemoryJournal;
use sinks::{Hands, Mirror, Outcome, Sink, Trouble};
use tempfile::TempDir;

pub(crate) const PAIR_WITHIN: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    _scratch: TempDir,
    pub(crate) source: PathBuf,
    pub(crate) destination: PathBuf,
    pub(crate) plan: MirrorSink,
    pub(crate) sink: Mirror,
    pub(crate) remarks: Arc<Mutex<Vec<String>>>,
    /// So many events are offered at once.
    pub(crate) most: usize,
    seq: u64,
}

/// What one event says besides its path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Says {
    pub(crate) cookie: u32,
    pub(crate) is_dir: bool,
    pub(crate) synthetic: bool,
}

pub(crate) fn now() -> Stamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Stamp::new(i64::try_from(now.as_secs()).unwrap(), now.subsec_nanos())
}

impl Rig {
    /// Empty trees, and a mirror that takes what has lain still for no time.
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut MirrorSink)) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (source, destination) = (scratch.path().join("w"), scratch.path().join("m"));
        fs::create_dir(&source).unwrap();
        let origin = MirrorOrigin {
            source: "w".into(),
            path: source.clone(),
            recursive: true,
            include: Vec::new(),
            exclude: Vec::new(),
            still: Some(Duration::ZERO),
        };
        let mut plan = MirrorSink {
            destination: destination.clone(),
            adopt: false,
            owner: false,
            pair_within: PAIR_WITHIN,
            origin: Some(origin),
        };
        change(&mut plan);
        let remarks = Arc::default();
        let sink = built(&plan, &remarks);
        Self { _scratch: scratch, source, destination, plan, sink, remarks, most: 128, seq: 0 }
    }

    /// Another process: what the old one had in memory is gone.
    pub(crate) fn restart(&mut self) {
        self.sink = built(&self.plan, &self.remarks);
    }

    pub(crate) fn there(&self, path: &str) -> PathBuf {
        self.source.join(path)
    }

    pub(crate) fn here(&self, path: &str) -> PathBuf {
        self.destination.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.there(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The source's mirror was made, and is equal.
    pub(crate) fn mirrored(&mut self) {
        let init = self.happening(Happening::WatchInit, "");
        self.give([init]);
        self.assert_equal();
    }

    pub(crate) fn happening(&mut self, what: Happening, path: &str) -> Parcel {
        self.told(what, path, Says::default())
    }

    pub(crate) fn told(&mut self, what: Happening, path: &str, says: Says) -> Parcel {
        self.told_with(what, path, says, None)
    }

    fn told_with(&mut self, what: Happening, path: &str, says: Says, moved: Option<&Moved>) -> Parcel {
        let Says { cookie, is_dir, synthetic } = says;
        let detail = Detail { is_dir, synthetic, cookie, moved: moved.is_some() };
        let fingerprint = Fingerprint { size: detail.pack(), mtime: now(), inode: self.seq };
        self.parcel(Kind::Happening(what), path, fingerprint, (1, SignalSet::EMPTY), moved)
    }

    /// The halves of a rename of which the second one says both paths, as a stream tells it.
    pub(crate) fn matched(&mut self, from: &str, to: &str, cookie: u32) -> [Parcel; 2] {
        let says = Says { cookie, ..Says::default() };
        let absolute = |path: &str| self.source.join(path).into_os_string().into_vec().into();
        let moved = Moved { from: absolute(from), to: absolute(to) };
        let second = Some(&moved);
        [self.told(Happening::MovedFrom, from, says), self.told_with(Happening::MovedTo, to, says, second)]
    }

    pub(crate) fn halves(&mut self, from: &str, to: &str, cookie: u32) -> [Parcel; 2] {
        let says = Says { cookie, ..Says::default() };
        [self.told(Happening::MovedFrom, from, says), self.told(Happening::MovedTo, to, says)]
    }

    /// The file as it is now is complete.
    pub(crate) fn arrival(&mut self, path: &str) -> Parcel {
        self.arrived(path, 1, SignalSet::EMPTY.with(Signal::Closed))
    }

    pub(crate) fn arrived(&mut self, path: &str, generation: u32, signals: SignalSet) -> Parcel {
        let look = fs::metadata(self.there(path)).unwrap();
        let mtime = Stamp::new(look.mtime(), u32::try_from(look.mtime_nsec()).unwrap());
        let fingerprint = Fingerprint { size: look.len(), mtime, inode: look.ino() };
        self.parcel(Kind::File, path, fingerprint, (generation, signals), None)
    }

    fn parcel(
        &mut self,
        kind: Kind,
        path: &str,
        fingerprint: Fingerprint,
        (generation, signals): (u32, SignalSet),
        moved: Option<&Moved>,
    ) -> Parcel {
        self.seq += 1;
        let (path, root) = (path.as_bytes(), self.source.as_os_str().as_bytes());
        let identity = Identity { site: "s", source: "w", path, kind, fingerprint, recurrence: 0 };
        let event = Event {
            identity,
            root,
            time: now(),
            generation,
            supersedes: None,
            mode: 0o100_644,
            rule: "all",
            signals,
            waited_ms: 1,
            backend: "inotify",
            cause: Cause::Arrived,
            members: None,
            moved,
        };
        Parcel {
            seq: self.seq,
            attempt: 1,
            event: event.freeze(),
            source: "w".into(),
            root: root.into(),
            path: path.to_vec(),
            cause: Cause::Arrived,
            admitted: now(),
            kind,
            size: fingerprint.size,
            mtime: fingerprint.mtime,
            generation,
        }
    }

    pub(crate) fn deliver(&mut self, batch: &[Parcel]) -> Result<Vec<Outcome>, Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.sink.deliver(batch))
    }

    /// Offers all of it until all is taken, as a lane does.
    pub(crate) fn give(&mut self, parcels: impl IntoIterator<Item = Parcel>) {
        if let Err(trouble) = self.offer(parcels) {
            panic!("{trouble}");
        }
    }

    /// The same; ends with the first trouble.
    pub(crate) fn offer(&mut self, parcels: impl IntoIterator<Item = Parcel>) -> Result<(), Trouble> {
        let mut fresh: VecDeque<Parcel> = parcels.into_iter().collect();
        let mut waiting: Vec<(Instant, Parcel)> = Vec::new();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !fresh.is_empty() || !waiting.is_empty() {
            assert!(Instant::now() < deadline, "{} and {} are left", fresh.len(), waiting.len());
            let due = waiting.iter().position(|(due, _)| *due <= Instant::now());
            let held: HashSet<_> = waiting.iter().map(|(_, parcel)| parcel.path.clone()).collect();
            let batch = match due {
                Some(at) => vec![waiting.remove(at).1],
                None => take_free(&mut fresh, &held, self.most),
            };
            if batch.is_empty() {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
            let outcomes = self.deliver(&batch)?;
            assert!(!outcomes.is_empty());
            let mut batch = VecDeque::from(batch);
            for outcome in outcomes {
                let parcel = batch.pop_front().unwrap();
                match outcome {
                    Outcome::Delivered => {}
                    Outcome::Underway(_) => waiting.push((Instant::now(), parcel)),
                    Outcome::PutOff(wait, _) => waiting.push((Instant::now() + wait, parcel)),
                    other => panic!("{other:?} of {:?}", parcel.event),
                }
            }
            while let Some(left) = batch.pop_back() {
                fresh.push_front(left);
            }
        }
        Ok(())
    }

    pub(crate) fn inode(&self, path: &str) -> u64 {
        fs::symlink_metadata(self.here(path)).unwrap_or_else(|error| panic!("{path}: {error}")).ino()
    }

    pub(crate) fn assert_equal(&self) {
        let (there, here) = (snapshot(&self.source), snapshot(&self.destination));
        for (path, facts) in &there {
            assert_eq!(here.get(path), Some(facts), "{}", path.display());
        }
        assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
    }

    pub(crate) fn remarked(&self, part: &str) -> bool {
        self.remarks.lock().unwrap().iter().any(|remark| remark.contains(part))
    }
}

fn built(plan: &MirrorSink, remarks: &Arc<Mutex<Vec<String>>>) -> Mirror {
    let remarks = Arc::clone(remarks);
    let hands = Hands {
        journal: Arc::new(MemoryJournal::default()),
        now: Arc::new(now),
        remark: Arc::new(move |text| remarks.lock().unwrap().push(text.to_owned())),
    };
    Mirror::new("copy", plan, TIMEOUT, hands).unwrap()
}

/// The next events of paths of which none waits.
fn take_free(fresh: &mut VecDeque<Parcel>, held: &HashSet<Vec<u8>>, most: usize) -> Vec<Parcel> {
    let (mut free, mut rest) = (Vec::new(), VecDeque::new());
    for parcel in fresh.drain(..) {
        if free.len() < most && !held.contains(&parcel.path) {
            free.push(parcel);
        } else {
            rest.push_back(parcel);
        }
    }
    *fresh = rest;
    free
}

/// Everything in a tree: kind and mode, time of change, content or target.
pub(crate) fn snapshot(root: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(path) = todo.pop() {
        let look = fs::symlink_metadata(&path).unwrap();
        let content = if look.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if look.is_symlink() {
            fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
        } else {
            fs::read(&path).unwrap()
        };
        if path.file_name().is_some_and(|name| name == ".staithe-mirror") {
            continue;
        }
        let below = path.strip_prefix(root).unwrap().to_owned();
        all.insert(below, (look.mode(), look.mtime(), look.mtime_nsec(), content));
    }
    all
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Sets the time of change, also of a link itself.
pub(crate) fn touch(path: &Path, time: &str) {
    let done = Command::new("touch").args(["-h", "-d", time]).arg(path).status().unwrap();
    assert!(done.success());
}
