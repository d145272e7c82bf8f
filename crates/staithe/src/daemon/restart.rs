//! Starting a daemon again: with the words, in the directory and with the environment that it was started with.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::files::Place;
use super::inside::MARK;
use super::stop::{Stopped, running, stop};
use crate::exit::{Exit, failure};

/// How a daemon was started.
pub(crate) struct Beginning {
    argv: Vec<OsString>,
    pub(crate) directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

/// Stops it and starts it again; gives nothing if it does not run. The exit code is that of the start.
pub(crate) fn restart(place: &Place, grace: Duration) -> anyhow::Result<Option<Exit>> {
    let Some((path, pid)) = running(place)? else { return Ok(None) };
    let beginning = Beginning::of(pid).map_err(|error| {
        failure(Exit::Failed, format!("failed to read how process {pid} was started: {error}"))
    })?;
    // What was read is of a process that held the file before; it is ours if it holds it still.
    if running(place)? != Some((path, pid)) {
        return Err(failure(Exit::Failed, format!("process {pid} ended by itself meanwhile; start it anew")));
    }
    // Before the old one is stopped: nobody would watch afterwards.
    if !beginning.directory.is_dir() {
        let directory = beginning.directory.display();
        let text = format!(
            "the directory in which process {pid} was started is gone ({directory}), so it cannot be started again \
             there; it goes on. Fix: stop it, and start it where you want it"
        );
        return Err(failure(Exit::Failed, text));
    }
    let Some(mut command) = beginning.command() else {
        let text =
            format!("process {pid} runs in the foreground: restart it where it was started, or stop it");
        return Err(failure(Exit::Usage, text));
    };
    match stop(place, grace)? {
        Stopped::Done { killed: true, .. } => {
            crate::log::warning(&format!("process {pid} did not end in time and was killed"));
        }
        Stopped::Done { .. } | Stopped::NotRunning | Stopped::Stale(_) => {}
    }
    let status = command.status().map_err(|error| {
        failure(Exit::Failed, format!("process {pid} was stopped, but starting it again failed: {error}"))
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Some(code.map_or(Exit::Failed, Exit::from_code)))
}

impl Beginning {
    /// Reads what the kernel knows of it; only its own user may.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let words = |file: &str| -> io::Result<Vec<OsString>> {
            let bytes = fs::read(format!("/proc/{pid}/{file}"))?;
            let ended = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
            Ok(ended.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect())
        };
        let pair = |word: OsString| {
            let bytes = word.as_bytes();
            let middle = bytes.iter().position(|byte| *byte == b'=')?;
            let part = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
            Some((part(&bytes[..middle]), part(&bytes[middle + 1..])))
        };
        Ok(Self {
            argv: words("cmdline")?,
            directory: fs::read_link(format!("/proc/{pid}/cwd"))?,
            environment: words("environ")?.into_iter().filter_map(pair).collect(),
        })
    }

    /// The words that somebody typed, the program's name first.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let marked = self.argv.get(1).is_some_and(|word| word.as_os_str() == OsStr::new(MARK));
        let kept = self.argv.iter().enumerate().filter(|(place, _)| !(marked && *place == 1));
        kept.map(|(_, word)| word.clone()).collect()
    }

    /// What its environment says, as a path.
    pub(crate) fn variable(&self, name: &str) -> Option<PathBuf> {
        let found = self.environment.iter().find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.into())
    }

    /// The command that somebody typed; nothing if it was not started as a daemon.
    fn command(self) -> Option<Command> {
        let (name, rest) = self.argv.split_first()?;
        let (mark, words) = rest.split_first()?;
        if mark.as_os_str() != OsStr::new(MARK) {
            return None;
        }
        let mut command = Command::new("/proc/self/exe");
        command.arg0(name).args(words).current_dir(self.directory);
        command.env_clear().envs(self.environment);
        Some(command)
    }
}
