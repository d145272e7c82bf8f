//! A watched directory, the double of the services, and the drop-in that a user starts.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::dlm::{Dlm, Received};
use testkit::{Process, Scratch, Signal, wait_until, wait_until_old};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_staithe");
/// Longer than anything takes that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// The source storage, unless a test starts the watcher otherwise.
pub(crate) const SOURCE: &str = "dir-watcher";
/// The target storage.
pub(crate) const TARGET: &str = "dlm-archive";
/// What the services are told to fetch from.
pub(crate) const HOST: &str = "here";

pub(crate) struct Stage {
    pub(crate) dlm: Dlm,
    pub(crate) scratch: Scratch,
}

/// The drop-in, running. It is killed when this is dropped.
pub(crate) struct Watcher {
    pub(crate) process: Process,
}

/// One record of the log.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) level: String,
    pub(crate) message: String,
}

impl Stage {
    /// With the services as a watcher usually finds them.
    pub(crate) fn new() -> Self {
        Self::with(Dlm::with_usual_state())
    }

    pub(crate) fn with(dlm: Dlm) -> Self {
        let stage = Self { dlm, scratch: Scratch::on_disk("dlm-watcher") };
        for folder in ["w", "beside", "home", "state", "logs"] {
            let _made = stage.scratch.folder(folder);
        }
        stage
    }

    /// The watched directory.
    pub(crate) fn watched(&self) -> PathBuf {
        self.scratch.path().join("w")
    }

    /// A directory on the same file system, to prepare in what is then moved in at once.
    pub(crate) fn beside(&self) -> PathBuf {
        self.scratch.path().join("beside")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.scratch.path().join("home")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.scratch.path().join("state")
    }

    pub(crate) fn ready_file(&self) -> PathBuf {
        self.scratch.path().join("ready")
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready_file().exists()
    }

    #[track_caller]
    pub(crate) fn wait_ready(&self) {
        wait_until(PATIENCE, "the readiness file", || self.is_ready());
    }

    /// The drop-in by its old name, with nothing of this machine in its environment, and without any flag.
    pub(crate) fn bare(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.arg0("dlm-directory-watcher").env_clear().current_dir(self.scratch.path());
        command.env("HOME", self.home()).env("USER", "root").env("LANG", "C.UTF-8");
        command.envs(testkit::proof::without());
        command
    }

    /// The flags that no start can do without, but for the directory.
    pub(crate) fn usual_flags(&self) -> Vec<String> {
        let path =
            |path: PathBuf| path.into_os_string().into_string().expect("scratch folders have plain names");
        let mut flags = Vec::new();
        for (flag, value) in [
            ("--ingest-url", self.dlm.ingest().url()),
            ("--request-url", self.dlm.request().url()),
            ("--storage-url", self.dlm.storage().url()),
            ("--migration-url", self.dlm.migration().url()),
            ("--watcher-hostname", HOST.to_owned()),
            ("--readiness-probe-file", path(self.ready_file())),
            ("--state-dir", path(self.state_dir())),
        ] {
            flags.extend([flag.to_owned(), value]);
        }
        flags
    }

    /// The drop-in with what every start needs; `words` come last, and the last of several wins.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.bare();
        command.arg("--directory-to-watch").arg(self.watched());
        command.args(["--source-name", SOURCE, "--target-name", TARGET]);
        command.args(self.usual_flags()).args(words);
        command
    }

    pub(crate) fn spawn(&self, command: &mut Command) -> Watcher {
        wait_until_old(&self.watched());
        Watcher { process: Process::spawn("watcher", &self.scratch.path().join("logs"), command) }
    }

    pub(crate) fn start(&self, words: &[&str]) -> Watcher {
        self.spawn(&mut self.command(words))
    }

    /// Starts it and waits until it says that it is ready.
    #[track_caller]
    pub(crate) fn start_ready(&self, words: &[&str]) -> Watcher {
        let watcher = self.start(words);
        self.wait_ready();
        watcher
    }

    /// Runs one of staithe's own commands about this watcher's state: `staithe status --json`.
    pub(crate) fn ask(&self, words: &[&str]) -> Vec<u8> {
        let mut command = Command::new(BINARY);
        command.args(words).arg("--state-dir").arg(self.state_dir());
        command.env_clear().current_dir(self.scratch.path());
        command.output().expect("the binary runs").stdout
    }

    /// The dead letters, as `staithe dead list --json` has them.
    pub(crate) fn dead(&self) -> Vec<Value> {
        json_lines(&self.ask(&["dead", "list", "--json"]))
    }

    /// The state of the running watcher.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_slice(&self.ask(&["status", "--json"])).unwrap_or_default()
    }

    /// Writes a file of the watched directory in one write.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        write(&self.watched().join(name), content);
    }

    /// Fills a directory outside the watched one, then moves it in at once. Names may have slashes.
    pub(crate) fn move_in(&self, name: &str, files: &[(&str, &str)]) {
        let prepared = fill(&self.beside().join(name), files);
        fs::rename(prepared, self.watched().join(name)).expect("both are on one file system");
    }

    /// What was asked of the services about each entry of the watched directory, in order; what is about none (the
    /// start-up requests) is under the empty name.
    pub(crate) fn products(&self) -> BTreeMap<String, Vec<Received>> {
        by_product(self.dlm.requests())
    }

    /// What was asked about one entry, in short: `REG dp`, `COPY dp`, `QRY dp/b` (by its uid), `INIT dp/b`,
    /// `REG2 dp/b` (on another storage), `ASK dp` (by its name, whether it is there).
    pub(crate) fn steps(&self, product: &str) -> Vec<String> {
        self.products().get(product).into_iter().flatten().map(short).collect()
    }

    /// Waits until an entry's requests are these.
    #[track_caller]
    pub(crate) fn wait_steps(&self, product: &str, wanted: &[&str]) {
        self.dlm.wait_until(PATIENCE, &format!("the steps {wanted:?}"), |_| self.steps(product) == wanted);
    }

    /// Waits until so many of a kind were answered with 2xx.
    #[track_caller]
    pub(crate) fn wait_answered(&self, operation: &str, count: usize) {
        let what = format!("{count} good answers to {operation}");
        self.dlm.wait_until(PATIENCE, &what, |dlm| dlm.answered(operation) >= count);
    }
}

impl Watcher {
    /// The log, every line of which must have its form.
    pub(crate) fn records(&self) -> Vec<Record> {
        let text = String::from_utf8(self.process.stdout()).expect("the log is text");
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| record(line.trim_end_matches('\n'))).collect()
    }

    /// Whether any record has this in its message.
    pub(crate) fn says(&self, part: &str) -> bool {
        self.records().iter().any(|record| record.message.contains(part))
    }

    /// Ends it as a service manager does; gives its exit code.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.process.terminate(PATIENCE).code()
    }

    /// SIGINT instead.
    #[track_caller]
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        self.process.signal(Signal::INT);
        self.process.wait_exit(PATIENCE).code()
    }

    /// What happens meanwhile it sees at one go.
    pub(crate) fn while_frozen(&self, act: impl FnOnce()) {
        self.process.freeze();
        act();
        self.process.resume();
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }
}

/// Makes a directory with files in it; `("sub/", "")` is an empty directory.
pub(crate) fn fill(directory: &Path, files: &[(&str, &str)]) -> PathBuf {
    fs::create_dir_all(directory).expect("a scratch folder takes folders");
    for (name, content) in files {
        match name.strip_suffix('/') {
            Some(folder) => fs::create_dir_all(directory.join(folder)).expect("it takes folders"),
            None => write(&directory.join(name), content),
        }
    }
    directory.to_path_buf()
}

/// Writes a file and the directories above it.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("it takes folders");
    fs::write(path, content).expect("a scratch folder takes files");
}

/// Requests by the entry of the watched directory that they are about.
pub(crate) fn by_product(requests: Vec<Received>) -> BTreeMap<String, Vec<Received>> {
    let mut products: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for request in requests {
        let name = request.item_name.as_deref().unwrap_or_default();
        let top = name.split('/').next().unwrap_or_default().to_owned();
        products.entry(top).or_default().push(request);
    }
    products
}

/// A request in short.
pub(crate) fn short(request: &Received) -> String {
    let kind = match request.operation() {
        "register_data_item" if request.param("storage_name").is_some_and(|name| name != SOURCE) => "REG2",
        "register_data_item" => "REG",
        "copy_data_item" => "COPY",
        "query_data_item" if request.param("uid").is_none() => "ASK",
        "query_data_item" => "QRY",
        "init_data_item" => "INIT",
        "get_migration" => "MIG",
        other => other,
    };
    format!("{kind} {}", request.item_name.as_deref().unwrap_or_default())
}

/// One JSON value a line.
fn json_lines(output: &[u8]) -> Vec<Value> {
    let lines = output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("each line is JSON")).collect()
}

/// `1|TIME|LEVEL|thread|function|file#line|tags|message`.
fn record(line: &str) -> Record {
    let fields: Vec<&str> = line.splitn(8, '|').collect();
    let [version, _time, level, _thread, _function, _place, _tags, message] = fields.as_slice() else {
        panic!("not eight fields: {line}");
    };
    assert_eq!(*version, "1", "{line}");
    Record { level: (*level).to_owned(), message: (*message).to_owned() }
}
