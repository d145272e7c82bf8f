//! A directory and the command that waits for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::{Landing, Process, Scratch, wait_until};

use crate::STEP;

/// A tree of its own.
pub(crate) struct Stage {
    pub(crate) landing: Landing,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { landing: Landing::new(env!("CARGO_BIN_EXE_staithe"), Scratch::on_disk("quiet")) }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.landing.root()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.landing.command();
        command.arg("quiet").arg(self.root()).args(words);
        command
    }

    /// Begins to wait; comes back when the first tour is over.
    #[track_caller]
    pub(crate) fn wait_with(&self, words: &[&str]) -> Wait {
        self.wait_by(&mut self.command(words))
    }

    #[track_caller]
    pub(crate) fn wait_by(&self, command: &mut Command) -> Wait {
        let mut process = Process::spawn("quiet", &self.landing.out(""), command);
        process.wait_for_line("ready", STEP);
        Wait { process }
    }

    /// Waits to the end.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        let mut process = Process::spawn("quiet", &self.landing.out(""), &mut self.command(words));
        let status = process.wait_exit(STEP);
        Ended { code: status.code(), lines: lines(&process), stderr: process.stderr() }
    }
}

/// A wait under way.
pub(crate) struct Wait {
    pub(crate) process: Process,
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The lines that are JSON.
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
}

impl Wait {
    /// Waits until it has told so of the path.
    #[track_caller]
    pub(crate) fn wait_for(&self, word: &str, path: &str) -> Value {
        let mut found = None;
        wait_until(STEP, &format!("`{word} {path}`"), || {
            let all = lines(&self.process);
            found = all.into_iter().find(|line| line["type"] == word && line["path"] == path);
            found.is_some()
        });
        found.unwrap()
    }

    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let status = self.process.wait_exit(STEP);
        let process = &self.process;
        Ended { code: status.code(), lines: lines(process), stderr: process.stderr() }
    }
}

impl Ended {
    /// Fails unless it ended because it was quiet; gives the last line.
    #[track_caller]
    pub(crate) fn assert_quiet(&self) -> &Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        let last = self.lines.last().unwrap();
        assert_eq!(last["type"], "quiet", "{self:?}");
        last
    }

    /// What was told, in a form that can be compared: word and path, and where it was.
    pub(crate) fn told(&self) -> Vec<String> {
        let differences = self.lines.iter().filter(|line| line["path"].is_string());
        differences.map(short).collect()
    }
}

fn short(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let slash = if line["kind"] == "directory" { "/" } else { "" };
    match text("from") {
        from if from.is_empty() => format!("{} {}{slash}", text("type"), text("path")),
        from => format!("{} {from} {}{slash}", text("type"), text("path")),
    }
}

fn text(process: &Process) -> String {
    String::from_utf8(process.stdout()).unwrap()
}

/// The JSON lines that are whole.
fn lines(process: &Process) -> Vec<Value> {
    let text = text(process);
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The C program of the writers' tests that stores through a mapping.
pub(crate) fn mapped(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("mapped.c"), folder.join("mapped"));
    fs::write(&source, include_str!("../writers/mapped.c")).unwrap();
    let status = Command::new("cc").args(["-O1", "-o"]).args([&program, &source]).status().unwrap();
    assert!(status.success());
    program
}
