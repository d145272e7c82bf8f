//! A Django project with settings, a watched directory, and the drop-in beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Finished, Process, Scratch, wait_until};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_staithe");
/// Longer than anything takes that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Stage {
    pub(crate) scratch: Scratch,
}

impl Stage {
    /// `data` is watched; the project is `proj`, with its logs in `proj/sendit/logs`.
    pub(crate) fn new() -> Self {
        let stage = Self { scratch: Scratch::on_disk("sendit") };
        for folder in ["data", "else", "out", "proj/sendit/logs", "proj/sendit/settings"] {
            fs::create_dir_all(stage.at(folder)).expect("the scratch folder takes folders");
        }
        stage.settings("DicomCelery", "redis://127.0.0.1:1/0");
        stage
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).expect("the folder takes a file");
    }

    /// The settings as the original's are.
    pub(crate) fn settings(&self, processor: &str, broker: &str) {
        let data = self.at("data");
        let text = format!(
            "import os\nBASE_DIR = os.path.abspath(os.path.join(os.path.dirname( __file__ ), '..'))\nLOG_DIR = \
             os.path.join(BASE_DIR,'logs')\ndef paths():\n    '''Later'''\n    import pyinotify\n    return (\n     ({:?},\n     \
             pyinotify.ALL_EVENTS,\n     'sendit.apps.watcher.event_processors.{processor}'),\n    \
             )\nINOTIFIER_WATCH_PATHS = paths()\nINOTIFIER_DAEMON_STDOUT = \
             os.path.join(LOG_DIR,'watcher.out')\nINOTIFIER_DAEMON_STDERR = os.path.join(LOG_DIR,'watcher.err')\nBROKER_URL \
             = {broker:?}\n",
            data.display().to_string()
        );
        self.write("proj/sendit/settings/watcher.py", &text);
        self.write("proj/sendit/settings/__init__.py", "from .watcher import *\n");
    }

    pub(crate) fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.at("proj")).env_clear();
        command.env("STAITHE_STATE_DIR", self.at("state")).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("TMPDIR", self.at("out"));
        command
    }

    /// `staithe compat sendit …` to its end.
    pub(crate) fn sendit(&self, words: &[&str]) -> Finished {
        let words: Vec<&str> = ["compat", "sendit"].iter().chain(words).copied().collect();
        let mut command = self.command(Path::new(BINARY), &words);
        Process::finish("sendit", &self.at("out"), &mut command, PATIENCE)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.at(name)).unwrap_or_default()).into_owned()
    }

    pub(crate) fn pid(&self) -> String {
        self.text("proj/sendit/watcher.pid").trim().to_owned()
    }

    /// Waits until the log of the daemon ends so.
    pub(crate) fn wait_logged(&self, line: &str) {
        wait_until(PATIENCE, line, || self.log().lines().any(|own| own == line));
    }

    pub(crate) fn log(&self) -> String {
        self.text("proj/sendit/logs/watcher.out")
    }
}

/// No daemon outlives its test.
impl Drop for Stage {
    fn drop(&mut self) {
        let mut command = self.command(Path::new(BINARY), &["compat", "sendit", "stop", "--grace", "5s"]);
        let _ = command.output();
    }
}
