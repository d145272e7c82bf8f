//! The log files of a daemon: its standard output and standard error.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};

use super::files::{Files, Moved, Opened, Place};

/// Names of people's files are not for everybody.
const MODE: u32 = 0o640;

/// Both logs, opened.
pub(crate) struct Logs {
    pub(crate) out: File,
    pub(crate) err: File,
    /// What is somewhere else than wanted.
    pub(crate) moved: Vec<Moved>,
}

impl Logs {
    /// Opens both, at their ends. The error names the file.
    pub(crate) fn open(files: &Files) -> io::Result<Self> {
        let mut moved = Vec::new();
        let out = open(files.log_out.as_ref(), &mut moved)?;
        let err = open(files.log_err.as_ref(), &mut moved)?;
        Ok(Self { out, err, moved })
    }

    /// Makes them what this process writes to, between two lines.
    pub(crate) fn put_in_place(&self) -> io::Result<()> {
        // Whoever writes a line holds these locks while it does.
        let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
        stdout.flush().and_then(|()| stderr.flush())?;
        rustix::stdio::dup2_stdout(&self.out)?;
        rustix::stdio::dup2_stderr(&self.err)?;
        Ok(())
    }
}

fn open(place: Option<&Place>, moved: &mut Vec<Moved>) -> io::Result<File> {
    let Some(place) = place else { return OpenOptions::new().write(true).open("/dev/null") };
    let Opened { file, moved: from, .. } =
        place.open(OpenOptions::new().append(true).create(true), MODE).map_err(|error| {
            io::Error::new(error.kind(), format!("open the log {}: {error}", place.path.display()))
        })?;
    // Two logs of one place are one sentence.
    moved.extend(from.filter(|from| !moved.contains(from)));
    Ok(file)
}

/// What was written last, for somebody who does not know the log yet: at most so many lines from `from` on.
pub(crate) fn tail(file: &mut File, from: u64, lines: usize) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const ENOUGH: u64 = 16 * 1024;
    let end = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let mut bytes = Vec::new();
    if file.seek(SeekFrom::Start(from.max(end.saturating_sub(ENOUGH)))).is_ok() {
        let _ = file.take(ENOUGH).read_to_end(&mut bytes);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
