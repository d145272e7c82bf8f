//! Writing log lines as `MetWork`'s logger does.
//!
//! `2026-11-21T01:58:59.539746Z     [INFO] (directory_observer#23896) Start Monitoring.`: `DEBUG`
//! and `INFO` to standard output, the rest to standard error, each line at once. The environment
//! decides what is written: `MFLOG_MINIMAL_LEVEL`, and `MFLOG_JSON_FILE` with
//! `MFLOG_JSON_MINIMAL_LEVEL`. `--log FILE` is what the README promises.
//!
//! Names are written as they are, as in the original, but never to a terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use model::Stamp;
use model::text::{push_json_path, safe};

use super::environment::Environment;
use super::line::{Level, Line};

/// The logger's name in every line.
const NAME: &str = "directory_observer";

/// What is written where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Quieter lines are left out.
    pub minimal: Level,
    /// A file of JSON objects, one for each line that is at least so loud.
    pub json: Option<(PathBuf, Level)>,
    /// `--log`: a file that gets every line; standard error gets warnings and worse besides.
    pub file: Option<PathBuf>,
    /// Settings that are not supported, to be logged.
    pub notes: Vec<Line>,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A level that does not exist.
    #[error("read {variable}: unknown level name: {value} (known: DEBUG, INFO, WARNING, ERROR, CRITICAL)")]
    UnknownLevel {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// A log file that cannot be opened.
    #[error("open the log file {file}: {source}")]
    Open {
        /// The file, safe to show.
        file: String,
        /// What the system says.
        source: io::Error,
    },
}

impl LogError {
    /// The exit status: the original dies of an exception at its first line.
    pub const STATUS: u8 = 1;
}

/// Variables of the original's logger that have no meaning here.
const UNSUPPORTED: [(&str, &str); 3] = [
    ("MFLOG_SYSLOG_ADDRESS", "syslog is not supported; use the captured output, --log or MFLOG_JSON_FILE"),
    ("MFLOG_MINIMAL_LEVEL_OVERRIDE_FILES", "levels from files are not supported; use MFLOG_MINIMAL_LEVEL"),
    ("MFLOG_JSON_ONLY_KEYS", "there are no keys but name, event, level, pid and timestamp"),
];

impl Settings {
    /// From the environment and `--log`.
    pub fn of(environment: &Environment, file: Option<PathBuf>) -> Result<Self, LogError> {
        let level = |variable: &'static str, default: Level| match environment.get(variable) {
            None => Ok(default),
            Some(name) => Level::named(name, &[("EXCEPTION", Level::Error)])
                .ok_or_else(|| LogError::UnknownLevel { variable, value: safe(name.as_bytes()) }),
        };
        let minimal = level("MFLOG_MINIMAL_LEVEL", Level::Info)?;
        let json_minimal = level("MFLOG_JSON_MINIMAL_LEVEL", Level::Warning)?;
        let json = environment.get("MFLOG_JSON_FILE").filter(|name| !name.is_empty() && *name != "null");
        let set =
            |name: &str| environment.get(name).is_some_and(|value| !value.is_empty() && value != "null");
        let notes = UNSUPPORTED.iter().filter(|(name, _)| set(name));
        let notes = notes.map(|(name, why)| Line::Note(Level::Warning, format!("{name} is set, but {why}")));
        Ok(Self { minimal, json: json.map(|name| (name.into(), json_minimal)), file, notes: notes.collect() })
    }
}

/// Where log lines go. Shared by all threads; lines are never mixed.
pub struct Log {
    minimal: Level,
    pid: u32,
    outputs: Mutex<Outputs>,
}

struct Outputs {
    /// DEBUG and INFO.
    out: Option<Stream>,
    /// WARNING and louder.
    err: Stream,
    /// `--log`.
    file: Option<Stream>,
    json: Option<(File, Level)>,
}

struct Stream {
    writer: Box<dyn Write + Send>,
    terminal: bool,
}

impl Log {
    /// Opens the files and takes the standard streams. `pid` is shown in each line.
    pub fn open(settings: &Settings, pid: u32) -> Result<Self, LogError> {
        let json = settings.json.as_ref().map(|(path, level)| Ok((append(path)?, *level))).transpose()?;
        let out = Stream { writer: Box::new(io::stdout()), terminal: io::stdout().is_terminal() };
        let err = Stream { writer: Box::new(io::stderr()), terminal: io::stderr().is_terminal() };
        let file = settings.file.as_deref().map(append).transpose()?;
        let file = file.map(|file| Stream { terminal: file.is_terminal(), writer: Box::new(file) });
        let out = file.is_none().then_some(out);
        let outputs = Mutex::new(Outputs { out, err, file, json });
        Ok(Self { minimal: settings.minimal, pid, outputs })
    }

    /// Writes a line. What cannot be written is not: logging never stops the work.
    pub fn write(&self, now: Stamp, line: &Line) {
        let level = line.level();
        let mut outputs = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let json = outputs.json.as_ref().is_some_and(|(_, minimal)| level >= *minimal);
        if level < self.minimal && !json {
            return;
        }
        let text = line.text();
        if let Some((file, _)) = outputs.json.as_mut().filter(|_| json) {
            let _ = file.write_all(&json_line(now, self.pid, level, &text));
        }
        if level < self.minimal {
            return;
        }
        let Outputs { out, err, file, .. } = &mut *outputs;
        let standard = if level < Level::Warning { out.as_mut() } else { Some(err) };
        for stream in [standard, file.as_mut()].into_iter().flatten() {
            let _ = stream.writer.write_all(&plain_line(now, self.pid, level, &text, stream.terminal));
            let _ = stream.writer.flush();
        }
    }
}

fn append(path: &Path) -> Result<File, LogError> {
    use std::os::unix::ffi::OsStrExt as _;
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|source| LogError::Open { file: safe(path.as_os_str().as_bytes()), source })
}

fn plain_line(now: Stamp, pid: u32, level: Level, text: &[u8], terminal: bool) -> Vec<u8> {
    let level = format!("[{}]", level.name());
    let mut line = format!("{} {level:>10} ({NAME}#{pid}) ", timestamp(now)).into_bytes();
    if terminal {
        line.extend_from_slice(safe(text).as_bytes());
    } else {
        line.extend_from_slice(text);
    }
    line.push(b'\n');
    line
}

fn json_line(now: Stamp, pid: u32, level: Level, text: &[u8]) -> Vec<u8> {
    let mut line = format!("{{\"name\": \"{NAME}\", ").into_bytes();
    push_json_path(&mut line, "event", text);
    let rest = format!(
        ", \"level\": \"{}\", \"pid\": {pid}, \"timestamp\": \"{}\"}}\n",
        level.name().to_lowercase(),
        timestamp(now)
    );
    line.extend_from_slice(rest.as_bytes());
    line
}

/// UTC with microseconds, always six digits.
fn timestamp(now: Stamp) -> String {
    let instant = jiff::Timestamp::new(now.sec, now.nsec as i32).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests;
