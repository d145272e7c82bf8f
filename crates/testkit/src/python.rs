//! Virtual environments with packages from the Python package index, for tests that let other people's programs judge ours.
//!
//! They lie in `target/python` of the workspace and are shared by all tests, whatever folder cargo builds into. Each is
//! made once, under a lock, and counts only when it is stamped as whole.

mod interpreter;
mod shelf;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use interpreter::{Version, default_interpreter, interpreter_up_to, version_of};
pub use shelf::{CELERY_3, CELERY_5_0, CELERY_NOW, PYDICOM, Recipe, celery_old, prepare};

use crate::wait::wait_for;

/// Longer than any download and build of these packages takes.
const PATIENCE: Duration = Duration::from_mins(8);
/// In an environment that is whole; holds what it was made of.
const STAMP: &str = "whole";

/// An environment that is there and whole.
#[derive(Clone, Debug)]
pub struct Venv {
    folder: PathBuf,
    /// What had to be done for it: nothing, where it was there.
    pub made_in: Option<Duration>,
}

impl Venv {
    /// The environment with these packages (`pydicom==3.0.2`), made by `python` unless it is there. Fails the test with
    /// what to do where it cannot be made.
    #[track_caller]
    #[must_use]
    pub fn with(name: &str, python: &Path, packages: &[&str]) -> Self {
        Self::below(&shelf_folder(), name, python, packages).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same below another folder, and with an error in plain words.
    ///
    /// # Errors
    /// When Python has no `venv`, or when pip cannot fetch or build a package.
    pub fn below(parent: &Path, name: &str, python: &Path, packages: &[&str]) -> Result<Self, String> {
        let content = format!("{}\n{}\n", python.display(), packages.join("\n"));
        // Another list is another environment: what an older one is in use for goes on.
        let folder = parent.join(format!("{name}-{}", &blake3::hash(content.as_bytes()).to_hex()[..8]));
        fs::create_dir_all(parent)
            .map_err(|error| format!("failed to make {}: {error}", parent.display()))?;
        let lock = folder.with_extension("lock");
        let lock =
            File::create(&lock).map_err(|error| format!("failed to make {}: {error}", lock.display()))?;
        lock.lock().map_err(|error| format!("failed to lock the Python environment {name}: {error}"))?;
        if is_whole(&folder, &content) {
            return Ok(Self { folder, made_in: None });
        }
        let begun = Instant::now();
        make(&folder, name, python, packages)?;
        fs::write(folder.join(STAMP), content).map_err(|error| format!("failed to stamp {name}: {error}"))?;
        Ok(Self { folder, made_in: Some(begun.elapsed()) })
    }

    /// Its interpreter.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Its interpreter with nothing of the user's in its environment.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.python());
        let kept = ["PATH", "TMPDIR"];
        let kept = kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.env_clear().envs(kept).env("LANG", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// `target/python` of the workspace that this was built from.
fn shelf_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python")
}

fn is_whole(folder: &Path, content: &str) -> bool {
    // The link to the interpreter dangles when that was removed.
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|text| text == content)
        && folder.join("bin/python").exists()
}

fn make(folder: &Path, name: &str, python: &Path, packages: &[&str]) -> Result<(), String> {
    // What an attempt left that was cut off, if any.
    let _ = fs::remove_dir_all(folder);
    let log = folder.with_extension("log");
    let mut venv = Command::new(python);
    run(venv.args(["-m", "venv"]).arg(folder), &log).map_err(|why| {
        format!(
            "failed to make the Python environment {name}: {why}\n\
             Fix: install `python3-venv` (Debian, Ubuntu), then run this again"
        )
    })?;
    if packages.is_empty() {
        return Ok(());
    }
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]).args(packages);
    // An index may be out of breath for a moment.
    run(&mut pip, &log).or_else(|_| run(&mut pip, &log)).map_err(|why| {
        format!(
            "failed to install {} into the Python environment {name}: {why}\n\
             Fix: let pip reach PyPI (a mirror: PIP_INDEX_URL, a folder of wheels: PIP_FIND_LINKS), then run this \
             again",
            packages.join(" ")
        )
    })
}

/// Runs a command to its end; what it said when that is not a good one.
fn run(command: &mut Command, log: &Path) -> Result<(), String> {
    let shown = format!("`{command:?}`").replace('"', "");
    let failed = |error: std::io::Error| format!("{shown} does not start: {error}");
    let said = File::create(log).map_err(failed)?;
    command.stdin(Stdio::null()).stdout(said.try_clone().map_err(failed)?).stderr(said);
    let mut child = command.spawn().map_err(failed)?;
    let status = wait_for(PATIENCE, &shown, || child.try_wait().ok().flatten());
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(20)..];
    Err(format!("{shown} ended with {status}:\n{}", last.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn python() -> PathBuf {
        default_interpreter().expect("the tests need python3")
    }

    #[test]
    fn is_made_once_and_anew_when_it_is_not_whole() {
        let scratch = Scratch::on_disk("venv");
        let make = || Venv::below(scratch.path(), "bare", &python(), &[]).expect("pip has nothing to fetch");
        let first = make();
        assert!(first.made_in.is_some() && make().made_in.is_none());
        let output = first.command().args(["-c", "import sys; print(sys.prefix)"]).output().unwrap();
        assert_eq!(Path::new(String::from_utf8(output.stdout).unwrap().trim()), first.folder);
        fs::remove_file(first.folder.join(STAMP)).unwrap();
        assert!(make().made_in.is_some(), "one that was cut off does not count");
        let many = std::thread::scope(|scope| {
            let started = [0; 4].map(|_| scope.spawn(make));
            started.map(|one| one.join().expect("it is made").made_in.is_some())
        });
        assert_eq!(many, [false; 4]);
    }

    #[test]
    fn says_what_pip_cannot_find_and_what_to_do() {
        let scratch = Scratch::on_disk("venv");
        // No index is asked for what no index can have.
        let why =
            Venv::below(scratch.path(), "odd", &python(), &["/there/is/no/such/wheel.whl"]).unwrap_err();
        assert!(
            why.starts_with("failed to install /there/is/no/such/wheel.whl into the Python environment odd"),
            "{why}"
        );
        assert!(why.contains("\nFix: let pip reach PyPI"), "{why}");
    }
}
