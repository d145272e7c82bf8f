//! The running installation, and what is to be done in it while it runs.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use testkit::chance::Chance;
use testkit::{Landing, Scratch, wait_until};

use crate::STEP;
use crate::ask::explain;
use crate::refusing::Refusing;
use crate::truth::Case;
use crate::{configuration, files};

/// A port on which nobody listens, and which no other test's server will be given: it is below all that are free.
const NOBODY: u16 = 1;

/// What is done to a path once it is in a state.
type Deed = Box<dyn FnOnce(&mut World)>;

/// An installation, its writers, and the truth.
pub(crate) struct World {
    pub(crate) landing: Landing,
    pub(crate) chance: Chance,
    cases: Vec<Case>,
    /// What is written until the end.
    open: Vec<File>,
    later: Vec<(&'static str, Vec<u8>, &'static str, Deed)>,
    _refusing: Refusing,
}

impl World {
    /// A daemon that runs, with one sink paused.
    pub(crate) fn start(chance: &Chance, backend: &str) -> Self {
        let refusing = Refusing::start();
        let landing = Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::in_memory("explaining"));
        landing.configure(&configuration::text(backend, NOBODY, refusing.port()));
        for source in ["main", "adopting", "filtering", "flat"] {
            fs::create_dir(landing.root().join(source)).unwrap();
        }
        let chance = chance.fork(1);
        let mut world = Self {
            landing,
            chance,
            cases: Vec::new(),
            open: Vec::new(),
            later: Vec::new(),
            _refusing: refusing,
        };
        files::before_the_start(&mut world);
        world.launch();
        world.landing.call(&["pause", "parked"]).assert_code(0);
        world
    }

    fn launch(&mut self) {
        self.landing.launch();
        // The absent source keeps the daemon from being ready.
        wait_until(STEP, "the first scans", || {
            assert!(self.landing.daemon().is_running(), "the daemon has ended");
            let done = self.landing.call(&["status", "--json"]);
            let is_ready = |source: &&serde_json::Value| source["ready"] == true;
            done.code != Some(3)
                && done.json()["sources"].as_array().unwrap().iter().filter(is_ready).count() >= 4
        });
    }

    /// Ends the daemon and starts it again; its writers go on.
    pub(crate) fn restart(&mut self) {
        self.landing.stop();
        self.launch();
    }

    /// Where a source's path lies.
    pub(crate) fn at(&self, source: &str, path: &[u8]) -> PathBuf {
        self.landing.root().join(source).join(std::ffi::OsStr::from_bytes(path))
    }

    pub(crate) fn main(&self, path: &[u8]) -> PathBuf {
        self.at("main", path)
    }

    /// Creates, writes, closes; with the directories above.
    pub(crate) fn write(&mut self, path: &[u8], content: &[u8]) {
        write(&self.main(path), content);
    }

    /// The same with any content.
    pub(crate) fn fill(&mut self, path: &[u8]) {
        let content = self.content();
        self.write(path, &content);
    }

    pub(crate) fn content(&mut self) -> Vec<u8> {
        let size = 1 + self.chance.below(4000);
        self.chance.bytes(size)
    }

    /// Written, and held open until the end.
    pub(crate) fn hold(&mut self, path: &[u8]) {
        let at = self.main(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(at).unwrap();
        file.write_all(&self.content()).unwrap();
        self.open.push(file);
    }

    pub(crate) fn keep_open(&mut self, file: File) {
        self.open.push(file);
    }

    /// The members of what will be removed go as well.
    pub(crate) fn forget_members(&mut self, unit: &[u8]) {
        self.cases.retain(|case| case.is_never() || case.unit.as_deref() != Some(unit));
    }

    pub(crate) fn know(&mut self, case: Case) {
        self.cases.push(case);
    }

    /// Does something when a path is in that state.
    pub(crate) fn when(&mut self, path: &[u8], state: &'static str, deed: impl FnOnce(&mut Self) + 'static) {
        self.later.push(("main", path.to_vec(), state, Box::new(deed)));
    }

    /// What needs another state first.
    pub(crate) fn end_what_is_to_end(&mut self) {
        while let Some((source, path, state, deed)) = self.later.pop() {
            let what = format!("{} to be {state}", String::from_utf8_lossy(&path));
            let mut last = String::new();
            wait_until(STEP, &what, || {
                let (_, answer) = explain(&self.landing, source, &path);
                last = answer.to_string();
                // What nobody has looked at yet leaves no trace when it goes.
                let unseen = ["waiting.look", "waiting.inspection", "waiting.scan"];
                answer["state"] == state && !unseen.iter().any(|reason| answer["reason"] == *reason)
            });
            deed(self);
        }
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        self.cases.clone()
    }

    /// A name that nobody has, sometimes one that is no text.
    pub(crate) fn name(&mut self, stem: &str) -> Vec<u8> {
        let number = self.cases.len() + self.later.len() * 1000;
        let odd: &[u8] = self.chance.pick(&[b"" as &[u8], b"", b"", b" b", b"\xff", "ß".as_bytes()]);
        [stem.as_bytes(), format!("{number}").as_bytes(), odd].concat()
    }
}

pub(crate) fn write(at: &Path, content: &[u8]) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(at, content).unwrap();
}
