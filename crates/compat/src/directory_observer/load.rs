//! From the command line to the monitors.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::ini::Ini;
use super::line::{Level, Line};
use super::locate::locate;
use super::monitor::{Monitors, examine};
use crate::bounded;

/// No configuration is larger.
const SIZE_LIMIT: u64 = 4 << 20;

/// Why the program ends before it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What goes to stderr as it is, behind the log lines.
    pub traceback: Option<String>,
    /// The exit status. It is 0 for most mistakes in the configuration, as in the original:
    /// supervisors that start the program again whatever its status depend on nothing else.
    pub status: u8,
}

impl Stop {
    /// The lines have said everything, and the status is 0.
    pub(super) fn quiet() -> Self {
        Self { traceback: None, status: 0 }
    }
}

/// What came of loading a configuration.
#[derive(Clone, Debug)]
pub struct Loading {
    /// To be logged, in this order, before anything else.
    pub lines: Vec<Line>,
    /// The file and its monitors.
    pub outcome: Result<(PathBuf, Monitors), Stop>,
}

/// Finds and reads the file of `--config`. `directory` is the working directory.
#[must_use]
pub fn load(config: Option<&OsStr>, environment: &Environment, directory: &Path) -> Loading {
    let mut lines = Vec::new();
    let outcome = locate(config, environment, directory, &mut lines).and_then(|file| {
        let monitors = read(&file, environment, &mut lines)?;
        Ok((file, monitors))
    });
    Loading { lines, outcome }
}

/// Reads one file.
pub(super) fn read(file: &Path, environment: &Environment, lines: &mut Vec<Line>) -> Result<Monitors, Stop> {
    let shown = model::text::safe(file.as_os_str().as_bytes());
    let refused = |lines: &mut Vec<Line>, detail: String| {
        lines.push(Line::ErrorLoading(file.as_os_str().as_bytes().into()));
        lines.push(Line::Note(Level::Error, detail));
        Stop::quiet()
    };
    let bytes = match bounded::read(file, SIZE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => return Err(refused(lines, format!("{shown}: {error}"))),
    };
    match Ini::read(&bytes, environment) {
        Ok(ini) => examine(&ini, &shown, lines),
        Err(error) => Err(refused(lines, format!("{shown}:{}: {error}", error.line()))),
    }
}
