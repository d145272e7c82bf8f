//! Every line that the program logs, with its level and its text.
//!
//! Scripts wait for these texts and monitoring counts them, so they are the original's to the
//! byte. Lines that the original does not have are [`Line::Note`]s.

use std::io::Write as _;

pub use crate::level::Level;

/// One line of the log. `directory` is the directory as configured, `name` a file's name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// The work begins; with the seconds without events after which the program ends.
    StartMonitoring(Option<u64>),
    /// A directory is being watched from now on.
    StartScanning(Vec<u8>),
    /// A directory could not be watched; it is tried again.
    UnableToScan(Vec<u8>),
    /// There is no such directory (yet).
    NotADirectory(Vec<u8>),
    /// The watch ends because the program ends or the directory was moved.
    StopScanning(Vec<u8>),
    /// The watch has ended because the directory is gone.
    LostDirectory(Vec<u8>),
    /// A watched directory was deleted.
    DirectoryDeleted(Vec<u8>),
    /// A watched directory was renamed or moved.
    DirectoryMoved(Vec<u8>),
    /// The program has ended regularly.
    StopMonitoring,
    /// A signal asks the program to end.
    StopRequest,
    /// A message was acknowledged by Redis.
    Added {
        /// The directory as configured.
        directory: Vec<u8>,
        /// The file's name in it.
        name: Vec<u8>,
        /// The list's key.
        queue: Vec<u8>,
    },
    /// A listing stopped because the queue is full.
    AbortedPolling {
        /// The directory as configured.
        directory: Vec<u8>,
        /// `poll_queue_limit`.
        limit: u64,
    },
    /// The kernel's event queue overflowed (a rescan follows).
    QueueOverflowed,
    /// Redis did not answer the first PING; it is tried again.
    CannotPing,
    /// Redis never answered; the program ends.
    CannotPingExit,
    /// Redis cannot be reached; with the reason.
    Unreachable(String),
    /// A message could not be pushed now. It is kept and pushed later.
    FailedToWrite {
        /// The directory as configured.
        directory: Vec<u8>,
        /// The file's name in it.
        name: Vec<u8>,
        /// The list's key.
        queue: Vec<u8>,
        /// `created` or `exists`.
        event: &'static str,
    },
    /// Redis did not answer within `timeout`.
    RedisTimeout,
    /// Redis answered with an error; with its words as they came.
    Refused(String),
    /// The length of a list could not be asked.
    FailedToLlen(Vec<u8>),
    /// Nothing has happened for so many seconds; the program ends so that it is started again.
    Inactive(u64),
    /// No `--config`.
    NoConfig,
    /// The configuration file does not exist.
    NoSuchFile(Vec<u8>),
    /// The configuration file is a directory.
    IsADirectory(Vec<u8>),
    /// A relative file name, and no `$MFMODULE` or no `$<MFMODULE>_HOME`.
    NoModuleHome,
    /// A relative file name that is in neither of the module's directories.
    NotInModule,
    /// The configuration file cannot be read or parsed.
    ErrorLoading(Vec<u8>),
    /// No section is a monitor.
    NoDirectory,
    /// `queue` is empty.
    InvalidQueue,
    /// Two values of a setting that must be one; with its name.
    OnlyOne(&'static str),
    /// A list of expressions does not compile; with the reason.
    GetMask(String),
    /// A line that the original does not have.
    Note(Level, String),
}

impl Line {
    /// How loud it is.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::StopRequest | Self::CannotPing | Self::FailedToLlen(_) => Level::Debug,
            Self::StartMonitoring(_)
            | Self::StartScanning(_)
            | Self::StopScanning(_)
            | Self::StopMonitoring
            | Self::Added { .. }
            | Self::NotInModule => Level::Info,
            Self::UnableToScan(_)
            | Self::NotADirectory(_)
            | Self::LostDirectory(_)
            | Self::DirectoryDeleted(_)
            | Self::DirectoryMoved(_)
            | Self::AbortedPolling { .. }
            | Self::QueueOverflowed
            | Self::Unreachable(_)
            | Self::FailedToWrite { .. }
            | Self::RedisTimeout => Level::Warning,
            Self::GetMask(_) => Level::Error,
            Self::CannotPingExit
            | Self::Refused(_)
            | Self::Inactive(_)
            | Self::NoConfig
            | Self::NoSuchFile(_)
            | Self::IsADirectory(_)
            | Self::NoModuleHome
            | Self::ErrorLoading(_)
            | Self::NoDirectory
            | Self::InvalidQueue
            | Self::OnlyOne(_) => Level::Critical,
            Self::Note(level, _) => *level,
        }
    }

    /// Its text, with names as they are.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        match self {
            Self::StartMonitoring(None) => b"Start Monitoring.".to_vec(),
            Self::StartMonitoring(Some(seconds)) => {
                format!("Start Monitoring. ( Global Inactivity timeout [{seconds} seconds] )").into()
            }
            Self::StartScanning(directory) => around(b"Start Scanning [", directory, b"]"),
            Self::UnableToScan(directory) => around(b"Unable to Scan [", directory, b"]"),
            Self::NotADirectory(directory) => {
                around(b"[", directory, b"] is not a directory or does not exist")
            }
            Self::StopScanning(directory) | Self::LostDirectory(directory) => {
                around(b"Stop Scanning [", directory, b"]")
            }
            Self::DirectoryDeleted(directory) => around(b"Directory [", directory, b"] was deleted"),
            Self::DirectoryMoved(directory) => around(b"Directory [", directory, b"] was moved"),
            Self::StopMonitoring => b"Stop Monitoring.".to_vec(),
            Self::StopRequest => b"Stop Request".to_vec(),
            Self::Added { directory, name, queue } => {
                [&path(directory, name), &b" added to redis queue "[..], queue].concat()
            }
            Self::AbortedPolling { directory, limit } => {
                let words = format!(": Aborted periodic polling. Queue size limit reached ({limit})");
                around(b"", directory, words.as_bytes())
            }
            Self::QueueOverflowed => b"Event queue overflowed.".to_vec(),
            Self::FailedToLlen(queue) => around(b"failed to llen ", queue, b""),
            Self::FailedToWrite { directory, name, queue, event } => {
                let place = path(directory, name);
                let event = format!(" [{event}]");
                [&b"Failed to write on REDIS queue '"[..], queue, b"' ", &place, event.as_bytes()].concat()
            }
            other => other.trouble(),
        }
    }

    fn trouble(&self) -> Vec<u8> {
        match self {
            Self::CannotPing => b"can't ping redis...".to_vec(),
            Self::CannotPingExit => b"can't ping redis => exit".to_vec(),
            Self::RedisTimeout => b"Redis Timeout".to_vec(),
            Self::Unreachable(words) | Self::Note(_, words) => words.clone().into(),
            Self::Refused(words) => without_code(words).into(),
            Self::Inactive(seconds) => format!(
                "No incoming events for {seconds} seconds (upstream problem or internal bug) : \
                 stopping application to force a restart"
            )
            .into(),
            Self::NoConfig => b"you must provide a configuration file".to_vec(),
            Self::NoSuchFile(file) => around(b"File ", file, b" does not exist or is not accessible"),
            Self::IsADirectory(file) => around(b"", file, b" is a directory !"),
            Self::NoModuleHome => b"Can't obtain Module home directory".to_vec(),
            // The original forgot to fill in the name; scripts may look for these very words.
            Self::NotInModule => b"File %s not found under standard configuration directories".to_vec(),
            Self::ErrorLoading(file) => around(b"Error Loading config: ", file, b""),
            Self::NoDirectory => b"No directory to scan".to_vec(),
            Self::InvalidQueue => b"Invalid redis queue name".to_vec(),
            Self::OnlyOne(what) => format!("Only 1 {what} Please").into(),
            Self::GetMask(reason) => format!("getMask: {reason}").into(),
            _ => Vec::new(),
        }
    }
}

fn around(before: &[u8], middle: &[u8], after: &[u8]) -> Vec<u8> {
    [before, middle, after].concat()
}

/// The file's path as Python's `os.path.join` puts it together.
fn path(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = directory.to_vec();
    if !directory.is_empty() && !directory.ends_with(b"/") {
        path.push(b'/');
    }
    // Writing to a Vec cannot fail.
    let _ = path.write_all(name);
    path
}

/// Python's client drops the code words that it knows (`OOM command not allowed …`).
fn without_code(words: &str) -> &str {
    const KNOWN: [&str; 14] = [
        "ERR",
        "OOM",
        "READONLY",
        "LOADING",
        "NOAUTH",
        "NOPERM",
        "EXECABORT",
        "NOSCRIPT",
        "ASK",
        "MOVED",
        "CLUSTERDOWN",
        "CROSSSLOT",
        "MASTERDOWN",
        "TRYAGAIN",
    ];
    match words.split_once(' ') {
        Some((code, rest)) if KNOWN.contains(&code) => rest,
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &Line) -> String {
        format!("{} {}", line.level().name(), String::from_utf8_lossy(&line.text()))
    }

    #[test]
    fn texts_are_the_originals() {
        let d = || b"in/d1".to_vec();
        let added = |directory: &[u8]| Line::Added {
            directory: directory.into(),
            name: b"a".to_vec(),
            queue: b"q".to_vec(),
        };
        let failed = Line::FailedToWrite {
            directory: d(),
            name: b"b1".to_vec(),
            queue: b"step.p.main".to_vec(),
            event: "created",
        };
        let cases = [
            (Line::StartMonitoring(None), "INFO Start Monitoring."),
            (
                Line::StartMonitoring(Some(3)),
                "INFO Start Monitoring. ( Global Inactivity timeout [3 seconds] )",
            ),
            (Line::StartScanning(d()), "INFO Start Scanning [in/d1]"),
            (Line::StopScanning(d()), "INFO Stop Scanning [in/d1]"),
            (Line::LostDirectory(d()), "WARNING Stop Scanning [in/d1]"),
            (Line::NotADirectory(Vec::new()), "WARNING [] is not a directory or does not exist"),
            (added(b"in/d1"), "INFO in/d1/a added to redis queue q"),
            (added(b"./in//d1/"), "INFO ./in//d1/a added to redis queue q"),
            (
                Line::AbortedPolling { directory: d(), limit: 2 },
                "WARNING in/d1: Aborted periodic polling. Queue size limit reached (2)",
            ),
            (failed, "WARNING Failed to write on REDIS queue 'step.p.main' in/d1/b1 [created]"),
            (
                Line::Inactive(3),
                "CRITICAL No incoming events for 3 seconds (upstream problem or internal bug) : stopping application to force a restart",
            ),
            (Line::NoSuchFile(b"/x".to_vec()), "CRITICAL File /x does not exist or is not accessible"),
            (Line::IsADirectory(b"/x".to_vec()), "CRITICAL /x is a directory !"),
            (Line::NotInModule, "INFO File %s not found under standard configuration directories"),
            (Line::OnlyOne("redis port"), "CRITICAL Only 1 redis port Please"),
            (Line::CannotPingExit, "CRITICAL can't ping redis => exit"),
        ];
        for (line, want) in cases {
            assert_eq!(shown(&line), want);
        }
    }

    #[test]
    fn words_of_redis_lose_the_codes_that_the_client_knows() {
        let shown = |words: &str| shown(&Line::Refused(words.into()));
        assert_eq!(
            shown("OOM command not allowed when used memory > 'maxmemory'."),
            "CRITICAL command not allowed when used memory > 'maxmemory'."
        );
        assert_eq!(
            shown("READONLY You can't write against a read only replica."),
            "CRITICAL You can't write against a read only replica."
        );
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        assert_eq!(shown(wrong), format!("CRITICAL {wrong}"));
    }
}
