//! A sink with the services, the tree, the journal and the clock that it works with.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use config::{DlmDialect, DlmSink};
use model::{Cause, Event, Fingerprint, Identity, Kind, Parcel, Signal, SignalSet, Stamp};
use sinks::{Hands, Outcome, Sink, Trouble};
use tempfile::TempDir;
use testkit::dlm::{Dlm, Received};

use crate::book::Book;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The clock at the start of a test.
pub(crate) const NOW: i64 = 1_795_226_344;
/// The storage of these tests.
pub(crate) const SOURCE: &str = "dir-watcher";
/// Where they copy to.
pub(crate) const TARGET: &str = "dlm-archive";

/// Everything around one sink. What it keeps outlives the sink, as a disk does.
pub(crate) struct Rig {
    pub(crate) dlm: Arc<Dlm>,
    pub(crate) book: Arc<Book>,
    pub(crate) plan: DlmSink,
    pub(crate) timeout: Duration,
    pub(crate) remarks: Arc<Mutex<Vec<String>>>,
    dir: TempDir,
    clock: Arc<AtomicI64>,
}

impl Rig {
    /// Services in their usual state, and a plan that speaks to them.
    pub(crate) fn new() -> Self {
        Self::with(Dlm::with_usual_state())
    }

    pub(crate) fn with(dlm: Dlm) -> Self {
        let dir = TempDir::new().unwrap();
        let dlm = Arc::new(dlm);
        let root = dir.path().join("watch");
        fs::create_dir(&root).unwrap();
        let plan = DlmSink {
            ingest_url: dlm.ingest().url(),
            request_url: dlm.request().url(),
            storage_url: dlm.storage().url(),
            migration_url: dlm.migration().url(),
            storage: Some(SOURCE.into()),
            target: Some(TARGET.into()),
            root: Some(root),
            // The follower would ask between the requests that these tests count.
            follow_copies: false,
            parallel: 4,
            ..DlmSink::default()
        };
        Self {
            book: Arc::new(Book::new(Arc::clone(&dlm))),
            dlm,
            plan,
            timeout: Duration::from_secs(20),
            remarks: Arc::default(),
            dir,
            clock: Arc::new(AtomicI64::new(NOW)),
        }
    }

    pub(crate) fn dialect(mut self, dialect: DlmDialect) -> Self {
        self.plan.dialect = dialect;
        self
    }

    /// What the sink is given.
    pub(crate) fn hands(&self) -> Hands {
        let (clock, remarks) = (Arc::clone(&self.clock), Arc::clone(&self.remarks));
        Hands {
            journal: Arc::clone(&self.book) as _,
            now: Arc::new(move || Stamp::new(clock.load(Ordering::SeqCst), 123_456_789)),
            remark: Arc::new(move |text| remarks.lock().unwrap().push(text.to_owned())),
        }
    }

    /// A new sink, as after a start of the program.
    pub(crate) fn sink(&self) -> sinks::Dlm {
        sinks::Dlm::new(self.plan.clone(), self.timeout, self.hands())
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A path outside of the tree.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.plan.root.clone().unwrap()
    }

    /// Writes files, with the directories that they need; a name with a slash at its end is a directory.
    pub(crate) fn write(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.root().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        }
    }

    pub(crate) fn event(&self, seq: u64, path: &str) -> Parcel {
        parcel(&self.root(), seq, path.as_bytes())
    }

    /// A file and its event.
    pub(crate) fn file(&self, seq: u64, name: &str) -> Parcel {
        self.write(&[(name, "content")]);
        self.event(seq, name)
    }

    /// A directory with four children, one of them a directory, and its event.
    pub(crate) fn family(&self, seq: u64, name: &str) -> Parcel {
        let files = ["a.bin", "sub/b.bin", "z.bin"].map(|file| format!("{name}/{file}"));
        self.write(&files.each_ref().map(|file| (file.as_str(), "content")));
        self.event(seq, name)
    }

    /// The names of the items of [`Rig::family`].
    pub(crate) fn family_items(name: &str) -> [String; 5] {
        ["", "/a.bin", "/sub", "/sub/b.bin", "/z.bin"].map(|file| format!("{name}{file}"))
    }

    /// The requests about products: those to the services other than storage.
    pub(crate) fn product_requests(&self) -> Vec<Received> {
        self.dlm.requests().into_iter().filter(|one| !one.path.starts_with("/storage/")).collect()
    }

    pub(crate) fn remarks(&self) -> Vec<String> {
        self.remarks.lock().unwrap().clone()
    }

    /// Each item of a family is on each storage once, with its parent and its object, and was copied once.
    #[track_caller]
    pub(crate) fn assert_whole(&self, name: &str, hint: &str) {
        let items = Self::family_items(name);
        let registration_only = self.plan.target.is_none();
        let of = |storage: &str| {
            let rows = self.dlm.items_on(storage).into_iter();
            let rows = rows.filter(|row| {
                let its = row.item_name.as_deref().unwrap();
                its == name || its.starts_with(&format!("{name}/"))
            });
            rows.map(|row| (row.item_name.clone().unwrap(), row)).collect::<Vec<_>>()
        };
        let (here, there) = (of(SOURCE), of(TARGET));
        let names = |rows: &[(String, testkit::dlm::Item)]| {
            let mut names: Vec<_> = rows.iter().map(|(name, _)| name.clone()).collect();
            names.sort();
            names
        };
        let transcript = || self.dlm.transcript();
        assert_eq!(names(&here), items, "{hint}: on the source\n{}", transcript());
        if registration_only {
            assert_eq!(names(&there), Vec::<String>::new(), "{hint}: on the target\n{}", transcript());
        } else {
            assert_eq!(names(&there), items, "{hint}: on the target\n{}", transcript());
        }
        let copies = self.dlm.copies().into_iter().filter(|copy| copy.item_name == name).count();
        assert_eq!(copies, usize::from(!registration_only), "{hint}: copies\n{}", transcript());
        let here: BTreeMap<_, _> = here.into_iter().collect();
        if self.plan.dialect == DlmDialect::Main {
            for (its, row) in &here {
                let parent = (its != name).then(|| here[name].uid.clone());
                assert_eq!(row.parents, parent, "{hint}: parent of {its}");
            }
            for (its, row) in &there {
                assert_eq!(row.oid, here[its].oid, "{hint}: object of {its}");
            }
        }
        assert_eq!(self.dlm.overlapping().len(), 0, "{hint}: overlapping registrations");
    }
}

/// An event of a file below the root, as the ledger hands it out.
pub(crate) fn parcel(root: &Path, seq: u64, path: &[u8]) -> Parcel {
    let root = root.as_os_str().as_bytes();
    let mtime = Stamp::new(NOW - 10, 900_000_000);
    let fingerprint = Fingerprint { size: 7, mtime, inode: 1311 };
    let kind = Kind::File;
    let identity =
        Identity { site: "obs1", source: "stage1", path, kind, fingerprint, recurrence: seq as u32 };
    let event = Event {
        identity,
        root,
        time: Stamp::new(NOW, 0),
        generation: 1,
        supersedes: None,
        mode: 0o100_644,
        rule: "products",
        signals: SignalSet::EMPTY.with(Signal::Closed),
        waited_ms: 3,
        backend: "inotify",
        cause: Cause::Arrived,
        members: None,
        moved: None,
    };
    Parcel {
        seq,
        attempt: 1,
        event: event.freeze(),
        source: "stage1".into(),
        root: root.into(),
        path: path.to_vec(),
        cause: Cause::Arrived,
        admitted: Stamp::new(NOW, 0),
        kind,
        size: 7,
        mtime,
        generation: 1,
    }
}

/// Delivers as a lane does, until each event is done: what is under way is offered again, trouble is
/// waited out for a moment.
pub(crate) async fn deliver_all(sink: &mut sinks::Dlm, batch: &[Parcel]) {
    let mut left: Vec<Parcel> = batch.to_vec();
    let begun = Instant::now();
    while !left.is_empty() {
        assert!(begun.elapsed() < PATIENCE * 3, "{} events are not delivered", left.len());
        let offered = left[..left.len().min(sink.batch_limit())].to_vec();
        let outcomes = match sink.deliver(&offered).await {
            Ok(outcomes) => outcomes,
            Err(trouble) => panic!("nothing is harmed: {trouble}"),
        };
        assert!(!outcomes.is_empty() && outcomes.len() <= offered.len(), "{} outcomes", outcomes.len());
        let mut done = Vec::new();
        for (parcel, outcome) in offered.iter().zip(&outcomes) {
            match outcome {
                Outcome::Delivered => done.push(parcel.seq),
                Outcome::Underway(_) => {}
                other => panic!("nothing is wrong with {}: {other:?}", parcel.seq),
            }
        }
        left.retain(|parcel| !done.contains(&parcel.seq));
    }
}

/// Delivers one event to its end; gives what became of it, or the trouble.
pub(crate) async fn deliver_one(sink: &mut sinks::Dlm, parcel: &Parcel) -> Result<Outcome, Trouble> {
    loop {
        match sink.deliver(std::slice::from_ref(parcel)).await?.remove(0) {
            Outcome::Underway(_) => {}
            end => return Ok(end),
        }
    }
}

/// Polls the call until the condition holds, then drops it: what a kill does. Panics if the call ends before.
pub(crate) async fn dropped_when<T>(call: impl Future<Output = T>, what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let watch = async {
        while !holds() {
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = watch => {}
        _ = call => panic!("the call ended before {what}"),
    }
}

/// Waits until something holds, and lets tasks run meanwhile.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
