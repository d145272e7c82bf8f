//! Real Celery workers, unmodified, with the task that sendit's watcher asks for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::process::Process;
use crate::python::Venv;
use crate::scratch::Scratch;
use crate::wait::{wait_for, wait_until};

/// How long a worker may take for anything that a test asks of it: after an outage it waits longer from try to try.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long one that was told to end may take for it.
const ENDING: Duration = Duration::from_secs(20);
/// The name of the task.
pub const TASK: &str = "sendit.apps.main.tasks.get.import_dicomdir";
/// What every worker here is asked for unless a test says otherwise.
pub const QUEUE: &str = "default";

/// The files of the application, below a folder in which a worker is started.
const APPLICATION: &[(&str, &str)] = &[
    ("sendit/__init__.py", ""),
    ("sendit/celery.py", include_str!("celery/sendit/celery.py")),
    ("sendit/settings.py", include_str!("celery/sendit/settings.py")),
    ("sendit/apps/__init__.py", ""),
    ("sendit/apps/main/__init__.py", ""),
    ("sendit/apps/main/tasks/__init__.py", ""),
    ("sendit/apps/main/tasks/get.py", include_str!("celery/sendit/apps/main/tasks/get.py")),
];

/// The application, what its tasks told, and where workers are started. It outlives the workers.
#[derive(Debug)]
pub struct Site {
    scratch: Scratch,
    broker: String,
    queue: String,
    results: Option<String>,
}

/// A running worker. It is killed when this is dropped.
#[derive(Debug)]
pub struct Worker {
    process: Process,
}

/// One run of the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The id of the task.
    pub id: String,
    /// The folder that it was given, as bytes.
    pub path: Vec<u8>,
    /// When it began, in seconds since 1970.
    pub at: f64,
    /// The files that it found; an error's name where it could not look.
    pub files: Result<Vec<Found>, String>,
}

/// A file that a task has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Below the folder, as bytes.
    pub name: Vec<u8>,
    /// Bytes read.
    pub size: u64,
    /// SHA-256 of them, as hexadecimal digits.
    pub sha256: String,
}

impl Site {
    /// An installation whose workers take tasks from this broker (`redis://…`, `amqp://…`).
    #[must_use]
    pub fn new(broker: &str) -> Self {
        let scratch = Scratch::on_disk("celery");
        for (name, text) in APPLICATION {
            let path = scratch.path().join(name);
            fs::create_dir_all(path.parent().expect("each lies in a folder")).expect("it takes folders");
            fs::write(path, text).expect("a scratch folder takes files");
        }
        Self { scratch, broker: broker.to_owned(), queue: QUEUE.to_owned(), results: None }
    }

    /// With another queue; exchange and routing key have its name, too.
    #[must_use]
    pub fn queue(self, queue: &str) -> Self {
        Self { queue: queue.to_owned(), ..self }
    }

    /// With a place for results.
    #[must_use]
    pub fn results(self, url: &str) -> Self {
        Self { results: Some(url.to_owned()), ..self }
    }

    /// Starts a worker and waits until it is ready.
    #[track_caller]
    #[must_use]
    pub fn start(&self, venv: &Venv) -> Worker {
        let mut worker = self.launch(venv);
        worker.wait_ready();
        worker
    }

    /// Starts a worker without waiting. One that finds no broker tries again by itself.
    #[must_use]
    pub fn launch(&self, venv: &Venv) -> Worker {
        let mut command = self.python(venv);
        command.args(["-m", "celery", "-A", "sendit.celery", "worker", "-Q", &self.queue]);
        command.args(["-P", "solo", "-l", "info", "-n"]).arg(format!("{}@%h", self.queue));
        // A lone worker need not look for others.
        command.args(["--without-mingle", "--without-gossip"]);
        Worker { process: Process::spawn("celery", self.scratch.path(), &mut command) }
    }

    /// A Python in which the application can be imported.
    #[must_use]
    pub fn python(&self, venv: &Venv) -> Command {
        let mut command = venv.command();
        command.current_dir(self.scratch.path()).env("PYTHONPATH", self.scratch.path());
        command.env("BROKER", &self.broker).env("QUEUE", &self.queue).env("TOLD", self.told());
        command.env("RESULTS", self.results.as_deref().unwrap_or_default());
        // Tests may run as root, whom Celery warns.
        command.env("C_FORCE_ROOT", "1");
        command
    }

    fn told(&self) -> PathBuf {
        self.scratch.path().join("told.jsonl")
    }

    /// Every run so far, of all workers, in the order of their ends.
    #[track_caller]
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        let text = fs::read_to_string(self.told()).unwrap_or_default();
        // The last line may be read while it is written.
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        whole.lines().map(run).collect()
    }

    /// Waits for so many runs, and gives them.
    #[track_caller]
    #[must_use]
    pub fn wait_runs(&self, count: usize) -> Vec<Run> {
        wait_for(PATIENCE, &format!("{count} runs of the task"), || {
            let runs = self.runs();
            (runs.len() >= count).then_some(runs)
        })
    }
}

impl Worker {
    /// Waits until it takes tasks.
    #[track_caller]
    pub fn wait_ready(&mut self) {
        wait_until(PATIENCE, "the worker to be ready", || {
            assert!(self.process.is_running(), "the worker has ended");
            self.process.stderr().contains(" ready.")
        });
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.stderr()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Ends it as a service manager does: what it has in hand it finishes. One that hangs at its end, as workers of long
    /// ago sometimes do, is killed.
    pub fn stop(mut self) {
        self.process.signal(Signal::TERM);
        let asked = Instant::now();
        while self.process.is_running() && asked.elapsed() < ENDING {
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.process.is_running() {
            println!("a Celery worker did not end within {ENDING:?} of its signal and is killed");
            self.process.kill();
        }
    }
}

impl Run {
    /// What it found below its folder, by name and size.
    #[must_use]
    pub fn sizes(&self) -> Vec<(String, u64)> {
        let files = self.files.iter().flatten();
        files.map(|file| (String::from_utf8_lossy(&file.name).into_owned(), file.size)).collect()
    }

    /// The last part of the folder's path.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(&self.path));
        path.file_name().map(std::ffi::OsStr::as_bytes).unwrap_or_default()
    }
}

fn run(line: &str) -> Run {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text in {line}")).to_owned();
    let found = |file: &Value| Found {
        name: bytes(&text(&file[0])),
        size: file[1].as_u64().unwrap_or_else(|| panic!("no size in {line}")),
        sha256: text(&file[2]),
    };
    let files = match &value["error"] {
        Value::String(error) => Err(error.clone()),
        _ => Ok(value["files"].as_array().into_iter().flatten().map(found).collect()),
    };
    let at = value["at"].as_f64().unwrap_or_else(|| panic!("no time in {line}"));
    Run { id: text(&value["id"]), path: bytes(&text(&value["path"])), at, files }
}

/// What hexadecimal digits stand for.
#[must_use]
pub fn bytes(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

/// The body of a message of a Redis list, decoded as a worker does it.
#[must_use]
pub fn body(message: &Value) -> Value {
    assert_eq!(message["properties"]["body_encoding"], "base64", "{message}");
    let text = message["body"].as_str().unwrap_or_else(|| panic!("no text in {message}"));
    let content = from_base64(text);
    serde_json::from_slice(&content).unwrap_or_else(|error| panic!("{error} in {}", content.escape_ascii()))
}

/// What the 64 digits stand for.
fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter(|&byte| byte != b'=');
    let digits = digits.map(|byte| DIGITS.iter().position(|&digit| digit == byte).expect("base64"));
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_usize, 0);
    for digit in digits {
        (bits, count) = (bits << 6 | digit, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::python::{CELERY_NOW, Recipe, celery_old};
    use crate::redis::Redis;

    #[test]
    fn base64_is_read() {
        for (text, bytes) in [("", &b""[..]), ("AA==", b"\0"), ("W10=", b"[]"), ("/+8+", b"\xff\xef>")] {
            assert_eq!(from_base64(text), bytes, "{text}");
        }
    }

    /// The worker's own client asks, so that a failure here is none of our messages.
    fn runs_what_it_is_asked_for(recipe: Recipe) {
        let redis = Redis::start();
        let site = Site::new(&redis.url()).results(&redis.url());
        let venv = recipe.venv();
        let worker = site.start(&venv);
        let scratch = Scratch::on_disk("asked");
        let folder = scratch.folder("folder");
        fs::write(folder.join("a"), b"12345").unwrap();
        let ask = "import sys, os; from sendit.apps.main.tasks.get import import_dicomdir as task\n\
                   for path in sys.argv[1:]: print(task.apply_async(kwargs={'dicom_dir': path}).id)";
        let mut command = site.python(&venv);
        command.args(["-c", ask]).arg(&folder).arg("/there/is/none");
        let asked = Process::finish("ask", scratch.path(), &mut command, PATIENCE);
        asked.assert_code(0);
        let runs = site.wait_runs(2);
        assert_eq!(
            runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
            asked.text().lines().collect::<Vec<_>>()
        );
        assert_eq!(runs[0].path, folder.as_os_str().as_bytes());
        assert_eq!(runs[0].sizes(), [("a".to_owned(), 5)]);
        assert_eq!(
            runs[0].files.as_ref().unwrap()[0].sha256,
            "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
        );
        assert_eq!((runs[1].name(), &runs[1].files), (&b"none"[..], &Err("FileNotFoundError".to_owned())));
        worker.stop();
    }

    #[test]
    fn the_worker_of_today_runs_what_it_is_asked_for() {
        runs_what_it_is_asked_for(CELERY_NOW);
    }

    #[test]
    fn the_oldest_worker_runs_what_it_is_asked_for() {
        let (recipe, loud) = celery_old();
        if let Some(text) = loud {
            eprintln!("{text}");
        }
        runs_what_it_is_asked_for(recipe);
    }
}
