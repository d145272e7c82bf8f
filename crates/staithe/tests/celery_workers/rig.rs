//! A watched directory whose finished folders are tasks, and what is compared with what the workers ran.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use testkit::celery::{Run, TASK};
use testkit::python::{Recipe, celery_old};
use testkit::rabbitmq::Rabbit;
use testkit::{Landing, Scratch};

/// Longer than anything takes that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What a folder holds: size by name, both from the one who wrote it.
pub(crate) type Contents = BTreeMap<Vec<u8>, u64>;

/// The one server of the tests that need none of their own; queues keep them apart.
pub(crate) fn rabbit() -> &'static Rabbit {
    static SERVER: OnceLock<Rabbit> = OnceLock::new();
    SERVER.get_or_init(Rabbit::start)
}

/// The oldest Celery that runs here; says loudly when that is not the one that it should be.
pub(crate) fn oldest() -> Recipe {
    let (recipe, loud) = celery_old();
    if let Some(text) = loud {
        eprintln!("{text}");
    }
    recipe
}

/// An installation whose folders `ST-…` are tasks of each of these queues on this broker.
pub(crate) fn landing(broker: &str, queues: &[&str]) -> Landing {
    let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("celery"));
    let sinks: String = queues.iter().map(|queue| sink(broker, queue)).collect();
    landing.configure(&format!(
        r#"
        [source.inbox]
        path = "{{in}}"

        [[source.inbox.rule]]
        name = "folders"
        dataset = "/ST-*"
        complete = {{ preset = "data-product", quiet = "1s" }}
        late = "ignore"
        {sinks}
        "#
    ));
    landing
}

fn sink(broker: &str, queue: &str) -> String {
    format!(
        r#"
        [sink.{queue}]
        type = "celery"
        url = "{broker}"
        task = "{TASK}"
        queue = "{queue}"
        timeout = "10s"
        "#
    )
}

/// Fails unless there was exactly one run for each of these folders, and each saw all of its files whole.
#[track_caller]
pub(crate) fn assert_each_once(runs: &[Run], folders: &BTreeMap<Vec<u8>, Contents>) {
    let mut seen = BTreeSet::new();
    for run in runs {
        assert!(seen.insert(run.path.clone()), "twice: {run:?} in {runs:#?}");
    }
    assert_whole(runs, folders);
}

/// Fails unless there was a run for each of these folders, and each saw all of its files whole. A repetition must have the
/// same id, and no two folders may share one.
#[track_caller]
pub(crate) fn assert_whole(runs: &[Run], folders: &BTreeMap<Vec<u8>, Contents>) {
    let mut ids: BTreeMap<&[u8], &str> = BTreeMap::new();
    for run in runs {
        let files = run.files.as_ref().unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let found: Contents = files.iter().map(|file| (file.name.clone(), file.size)).collect();
        assert_eq!(Some(&found), folders.get(&run.path), "of {}", run.path.escape_ascii());
        let first = ids.entry(&run.path).or_insert(&run.id);
        assert_eq!(*first, run.id, "another id for the same folder");
    }
    let given: BTreeSet<&str> = ids.values().copied().collect();
    assert_eq!(given.len(), ids.len(), "two folders have one id");
    let wanted: BTreeSet<&[u8]> = folders.keys().map(Vec::as_slice).collect();
    assert_eq!(ids.keys().copied().collect::<BTreeSet<_>>(), wanted);
}

/// Writes files into a folder that is there.
pub(crate) fn fill(folder: &Path, files: &[(&str, usize)]) -> Contents {
    files.iter().map(|(name, size)| write(folder, name.as_bytes(), *size)).collect()
}

/// Writes one file.
pub(crate) fn write(folder: &Path, name: &[u8], size: usize) -> (Vec<u8>, u64) {
    let path = folder.join(std::ffi::OsStr::from_bytes(name));
    fs::write(path, vec![b'd'; size]).expect("a scratch folder takes files");
    (name.to_vec(), size as u64)
}

/// The bytes of a path.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}
